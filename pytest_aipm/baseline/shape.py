"""What a baseline file must hold; other keys are for readers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from pytest_aipm.judge import State
from pytest_aipm.records import Approval, Asked, GroupValue, Limit

__all__ = ["FORMAT", "StoredFile"]

FORMAT = 1


class _Shape(BaseModel):
    """What a baseline must hold; other keys are for readers."""

    model_config = ConfigDict(strict=True)


class _StoredEntry(_Shape):
    value: FiniteFloat | None
    interval: Annotated[list[FiniteFloat | None], Field(min_length=2, max_length=2)] | None = None
    state: State
    sizes: list[FiniteFloat]
    part_names: list[str]
    groups: list[GroupValue]

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if self.sizes and len(self.sizes) != len(self.part_names):
            raise ValueError("a size for each part")
        return self


class _StoredRetraining(_Shape):
    n: Annotated[int, Field(ge=2)]
    spread: Annotated[FiniteFloat, Field(ge=0)]
    when: str = ""


class _StoredFinding(_StoredEntry):
    formula: str | None = None
    against: str | None = None
    limit: Limit | None = None
    warn: Limit | None = None
    asked: Asked | None = None
    retraining: _StoredRetraining | None = None
    confidence: float | None = None
    decide_on: str | None = None
    severity: str = "error"
    anchor: _StoredEntry | None = None


class _StoredPairing(_Shape):
    tag: str
    rows: int


class _StoredFacts(_Shape):
    rows: int | None = None
    unknown: dict[str, FiniteFloat] = Field(default_factory=dict)
    groups: dict[str, dict[str, int]] = Field(default_factory=dict)
    bins: dict[str, list[FiniteFloat]] = Field(default_factory=dict)
    decision: str | None = None
    positive: str | None = None
    favorable: str | None = None
    weights: str | None = None
    cluster: str | None = None
    seed: int = 0
    pairing: _StoredPairing | None = None


class _StoredPolicy(_Shape):
    approved: Approval
    facts: _StoredFacts
    findings: dict[str, _StoredFinding]


class StoredFile(_Shape):
    """The whole file: the policies of a project by name."""

    aipm_baseline: int
    policies: dict[str, _StoredPolicy]
