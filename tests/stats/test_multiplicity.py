"""Critical values: published figures, limits, and false fails by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import norm

from pytest_aipm.stats.contrasts import among_all
from pytest_aipm.stats.multiplicity import (
    bonferroni,
    closed_critical_value,
    sidak,
    star_critical_value,
    widening_critical_value,
)

SIZES = [600, 180, 130, 60, 30]


@pytest.mark.parametrize(
    ("tau", "expected"), [(0.0, 2.81), (0.02, 2.61), (0.05, 2.49), (0.10, 2.41), (0.20, 2.39)]
)
def test_the_closed_value_has_the_reference_figures(tau: float, expected: float) -> None:
    assert closed_critical_value(SIZES, tau, 0.05) == pytest.approx(expected, abs=0.005)


def test_the_closed_value_goes_from_all_ordered_pairs_to_a_quarter_of_the_square() -> None:
    none, wide = (closed_critical_value(SIZES, tau, 0.05) for tau in (0.0, 0.9))
    assert none == pytest.approx(norm.isf(0.05 / 20), abs=1e-9)
    assert wide == pytest.approx(norm.isf(0.05 / 6), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(2, 5000), min_size=2, max_size=9),
    st.floats(0, 0.4),
    st.floats(0.005, 0.2),
)
def test_the_closed_value_solves_its_equation_over_every_choice_of_pairs(
    sizes: list[int], tau: float, alpha: float
) -> None:
    """Spell the definition out: the m largest of (a - b) among all unordered pairs."""
    c = closed_critical_value(sizes, tau, alpha)
    a, b = [], []
    for ni, nj in itertools.combinations(sizes, 2):
        se = 0.5 * np.sqrt(1 / ni + 1 / nj)
        a.append(norm.sf(c) + norm.sf(c + 2 * tau / se))
        b.append(2 * norm.sf(c + tau / se))
    gains = sorted(np.maximum(np.array(a) - b, 0))[::-1]
    assert sum(b) + sum(gains[: len(sizes) ** 2 // 4]) == pytest.approx(alpha, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2, 5000), min_size=2, max_size=9), st.floats(0, 0.3))
def test_more_rows_and_wider_margins_lower_the_closed_value(sizes: list[int], tau: float) -> None:
    c = closed_critical_value(sizes, tau, 0.05)
    assert closed_critical_value(np.array(sizes) * 3, tau, 0.05) <= c + 1e-9
    assert closed_critical_value(sizes, tau + 0.01, 0.05) <= c + 1e-9


def test_many_distinct_sizes_are_classed_without_becoming_liberal() -> None:
    sizes = np.arange(20, 400)
    i, j = np.triu_indices(sizes.size, 1)
    margin = 0.05 / (0.5 * np.sqrt(1 / sizes[i] + 1 / sizes[j]))
    c = closed_critical_value(sizes, 0.05, 0.05)
    b = 2 * norm.sf(c + margin)
    gain = np.sort(norm.sf(c) + norm.sf(c + 2 * margin) - b)[::-1][: sizes.size**2 // 4]
    assert b.sum() + gain.sum() <= 0.05
    assert c < norm.isf(0.05 / (sizes.size * (sizes.size - 1)))


def test_further_directed_tests_each_count_in_full() -> None:
    assert closed_critical_value([50, 50], 0.9, 0.05, extra=3) == pytest.approx(
        norm.isf(0.05 / 4), abs=1e-9
    )


def test_a_star_counts_two_directions_at_no_margin_and_one_at_a_wide_one() -> None:
    assert star_critical_value([0, 0, 0], 0.05) == pytest.approx(norm.isf(0.05 / 6), abs=1e-9)
    assert star_critical_value([50, 50, 50], 0.05) == pytest.approx(norm.isf(0.05 / 3), abs=1e-9)


def test_the_widening_value_goes_from_all_ordered_pairs_to_a_quarter_of_the_square() -> None:
    none, wide = (widening_critical_value([m] * 10, [m] * 10, 5, 0.05) for m in (0.0, 50.0))
    assert none == pytest.approx(norm.isf(0.05 / 20), abs=1e-9)
    assert wide == pytest.approx(norm.isf(0.05 / 6), abs=1e-9)
    assert widening_critical_value([50.0], [50.0], 2, 0.05) == pytest.approx(
        norm.isf(0.05), abs=1e-9
    )


@pytest.mark.parametrize("seed", range(12))
def test_no_change_within_the_tolerance_exceeds_the_level_of_the_widening_value(seed: int) -> None:
    """Search the polytope of allowed changes with linear programs: its vertices are the worst."""
    rng = np.random.default_rng(seed)
    k, tau = int(rng.integers(2, 6)), float(rng.uniform(0.005, 0.05))
    old = rng.choice([0.4, *rng.uniform(0.38, 0.42, 3), *rng.uniform(0.2, 0.6, 2)], k)
    change, level = rng.uniform(1e-4, 6e-4, k), rng.uniform(2e-4, 2e-3, k)
    high, low = (np.array(each) for each in zip(*itertools.permutations(range(k), 2), strict=True))
    apart, together = (np.sqrt(each[high] + each[low]) for each in (change, change + level))
    allowed = tau + 2 * np.maximum(old[low] - old[high], 0)
    one = high < low
    c = widening_critical_value(tau / apart[one], tau / together[one], k, 0.05)
    rows = np.zeros((high.size, k))
    rows[np.arange(high.size), high], rows[np.arange(high.size), low] = 1, -1
    # where the gap turns, what must not widen is the sum of both gaps, with its own error
    error = np.where(old[low] > old[high], together, apart)
    for _ in range(25):
        found = linprog(
            rng.normal(size=k), rows, allowed, np.eye(1, k), [0.0], bounds=[(None, None)] * k
        )
        margins = (allowed - rows @ found.x) / error if found.success else np.full(1, 99.0)
        assert norm.sf(c + np.maximum(margins, 0)).sum() <= 0.05 + 1e-9


def test_one_group_has_no_critical_value() -> None:
    with pytest.raises(ValueError, match="at least two groups"):
        closed_critical_value([10], 0.1, 0.05)


def test_independent_and_dependent_levels() -> None:
    assert 1 - (1 - sidak(0.05, 4)) ** 4 == pytest.approx(0.05)
    assert bonferroni(0.05, 4) == 0.0125


def worst_split(kind: str, breach: float, base: float, runs: int) -> float:
    """Return the largest share of false fails over all splits into a high and a low cluster."""
    n = np.array(SIZES, dtype=float)
    contrasts = among_all(kind, n, np.ones(n.size, dtype=bool))
    low = base - breach if kind == "difference" else base * (1 - breach)
    rng = np.random.Generator(np.random.PCG64(7))
    worst = 0.0
    for split in itertools.product([True, False], repeat=n.size):
        if len(set(split)) == 1:
            continue
        rates = np.where(split, base, low)
        x = rng.binomial(n.astype(int), rates, size=(runs, n.size)).astype(float)
        c = contrasts.critical(breach, 0.05, float(rates @ n / n.sum()))
        worst = max(worst, float(contrasts.beyond(x, breach, c).mean()))
    return worst


@pytest.mark.parametrize(
    ("kind", "breach", "base"),
    [
        ("difference", 0.02, 0.4),
        ("difference", 0.10, 0.4),
        ("difference", 0.10, 0.12),
        ("ratio", 0.20, 0.4),
        ("ratio", 0.20, 0.02),
    ],
)
def test_false_fails_stay_near_five_percent_at_the_worst_split(
    kind: str, breach: float, base: float
) -> None:
    # 3,000 runs a split: a maximum over 30 splits is biased up by about 0.8 points
    assert worst_split(kind, breach, base, 3000) <= 0.055


def test_a_gap_of_twenty_points_in_the_second_group_is_caught_in_about_two_of_three() -> None:
    n = np.array(SIZES, dtype=float)
    contrasts = among_all("difference", n, np.ones(n.size, dtype=bool))
    rng = np.random.Generator(np.random.PCG64(3))
    rates = [0.4, 0.2, 0.4, 0.4, 0.4]
    x = rng.binomial(n.astype(int), rates, size=(6000, n.size)).astype(float)
    power = contrasts.beyond(x, 0.10, contrasts.critical(0.10, 0.05, 0.4)).mean()
    assert power == pytest.approx(0.665, abs=0.02)
