"""Changes of areas and mean losses on the same rows, against brute force and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.means import MeanPart
from pytest_aipm.stats.paired_scores import AucChange, auc_change, most_harmful


def by_definition(new, old, positive):
    """The area's change and DeLong's variance from every pair of a positive and a negative."""

    def placements(scores):
        pairs = np.sign(scores[positive][:, None] - scores[~positive][None, :]) / 2 + 0.5
        return pairs.mean(axis=1), pairs.mean(axis=0)

    (above_new, below_new), (above_old, below_old) = placements(new), placements(old)
    s10 = np.cov(above_new, above_old)
    s01 = np.cov(below_new, below_old)
    total = s10 / positive.sum() + s01 / (~positive).sum()
    change = above_new.mean() - above_old.mean()
    return change, total[0, 0] + total[1, 1] - 2 * total[0, 1]


@pytest.mark.parametrize("seed", range(6))
def test_the_change_of_an_area_is_delongs_by_its_definition(seed):
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.4
    new = np.round(rng.normal(size=80) + positive, seed % 2 + 1)  # with ties
    old = np.round(new + rng.normal(size=80), 1)
    found = auc_change(new, old, positive)
    change, variance = by_definition(new, old, positive)
    assert found.value == pytest.approx(change)
    assert found.variance == pytest.approx(variance)
    areas = [roc_auc_score(positive, scores) for scores in (new, old)]
    assert found.value == pytest.approx(areas[0] - areas[1])


def test_against_a_constant_model_it_is_the_variance_of_one_area():
    rng = np.random.default_rng(3)
    positive = np.arange(200) % 3 == 0
    new = rng.normal(size=200) + positive
    found = auc_change(new, np.zeros(200), positive)
    area, variance = delong(new[positive], new[~positive])
    assert (found.value, found.variance) == pytest.approx((area - 0.5, variance))


@pytest.mark.parametrize(("m", "k"), [(30, 60), (100, 300)])
def test_an_area_that_did_not_change_is_seldom_proven_changed(m, k):
    """Two models of one quality whose errors differ: each bound fails in about 5 of 100."""
    rng = np.random.default_rng(m)
    positive = np.arange(m + k) < m
    below = above = 0
    for _ in range(1500):
        signal = 1.2 * positive + rng.normal(size=m + k)
        new, old = (signal + 0.6 * rng.normal(size=m + k) for _ in range(2))
        low, high = auc_change(new, old, positive).bound(0.05)
        below += low > 0
        above += high < 0
    assert max(below, above) / 1500 <= 0.05 + 3.5 * math.sqrt(0.05 * 0.95 / 1500)
    assert min(below, above) / 1500 >= 0.01


def test_pairing_narrows_the_change_of_an_area():
    rng = np.random.default_rng(8)
    positive = np.arange(1000) % 4 == 0
    old = positive + rng.normal(size=1000)
    new = old + 0.1 * rng.normal(size=1000)
    low, high = auc_change(new, old, positive).bound(0.05)
    apart = norm.isf(0.05) * math.sqrt(
        sum(delong(s[positive], s[~positive])[1] for s in (new, old))
    )
    assert high - low < apart  # a half of the width that two samples would have


def test_the_same_scores_are_no_change_and_one_class_is_undefined():
    positive = np.arange(100) % 2 == 0
    same = auc_change(np.arange(100), np.arange(100) * 2, positive)
    assert same.value == 0
    assert same.bound(0.05) == pytest.approx((-0.0165, 0.0165), abs=1e-3)
    assert math.isnan(auc_change([1, 2], [1, 2], [True, True]).value)


def test_the_most_harmful_group_is_corrected_and_small_ones_prove_nothing():
    falls = AucChange(-0.10, 0.001, 100), AucChange(-0.02, 0.0001, 400), AucChange(-0.5, 0.01, 9)
    found = most_harmful(falls[:2], harm="lower")
    level = 1 - 0.95**0.5
    expected = 0.10 - norm.isf(level) * math.sqrt(0.001 + 0.25 / 100**2)
    assert found.lower == pytest.approx(expected)
    assert (found.delta, found.pair) == (pytest.approx(0.10), (0,))
    assert most_harmful(falls, harm="lower").lower == pytest.approx(expected)
    assert most_harmful(falls, harm="lower").pair == (2,)
    assert most_harmful(falls[2:], harm="lower").lower == -math.inf
    assert most_harmful(falls[:2], harm="higher").delta == pytest.approx(-0.02)
    assert most_harmful([AucChange(math.nan, math.nan, 0)], harm="lower").pair == ()


def test_a_mean_that_rose_is_harm_where_higher_is_worse():
    rng = np.random.default_rng(2)
    rose, same = rng.normal(0.5, 1, 400), rng.normal(0, 1, 400)
    parts = [MeanPart.from_values(rose), MeanPart.from_values(same)]
    found = most_harmful(parts, harm="higher")
    assert found.pair == (0,)
    assert found.delta == pytest.approx(rose.mean())
    assert found.lower == pytest.approx(parts[0].bound(1 - 0.95**0.5)[0])
    assert found.upper == pytest.approx(parts[0].bound(0.05)[1])
