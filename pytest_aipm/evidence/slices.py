"""Joint counts over any columns, split into two halves by a hash of each row.

A row's half depends on what the row holds, never on where it stands or on what a model says of
it. Rows that hold the same are told apart by counting them, so that they fall on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import hash_rows, row_keys
from pytest_aipm.evidence.subject import CROWD, MAX_LEVELS, UNKNOWN, Attribute, Subject
from pytest_aipm.evidence.tally import Coded
from pytest_aipm.sources.faults import unknown_columns

__all__ = ["MAX_NUMBERS", "SliceCounts", "halves", "slice_counts"]

MAX_NUMBERS = 20
"""A number with more values than this is a measure, not a kind: it needs cut points."""


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
    content = _content(evidence, attributes)
    parts = [
        (hash_rows(batch, content), _outcomes(coded), _coded(books, batch, coded))
        for batch, coded in evidence.coded(attributes, content)
    ]
    hashes, outcome, codes = (np.concatenate([part[i] for part in parts]) for i in range(3))
    half = halves(hashes, outcome, evidence.seed, counted=evidence.subject.id is None)
    faulty = [book for book in books if book.fault()]
    if columns and faulty:
        raise CheckError(faulty[0].problem(evidence.subject))
    kept = [i for i, book in enumerate(books) if not (book.fault() or book.constant())]
    searched = [books[i] for i in kept]
    shown = _in_order(searched, codes[:, kept])
    held = [i for i, book in enumerate(searched) if book.protected]
    first, weight, joint = _joint(shown, half * 4 + outcome)
    return SliceCounts(
        n=rows,
        columns=tuple(book.name for book in searched),
        values=tuple(tuple(sorted(book.codes)) for book in searched),
        codes=shown[first],
        outcome=joint,
        weight=weight,
        unknown=int((shown[:, held] == 0).any(axis=1).sum()),
        left_out={each.name: why for each in books if (why := each.fault() or each.constant())},
    )


def halves(hashes: np.ndarray, outcome: np.ndarray, seed: int, *, counted: bool) -> np.ndarray:
    """Return each row's half, 0 or 1, shape (n,).

    Parameters
    ----------
    hashes : uint64 array of shape (n,)
        Of what the rows hold, or of their ids.
    outcome : int array of shape (n,)
        Rows that hold the same are counted in its order, so that no order of the data matters.
    seed : int
    counted : bool
        Whether rows of one hash are counted and each falls by itself; else all of them fall on
        one side, as the rows of one person should.
    """
    keys = row_keys(hashes, seed)
    if counted:
        order = np.lexsort((outcome, hashes))
        ordered = hashes[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = ordered[1:] != ordered[:-1]
        rank = np.empty(len(order), dtype=np.uint64)
        place = np.arange(len(order))
        rank[order] = place - np.maximum.accumulate(np.where(new, place, 0))
        with np.errstate(over="ignore"):
            keys = row_keys(keys + rank, seed)
    side: np.ndarray = (keys >> np.uint64(63)).astype(np.int64)
    return side


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
        seen = np.unique(codes)
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
        return coded

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


def _content(evidence: Evidence, attributes: Sequence[Attribute]) -> list[str]:
    """Return the columns that say which row a row is."""
    subject = evidence.subject
    if subject.id is not None:
        return [subject.id]
    label = [subject.label] if subject.label in evidence.data.columns else []
    columns = [each.column for each in attributes]
    return sorted({*evidence.feature_columns(), *columns, *filter(None, label)})


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


def _joint(codes: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a row that stands for each joint cell, its rows and its outcome."""
    joint, size = outcome.astype(np.int64), 8
    for column in codes.T:
        width = int(column.max(initial=0)) + 1
        if size * width > np.iinfo(np.int64).max:
            _, joint = np.unique(joint, return_inverse=True)
            joint, size = joint.reshape(-1), int(joint.max()) + 1
        joint, size = joint * width + column, size * width
    _, first, weight = np.unique(joint, return_index=True, return_counts=True)
    return first, weight, outcome[first].astype(np.int64)
