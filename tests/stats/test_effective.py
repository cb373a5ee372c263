"""Effective sizes: against the jackknife, statsmodels, single rows, and samples of known truth."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import binom, norm

from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.effective import (
    auc_part,
    effective_sizes,
    few_units,
    kish_size,
    mean_part,
    weighted_median,
)
from pytest_aipm.stats.means import MeanPart
from pytest_aipm.stats.parts import rate_bounds

BLANK = MeanPart(0.0, 0.0, 0.0, 0.0)


def sample(seed: int, people: int = 40, sigma: float = 0.8):
    """Values, weights and people: each person has 1 to 6 rows that resemble each other."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(people), rng.integers(1, 7, people))
    values = rng.normal(size=people)[unit] + rng.normal(size=unit.size)
    return values, rng.lognormal(0, sigma, unit.size), unit


def sizes_of(y, w, unit=None, alpha=0.05):
    """The effective size of one group of rows at hand."""
    rate = w @ y / w.sum()
    z = w * (y - rate) / w.sum()
    z = z if unit is None else np.bincount(unit, weights=z)
    kish = (np.array([kish_size(w, None)]), np.array([kish_size(w, unit)]))
    one = (np.array([v]) for v in (rate * (1 - rate), z @ z, float(y.size), float(z.size)))
    return float(effective_sizes(*one, kish, alpha)[0])


@pytest.mark.parametrize("seed", range(5))
def test_the_linearised_variance_is_that_of_statsmodels(seed):
    values, weight, unit = sample(seed)
    fit = sm.WLS(values, np.ones(values.size), weights=weight)
    z = weight * (values - weight @ values / weight.sum()) / weight.sum()
    by_person = np.bincount(unit, weights=z)
    people, n = by_person.size, values.size
    clustered = fit.fit(cov_type="cluster", cov_kwds={"groups": unit, "use_correction": False})
    assert by_person @ by_person == pytest.approx(clustered.bse[0] ** 2, rel=1e-10)
    assert z @ z == pytest.approx(fit.fit(cov_type="HC0").bse[0] ** 2, rel=1e-10)
    part = mean_part(values, weight, unit, 0.05, BLANK)
    mean, variance = weight @ values / weight.sum(), part.sum2 / part.n - part.value**2
    assert part.value == pytest.approx(mean)
    # the size is what makes the variance of n independent rows as large, but for few people
    factor = (stdtrit(n - 1, 0.95) / stdtrit(people - 1, 0.95)) ** 2
    whole = clustered.bse[0] ** 2 * people / (people - 1)
    size = n * variance / (n - 1) / whole * factor
    assert part.n == pytest.approx(min(size, kish_size(weight, None)))


@pytest.mark.parametrize("seed", range(3))
def test_the_linearised_variance_is_close_to_the_jackknife_over_people(seed):
    values, weight, unit = sample(seed, people=300)
    left_out = [
        np.average(values[unit != each], weights=weight[unit != each]) for each in range(300)
    ]
    jackknife = 299 / 300 * np.sum((left_out - np.mean(left_out)) ** 2)
    z = np.bincount(unit, weights=weight * (values - np.average(values, weights=weight)))
    linear = 300 / 299 * (z @ z) / weight.sum() ** 2
    assert linear == pytest.approx(jackknife, rel=0.03)


@settings(max_examples=60)
@given(st.lists(st.booleans(), min_size=2, max_size=60), st.floats(1e-6, 1e6))
def test_equal_weights_of_single_rows_are_as_many_rows(y, w):
    y = np.array(y, dtype=float)
    assert sizes_of(y, np.full(y.size, w)) == y.size
    # and each row a person of its own is the same
    assert sizes_of(y, np.full(y.size, w), np.arange(y.size)) == y.size


@pytest.mark.parametrize("event", [0.0, 1.0])
def test_without_variance_to_see_the_size_is_kishs(event):
    weight, unit = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 2])
    y = np.full(4, event)
    assert sizes_of(y, weight) == pytest.approx(100 / 30)
    assert sizes_of(y, weight, unit) == pytest.approx(100 / (9 + 9 + 16))


def test_one_person_is_one_row_however_many_there_are():
    y = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    assert sizes_of(y, np.ones(5), np.zeros(5, dtype=int)) == 1


@settings(max_examples=100)
@given(st.integers(0, 10**6))
def test_no_size_is_below_one_or_above_kishs_of_the_rows(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    y, weight = rng.integers(0, 2, n).astype(float), rng.lognormal(0, 2, n)
    unit = np.unique(rng.integers(0, n, n), return_inverse=True)[1]
    for units in (None, unit):
        assert (
            1
            <= sizes_of(y, weight, units)
            <= max(kish_size(weight, None), 1) * (1 + 1e-9)
            <= n + 1e-6
        )


def test_few_people_cost_degrees_of_freedom():
    rows, units = np.array([100.0, 100.0]), np.array([100.0, 8.0])
    same, few = few_units(rows, units, 0.05)
    assert same == 1
    assert few == pytest.approx((stdtrit(99, 0.95) / stdtrit(7, 0.95)) ** 2)


@pytest.mark.parametrize("transform", [None, "sqrt"])
def test_a_mean_of_equal_weights_is_the_mean_of_the_rows(transform):
    values = np.random.default_rng(4).exponential(size=57)
    plain = MeanPart.from_values(values, transform, (0.0, np.inf))
    told = MeanPart(0.0, 0.0, 0.0, 0.0, transform, (0.0, np.inf))
    part = mean_part(values, np.full(57, 3.7), None, 0.05, told)
    assert part.n == 57
    assert part.value == pytest.approx(plain.value, rel=1e-12)
    assert part.bound(0.05) == pytest.approx(plain.bound(0.05), rel=1e-9)


def test_a_mean_of_no_rows_is_undefined():
    nothing = np.empty(0)
    assert np.isnan(mean_part(nothing, nothing, None, 0.05, BLANK).value)


def test_an_area_of_equal_weights_has_delongs_variance():
    rng = np.random.default_rng(5)
    score, positive = rng.integers(0, 9, 80).astype(float), rng.random(80) < 0.4
    area, variance = delong(score[positive], score[~positive])
    part = auc_part(score, positive, np.full(80, 0.3), None, 0.05)
    assert (part.auc, part.variance) == pytest.approx((area, variance))
    assert (part.m, part.k) == pytest.approx((positive.sum(), (~positive).sum()))


def test_a_weighted_area_is_the_share_of_weighted_pairs():
    rng = np.random.default_rng(6)
    score, positive = rng.integers(0, 9, 60).astype(float), rng.random(60) < 0.5
    weight = rng.lognormal(0, 1, 60)
    a, b = score[positive][:, None], score[~positive][None, :]
    pairs = weight[positive][:, None] * weight[~positive][None, :]
    area = (((a > b) + 0.5 * (a == b)) * pairs).sum() / pairs.sum()
    assert auc_part(score, positive, weight, None, 0.05).auc == pytest.approx(area)


def test_the_variance_of_an_area_is_the_jackknifes_over_people():
    rng = np.random.default_rng(7)
    unit = np.repeat(np.arange(150), rng.integers(1, 6, 150))
    # a person of one class, whose rows are alike: people tell far less than as many rows would
    positive = (rng.random(150) < 0.4)[unit]
    score = 2 * rng.normal(size=150)[unit] + rng.normal(size=unit.size) + positive
    weight = rng.lognormal(0, 0.3, unit.size)
    part = auc_part(score, positive, weight, unit, 0.05)
    left_out = []
    for each in range(150):
        keep = unit != each
        _, own = np.unique(unit[keep], return_inverse=True)
        left_out.append(auc_part(score[keep], positive[keep], weight[keep], own, 0.05).auc)
    jackknife = 149 / 150 * np.sum((left_out - np.mean(left_out)) ** 2)
    factor = few_units(np.array([unit.size]), np.array([150]), 0.05)[0]
    assert part.variance * factor == pytest.approx(jackknife, rel=0.05)


def test_an_area_without_a_class_is_undefined():
    part = auc_part(np.arange(4.0), np.ones(4, dtype=bool), np.ones(4), None, 0.05)
    assert np.isnan(part.value)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=20), st.integers(1, 4))
def test_the_weighted_median_is_that_of_rows_written_out(values, times):
    counts = np.arange(len(values)) % times + 1
    written = np.repeat(values, counts).astype(float)
    found = weighted_median(np.array(values, dtype=float), counts.astype(float))
    assert found == np.median(written)


# Samples of known truth: the seeds are fixed, so that these cannot fail by chance.


def bounds_of(y, w):
    """Both ends of R samples (R, n), by effective sizes."""
    total = w.sum(axis=1)
    rate, n = (w * y).sum(axis=1) / total, np.full(len(y), float(y.shape[1]))
    squares = ((w * (y - rate[:, None])) ** 2).sum(axis=1) / total**2
    kish = total**2 / (w**2).sum(axis=1)
    size = effective_sizes(rate * (1 - rate), squares, n, n, (kish, kish), 0.05)
    return rate_bounds(np.minimum(rate * size, size), size, 0.05, "wilson")


@pytest.mark.parametrize(("n", "rate"), [(400, 0.3), (1000, 0.1), (1000, 0.5)])
@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_log_normal_weights_cover_what_is_promised(n, rate, sigma):
    rng = np.random.default_rng(8)
    y, w = (rng.random((4000, n)) < rate).astype(float), rng.lognormal(0, sigma, (4000, n))
    lower, upper = bounds_of(y, w)
    assert 0.88 <= np.mean((lower <= rate) & (rate <= upper)) <= 0.93


def test_the_sum_of_weights_taken_for_rows_would_not():
    rng = np.random.default_rng(9)
    y, w = (rng.random((4000, 400)) < 0.3).astype(float), rng.lognormal(0, 1, (4000, 400))
    total = w.sum(axis=1)
    lower, upper = rate_bounds((w * y).sum(axis=1), total, 0.05, "wilson")
    assert np.mean((lower <= 0.3) & (upper >= 0.3)) < 0.6


@pytest.mark.parametrize("slope", [-1.0, 1.0])
def test_weights_that_go_with_the_outcome_do_not_shorten_the_interval(slope):
    rng = np.random.default_rng(10)
    y = (rng.random((4000, 400)) < 0.2).astype(float)
    w = np.exp(0.7 * rng.standard_normal(y.shape) + slope * y)
    truth = 0.2 * np.exp(slope) / (0.2 * np.exp(slope) + 0.8)
    lower, upper = bounds_of(y, w)
    least = binom.ppf(0.001, 4000, 0.95) / 4000
    assert np.mean(lower <= truth) >= least
    assert np.mean(upper >= truth) >= least


def test_a_heavy_row_that_was_not_seen_is_not_taken_for_certainty():
    """Few rows of very unequal weight: without Kish's cap the upper end covers 82 %."""
    rng = np.random.default_rng(13)
    y, w = (rng.random((4000, 100)) < 0.05).astype(float), rng.lognormal(0, 1.5, (4000, 100))
    assert np.mean(bounds_of(y, w)[1] >= 0.05) >= binom.ppf(0.001, 4000, 0.95) / 4000


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_means_of_repeated_people_cover_what_is_promised(sigma):
    rng = np.random.default_rng(11)
    inside = np.zeros(2)
    for _ in range(600):
        unit = np.repeat(np.arange(80), rng.integers(1, 11, 80))
        values = 0.8 * rng.normal(size=80)[unit] + 0.6 * rng.normal(size=unit.size)
        weight = rng.lognormal(0, sigma, unit.size)
        lower, upper = mean_part(values, weight, unit, 0.05, BLANK).bound(0.05)
        inside += lower <= 0, upper >= 0
    assert (inside >= binom.ppf(0.001, 600, 0.95)).all()


def test_areas_of_repeated_people_cover_what_is_promised():
    rng = np.random.default_rng(12)
    shift, inside = norm.ppf(0.75) * np.sqrt(2), np.zeros(2)
    for _ in range(400):
        unit = np.repeat(np.arange(60), rng.integers(1, 9, 60))
        positive = rng.random(unit.size) < 0.4
        score = (rng.normal(size=60) * 0.7)[unit] + rng.normal(size=unit.size) * 0.51**0.5
        part = auc_part(
            score + shift * positive, positive, rng.lognormal(0, 1, unit.size), unit, 0.05
        )
        lower, upper = part.bound(0.05)
        inside += lower <= 0.75, upper >= 0.75
    assert (inside >= binom.ppf(0.001, 400, 0.95)).all()
