"""Rows of every kind, policies over them, and how Spark's findings are held to those of here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd


def people(seed: int, n: int) -> pd.DataFrame:
    """Rows of every kind of column, with gaps, and groups that come late in the file."""
    rng = np.random.default_rng(seed)
    income = rng.normal(50, 15, n)
    late = np.where(np.arange(n) > n - 40, "Z", rng.choice(["A", "B"], n))
    y = (income + rng.normal(0, 10, n) > 50).astype(int)
    score = 1 / (1 + np.exp(-(income - 50 + rng.normal(0, 8, n)) / 10))
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "income": np.where(rng.random(n) < 0.03, np.nan, income),
            "age": pd.array(np.where(rng.random(n) < 0.05, None, rng.integers(18, 80, n)), "Int64"),
            "region": rng.integers(0, 4, n),
            "sex": np.where(rng.random(n) < 0.05, None, rng.choice(["F", "<b>M</b>"], n)),
            "race": pd.Categorical(late, categories=["Z", "B", "A"]),
            "veteran": pd.array(
                np.where(rng.random(n) < 0.1, None, rng.random(n) < 0.4), "boolean"
            ),
            "written": rng.choice(["2026-01-02", "02.01.2026"], n),
            "note": rng.choice(["n/a", "fine", "jo@example.org"], n),
            "weight": rng.integers(0, 4, n) + 0.5,
            "person": rng.integers(0, n // 3, n),
            "y": y,
            "p": (score > 0.5).astype(int),
            "s": score,
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D"),
        }
    )


def policy(data: Any, checks: list[dict[str, Any]], **subject: Any) -> dict[str, Any]:
    named = {"task": "binary", "data": data, "label": "y", "positive": 1, "id": "id", "date": "day"}
    groups = {"sex": "sex", "race": "race", "veteran": "veteran"}
    return {
        "aipm": 1,
        "name": "equal",
        "context": {"purpose": "Choose", "owner": "team@example.org"},
        "subject": named | {"protected": groups} | subject,
        "checks": checks,
    }


def first_difference(one: Any, two: Any, at: str = "") -> str:
    """Return where two records differ by more than rounding; an empty text where they do not."""
    if isinstance(one, float) and isinstance(two, float):
        alike = math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
        return (
            "" if alike or (math.isnan(one) and math.isnan(two)) else f"{at}: {one!r} and {two!r}"
        )
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        pairs = [(one[key], two[key], f"{at}.{key}") for key in one]
    elif isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        pairs = [(a, b, f"{at}[{i}]") for i, (a, b) in enumerate(zip(one, two, strict=True))]
    else:
        return "" if one == two else f"{at}: {one!r} and {two!r}"
    return next((said for pair in pairs if (said := first_difference(*pair))), "")


def held_equal(here: Any, there: Any) -> None:
    assert not any(each.verdict == "error" for each in here.findings)
    for one, two in zip(here.findings, there.findings, strict=True):
        assert first_difference(one.model_dump(), two.model_dump(), one.id) == "", two.reason
    (mine,), (theirs,) = here.audits, there.audits
    assert theirs.groups == mine.groups
    assert theirs.missing == mine.missing
    assert theirs.warnings == mine.warnings
    assert theirs.subject.data.rows == mine.subject.data.rows
    assert theirs.subject.data.period == mine.subject.data.period
