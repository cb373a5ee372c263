"""The worst group against a floor, and one number by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from pytest_aipm.stats.floors import floor, rate_floor
from pytest_aipm.stats.parts import BootstrapPart, MeanPart, RatePart
from pytest_aipm.stats.single import census, from_part, rate

X, N = [500, 140, 110, 40, 20], [600, 180, 130, 60, 30]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3000), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_a_single_rate_has_the_exact_bounds_of_scipy(
    n: int, share: float, confidence: float
) -> None:
    x = round(share * n)
    estimate = rate(x, n, confidence)
    for alternative, end in (("less", estimate.upper), ("greater", estimate.lower)):
        interval = binomtest(x, n, alternative=alternative).proportion_ci(confidence)
        expected = interval.high if alternative == "less" else interval.low
        assert end == pytest.approx(expected, abs=1e-9)
    assert estimate.aggregate == "one"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.floats(0, 1))
def test_wilson_bounds_equal_statsmodels(n: int, share: float) -> None:
    x = round(share * n)
    estimate = rate(x, n, method="wilson")
    expected = proportion_confint(x, n, alpha=0.10, method="wilson")
    assert (estimate.lower, estimate.upper) == pytest.approx(expected, abs=1e-9)


def test_a_floor_takes_sidak_for_breach_and_nothing_for_compliance() -> None:
    estimate = rate_floor(X, N)
    level = (1 - 0.05) ** (1 / 5)
    uppers = [
        binomtest(x, n, alternative="less").proportion_ci(level).high
        for x, n in zip(X, N, strict=True)
    ]
    lowers = [
        binomtest(x, n, alternative="greater").proportion_ci(0.95).low
        for x, n in zip(X, N, strict=True)
    ]
    assert estimate.value == pytest.approx(min(x / n for x, n in zip(X, N, strict=True)))
    assert estimate.upper == pytest.approx(min(uppers))
    assert estimate.lower == pytest.approx(min(lowers))
    assert estimate.aggregate == "min"


def test_a_ceiling_is_the_mirror_of_a_floor() -> None:
    low = rate_floor(X, N)
    high = rate_floor([n - x for x, n in zip(X, N, strict=True)], N, worst="max")
    assert (high.value, high.lower, high.upper) == pytest.approx(
        (1 - low.value, 1 - low.upper, 1 - low.lower)
    )
    assert high.pair == low.pair
    assert high.aggregate == "max"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 300), st.floats(0, 1)), min_size=1, max_size=6))
def test_the_worst_value_lies_inside_and_more_rows_narrow_it(
    drawn: list[tuple[float, ...]],
) -> None:
    n = [size for size, _ in drawn]
    x = [round(size * share) for size, share in drawn]
    for worst in ("min", "max"):
        estimate = rate_floor(x, n, worst=worst)
        wider = estimate.at([2 * size for size in n])
        assert estimate.lower <= estimate.value <= estimate.upper
        assert wider.lower >= estimate.lower - 1e-12
        assert wider.upper <= estimate.upper + 1e-12


def test_an_undefined_group_blocks_proof_unless_small_groups_are_not_judged() -> None:
    plain, empty = rate_floor(X, N), rate_floor([*X, 0], [*N, 0])
    assert (empty.value, empty.upper, empty.lower) == (plain.value, plain.upper, 0.0)
    unjudged = rate_floor([*X, 0, 1], [*N, 0, 9], min_size=10)
    assert (unjudged.value, unjudged.lower, unjudged.upper) == (
        plain.value,
        plain.lower,
        plain.upper,
    )
    assert rate_floor([*X, 0], [*N, 0], worst="max").upper == 1.0
    nothing = rate_floor([0], [0])
    assert np.isnan(nothing.value)
    assert (nothing.lower, nothing.upper) == (0.0, 1.0)


def test_means_of_few_rows_cannot_prove_a_breach_but_prevent_proof() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    large, bad = (MeanPart.from_values(rng.normal(m, 1, k)) for m, k in ((1, 200), (9, 20)))
    estimate = floor([large, bad], worst="max")
    assert estimate.value == bad.value
    assert estimate.lower == pytest.approx(large.bound(0.05)[0])
    assert estimate.upper == pytest.approx(bad.bound(0.05)[1])
    alone = floor([bad], worst="max")
    assert alone.lower == -np.inf
    assert from_part(bad).lower == -np.inf
    assert from_part(bad).upper == np.inf
    assert from_part(bad).value == bad.value


def test_a_part_without_draws_is_undefined() -> None:
    nothing = BootstrapPart(float("nan"), np.empty(0), 0, support=(0.0, 1.0))
    estimate = floor([RatePart(9, 10), nothing])
    assert (estimate.value, estimate.lower) == (0.9, 0.0)
    assert np.isnan(estimate.parts[1]).all()


def test_one_rate_without_rows_has_no_value() -> None:
    estimate = rate(0, 0)
    assert np.isnan(estimate.value)
    assert (estimate.lower, estimate.upper) == (0.0, 1.0)


def test_other_sizes_and_values() -> None:
    estimate = rate(8, 10)
    assert estimate.at([10]) == estimate
    assert estimate.at([100.5]).value == pytest.approx(0.8)
    assert estimate.at([100], [0.3]).value == pytest.approx(0.3)


def test_a_census_is_its_own_interval() -> None:
    estimate = census(0.02, 500)
    assert (estimate.value, estimate.lower, estimate.upper) == (0.02, 0.02, 0.02)
    assert estimate.detectable((None, 0.01)) is None
    assert estimate.rows_needed((None, 0.01)) == (1.0, (0,))
    assert estimate.at([50], [0.1]).value == 0.1


def test_no_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        floor([])
