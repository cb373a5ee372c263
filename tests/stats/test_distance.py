"""The distance of distributions is Kolmogorov's, and its ends hold for every distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, norm

from pytest_aipm.stats import distance
from pytest_aipm.stats.distance import ks_distance

VALUES = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


def bag(values) -> tuple[np.ndarray, np.ndarray]:
    return np.unique(np.asarray(values, dtype=float), return_counts=True)


def by_definition(one, other) -> float:
    points = [*one, *other]
    return max(abs(np.mean(one <= np.array(t)) - np.mean(other <= np.array(t))) for t in points)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(VALUES, min_size=2, max_size=4))
def test_the_value_is_the_largest_distance_of_two_distribution_functions(groups) -> None:
    found = ks_distance([bag(each) for each in groups])
    pairs = {
        (i, j): by_definition(groups[i], groups[j]) for i in range(len(groups)) for j in range(i)
    }
    assert found.value == pytest.approx(max(pairs.values()), abs=1e-12)
    i, j = found.pair
    assert pairs[max(i, j), min(i, j)] == pytest.approx(found.value, abs=1e-12)
    assert found.lower <= found.value <= found.upper
    for group, (value, lower, upper) in enumerate(found.parts):
        own = [each for pair, each in pairs.items() if group in pair]
        assert value == pytest.approx(max(own), abs=1e-12)
        assert lower <= value <= upper


def test_of_two_samples_it_is_scipys_statistic() -> None:
    rng = np.random.default_rng(6)
    one, other = rng.normal(0, 1, 500), rng.normal(0.3, 1, 300)
    expected = ks_2samp(one, other, method="asymp").statistic
    assert ks_distance([bag(one), bag(other)]).value == pytest.approx(expected, abs=1e-12)


def test_a_grid_in_pieces_gives_the_same_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    samples = [bag(rng.normal(shift, 1, 200)) for shift in (0, 0.5, 2)]
    whole = ks_distance(samples).between
    monkeypatch.setattr(distance, "CELLS", 100)
    assert ks_distance(samples).between == whole


def test_the_ends_are_the_bands_of_massart_and_the_bound_of_hoeffding() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.normal(0, 1, 400), rng.normal(1, 1, 100)
    found = ks_distance([bag(one), bag(other)], 0.95)
    bands = math.sqrt(math.log(2 * 2 / 0.05) / 2) * (1 / 20 + 1 / 10)
    assert found.lower == pytest.approx(found.value - bands)
    assert found.upper == pytest.approx(
        found.value + math.sqrt(math.log(1 / 0.05) / 2 * (1 / 400 + 1 / 100))
    )


@pytest.mark.parametrize(("sizes", "shift"), [((40, 300), 0.0), ((200, 200, 50), 0.5)])
def test_each_end_misses_the_true_distance_in_at_most_one_of_twenty_samples(sizes, shift) -> None:
    rng = np.random.default_rng(3)
    true = 2 * norm.cdf(shift / 2) - 1
    runs = 400
    below = above = 0
    for _ in range(runs):
        samples = [rng.normal(shift * (i == 0), 1, n) for i, n in enumerate(sizes)]
        found = ks_distance([bag(each) for each in samples])
        below += found.upper < true
        above += found.lower > true
    # three standard errors above 5 %
    assert max(below, above) <= 0.05 * runs + 3 * math.sqrt(0.05 * 0.95 * runs)


def test_a_comparator_leaves_the_other_pairs_out() -> None:
    samples = [bag([0.0] * 10), bag([1.0] * 30), bag([0.0] * 5 + [1.0] * 5)]
    assert ks_distance(samples).value == 1.0
    assert ks_distance(samples, reference=2).value == 0.5
    assert ks_distance(samples, reference="largest").pair == (0, 1)


def test_small_groups_may_be_left_unjudged() -> None:
    samples = [bag([0.0] * 40), bag([0.0] * 20 + [1.0] * 20), bag([1.0])]
    assert ks_distance(samples, min_size=30).value == 0.5
    alone = ks_distance(samples[:1])
    assert math.isnan(alone.value)
    assert (alone.lower, alone.upper, alone.pair) == (0.0, 1.0, ())
    assert alone.detectable((None, 0.1)) is None
    assert alone.rows_needed((None, 0.1)) is None


class TestWhatMoreRowsWouldShow:
    RNG = np.random.default_rng(4)

    def sample(self, shift: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        return bag(self.RNG.normal(shift, 1, n))

    def test_a_detectable_distance_is_caught_in_four_of_five_samples_or_more(self) -> None:
        limit = 0.1
        gap, group = ks_distance([self.sample(0, 300), self.sample(0, 600)]).detectable(
            (None, limit)
        )
        assert group in (0, 1)
        shift = 2 * norm.ppf((1 + gap) / 2)
        caught = sum(
            ks_distance([self.sample(shift, 300), self.sample(0, 600)]).lower > limit
            for _ in range(100)
        )
        assert caught >= 80

    @pytest.mark.parametrize("shift", [0.0, 1.2])
    def test_the_rows_needed_settle_it_in_four_of_five_samples_or_more(self, shift: float) -> None:
        limit = 0.2
        found = ks_distance([self.sample(shift, 80), self.sample(0, 80)])
        # as if what was seen were true, so start from the truth itself
        seen = 2 * norm.cdf(shift / 2) - 1
        exact = distance.Distance(
            **{**vars(found), "between": ((0.0, seen), (seen, 0.0)), "value": seen}
        )
        factor, pair = exact.rows_needed((None, limit))
        assert factor > 1
        assert pair == (0, 1)
        n = math.ceil(80 * factor)
        settled = 0
        for _ in range(60):
            again = ks_distance([self.sample(shift, n), self.sample(0, n)])
            settled += again.lower > limit or again.upper <= limit
        assert settled >= 45

    def test_at_the_limit_no_number_of_rows_settles_it(self) -> None:
        samples = [bag([0.0] * 50), bag([0.0] * 40 + [1.0] * 10)]
        assert ks_distance(samples).rows_needed((None, 0.2)) is None
        assert ks_distance(samples).detectable((0.2, None)) is None

    def test_other_sizes_keep_the_distances(self) -> None:
        found = ks_distance([bag([0.0] * 50), bag([0.0] * 40 + [1.0] * 10)])
        more = found.at([500, 500])
        assert more.value == found.value == pytest.approx(0.2)
        assert more.upper - more.lower < found.upper - found.lower
        with pytest.raises(ValueError, match="never seen"):
            found.at([50, 50, 50])
