"""Conjunctions against counting by hand, whatever the columns hold."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.stats.conjunctions import column_sets, conjunctions


def by_hand(codes, outcome, weight, outcomes, max_depth, min_count):
    """Try every conjunction there is."""
    found = {}
    columns = range(codes.shape[1])
    for depth in range(1, max_depth + 1):
        for chosen in itertools.combinations(columns, depth):
            values = [[(c, v) for v in range(1, codes[:, c].max(initial=0) + 1)] for c in chosen]
            for items in itertools.product(*values):
                inside = np.all([codes[:, c] == v for c, v in items], axis=0)
                rows = weight[inside].sum()
                if min_count <= rows < weight.sum():
                    counts = np.bincount(outcome[inside], weight[inside], minlength=outcomes)
                    found[items] = counts.astype(int).tolist()
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 12), st.integers(1, 3))
def test_every_supported_conjunction_is_found_with_its_counts(seed, depth, min_count, width):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, width + 1, (40, 4))
    outcome, weight = rng.integers(0, 3, 40), rng.integers(1, 4, 40)
    found = conjunctions(codes, outcome, weight, outcomes=3, max_depth=depth, min_count=min_count)
    counted = dict(zip(found.items, found.counts.tolist(), strict=True))
    assert counted == by_hand(codes, outcome, weight, 3, depth, min_count)
    assert found.total.tolist() == np.bincount(outcome, weight, minlength=3).tolist()


def test_the_shorter_slices_are_those_with_one_item_less():
    codes = np.array(list(itertools.product((1, 2), repeat=3)))
    ones = np.ones(8, dtype=int)
    found = conjunctions(codes, 0 * ones, ones, outcomes=1, max_depth=3, min_count=1)
    place = found.items.index(((0, 1), (1, 2), (2, 1)))
    shorter = {found.items[each] for each in found.shorter(place)}
    assert shorter == {((0, 1), (1, 2)), ((0, 1), (2, 1)), ((1, 2), (2, 1))}
    assert found.shorter(found.items.index(((0, 1),))) == []


def test_without_rows_columns_or_support_nothing_is_found():
    empty = np.zeros((0, 2), dtype=int)
    none = np.zeros(0, dtype=int)
    assert not conjunctions(empty, none, none, outcomes=2, max_depth=2, min_count=1).items
    two = np.array([[1], [1]])
    constant = conjunctions(
        two, np.zeros(2, int), np.ones(2, int), outcomes=1, max_depth=2, min_count=1
    )
    assert not constant.items  # everyone satisfies it, so it tells nobody apart
    assert conjunctions(
        np.zeros((2, 0), int),
        np.zeros(2, int),
        np.ones(2, int),
        outcomes=1,
        max_depth=2,
        min_count=1,
    ).counts.shape == (0, 1)


def test_sets_of_columns_are_counted():
    sets = [c for d in (1, 2, 3) for c in itertools.combinations(range(8), d)]
    assert column_sets(8, 3) == len(sets) == 92
