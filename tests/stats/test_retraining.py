"""How far honest retrains lie apart: the bound against its closed form and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from pytest_aipm.stats.paired import widened
from pytest_aipm.stats.retraining import retrain_bound, widenings


def apart(values: np.ndarray) -> np.ndarray:
    return values[:, None] - values[None, :]


@pytest.mark.parametrize("m", [2, 5, 20])
def test_of_a_plain_value_it_is_the_prediction_bound_of_a_difference(m: int) -> None:
    values = np.random.default_rng(m).normal(3.0, 0.4, m)
    expected = t.ppf(0.95, m - 1) * math.sqrt(2) * values.std(ddof=1)
    assert retrain_bound(apart(values)) == pytest.approx(expected)


def test_five_per_cent_of_normal_retrains_lie_beyond_it_whatever_their_number() -> None:
    rng = np.random.default_rng(4)
    for m in (5, 12):
        values = rng.normal(size=(6000, m + 2))
        bounds = np.array([retrain_bound(apart(one[:m])) for one in values])
        beyond = (values[:, -1] - values[:, -2] > bounds).mean()
        assert beyond == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 6000))


def test_of_the_widest_pair_of_groups_it_covers_honest_retrains_too() -> None:
    """Five groups whose rates move at random: the largest widening has a mean above zero."""
    rng = np.random.default_rng(7)
    n = np.array([1200, 300, 250, 150, 100])
    beyond = 0
    for _ in range(800):
        x = n * (0.4 + rng.normal(0, 0.02, (12, 5)))
        changes = widenings(x, np.tile(n, (12, 1)))
        beyond += changes[10, 11] > retrain_bound(changes[:10, :10])
    assert 0.02 <= beyond / 800 <= 0.09


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_widenings_are_those_that_a_comparison_reports(kind: str) -> None:
    rng = np.random.default_rng(1)
    n = np.tile([400, 90, 60, 31], (3, 1))
    x = rng.binomial(n, 0.4)
    found = widenings(x, n, ratio=kind == "ratio")
    expected = [
        [widened(x[i], n[i], x[j], n[j], kind=kind).delta for j in range(3)] for i in range(3)
    ]
    assert found == pytest.approx(np.array(expected))


def test_groups_too_small_to_prove_a_change_do_not_widen_the_tolerance() -> None:
    n = np.tile([400, 300, 4], (2, 1))
    x = np.array([[200, 150, 0], [200, 150, 4]])
    x[1, 2] = 3
    assert widenings(x, n).max() == 0
    alone = widenings(x[:, [0, 2]], n[:, [0, 2]])  # no two groups are large enough: all count
    assert alone.max() == pytest.approx(0.25)


def test_what_is_undefined_has_no_bound() -> None:
    assert math.isnan(retrain_bound(apart(np.array([0.1, math.nan, 0.3]))))
    one_group = widenings([[10], [12]], [[50], [50]])
    assert np.isnan(one_group).all()
    assert math.isnan(retrain_bound(one_group))


def test_equal_retrains_allow_nothing() -> None:
    assert retrain_bound(np.zeros((6, 6))) == 0
