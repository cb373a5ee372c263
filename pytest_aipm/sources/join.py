"""A column from a second file, attached by key while the data stream by.

Protected attributes are often kept apart from the rest. The second file's keys and values are held
in memory, the data themselves are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.data import NONE, DataSource, open_data
from pytest_aipm.sources.faults import problem
from pytest_aipm.sources.spec import DataSpec, JoinSpec, Where
from pytest_aipm.sources.typed import EXACT

__all__ = ["JoinSpec", "JoinedData", "join"]


def join(data: DataSource, spec: JoinSpec, *, root: Path, where: Where | None = None) -> DataSource:
    """Return the data with one more column, looked up in a second file.

    Rows whose key the second file does not have get a missing value.

    Parameters
    ----------
    data : DataSource
    spec : JoinSpec
    root : Path
    where : Where, optional
        Place in the policy that names the second file, for messages.

    Raises
    ------
    DataError
        When the second file cannot be read, lacks the column or the key, or has a key twice; when
        a column of that name is there already. While the data stream by: when keys are texts in
        one file and numbers in the other, or none of them is found.
    """
    if spec.name in data.columns:
        what = f"{data.ref} has a column {spec.name!r} already"
        raise DataError(problem(what, "give the joined column another name", where=where))
    data.require([spec.key], where)
    return JoinedData(data, _lookup(spec, root, where))


@dataclass(frozen=True)
class _Lookup:
    """Keys of the second file, and their values with one missing value behind the last."""

    spec: JoinSpec
    ref: str
    sha256: str | None
    where: Where | None
    keys: pd.Index[Any]
    values: pd.Series[Any]

    def find(self, keys: pd.Series[Any]) -> tuple[pd.Series[Any], int]:
        """Return the values of some keys, missing where there is none, and how many were found."""
        self._same_kind(keys)
        places = self.keys.get_indexer(pd.Index(keys))
        places = np.where(keys.isna().to_numpy(), -1, places)
        # Place -1 takes the last value, which is a missing one kept there for it.
        return self.values.take(places).set_axis(keys.index), int((places >= 0).sum())

    def _same_kind(self, keys: pd.Series[Any]) -> None:
        ours, theirs = _kind(keys.dropna()), _kind(self.keys)
        if ours and theirs and ours != theirs:
            what = f"the key {self.spec.key!r} holds {ours} in the data and {theirs} in {self.ref}"
            fix = "write it the same way in both"
            raise DataError(problem(what, fix, where=self.where))


class JoinedData(DataSource):
    """Data with a column looked up in another file.

    Attributes
    ----------
    joined : tuple of (str, str or None)
        The files that were joined, and their sha256.
    """

    def __init__(self, data: DataSource, lookup: _Lookup) -> None:
        self.ref, self.kind, self.sha256, self.salt = data.ref, data.kind, data.sha256, data.salt
        self.where, self.warnings, self.missing = data.where, data.warnings, data.missing
        self._data, self._lookup, self.placed = data, lookup, data.placed
        earlier = data.joined if isinstance(data, JoinedData) else ()
        self.joined: tuple[tuple[str, str | None], ...] = (
            *earlier,
            (lookup.ref, lookup.sha256),
        )
        self.columns = (*data.columns, lookup.spec.name)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._data.rows

    @property
    def held(self) -> bool:
        """Whether the data are in memory; the joined column is."""
        return self._data.held

    def learn(self, columns: Sequence[str]) -> None:
        """Find out what the columns of the data are, and the key."""
        spec = self._lookup.spec
        own = [name for name in columns if name != spec.name]
        self._data.learn(own if len(own) == len(columns) else [*own, spec.key])

    def _batches(
        self, names: list[str], size: int, coded: frozenset[str] = NONE
    ) -> Iterator[pd.DataFrame]:
        spec = self._lookup.spec
        own = [name for name in names if name != spec.name]
        if own == names:
            return self._data.batches(names, size, coded=coded)
        keyed = self._data.batches([*own, spec.key], size, coded=coded - {spec.key})
        return self._looked_up(keyed, names)

    def _looked_up(
        self, batches: Iterator[pd.DataFrame], names: list[str]
    ) -> Iterator[pd.DataFrame]:
        spec, found = self._lookup.spec, 0
        own = [name for name in names if name != spec.name]
        for batch in batches:
            values, count = self._lookup.find(batch[spec.key])
            found += count
            yield batch[own].assign(**{spec.name: values})[names]
        if not found:
            what = f"no {spec.key!r} of {self.ref} occurs in {self._lookup.ref}"
            fix = "name the file and the key that belong to these data"
            raise DataError(problem(what, fix, where=self._lookup.where))


def _lookup(spec: JoinSpec, root: Path, where: Where | None) -> _Lookup:
    file = open_data(DataSpec(path=spec.file, missing=spec.missing), root=root, where=where)
    table = file.frame([spec.key, spec.column])
    table = table[table[spec.key].notna()]
    keys = pd.Index(table[spec.key])
    twice = keys.duplicated()
    if twice.any():
        second = int(np.argmax(twice))
        first = int(np.argmax(keys == keys[second]))
        rows = [int(table.index[each]) + 1 for each in (first, second)]
        count = int(pd.Index(keys[twice]).nunique())
        # Identifiers are personal data: rows are named instead.
        what = (
            f"{count} values of {spec.key!r} occur more than once, "
            f"the first in rows {rows[0]} and {rows[1]}"
        )
        raise DataError(Problem(what, "keep one row for each", file.ref))
    values = table[spec.column].reset_index(drop=True)
    if pd.api.types.is_integer_dtype(values.dtype) and values.abs().max() > EXACT:
        values = values.astype(object)  # a gap turns integers into floats, which hold no more
    padded = values.reindex(range(len(values) + 1))
    return _Lookup(spec, file.ref, file.sha256, where, keys, padded)


def _kind(keys: pd.Series[Any] | pd.Index[Any]) -> str:
    """Return ``texts`` or ``numbers``; nothing for what is neither, or empty."""
    if not len(keys):
        return ""
    if pd.api.types.is_numeric_dtype(keys.dtype):
        return "numbers"
    inferred = pd.api.types.infer_dtype(keys, skipna=True)
    kinds = {"string": "texts", "integer": "numbers", "floating": "numbers"}
    return kinds.get(inferred, "")
