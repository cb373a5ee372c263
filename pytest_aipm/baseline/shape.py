"""What a baseline file must hold; other keys are for readers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from pytest_aipm.judge import State
from pytest_aipm.policy.draft7 import DIALECT, Schema, draft7
from pytest_aipm.records import Approval, Asked, GroupValue, Limit

__all__ = ["FORMAT", "StoredFile", "baseline_schema"]

FORMAT = 1


class _Shape(BaseModel):
    """What a baseline must hold; other keys are for readers."""

    model_config = ConfigDict(strict=True, use_attribute_docstrings=True)


class _StoredEntry(_Shape):
    """A finding as it was measured."""

    value: FiniteFloat | None
    """What was measured; null where nothing could be."""
    interval: Annotated[list[FiniteFloat | None], Field(min_length=2, max_length=2)] | None = None
    """Both ends of its interval."""
    state: State
    """What its limit said of it then."""
    sizes: list[FiniteFloat]
    """Rows behind each of `part_names`."""
    part_names: list[str]
    """What the value is made of."""
    groups: list[GroupValue]
    """Counts and values of each group; no rows."""

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if self.sizes and len(self.sizes) != len(self.part_names):
            raise ValueError("a size for each part")
        return self


class _StoredRetraining(_Shape):
    """How much honest retrains of the approved recipe change a finding."""

    n: Annotated[int, Field(ge=2)]
    """How many were measured."""
    spread: Annotated[FiniteFloat, Field(ge=0)]
    """Bounds the change for the worse from one to another: what ``gate: no-worse`` allows."""
    when: str = ""
    """The UTC date."""


class _StoredFinding(_StoredEntry):
    """A finding as it was approved."""

    formula: str | None = None
    """Which formula it was measured by."""
    conditions: dict[str, str] = Field(default_factory=dict)
    """On what machine, where the value hangs on it."""
    against: str | None = None
    """Whom the groups were compared with."""
    limit: Limit | None = None
    """The limit it was held to."""
    warn: Limit | None = None
    """The stricter limit that warned."""
    asked: Asked | None = None
    """What else the policy asked of it."""
    retraining: _StoredRetraining | None = None
    """What retrains showed, where somebody measured it."""
    confidence: float | None = None
    """Level of each one-sided end of the interval."""
    decide_on: str | None = None
    """What was compared with the limit."""
    severity: str = "error"
    """Whether a broken limit failed the build or only warned."""
    anchor: _StoredEntry | None = None
    """The finding as it was first approved: what `max_total_change` speaks of."""


class _StoredPairing(_Shape):
    """The pairing file of this approval."""

    tag: str
    """Which file belongs to it."""
    rows: int
    """How many rows it holds."""


class _StoredFacts(_Shape):
    """What the run stood on: a later run that stands on less says so."""

    rows: int | None = None
    """Rows that were audited."""
    unknown: dict[str, FiniteFloat] = Field(default_factory=dict)
    """Share of rows whose group is unknown, by attribute."""
    groups: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Rows of each group, by attribute."""
    bins: dict[str, list[FiniteFloat]] = Field(default_factory=dict)
    """Cut points, by attribute."""
    decision: str | None = None
    """How a score became a decision."""
    positive: str | None = None
    """The class the score predicts."""
    favorable: str | None = None
    """The outcome that is good for a person."""
    weights: str | None = None
    """The column of weights, and its kind."""
    cluster: str | None = None
    """The column that says whose row it is."""
    seed: int = 0
    """Seed of all resampling."""
    pairing: _StoredPairing | None = None
    """The file that holds the approved decisions, where there is one."""


class _StoredPolicy(_Shape):
    """What was approved for one policy."""

    approved: Approval
    """Who approved it, when and why."""
    facts: _StoredFacts
    """What the run stood on."""
    findings: dict[str, _StoredFinding]
    """Every finding by its id."""


class StoredFile(_Shape):
    """The whole file: the policies of a project by name."""

    aipm_baseline: int
    """Version of this format."""
    policies: dict[str, _StoredPolicy]
    """The policies by name."""


def baseline_schema() -> Schema:
    """Return the schema of a baseline file, of draft 7."""
    schema = draft7(StoredFile)
    schema["properties"]["aipm_baseline"] |= {"const": FORMAT}
    return {"$schema": DIALECT, "title": "pytest-aipm baseline", **schema}
