"""Small sibling of the benchmark of the operations family: fixed seeds, the same code."""

from __future__ import annotations

import pytest
from test_benchmarks_paired import load

RUNS, MOST = 200, 20
"""20 of 200 is beyond the 99.9th percentile of a true 5 %."""


@pytest.fixture(scope="module")
def operations():
    module = load("operations")
    module.MANY = 400_000
    return module


def test_percentiles_at_their_limit_seldom_fail_and_points_often_do(operations) -> None:
    for place in (0, 4):  # a light tail, and calls that hang together
        found, point = operations.latency(operations.WORLDS[place], "p95", 300, RUNS)
        assert max(found.breach, found.holds) <= MOST
        assert point > 0.25


def test_rates_at_their_limit_seldom_fail(operations) -> None:
    found, _ = operations.rates(0.05, 0.05, 1000, RUNS)
    assert max(found.breach, found.holds) <= MOST
    found, _ = operations.throughput(operations.WORLDS[0], 100, RUNS)
    assert max(found.breach, found.holds) <= MOST


def test_a_slow_model_is_caught_and_a_fast_one_passes(operations) -> None:
    slow, _ = operations.latency(operations.WORLDS[0], "p95", 500, 60, 1.2)
    fast, _ = operations.latency(operations.WORLDS[0], "p95", 500, 60, 1 / 1.2)
    assert slow.breach >= 54
    assert fast.holds >= 54


def test_a_rule_breaks_more_often_the_more_of_it_is_just_kept(operations) -> None:
    shares = [operations.rules(on_limit, RUNS).share("breach") for on_limit in (0, 1, 3)]
    assert shares[0] == 0 <= shares[1] <= 0.1
    assert shares[1] <= shares[2] <= 0.20
