"""Contrasts with one group within strata: against statsmodels, identities and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm
from statsmodels.stats.contingency_tables import StratifiedTable

from pytest_aipm.stats.adjusted import against_one_group
from pytest_aipm.stats.mantel_haenszel import (
    AlikePart,
    ScorePart,
    _difference,
    _ratio,
    mantel_haenszel,
)
from pytest_aipm.stats.parts import rate_bounds

RUNS = 2000
BOUND = binom.ppf(0.99, RUNS, 0.05) / RUNS
"""The largest share of false fails that a test of 5 % shows in 99 of 100 simulations: 6.2 %."""


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def sampled(seed: int, strata: int, k: int, most: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = generator(seed)
    n = rng.integers(0, most, size=(strata, k))
    return rng.binomial(n, rng.uniform(0.2, 0.7, size=(strata, 1))), n


@pytest.mark.parametrize("seed", range(5))
def test_the_pooled_risk_ratio_is_that_of_statsmodels(seed: int) -> None:
    x, n = sampled(seed, 20, 2)
    tables = [
        np.array([[a, n1 - a], [c, n0 - c]])
        for (a, c), (n1, n0) in zip(x, n, strict=True)
        if n1 and n0
    ]
    ours = mantel_haenszel(x, n, 0, 1, "ratio")
    assert ours.value == pytest.approx(StratifiedTable(tables).riskratio_pooled, rel=1e-12)


def test_in_one_stratum_the_variance_of_the_log_ratio_is_the_textbooks() -> None:
    """1/a - 1/n1 + 1/c - 1/n0 (Katz and others 1978)."""
    part = mantel_haenszel([[30, 80]], [[100, 160]], 0, 1, "ratio")
    assert isinstance(part, ScorePart)
    assert part.slope / part.value == pytest.approx(1 / 30 - 1 / 100 + 1 / 80 - 1 / 160)


def test_in_one_stratum_the_bound_of_katz_is_that_of_a_published_table() -> None:
    """473 of 984 against 755 of 1,705: 1.01166194 (asbio's ci.prat, in TF Privacy's tests)."""
    part = mantel_haenszel([[473, 755]], [[984, 1705]], 0, 1, "ratio")
    assert isinstance(part, ScorePart)
    log = np.log(part.value) - norm.isf(0.05) * np.sqrt(part.slope / part.value)
    assert np.exp(log) == pytest.approx(1.01166194, abs=5e-9)


def test_for_matched_pairs_the_variance_of_the_difference_is_mcnemars() -> None:
    """One row of each group in a stratum: (b + c - (b - c)² / n) / n²."""
    b, c, both, neither = 25, 10, 40, 50
    x = np.repeat([[1, 0], [0, 1], [1, 1], [0, 0]], [b, c, both, neither], axis=0)
    part = mantel_haenszel(x, np.ones_like(x), 0, 1, "difference")
    assert isinstance(part, ScorePart)
    n = b + c + both + neither
    assert part.value == pytest.approx((b - c) / n)
    variance = part.slope * part.value + part.level
    assert variance == pytest.approx((b + c - (b - c) ** 2 / n) / n**2)


@pytest.mark.parametrize("strata", [4, 300])
def test_estimated_variances_are_those_that_simulation_shows(strata: int) -> None:
    rng = generator(strata)
    n = rng.multinomial(1200, np.full(2 * strata, 0.5 / strata)).reshape(strata, 2)
    p = np.column_stack([base := rng.uniform(0.2, 0.6, strata), base]) * [0.8, 1.0]
    draws = rng.binomial(n, p, size=(3000, strata, 2))
    ratios = [mantel_haenszel(x, n, 0, 1, "ratio") for x in draws]
    gaps = [mantel_haenszel(x, n, 0, 1, "difference") for x in draws]
    logs = np.log([each.value for each in ratios])
    assert np.mean([each.slope / each.value for each in ratios]) == pytest.approx(
        logs.var(), rel=0.08
    )
    values = np.array([each.value for each in gaps])
    said = np.mean([each.slope * each.value + each.level for each in gaps])
    assert said == pytest.approx(values.var(), rel=0.08)


@pytest.mark.parametrize(("n1", "n0"), [(3, 9), (8, 2), (1, 1)])
@pytest.mark.parametrize(("p1", "p0"), [(0.3, 0.5), (0.72, 0.9), (0.2, 0.2)])
def test_variances_are_unbiased_in_a_stratum_of_any_shape(
    n1: int, n0: int, p1: float, p0: float
) -> None:
    """Every table of one stratum, by its probability."""
    a, c = (grid.ravel() for grid in np.meshgrid(np.arange(n1 + 1.0), np.arange(n0 + 1.0)))
    chance = binom.pmf(a, n1, p1) * binom.pmf(c, n0, p0)
    total = n1 + n0
    gap, ratio = p1 - p0, p1 / p0
    columns = [np.array([each]) for each in (n1, n0, total)]
    parts = [_difference(np.array([x]), np.array([y]), *columns) for x, y in zip(a, c, strict=True)]
    said = chance @ [each.slope * gap + each.level for each in parts]
    assert said == pytest.approx(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    # of the numerator a n0 / N - ratio c n1 / N, which the score equation squares
    spread = (a + c) * n1 * n0 / total**2 - a * c / total
    true = (n0**2 * n1 * p1 * (1 - p1) + ratio**2 * n1**2 * n0 * p0 * (1 - p0)) / total**2
    assert ratio * (chance @ spread) == pytest.approx(true)
    for x, y, each in zip(a, c, spread, strict=True):
        if y > 0 and x > 0:
            part = _ratio(np.array([x]), np.array([y]), *columns)
            assert part.slope * (y * n1 / total) ** 2 == pytest.approx(each)


def test_the_bounds_solve_the_score_equation_outside_half_a_row() -> None:
    for kind in ("ratio", "difference"):
        part = mantel_haenszel(*sampled(7, 12, 2), 0, 1, kind)
        assert isinstance(part, ScorePart)
        for end, sign in zip(part.bound(0.05), (-1, 1), strict=True):
            moved = part.value + sign * part.half
            z = (end - moved) / np.sqrt(part.slope * end + part.level)
            assert sign * z == pytest.approx(1.6448536, rel=1e-6) or kind == "difference"
            assert sign * z >= 1.6448536 - 1e-6


def test_groups_that_share_no_stratum_cannot_be_compared() -> None:
    part = mantel_haenszel([[3, 0], [0, 4]], [[10, 0], [0, 10]], 0, 1, "ratio")
    assert np.isnan(part.value)
    assert part.bound(0.05) == (0.0, np.inf)


def test_where_all_decisions_are_alike_the_ends_are_exact_not_a_point() -> None:
    part = mantel_haenszel([[20, 30]], [[20, 30]], 0, 1, "ratio")
    assert isinstance(part, AlikePart)
    lowest, other = (float(rate_bounds(n, n, 0.05)[0]) for n in (20, 30))
    assert part.bound(0.05) == pytest.approx((lowest, 1 / other))
    gap = mantel_haenszel([[0, 0]], [[20, 30]], 0, 1, "difference")
    assert gap.bound(0.05) == pytest.approx((other - 1, 1 - lowest))
    assert np.isnan(mantel_haenszel([[0, 0]], [[20, 30]], 0, 1, "ratio").value)


SPLITS = [
    ((0.5, 0.5), 400, 5, 0.2),
    ((0.9, 0.1), 300, 3, 0.5),
    ((0.9, 0.1), 300, 3, 0.9),
    ((0.7, 0.2, 0.1), 400, 8, 0.5),
    ((0.34, 0.33, 0.33), 300, 100, 0.3),  # sparse: about one row of each group in a stratum
    ((0.5, 0.5), 200, 60, 0.05),
]


@pytest.mark.parametrize(("shares", "rows", "strata", "base"), SPLITS)
@pytest.mark.parametrize("kind", ["ratio", "difference"])
def test_an_adjusted_disparity_at_its_limit_fails_at_most_one_time_in_twenty(
    shares: tuple[float, ...], rows: int, strata: int, base: float, kind: str
) -> None:
    rng = generator(rows + strata)
    k = len(shares)
    n = rng.multinomial(rows, np.tile(np.array(shares) / strata, strata)).reshape(strata, k)
    p = np.repeat(np.clip(base * rng.uniform(0.6, 1.1, (strata, 1)), 0.12, 0.99), k, axis=1)
    p[:, 1:] = p[:, 1:] * 0.8 if kind == "ratio" else p[:, 1:] - 0.1
    failed = held = 0
    for x in rng.binomial(n, p, size=(RUNS, strata, k)):
        parts = [mantel_haenszel(x, n, group, 0, kind) for group in range(k)]
        found = against_one_group(parts, 0, kind)
        failed += found.upper < 0.8 if kind == "ratio" else found.lower > 0.1
        held += found.lower >= 0.8 if kind == "ratio" else found.upper <= 0.1
    assert failed / RUNS <= BOUND
    assert held / RUNS <= 0.07


def test_a_large_adjusted_disparity_is_caught() -> None:
    rng = generator(5)
    n = rng.multinomial(1000, np.tile(np.array([0.6, 0.25, 0.15]) / 10, 10)).reshape(10, 3)
    p = np.tile([0.5, 0.5, 0.3], (10, 1))
    caught = [
        against_one_group([mantel_haenszel(x, n, g, 0, "ratio") for g in range(3)], 0, "ratio")
        for x in rng.binomial(n, p, size=(300, 10, 3))
    ]
    assert np.mean([each.upper < 0.8 for each in caught]) > 0.6
    assert all(each.pair == (2,) for each in caught if each.upper < 0.8)


counts = st.lists(
    st.tuples(*(st.tuples(st.integers(0, 9), st.integers(0, 9)) for _ in range(3))),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(counts, st.sampled_from(["ratio", "difference"]))
def test_ends_hold_the_value_and_more_rows_of_the_same_never_widen_them(
    cells: list, kind: str
) -> None:
    table = np.array(cells)
    x, n = table[:, :, 0], table.sum(axis=2)
    found = against_one_group([mantel_haenszel(x, n, g, 0, kind) for g in range(3)], 0, kind)
    if not found.pair:
        assert np.isnan(found.value)
        return
    assert found.lower <= found.value <= found.upper
    more = found.at([4 * size for size in found.sizes])
    assert more.value == pytest.approx(found.value)
    assert more.lower >= found.lower - 1e-9
    assert more.upper <= found.upper + 1e-9


def test_rows_needed_are_enough_and_the_gap_is_caught_in_simulation() -> None:
    rng = generator(11)
    n = np.full((5, 2), 40)
    x = np.column_stack([np.full(5, 20), np.full(5, 13)])

    def measured(x: np.ndarray, n: np.ndarray):
        return against_one_group([mantel_haenszel(x, n, g, 0, "ratio") for g in (0, 1)], 0, "ratio")

    found = measured(x, n)
    assert found.lower < 0.8 < found.upper
    factor, pair = found.rows_needed((0.8, None))
    assert pair == (1,)
    larger = np.full((5, 2), round(40 * factor))
    draws = rng.binomial(larger, [0.5, 0.325], size=(600, 5, 2))
    decided = np.mean([measured(each, larger).upper < 0.8 for each in draws])
    assert decided == pytest.approx(0.8, abs=0.06)
    gap, group = found.detectable((0.8, None))
    assert group == 1
    draws = rng.binomial(n, [0.5, 0.5 * (0.8 - gap)], size=(600, 5, 2))
    caught = np.mean([measured(each, n).upper < 0.8 for each in draws])
    assert caught == pytest.approx(0.8, abs=0.1)


def test_undefined_groups_block_compliance_unless_small_ones_are_left_out() -> None:
    x, n = np.array([[50, 50, 0], [50, 50, 0]]), np.array([[100, 100, 0], [100, 100, 0]])
    parts = [mantel_haenszel(x, n, group, 0, "ratio") for group in range(3)]
    assert against_one_group(parts, 0, "ratio").lower == 0
    assert against_one_group(parts, 0, "ratio", min_size=10).lower > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_looking_both_ways_it_does_not_matter_which_of_two_groups_is_the_reference(
    seed: int,
) -> None:
    x, n = sampled(seed, 12, 2)
    one, other = (
        against_one_group(
            [mantel_haenszel(x, n, group, reference, "ratio") for group in (0, 1)],
            reference,
            "ratio",
            both=True,
        )
        for reference in (0, 1)
    )
    assert one.value <= 1
    assert (one.value, one.lower, one.upper) == pytest.approx(
        (other.value, other.lower, other.upper), rel=0.02
    )
    named = against_one_group(one.source, 0, "ratio")
    assert named.upper <= one.upper if named.value <= 1 else named.value > 1


@pytest.mark.parametrize("low", [0, 1])
def test_either_of_two_groups_exactly_at_the_limit_rarely_fails(low: int) -> None:
    rng = generator(40 + low)
    n = np.tile([60, 30], (10, 1))
    rates = np.repeat(rng.uniform(0.3, 0.8, size=(10, 1)), 2, axis=1)
    rates[:, low] *= 0.8
    failed = 0
    for _ in range(RUNS):
        x = rng.binomial(n, rates)
        parts = [mantel_haenszel(x, n, group, 0, "ratio") for group in (0, 1)]
        failed += against_one_group(parts, 0, "ratio", both=True).upper < 0.8
    assert failed <= BOUND * RUNS
