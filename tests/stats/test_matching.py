"""Matched differences: held to brute force, to regression and to simulation."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.stats import matching
from pytest_aipm.stats.matching import matched_difference


def _plain(own, outcome, others, compared, k):
    """Match by brute force, and add up the published variance, row by row, without correction."""
    distance = np.sqrt(((own[:, None] - others[None]) ** 2).sum(axis=2))
    weight = np.zeros((len(own), len(others)))
    for i, row in enumerate(distance):
        last = np.sort(row)[k - 1]
        near = row <= last + 1e-12
        weight[i, near] = 1 / near.sum()
    gaps = outcome - weight @ compared
    return gaps, weight


def _noise(others, compared, k):
    found = np.zeros(len(others))
    for j, point in enumerate(others):
        row = np.sqrt(((others - point) ** 2).sum(axis=1))
        row[j] = np.inf
        near = np.argsort(row, kind="stable")[:k]
        found[j] = k / (k + 1) * (compared[j] - compared[near].mean()) ** 2
    return found


def test_without_correction_value_and_variance_are_those_of_the_paper(monkeypatch) -> None:
    monkeypatch.setattr(matching, "PER_COLUMN", 10**9)
    rng = np.random.default_rng(0)
    own, others = rng.normal(size=(40, 2)), rng.normal(size=(60, 2))
    outcome, compared = rng.random(40), rng.random(60)
    gaps, weight = _plain(own, outcome, others, compared, 3)
    extra = (weight.sum(axis=0) ** 2 - (weight**2).sum(axis=0)) @ _noise(others, compared, 3)
    error = np.sqrt(((gaps - gaps.mean()) ** 2).sum() + extra) / 40
    found = matched_difference(own, outcome, others, compared, neighbours=3)
    assert found.value == pytest.approx(gaps.mean(), abs=1e-12)
    assert found.error_low == pytest.approx(error, abs=1e-12)


def test_rows_as_near_as_the_last_match_all_count() -> None:
    rng = np.random.default_rng(1)
    own, others = (
        rng.integers(0, 3, (50, 2)).astype(float),
        rng.integers(0, 3, (90, 2)).astype(float),
    )
    outcome, compared = rng.random(50), rng.random(90)
    found = matched_difference(own, outcome, others, compared, neighbours=3)
    means = {
        tuple(p): compared[(others == p).all(axis=1)].mean() for p in np.unique(others, axis=0)
    }
    assert found.value == pytest.approx(
        np.mean(outcome - [means[tuple(p)] for p in own]), abs=1e-12
    )
    assert found.exact == 1.0
    assert found.distance == 0.0


def test_outcomes_on_a_line_are_corrected_to_the_last_digit() -> None:
    rng = np.random.default_rng(2)
    own, others = rng.normal(1, 1, (80, 2)), rng.normal(size=(200, 2))
    slope = np.array([0.3, -0.7])
    found = matched_difference(own, own @ slope + 0.25, others, others @ slope)
    assert found.value == pytest.approx(0.25, abs=1e-9)


@pytest.mark.parametrize("columns", [3, 30])
def test_a_tree_and_products_of_matrices_find_the_same_neighbours(monkeypatch, columns) -> None:
    rng = np.random.default_rng(3)
    among, asked = rng.normal(size=(300, columns)), rng.normal(size=(700, columns))
    monkeypatch.setattr(matching, "FEW", 0)
    by_product = matching._nearest(among, asked, 4)
    monkeypatch.setattr(matching, "FEW", 99)
    by_tree = matching._nearest(among, asked, 4)
    assert (by_product[1] == by_tree[1]).all()
    assert by_product[0] == pytest.approx(by_tree[0], abs=1e-12)


def test_the_error_is_how_much_the_value_moves_from_sample_to_sample() -> None:
    rng = np.random.default_rng(4)
    values, errors = [], []
    for _ in range(300):
        own, others = rng.normal(0.4, 1, (120, 2)), rng.normal(size=(200, 2))
        rate, other = (1 / (1 + np.exp(-each[:, 0])) for each in (own, others))
        found = matched_difference(
            own,
            (rng.random(120) < rate - 0.1).astype(float),
            others,
            (rng.random(200) < other).astype(float),
        )
        values.append(found.value)
        errors.append(found.error_low)
    assert np.mean(values) == pytest.approx(-0.1, abs=0.02)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_nobody_to_compare_with_is_undefined() -> None:
    nobody = np.zeros((0, 2))
    assert np.isnan(matched_difference(np.ones((3, 2)), np.ones(3), nobody, nobody[:, 0]).value)
    alone = matched_difference(np.ones((3, 2)), np.ones(3), np.ones((1, 2)), np.zeros(1))
    assert alone.value == 1.0
