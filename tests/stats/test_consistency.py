"""Consistency: against brute force, the definition of aif360, and simulation."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from statsmodels.stats.proportion import proportion_confint

from pytest_aipm.stats.consistency import ConsistencyPart, consistency


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def of_all(x: np.ndarray, y: np.ndarray, k: int):
    return consistency(x, y, np.zeros(len(x), dtype=int), 1, k)


def shares(x: np.ndarray, y: np.ndarray, k: int) -> np.ndarray:
    """Share of each row's neighbours decided otherwise, one row at a time; ties share."""
    found = []
    for i in range(len(x)):
        distance = np.round(np.sqrt(((x - x[i]) ** 2).sum(axis=1)), 9)
        distance[i] = np.inf
        edge = np.sort(distance)[k - 1]
        near, tie = distance < edge, distance == edge
        at_edge = (k - near.sum()) * np.mean(y[tie] != y[i])
        found.append((np.sum(y[near] != y[i]) + at_edge) / k)
    return np.array(found)


@pytest.mark.parametrize("k", [1, 5, 9])
def test_without_ties_it_is_zemels_formula_over_scikit_learns_neighbours(k: int) -> None:
    x = generator(1).normal(size=(300, 4))
    y = generator(2).random(300) < 0.4
    _, near = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)
    formula = 1 - np.abs(y - y[near[:, 1:]].mean(axis=1)).mean()
    assert of_all(x, y, k).value[0] == pytest.approx(formula)


def test_aif360_counts_the_row_among_its_own_neighbours() -> None:
    """There k + 1 neighbours hold the row itself: 1 - C there is k / (k + 1) of 1 - C here."""
    x = generator(3).normal(size=(200, 3))
    y = generator(4).random(200) < 0.5
    k = 4
    total = 0.0
    for i in range(len(x)):
        nearest = np.argsort(((x - x[i]) ** 2).sum(axis=1))[: k + 1]
        assert i in nearest
        total += abs(y[i] - y[nearest].mean())
    theirs = 1 - total / len(x)
    assert 1 - theirs == pytest.approx(k / (k + 1) * (1 - of_all(x, y, k).value[0]))


@pytest.mark.parametrize("ties", [False, True])
def test_value_and_variance_are_those_of_taking_out_each_row_in_turn(ties: bool) -> None:
    rng, n, k = generator(5), 60, 5
    x = rng.integers(0, 3, (n, 2)).astype(float) if ties else rng.normal(size=(n, 2))
    y, group = rng.random(n) < 0.4, rng.integers(-1, 2, n)
    ours = consistency(x, y, group, 2, k)
    for i in (0, 1):
        left = []
        for j in range(n):
            keep = np.arange(n) != j
            left.append(1 - shares(x[keep], y[keep], k)[group[keep] == i].mean())
        assert ours.value[i] == pytest.approx(1 - shares(x, y, k)[group == i].mean())
        assert ours.variance[i] == pytest.approx((n - 1) / n * np.sum((left - np.mean(left)) ** 2))


def test_the_order_of_rows_changes_nothing_even_where_all_distances_tie() -> None:
    rng = generator(6)
    x = rng.integers(0, 2, (400, 3)).astype(float)
    y, group = rng.random(400) < 0.3, rng.integers(0, 3, 400)
    order = rng.permutation(400)
    one, two = consistency(x, y, group, 3, 5), consistency(x[order], y[order], group[order], 3, 5)
    assert two.value == pytest.approx(one.value)
    assert two.variance == pytest.approx(one.variance)


def test_pieces_of_the_distances_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = generator(7).normal(size=(100, 2)), generator(8).random(100) < 0.4
    whole = of_all(x, y, 5)
    monkeypatch.setattr("pytest_aipm.stats.consistency.CELLS", 700)
    pieces = of_all(x, y, 5)
    assert pieces.value == pytest.approx(whole.value)
    assert pieces.variance == pytest.approx(whole.variance)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="need at least 7 rows"):
        of_all(np.zeros((6, 1)), np.ones(6), 5)


def sample(kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    if kind == "threshold":
        x = rng.normal(size=(n, 2))
        return x, x[:, 0] > 0
    if kind == "categories":
        x = rng.integers(0, 3, (n, 3)).astype(float)
        return x, (rng.random(n) < 0.05) ^ (x[:, 0] > 1)
    x = rng.normal(size=(n, 3))
    return x, rng.random(n) < (0.03 if kind == "rare" else 0.5)


@pytest.mark.parametrize("kind", ["threshold", "categories", "rare", "coin"])
@pytest.mark.parametrize("n", [60, 300])
def test_each_end_misses_the_expected_consistency_at_most_one_time_in_twenty(
    kind: str, n: int
) -> None:
    rng, runs, k = generator(n), 400, 5
    values, ends, variances = [], [], []
    for _ in range(runs):
        found = of_all(*sample(kind, n, rng), k)
        value, variance = float(found.value[0]), float(found.variance[0])
        values.append(value)
        variances.append(variance)
        ends.append(ConsistencyPart.of(value, variance, n, k).bound(0.05))
    expected = np.mean(values)
    lower, upper = np.array(ends).T
    assert np.mean(lower > expected) <= 0.07
    assert np.mean(upper < expected) <= 0.07
    # Efron and Stein: the jackknife is not too small on average
    assert np.mean(variances) > 0.9 * np.var(values)


def test_where_nobody_differs_a_neighbourhood_counts_once() -> None:
    part = ConsistencyPart.of(1.0, 0.0, 60, 5)
    assert (part.effective, part.n) == (10, 60)
    assert part.bound(0.05) == pytest.approx((0.05 ** (1 / 10), 1.0))
    assert np.isnan(ConsistencyPart.of(np.nan, np.nan, 0, 5).value)


def test_more_rows_narrow_the_bounds_as_more_effective_rows_do() -> None:
    part = ConsistencyPart.of(0.8, 0.004, 300, 5)
    assert part.effective == pytest.approx(0.16 / 0.004)
    larger = part.scaled(1200)
    assert (larger.effective, larger.value) == pytest.approx((160, 0.8))
    theirs = proportion_confint(0.8 * 160, 160, alpha=0.1, method="beta")
    assert larger.bound(0.05) == pytest.approx(theirs)


def test_five_thousand_rows_take_seconds() -> None:
    x, y = generator(9).normal(size=(5000, 10)), generator(10).random(5000) < 0.4
    start = time.process_time()
    of_all(x, y, 5)
    assert time.process_time() - start < 20
