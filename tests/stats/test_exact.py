"""Exact tests of small groups: p values and sizes by enumeration of all tables."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import barnard_exact, beta, binom, norm

from pytest_aipm.stats.contrasts import among_all
from pytest_aipm.stats.disparity import rate_difference, rate_ratio
from pytest_aipm.stats.ends import GRID, breach_end, hold_end
from pytest_aipm.stats.exact import Kind, critical_z, exact_p
from pytest_aipm.stats.score import difference_z, ratio_z

Table = tuple[int, int, int, int]

PAIRS = [(12, 15), (20, 20), (7, 40), (40, 7), (1, 90), (60, 5)]
MARGINS: list[tuple[Kind, float]] = [
    ("difference", 0.0),
    ("difference", 0.1),
    ("difference", -0.2),
    ("ratio", 0.8),
    ("ratio", 1.25),
]


def loudness(kind: Kind, table: Table, margin: float) -> np.ndarray:
    """Return the statistic of the table seen, or of arrays of tables."""
    x1, n1, x2, n2 = table
    if kind == "difference":
        return difference_z(x1, n1, x2, n2, margin)
    return -ratio_z(x2, n2, x1, n1, margin)


def enumerated(kind: Kind, table: Table, margin: float, error: float, points: int = 301) -> float:
    """Return the p value by summing over all tables, at many rates of the larger group."""
    x1, n1, x2, n2 = table
    a, b = np.arange(n1 + 1)[:, None], np.arange(n2 + 1)[None, :]
    loud = loudness(kind, (a, n1, b, n2), margin) >= loudness(kind, table, margin) - 1e-9
    x, n = (x1, n1) if n1 >= n2 else (x2, n2)
    low, high = 0.0, 1.0
    if error:
        low = beta.ppf(error / 2, x, n - x + 1) if x else 0.0
        high = beta.isf(error / 2, x + 1, n - x) if x < n else 1.0
    worst = 0.0
    for rate in np.linspace(low, high, points):
        if n1 >= n2:
            p1, p2 = rate, rate - margin if kind == "difference" else rate * margin
        else:
            p1, p2 = rate + margin if kind == "difference" else rate / margin, rate
        if p1 < 0 or p2 > 1:  # no rate of the smaller group fits the hypothesis
            continue
        p1, p2 = min(p1, 1.0), max(p2, 0.0)
        chance = binom.pmf(a, n1, p1) * binom.pmf(b, n2, p2)
        worst = max(worst, float(chance[loud].sum()))
    return min(worst + error, 1.0)


@pytest.mark.parametrize(("kind", "margin"), MARGINS)
@pytest.mark.parametrize("sizes", PAIRS)
@pytest.mark.parametrize("share", [0.0, 0.02])
def test_p_values_equal_the_sum_over_all_tables(
    sizes: tuple[int, int], kind: Kind, margin: float, share: float
) -> None:
    n1, n2 = sizes
    rng = np.random.Generator(np.random.PCG64(n1 + n2))
    for _ in range(2):
        table = (int(rng.binomial(n1, 0.75)), n1, int(rng.binomial(n2, 0.4)), n2)
        found = float(exact_p(kind, table[:2], table[2:], margin, 0.05, share=share)[0])
        if loudness(kind, table, margin) <= 0:
            assert found == 1
        else:
            expected = enumerated(kind, table, margin, 0.05 * share)
            # the grid may miss a little of a peak, and overshoots where a rate comes to its border
            assert 0.985 * expected <= found <= 1.05 * expected + 1e-6


@pytest.mark.parametrize("table", [(9, 12, 4, 15), (14, 20, 6, 20), (5, 7, 9, 30), (3, 40, 4, 9)])
def test_without_a_margin_and_a_confidence_set_it_is_barnards_test(table: Table) -> None:
    """SciPy's Barnard test with the pooled statistic orders tables in the same way."""
    x1, n1, x2, n2 = table
    high, low = ((x1, n1), (x2, n2)) if x1 * n2 > x2 * n1 else ((x2, n2), (x1, n1))
    theirs = barnard_exact(
        [[high[0], low[0]], [high[1] - high[0], low[1] - low[0]]], alternative="greater", n=512
    ).pvalue
    ours = exact_p("difference", high, low, 0.0, 0.05, share=0.0)
    assert float(ours[0]) == pytest.approx(theirs, rel=5e-3)


@pytest.mark.parametrize(("kind", "margin"), MARGINS)
@pytest.mark.parametrize("sizes", [(25, 25), (8, 70), (45, 30)])
def test_the_true_size_never_exceeds_the_level(
    sizes: tuple[int, int], kind: Kind, margin: float
) -> None:
    n1, n2 = sizes
    x1, x2 = (grid.ravel() for grid in np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1)))
    for level in (0.05, 0.008):
        rejected = exact_p(kind, (x1, n1), (x2, n2), margin, level) <= level
        sizes_ = []
        for q in np.linspace(0, 1, 201):
            p1 = q + margin if kind == "difference" else q / margin
            if 0 <= p1 <= 1:
                chance = binom.pmf(x1, n1, p1) * binom.pmf(x2, n2, q)
                sizes_.append(chance[rejected].sum())
        assert 0.2 * level < max(sizes_) <= level


@pytest.mark.parametrize("n", [(300, 5), (300, 12), (80, 19), (60, 30)])
@pytest.mark.parametrize(("kind", "breach"), [("difference", 0.10), ("ratio", 0.20)])
def test_verdicts_hold_the_level_where_scores_alone_do_not(
    n: tuple[int, int], kind: Kind, breach: float
) -> None:
    """Enumerate all samples of two groups at the limit: false fails, then false passes."""
    size = np.array(n, dtype=float)
    contrasts = among_all(kind, size, np.ones(2, dtype=bool))
    one = among_all(kind, size, np.ones(2, dtype=bool)).only(np.array([0]))
    x = np.array([(a, b) for a in range(n[0] + 1) for b in range(n[1] + 1)], dtype=float)
    high, low = (x[:, 0], n[0]), (x[:, 1], n[1])
    fails, passes, scores = [], [], []
    critical = contrasts.critical(breach, 0.05, 0.4)
    level = 0.05  # of one pair: the critical value of the family is at least as strict
    margin = breach if kind == "difference" else 1 - breach
    z = one.z(x, breach)[:, 0]
    rejected = (z > 1.6449) & (exact_p(kind, high, low, margin, level) <= level)
    back = -margin if kind == "difference" else 1 / margin
    held = (z < -1.6449) & (exact_p(kind, low, high, back, level) <= level)
    assert critical >= 1.6448
    for rate in np.linspace(0.02, 1.0, 50):
        other = rate - breach if kind == "difference" else rate * (1 - breach)
        if other < 0:
            continue
        chance = binom.pmf(x[:, 0], n[0], rate) * binom.pmf(x[:, 1], n[1], other)
        fails.append(chance[rejected].sum())
        passes.append(chance[held].sum())
        scores.append(max(chance[z > 1.6449].sum(), chance[z < -1.6449].sum()))
    assert max(fails) <= 0.05
    assert max(passes) <= 0.05
    assert max(scores) > 0.05


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rare_event_beside_a_large_group_is_not_proven_within_too_often(
    *, mirrored: bool
) -> None:
    """600 rows are many, but at a rate of .02 they hold 12 events: enumerate what is decided."""
    n, rates = np.array([12_000.0, 600.0]), np.array([0.12, 0.02])
    x = np.stack(
        np.meshgrid(
            *(
                np.arange(binom.ppf(1e-6, size, rate), binom.isf(1e-6, size, rate) + 1)
                for size, rate in zip(n, rates, strict=True)
            )
        ),
        axis=-1,
    ).reshape(-1, 2)
    chance = binom.pmf(x, n, rates).prod(axis=1)
    if mirrored:
        x, rates = n - x, 1 - rates
    pair = among_all("difference", n, np.ones(2, dtype=bool)).only(np.array([int(mirrored)]))
    shown = -pair.z(x, 0.1)[:, 0] > 1.6449
    assert chance[shown].sum() > 0.055
    assert pair.small(0.1, float(rates @ n / n.sum())).all()
    near = shown & (-pair.z(x, 0.1)[:, 0] < 2.6)
    (high, large), (low, small) = pair.sides(x[near])
    p = exact_p("difference", (low[:, 0], small), (high[:, 0], large), -0.1, 0.05)
    shown[near] = p <= 0.05
    assert 0.045 < chance[shown].sum() <= 0.05


def test_a_much_larger_partner_does_not_cost_a_small_group_its_power() -> None:
    """The supremum over all rates is that of rare events, whatever the rates are."""
    high, low = (77, 149), (20_000, 50_000)
    assert difference_z(*high, *low, 0.0) == pytest.approx(2.9, abs=0.05)
    assert exact_p("difference", high, low, 0.0, 0.05)[0] < 0.005
    assert exact_p("difference", high, low, 0.0, 0.05, share=0.0)[0] > 0.05


def test_fractional_counts_never_overstate_the_evidence() -> None:
    whole = exact_p("difference", (13, 20), (8, 30), 0.1, 0.05)
    for high, low in [((13.9, 20.9), (8, 30)), ((13.2, 20), (7.6, 30)), ((13, 20), (8.2, 30.9))]:
        rounded = exact_p("difference", high, low, 0.1, 0.05)
        assert rounded[0] >= whole[0] - 1e-9 or high[0] / high[1] > 13 / 20
    assert exact_p("difference", (0.9, 0.9), (1, 300), 0.1, 0.05)[0] == 1
    more = exact_p("ratio", (60.0, 80), (9.7, 40.0), 0.8, 0.05)
    assert more[0] == exact_p("ratio", (60, 80), (10, 40), 0.8, 0.05)[0]


@pytest.mark.parametrize(("kind", "margin"), MARGINS)
@pytest.mark.parametrize("sizes", [(40, 200), (100, 30), (60, 60)])
def test_the_critical_value_separates_rejected_from_other_tables(
    sizes: tuple[int, int], kind: Kind, margin: float
) -> None:
    n1, n2 = sizes
    large = 0.5
    reached = []
    for small in range(min(sizes) + 1):
        table = (n1 * large, n1, small, n2) if n1 >= n2 else (small, n1, n2 * large, n2)
        z = float(loudness(kind, table, margin))
        p = float(exact_p(kind, table[:2], table[2:], margin, 0.05)[0])
        if z > 0:
            reached.append((z, p))
    critical = critical_z(kind, n1, n2, margin, 0.05, large)
    assert critical >= 1.6448
    # the next table is a step away, and p is interpolated on the scale of z
    assert all(p <= 0.055 for z, p in reached if z > critical + 0.1)
    assert all(p > 0.045 for z, p in reached if z < critical - 0.1 and z < critical)


def test_the_tests_are_chosen_by_denominators_and_expected_counts_only() -> None:
    n = np.array([5000.0, 200.0, 149.0, 20.0])
    contrasts = among_all("difference", n, np.ones(4, dtype=bool))
    pairs = list(zip(contrasts.high.tolist(), contrasts.low.tolist(), strict=True))
    small = dict(zip(pairs, contrasts.small(0.10, 0.4), strict=True))
    assert not small[0, 1]
    assert all(small[pair] for pair in pairs if 2 in pair or 3 in pair)
    assert dict(zip(pairs, contrasts.small(0.02, 0.4), strict=True))[0, 1]
    ratios = among_all("ratio", n, np.ones(4, dtype=bool))
    # with a pooled rate of .1 the other group's may be near 0, whichever way round; at .4 not
    assert dict(zip(pairs, contrasts.small(0.10, 0.1), strict=True))[0, 1]
    assert dict(zip(pairs, contrasts.small(0.10, 0.9), strict=True))[1, 0]
    assert not dict(zip(pairs, ratios.small(0.2, 0.4), strict=True))[0, 2]
    assert dict(zip(pairs, ratios.small(0.2, 0.04), strict=True))[0, 1]


small_groups = st.lists(st.tuples(st.integers(1, 70), st.floats(0, 1)), min_size=2, max_size=4)


@settings(max_examples=15, deadline=None)
@given(small_groups, st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.3]))
def test_the_interval_is_that_of_the_tests_at_every_limit_people_write(
    drawn: list[tuple[int, float]], limit: float
) -> None:
    """Breach: rejected at every point of the grid up to the limit. Holds: in every pair beyond."""
    n = np.array([size for size, _ in drawn], dtype=float)
    x = np.floor(n * np.array([share for _, share in drawn]))
    contrasts = among_all("difference", n, np.ones(n.size, dtype=bool))
    lower, upper = breach_end(contrasts, x, 0.05), hold_end(contrasts, x, 0.05)
    pairs = list(itertools.permutations(range(n.size), 2))

    def breached(tau: float) -> bool:
        critical = contrasts.critical(tau, 0.05, 0.5)
        level = float(norm.sf(critical))
        return any(
            difference_z(x[i], n[i], x[j], n[j], tau) > critical
            and exact_p("difference", (x[i], n[i]), (x[j], n[j]), tau, level)[0] <= level
            for i, j in pairs
        )

    def held(tau: float) -> bool:
        return all(
            difference_z(x[j], n[j], x[i], n[i], -tau) > 1.6449
            and exact_p("difference", (x[j], n[j]), (x[i], n[i]), -tau, 0.05)[0] <= 0.05
            for i, j in pairs
        )

    grid = GRID[limit + 1e-12 >= GRID]
    assert (lower > limit) == all(breached(float(tau)) for tau in grid)
    assert (upper <= limit) == all(held(float(tau)) for tau in GRID[limit - 1e-12 <= GRID][:25])


def test_a_clear_breach_in_a_tiny_group_is_still_a_breach() -> None:
    difference, ratio = rate_difference([900, 0], [1000, 8]), rate_ratio([900, 0], [1000, 8])
    assert difference.lower > 0.4
    assert ratio.upper < 0.6
    assert "exact tests" in difference.method
    assert "exact tests" not in rate_difference([900, 70], [1000, 150]).method


def test_five_of_five_prove_little() -> None:
    """Score tests alone would put the lower end at .2 or more."""
    assert 0 < rate_difference([400, 5], [1000, 5]).lower < 0.2
    assert rate_ratio([400, 0], [1000, 8], reference=0).upper > 0.6


@settings(max_examples=15, deadline=None)
@given(small_groups, st.sampled_from([0.5, 0.8, 0.9, 1.25]), st.booleans())
def test_so_is_that_of_a_ratio(drawn: list[tuple[int, float]], limit: float, named: bool) -> None:
    """All pairs, or against one named group, where a ratio may exceed 1."""
    n = np.array([size for size, _ in drawn], dtype=float)
    x = np.floor(n * np.array([share for _, share in drawn]))
    comparators = np.arange(n.size) == 0 if named else np.ones(n.size, dtype=bool)
    contrasts = among_all("ratio", n, comparators)
    pooled = float(x.sum() / n.sum())
    upper, lower = (1 - end(contrasts, x, 0.05) for end in (breach_end, hold_end))
    pairs = list(zip(contrasts.high.tolist(), contrasts.low.tolist(), strict=True))

    def breached(rho: float) -> bool:
        critical = contrasts.critical(1 - rho, 0.05, pooled)
        level = float(norm.sf(critical))
        return any(
            ratio_z(x[j], n[j], x[i], n[i], rho) < -critical
            and exact_p("ratio", (x[i], n[i]), (x[j], n[j]), rho, level)[0] <= level
            for i, j in pairs
        )

    def held(rho: float) -> bool:
        return all(
            ratio_z(x[j], n[j], x[i], n[i], rho) > 1.6449
            and exact_p("ratio", (x[j], n[j]), (x[i], n[i]), 1 / rho, 0.05)[0] <= 0.05
            for i, j in pairs
        )

    if named:
        # of each pair on its own; limits far above the end are not asked again
        assert not (upper < limit) or breached(limit)
    elif limit <= 1:
        ratios = [round(1 - step / 100, 2) for step in range(51) if 1 - step / 100 > limit - 1e-9]
        assert (upper < limit) == all(breached(rho) for rho in ratios)
    below = [round(limit - step / 100, 2) for step in range(25)]
    assert (lower >= limit) == all(held(rho) for rho in below if rho > 0)


def test_a_table_with_small_groups_takes_milliseconds() -> None:
    """Measured: 5 to 7 ms for 16 groups, four of them small, on a machine with other work."""
    rng = np.random.Generator(np.random.PCG64(9))
    tables = []
    for _ in range(20):
        n = np.r_[rng.integers(500, 15_000, 12), rng.integers(10, 150, 4)]
        tables.append((rng.binomial(n, np.clip(0.4 + rng.normal(0, 0.05, 16), 0, 1)), n))
    for measure in (rate_difference, rate_ratio):
        started = time.process_time()
        for x, n in tables:
            measure(x, n)
        assert (time.process_time() - started) / len(tables) < 0.03  # slow machines
