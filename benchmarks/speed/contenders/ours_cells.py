"""Audits of rows whose two attributes meet in more and more cells."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.speed.people import METRICS, drawn
from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import RATE_CHECKS, SUBJECT, content_of, opened
from pytest_aipm import audit
from pytest_aipm.checks.rates import RATES
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute
from pytest_aipm.sources.data import DataSource
from pytest_aipm.stats.disparity import rate_difference, rate_ratio

CELLS = replace(
    SUBJECT, attributes=(Attribute("district", "district"), Attribute("trade", "trade"))
)


def table_of(rows: int, levels: tuple[int, int], seed: int) -> Any:
    """Return rows with two attributes of so many values, as texts."""
    rng = np.random.default_rng(seed)
    held = drawn(rows, seed)
    found = {name: held[name].astype(np.int64) for name in ("label", "predicted")}
    for name, count in zip(("district", "trade"), levels, strict=True):
        names = np.array([f"{name} {i:03}" for i in range(count)])
        found[name] = names[rng.integers(0, count, rows)]
    return pd.DataFrame(found)


def policy_of() -> dict[str, Any]:
    """Return a policy of twelve disparities between the cells."""
    by = [["district", "trade"]]
    checks = []
    for name in RATE_CHECKS:
        checks.append({"check": f"fairness.{name}_difference", "by": by, "limit": {"max": 0.10}})
        checks.append({"check": f"fairness.{name}_ratio", "by": by, "limit": {"min": 0.80}})
    content = content_of(checks, predictions="predicted")
    content["subject"]["protected"] = {"district": "district", "trade": "trade"}
    return content


def compared(data: DataSource) -> None:
    """Count, and compare six rates between the cells, differences and ratios with their ends."""
    counts = Evidence(CELLS, data, need_label=True).counts(("district", "trade"))
    for metric in METRICS:
        hits, rows = RATES[metric].counts(counts.table, CELLS)
        rate_difference(hits, rows)
        rate_ratio(hits, rows)


def measure(
    rows: int = 1_000_000, levels: tuple[int, int] = (10, 10), repeat: int = 3
) -> dict[str, Any]:
    """Return what the comparison, and an audit, cost at best, after one of the same cells.

    Parameters
    ----------
    rows : int
    levels : two int
        Values of either attribute.
    repeat : int
    """
    table, policy = table_of(rows, levels, 0), policy_of()
    compared(opened(table))
    # a source may keep what it decoded: each round gets one of its own
    turns = [timed(partial(compared, opened(table)))[0] for _ in range(max(repeat, 3))]
    counted = min(turns, key=lambda spent: spent["cpu"])
    first, record = timed(lambda: audit(policy, data=table))
    spent, record = timed(lambda: audit(policy, data=table), repeat)
    cells = {len(each.groups) for each in record.findings}
    return {
        "counted": counted,
        "audit": spent,
        "first": first,
        "cells": max(cells),
        "verdict": str(record.verdict),
    }


if __name__ == "__main__":
    answer(measure)
