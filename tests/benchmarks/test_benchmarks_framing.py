"""Small sibling of the benchmark of the framing checks: fixed seeds, the same code."""

from __future__ import annotations

import pytest
from test_benchmarks_paired import load


@pytest.fixture(scope="module")
def framing():
    return load("framing")


@pytest.mark.parametrize(
    "said",
    [
        "accuracy, a rule",
        "accuracy, the closer of two rules",
        "f1, a rule",
        "rmse, a formula",
        "four numbers",
        "four numbers, worst group",
    ],
)
def test_a_limit_at_the_truth_seldom_decides_and_one_at_a_distance_does(framing, said) -> None:
    (case,) = (each for each in framing.cases() if each.said == said)
    _, (found,) = framing.verdicts(case, 100, (1500,))
    # 11 of 100 is the 99.6th percentile of a true 5 %
    assert max(found.fails, found.passes) <= 11
    assert found.caught >= 85
    assert found.proved >= 85


def test_what_a_chosen_threshold_is_told_to_be_worth_does_not_flatter_it(framing) -> None:
    seen, told, true = framing.optimism(40, 400)
    assert seen > true
    assert told < seen
    assert told < true + (seen - true)
