"""Bins of probabilities: against scikit-learn, brute force and simulation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.calibration import calibration_curve

from pytest_aipm.stats.calibration import CalibrationPart, Reliability, reliability

Draw = Callable[[np.ndarray], np.ndarray]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def binned(score: np.ndarray, label: np.ndarray) -> Reliability:
    order = np.argsort(score, kind="stable")
    return reliability(score[order], label[order], np.ones(len(score)))


def simulated(n: int, truth: Draw, runs: int, seed: int = 0) -> list[Reliability]:
    rng = generator(seed)
    scores = rng.uniform(0.1, 0.9, size=(runs, n))
    return [binned(s, y) for s, y in zip(scores, rng.binomial(1, truth(scores)), strict=True)]


def test_the_line_is_that_of_scikit_learn_by_quantiles() -> None:
    score = generator(1).uniform(size=500)
    label = generator(2).binomial(1, score)
    ours = binned(score, label)
    share, mean = calibration_curve(label, score, n_bins=10, strategy="quantile")
    assert ours.share == pytest.approx(share)
    assert ours.score == pytest.approx(mean)
    assert ours.raw == pytest.approx(np.abs(share - mean).mean())


def test_equal_scores_share_a_bin_and_counts_stand_for_rows() -> None:
    score = np.array([0.1, 0.2, 0.7])
    ours = reliability(score, [1, 10, 60], [10, 50, 100])
    assert ours.rows.tolist() == [10, 50, 100]
    assert ours.raw == pytest.approx((10 * 0.0 + 50 * 0.0 + 100 * 0.1) / 160)
    assert ours.variance == pytest.approx(score * (1 - score) / ours.rows)


def test_the_sign_of_one_half_and_the_size_of_the_other_give_the_formula() -> None:
    """Brute force over splits of one bin's normal errors."""
    rng = generator(3)
    for gap, sd in ((0.0, 0.1), (0.05, 0.1), (0.3, 0.1)):
        halves = gap + sd * rng.standard_normal(400_000)
        others = 2 * gap - halves
        brute = np.mean(np.sign(halves) * others)
        bins = Reliability(*(np.array([v]) for v in (100.0, 100 * (0.5 + gap), 0.5, sd**2)))
        assert bins.centred == pytest.approx(brute, abs=1e-3)
    assert norm.pdf(0) * 2 * 0.1 == pytest.approx(
        -Reliability(*(np.array([v]) for v in (100.0, 50.0, 0.5, 0.01))).centred
    )


@pytest.mark.parametrize(("n", "biased"), [(60, 0.131), (600, 0.041)])
def test_a_calibrated_model_shows_no_debiased_error_where_the_raw_one_is_large(
    n: int, biased: float
) -> None:
    rng = generator(n)
    scores = rng.uniform(size=(2000, n))
    found = [binned(s, y) for s, y in zip(scores, rng.binomial(1, scores), strict=True)]
    assert np.mean([each.raw for each in found]) == pytest.approx(biased, abs=0.003)
    assert np.mean([each.centred for each in found]) == pytest.approx(0, abs=0.004)
    # cut at 0, as it is shown
    assert np.mean([CalibrationPart.of(each).value for each in found]) < biased / 6


def test_a_clear_error_is_shown_whole() -> None:
    found = simulated(5000, lambda s: s + np.where(s > 0.5, -0.1, 0.1), 200)
    assert np.mean([each.centred for each in found]) == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize(
    ("truth", "error"),
    [(lambda s: s, 0.0), (lambda s: s - 0.05, 0.05), (lambda s: s - 0.02, 0.02)],
    ids=["calibrated", "shift .05", "shift .02"],
)
@pytest.mark.parametrize("n", [60, 600, 3000])
def test_each_end_misses_at_most_about_one_time_in_twenty(
    truth: Draw, error: float, n: int
) -> None:
    runs = 600
    bounds = np.array(
        [CalibrationPart.of(each).bound(0.05) for each in simulated(n, truth, runs, seed=n)]
    )
    assert np.mean(bounds[:, 0] > error + 1e-12) <= 0.072
    assert np.mean(bounds[:, 1] < error) <= 0.072


def test_a_scaled_part_has_the_error_of_more_rows() -> None:
    (small,) = simulated(500, lambda s: s - 0.05, 1)
    part = CalibrationPart.of(small)
    larger = part.scaled(2000)
    assert larger.value == pytest.approx(part.value)
    assert larger.sd == pytest.approx(part.sd / 2)
    assert larger.raw - larger.value == pytest.approx((part.raw - part.value) / 2)
    assert np.isnan(part.scaled(0).value)
    assert CalibrationPart(np.nan, np.nan, 0.0, 0.0).bound(0.05) == (0.0, 1.0)
