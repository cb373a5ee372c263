"""Small sibling of the benchmark of the framing checks: fixed seeds, the same code."""

from __future__ import annotations

import pytest
from test_benchmarks_paired import load

# what two million rows say, as the whole benchmark finds it
TRUTHS = {
    "accuracy, a rule": 0.0696,
    "accuracy, the closer of two rules": 0.0703,
    "rmse, a formula": 0.3444,
    "four numbers": -188.1,
    "four numbers, worst group": -203.8,
}


@pytest.fixture(scope="module")
def framing():
    return load("framing")


@pytest.mark.parametrize("said", TRUTHS)
def test_a_model_on_its_limit_seldom_fails_or_passes(framing, said: str) -> None:
    (case,) = (each for each in framing.cases() if each.said == said)
    found = framing.verdicts(case, TRUTHS[said], 60, 400, start=1_000_000)
    # 8 of 60 is the 99th percentile of a true 5 %
    assert max(found.fails, found.passes) <= 8


@pytest.mark.parametrize("place", [0, 6])
def test_a_planted_distance_is_seen_on_both_sides(framing, place: int) -> None:
    fault = framing.faults()[place]
    truth = TRUTHS[fault.case.said]
    worse = framing.verdicts(fault.case, truth + fault.gap, 10, fault.rows, start=1_100_000)
    better = framing.verdicts(fault.case, truth - fault.gap, 10, fault.rows, start=1_200_000)
    assert worse.fails >= 8
    assert better.passes >= 8
