"""Means and areas from sums of parts of the rows, against those of the rows themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pytest_aipm.checks.summed import Scope, positives_in, scores_in
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.rowsums import (
    Bags,
    BagsOf,
    Placements,
    Sums,
    SumsOf,
    grouped_bags,
)
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.effective import auc_part, mean_part
from pytest_aipm.stats.means import MeanPart
from pytest_aipm.stats.paired_scores import auc_change

BLANK = MeanPart(0.0, 0.0, 0.0, 0.0)
NAMES = (("f",), ("m",), (None,))
GROUPS = Grouping(("sex",), (("f",), ("m",)), (0,), keep_unknown=False)


def rows_of(n: int, seed: int, *, weighted: bool, people: bool) -> Rows:
    rng = np.random.default_rng(seed)
    return Rows(
        cells=rng.integers(0, 3, n),
        names=NAMES,
        label=rng.integers(0, 2, n),
        predicted=None,
        score=np.round(rng.normal(size=n), 1),
        champion_score=np.round(rng.normal(size=n), 1),
        weight=rng.gamma(1, size=n) if weighted else None,
        person=rng.integers(0, n // 4, n).astype(np.uint64) if people else None,
    )


def added(rows: Rows, of: Any, empty: Any, parts: int) -> Any:
    """Return what a function of the rows adds up to, part by part; some merge before the rest."""
    found = [empty, empty]
    for i, place in enumerate(np.array_split(np.arange(len(rows.cells)), parts)):
        keep = np.zeros(len(rows.cells), dtype=bool)
        keep[place] = True
        found[i % 2] = found[i % 2].merge(of(rows.only(keep)))
    return found[0].merge(found[1])


def scope_of(rows: Rows, sums: Sums, center: np.ndarray | None = None) -> Scope:
    return Scope.of(SimpleNamespace(n=len(rows.cells)), GROUPS, sums, center)  # type: ignore[arg-type]


def held(rows: Rows, group: int) -> tuple[Rows, np.ndarray, np.ndarray | None]:
    own = rows.only(rows.cells == group)
    weight = np.ones(len(own.cells)) if own.weight is None else own.weight
    unit = None if own.person is None else np.unique(own.person, return_inverse=True)[1]
    return own, weight, unit


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parts", [1, 7, 40])
def test_means_are_those_of_the_rows(people: bool, weighted: bool, parts: int) -> None:
    rows = rows_of(400, 1, weighted=weighted, people=people)

    def far(each: Rows) -> np.ndarray:
        return scores_in(each) + 1e7  # squares of these have no digit left for a variance

    found = scope_of(rows, added(rows, SumsOf(far), Sums(), parts))
    assert found.unknown == (rows.cells == 2).sum()
    for group in (0, 1):
        own, weight, unit = held(rows, group)
        wanted = mean_part(far(own), weight, unit, 0.05, BLANK)
        told = found.mean(group, 0.05, BLANK)
        assert told.n == pytest.approx(wanted.n, rel=1e-6)
        assert told.value == pytest.approx(wanted.value, rel=1e-12)
        assert told.bound(0.05) == pytest.approx(wanted.bound(0.05), rel=1e-9)
        assert found.stands[group] == pytest.approx(weight.sum())
        if unit is not None:
            assert found.people is not None
            assert found.people[group] == unit.max() + 1


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parts", [1, 7, 40])
def test_areas_are_those_of_the_rows(people: bool, weighted: bool, parts: int) -> None:
    rows = rows_of(500, 2, weighted=weighted, people=people)
    bags = added(rows, BagsOf({"own": (scores_in, positives_in)}), Bags(), parts)
    placed = Placements.of(grouped_bags(bags, "own", GROUPS))

    def value(each: Rows) -> np.ndarray:
        return placed.off(scores_in(each), positives_in(each), GROUPS.numbers(each))

    found = scope_of(rows, added(rows, SumsOf(value, positives_in), Sums(), parts), np.zeros(2))
    for group in (0, 1):
        own, weight, unit = held(rows, group)
        wanted = auc_part(scores_in(own), positives_in(own), weight, unit, 0.05)
        told = found.area(group, placed.areas[group], 0.05)
        assert (told.auc, told.variance) == pytest.approx((wanted.auc, wanted.variance), rel=1e-9)
        assert (told.m, told.k) == pytest.approx((wanted.m, wanted.k), rel=1e-9)


def test_changes_of_areas_are_those_of_the_rows() -> None:
    rows = rows_of(500, 3, weighted=False, people=False)

    def old(each: Rows) -> np.ndarray:
        return np.asarray(each.champion_score)

    named = {"own": (scores_in, positives_in), "old": (old, positives_in)}
    bags = added(rows, BagsOf(named), Bags(), 9)
    now, then = (Placements.of(grouped_bags(bags, name, GROUPS)) for name in named)

    def value(each: Rows) -> np.ndarray:
        side, group = positives_in(each), GROUPS.numbers(each)
        return now.off(scores_in(each), side, group) - then.off(old(each), side, group)

    found = scope_of(rows, added(rows, SumsOf(value, positives_in), Sums(), 9), np.zeros(2))
    for group in (0, 1):
        own, _, _ = held(rows, group)
        wanted = auc_change(scores_in(own), old(own), positives_in(own))
        told = found.area_change(group, now.areas[group] - then.areas[group])
        assert told.value == pytest.approx(wanted.value, abs=1e-12)
        assert told.variance == pytest.approx(wanted.variance, rel=1e-9)
        assert told.smaller == wanted.smaller
