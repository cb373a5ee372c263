"""The rank correlation against scipy, and its standard error against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from pytest_aipm.stats.ranks import spearman


@pytest.mark.parametrize("digits", [0, 1, 9])
def test_it_is_scipys_with_and_without_ties(digits) -> None:
    rng = np.random.default_rng(digits)
    x = rng.normal(size=80).round(digits)
    y = (x + rng.normal(size=80)).round(digits)
    value, influence = spearman(x, y)
    assert value == pytest.approx(spearmanr(x, y).statistic)
    assert influence.mean() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("shape", ["line", "turn", "alone"])
def test_the_standard_error_is_that_of_samples(shape) -> None:
    rng = np.random.default_rng(1)
    values, errors = [], []
    for _ in range(1000):
        x = rng.uniform(-1, 1, 200)
        noise = 0.3 * rng.normal(size=200)
        y = {"line": x + noise, "turn": x**2, "alone": noise}[shape]
        value, influence = spearman(x, y)
        values.append(value)
        errors.append(influence.std() / np.sqrt(200))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.08)


def test_a_weight_of_two_is_two_rows() -> None:
    rng = np.random.default_rng(2)
    x, y, times = rng.normal(size=60).round(1), rng.normal(size=60).round(1), rng.integers(1, 4, 60)
    value, influence = spearman(x, y, 5.0 * times)
    again, each = spearman(np.repeat(x, times), np.repeat(y, times))
    assert value == pytest.approx(spearmanr(np.repeat(x, times), np.repeat(y, times)).statistic)
    assert value == pytest.approx(again)
    assert np.repeat(influence, times) == pytest.approx(each)
