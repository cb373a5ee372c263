"""What is detectable and how many rows decide: checked by simulating the verdict itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from pytest_aipm.stats.contrasts import Kind, among_all
from pytest_aipm.stats.disparity import (
    equalized_odds_difference,
    part_difference,
    part_ratio,
    rate_difference,
    rate_ratio,
)
from pytest_aipm.stats.estimate import Estimate, Limit
from pytest_aipm.stats.floors import floor, rate_floor
from pytest_aipm.stats.parts import AucPart, BootstrapPart, MeanPart
from pytest_aipm.stats.rate_gap import rate_gap
from pytest_aipm.stats.single import from_part, rate

X, N = [240, 110, 52, 24, 12], [600, 180, 130, 60, 30]
RUNS = 200
TOLERANCE = 0.09
"""Three standard errors of 200 runs at 80 %, and half a point for the search itself."""


def verdict(estimate: Estimate, limit: Limit) -> str:
    low, high = limit
    if (high is not None and estimate.lower > high) or (low is not None and estimate.upper < low):
        return "fail"
    inside = (high is None or estimate.upper <= high) and (low is None or estimate.lower >= low)
    return "holds" if inside else "open"


def shares(
    measure: Callable[[np.ndarray, np.ndarray], Estimate],
    rates: np.ndarray,
    n: np.ndarray,
    limit: Limit,
) -> dict[str, float]:
    """Return how often each verdict comes out of binomial samples."""
    rng = np.random.Generator(np.random.PCG64(11))
    seen = [verdict(measure(rng.binomial(n, rates), n), limit) for _ in range(RUNS)]
    return {word: seen.count(word) / RUNS for word in ("fail", "holds", "open")}


@pytest.mark.parametrize(
    ("measure", "limit"), [(rate_difference, (None, 0.1)), (rate_ratio, (0.8, None))]
)
@pytest.mark.parametrize("reference", ["highest", "largest", "overall"])
def test_the_detectable_gap_is_caught_in_four_of_five_samples(
    measure: Callable[..., Estimate], limit: Limit, reference: str | int
) -> None:
    estimate = measure(X, N, reference=reference)
    gap, group = estimate.detectable(limit)
    pooled = sum(X) / sum(N)
    caught = []
    for sign in (-1, 1):
        rates = np.full(5, pooled)
        rates[group] += sign * gap
        if 0 <= rates[group] <= 1:
            found = shares(
                lambda x, n: measure(x, n, reference=reference), rates, np.array(N), limit
            )
            caught.append(found["fail"])
    assert max(caught) == pytest.approx(0.8, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("kind", "n", "rate"),
    [
        ("difference", N, 0.1),
        ("difference", N, 0.85),
        ("difference", [12_000, 3_600, 2_600, 1_200, 600], 0.02),
        ("difference", [280, 220, 150, 110, 80, 60, 40], 0.4),
        ("ratio", N, 0.4),
        ("ratio", [900, 100], 0.4),
        ("ratio", [12_000, 3_600, 2_600, 1_200, 600], 0.1),
    ],
)
def test_the_power_of_a_gap_is_that_of_many_samples(kind: Kind, n: list[int], rate: float) -> None:
    size = np.array(n, dtype=float)
    contrasts = among_all(kind, size, np.ones(size.size, dtype=bool))
    breach = 0.1 if kind == "difference" else 0.2
    gap, group = rate_gap(contrasts, size * rate, breach, 0.05)
    powers = []
    for sign in (-1, 1):
        rates = np.full(size.size, rate)
        rates[group] += sign * gap
        if 0 <= rates[group] <= 1:
            rng = np.random.Generator(np.random.PCG64(21))
            x = rng.binomial(np.array(n), rates, size=(5000, size.size)).astype(float)
            critical = contrasts.critical(breach, 0.05, float(rates @ size / size.sum()))
            powers.append(contrasts.beyond(x, breach, critical).mean())
    assert max(powers) == pytest.approx(0.8, abs=0.03)


def test_the_group_that_is_hardest_to_catch_is_named_also_where_it_is_the_larger_one() -> None:
    """A small group that moves towards 1 loses its variance; left where it is, it keeps it."""
    gap, group = rate_difference([765, 85], [900, 100]).detectable((None, 0.1))
    assert group == 0
    found = shares(rate_difference, np.array([0.85 - gap, 0.85]), np.array([900, 100]), (None, 0.1))
    assert found["fail"] == pytest.approx(0.8, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("measure", "x", "limit"),
    [
        (rate_difference, X, (None, 0.1)),
        (rate_difference, [240, 72, 52, 24, 12], (None, 0.1)),
        (rate_ratio, X, (0.8, None)),
        (rate_ratio, [240, 72, 52, 24, 12], (0.8, None)),
    ],
)
def test_the_rows_needed_decide_four_of_five_samples(
    measure: Callable[..., Estimate], x: list[int], limit: Limit
) -> None:
    estimate = measure(x, N)
    factor, pair = estimate.rows_needed(limit)
    n = np.rint(np.array(N) * factor).astype(int)
    found = shares(measure, np.array(x) / N, n, limit)
    assert found["fail"] + found["holds"] == pytest.approx(0.8, abs=TOLERANCE)
    assert factor > 1
    assert len(pair) == 2


def test_equalized_odds_are_decided_by_both_rates_together() -> None:
    tp, pos, fp, neg = [80, 36, 20], [100, 60, 40], [40, 30, 9], [400, 250, 90]
    limit = (None, 0.1)
    estimate = equalized_odds_difference(tp, pos, fp, neg)
    factor, pair = estimate.rows_needed(limit)
    rng = np.random.Generator(np.random.PCG64(12))
    pos, neg = (np.rint(np.array(n) * factor).astype(int) for n in (pos, neg))
    rates = [np.array([0.8, 0.6, 0.5]), np.array([0.1, 0.12, 0.1])]
    seen = [
        verdict(
            equalized_odds_difference(
                rng.binomial(pos, rates[0]), pos, rng.binomial(neg, rates[1]), neg
            ),
            limit,
        )
        for _ in range(RUNS)
    ]
    assert 1 - seen.count("open") / RUNS == pytest.approx(0.8, abs=TOLERANCE)
    assert set(pair) <= {0, 1, 2}
    gap, place = estimate.detectable(limit)
    assert place < 3
    assert 0.1 < gap < 0.7


def test_what_is_decided_already_needs_no_more_rows() -> None:
    assert rate_difference([900, 100], [1000, 1000]).rows_needed((None, 0.1))[0] == 1.0


def test_a_gap_exactly_at_the_limit_is_never_settled() -> None:
    assert rate_difference([500, 400], [1000, 1000]).rows_needed((None, 0.1)) is None


def test_an_undefined_group_can_be_shown_unfair_but_never_fair() -> None:
    fair, unfair = [400, 400, 0], [600, 400, 0]
    n = [1000, 1000, 0]
    assert rate_difference(fair, n).rows_needed((None, 0.1)) is None
    assert rate_difference(unfair, n).rows_needed((None, 0.1))[0] >= 1


def test_a_tiny_group_alone_catches_nothing() -> None:
    assert rate_difference([2, 400], [4, 1000]).detectable((None, 0.5)) is None
    assert rate_difference(X, N).detectable((0.1, None)) is None
    assert rate_ratio(X, N).rows_needed((None, 1.2)) is None


def test_same_seed_same_answer() -> None:
    estimate = rate_difference(X, N)
    assert estimate.detectable((None, 0.1), seed=3) == estimate.detectable((None, 0.1), seed=3)
    assert estimate.rows_needed((None, 0.1), seed=3) == estimate.rows_needed((None, 0.1), seed=3)


def test_the_global_random_state_is_left_alone() -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    rate_difference(X, N).detectable((None, 0.1))
    part_difference([AucPart(0.7, 0.001, 100, 100)] * 2).rows_needed((None, 0.1))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize(("limit", "sign"), [((0.75, None), -1), ((None, 0.3), 1)])
@pytest.mark.parametrize("method", ["clopper-pearson", "wilson"])
def test_the_distance_of_a_single_rate_beyond_its_limit_is_exact(
    limit: Limit, sign: int, method: str
) -> None:
    n = 300
    gap, place = rate(200, n, method=method).detectable(limit)
    edge = limit[0] if sign < 0 else limit[1]
    rng = np.random.Generator(np.random.PCG64(13))
    x = rng.binomial(n, edge + sign * gap, 3000)
    unique, counts = np.unique(x, return_counts=True)
    fails = [verdict(rate(int(k), n, method=method), limit) == "fail" for k in unique]
    assert counts[fails].sum() / 3000 == pytest.approx(0.8, abs=0.025)
    assert place == 0


@pytest.mark.parametrize(
    ("worst", "limit"), [("min", (0.7, None)), ("max", (None, 0.6)), ("min", (0.55, 0.9))]
)
def test_the_rows_needed_of_a_floor_decide_four_of_five_samples(worst: str, limit: Limit) -> None:
    x, n = [500, 150, 100, 44], [600, 180, 130, 60]
    estimate = rate_floor(x, n, worst=worst)
    factor, pair = estimate.rows_needed(limit)
    sizes = np.rint(np.array(n) * factor).astype(int)
    found = shares(lambda x, n: rate_floor(x, n, worst=worst), np.array(x) / n, sizes, limit)
    decided = found["fail"] + found["holds"]
    assert decided >= 0.8 - TOLERANCE
    if factor > 1.05:
        assert decided <= 0.8 + TOLERANCE
    assert len(pair) == 1


def test_means_and_bootstraps_use_a_normal_model() -> None:
    rng = np.random.Generator(np.random.PCG64(14))
    mean = from_part(MeanPart.from_values(rng.normal(0, 1, 400)))
    gap, _ = mean.detectable((None, 0.5))
    assert gap == pytest.approx((1.645 + 0.842) * 1 / 20, rel=0.1)
    draws = BootstrapPart(0.7, rng.normal(0.7, 0.02, 2000), 100, support=(0, 1))
    gap, _ = from_part(draws).detectable((0.65, None))
    assert gap == pytest.approx((1.645 + 0.842) * 0.02, rel=0.1)
    few = from_part(MeanPart.from_values(rng.normal(0, 1, 20)))
    assert few.detectable((None, 0.5)) is None


def test_the_gap_and_rows_of_an_auc_difference_come_true() -> None:
    """Two groups of .80 and .75: normal draws of areas with their own variance."""
    m = 400
    parts = [AucPart(a, a * (1 - a) / (1.3 * m), m, m) for a in (0.80, 0.75)]
    limit = (None, 0.02)
    factor, pair = part_difference(parts).rows_needed(limit)
    rng = np.random.Generator(np.random.PCG64(15))
    seen = []
    for _ in range(RUNS):
        drawn = []
        for part in parts:
            grown = part.scaled(part.n * factor)
            value = rng.normal(grown.value, np.sqrt(grown.variance))
            drawn.append(AucPart(value, grown.variance, grown.m, grown.k))
        seen.append(verdict(part_difference(drawn), limit))
    assert 1 - seen.count("open") / RUNS == pytest.approx(0.8, abs=TOLERANCE)
    assert pair == (0, 1)
    gap, _ = part_difference(parts).detectable(limit)
    assert gap > 0.02
    assert part_ratio(parts).detectable((0.9, None))[0] > 0.05
    assert floor(parts).detectable((0.7, None))[0] > 0.01


@pytest.mark.parametrize("k", [5, 10, 100])
def test_a_hundred_groups_are_answered_fast(k: int) -> None:
    rng = np.random.Generator(np.random.PCG64(16))
    n = rng.integers(30, 2000, k)
    x = rng.binomial(n, 0.4)
    for measure, limit in ((rate_difference, (None, 0.1)), (rate_ratio, (0.8, None))):
        estimate = measure(x, n)
        started = time.process_time()
        estimate.detectable(limit)
        estimate.rows_needed(limit)
        assert time.process_time() - started < (0.4 if k <= 10 else 2.0) * 4  # slow machines
