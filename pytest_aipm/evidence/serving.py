"""The same rows from two ends of a pipeline, and from two reads of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of, source_of
from pytest_aipm.evidence.sample import hash_rows, row_keys
from pytest_aipm.evidence.subject import group_name
from pytest_aipm.sources.data import DataSource, DataSpec, open_data

__all__ = ["Reread", "Skew", "reread", "skew"]


@dataclass(frozen=True)
class Skew:
    """Cells that differ between the rows and what is served for the same ids.

    Attributes
    ----------
    columns : tuple of str
    differing : int array of shape (columns,)
        Rows in which each column differs.
    matched, rows, extra : int
        Ids in both; rows looked at; ids that only the served rows have.
    absent : tuple of str
        Columns that are not served at all.
    retyped : tuple of str
        Columns that hold numbers on one side and texts on the other.
    """

    columns: tuple[str, ...]
    differing: np.ndarray
    matched: int
    rows: int
    extra: int
    absent: tuple[str, ...]
    retyped: tuple[str, ...]

    @property
    def shares(self) -> np.ndarray:
        """Share of the matched rows in which each column differs."""
        return np.asarray(self.differing / self.matched)


def skew(
    evidence: Evidence,
    *,
    of: Of,
    serving: str,
    key: str | None,
    columns: Sequence[str],
    tolerance: float,
) -> Skew:
    """Compare rows with those that are served, joined by key.

    Parameters
    ----------
    evidence : Evidence
    of : {"data", "train"}
    serving : str
        A file, or ``package.module:function``.
    key : str or None
        Column of ids of both; default the subject's.
    columns : sequence of str
        Empty for the model's inputs.
    tolerance : float
        Numbers are alike when they differ by at most this share of the larger.

    Raises
    ------
    CheckError
        Without a key.
    DataError
        When the served rows cannot be read, ids are missing, occur twice or never meet.
    """
    source = source_of(evidence, of)
    key = key or evidence.subject.id
    if key is None:
        what = "rows are compared by their ids, and no column of them is named"
        raise CheckError(Problem(what, "add `key: COLUMN`, or `id: COLUMN` to the subject"))
    served = open_data(DataSpec.parse(serving, evidence.root), root=evidence.root)
    wanted = list(columns) or [
        name for name in evidence.feature_columns() if name in source.columns
    ]
    wanted = [name for name in dict.fromkeys(wanted) if name != key]
    if not wanted:
        raise CheckError(Problem("there is no column to compare", "name some under `columns`"))
    present = [name for name in wanted if name in served.columns]
    theirs = served.frame([key, *present])
    numbers = all(pd.api.types.is_numeric_dtype(each[key]) for each in (source.head([key]), theirs))
    lookup = _Served(theirs, key, tuple(present), numbers, tolerance)
    found = evidence.over(source, [key, *present], lookup, _Compared(np.zeros(len(present))))
    _refuse_ids(found.empty, found.twice, key, source.ref)
    _refuse_ids(int(theirs[key].isna().sum()), lookup.twice, key, served.ref)
    if not found.matched:
        what = f"no id of {source.ref} ({key!r}) occurs in {served.ref}"
        raise DataError(Problem(what, "name rows of the same people, with ids written alike"))
    counts = dict(zip(present, found.differing.astype(int).tolist(), strict=True))
    return Skew(
        columns=tuple(wanted),
        differing=np.array([counts.get(name, found.matched) for name in wanted]),
        matched=found.matched,
        rows=found.rows,
        extra=len(theirs) - found.matched,
        absent=tuple(name for name in wanted if name not in present),
        retyped=tuple(name for name in present if name in found.retyped),
    )


def _refuse_ids(empty: int, twice: int, key: str, ref: str) -> None:
    if empty:
        what = f"id column {key!r} is empty in {empty:,} rows"
        raise DataError(Problem(what, "give every row its id", ref))
    if twice:
        what = f"id column {key!r} repeats an id in {twice:,} rows"
        raise DataError(Problem(what, "keep one row for each id", ref))


@dataclass(frozen=True, eq=False)
class _Compared:
    """Rows beside those that are served for the same ids; merging is addition."""

    differing: np.ndarray
    rows: int = 0
    empty: int = 0
    matched: int = 0
    retyped: frozenset[str] = frozenset()
    ids: tuple[np.ndarray, ...] = ()

    def merge(self, other: _Compared) -> _Compared:
        """Return those of both."""
        return _Compared(
            self.differing + other.differing,
            self.rows + other.rows,
            self.empty + other.empty,
            self.matched + other.matched,
            self.retyped | other.retyped,
            self.ids + other.ids,
        )

    @property
    def twice(self) -> int:
        """Rows whose id an earlier one has; ids are known by a hash of 64 bits."""
        hashes = np.concatenate([np.empty(0, dtype=np.uint64), *self.ids])
        return len(hashes) - len(np.unique(hashes))


@dataclass(frozen=True)
class _Served:
    """Compares one batch with what is served."""

    theirs: pd.DataFrame
    key: str
    columns: tuple[str, ...]
    numbers: bool
    tolerance: float

    def _index(self, ids: pd.Series[Any]) -> pd.Index[Any]:
        return pd.Index(ids if self.numbers else ids.map(group_name))

    @cached_property
    def _first(self) -> tuple[pd.Index[Any], pd.DataFrame]:
        """The ids that are served, each once, and their rows."""
        index = self._index(self.theirs[self.key])
        once = ~index.duplicated()
        return index[once], self.theirs[once]

    @property
    def twice(self) -> int:
        """Served rows whose id an earlier one has."""
        return len(self.theirs) - len(self._first[0])

    def __call__(self, batch: pd.DataFrame) -> _Compared:
        own = self._index(batch[self.key])
        other, served = self._first
        place = other.get_indexer(own)
        both = place >= 0
        here = batch[both].reset_index(drop=True)
        there = served.iloc[place[both]].reset_index(drop=True)
        told = {name: _differs(here[name], there[name], self.tolerance) for name in self.columns}
        return _Compared(
            np.array([differs.sum() for differs, _ in told.values()], dtype=float),
            len(batch),
            int(batch[self.key].isna().sum()),
            int(both.sum()),
            frozenset(name for name, (_, typed) in told.items() if typed),
            (hash_rows(pd.DataFrame({"id": own}), ["id"]),),
        )


def _differs(
    ours: pd.Series[Any], theirs: pd.Series[Any], tolerance: float
) -> tuple[np.ndarray, bool]:
    """Return where two columns differ, and whether one holds numbers and the other does not."""
    kinds = [
        pd.api.types.is_numeric_dtype(each) and not pd.api.types.is_bool_dtype(each)
        for each in (ours, theirs)
    ]
    lost = ours.isna().to_numpy() | theirs.isna().to_numpy()
    one_lost = ours.isna().to_numpy() != theirs.isna().to_numpy()
    if all(kinds):
        a, b = (each.to_numpy(dtype=float, na_value=np.nan) for each in (ours, theirs))
        with np.errstate(invalid="ignore", over="ignore"):
            far = np.abs(a - b) > tolerance * np.maximum(np.abs(a), np.abs(b))
        far |= (np.isinf(a) | np.isinf(b)) & (a != b)
        return np.where(lost, one_lost, far), False
    codes, _ = pd.factorize(pd.concat([_written(ours), _written(theirs)], ignore_index=True))
    texts = codes[: len(ours)] != codes[len(ours) :]
    return np.where(lost, one_lost, texts), kinds[0] != kinds[1] and not bool(lost.all())


def _written(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return values as they read, each distinct one written once."""
    codes, found = pd.factorize(column, use_na_sentinel=True)
    names = np.array([*(group_name(each) for each in found), ""], dtype=object)
    return pd.Series(names[codes])


@dataclass(frozen=True)
class Reread:
    """What two reads of one source have in common.

    Attributes
    ----------
    columns : tuple of str
        Of both.
    differing : tuple of str
        Those that do not hold the same, or are in one of the reads alone.
    rows : (int, int)
    reordered : bool
        Whether the same rows came in another order.
    """

    columns: tuple[str, ...]
    differing: tuple[str, ...]
    rows: tuple[int, int]
    reordered: bool


def reread(evidence: Evidence, of: Of) -> Reread | None:
    """Read a source twice more; None for rows that were handed over in memory."""
    source = source_of(evidence, of)
    if source.kind == "frame":
        return None
    first, second = (_read(evidence, source) for _ in range(2))
    names = tuple(dict.fromkeys([*first.columns, *second.columns]))
    differing = tuple(name for name in names if first.columns.get(name) != second.columns.get(name))
    same = first.rows == second.rows and first.columns.keys() == second.columns.keys()
    reordered = bool(differing) and same and first.whole == second.whole
    return Reread(names, differing, (first.rows, second.rows), reordered)


@dataclass(frozen=True, eq=False)
class _Digest:
    """What columns hold and where, and rows wherever they are; merging is addition."""

    columns: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    whole: int = 0
    rows: int = 0

    @classmethod
    def of(cls, batch: pd.DataFrame) -> _Digest:
        """Return that of one batch."""
        place = row_keys(batch.index.to_numpy(), seed=0)
        columns = {}
        for name in batch.columns:
            kind, held = _kind(batch[name]), row_keys(hash_rows(batch, [name]) ^ place, seed=1)
            columns[str(name)] = (kind, int(held.sum(dtype=np.uint64)))
        whole = row_keys(hash_rows(batch, list(batch.columns)), seed=2)
        return cls(columns, int(whole.sum(dtype=np.uint64)), len(batch))

    def merge(self, other: _Digest) -> _Digest:
        """Return that of both."""
        if not (self.rows and other.rows):
            return self if self.rows else other
        columns = {}
        for name, (kind, held) in self.columns.items():
            their_kind, theirs = other.columns[name]
            columns[name] = (max(kind, their_kind), (held + theirs) % 2**64)
        return _Digest(columns, (self.whole + other.whole) % 2**64, self.rows + other.rows)


def _kind(column: pd.Series[Any]) -> str:
    """Return what kind of values a column holds, as far as equal values may be of several."""
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        kind = kind.categories.dtype
    for name, same in (
        ("boolean", pd.api.types.is_bool_dtype),
        ("integer", pd.api.types.is_integer_dtype),
        ("number", pd.api.types.is_float_dtype),
    ):
        if same(kind):
            return name
    return "other"


def _read(evidence: Evidence, source: DataSource) -> _Digest:
    """Read a source from its beginning: a file or a factory anew, a table where it is."""
    again = source
    if source.kind != "spark":
        again = open_data(DataSpec.parse(source.ref, evidence.root), root=evidence.root)
        again.afar = source.afar
    return evidence.over(again, again.columns, _Digest.of, _Digest(), numbered=True)
