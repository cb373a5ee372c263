"""A good policy, and small checks that measure nothing."""

from __future__ import annotations

from enum import StrEnum
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pytest_aipm.checks.base import CheckParams, Needs

GOOD = """\
aipm: 1
name: credit
context: {purpose: Pre-screen loans, owner: risk@example.org}
subject:
  task: binary
  scores: score
  decision: {threshold: 0.5}
  data: holdout.csv
  label: defaulted
  positive: 1
  protected: {sex: sex, race: {column: race, groups: [A, B]}}
checks:
  - {check: fairness.fake_gap, id: gap, limit: {max: 0.1}}
"""


class MetricParams(CheckParams):
    """A check with keys of its own."""

    metric: Literal["roc_auc", "accuracy"]
    top: int = 3
    linked: tuple[str, ...] = ()


def fake(name: str, doc: str = "A title.\n\n## Question\nWhy?", **constants: Any) -> ModuleType:
    """Return a check module that was never a file."""
    module = ModuleType(f"fakes.{name}", doc)
    filled = {
        "NEEDS": Needs(),
        "KIND": "sample",
        "SCOPES": "either",
        "Params": CheckParams,
        "check": print,
        **constants,
    }
    for key, value in filled.items():
        setattr(module, key, value)
    return module


class Level(StrEnum):
    """One of a few words."""

    LOW = "low"
    HIGH = "high"


class Column(BaseModel):
    """A mapping inside a check."""

    model_config = ConfigDict(extra="forbid")

    name: str
    weight: float = 1.0


class RichParams(CheckParams):
    """Every kind of key a check may have."""

    level: Level = Level.LOW
    code: str = Field(default="AB", pattern="^[A-Z]+$", min_length=1)
    step: int = Field(default=5, multiple_of=5)
    columns: tuple[Column, ...] = ()
    main: Column | None = None
    either: str | tuple[str, ...] = ()
    pairs: dict[str, Column] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _low_has_no_main(self) -> RichParams:
        if self.level == Level.LOW and self.main is not None:
            raise ValueError("'main' needs `level: high`; change one")
        return self


FAKES = {
    "fairness.fake_rich": fake("rich", Params=RichParams, DEFAULT_LIMIT={"max": 0.1}),
    "fairness.fake_gap": fake("gap", SCOPES="groups", NEEDS=Needs(predictions=True)),
    "fairness.fake_default": fake("default", SCOPES="groups", DEFAULT_LIMIT={"max": 0.1}),
    "performance.fake_metric": fake(
        "metric",
        Params=MetricParams,
        NEEDS=Needs(label=True, scores=True),
        TASKS=("binary", "regression"),
    ),
    "privacy.fake_attack": fake(
        "attack", SCOPES="overall", UNITS=("", "auc"), NEEDS=Needs(train=True, model=True)
    ),
    "data.fake_count": fake(
        "count", SCOPES="overall", KIND="census", DECIDE_ON="point", TASKS=("binary", "regression")
    ),
}
