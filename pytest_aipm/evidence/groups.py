"""Groups: how joint cells are summed into the groups of one scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.subject import MAX_LEVELS, UNKNOWN, Subject
from pytest_aipm.evidence.tally import Cell

__all__ = ["GroupCounts", "GroupMoments", "Grouping"]

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
    """

    by: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    positions: tuple[int, ...]
    keep_unknown: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Groups as a reader names them: ``female`` or ``female · Black``."""
        return tuple(" · ".join(key) if key else "all rows" for key in self.keys)

    @property
    def groups(self) -> tuple[dict[str, str], ...]:
        """Groups as records name them: ``{"sex": "female"}``."""
        return tuple(dict(zip(self.by, key, strict=True)) for key in self.keys)

    def key(self, cell: Cell) -> tuple[str, ...] | None:
        """Return the group of a cell; None when one of its attributes is unknown."""
        values = [cell[position] for position in self.positions]
        if not self.keep_unknown and any(value is None for value in values):
            return None
        return tuple(UNKNOWN if value is None else value for value in values)

    def index(self, cell: Cell) -> int:
        """Return the number of a cell's group, -1 when unknown."""
        key = self.key(cell)
        return -1 if key is None else self.keys.index(key)


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
    names = [attribute.name for attribute in subject.attributes]
    positions = tuple(names.index(name) for name in by)
    draft = Grouping(by, (), positions, keep_unknown=unknown == "group")
    observed = {key for cell in cells if (key := draft.key(cell)) is not None}
    for position, name in enumerate(by):
        levels = {key[position] for key in observed}
        _check_levels(subject, name, levels - {UNKNOWN})
    ranks = [_ranks(subject, name) for name in by]
    keys = sorted(
        observed, key=lambda key: [_rank(ranks[i], value) for i, value in enumerate(key)]
    )
    return Grouping(by, tuple(keys), positions, keep_unknown=unknown == "group")


def _check_levels(subject: Subject, name: str, levels: set[str]) -> None:
    attribute = subject.attribute(name)
    if len(levels) > MAX_LEVELS:
        raise DataError(
            Problem(
                f"attribute {name!r} (column {attribute.column!r}) has {len(levels):,} values; "
                f"at most {MAX_LEVELS} can be groups",
                "declare `bins:` for a number, or name a column that holds groups",
                path=subject.path,
                line=attribute.line,
            )
        )
    missing = [
        group for group in attribute.groups if group not in levels | set(attribute.optional)
    ]
    if missing:
        seen = ", ".join(sorted(levels)[:8]) or "none"
        raise DataError(
            Problem(
                f"declared group {missing[0]!r} of attribute {name!r} does not occur (found: "
                f"{seen})",
                "correct the spelling, add such rows, or list it under `optional:`",
                path=subject.path,
                line=attribute.line,
            )
        )


def _ranks(subject: Subject, name: str) -> dict[str, int]:
    attribute = subject.attribute(name)
    return {group: i for i, group in enumerate(attribute.groups or attribute.names())}


def _rank(ranks: dict[str, int], value: str) -> tuple[int, str]:
    """Declared order first, then by name, unknown last."""
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
        decision.
    unknown : int
        Rows left out because an attribute is missing.
    """

    grouping: Grouping
    table: np.ndarray
    unknown: int

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""
        sizes: np.ndarray = self.table.sum(axis=(1, 2, 3))
        return sizes

    @property
    def n(self) -> int:
        """Rows with known groups."""
        return int(self.table.sum())


@dataclass(frozen=True)
class GroupMoments:
    """Moments of a row loss in one scope: table of shape (K, 4) with n, Σv, Σv², Σv³."""

    grouping: Grouping
    table: np.ndarray
    unknown: int
