"""Joint counts over any columns, split into two halves by a hash of each row.

A row's half depends on its id, or on what it holds in the columns that are searched and its label,
never on where it stands or on what a model says of it. Rows that hold the same are told apart by
counting them, so that they fall on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import hash_rows, row_keys
from pytest_aipm.evidence.slicecells import (
    MAX_NUMBERS,
    Book,
    Counter,
    Stack,
    joint_cells,
    numbered,
    side_of,
)
from pytest_aipm.evidence.subject import Attribute
from pytest_aipm.sources.faults import unknown_columns

__all__ = ["MAX_NUMBERS", "SliceCounts", "halves", "slice_counts"]

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
        Book(
            protected.get(name) or Attribute(name, name, tuple(bins.get(name, ()))),
            missing=keep_unknown or name not in protected,
            protected=name in protected,
        )
        for name in _named(evidence, columns, bins)
    ]
    attributes = tuple(book.attribute for book in books)
    own = [] if evidence.subject.id is None else [evidence.subject.id]
    counter = Counter(tuple(books), own, evidence.seed)
    found = evidence.over_coded(attributes, own, counter, Stack()).whole
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
    first, weight, joint = joint_cells(shown, outcome, weight)
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
        found += np.bincount(
            place, weights=side_of(row_keys(own, seed)), minlength=len(flat)
        ).astype(np.int64)
    return found.reshape(-1, 2)


def _halved(
    books: Sequence[Book], codes: np.ndarray, outcome: np.ndarray, weight: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes, outcome and rows of each cell and half, of rows without an id."""
    first, _, label = joint_cells(codes, outcome // 2, weight)
    kinds = numbered(codes, outcome // 2)
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


def _in_order(books: Sequence[Book], codes: np.ndarray) -> np.ndarray:
    """Return codes by the order of their names, whatever order they turned up in."""
    ordered = np.zeros(codes.shape, dtype=np.int64)
    for i, book in enumerate(books):
        place = np.zeros(len(book.codes) + 1, dtype=np.int64)
        place[[book.codes[name] for name in sorted(book.codes)]] = np.arange(1, len(place))
        ordered[:, i] = place[codes[:, i]]
    return ordered
