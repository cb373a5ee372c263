"""Rows of every joint value of some columns, added up over parts of the rows."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.sample import hash_rows, row_keys
from pytest_aipm.evidence.subject import CROWD, MAX_LEVELS, UNKNOWN, Attribute, Subject
from pytest_aipm.evidence.tally import Coded

__all__ = [
    "MAX_NUMBERS",
    "Book",
    "Counted",
    "Counter",
    "Stack",
    "joint_cells",
    "numbered",
    "side_of",
]

MAX_NUMBERS = 20
"""A number with more values than this is a measure, not a kind: it needs cut points."""
MOST = 400_000_000
"""Values of all joint cells together, one byte each."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Rows by the codes of some books and by outcome; merging is addition."""

    books: tuple[Book, ...]
    codes: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray

    def merge(self, other: Counted) -> Counted:
        """Return those of both."""
        books = tuple(a.joined(b) for a, b in zip(self.books, other.books, strict=True))
        theirs = np.column_stack(
            [
                book.moved(own, column)
                for book, own, column in zip(books, other.books, other.codes.T, strict=True)
            ]
        )
        mine = self.codes.copy()
        for i, book in enumerate(books):
            if book.fault():
                mine[:, i] = 0
        return Counted.of(
            books,
            np.concatenate([mine, theirs]),
            np.concatenate([self.outcome, other.outcome]),
            np.concatenate([self.weight, other.weight]),
        )

    @classmethod
    def of(
        cls, books: tuple[Book, ...], codes: np.ndarray, outcome: np.ndarray, weight: np.ndarray
    ) -> Counted:
        """Return the rows of each cell."""
        first, weight, outcome = joint_cells(codes, outcome, weight)
        if len(first) * max(codes.shape[1], 1) > MOST:
            what = f"the columns that are searched hold more than {len(first) - 1:,} combinations"
            raise DataError(
                Problem(what, "name fewer `columns:`, or give cut points under `bins:`")
            )
        return cls(books, codes[first], outcome, weight)


@dataclass(frozen=True, eq=False)
class Stack:
    """Counts of parts of the rows; those of about equally many cells are added up."""

    parts: tuple[Counted, ...] = ()

    def merge(self, other: Stack) -> Stack:
        """Return those of both."""
        stack = list(self.parts)
        for part in other.parts:
            stack.append(part)
            while len(stack) > 1 and 2 * len(stack[-1].weight) > len(stack[-2].weight):
                last = stack.pop()
                stack.append(stack.pop().merge(last))
        return Stack(tuple(stack))

    @property
    def whole(self) -> Counted:
        """The counts of all rows."""
        first, *rest = reversed(self.parts)
        return functools.reduce(lambda found, each: each.merge(found), rest, first)


@dataclass(frozen=True)
class Counter:
    """Counts one batch."""

    books: tuple[Book, ...]
    own: list[str]
    seed: int

    def __call__(self, batch: pd.DataFrame, coded: Coded) -> Stack:
        """Return the counts of one batch."""
        books = tuple(replace(book, codes={}) for book in self.books)
        outcome, codes = _outcomes(coded).astype(np.int64), _coded(books, batch, coded)
        if self.own:  # rows of one person are on one side
            outcome = outcome + 4 * side_of(row_keys(hash_rows(batch, self.own), self.seed))
        one = np.ones(len(outcome), dtype=np.int64)
        return Stack((Counted.of(books, codes, outcome, one),))


@dataclass
class Book:
    """One column's values as they turn up in batches."""

    attribute: Attribute
    missing: bool
    protected: bool
    codes: dict[str, int] = field(default_factory=dict)
    crowded: bool = False
    numeric: bool = False

    @property
    def name(self) -> str:
        """Name of the attribute, or the column."""
        return self.attribute.name

    def take(
        self, column: pd.Series[Any], codes: np.ndarray, names: list[str | None]
    ) -> np.ndarray:
        """Return the rows' codes in this book, 0 where missing values are left out."""
        plain = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        self.numeric |= plain and not self.attribute.bins
        seen = np.flatnonzero(np.bincount(codes))
        known = {int(code): self._text(names[code]) for code in seen}
        self.crowded |= CROWD in known.values()
        for text in known.values():
            if text is not None and not self.crowded:
                self.codes.setdefault(text, len(self.codes) + 1)
        self.crowded |= len(self.codes) > MAX_LEVELS
        if self.crowded:
            return np.zeros(len(codes), dtype=np.uint8)
        place = np.zeros(len(names), dtype=np.uint8)
        place[seen] = [0 if text is None else self.codes[text] for text in known.values()]
        coded: np.ndarray = place[codes]
        return np.zeros_like(coded) if self.fault() else coded

    def joined(self, other: Book) -> Book:
        """Return a book of the values of both; those of this one keep their codes."""
        codes = {name: i for i, name in enumerate(dict.fromkeys((*self.codes, *other.codes)), 1)}
        crowded = self.crowded or other.crowded or len(codes) > MAX_LEVELS
        if crowded:
            codes = dict(itertools.islice(codes.items(), MAX_LEVELS))
        numeric = self.numeric or other.numeric
        return replace(self, codes=codes, crowded=crowded, numeric=numeric)

    def moved(self, other: Book, codes: np.ndarray) -> np.ndarray:
        """Return codes of another book as those of this one, which knows its values."""
        if self.fault():
            return np.zeros(len(codes), dtype=np.uint8)
        place = np.array([0, *(self.codes[name] for name in other.codes)], dtype=np.uint8)
        return np.asarray(place[codes])

    def _text(self, name: str | None) -> str | None:
        return UNKNOWN if name is None and self.missing else name

    def fault(self) -> str:
        """Return why this column holds no groups, or an empty text."""
        if self.crowded:
            return f"more than {MAX_LEVELS} values"
        if self.numeric and len(self.codes) > MAX_NUMBERS:
            return f"a number with {len(self.codes)} values"
        return ""

    def constant(self) -> str:
        """Return that there is nothing to compare within this column, or an empty text."""
        return "" if len(self.codes) > 1 else "one value only"

    def problem(self, subject: Subject) -> Problem:
        """Return the fault as an error."""
        kind = "attribute" if self.protected else "column"
        what = f"{kind} {self.name!r} holds no groups: it has {self.fault()}"
        if self.protected:
            fix = "declare `bins:` of the attribute, or name a column that holds groups"
            return Problem(what, fix, path=subject.path, line=self.attribute.line)
        numbers = f"give cut points, `bins: {{{self.name}: [...]}}`, if it is a number"
        return Problem(what, f"{numbers}; else leave it out of `columns:`")


def _outcomes(coded: Coded) -> np.ndarray:
    label = np.zeros(coded.n, dtype=np.int64)
    if coded.binary and coded.label is not None:
        label = coded.label.astype(np.int64)
    assert coded.predicted is not None  # noqa: S101 - the check needs decisions
    outcome: np.ndarray = (label * 2 + coded.predicted).astype(np.uint8)
    return outcome


def _coded(books: Sequence[Book], batch: pd.DataFrame, coded: Coded) -> np.ndarray:
    columns = [
        book.take(batch[book.attribute.column], *encoded)
        for book, encoded in zip(books, coded.attributes, strict=True)
    ]
    return np.column_stack(columns)


def side_of(keys: np.ndarray) -> np.ndarray:
    """Return the half that keys fall on, 0 or 1."""
    side: np.ndarray = (keys >> np.uint64(63)).astype(np.int64)
    return side


def joint_cells(
    codes: np.ndarray, outcome: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a place that stands for each joint cell, the rows of the cell and its outcome."""
    joint = numbered(codes, outcome)
    _, first = np.unique(joint, return_index=True)
    summed = np.bincount(joint, weights=weight, minlength=len(first)).astype(np.int64)
    return first, summed, outcome[first].astype(np.int64)


def numbered(codes: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Return the number of the joint cell that each place is in, in the order of the cells."""
    joint, size = outcome.astype(np.int64), 8
    for column in codes.T.astype(np.int64):
        width = int(column.max(initial=0)) + 1
        if size * width > np.iinfo(np.int64).max:
            _, joint = np.unique(joint, return_inverse=True)
            joint, size = joint.reshape(-1), int(joint.max()) + 1
        joint, size = joint * width + column, size * width
    return np.unique(joint, return_inverse=True)[1].reshape(-1)
