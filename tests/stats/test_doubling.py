"""The gain from the last doubling: held to arithmetic by hand and to simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from pytest_aipm.stats.doubling import last_doubling

HALF = np.array([[0.4, 0.2, 0.6], [0.6, 0.4, 0.8]])
WHOLE = np.array([0.1, 0.3, 0.5])


def test_value_error_and_freedom_by_hand() -> None:
    found = last_doubling(HALF, WHOLE)
    moved = HALF - WHOLE
    rows, repeats = moved.mean(axis=0).var(ddof=1) / 3, moved.mean(axis=1).var(ddof=1) / 2
    freedom = (rows + repeats) ** 2 / (rows**2 / 2 + repeats**2 / 1)
    assert found.value == pytest.approx(0.2)
    assert found.bound(0.05)[0] == pytest.approx(
        0.2 - t.ppf(0.95, freedom) * np.sqrt(rows + repeats), abs=1e-12
    )


def test_a_share_is_that_of_the_loss_with_half_by_the_delta_method() -> None:
    found = last_doubling(HALF, WHOLE, "share")
    assert found.value == pytest.approx(1 - 0.3 / 0.5)
    nudge = 1e-6
    for i in range(3):
        moved = WHOLE + nudge * (np.arange(3) == i)
        slope = (last_doubling(HALF, moved, "share").value - found.value) / nudge
        assert slope == pytest.approx(-1 / 0.5 / 3, rel=1e-4)


def test_a_model_without_errors_has_no_share() -> None:
    assert np.isnan(last_doubling(np.zeros((2, 3)), np.zeros(3), "share").value)


def test_the_true_gain_is_seldom_below_the_lower_end() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(400):
        half = 0.5 + rng.normal(0, 0.05, (5, 1)) + rng.normal(0, 0.3, (1, 200))
        half = half + rng.normal(0, 0.2, (5, 200))
        whole = 0.4 + rng.normal(0, 0.3, 200)
        missed += last_doubling(half, whole).bound(0.05)[0] > 0.1
    assert missed / 400 <= 0.075
