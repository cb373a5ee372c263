"""Small sibling of the benchmark of data about people: fixed seeds, the same code."""

from __future__ import annotations

import pytest
from test_benchmarks_paired import load


@pytest.fixture(scope="module")
def people():
    return load("data_people")


def one_each(worlds):
    """Return the first world of each check."""
    first = {}
    for world in worlds:
        first.setdefault(world.check, world)
    return list(first.values())


def test_a_limit_that_is_just_met_seldom_fails(people) -> None:
    for world in one_each(people.NULLS):
        runs = 40 if world.check == "data.learning_curve" else 100
        # the 99.9th percentile of a true rate of 5 %
        assert people.measure(world, runs)["breach"] <= (8 if runs == 40 else 13), world.check


def test_planted_faults_are_caught(people) -> None:
    for world in one_each(people.FAULTS):
        runs = 20 if world.check == "data.learning_curve" else 60
        assert people.measure(world, runs)["breach"] >= 0.8 * runs, world.check


def test_the_interval_of_a_bounded_rate_holds_it(people) -> None:
    assert people.held(200, rate=0.1, taken=0.6, n=200) >= 0.85
