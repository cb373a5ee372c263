"""The score tests and their intervals, against brute force and statsmodels."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import binom, norm
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

from pytest_aipm.stats.score import (
    difference_bounds,
    difference_variance,
    difference_z,
    ratio_bounds,
    ratio_variance,
    ratio_z,
)

test_proportions_2indep.__test__ = False  # a function of statsmodels, not a test

TABLES = [(7, 20, 3, 15), (1, 5, 200, 600), (30, 60, 10, 130), (18, 20, 9, 30), (2, 300, 5, 40)]
EDGES = [(0, 5, 10, 600), (5, 5, 10, 600), (5, 5, 600, 600), (0, 5, 0, 5), (0, 30, 0, 600)]


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    n1, n2 = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    return draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2


def log_likelihood(x: float, n: float, p: float) -> float:
    return float(xlogy(x, p) + xlogy(n - x, 1 - p))


def constrained_rates(
    table: tuple[int, int, int, int], first_of: Callable[[float], float], low: float, high: float
) -> tuple[float, float]:
    """Return both rates that maximise the likelihood along a constraint, by search."""
    x1, n1, x2, n2 = table
    found = minimize_scalar(
        lambda p2: -(log_likelihood(x1, n1, first_of(p2)) + log_likelihood(x2, n2, p2)),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return first_of(found.x), found.x


@pytest.mark.parametrize("table", TABLES + EDGES[:4])
@pytest.mark.parametrize("tau", [-0.6, -0.05, 0.02, 0.1, 0.5])
def test_the_difference_test_uses_the_rates_of_highest_likelihood_under_the_margin(
    table: tuple[int, int, int, int], tau: float
) -> None:
    x1, n1, x2, n2 = table
    p1, p2 = constrained_rates(table, lambda p: p + tau, max(0.0, -tau), min(1.0, 1 - tau))
    variance = p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2
    assert difference_variance(x1, n1, x2, n2, tau) == pytest.approx(variance, rel=1e-4)


@pytest.mark.parametrize("table", TABLES + EDGES[:3])
@pytest.mark.parametrize("rho", [0.05, 0.8, 1.0, 1.3, 4.0])
def test_the_ratio_test_uses_the_rates_of_highest_likelihood_under_the_margin(
    table: tuple[int, int, int, int], rho: float
) -> None:
    x1, n1, x2, n2 = table
    p1, p2 = constrained_rates(table, lambda p: rho * p, 0.0, min(1.0, 1 / rho))
    variance = p1 * (1 - p1) / n1 + rho**2 * p2 * (1 - p2) / n2
    assert ratio_variance(x1, n1, x2, n2, rho) == pytest.approx(variance, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("compare", "value"), [("diff", 0.0), ("ratio", 0.5), ("ratio", 0.8), ("ratio", 1.0)]
)
def test_statistics_equal_statsmodels(
    table: tuple[int, int, int, int], compare: str, value: float
) -> None:
    """Its constrained rates of a difference other than 0 are wrong (issue 10269): not asked."""
    x1, n1, x2, n2 = table
    theirs = test_proportions_2indep(
        x1, n1, x2, n2, value=value, method="score", compare=compare, correction=False
    ).statistic
    ours = (difference_z if compare == "diff" else ratio_z)(x1, n1, x2, n2, value)
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("table", TABLES)
def test_ratio_intervals_equal_statsmodels(table: tuple[int, int, int, int]) -> None:
    x1, n1, x2, n2 = table
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = confint_proportions_2indep(
            x1, n1, x2, n2, method="score", compare="ratio", alpha=0.10, correction=False
        )
    assert np.array(ratio_bounds(*table, 0.05)) == pytest.approx(np.array(theirs), rel=1e-5)


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ((56, 70, 48, 80), (0.0533, 0.3377)),
        ((9, 10, 3, 10), (0.1821, 0.8370)),
        ((6, 7, 2, 7), (0.0544, 0.8478)),
        ((5, 56, 0, 29), (-0.0313, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((10, 10, 0, 20), (0.7225, 1.0)),
        ((10, 10, 0, 10), (0.6777, 1.0)),
    ],
)
def test_difference_intervals_equal_the_published_ones(
    table: tuple[int, int, int, int], published: tuple[float, float]
) -> None:
    """Mee's intervals in Newcombe (1998), Statistics in Medicine 17:873, two-sided 95 %."""
    assert np.array(difference_bounds(*table, 0.025)) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("table", EDGES)
def test_full_and_empty_cells_give_finite_ordered_difference_bounds(
    table: tuple[int, int, int, int],
) -> None:
    lower, upper = difference_bounds(*table, 0.05)
    gap = table[0] / table[1] - table[2] / table[3]
    assert -1 <= lower <= gap <= upper <= 1


def test_a_ratio_without_events_is_unbounded_and_one_without_a_numerator_starts_at_zero() -> None:
    assert tuple(map(float, ratio_bounds(0, 30, 0, 600, 0.05))) == (0.0, np.inf)
    lower, upper = ratio_bounds(0, 30, 60, 600, 0.05)
    assert lower == 0
    assert 0 < upper < 1
    lower, upper = ratio_bounds(60, 600, 0, 30, 0.05)
    assert lower > 1
    assert upper == np.inf


@settings(max_examples=150, deadline=None)
@given(tables())
def test_both_statistics_fall_as_the_margin_rises(table: tuple[int, int, int, int]) -> None:
    differences = difference_z(*table, np.linspace(-0.999, 0.999, 801))
    assert (np.diff(differences) <= 1e-7).all()
    ratios = ratio_z(*table, np.geomspace(1e-3, 1e3, 801))
    assert (np.diff(ratios) <= 1e-7).all()


@settings(max_examples=100, deadline=None)
@given(tables(), st.floats(0.001, 0.2))
def test_a_bound_is_where_the_test_stops_rejecting_rounded_outward(
    table: tuple[int, int, int, int], alpha: float
) -> None:
    lower, upper = map(float, difference_bounds(*table, alpha))
    z = float(norm.isf(alpha))
    inward = 1e-6
    assert lower <= -1 + 1e-9 or difference_z(*table, lower) > z - 1e-6
    assert upper >= 1 - 1e-9 or difference_z(*table, upper) < -z + 1e-6
    assert difference_z(*table, min(lower + inward, 1.0)) <= z + 1e-3
    assert difference_z(*table, max(upper - inward, -1.0)) >= -z - 1e-3


@settings(max_examples=60, deadline=None)
@given(tables())
def test_swapping_the_samples_mirrors_the_bounds(table: tuple[int, int, int, int]) -> None:
    x1, n1, x2, n2 = table
    lower, upper = difference_bounds(x1, n1, x2, n2, 0.05)
    turned_lower, turned_upper = difference_bounds(x2, n2, x1, n1, 0.05)
    assert (lower, upper) == pytest.approx((-turned_upper, -turned_lower), abs=1e-8)
    lower, upper = ratio_bounds(x1, n1, x2, n2, 0.05)
    turned_lower, turned_upper = ratio_bounds(x2, n2, x1, n1, 0.05)
    with np.errstate(divide="ignore"):
        assert float(lower) == pytest.approx(float(1 / turned_upper), rel=1e-6, abs=1e-9)


def test_the_size_over_all_small_tables_is_that_of_a_score_test() -> None:
    """Enumerate every outcome of 30 against 30 rows at a difference of 0.1."""
    n, tau = 30, 0.1
    x1, x2 = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    lower, _ = difference_bounds(x1, n, x2, n, 0.05)
    sizes = []
    for p2 in np.linspace(0.05, 0.85, 17):
        probability = binom.pmf(x1, n, p2 + tau) * binom.pmf(x2, n, p2)
        sizes.append(probability[lower > tau].sum())
    assert 0.03 < max(sizes) < 0.075


def test_fractional_counts_lie_between_their_neighbours() -> None:
    bounds = [difference_bounds(x, 40, 10, 50, 0.05)[0] for x in (20, 20.5, 21)]
    assert all(a < b for a, b in itertools.pairwise(bounds))
