"""Joint counts over any columns, split into two halves by a hash of each row.

A row's half depends on its id, or on what it holds in the columns that are searched and its label,
never on where it stands or on what a model says of it. Rows that hold the same are told apart by
counting them, so that they fall on both sides.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import hash_rows, row_keys
from pytest_aipm.evidence.subject import CROWD, MAX_LEVELS, UNKNOWN, Attribute, Subject
from pytest_aipm.evidence.tally import Coded
from pytest_aipm.sources.faults import unknown_columns

__all__ = ["MAX_NUMBERS", "SliceCounts", "halves", "slice_counts"]

MAX_NUMBERS = 20
"""A number with more values than this is a measure, not a kind: it needs cut points."""
MOST = 400_000_000
"""Values of all joint cells together, one byte each."""
_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class SliceCounts:
    """Joint counts of the rows.

    Attributes
    ----------
    n : int
        Rows.
    columns : tuple of J str
        Those that are searched.
    values : tuple of J tuples of str
        Names of the codes 1, 2, ... of each column, sorted.
    codes : int array of shape (C, J)
        Each cell's value in each column; 0 where it is unknown and left out.
    outcome : int array of shape (C,)
        ``(half * 2 + label) * 2 + decision``: half 1 confirms, decision 1 is the positive class,
        label is 0 where there is none.
    weight : int array of shape (C,)
        Rows of each cell.
    unknown : int
        Rows without a value of a protected attribute that is searched.
    left_out : mapping of str to str
        Columns that are not searched, and why.
    """

    n: int
    columns: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray
    unknown: int
    left_out: Mapping[str, str]


def slice_counts(
    evidence: Evidence,
    columns: Sequence[str],
    bins: Mapping[str, tuple[float, ...]],
    *,
    keep_unknown: bool,
) -> SliceCounts:
    """Count the rows of every joint value of some columns.

    Parameters
    ----------
    evidence : Evidence
    columns : sequence of str
        Protected attributes by their name, or columns of the data. Empty: all protected
        attributes and all features; those that hold no groups are then left out.
    bins : mapping of column to cut points
        For numbers, left-closed as in `Attribute`.
    keep_unknown : bool
        Whether a missing value of a protected attribute is a value of its own; that of another
        column always is.

    Returns
    -------
    SliceCounts
        The same for every order of the rows.

    Raises
    ------
    CheckError, DataError
        When a named column does not exist, has another role or holds no groups.
    """
    # asked first: the counting pass refuses classes that do not fit the policy
    rows = evidence.n
    protected = {each.name: each for each in evidence.subject.attributes}
    books = [
        _Book(
            protected.get(name) or Attribute(name, name, tuple(bins.get(name, ()))),
            missing=keep_unknown or name not in protected,
            protected=name in protected,
        )
        for name in _named(evidence, columns, bins)
    ]
    attributes = tuple(book.attribute for book in books)
    own = [] if evidence.subject.id is None else [evidence.subject.id]
    counter = _Counter(tuple(books), own, evidence.seed)
    found = evidence.over_coded(attributes, own, counter, _Stack()).whole
    books = list(found.books)
    faulty = [book for book in books if book.fault()]
    if columns and faulty:
        raise CheckError(faulty[0].problem(evidence.subject))
    kept = [i for i, book in enumerate(books) if not (book.fault() or book.constant())]
    searched = [books[i] for i in kept]
    shown = _in_order(searched, found.codes[:, kept])
    held = [i for i, book in enumerate(searched) if book.protected]
    unknown = (shown[:, held] == 0).any(axis=1)
    if not own:
        shown, outcome, weight = _halved(
            searched, shown, found.outcome, found.weight, evidence.seed
        )
    else:
        outcome, weight = found.outcome, found.weight
    first, weight, joint = _joint(shown, outcome, weight)
    return SliceCounts(
        n=rows,
        columns=tuple(book.name for book in searched),
        values=tuple(tuple(sorted(book.codes)) for book in searched),
        codes=shown[first],
        outcome=joint,
        weight=weight,
        unknown=int(found.weight[unknown].sum()),
        left_out={each.name: why for each in books if (why := each.fault() or each.constant())},
    )


def halves(keys: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """Return how many rows of each kind fall on the second side, shape (m, 2).

    Parameters
    ----------
    keys : uint64 array of shape (m,)
        Of what the rows of a kind hold.
    counts : int array of shape (m, 2)
        Rows by kind and decision. They are counted one decision after the other, and each number
        falls on a side by itself: how many of a kind are on which hangs on no decision.
    seed : int
    """
    flat = counts.reshape(-1)
    ends, starts = np.cumsum(flat), np.cumsum(counts.sum(axis=1)) - counts.sum(axis=1)
    found, keys = np.zeros(len(flat), dtype=np.int64), row_keys(keys, seed)
    for start in range(0, int(flat.sum()), _AT_ONCE):
        row = np.arange(start, min(start + _AT_ONCE, int(ends[-1])))
        place = np.searchsorted(ends, row, side="right")
        with np.errstate(over="ignore"):
            own = keys[place // 2] + (row - starts[place // 2]).astype(np.uint64)
        found += np.bincount(place, weights=_side(row_keys(own, seed)), minlength=len(flat)).astype(
            np.int64
        )
    return found.reshape(-1, 2)


def _side(keys: np.ndarray) -> np.ndarray:
    side: np.ndarray = (keys >> np.uint64(63)).astype(np.int64)
    return side


def _halved(
    books: Sequence[_Book], codes: np.ndarray, outcome: np.ndarray, weight: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, outcome and rows of each cell and half, of rows without an id."""
    first, _, label = _joint(codes, outcome // 2, weight)
    kinds = _numbered(codes, outcome // 2)
    counts = np.zeros((len(first), 2), dtype=np.int64)
    np.add.at(counts, (kinds, outcome % 2), weight)
    keys = label.astype(np.uint64)
    for book, column in zip(books, codes[first].T, strict=True):
        frame = pd.DataFrame({"column": book.name, "value": ["", *sorted(book.codes)]})
        with np.errstate(over="ignore"):  # added up, so that no order of the columns matters
            keys = keys + row_keys(hash_rows(frame, ["column", "value"]), seed=0)[column]
    second = halves(keys, counts, seed)
    told = np.stack([counts - second, second], axis=1)  # kind, half, decision
    kind, half, decision = np.nonzero(told)
    return codes[first][kind], (half * 2 + label[kind]) * 2 + decision, told[kind, half, decision]


@dataclass(frozen=True, eq=False)
class _Counted:
    """Rows by the codes of some books and by outcome; merging is addition."""

    books: tuple[_Book, ...]
    codes: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray

    def merge(self, other: _Counted) -> _Counted:
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
        return _Counted.of(
            books,
            np.concatenate([mine, theirs]),
            np.concatenate([self.outcome, other.outcome]),
            np.concatenate([self.weight, other.weight]),
        )

    @classmethod
    def of(
        cls, books: tuple[_Book, ...], codes: np.ndarray, outcome: np.ndarray, weight: np.ndarray
    ) -> _Counted:
        """Return the rows of each cell."""
        first, weight, outcome = _joint(codes, outcome, weight)
        if len(first) * max(codes.shape[1], 1) > MOST:
            what = f"the columns that are searched hold more than {len(first) - 1:,} combinations"
            raise DataError(
                Problem(what, "name fewer `columns:`, or give cut points under `bins:`")
            )
        return cls(books, codes[first], outcome, weight)


@dataclass(frozen=True, eq=False)
class _Stack:
    """Counts of parts of the rows; those of about equally many cells are added up."""

    parts: tuple[_Counted, ...] = ()

    def merge(self, other: _Stack) -> _Stack:
        """Return those of both."""
        stack = list(self.parts)
        for part in other.parts:
            stack.append(part)
            while len(stack) > 1 and 2 * len(stack[-1].weight) > len(stack[-2].weight):
                last = stack.pop()
                stack.append(stack.pop().merge(last))
        return _Stack(tuple(stack))

    @property
    def whole(self) -> _Counted:
        """The counts of all rows."""
        first, *rest = reversed(self.parts)
        return functools.reduce(lambda found, each: each.merge(found), rest, first)


@dataclass(frozen=True)
class _Counter:
    """Counts one batch."""

    books: tuple[_Book, ...]
    own: list[str]
    seed: int

    def __call__(self, batch: pd.DataFrame, coded: Coded) -> _Stack:
        books = tuple(replace(book, codes={}) for book in self.books)
        outcome, codes = _outcomes(coded).astype(np.int64), _coded(books, batch, coded)
        if self.own:  # rows of one person are on one side
            outcome = outcome + 4 * _side(row_keys(hash_rows(batch, self.own), self.seed))
        one = np.ones(len(outcome), dtype=np.int64)
        return _Stack((_Counted.of(books, codes, outcome, one),))


@dataclass
class _Book:
    """One column's values as they turn up in batches."""

    attribute: Attribute
    missing: bool
    protected: bool
    codes: dict[str, int] = field(default_factory=dict)
    crowded: bool = False
    numeric: bool = False

    @property
    def name(self) -> str:
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

    def joined(self, other: _Book) -> _Book:
        """Return a book of the values of both; those of this one keep their codes."""
        codes = {name: i for i, name in enumerate(dict.fromkeys((*self.codes, *other.codes)), 1)}
        crowded = self.crowded or other.crowded or len(codes) > MAX_LEVELS
        if crowded:
            codes = dict(itertools.islice(codes.items(), MAX_LEVELS))
        numeric = self.numeric or other.numeric
        return replace(self, codes=codes, crowded=crowded, numeric=numeric)

    def moved(self, other: _Book, codes: np.ndarray) -> np.ndarray:
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


def _named(
    evidence: Evidence, columns: Sequence[str], bins: Mapping[str, object]
) -> tuple[str, ...]:
    """Return the columns to search, each once."""
    subject = evidence.subject
    attributes = {each.name: each.column for each in subject.attributes}
    features = [each for each in evidence.feature_columns() if each not in attributes.values()]
    named = tuple(dict.fromkeys(columns or (*attributes, *features)))
    for name in named:
        if name not in attributes and name in subject.roles():
            what = f"column {name!r} is a label, a prediction or an id, not a trait of people"
            raise CheckError(Problem(what, "leave it out of `columns:`"))
    absent = [
        name for name in named if name not in attributes and name not in evidence.data.columns
    ]
    if absent:
        what, fix = unknown_columns(absent, (*attributes, *evidence.data.columns))
        raise CheckError(Problem(what, fix))
    for name in bins:
        if name in attributes:
            what = f"`bins` cuts {name!r}, which is a protected attribute"
            raise CheckError(Problem(what, "cut it under `subject.protected`"))
        if name not in named:
            what = f"`bins` cuts {name!r}, which is not searched"
            raise CheckError(Problem(what, "name it under `columns:`, or remove its bins"))
    if not named:
        what = "there is nothing to search: no protected attribute and no feature"
        raise CheckError(Problem(what, "name `columns:`"))
    return named


def _outcomes(coded: Coded) -> np.ndarray:
    label = np.zeros(coded.n, dtype=np.int64)
    if coded.binary and coded.label is not None:
        label = coded.label.astype(np.int64)
    assert coded.predicted is not None  # noqa: S101 - the check needs decisions
    outcome: np.ndarray = (label * 2 + coded.predicted).astype(np.uint8)
    return outcome


def _coded(books: Sequence[_Book], batch: pd.DataFrame, coded: Coded) -> np.ndarray:
    columns = [
        book.take(batch[book.attribute.column], *encoded)
        for book, encoded in zip(books, coded.attributes, strict=True)
    ]
    return np.column_stack(columns)


def _in_order(books: Sequence[_Book], codes: np.ndarray) -> np.ndarray:
    """Return codes by the order of their names, whatever order they turned up in."""
    ordered = np.zeros(codes.shape, dtype=np.int64)
    for i, book in enumerate(books):
        place = np.zeros(len(book.codes) + 1, dtype=np.int64)
        place[[book.codes[name] for name in sorted(book.codes)]] = np.arange(1, len(place))
        ordered[:, i] = place[codes[:, i]]
    return ordered


def _joint(
    codes: np.ndarray, outcome: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a place that stands for each joint cell, the rows of the cell and its outcome."""
    joint = _numbered(codes, outcome)
    _, first = np.unique(joint, return_index=True)
    summed = np.bincount(joint, weights=weight, minlength=len(first)).astype(np.int64)
    return first, summed, outcome[first].astype(np.int64)


def _numbered(codes: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Return the number of the joint cell that each place is in, in the order of the cells."""
    joint, size = outcome.astype(np.int64), 8
    for column in codes.T.astype(np.int64):
        width = int(column.max(initial=0)) + 1
        if size * width > np.iinfo(np.int64).max:
            _, joint = np.unique(joint, return_inverse=True)
            joint, size = joint.reshape(-1), int(joint.max()) + 1
        joint, size = joint * width + column, size * width
    return np.unique(joint, return_inverse=True)[1].reshape(-1)
