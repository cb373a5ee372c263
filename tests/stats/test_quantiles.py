"""Quantiles with order-statistic ends: against scipy, brute force and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.special import erfinv
from scipy.stats import binom, lognorm, norm, quantile_test

from pytest_aipm.stats.means import MeanPart, PerUnit
from pytest_aipm.stats.quantiles import least_size, quantile_of, ranks
from pytest_aipm.stats.serial import hangs, independent, neighbours
from pytest_aipm.stats.single import from_part

SHARES = (0.5, 0.95, 0.99)


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 3000),
    p=st.sampled_from((0.05, *SHARES)),
    confidence=st.sampled_from((0.8, 0.9, 0.95, 0.99)),
)
def test_the_ranks_are_the_narrowest_that_scipys_binomial_allows(n, p, confidence) -> None:
    lower, upper = ranks(n, p, confidence)
    assert 0 <= lower <= n
    assert 1 <= upper <= n + 1
    # X_(r) <= q exactly when at least r values are at or below q
    assert lower == 0 or binom.sf(lower - 1, n, p) >= confidence - 1e-9
    assert binom.sf(lower, n, p) < confidence + 1e-9
    assert upper == n + 1 or binom.cdf(upper - 1, n, p) >= confidence - 1e-9
    assert upper == 1 or binom.cdf(upper - 2, n, p) < confidence + 1e-9


@pytest.mark.parametrize("p", SHARES)
@pytest.mark.parametrize("n", [60, 299, 500, 2001])
def test_the_ends_are_those_of_scipys_quantile_test(n: int, p: float) -> None:
    values = np.random.default_rng(n).lognormal(size=n)
    found = quantile_of(values, p, 0.95)
    low = quantile_test(values, q=0, p=p, alternative="greater").confidence_interval(0.95).low
    high = quantile_test(values, q=0, p=p, alternative="less").confidence_interval(0.95).high
    ends = (
        0.0 if math.isnan(low) else low,
        math.inf if math.isnan(high) else high,
    )
    assert (found.lower, found.upper) == pytest.approx(ends, abs=1e-9)
    assert found.value == pytest.approx(np.quantile(values, p, method="inverted_cdf"), abs=1e-9)


@pytest.mark.parametrize(("p", "least"), [(0.5, 5), (0.95, 59), (0.99, 299)])
def test_it_takes_so_many_values_for_two_ends(p: float, least: int) -> None:
    assert least_size(p, 0.95) == least
    assert quantile_of(np.arange(1.0, least + 1), p).upper == least
    assert quantile_of(np.arange(1.0, least), p).upper == math.inf


@pytest.mark.parametrize("p", SHARES)
def test_each_end_is_on_the_wrong_side_in_at_most_five_percent(p: float) -> None:
    rng, truth, runs = np.random.default_rng(7), lognorm.ppf(p, 0.8), 1500
    found = [quantile_of(rng.lognormal(sigma=0.8, size=400), p) for _ in range(runs)]
    most = binom.ppf(0.999, runs, 0.05)
    assert sum(each.lower > truth for each in found) <= most
    assert sum(each.upper < truth for each in found) <= most
    # and by no wide margin: the ends would else be of little use
    assert sum(each.lower > truth or each.upper < truth for each in found) >= 0.02 * runs


def test_a_quantile_beyond_a_limit_by_what_is_detectable_is_caught_in_eight_of_ten() -> None:
    rng = np.random.default_rng(3)
    world = np.sort(rng.lognormal(sigma=0.5, size=100_000))
    shape = quantile_of(np.quantile(world, (np.arange(500) + 0.5) / 500), 0.95)
    gap, part = shape.detectable((None, 2.0))
    assert part == 0
    moved = world + (2.0 + gap - np.quantile(world, 0.95))
    caught = [quantile_of(rng.choice(moved, 500), 0.95).lower > 2.0 for _ in range(400)]
    assert 0.74 <= np.mean(caught) <= 0.90


@pytest.mark.parametrize("limit", [(None, 2.45), (2.0, None), (None, 2.15)])
def test_as_many_values_as_are_needed_decide_in_eight_of_ten(limit) -> None:
    rng = np.random.default_rng(5)
    sample = np.exp(0.5 * np.sqrt(2) * erfinv(2 * (np.arange(300) + 0.5) / 300 - 1))
    shape = quantile_of(sample, 0.95)
    factor, _ = shape.rows_needed(limit)
    n = math.ceil(factor * 300)
    decided = 0
    for _ in range(300):
        found = quantile_of(rng.choice(sample, n), 0.95)
        low, high = (-math.inf if limit[0] is None else limit[0]), limit[1] or math.inf
        decided += (
            found.lower > high or found.upper < low or (found.upper <= high and found.lower >= low)
        )
    assert decided / 300 >= 0.74


def test_a_quantile_at_its_limit_is_settled_by_no_number() -> None:
    values = np.arange(1.0, 101.0)
    assert quantile_of(values, 0.95).rows_needed((None, 95.0)) is None


def test_other_sizes_keep_the_shape_and_another_value_moves_it() -> None:
    found = quantile_of(np.arange(1.0, 1001.0), 0.5)
    few, moved = found.at([100]), found.at([1000], [700.5])
    assert few.value == pytest.approx(found.value, abs=10)
    assert few.upper - few.lower > 2 * (found.upper - found.lower)
    assert moved.value == pytest.approx(700.5)
    assert found.beyond


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_no_values_and_values_that_are_none_are_refused(values: list) -> None:
    with pytest.raises(ValueError, match=r"value|finite"):
        quantile_of(values, 0.5)


class TestPerUnit:
    def test_the_ends_are_those_of_the_mean_turned_around(self) -> None:
        seconds = np.random.default_rng(1).gamma(3, 0.01, size=200)
        mean, rate = (
            from_part(MeanPart.from_values(seconds)),
            from_part(PerUnit(MeanPart.from_values(seconds), 50)),
        )
        assert rate.value == pytest.approx(50 / seconds.mean(), rel=1e-12)
        assert (rate.lower, rate.upper) == pytest.approx((50 / mean.upper, 50 / mean.lower))

    def test_it_covers_the_true_rate(self) -> None:
        rng, runs = np.random.default_rng(2), 1500
        found = [
            from_part(PerUnit(MeanPart.from_values(rng.gamma(4, 0.25, size=100)), 10))
            for _ in range(runs)
        ]
        most = binom.ppf(0.999, runs, 0.05)
        assert sum(each.lower > 10 for each in found) <= most
        assert sum(each.upper < 10 for each in found) <= most

    def test_it_can_be_scaled_and_asked_for_power(self) -> None:
        part = PerUnit(MeanPart.from_values(np.random.default_rng(1).gamma(3, 0.01, size=60)), 10)
        assert part.scaled(600, 100.0).value == pytest.approx(100.0)
        assert from_part(part).detectable((300.0, None)) is not None
        assert math.isnan(PerUnit(MeanPart(0.0, 0.0, 0.0, 0.0)).value)
        assert PerUnit(MeanPart.from_values([0.0] * 40)).value == math.inf


class TestSerial:
    """Values that hang together count as fewer."""

    @pytest.mark.parametrize("phi", [0.3, 0.6, 0.9])
    def test_an_autoregressive_series_counts_as_theory_says(self, phi: float) -> None:
        rng = np.random.default_rng(1)
        series = lfilter([1.0], [1, -phi], rng.normal(size=200_000))
        # the variance of its mean is that of n (1 - phi) / (1 + phi) independent values
        expected = 200_000 * (1 - phi) / (1 + phi)
        assert independent(series) == pytest.approx(expected, rel=0.1)
        assert neighbours(series) == pytest.approx(6 / np.pi * np.arcsin(phi / 2), abs=0.01)
        assert hangs(series)

    def test_independent_values_count_as_many_and_are_seldom_taken_for_a_series(self) -> None:
        rng = np.random.default_rng(2)
        assert sum(hangs(rng.normal(size=400)) for _ in range(500)) <= 25
        assert independent(np.ones(50)) == 50
        assert independent([1.0, 2.0]) == 2
        assert not hangs([])

    def test_the_correlations_are_those_of_a_plain_sum(self) -> None:
        series = lfilter([1.0], [1, -0.5], np.random.default_rng(3).normal(size=80))
        centred = series - series.mean()
        plain = [centred[k:] @ centred[: 80 - k] / (centred @ centred) for k in range(40)]
        total, k = 0.0, 0
        while k < 40 and plain[k] + plain[k + 1] > 0:
            total, k = total + plain[k] + plain[k + 1], k + 2
        assert independent(series) == pytest.approx(80 / (2 * total - 1), rel=1e-9)

    @pytest.mark.parametrize("p", [0.5, 0.95])
    def test_the_ends_of_a_series_keep_their_promise(self, p: float) -> None:
        rng, runs, wrong = np.random.default_rng(4), 600, [0, 0, 0, 0]
        truth = np.exp(0.5 * norm.ppf(p))
        for _ in range(runs):
            noise = lfilter([0.8], [1, -0.6], rng.normal(size=450))[50:]
            kept = quantile_of(np.exp(0.5 * noise), p, in_order=True)
            naive = quantile_of(np.exp(0.5 * noise), p)
            wrong[0] += kept.lower > truth
            wrong[1] += kept.upper < truth
            wrong[2] += naive.lower > truth
            wrong[3] += naive.upper < truth
        most = binom.ppf(0.999, runs, 0.05)
        assert max(wrong[:2]) <= most < max(wrong[2:])
        assert kept.value == naive.value
        assert kept.sizes[0] < naive.sizes[0]

    def test_a_mean_of_a_series_keeps_its_promise(self) -> None:
        rng, runs, wrong = np.random.default_rng(5), 600, [0, 0]
        for _ in range(runs):
            series = 5 + lfilter([0.8], [1, -0.6], rng.normal(size=450))[50:]
            found = from_part(MeanPart.from_series(series))
            wrong[0] += found.lower > 5
            wrong[1] += found.upper < 5
        assert max(wrong) <= binom.ppf(0.999, runs, 0.05)
