"""Differences and ratios of group rates: values, ends and what may not change them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_aipm.stats.contrasts import FEW_EXPECTED, FEW_ROWS_AT_ZERO, among_all
from pytest_aipm.stats.disparity import RateDisparity, rate_difference, rate_ratio
from pytest_aipm.stats.ends import breach_end, hold_end
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.multiplicity import closed_critical_value, star_critical_value
from pytest_aipm.stats.score import difference_bounds, difference_z, ratio_bounds, ratio_z

LARGE = FEW_ROWS_AT_ZERO
"""From here on no difference is tested exactly."""
X, N = [240, 110, 52, 24, 12], [600, 180, 130, 60, 30]
MEASURES = [rate_difference, rate_ratio]
REFERENCES = ["highest", "largest", "overall", 1]


@st.composite
def groups(draw: st.DrawFn, most: int = 6, least: int = 1) -> tuple[list[int], list[int]]:
    n = draw(st.lists(st.integers(least, max(500, 3 * least)), min_size=2, max_size=most))
    return [draw(st.integers(0, size)) for size in n], n


def rows(x: list[int], n: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return decisions and group of every row."""
    decisions = np.concatenate([np.repeat([1, 0], [a, b - a]) for a, b in zip(x, n, strict=True)])
    return decisions, np.repeat(np.arange(len(n)), n)


@settings(max_examples=12, deadline=None)
@given(groups(4))
def test_values_equal_fairlearn(counts: tuple[list[int], list[int]]) -> None:
    x, n = counts
    decisions, group = rows(x, n)
    theirs = {"y_true": decisions, "y_pred": decisions, "sensitive_features": group}
    assert rate_difference(x, n).value == pytest.approx(
        fairlearn.demographic_parity_difference(**theirs)
    )
    overall = fairlearn.demographic_parity_difference(**theirs, method="to_overall")
    assert rate_difference(x, n, reference="overall").value == pytest.approx(overall)
    if any(x):
        ratio = fairlearn.demographic_parity_ratio(**theirs)
        assert rate_ratio(x, n).value == pytest.approx(ratio)


def test_pair_and_parts_name_the_groups_that_make_the_value() -> None:
    difference, ratio = rate_difference(X, N), rate_ratio(X, N)
    assert difference.value == pytest.approx(110 / 180 - 0.4)
    assert ratio.value == pytest.approx(0.4 / (110 / 180))
    assert difference.pair[0] == ratio.pair[0] == 1
    assert difference.parts[difference.pair[1]][0] == pytest.approx(0.4)
    assert difference.sizes == tuple(map(float, N))
    assert (difference.aggregate, ratio.aggregate) == ("max", "min")


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("reference", REFERENCES)
@settings(max_examples=40, deadline=None)
@given(counts=groups())
def test_the_value_lies_inside_its_interval(
    measure: Callable[..., Estimate], reference: str | int, counts: tuple[list[int], list[int]]
) -> None:
    estimate = measure(*counts, reference=reference)
    assume(np.isfinite(estimate.value))
    assert estimate.lower <= estimate.value <= estimate.upper


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("reference", ["highest", "overall"])
@settings(max_examples=40, deadline=None)
@given(counts=groups(), seed=st.integers(0, 99))
def test_the_order_of_the_groups_does_not_matter(
    measure: Callable[..., Estimate],
    reference: str | int,
    counts: tuple[list[int], list[int]],
    seed: int,
) -> None:
    x, n = map(np.array, counts)
    order = np.random.Generator(np.random.PCG64(seed)).permutation(x.size)
    one, other = (
        measure(x, n, reference=reference),
        measure(x[order], n[order], reference=reference),
    )
    assert (one.value, one.lower, one.upper) == pytest.approx(
        (other.value, other.lower, other.upper), abs=1e-8, nan_ok=True
    )


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("reference", REFERENCES)
@settings(max_examples=25, deadline=None)
@given(counts=groups())
def test_more_rows_at_the_same_rates_narrow_the_interval(
    measure: Callable[..., Estimate], reference: str | int, counts: tuple[list[int], list[int]]
) -> None:
    estimate = measure(*counts, reference=reference)
    assume(np.isfinite(estimate.value))
    wider = estimate.at([3 * size for size in estimate.sizes])
    assert wider.value == pytest.approx(estimate.value)
    assert wider.lower >= estimate.lower - 1e-7
    assert wider.upper <= estimate.upper + 1e-7


@settings(max_examples=60, deadline=None)
@given(groups(least=LARGE), st.integers(0, 80).map(lambda percent: percent / 100))
def test_a_difference_fails_at_a_limit_exactly_when_every_margin_up_to_it_is_rejected(
    counts: tuple[list[int], list[int]], limit: float
) -> None:
    x, n = map(np.array, counts)
    taus = np.unique(np.append(np.linspace(0, limit, 30), limit))
    i, j = map(np.array, zip(*itertools.permutations(range(n.size), 2), strict=True))
    margins = [
        difference_z(x[i], n[i], x[j], n[j], tau).max() - closed_critical_value(n, tau, 0.05)
        for tau in taus
    ]
    assume(min(abs(margin) for margin in margins) > 1e-6)
    assert (rate_difference(x, n).lower > limit) == (min(margins) > 0)


@settings(max_examples=60, deadline=None)
@given(groups(least=LARGE), st.integers(20, 100).map(lambda percent: percent / 100))
def test_a_ratio_fails_at_a_limit_exactly_when_every_ratio_down_to_it_is_rejected(
    counts: tuple[list[int], list[int]], limit: float
) -> None:
    x, n = map(np.array, counts)
    p = x.sum() / n.sum()
    assume(n.min() * min(p, 1 - p) >= FEW_EXPECTED)
    i, j = map(np.array, zip(*itertools.permutations(range(n.size), 2), strict=True))
    margins = [
        -ratio_z(x[i], n[i], x[j], n[j], rho).min()
        - closed_critical_value(n, -np.log(rho), 0.05, scale=np.sqrt((1 - p) / p))
        for rho in np.unique(np.append(np.linspace(limit, 1, 30), limit))
    ]
    assume(min(abs(margin) for margin in margins) > 1e-6)
    assert (rate_ratio(x, n).upper < limit) == (min(margins) > 0)


@settings(max_examples=40, deadline=None)
@given(groups(least=LARGE), st.integers(1, 80).map(lambda percent: percent / 100))
def test_the_distance_to_one_group_counts_in_both_directions(
    counts: tuple[list[int], list[int]], limit: float
) -> None:
    x, n = map(np.array, counts)
    others = np.delete(np.arange(n.size), 0)
    se = 0.5 * np.sqrt(1 / n[others] + 1 / n[0])
    margins = []
    for tau in np.unique(np.append(np.linspace(0, limit, 30), limit)):
        above = difference_z(x[others], n[others], x[0], n[0], tau).max()
        below = difference_z(x[0], n[0], x[others], n[others], tau).max()
        margins.append(max(above, below) - star_critical_value(tau / se, 0.05))
    assume(min(abs(margin) for margin in margins) > 1e-6)
    estimate = rate_difference(x, n, reference=0)
    assert estimate.value == pytest.approx(np.abs(x / n - x[0] / n[0]).max())
    assert (estimate.lower > limit) == (min(margins) > 0)


def test_the_uncorrected_end_is_the_widest_bound_of_any_pair() -> None:
    x, n = np.array(X) * 25, np.array(N) * 25
    i, j = map(np.array, zip(*itertools.permutations(range(5), 2), strict=True))
    bounds = difference_bounds(x[i], n[i], x[j], n[j], 0.05)[1]
    assert rate_difference(x, n).upper == pytest.approx(bounds.max(), abs=1e-9)
    ratios = ratio_bounds(x[i], n[i], x[j], n[j], 0.05)[0]
    assert rate_ratio(x, n).lower == pytest.approx(ratios.min(), abs=1e-9)


def test_small_groups_have_wider_ends_than_scores_alone() -> None:
    bounds = [
        difference_bounds(X[i], N[i], X[j], N[j], 0.05)[1]
        for i, j in itertools.permutations(range(5), 2)
    ]
    widest = float(max(bounds))
    assert widest < rate_difference(X, N).upper < widest + 0.03


def test_two_groups_at_a_wide_margin_are_one_plain_test() -> None:
    """At a margin of many standard errors only one direction can reject: Bonferroni over 1."""
    lower, _ = difference_bounds(350, 500, 200, 500, 0.05)
    assert rate_difference([350, 200], [500, 500]).lower == pytest.approx(float(lower), abs=1e-6)


def test_a_named_or_largest_ratio_takes_bonferroni_over_its_comparisons() -> None:
    x, n = np.array(X) * 9, np.array(N) * 9
    estimate = rate_ratio(x, n, reference=1)
    low, high = ratio_bounds(np.delete(x, 1), np.delete(n, 1), x[1], n[1], 0.05 / 4)
    plain, _ = ratio_bounds(np.delete(x, 1), np.delete(n, 1), x[1], n[1], 0.05)
    assert estimate.upper == pytest.approx(high.min())
    assert estimate.lower == pytest.approx(plain.min())
    assert estimate.lower > low.min()
    assert rate_ratio(X, N, reference="largest") == rate_ratio(X, N, reference="largest")
    assert rate_ratio(X, N, reference="largest").upper == rate_ratio(X, N, reference=0).upper


def test_a_ratio_to_a_named_group_may_exceed_one() -> None:
    assert rate_ratio([60, 30], [100, 100], reference=1).value == pytest.approx(2.0)


def test_the_overall_ratio_is_the_ratio_to_the_rest_at_a_turned_limit() -> None:
    """r_g >= rho r_all is r_g >= rho' r_rest with rho' = rho (1 - w) / (1 - rho w)."""
    x, n = np.array([60, 180]), np.array([200, 300])
    estimate = rate_ratio(x, n, reference="overall")
    _, to_rest = ratio_bounds(60, 200, 180, 300, 0.05 / 2)
    share, rho = 0.4, estimate.upper
    assert rho * (1 - share) / (1 - rho * share) == pytest.approx(float(to_rest))
    assert estimate.value == pytest.approx(0.3 / (240 / 500))
    assert estimate.pair == (0,)


def test_small_shares_are_compared_but_are_no_comparators_under_the_two_percent_rule() -> None:
    x, n = [500, 300, 9], [1000, 900, 10]
    assert rate_ratio(x, n).pair == (2, 1)
    ruled = rate_ratio(x, n, at_least=0.02)
    assert ruled.pair == (0, 1)
    assert ruled.value == pytest.approx((300 / 900) / 0.5)
    with pytest.raises(ValueError, match="reference='highest'"):
        rate_ratio(x, n, at_least=0.02, reference="overall")


def test_one_comparator_by_size_is_named_not_chosen_by_its_rate() -> None:
    estimate = rate_ratio([500, 48, 108], [1000, 120, 120], at_least=0.5)
    assert estimate.value == pytest.approx(0.8)
    _, upper = ratio_bounds([48, 108], 120, 500, 1000, 0.025)
    assert estimate.upper == pytest.approx(upper.min())


@pytest.mark.parametrize(("measure", "end"), [(rate_difference, 1.0), (rate_ratio, 0.0)])
def test_a_group_without_rows_blocks_proof_and_never_makes_a_breach(
    measure: Callable[..., Estimate], end: float
) -> None:
    plain, empty = measure(X, N), measure([*X, 0], [*N, 0])
    assert empty.value == plain.value
    blocked = empty.upper if measure is rate_difference else empty.lower
    corrected = [
        estimate.lower if measure is rate_difference else estimate.upper
        for estimate in (plain, empty)
    ]
    assert blocked == end
    assert corrected[0] == corrected[1]
    assert np.isnan(empty.parts[-1]).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_groups_under_the_minimum_leave_everything_but_the_parts(
    measure: Callable[..., Estimate],
) -> None:
    small = measure([*X, 3, 0], [*N, 4, 0], min_size=5)
    plain = measure(X, N)
    assert (small.value, small.lower, small.upper) == (plain.value, plain.lower, plain.upper)
    assert small.parts[5][0] == 0.75


@pytest.mark.parametrize("measure", MEASURES)
def test_fewer_than_two_judged_groups_have_no_value(measure: Callable[..., Estimate]) -> None:
    estimate = measure([3, 0], [10, 0])
    assert np.isnan(estimate.value)
    assert (estimate.lower, estimate.upper, estimate.pair) == (0.0, 1.0, ())
    limit = (None, 0.1) if measure is rate_difference else (0.8, None)
    assert estimate.detectable(limit) is None
    assert estimate.rows_needed(limit) is None


def test_no_events_at_all_have_no_ratio_but_a_difference_of_zero() -> None:
    assert np.isnan(rate_ratio([0, 0], [30, 40]).value)
    assert rate_ratio([0, 0], [30, 40]).upper == 1.0
    assert rate_difference([0, 0], [30, 40]).value == 0.0


def test_at_keeps_the_rates_or_takes_those_given() -> None:
    estimate = rate_difference(X, N)
    same = estimate.at(N)
    assert (same.value, same.lower) == pytest.approx((estimate.value, estimate.lower))
    moved = estimate.at([10.5] * 5, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert moved.value == pytest.approx(0.4)
    assert moved.sizes == (10.5,) * 5
    undefined = rate_difference([*X, 0], [*N, 0]).at([*N, 50])
    assert undefined.sizes[-1] == 0
    assert undefined.upper == 1.0


def test_many_groups_give_the_same_ends_as_all_their_pairs() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    n = rng.integers(5, 900, 60).astype(float)
    x = rng.binomial(n.astype(int), rng.uniform(0.3, 0.5, 60)).astype(float)
    i, j = map(np.array, zip(*itertools.permutations(range(60), 2), strict=True))
    estimate = rate_difference(x, n)
    everything = among_all("difference", n, np.ones(60, dtype=bool))
    assert estimate.lower == pytest.approx(breach_end(everything, x, 0.05), abs=1e-6)
    assert estimate.upper == pytest.approx(hold_end(everything, x, 0.05), abs=1e-9)
    assert estimate.upper >= difference_bounds(x[i], n[i], x[j], n[j], 0.05)[1].max() - 1e-9


@pytest.mark.parametrize(
    ("x", "n", "message"),
    [
        ([1, 2], [3], "2 counts but 1 sizes"),
        ([5, 1], [3, 3], "0 <= x <= n"),
        ([float("nan"), 1], [3, 3], "finite"),
    ],
)
def test_counts_that_are_none_are_refused(x: list[int], n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rate_difference(x, n)


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown reference"):
        rate_difference(X, N, reference="best")
    with pytest.raises(ValueError, match="none of 5 groups"):
        rate_difference(X, N, reference=7)


def test_numbers_are_plain_floats() -> None:
    estimate: RateDisparity = rate_difference(np.array(X), np.array(N))
    plain = (estimate.value, estimate.lower, estimate.upper, *estimate.sizes, *estimate.parts[0])
    assert {type(number) for number in plain} == {float}
    assert {type(index) for index in estimate.pair} == {int}


def test_ends_of_the_groups_are_those_of_their_own_confidence() -> None:
    x, n = [30, 45], [100, 120]
    wide, narrow = (rate_difference(x, n, confidence=level).parts for level in (0.99, 0.9))
    for one, other in zip(wide, narrow, strict=True):
        assert one[1] < other[1] < other[0] < other[2] < one[2]


def test_of_very_many_groups_only_those_in_a_pair_are_drawn_and_both_of_it() -> None:
    rng = np.random.default_rng(1)
    n = np.full(3000, 200.0)
    x = rng.binomial(200, 0.6, 3000).astype(float)
    n[0], x[0], x[1] = 1e6, 6e5, 84  # against a rate without noise: it is the low group that varies
    decision = rate_difference(x, n, reference=0).decision((None, 0.04), 0)
    assert decision is not None
    drawn = decision.simulate(1.0)
    contrasts = decision.contrasts
    critical = contrasts.critical(0.04, decision.alpha_fail, decision.pooled)
    sizes = contrasts.n.astype(int)
    counts = np.random.default_rng(2).binomial(sizes, decision.x / sizes, (1000, sizes.size))
    told = contrasts.verdicts(counts.astype(float), 0.04, critical, decision.alpha, decision.pooled)
    assert 0.2 < drawn[0] < 0.8
    for share, brute in zip(drawn, told, strict=True):
        assert share == pytest.approx(brute.mean(), abs=0.12)
