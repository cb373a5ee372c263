"""Shares against a population: held to scipy, statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare
from statsmodels.stats.proportion import multinomial_proportions_confint, proportion_confint

from pytest_aipm.stats.representation import SharePart, goodness_of_fit, represented

X, EXPECTED = [255.0, 500.0, 245.0], [0.4, 0.4, 0.2]


def test_each_share_has_the_ends_of_clopper_and_pearson() -> None:
    found = represented(X, [1000.0] * 3, EXPECTED, "ratio")
    for x, share, (value, lower, upper) in zip(X, EXPECTED, found.parts, strict=True):
        low, high = proportion_confint(x, 1000, alpha=0.10, method="beta")
        assert (value, lower, upper) == pytest.approx(
            (x / 1000 / share, low / share, high / share), abs=1e-9
        )


def test_the_end_that_proves_a_breach_is_corrected_for_all_groups() -> None:
    found = represented(X, [1000.0] * 3, EXPECTED, "ratio")
    exact = binomtest(255, 1000).proportion_ci(1 - 2 * 0.05 / 3, method="exact")
    assert found.value == 255 / 400
    assert found.upper == pytest.approx(exact.high / 0.4, abs=1e-9)
    assert found.method == "Clopper-Pearson, Bonferroni over 3 groups"


def test_shortfalls_mirror_ratios() -> None:
    ratio = represented(X, [1000.0] * 3, EXPECTED, "ratio")
    short = represented(X, [1000.0] * 3, EXPECTED, "difference")
    assert short.value == pytest.approx(0.4 - 0.255)
    assert short.lower == pytest.approx(0.4 - ratio.upper * 0.4, abs=1e-12)


def test_the_ends_are_near_those_of_goodman_and_never_much_narrower() -> None:
    goodman = multinomial_proportions_confint(np.array(X), alpha=0.10, method="goodman")
    found = represented(X, [1000.0] * 3, EXPECTED, "ratio")
    assert found.upper * 0.4 == pytest.approx(goodman[0][1], abs=0.003)


def test_pearsons_test_is_that_of_scipy() -> None:
    theirs = chisquare(X, np.array(EXPECTED) * 1000).pvalue
    assert goodness_of_fit(X, EXPECTED) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("kind", ["ratio", "difference"])
def test_a_part_can_be_asked_at_another_value_and_size(kind: str) -> None:
    part = represented(X, [1000.0] * 3, EXPECTED, kind).source[0]
    assert isinstance(part, SharePart)
    moved = part.scaled(2000, 0.1)
    assert (moved.value, moved.n) == (pytest.approx(0.1), 2000)
    low, high = moved.bound(0.05)
    assert part.support[0] <= low < 0.1 < high <= part.support[1]


def test_the_gap_that_is_told_is_caught_in_eight_of_ten_samples() -> None:
    found = represented([500.0, 500.0], [1000.0] * 2, [0.5, 0.5], "ratio")
    gap, group = found.detectable((0.8, None))
    true = np.array([0.5 * (0.8 - gap)] * 2)
    true[1 - group] = 1 - true[group]
    rng = np.random.default_rng(0)
    caught = [
        represented(x, [1000.0] * 2, [0.5, 0.5], "ratio").upper < 0.8
        for x in rng.multinomial(1000, true, size=600).astype(float)
    ]
    assert np.mean(caught) == pytest.approx(0.80, abs=0.05)
