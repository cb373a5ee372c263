"""From which day to which the rows are, batch by batch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Days", "days_of"]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?![0-9])")


@dataclass(frozen=True)
class Days:
    """The days of some rows; merging two is the result of both.

    Only dates and texts as ISO 8601 writes them (``2026-01-31``, whatever time follows) are read:
    nobody can tell whether 03/04 is in March or in April.

    Attributes
    ----------
    first, last : str or None
        As ISO 8601 writes them.
    missing, unread : int
        Rows without a date, and rows whose value is none.
    """

    first: str | None = None
    last: str | None = None
    missing: int = 0
    unread: int = 0

    def merge(self, other: Days) -> Days:
        """Return the days of both."""
        known = [day for each in (self, other) for day in (each.first, each.last) if day]
        return Days(
            min(known, default=None),
            max(known, default=None),
            self.missing + other.missing,
            self.unread + other.unread,
        )

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Days:
        """Return the days of a column."""
        there = column.dropna()
        missing = len(column) - len(there)
        if pd.api.types.is_datetime64_any_dtype(there.dtype):
            if there.empty:
                return cls(missing=missing)
            return cls(there.min().date().isoformat(), there.max().date().isoformat(), missing)
        counted = _heads(there).value_counts()
        days = {text: day for text in counted.index if (day := _day(text))}
        unread = len(there) - int(counted[list(days)].sum())
        return cls(
            min(days.values(), default=None), max(days.values(), default=None), missing, unread
        )


def days_of(column: pd.Series[Any]) -> np.ndarray:
    """Return the day of each row, as `Days` reads them; NaT where there is none.

    Returns
    -------
    datetime64[D] array of shape (n,)
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        plain = column.dt.tz_localize(None) if column.dt.tz is not None else column
        return plain.to_numpy().astype("datetime64[D]")
    heads = _heads(column.where(column.notna(), ""))
    known = {text: _day(text) or "NaT" for text in pd.unique(heads).tolist()}
    days: np.ndarray = heads.map(known).to_numpy(dtype=str).astype("datetime64[D]")
    return days


def _heads(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the first eleven characters of each value: few differ, so few are looked at."""
    if isinstance(column.dtype, pd.StringDtype):
        return column.str.slice(0, 11)
    return column.map(_head)


def _head(value: object) -> str:
    if isinstance(value, date):  # a time stamp is one, too
        return value.isoformat()[:10]
    return value[:11] if isinstance(value, str) else ""


def _day(text: str) -> str:
    """Return the day that a text begins with; empty where it is none."""
    found = _DAY.match(text)
    if found is None:
        return ""
    try:
        return date.fromisoformat(found[0]).isoformat()
    except ValueError:
        return ""
