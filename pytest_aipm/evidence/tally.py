"""The one pass over the rows: counts, loss moments and scores of every joint group cell.

Every confusion-matrix metric of every group, its interval and its comparison with the baseline
are functions of these few numbers. Merging tallies is addition, so any split of the rows gives
the same counts and scores to the last digit, and the same sums up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import numpy as np

from pytest_aipm.evidence.confusion import Confusion
from pytest_aipm.evidence.design import Cell, PersonSums, WeightSums
from pytest_aipm.evidence.losses import LOSSES, moments
from pytest_aipm.evidence.period import Days
from pytest_aipm.evidence.scores import ScoreBag, merge_bags

__all__ = ["Cell", "Coded", "Rows", "Tally", "cells_of", "rows_of", "tally_rows"]

FEW = 65_536
"""So many possible cells are counted; of more the rows are sorted."""
AT_ONCE = 32_768
"""Rows that are counted at once."""
_PENDING = 16
"""Bags are merged sixteen at a time: merging each batch at once would sort old scores anew."""


_Key = TypeVar("_Key")


@dataclass(frozen=True)
class Rows:
    """Row-level arrays of one batch, kept only for metrics that need them."""

    cells: np.ndarray
    names: tuple[Cell, ...]
    label: np.ndarray | None
    predicted: np.ndarray | None
    score: np.ndarray | None
    champion_score: np.ndarray | None = None
    weight: np.ndarray | None = None
    person: np.ndarray | None = None
    label_class: np.ndarray | None = None
    predicted_class: np.ndarray | None = None
    by_class: np.ndarray | None = None

    def only(self, keep: np.ndarray) -> Rows:
        """Return some of the rows; `keep` is true for each of them, shape (n,)."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        arrays = {
            name: value[keep] for name, value in held.items() if isinstance(value, np.ndarray)
        }
        return replace(self, **arrays)


@dataclass(frozen=True)
class Tally:
    """Additive evidence of a set of rows.

    Attributes
    ----------
    n : int
        Rows.
    counts : dict of Cell to int array of shape (labels, 2, champions)
        Rows by label (negative, positive; one slot without labels), decision (other, positive)
        and champion's decision (one slot without a champion, a third for rows it never saw).
    sums : dict of (Cell, loss) to float array of shape (4,)
        n, Σv, Σv², Σv³; under ``change:LOSS`` of the loss now minus the champion's.
    bags : dict of (Cell, label) to list of ScoreBag
        Scores by cell and label.
    rows : tuple of Rows
    weights, people : WeightSums, PersonSums or None
        Weights of the rows, where they differ, and of the people, where they have several rows.
    lowest, highest : float
        Ends of the scores; infinite, and in the wrong order, without any.
    labels, classes : frozenset
        Distinct raw labels and predicted classes, so that a value that never occurs is noticed.
    confusion : Confusion or None
        Rows by label and predicted class, where a multiclass task has both.
    """

    n: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    counts: dict[Cell, np.ndarray] = field(default_factory=dict)
    sums: dict[tuple[Cell, str], np.ndarray] = field(default_factory=dict)
    bags: dict[tuple[Cell, int], list[ScoreBag]] = field(default_factory=dict)
    rows: tuple[Rows, ...] = ()
    weights: WeightSums | None = None
    people: PersonSums | None = None
    labels: frozenset[object] = frozenset()
    classes: frozenset[object] = frozenset()
    paired_scores: bool = False
    """Whether the champion's scores are there, too."""
    days: Days | None = None
    """From when to when the rows are, where somebody wants to know."""
    confusion: Confusion | None = None
    missing: np.ndarray | None = None
    """How many values each feature lacks, where a model was asked in this pass."""
    heard: tuple[tuple[int, str], ...] = ()
    """What libraries warned about while it was (0), or the champion (1)."""

    @property
    def scored(self) -> bool:
        """Whether there are scores."""
        return self.lowest <= self.highest

    def merge(self, other: Tally) -> Tally:
        """Return the tally of both sets of rows."""
        bags = {key: list(value) for key, value in self.bags.items()}
        for key, value in other.bags.items():
            pending = bags.setdefault(key, [])
            pending.extend(value)
            if len(pending) >= _PENDING:
                bags[key] = [merge_bags(pending)]
        return Tally(
            n=self.n + other.n,
            lowest=min(self.lowest, other.lowest),
            highest=max(self.highest, other.highest),
            counts=_add(self.counts, other.counts),
            sums=_add(self.sums, other.sums),
            bags=bags,
            rows=self.rows + other.rows,
            weights=_both(self.weights, other.weights),
            people=_both(self.people, other.people),
            labels=self.labels | other.labels,
            classes=self.classes | other.classes,
            paired_scores=self.paired_scores or other.paired_scores,
            days=_both(self.days, other.days),
            confusion=_both(self.confusion, other.confusion),
            missing=_sum(self.missing, other.missing),
            heard=tuple(dict.fromkeys((*self.heard, *other.heard))),
        )


_Sums = TypeVar("_Sums", WeightSums, PersonSums, Days, Confusion)


def _both(one: _Sums | None, two: _Sums | None) -> _Sums | None:
    return one if two is None else two if one is None else one.merge(two)


def _sum(one: np.ndarray | None, two: np.ndarray | None) -> np.ndarray | None:
    return one if two is None else two if one is None else one + two


def _add(one: dict[_Key, np.ndarray], two: dict[_Key, np.ndarray]) -> dict[_Key, np.ndarray]:
    merged = dict(one)
    for key, value in two.items():
        merged[key] = merged[key] + value if key in merged else value
    return merged


@dataclass(frozen=True)
class Coded:
    """A batch in codes, ready to be counted.

    Attributes
    ----------
    attributes : sequence of (codes of shape (n,), names)
        One entry a protected attribute.
    label : int or float array of shape (n,) or None
        0/1 (binary) or the true value (regression).
    predicted : bool array of shape (n,) or None
        Whether the decision says the positive class.
    score : float array of shape (n,) or None
    champion_score : float array of shape (n,) or None
        The champion's score, where scores are compared.
    champion : bool or int array of shape (n,) or None
        The champion's decision; 2 where there is none.
    champions : int
        How many values it can have.
    weight : float array of shape (n,) or None
        Sampling weights, all above 0.
    person : uint64 array of shape (n,) or None
        Hash of whose row it is.
    label_class, predicted_class : array of shape (n,) or None
        Classes of a multiclass task as they are written.
    by_class : float array of shape (n, classes) or None
        Its scores.
    """

    n: int
    attributes: Sequence[tuple[np.ndarray, list[str | None]]]
    label: np.ndarray | None
    predicted: np.ndarray | None
    score: np.ndarray | None
    champion: np.ndarray | None
    binary: bool
    champions: int = 2
    champion_score: np.ndarray | None = None
    labels: frozenset[object] = frozenset()
    classes: frozenset[object] = frozenset()
    weight: np.ndarray | None = None
    person: np.ndarray | None = None
    label_class: np.ndarray | None = None
    predicted_class: np.ndarray | None = None
    by_class: np.ndarray | None = None

    @property
    def wide_label(self) -> np.ndarray | None:
        """The labels with room to compute in, for metrics of the project's own."""
        label = self.label
        return label.astype(np.int64) if label is not None and label.dtype.kind == "i" else label

    @property
    def by_row(self) -> bool:
        """Whether more is asked of the rows than how many are in each cell."""
        confused = self.label_class is not None and self.predicted_class is not None
        return confused or self.weight is not None or self.person is not None

    def weighing(self) -> Coded:
        """Return the rows that stand for somebody: those without weight are left out."""
        if self.weight is None or (keep := self.weight > 0).all():
            return self

        def kept(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[keep]

        return replace(
            self,
            n=int(keep.sum()),
            attributes=[(codes[keep], names) for codes, names in self.attributes],
            label=kept(self.label),
            predicted=kept(self.predicted),
            score=kept(self.score),
            champion=kept(self.champion),
            champion_score=kept(self.champion_score),
            weight=kept(self.weight),
            person=kept(self.person),
            label_class=kept(self.label_class),
            predicted_class=kept(self.predicted_class),
            by_class=kept(self.by_class),
        )


def cells_of(coded: Coded) -> tuple[np.ndarray, list[Cell]]:
    """Return each row's cell number, shape (n,), and the observed cells."""
    if _few(coded):
        joint = _joint(coded)
        observed = np.flatnonzero(np.bincount(joint))
        return _renumbered(joint, observed), _named(coded, observed)
    joint, size = np.zeros(coded.n, dtype=np.int64), 1
    for codes, names in coded.attributes:
        if size * len(names) > np.iinfo(np.int64).max:
            _, joint = np.unique(joint, return_inverse=True)
            size = int(joint.max()) + 1
        joint, size = joint * len(names) + codes, size * len(names)
    _, first, cells = np.unique(joint, return_index=True, return_inverse=True)
    named: list[Cell] = [
        tuple(names[codes[row]] for codes, names in coded.attributes) for row in first
    ]
    return cells.reshape(-1), named


def _few(coded: Coded) -> bool:
    """Return whether all possible cells can be counted: without sorting the rows."""
    return math.prod(len(names) for _, names in coded.attributes) <= FEW


def _joint(coded: Coded) -> np.ndarray:
    """Return the place of each row among all possible cells, where there are few."""
    joint = np.zeros(coded.n, dtype=np.int32)
    for codes, names in coded.attributes:
        joint *= len(names)
        joint += codes
    return joint


def _named(coded: Coded, places: np.ndarray) -> list[Cell]:
    """Return the cells at some places among all possible ones."""
    if not coded.attributes:
        return [()] * len(places)
    levels = [names for _, names in coded.attributes]
    indices = np.unravel_index(places, [len(names) for names in levels])
    values = [
        [names[i] for i in index.tolist()] for names, index in zip(levels, indices, strict=True)
    ]
    return list(zip(*values, strict=True))


def _renumbered(joint: np.ndarray, observed: np.ndarray) -> np.ndarray:
    number = np.zeros(observed[-1] + 1, dtype=np.int64)
    number[observed] = np.arange(len(observed))
    renumbered: np.ndarray = number[joint]
    return renumbered


def tally_rows(
    coded: Coded, *, losses: frozenset[str], keep_scores: bool, keep_rows: bool
) -> Tally:
    """Count one batch.

    Parameters
    ----------
    coded : Coded
    losses : frozenset of str
        Names in `LOSSES` to sum.
    keep_scores, keep_rows : bool
        Whether score bags and row arrays are wanted.

    Returns
    -------
    Tally
    """
    coded = coded.weighing()
    if coded.n == 0:
        return Tally(labels=coded.labels, classes=coded.classes)
    scored, (lowest, highest) = coded.score is not None, _ends(coded)
    by_row = keep_rows or (scored and (keep_scores or bool(losses))) or coded.by_row
    if not by_row and _few(coded):
        return Tally(
            n=coded.n,
            lowest=lowest,
            highest=highest,
            counts=_counts_of_few(coded),
            labels=coded.labels,
            classes=coded.classes,
            paired_scores=coded.champion_score is not None,
        )
    rows = rows_of(coded)
    cells, names = rows.cells, list(rows.names)
    slot, shape = _slots(coded)
    return Tally(
        n=coded.n,
        lowest=lowest,
        highest=highest,
        counts=_counts(cells, names, slot, shape),
        sums=_sums(coded, cells, names, losses),
        bags=_bags(coded, cells, names) if keep_scores and scored else {},
        rows=(rows,) if keep_rows else (),
        **_design(coded, cells, names, slot, math.prod(shape)),
        labels=coded.labels,
        classes=coded.classes,
        paired_scores=coded.champion_score is not None,
        confusion=_confusion(coded, cells, names),
    )


def rows_of(coded: Coded) -> Rows:
    """Return the rows of a batch with the cell that each is in."""
    cells, names = cells_of(coded)
    return Rows(
        cells,
        tuple(names),
        coded.wide_label,
        coded.predicted,
        coded.score,
        coded.champion_score,
        coded.weight,
        coded.person,
        coded.label_class,
        coded.predicted_class,
        coded.by_class,
    )


def _ends(coded: Coded) -> tuple[float, float]:
    """Return the ends of the scores, as `Tally` has them."""
    if coded.score is None:
        return math.inf, -math.inf
    return float(coded.score.min()), float(coded.score.max())


def _confusion(coded: Coded, cells: np.ndarray, names: list[Cell]) -> Confusion | None:
    if coded.label_class is None or coded.predicted_class is None:
        return None
    return Confusion.of(cells, names, coded.label_class, coded.predicted_class)


def _sums(
    coded: Coded, cells: np.ndarray, names: list[Cell], losses: frozenset[str]
) -> dict[tuple[Cell, str], np.ndarray]:
    if coded.score is None:
        return {}
    label = coded.label if coded.label is not None else np.full(coded.n, np.nan)
    sums: dict[tuple[Cell, str], np.ndarray] = {}
    for loss in sorted(losses):
        values = {loss: LOSSES[loss](label.astype(float), coded.score)}
        if coded.champion_score is not None:
            earlier = LOSSES[loss](label.astype(float), coded.champion_score)
            values[f"change:{loss}"] = values[loss] - earlier
        for key, value in values.items():
            summed = moments(value, cells, len(names))
            sums.update({(name, key): summed[i] for i, name in enumerate(names)})
    return sums


def _shape(coded: Coded) -> tuple[int, int, int]:
    """Return the shape of a cell's table."""
    has_label = coded.binary and coded.label is not None
    return (2 if has_label else 1, 2, 1 if coded.champion is None else coded.champions)


def _slots(coded: Coded) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Return each row's place in a cell's table, and the table's shape."""
    slot, shape = np.zeros(coded.n, dtype=np.int32), _shape(coded)
    for values, many in _beside(coded, shape):
        slot *= many
        slot += values
    return slot, shape


def _beside(coded: Coded, shape: tuple[int, int, int]) -> list[tuple[np.ndarray, int]]:
    """Return label, decision and champion's decision of the rows, and how many of each may be."""
    given = (coded.label if shape[0] > 1 else None, coded.predicted, coded.champion)
    told = zip(given, shape, strict=True)
    nothing = np.zeros(coded.n, dtype=np.int8)
    return [(nothing if values is None else values, many) for values, many in told]


def _counts_of_few(coded: Coded) -> dict[Cell, np.ndarray]:
    """Return what `_counts` does, without a number for the cell of each row.

    Some rows at a time: what is written in between stays in the processor.
    """
    shape = _shape(coded)
    factors = [(codes, len(names)) for codes, names in coded.attributes] + _beside(coded, shape)
    size, possible = math.prod(shape), math.prod(many for _, many in factors)
    flat, step = np.zeros(possible, dtype=np.int64), max(AT_ONCE, 4 * possible)
    for start in range(0, coded.n, step):
        joint = np.zeros(min(step, coded.n - start), dtype=np.int32)
        for values, many in factors:
            joint *= many
            joint += values[start : start + step]
        flat += np.bincount(joint, minlength=possible)
    table = flat.reshape(-1, size)
    observed = np.flatnonzero(table.any(axis=1))
    return dict(zip(_named(coded, observed), table[observed].reshape(-1, *shape), strict=True))


def _counts(
    cells: np.ndarray, names: list[Cell], slot: np.ndarray, shape: tuple[int, int, int]
) -> dict[Cell, np.ndarray]:
    size = math.prod(shape)
    flat = np.bincount(cells * size + slot, minlength=len(names) * size)
    table = flat.reshape(len(names), *shape).astype(np.int64)
    return dict(zip(names, table, strict=True))


def _design(
    coded: Coded, cells: np.ndarray, names: list[Cell], slot: np.ndarray, size: int
) -> dict[str, Any]:
    """Return what weights or repeated people add to the counts: nothing without either."""
    weight = coded.weight
    if coded.person is not None:
        weight = np.ones(coded.n) if weight is None else weight
        return {"people": PersonSums.of(cells, names, slot, weight, coded.person)}
    if weight is None:
        return {}
    return {"weights": WeightSums.of(cells, names, slot, weight, size)}


def _bags(
    coded: Coded, cells: np.ndarray, names: list[Cell]
) -> dict[tuple[Cell, int], list[ScoreBag]]:
    assert coded.score is not None  # noqa: S101
    label = np.zeros(coded.n, dtype=np.int64)
    if coded.binary and coded.label is not None:
        label = coded.label.astype(np.int64)
    keys = cells * 2 + label
    if 2 * len(names) <= FEW:
        keys = keys.astype(np.uint16)  # which are sorted in linear time
    order = np.argsort(coded.score)
    order = order[np.argsort(keys[order], kind="stable")]
    values, keys = coded.score[order], keys[order]
    new = np.diff(keys, prepend=keys[:1]) != 0
    first = np.flatnonzero(new | (np.diff(values, prepend=np.nan) != 0))
    counts = np.diff(first, append=len(values))
    edges = np.flatnonzero(np.diff(keys[first], prepend=-1))
    parts = zip(
        keys[first][edges].tolist(),
        np.split(values[first], edges[1:]),
        np.split(counts, edges[1:]),
        strict=True,
    )
    return {(names[key // 2], key % 2): [ScoreBag(held, many)] for key, held, many in parts}
