"""Groups: how joint cells are summed into the groups of one scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.design import Design
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.evidence.subject import UNKNOWN, Attribute, Subject
from pytest_aipm.evidence.tally import Cell, Rows
from pytest_aipm.records import GroupNames

__all__ = [
    "GroupCounts",
    "GroupMoments",
    "GroupRows",
    "GroupScores",
    "Grouping",
    "display_order",
    "grouping",
]

Unknown = Literal["report", "group", "fail"]


@dataclass(frozen=True)
class Grouping:
    """The groups of one scope, in display order, and which cells belong to each.

    Attributes
    ----------
    by : tuple of str
        Attributes of the scope; empty for all rows as one group.
    keys : tuple of tuple of str
        One key a group: its value of each attribute.
    positions : tuple of int
        Where the attributes of the scope stand in a cell.
    keep_unknown : bool
        Whether a missing value is a group of its own.
    """

    by: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    positions: tuple[int, ...]
    keep_unknown: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Groups as a reader names them: ``female`` or ``female · Black``."""
        return tuple(" · ".join(key) if key else "all rows" for key in self.keys)

    @cached_property
    def groups(self) -> GroupNames:
        """Groups as records name them: ``{"sex": "female"}``."""
        return GroupNames(dict(zip(self.by, key, strict=True)) for key in self.keys)

    @cached_property
    def _numbers(self) -> dict[tuple[str, ...], int]:
        return {key: i for i, key in enumerate(self.keys)}

    def key(self, cell: Cell) -> tuple[str, ...] | None:
        """Return the group of a cell; None when one of its attributes is unknown."""
        return self._key(tuple([cell[position] for position in self.positions]))

    def _key(self, values: tuple[str | None, ...]) -> tuple[str, ...] | None:
        if None not in values:
            return values  # type: ignore[return-value]
        if not self.keep_unknown:
            return None
        return tuple(UNKNOWN if value is None else value for value in values)

    def index(self, cell: Cell) -> int:
        """Return the number of a cell's group, -1 when unknown."""
        key = self.key(cell)
        return -1 if key is None else self._numbers[key]

    def numbers(self, rows: Rows) -> np.ndarray:
        """Return the number of each row's group, -1 when unknown, from the cells of the rows."""
        found = np.array([self.index(name) for name in rows.names], dtype=np.int64)
        return np.asarray(found[rows.cells])

    def members(self, subject: Subject, frame: pd.DataFrame) -> np.ndarray:
        """Return the number of each row's group, -1 when unknown, from the attributes' columns."""
        joint = np.zeros(len(frame), dtype=np.int64)
        coded = [(each := subject.attribute(name)).encode(frame[each.column]) for name in self.by]
        for codes, names in coded:
            _, joint = np.unique(joint * len(names) + codes, return_inverse=True)
        _, first, place = np.unique(joint, return_index=True, return_inverse=True)
        keys = [self._key(tuple(names[codes[row]] for codes, names in coded)) for row in first]
        numbers = np.array([-1 if key is None else self._numbers[key] for key in keys], dtype=int)
        found: np.ndarray = numbers[place.reshape(-1)]
        return found


def grouping(
    subject: Subject, by: tuple[str, ...], cells: Iterable[Cell], unknown: Unknown
) -> Grouping:
    """Return the groups that occur in a scope.

    Raises
    ------
    DataError
        When an attribute has more values than groups of people have, or a declared group is
        absent.
    """
    cells = list(cells)
    names = [attribute.name for attribute in subject.attributes]
    positions = tuple(names.index(name) for name in by)
    for position in positions:
        attribute = subject.attributes[position]
        levels = {level for cell in cells if (level := cell[position]) is not None}
        attribute.refuse_crowd(levels, subject.path)
        _require_declared(attribute, levels, subject.path)
    draft = Grouping(by, (), positions, keep_unknown=unknown == "group")
    observed = {key for cell in cells if (key := draft.key(cell)) is not None}
    order = display_order([subject.attributes[position] for position in positions])
    return Grouping(by, tuple(sorted(observed, key=order)), positions, draft.keep_unknown)


def display_order(attributes: Sequence[Attribute]) -> Callable[[tuple[str, ...]], Any]:
    """Return a sorting key for groups: declared values first, the others by name, unknown last."""
    declared = ({n: i for i, n in enumerate(each.groups or each.names())} for each in attributes)
    ranks = [cache(partial(_rank, each)) for each in declared]  # many groups share few values

    def place(key: tuple[str, ...]) -> list[tuple[int, str]]:
        return [rank(value) for rank, value in zip(ranks, key, strict=True)]

    return place


def _require_declared(attribute: Attribute, levels: set[str], path: str) -> None:
    missing = [each for each in attribute.groups if each not in levels | set(attribute.optional)]
    if not missing:
        return
    seen = ", ".join(sorted(levels)[:8]) or "none"
    raise DataError(
        Problem(
            f"declared group {missing[0]!r} of attribute {attribute.name!r} does not occur (found: "
            f"{seen})",
            "correct the spelling, add such rows, or list it under `optional:`",
            path=path,
            line=attribute.line,
        )
    )


def _rank(ranks: dict[str, int], value: str) -> tuple[int, str]:
    if value == UNKNOWN:
        return len(ranks) + 1, ""
    return (ranks[value], "") if value in ranks else (len(ranks), value)


@dataclass(frozen=True)
class GroupCounts:
    """Counts of one scope.

    Attributes
    ----------
    grouping : Grouping
    table : int array of shape (K, labels, 2, champions)
        Rows by group, label (negative, positive), decision (other, positive), champion's
        decision (other, positive, and where only some rows have one, none).
    unknown : int
        Rows left out because an attribute is missing.
    design : Design or None
        Sums over rows with weights, or over people with several rows; None where each row is one
        person of the same weight.
    """

    grouping: Grouping
    table: np.ndarray
    unknown: int
    design: Design | None = None

    @cached_property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,); read only."""
        sizes: np.ndarray = self.table.sum(axis=(1, 2, 3))
        sizes.flags.writeable = False
        return sizes

    @property
    def n(self) -> int:
        """Rows with known groups."""
        return int(self.table.sum())

    @property
    def people(self) -> np.ndarray | None:
        """People of each group, shape (K,); None where each row is one."""
        if self.design is None or not self.design.clustered:
            return None
        return self.design.units(np.ones(self.table.shape[1:], dtype=bool))


@dataclass(frozen=True)
class GroupMoments:
    """Moments of a row loss in one scope: table of shape (K, 4) with n, Σv, Σv², Σv³."""

    grouping: Grouping
    table: np.ndarray
    unknown: int


@dataclass(frozen=True)
class GroupScores:
    """Scores of one scope: for each group those of negatives and those of positives.

    Without a label, and for regression, all are among the negatives.
    """

    grouping: Grouping
    bags: tuple[tuple[ScoreBag, ScoreBag], ...]
    unknown: int


@dataclass(frozen=True)
class GroupRows:
    """Row-level arrays of one scope, for metrics that only a callable can compute.

    Attributes
    ----------
    group : int array of shape (n,)
        Number of each row's group in `grouping`; rows with an unknown group are left out.
    label, predicted, score : array of shape (n,) or None
        0/1 labels and predictions (binary) or numbers (regression, where `predicted` is the
        score).
    champion_score : array of shape (n,) or None
        The champion's score of the same rows.
    weight, person : array of shape (n,) or None
        Sampling weights, and a hash of whose row it is.
    label_class, predicted_class : array of shape (n,) or None
        Classes of a multiclass task as they are written.
    by_class : float array of shape (n, classes) or None
        Its scores, in the order of `Evidence.classes`.
    place : int array of shape (n,) or None
        Where each row stands among all rows.
    """

    grouping: Grouping
    unknown: int
    group: np.ndarray
    label: np.ndarray | None
    predicted: np.ndarray | None
    score: np.ndarray | None
    champion_score: np.ndarray | None = None
    weight: np.ndarray | None = None
    person: np.ndarray | None = None
    label_class: np.ndarray | None = None
    predicted_class: np.ndarray | None = None
    by_class: np.ndarray | None = None
    place: np.ndarray | None = None
