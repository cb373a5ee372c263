"""Paired differences of metrics, held to scipy, statsmodels, scikit-learn and plain bootstraps."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar

from pytest_aipm.stats.differences import (
    AreaGap,
    RateGap,
    area_gap,
    counts_gap,
    explained_gap,
    loss_gap,
    root_gap,
)
from pytest_aipm.stats.single import from_part


def rng(*seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(("b", "c"), [(30, 12), (9, 25), (60, 3)])
def test_the_bound_of_a_rate_reaches_zero_where_mcnemar_says_so(b, c):
    # statsmodels: two-sided, without correction; Tango's score test at 0 is McNemar's
    p = mcnemar([[500, b], [c, 200]], exact=False, correction=False).pvalue / 2
    gap = RateGap(b, c, 700 + b + c)
    lower, upper = gap.bound(p)
    assert (lower if b > c else upper) == pytest.approx(0, abs=1e-9)
    assert gap.value == (b - c) / gap.n


def test_a_rate_holds_its_value_and_its_limits():
    assert RateGap(0, 0, 50).bound(0.05)[0] < 0 < RateGap(0, 0, 50).bound(0.05)[1]
    assert RateGap(50, 0, 50).bound(0.05)[1] == 1.0
    assert math.isnan(RateGap(0, 0, 0).value)
    assert RateGap(0, 0, 0).bound(0.05) == (-1.0, 1.0)
    assert not RateGap(5, 2, 29).proves
    moved = RateGap(30, 12, 300).scaled(600, 0.5)
    assert (moved.n, moved.value) == (600, pytest.approx(0.5))


def test_the_mean_of_losses_is_students_t_where_differences_are_symmetric():
    # without skewness Hall's transformation is the identity, so scipy's paired t holds exactly
    half = rng(1).normal(size=200)
    first = np.concatenate([half, -half]) + 0.1
    other = np.zeros(400)
    ours = loss_gap(first, other)
    theirs = stats.ttest_rel(other, first).confidence_interval(0.90)
    assert ours.value == pytest.approx(-0.1, abs=1e-12)
    assert ours.bound(0.05) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_an_area_is_scikit_learns_and_its_error_that_of_a_bootstrap():
    s = rng(2).normal(size=(2, 300))
    y = rng(3).random(300) < 1 / (1 + np.exp(-s[0]))
    gap = area_gap(s[0], s[1], y)
    ours = gap.value
    assert ours == pytest.approx(
        metrics.roc_auc_score(y, s[0]) - metrics.roc_auc_score(y, s[1]), abs=1e-12
    )
    kernels = [(one[y][:, None] > one[~y]) + 0.5 * (one[y][:, None] == one[~y]) for one in s]
    kernel, draw = kernels[0] - kernels[1], rng(4)
    m, k = kernel.shape
    boot = [
        kernel[np.ix_(draw.integers(0, m, m), draw.integers(0, k, k))].mean() for _ in range(500)
    ]
    assert gap.error == pytest.approx(np.std(boot), rel=0.1)
    assert gap.bound(0.05)[0] == pytest.approx(ours - 1.6448536 * gap.error, abs=1e-6)


def test_an_area_of_one_class_is_undefined():
    gap = area_gap([1, 2], [2, 1], [True, True])
    assert math.isnan(gap.value)
    assert gap.bound(0.05) == (-1.0, 1.0)
    assert AreaGap(0.1, 0.05, 40, 60).scaled(400).error == pytest.approx(0.025)


def test_a_root_and_an_explained_share_have_the_error_of_scipys_paired_bootstrap():
    y = rng(5).normal(size=400) * 2
    said = y[None] + rng(6).normal(size=(2, 400)) * np.array([[1.0], [1.3]])
    squares = (said - y) ** 2
    for ours, statistic in (
        (root_gap(*squares), lambda _, a, b: np.sqrt(b.mean()) - np.sqrt(a.mean())),
        (explained_gap(y, *squares), lambda y, a, b: (b.mean() - a.mean()) / y.var()),
    ):
        assert ours.value == pytest.approx(statistic(y, *squares), abs=1e-12)
        theirs = stats.bootstrap(
            (y, *squares), statistic, paired=True, vectorized=False, n_resamples=2000, rng=rng(7),
            confidence_level=0.90,
        )  # fmt: skip
        assert ours.bound(0.05) == pytest.approx(tuple(theirs.confidence_interval), abs=0.012)


def test_the_explained_share_is_scikit_learns():
    y = rng(8).normal(size=100)
    said = y[None] + rng(9).normal(size=(2, 100))
    ours = explained_gap(y, *(said - y) ** 2).value
    assert ours == pytest.approx(metrics.r2_score(y, said[0]) - metrics.r2_score(y, said[1]))
    assert math.isnan(explained_gap([3, 3], [1, 1], [2, 2]).value)


def test_roots_of_nothing_wrong_are_zero():
    assert root_gap([0, 0], [0, 0]).value == 0
    assert root_gap([0, 0], [4, 4]).value == 2


def f1(table):
    return 2 * table[..., 1, 1] / (2 * table[..., 1, 1] + table[..., 0, 1] + table[..., 1, 0])


def test_a_function_of_counts_has_the_bounds_of_scipys_paired_bootstrap():
    y, one, other = (rng(10).random((3, 500)) < np.array([[0.4], [0.45], [0.5]])).astype(int)
    one = np.where(rng(11).random(500) < 0.7, y, one)
    table = np.zeros((2, 2, 2), dtype=int)
    np.add.at(table, (y, one, other), 1)
    ours = counts_gap(f1, table, rng(12))
    assert ours.value == pytest.approx(metrics.f1_score(y, one) - metrics.f1_score(y, other))
    theirs = stats.bootstrap(
        (y, one, other),
        lambda y, a, b: 2 * (y @ a) / (y + a).sum() - 2 * (y @ b) / (y + b).sum(),
        paired=True, vectorized=False, n_resamples=1500, rng=rng(13), confidence_level=0.90,
    )  # fmt: skip
    assert ours.bound(0.05) == pytest.approx(tuple(theirs.confidence_interval), abs=0.015)


@pytest.mark.parametrize(
    "part",
    [
        RateGap(40, 20, 400),
        AreaGap(0.05, 0.02, 200, 200),
        loss_gap(rng(14).random(400), rng(15).random(400)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_more_rows_narrow_the_interval_and_the_verdict_can_be_planned(part):
    width = np.diff(part.bound(0.05))[0]
    assert np.diff(part.scaled(1600).bound(0.05))[0] == pytest.approx(width / 2, rel=0.05)
    estimate = from_part(part)
    assert estimate.detectable((0.0, None)) is not None
    assert estimate.rows_needed((estimate.value - 0.01, None)) is not None
