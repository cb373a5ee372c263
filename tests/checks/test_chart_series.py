"""The series that checks give the charts: thresholds, reliability, the attack's curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from measuring import measure

from pytest_aipm.checks.thresholds import MOST_LINES, STEPS
from pytest_aipm.evidence.subject import Decision
from pytest_aipm.records import Series
from pytest_aipm.report.publish import _thin

SCORED = {"scores": "s", "predictions": None}


def scored(seed: int = 0, n: int = 900, groups: str = "fmx") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    s = rng.beta(2, 3, n).round(4)
    return pd.DataFrame(
        {"sex": rng.choice(list(groups), n), "s": s, "y": (rng.random(n) < s).astype(int)}
    )


def series_of(frame: pd.DataFrame, decision: Decision | None) -> tuple[Series, ...]:
    found = measure("fairness.score_gap", frame, subject=SCORED | {"decision": decision})
    return found.series


@pytest.mark.parametrize("way", ["above", "below"])
def test_the_selection_rate_at_each_threshold_is_what_deciding_there_would_give(way) -> None:
    frame = scored()
    lines = series_of(frame, Decision(threshold=0.35, favorable_when=way))
    assert [one.name for one in lines] == ["f", "m", "x"]
    for one in lines:
        own = frame.loc[frame["sex"] == one.name, "s"].to_numpy()
        expected = [np.mean(own >= at) if way == "above" else np.mean(own < at) for at in one.x]
        assert one.y == pytest.approx(expected)
        assert one.mark == 0.35
        assert len(one.x) <= STEPS + 1
        between = np.histogram(own, bins=[-np.inf, *one.x])[0]
        # numpy closes only the last interval; a score at the last threshold is not below it
        between[-1] -= int(np.sum(own == one.x[-1]))
        assert list(one.counts) == between.tolist()
        assert min(one.counts) > 0


def test_no_threshold_no_curve() -> None:
    assert series_of(scored(), None) == ()
    share = Decision(threshold=None, favorable_when="above", top_k=0.3)
    assert series_of(scored(), share) == ()


def test_of_many_groups_the_largest_are_drawn() -> None:
    frame = scored(1, 3000, "abcdefgh")
    lines = series_of(frame, Decision(threshold=0.5, favorable_when="above"))
    largest = frame["sex"].value_counts().index[:MOST_LINES]
    assert [one.name for one in lines] == sorted(largest)


def test_steps_of_a_few_people_are_not_published() -> None:
    lines = series_of(scored(2, 300), Decision(threshold=0.35, favorable_when="above"))
    assert any(0 < n < 5 for one in lines for n in one.counts)
    for one in lines:
        shown = _thin(one, 5)
        assert 0 < len(shown.x) == len(shown.y) == len(shown.counts) < len(one.x)
        assert min(shown.counts) >= 5


def test_the_expected_calibration_error_draws_its_bins() -> None:
    subject = SCORED | {"decision": Decision(threshold=0.5, favorable_when="above")}
    alone = measure("performance.metric", scored(), by=(), subject=subject, metric="ece")
    assert [(one.name, one.kind) for one in alone.series] == [("all rows", "reliability")]
    assert sum(alone.series[0].counts) == 900
    grouped = measure("performance.metric", scored(), subject=subject, metric="ece")
    assert [one.name for one in grouped.series] == ["f", "m", "x"]


def test_bins_of_a_few_people_leave_their_line() -> None:
    one = Series(
        name="f",
        kind="reliability",
        x=(0.1, 0.5, 0.9),
        y=(0.0, 0.5, 1.0),
        lo=(0.0, 0.4, 0.8),
        hi=(0.2, 0.6, 1.0),
        counts=(2, 40, 60),
    )
    shown = _thin(one, 5)  # the small bin, and the next one, which would give it away
    assert (shown.x, shown.y, shown.counts) == ((0.9,), (1.0,), (60,))
