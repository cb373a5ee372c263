"""The area under the curve and its bounds, against brute force and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from pytest_aipm.stats.auc import delong, robust_interval

scores = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=25)


def brute_force(pos: list[float], neg: list[float]) -> tuple[float, float]:
    """Compare every positive with every negative."""
    a, b = np.array(pos)[:, None], np.array(neg)[None, :]
    psi = (a > b) + 0.5 * (a == b)
    variance = 0.0
    for axis, size in ((1, a.size), (0, b.size)):
        if size > 1:
            variance += psi.mean(axis=axis).var(ddof=1) / size
    return float(psi.mean()), variance


@settings(max_examples=200, deadline=None)
@given(scores, scores)
def test_area_and_variance_equal_the_comparison_of_all_pairs(
    pos: list[float], neg: list[float]
) -> None:
    assert delong(pos, neg) == pytest.approx(brute_force(pos, neg), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(scores, scores)
def test_the_area_equals_scikit_learn(pos: list[float], neg: list[float]) -> None:
    labels = [1] * len(pos) + [0] * len(neg)
    assert delong(pos, neg)[0] == pytest.approx(roc_auc_score(labels, pos + neg), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(scores, scores)
def test_a_histogram_gives_the_same_as_its_rows(pos: list[float], neg: list[float]) -> None:
    (values, counts), (others, other_counts) = (
        np.unique(sample, return_counts=True) for sample in (pos, neg)
    )
    weighted = delong(values, others, counts_pos=counts, counts_neg=other_counts)
    assert weighted == pytest.approx(delong(pos, neg), abs=1e-12)


def test_an_empty_class_has_no_area_and_nan_scores_are_refused() -> None:
    assert np.isnan(delong([], [0.5])).all()
    with pytest.raises(ValueError, match="nan"):
        delong([0.5, np.nan], [0.1])


@settings(max_examples=100, deadline=None)
@given(scores, scores, st.floats(0.001, 0.3))
def test_the_bounds_contain_the_raw_area_and_stay_within_zero_and_one(
    pos: list[float], neg: list[float], alpha: float
) -> None:
    auc, variance = delong(pos, neg)
    lower, upper = robust_interval(auc, variance, len(pos), len(neg), alpha)
    assert 0 <= lower <= auc <= upper <= 1


def test_large_samples_give_the_plain_delong_bounds() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    pos, neg = rng.normal(1, 1, 40_000), rng.normal(0, 1, 60_000)
    auc, variance = delong(pos, neg)
    plain = auc - 1.6448536 * np.sqrt(variance)
    assert robust_interval(auc, variance, pos.size, neg.size, 0.05)[0] == pytest.approx(
        plain, abs=2e-5
    )


@pytest.mark.parametrize(("m", "n"), [(2, 3), (5, 5), (10, 20), (30, 30), (100, 100)])
@pytest.mark.parametrize("true_auc", [0.75, 0.95])
def test_a_group_at_a_known_area_is_rarely_found_below_or_above_it(
    m: int, n: int, true_auc: float
) -> None:
    """Plain DeLong bounds miss up to half of the smallest samples; these at most 5.2 %."""
    runs = 3000
    rng = np.random.Generator(np.random.PCG64(5))
    pos = rng.normal(np.sqrt(2) * norm.ppf(true_auc), 1, (runs, m))
    neg = rng.normal(0, 1, (runs, n))
    psi = (pos[:, :, None] > neg[:, None, :]).astype(float)
    area = psi.mean(axis=(1, 2))
    variance = psi.mean(axis=2).var(axis=1, ddof=1) / m + psi.mean(axis=1).var(axis=1, ddof=1) / n
    ends = np.array(
        [robust_interval(a, v, m, n, 0.05) for a, v in zip(area, variance, strict=True)]
    )
    assert (ends[:, 1] < true_auc).mean() <= 0.06
    assert (ends[:, 0] > true_auc).mean() <= 0.06


@pytest.mark.parametrize("rows", [30, 400])
def test_perfect_order_shows_something(rows):
    lower, upper = robust_interval(1.0, 0.0, rows, rows, 0.05)
    assert lower == pytest.approx(0.05 ** (1 / rows))
    assert upper == 1.0
    assert robust_interval(0.0, 0.0, rows, rows, 0.05) == pytest.approx((0.0, 1 - lower))
