"""What can be seen of a table by looking at its columns, one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.faults import unknown_columns
from pytest_aipm.starting.words import UNKNOWN

__all__ = ["Column", "Kind", "Table", "look"]

Kind = Literal["empty", "flag", "number", "text", "date"]

CELLS = 20_000_000
"""Fields that are looked at: of a larger table every k-th row is, and it is said."""
LEAST = 10_000
"""Rows that are looked at however many columns there are."""
SHOWN = 60
"""Values of a column that are remembered, the most frequent first."""

_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}([T ]\d.*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}( .*)?|\d{4}/\d{1,2}/\d{1,2}"
)


@dataclass(frozen=True, eq=False)
class Column:
    """One column, as far as it was looked at.

    Attributes
    ----------
    name : str
    place : int
        Where it stands, from 0; `last` says whether it is the last one.
    kind : {"empty", "flag", "number", "text", "date"}
    rows, missing, distinct : int
        Rows looked at, those without a value, and different values.
    counts : tuple of (value, int)
        The most frequent values as plain Python ones.
    low, high : float
        Of numbers; NaN otherwise.
    whole : bool
        Whether all numbers are whole.
    values : Series
        The rows looked at.
    """

    name: str
    place: int
    last: bool
    kind: Kind
    rows: int
    missing: int
    distinct: int
    counts: tuple[tuple[Any, int], ...]
    low: float
    high: float
    whole: bool
    values: pd.Series[Any]

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def classes(self) -> tuple[Any, ...]:
        """The different values without codes of "unknown", in order; none where there are many."""
        if self.distinct > SHOWN:
            return ()
        return tuple(sorted((value for value, _ in self.counts), key=_order))

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice, in enough rows to mean something."""
        return self.known >= 20 and self.distinct == self.known

    @property
    def free(self) -> bool:
        """Whether these are texts of all kinds rather than names of a few groups."""
        return self.kind == "text" and self.distinct > max(SHOWN, 0.2 * self.known)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """Texts among the values that mean "nobody knows"."""
        return tuple(
            value
            for value, _ in self.counts
            if isinstance(value, str) and value.strip().casefold() in UNKNOWN
        )


@dataclass(frozen=True)
class Table:
    """A table as it was looked at: `rows` of the file, of which `seen` were looked at."""

    ref: str
    rows: int
    seen: int
    columns: tuple[Column, ...]
    sha256: str | None
    factory: bool = False

    def __getitem__(self, name: str) -> Column:
        """Return a column.

        Raises
        ------
        DataError
            When there is none of that name, with the nearest one.
        """
        for column in self.columns:
            if column.name == name:
                return column
        what, fix = unknown_columns([name], [each.name for each in self.columns])
        raise DataError(Problem(f"{what} in {self.ref}", fix))

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a column."""
        return any(column.name == name for column in self.columns)


def look(source: DataSource) -> Table:
    """Read a table, every k-th row of a large one, and return what its columns look like."""
    most = max(LEAST, CELLS // max(len(source.columns), 1))
    step = max(1, math.ceil(source.rows / most))
    parts = [batch.iloc[::step] for batch in source.batches()]
    frame = parts[0] if len(parts) == 1 else pd.concat(parts)
    last = len(source.columns) - 1
    columns = [
        _column(frame[name], place, last=place == last) for place, name in enumerate(source.columns)
    ]
    return Table(
        source.ref, source.rows, len(frame), tuple(columns), source.sha256, source.kind == "factory"
    )


def _column(values: pd.Series[Any], place: int, *, last: bool) -> Column:
    known = values.dropna()
    try:
        counted = known.value_counts()
    except TypeError:  # lists and the like cannot be counted
        known = known.map(str)
        counted = known.value_counts()
    kind = _kind(known)
    numbers = known.to_numpy(dtype=np.float64) if kind == "number" and len(known) else None
    return Column(
        name=str(values.name),
        place=place,
        last=last,
        kind=kind,
        rows=len(values),
        missing=len(values) - len(known),
        distinct=len(counted),
        counts=tuple((_plain(value), int(n)) for value, n in counted.head(SHOWN).items()),
        low=math.nan if numbers is None else float(numbers.min()),
        high=math.nan if numbers is None else float(numbers.max()),
        whole=numbers is not None and bool(np.all(numbers == np.floor(numbers))),
        values=values,
    )


def _kind(known: pd.Series[Any]) -> Kind:
    if not len(known):
        return "empty"
    if pd.api.types.is_bool_dtype(known) or _all(known.head(50), bool):
        return "flag"
    if pd.api.types.is_numeric_dtype(known) and not pd.api.types.is_complex_dtype(known):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(known):
        return "date"
    first = [str(value) for value in known.head(200)]
    dates = sum(_DATE.fullmatch(text.strip()) is not None for text in first)
    return "date" if dates >= 0.95 * len(first) else "text"


def _all(values: Iterable[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def _plain(value: Any) -> Any:
    """Return a value as YAML can write it: 1.0 is 1, what is no plain value is text."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def _order(value: Any) -> tuple[bool, float, str]:
    if isinstance(value, bool | int | float):
        return False, float(value), ""
    return True, 0.0, str(value)
