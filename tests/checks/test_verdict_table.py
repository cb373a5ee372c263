"""Unknown groups, small groups, declared groups: each combination gets the verdict it is promised.

Every case is two groups of 2,000 rows, half of them selected, and something beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from measuring import from_counts

import pytest_aipm
from pytest_aipm.baseline import write_baseline
from pytest_aipm.records import Record, RunVerdict, Verdict

HALF = (500, 500, 500, 500)
GAP, TPR = "fairness.demographic_parity_difference", "fairness.equal_opportunity_difference"
PASS, FAIL, WARN = Verdict.PASS, Verdict.FAIL, Verdict.WARN
NO, ERROR = Verdict.NOT_JUDGED, Verdict.ERROR


def rows(**beside: tuple[int, int, int, int]) -> pd.DataFrame:
    """Groups ``f`` and ``m``, and others; ``unknown`` has no name."""
    frame = from_counts({"f": HALF, "m": HALF, **beside})
    return frame.assign(sex=frame["sex"].where(frame["sex"] != "unknown"))


def audit(
    frame: pd.DataFrame, root: Path, *, check: str = GAP, sex: Any = "sex", **keys: Any
) -> Record:
    return pytest_aipm.audit(
        {
            "aipm": 1,
            "name": "table",
            "context": {"purpose": "hold what is promised", "owner": "tests@example.org"},
            "subject": {
                "task": "binary",
                "predictions": "pred",
                "label": "y",
                "positive": 1,
                "protected": {"sex": sex},
            },
            "checks": [{"check": check, "id": "node", "limit": {"max": 0.10}, **keys}],
        },
        data=frame,
        root=root,
    )


def fair(n: int) -> tuple[int, int, int, int]:
    return (n // 4, n // 4, n // 4, n // 4)


def rejected(n: int) -> tuple[int, int, int, int]:
    return (0, n // 2, 0, n // 2)


@pytest.mark.parametrize(
    ("unknown", "keys", "verdict", "because"),
    [
        # counted and left out, whatever their rate, up to a twentieth of all rows
        (None, {}, PASS, None),
        (rejected(160), {}, PASS, None),
        (rejected(160), {"unknown": "report"}, PASS, None),
        (fair(480), {}, FAIL, "unknown"),
        (fair(480), {"max_unknown": 0.2}, PASS, None),
        (fair(480), {"max_unknown": 0.1}, FAIL, "unknown"),
        (fair(1000), {"max_unknown": 0.2}, PASS, None),  # 1,000 of 5,000: just as many as allowed
        (fair(4), {"max_unknown": 0}, FAIL, "unknown"),
        # a group like any other, whatever its share
        (fair(480), {"unknown": "group"}, PASS, None),
        (rejected(480), {"unknown": "group"}, FAIL, "limit"),
        (fair(4000), {"unknown": "group"}, PASS, None),
        (fair(4000), {"unknown": "group", "max_unknown": 0}, PASS, None),
        # none at all, whatever their share
        (None, {"unknown": "fail"}, PASS, None),
        (fair(4), {"unknown": "fail"}, FAIL, "unknown"),
        (fair(4), {"unknown": "fail", "max_unknown": 0.9}, FAIL, "unknown"),
        # by count, so the way to decide is no matter; severity is
        (fair(480), {"decide_on": "proof"}, FAIL, "unknown"),
        (fair(480), {"decide_on": "point"}, FAIL, "unknown"),
        (fair(480), {"severity": "advice"}, WARN, "unknown"),
        (fair(480), {"enabled": False}, NO, "disabled"),
    ],
)
def test_rows_of_unknown_group_count_as_the_policy_says(
    unknown: Any, keys: dict[str, Any], verdict: Verdict, because: str | None, tmp_path: Path
) -> None:
    record = audit(rows(**({"unknown": unknown} if unknown else {})), tmp_path, **keys)
    (found,) = record.findings
    assert (found.verdict, found.because) == (verdict, because), found.reason
    assert found.failing is (verdict is FAIL)
    counted = {each.group["sex"]: each.n for each in record.audits[0].groups}
    if because != "disabled":
        assert counted.get("(unknown)", 0) == sum(unknown or ())
    compared = "(unknown)" in {each.group["sex"] for each in found.groups}
    assert compared is (keys.get("unknown") == "group")


def test_a_broken_limit_is_named_before_the_unknown_rows_and_both_are_said(tmp_path: Path) -> None:
    (found,) = audit(rows(low=rejected(400), unknown=fair(800)), tmp_path).findings
    assert (found.verdict, found.because) == (FAIL, "limit")
    assert "800 of 5,200 rows (15.4%) have no sex; at most 5.0% may be unknown" in found.reason


def test_without_groups_nobody_is_unknown(tmp_path: Path) -> None:
    keys = {"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.4}}
    (found,) = audit(rows(unknown=fair(4000)), tmp_path, **keys).findings
    assert (found.verdict, found.n) == (PASS, 8000)


@pytest.mark.parametrize(
    ("few", "check", "least", "verdict", "judged"),
    [
        (rejected(20), GAP, 1, FAIL, True),
        (rejected(20), GAP, 20, FAIL, True),  # as many as asked for
        (rejected(20), GAP, 21, PASS, False),
        (fair(20), GAP, 1, Verdict.INCONCLUSIVE, True),
        (fair(20), GAP, 30, PASS, False),
        # by the denominator of the metric: 20 of these 400 people have the positive label
        ((0, 20, 190, 190), TPR, 20, FAIL, True),
        ((0, 20, 190, 190), TPR, 21, PASS, False),
        ((0, 20, 190, 190), "fairness.false_positive_rate_difference", 21, PASS, True),
        ((0, 0, 190, 190), TPR, 1, Verdict.INCONCLUSIVE, False),  # undefined, not small
        ((0, 0, 190, 190), TPR, 2, PASS, False),
    ],
)
def test_small_groups_are_left_unjudged_where_the_policy_says_so_and_are_counted(
    few: tuple[int, int, int, int],
    check: str,
    least: int,
    verdict: Verdict,
    judged: bool,
    tmp_path: Path,
) -> None:
    (found,) = audit(rows(few=few), tmp_path, check=check, min_group_size=least).findings
    assert found.verdict is verdict, found.reason
    by_name = {each.group["sex"]: each for each in found.groups}
    assert by_name["few"].n == sum(few)
    assert by_name["few"].judged is judged
    assert by_name["f"].judged


def test_where_all_groups_are_too_small_nothing_is_judged_and_nothing_proven(
    tmp_path: Path,
) -> None:
    record = audit(rows(), tmp_path, min_group_size=2001)
    (found,) = record.findings
    assert (found.verdict, found.because) == (NO, "no_evidence")
    assert "fewer than two groups with at least 2001 rows have a defined" in found.reason
    assert record.verdict is RunVerdict.UNPROVEN


def test_a_breach_does_not_vanish_behind_a_larger_min_group_size(tmp_path: Path) -> None:
    frame = rows(few=rejected(100))
    before = audit(frame, tmp_path)
    assert before.findings[0].verdict is FAIL
    place = tmp_path / "aipm-baseline.json"
    write_baseline(before, place, by="someone", reason="a test", when="2026-01-01")
    (found,) = audit(frame, tmp_path, min_group_size=200).findings
    assert (found.verdict, found.because) == (FAIL, "evidence_lost")
    assert "no longer judged: few" in found.reason


@pytest.mark.parametrize(
    ("declared", "verdict", "shown"),
    [
        ({"groups": ["f", "m"]}, PASS, ["f", "m", "x"]),
        ({"groups": ["m", "x", "f"]}, PASS, ["f", "m", "x"]),
        ({"groups": ["f", "m", "y"]}, ERROR, []),
        ({"groups": ["f", "m", "y"], "optional": ["y"]}, PASS, ["f", "m", "x"]),
        ({"groups": ["f", "m", "x"], "optional": ["x"]}, PASS, ["f", "m", "x"]),
        ({"groups": ["f", "m", "y", "z"], "optional": ["y"]}, ERROR, []),
        ({"groups": ["f", "m"], "reference": "m"}, PASS, ["f", "m", "x"]),
    ],
    ids=str,
)
def test_declared_groups_must_be_there_unless_optional_and_others_are_compared_all_the_same(
    declared: dict[str, Any], verdict: Verdict, shown: list[str], tmp_path: Path
) -> None:
    record = audit(rows(x=fair(1200)), tmp_path, sex={"column": "sex", **declared})
    (found,) = record.findings
    assert found.verdict is verdict, found.reason
    assert sorted(each.group["sex"] for each in found.groups) == shown
    if verdict is ERROR:
        assert "does not occur (found: f, m, x)" in found.reason
        assert record.verdict is RunVerdict.FAIL
