"""Areas and rank correlations, whichever way they point."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata, spearmanr
from sklearn.metrics import roc_auc_score

from pytest_aipm.stats.association import Correlation, EitherArea, rank_correlation, ranks_of
from pytest_aipm.stats.auc import counted_area, delong, robust_interval


def test_counted_areas_are_those_of_scikit_learn_and_of_rows():
    rng = np.random.default_rng(0)
    score, y = rng.integers(0, 20, 500), rng.integers(0, 2, 500)
    above, below = (np.bincount(score[y == side], minlength=20).astype(float) for side in (1, 0))
    auc, variance = counted_area(above, below)
    assert auc == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    assert (auc, variance) == pytest.approx(delong(score[y == 1], score[y == 0]), abs=1e-12)
    assert np.isnan(counted_area(above, np.zeros(20))).all()


def test_rank_correlations_are_those_of_scipy():
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 9, 300).astype(float), rng.normal(size=300)
    ranks = []
    for values in (one, other):
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append(ranks_of(place, counts))
        np.testing.assert_allclose(ranks[-1], rankdata(values), atol=1e-9)
    found = rank_correlation(*ranks)
    assert found == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)
    assert np.isnan(rank_correlation(np.ones(5), np.arange(5.0)))


@pytest.mark.parametrize("auc", [0.1, 0.4, 0.5, 0.62, 0.97])
def test_an_area_of_either_direction_has_the_ends_of_the_larger_one(auc):
    part = EitherArea(auc, 0.0004, 150.0, 200.0)
    lower, upper = part.bound(0.05)
    larger = max(auc, 1 - auc)
    low = robust_interval(larger, 0.0004, 150.0, 200.0, 0.025)[0]
    high = robust_interval(larger, 0.0004, 150.0, 200.0, 0.05)[1]
    assert part.value == larger
    assert lower == pytest.approx(max(low, 0.5))
    assert upper >= high - 1e-12
    assert lower <= part.value <= upper


def test_an_area_of_one_direction_does_not_fold():
    part = EitherArea(0.3, 0.0004, 150.0, 200.0, either=False)
    assert part.value == 0.5
    assert part.bound(0.05)[0] == 0.5


def test_the_ends_of_a_correlation_are_those_of_bonett_and_wright():
    low, high = Correlation(-0.8, 100, either=True).bound(0.05)
    sd = np.sqrt((1 + 0.8**2 / 2) / 97)
    assert low == pytest.approx(np.tanh(np.arctanh(0.8) - norm.ppf(0.975) * sd), abs=1e-9)
    assert high == pytest.approx(np.tanh(np.arctanh(0.8) + norm.ppf(0.95) * sd), abs=1e-9)
    assert Correlation(-0.8, 100, either=False).value == 0
    assert np.isnan(Correlation(0.5, 3).value)
    assert Correlation(1.0, 50).bound(0.05)[1] == 1.0


@pytest.mark.parametrize("part", [EitherArea(0.7, 0.001, 50, 60), Correlation(0.6, 110)])
def test_more_rows_make_narrower_ends(part):
    near, wide = part.scaled(4 * part.n), part
    assert near.value == pytest.approx(wide.value)
    assert np.subtract(*near.bound(0.05)[::-1]) < np.subtract(*wide.bound(0.05)[::-1])
    assert part.scaled(part.n, 0.8).value == pytest.approx(0.8)
