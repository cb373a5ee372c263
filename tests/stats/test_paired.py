"""Changes on the same rows and against an earlier sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import xlogy
from scipy.stats import multinomial, norm

from pytest_aipm.stats.contrasts import all_pairs
from pytest_aipm.stats.gaps import DifferencePairs
from pytest_aipm.stats.paired import change, group_changes, tango, tango_bounds, widened
from pytest_aipm.stats.single import rate

# the paired tables of Tango (1998) and of Newcombe (1998), Statistics in Medicine 17
TABLES = [(12, 2, 50), (0, 1, 44), (0, 0, 30), (40, 20, 160), (9, 0, 43), (1, 7, 22)]


def brute_force_z(b: float, c: float, n: float, delta: float) -> float:
    """Maximise the trinomial likelihood under p_b - p_c = delta by search."""

    def loss(p_c: float) -> float:
        p_b = p_c + delta
        return -float(xlogy(b, p_b) + xlogy(c, p_c) + xlogy(n - b - c, max(1 - p_b - p_c, 0)))

    low, high = max(0.0, -delta), (1 - delta) / 2
    p_c = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    variance = n * (2 * p_c + delta - delta**2)
    return (b - c - n * delta) / np.sqrt(variance)


@pytest.mark.parametrize("table", TABLES)
def test_tango_bounds_equal_the_inversion_of_the_score_test_by_search(
    table: tuple[int, int, int, int],
) -> None:
    b, c, n = table
    lower, upper = tango(b, c, n, 0.975)
    z = norm.ppf(0.975)
    centre = (b - c) / n
    expected = [
        brentq(lambda delta, sign=sign: brute_force_z(b, c, n, delta) - sign * z, *ends)
        for sign, ends in ((1, (-0.999, centre - 1e-9)), (-1, (centre + 1e-9, 0.999)))
    ]
    assert (lower, upper) == pytest.approx(expected, abs=1e-5)


def test_no_discordant_row_leaves_z_squared_over_n_plus_z_squared() -> None:
    z = norm.ppf(0.95)
    assert tango(0, 0, 100) == pytest.approx((-(z**2) / (100 + z**2), z**2 / (100 + z**2)))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 500), st.floats(0, 1), st.floats(0, 1))
def test_the_change_lies_inside_and_turning_the_models_mirrors_it(
    n: int, share: float, split: float
) -> None:
    b = round(n * share * split)
    c = min(round(n * share * (1 - split)), n - b)
    lower, upper = tango(b, c, n)
    assert -1 <= lower <= (b - c) / n <= upper <= 1
    assert tango(c, b, n) == pytest.approx((-upper, -lower), abs=1e-9)


def test_discordant_rows_must_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        tango(5, 6, 10)


def test_tangos_size_by_enumeration_of_every_outcome() -> None:
    """100 rows of which 10 % become events and 5 % cease to be: a true change of .05."""
    n, p_b, p_c = 100, 0.10, 0.05
    b, c = (grid.ravel() for grid in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    b, c = b[b + c <= n], c[b + c <= n]
    probability = multinomial.pmf(np.stack([b, c, n - b - c], axis=1), n, [p_b, p_c, 0.85])
    lower, upper = tango_bounds(b, c, n, 0.05)
    assert 0.03 < probability[lower > p_b - p_c].sum() < 0.065
    assert 0.03 < probability[upper < p_b - p_c].sum() < 0.065


def test_the_most_harmful_group_is_named_and_corrected_over_groups() -> None:
    worse = group_changes([3, 2], [20, 9], [200, 90])
    assert worse.delta == pytest.approx(17 / 200)
    assert worse.pair == (0,)
    level = (1 - 0.05) ** (1 / 2)
    assert worse.lower == pytest.approx(max(tango(20, 3, 200, level)[0], tango(9, 2, 90, level)[0]))
    assert worse.upper == pytest.approx(max(tango(20, 3, 200)[1], tango(9, 2, 90)[1]))
    better = group_changes([3, 2], [20, 9], [200, 90], harm="higher")
    assert better.delta == pytest.approx(-7 / 90)
    assert better.pair == (1,)


def test_groups_under_thirty_rows_prove_no_worsening() -> None:
    few = group_changes([0, 0], [20, 0], [25, 500])
    assert few.delta == pytest.approx(0.8)
    assert few.lower < 0
    assert few.upper > 0.8
    assert np.isnan(group_changes([0], [0], [0]).delta)


OLD, NEW, N = [240, 54, 52], [240, 36, 52], [600, 180, 130]


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_the_pair_that_widened_most_is_named(kind: str) -> None:
    result = widened(NEW, N, OLD, N, kind=kind)
    assert result.pair in ((0, 1), (2, 1))
    gap = 0.2 - 0.1 if kind == "difference" else 0.3 / 0.4 - 0.2 / 0.4
    assert result.delta == pytest.approx(gap)
    assert result.lower < gap < result.upper


def test_a_widening_is_measured_by_size_whatever_the_sign_of_the_gap() -> None:
    """From .1 in favour to .2 against: the gap widened by .1."""
    turned = widened([120, 36], [600, 180], [60, 36], [600, 180])
    assert turned.delta == pytest.approx(0 - 0.1)
    assert widened([240, 108], [600, 180], [300, 72], [600, 180]).delta == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_pairing_narrows_the_change(kind: str) -> None:
    rate_new, rate_old, n = np.array(NEW) / N, np.array(OLD) / N, np.array(N)
    covariance = (np.minimum(rate_new, rate_old) - rate_new * rate_old) / n
    paired = widened(NEW, N, OLD, N, kind=kind, covariance=covariance)
    separate = widened(NEW, N, OLD, N, kind=kind)
    assert paired.delta == separate.delta
    assert separate.lower < paired.lower < paired.delta < paired.upper < separate.upper


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=5
    ),
    st.sampled_from(["difference", "ratio"]),
)
def test_the_widening_lies_inside_its_interval(drawn: list[tuple[float, ...]], kind: str) -> None:
    n = [size for size, _, _ in drawn]
    new, old = ([round(row[0] * row[k]) for row in drawn] for k in (1, 2))
    result = widened(new, n, old, n, kind=kind)
    assert result.lower <= result.delta <= result.upper


def test_small_or_empty_groups_prove_no_widening() -> None:
    assert widened([25, 0], [25, 300], [0, 0], [25, 300]).lower < 0
    assert np.isnan(widened([1, 0], [5, 0], [1, 2], [5, 5]).delta)


def simulate_widened(old: list[float], new: list[float], runs: int) -> float:
    """Return how often a widening by more than .02 is proven, 2,000 rows with 2 % churn."""
    n = np.array([1200, 360, 260, 120, 60])
    before, after = np.array(old), np.array(new)
    b, c = np.maximum(after - before, 0) + 0.01, np.maximum(before - after, 0) + 0.01
    rng = np.random.Generator(np.random.PCG64(9))
    proven = 0
    for _ in range(runs):
        table = np.array(
            [
                rng.multinomial(n[g], [before[g] - c[g], b[g], c[g], 1 - before[g] - b[g]])
                for g in range(5)
            ]
        )
        x_old, x_new = table[:, 0] + table[:, 2], table[:, 0] + table[:, 1]
        covariance = (table[:, 0] / n - x_old * x_new / n**2) / n
        proven += widened(x_new, n, x_old, n, covariance=covariance).lower > 0.02
    return proven / runs


def test_a_doubled_gap_is_proven_on_the_same_rows_and_an_allowed_one_is_not() -> None:
    assert simulate_widened([0.4, 0.3, 0.4, 0.4, 0.4], [0.4, 0.2, 0.4, 0.4, 0.4], 150) > 0.9
    assert simulate_widened([0.4, 0.3, 0.4, 0.4, 0.4], [0.4, 0.28, 0.4, 0.4, 0.4], 300) <= 0.055


def test_the_closed_value_proves_more_than_bonferroni_over_the_pairs_that_can_prove() -> None:
    n = np.array([1200, 360, 260, 120, 20])
    old, new = n * 0.4, n * 0.4
    old[1], new[1] = 360 * 0.3, 360 * 0.2
    covariance = (np.minimum(old, new) / n - old * new / n**2) / n
    found = widened(new, n, old, n, covariance=covariance)
    high, low = all_pairs(np.arange(5), np.arange(5))
    pairs = DifferencePairs((new, n), (old, n), covariance, high, low)
    can = (n[high] >= 30) & (n[low] >= 30)
    bonferroni = pairs.lower(0.05 / can.sum())[can].max()
    single = pairs.lower(0.05)[can].max()
    assert bonferroni + 0.004 < found.lower < single


def test_a_pair_of_groups_is_one_test_once_a_widening_is_proven() -> None:
    """Of two groups only one direction of change can widen: the level is spent on it alone."""
    n, old, new = [1000, 1000], [500, 400], [500, 300]
    covariance = (np.array([0.5, 0.3]) - np.array([0.25, 0.12])) / 1000
    found = widened(new, n, old, n, covariance=covariance)
    pairs = DifferencePairs(
        *((np.array(x, float), np.array(n, float)) for x in (new, old)),
        covariance,
        np.array([0]),
        np.array([1]),
    )
    assert found.lower == pytest.approx(float(pairs.lower(0.05)[0]), abs=1e-3)


def test_other_changes_subtract_two_intervals() -> None:
    delta, lower, upper = change(rate(80, 100), 0.7, 0.6, 0.78)
    new = rate(80, 100)
    assert delta == pytest.approx(0.1)
    assert lower == pytest.approx(0.1 - np.hypot(0.8 - new.lower, 0.08))
    assert upper == pytest.approx(0.1 + np.hypot(new.upper - 0.8, 0.1))
    assert np.isnan(change(rate(0, 0), 0.7, 0.6, 0.78)[0])
