"""Slices found on one half of the rows and confirmed on the other: size, power, both ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from pytest_aipm.stats.conjunctions import conjunctions
from pytest_aipm.stats.score import difference_bounds
from pytest_aipm.stats.slice_rates import Rates, chosen
from pytest_aipm.stats.slices import worst_slice

PLANTED = ((0, 1), (1, 2))


def rates(counts, total):
    """Rates from counts (S, 2) of rows without and with the harmful event."""
    return Rates(
        counts[:, 1].astype(float),
        counts.sum(axis=1).astype(float),
        float(total[1]),
        float(total.sum()),
    )


def searched(rng, n, *, columns=5, values=3, rate=0.3, harm=0.0, support=0.05, most=5):
    """One sample, searched; returns the estimate, the slice it names, and the planted share."""
    codes = rng.integers(1, values + 1, (n, columns))
    inside = np.all([codes[:, column] == value for column, value in PLANTED], axis=0)
    event = (rng.random(n) < rate + harm * inside).astype(int)
    found = conjunctions(
        codes,
        rng.integers(0, 2, n) * 2 + event,
        np.ones(n, dtype=int),
        outcomes=4,
        max_depth=3,
        min_count=int(np.ceil(support * n)),
    )
    counts, total = found.counts.reshape(-1, 2, 2), found.total.reshape(2, 2)
    finding, confirming = (rates(counts[:, half], total[half]) for half in (0, 1))
    names = chosen(finding, found.shorter, confirming.defined, alpha=0.05, most=most)
    everyone = rates(counts.sum(axis=1), total.sum(axis=0))
    estimate = worst_slice(confirming.only(names), everyone, most=most)
    return estimate, found.items[names[estimate.worst]]


def within(times: int, runs: int, level: float = 0.05) -> bool:
    """Whether so many errors are no more than the level explains, at one in a thousand."""
    return times <= binom.ppf(0.999, runs, level)


@pytest.mark.parametrize(("n", "rate"), [(1500, 0.3), (1000, 0.1)])
def test_where_nobody_is_harmed_more_than_one_in_twenty_samples_shows_no_harm(n, rate):
    rng = np.random.default_rng(1)
    ends = [searched(rng, n, rate=rate)[0].lower for _ in range(150)]
    assert within(sum(end > 0 for end in ends), 150)
    assert within(sum(end > 0.05 for end in ends), 150, 0.005)


def test_a_slice_at_the_limit_breaks_it_and_holds_it_by_chance_only():
    rng = np.random.default_rng(2)
    harm = 0.25
    true = harm * (1 - 1 / 9)
    found = [searched(rng, 2500, harm=harm)[0] for _ in range(160)]
    assert within(sum(each.lower > true for each in found), 160)
    assert within(sum(each.upper < true for each in found), 160)


def test_a_harmed_slice_is_found_and_named_without_needless_items():
    rng = np.random.default_rng(3)
    found = [searched(rng, 5000, columns=8, harm=0.25) for _ in range(60)]
    assert sum(each.lower > 0.10 and named == PLANTED for each, named in found) >= 54


def test_what_could_be_caught_and_what_would_settle_it_agree_with_simulation():
    rng = np.random.default_rng(4)
    fair = searched(rng, 4000, values=4)[0]
    gap, _ = fair.detectable((None, 0.1))
    harm = gap / (1 - 1 / 16)
    caught = [searched(rng, 4000, values=4, harm=harm)[0].lower > 0.1 for _ in range(100)]
    assert 0.75 <= np.mean(caught) <= 0.97
    factor, _ = searched(rng, 1500)[0].rows_needed((None, 0.1))
    settled = [searched(rng, round(1500 * factor))[0].upper <= 0.1 for _ in range(60)]
    assert 0.6 <= np.mean(settled) <= 1
    assert factor > 1.5
    assert np.mean([searched(rng, 1500)[0].upper <= 0.1 for _ in range(30)]) < 0.2


def test_nothing_is_detectable_without_a_limit_above_or_room_beyond_it():
    found = searched(np.random.default_rng(5), 1000)[0]
    assert found.detectable((0.1, None)) is None
    assert found.rows_needed((0.1, None)) is None
    assert found.detectable((None, 0.75)) is None


def two(x, n, all_x, all_n):
    return Rates(np.array(x, float), np.array(n, float), float(all_x), float(all_n))


def test_divergence_is_the_share_outside_times_the_difference_from_the_rest():
    rate = two([30, 10], [100, 200], 90, 500)
    assert rate.divergence == pytest.approx([0.3 - 0.18, 0.05 - 0.18])
    rest = np.array([60 / 400, 80 / 300])
    assert rate.divergence == pytest.approx(np.array([0.8, 0.6]) * ([0.3, 0.05] - rest))
    lower, upper = difference_bounds([30, 10], [100, 200], [60, 80], [400, 300], 0.01)
    for side, scores in ((-1, lower), (1, upper)):
        beyond = side * (rate.bound(0.01, side) - np.array([0.8, 0.6]) * scores)
        # moved outward for skewness, by little where slices are large
        assert (beyond >= -1e-9).all()
        assert (beyond < 0.006).all()


@pytest.mark.parametrize(("n", "rest", "rate"), [(125, 2375, 0.02), (30, 570, 0.1), (60, 540, 0.3)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_a_small_slice_keeps_its_level_counted_over_all_samples(n, rest, rate, alpha):
    most = [int(binom.isf(1e-8, size, rate)) + 1 for size in (n, rest)]
    least = [int(binom.ppf(1e-8, size, rate)) for size in (n, rest)]
    ranges = [np.arange(low, high + 1.0) for low, high in zip(least, most, strict=True)]
    x, y = (grid.ravel() for grid in np.meshgrid(*ranges, indexing="ij"))
    chance = binom.pmf(x, n, rate) * binom.pmf(y, rest, rate)
    x, y, chance = (each[chance > 1e-10] for each in (x, y, chance))
    rates = Rates(x, np.full_like(x, n), x + y, float(n + rest))
    for bound in (-rates.bound(alpha, -1), rates.bound(alpha, 1)):
        assert chance[bound < 0].sum() <= 1.05 * alpha


def test_t_compares_beta_posteriors():
    rate = two([30], [100], 90, 500)
    own, whole = beta(31, 71), beta(91, 411)
    expected = (own.mean() - whole.mean()) / np.sqrt(own.var() + whole.var())
    assert rate.t == pytest.approx([expected])


def test_exact_bounds_stand_beside_tiny_slices():
    tiny = two([3], [3], 103, 1003)
    scores = difference_bounds([3], [3], [100], [1000], 0.01)
    assert tiny.bound(0.01, -1) < scores[0] * tiny.outside
    assert tiny.bound(0.01, 1) >= scores[1] * tiny.outside


def test_a_longer_slice_that_adds_nothing_gives_way_to_the_shorter_one():
    # slice 1 lies within slice 0 and has its rate; slice 2 lies within it and is worse
    rate = two([120, 60, 110], [300, 150, 150], 400, 3000)
    shorter = {0: [], 1: [0], 2: [0]}.__getitem__
    everything = np.ones(3, dtype=bool)
    assert chosen(rate, shorter, everything, alpha=0.05, most=5) == [2, 0]
    assert chosen(rate, shorter, everything, alpha=0.05, most=1) == [2]
    assert chosen(rate, shorter, np.array([True, True, False]), alpha=0.05, most=5) == [0]


def test_something_is_always_measured_unless_nothing_can_be():
    alike = two([30, 30], [100, 100], 300, 1000)
    assert len(chosen(alike, lambda _: [], np.ones(2, bool), alpha=0.05, most=5)) == 1
    assert chosen(alike, lambda _: [], np.zeros(2, bool), alpha=0.05, most=5) == []
    with pytest.raises(ValueError, match="at least one slice"):
        worst_slice(alike.only([]), alike)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_value_lies_between_its_ends_and_the_upper_end_is_that_of_the_widest_slice(seed):
    rng = np.random.default_rng(seed)
    event = rng.random(rng.integers(5, 200)) < rng.random()
    member = rng.random((12, len(event))) < rng.random((12, 1))
    everyone = two((member & event).sum(axis=1), member.sum(axis=1), event.sum(), len(event))
    judged = np.flatnonzero(everyone.defined)
    if not len(judged):
        return
    found = worst_slice(everyone.only(judged[:3]), everyone)
    assert found.lower <= found.value <= found.upper
    bounds = everyone.only(judged).bound(0.05, 1)
    assert found.upper == pytest.approx(max(bounds.max(), found.value), abs=1e-9)
    assert all(low <= value <= high for value, low, high in found.ends)
    assert worst_slice(everyone.only(judged[:3]), everyone, blocked=True).upper == 1


def test_at_other_sizes_all_counts_are_scaled():
    found = searched(np.random.default_rng(6), 1000)[0]
    more = found.at([4 * found.sizes[0]])
    assert more.value == pytest.approx(found.value)
    assert found.lower < more.lower < more.value
    assert more.upper < found.upper
    for wrong in ([0.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match="as a whole"):
            found.at(wrong)
