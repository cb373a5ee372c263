"""The same work done by pytest-aipm: counts and rates of 81 groups, and whole audits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.people import LEVELS, METRICS, SETS, set_name
from pytest_aipm.checks.rates import RATES
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Subject
from pytest_aipm.sources.data import DataSource, DataSpec, open_data

__all__ = ["content_of", "opened", "point_estimates", "rate_policy"]

SUBJECT = Subject(
    task="binary",
    label="label",
    positive=1,
    favorable=1,
    predictions="predicted",
    attributes=tuple(Attribute(name, name) for name in LEVELS),
)
RATE_CHECKS = (
    "demographic_parity",
    "equal_opportunity",
    "false_positive_rate",
    "false_negative_rate",
    "predictive_parity",
    "accuracy",
)


def opened(data: Any) -> DataSource:
    """Return a table or a path as evidence reads it."""
    return open_data(DataSpec(path=data) if isinstance(data, str) else data, root=Path.cwd())


def point_estimates(data: DataSource) -> dict[str, float]:
    """Return six metrics of 81 groups, and their differences and ratios, from one pass."""
    evidence = Evidence(SUBJECT, data, need_label=True)
    found: dict[str, float] = {}
    for by in SETS:
        counts = evidence.counts(by)
        keys = ["|".join(key) for key in counts.grouping.keys]
        for metric in METRICS:
            hits, rows = RATES[metric].counts(counts.table, SUBJECT)
            values = hits / rows
            place = f"{metric}/{set_name(by)}"
            found |= {
                f"{place}/{key}": value for key, value in zip(keys, values.tolist(), strict=True)
            }
            found[f"{place}/difference"] = float(np.max(values) - np.min(values))
            found[f"{place}/ratio"] = float(np.min(values) / np.max(values))
    return found


def content_of(checks: Sequence[dict[str, Any]], **subject: Any) -> dict[str, Any]:
    """Return what a policy file would hold."""
    return {
        "aipm": 1,
        "name": "speed",
        "context": {"purpose": "benchmark", "owner": "benchmark"},
        "subject": {
            "task": "binary",
            "label": "label",
            "positive": 1,
            "favorable": 1,
            "protected": {name: name for name in LEVELS},
            **subject,
        },
        "checks": list(checks),
    }


def rate_policy(**subject: Any) -> dict[str, Any]:
    """Return the policy that asks for the same with intervals: 72 findings with a verdict each.

    Parameters
    ----------
    **subject
        How rows are decided, where no column says so.
    """
    by = [list(each) for each in SETS]
    checks = []
    for name in RATE_CHECKS:
        checks.append({"check": f"fairness.{name}_difference", "by": by, "limit": {"max": 0.10}})
        checks.append({"check": f"fairness.{name}_ratio", "by": by, "limit": {"min": 0.80}})
    return content_of(checks, **(subject or {"predictions": "predicted"}))
