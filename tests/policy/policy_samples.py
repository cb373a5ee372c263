"""A good policy, and small checks that measure nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

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


FAKES = {
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
