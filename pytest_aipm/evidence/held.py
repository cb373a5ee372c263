"""Where rows come from and how long they may be kept, as declared and as their dates say."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.clock import today
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of, source_of
from pytest_aipm.evidence.period import days_of
from pytest_aipm.sources.faults import did_you_mean

__all__ = ["BASES", "FIELDS", "Dated", "Declared", "dated", "declared", "plural"]

FIELDS = ("source", "collected", "consent_basis", "retention_until", "storage")
BASES = (
    "consent",
    "contract",
    "legal obligation",
    "vital interests",
    "public task",
    "legitimate interests",
)
"""Lawful bases of processing, Art. 6(1) GDPR, (a) to (f)."""


@dataclass(frozen=True)
class Declared:
    """What a policy's context says about its rows.

    Attributes
    ----------
    faults, notes : tuple of str
        What is missing, unreadable or over; what a reader should know.
    start, end : date or None
        The period of collection, as far as it can be read.
    """

    faults: tuple[str, ...]
    notes: tuple[str, ...]
    start: dt.date | None = None
    end: dt.date | None = None


@dataclass(frozen=True)
class Dated:
    """The days of all rows.

    Attributes
    ----------
    column : str
    known : datetime64[D] array of shape (m,)
        Those that can be read, each once.
    counts : int array of shape (m,)
        Rows of each.
    missing, unread : int
        Rows without a value, and with one that is no date.
    """

    column: str
    known: np.ndarray
    counts: np.ndarray
    missing: int
    unread: int

    @property
    def rows(self) -> int:
        """All rows."""
        return int(self.counts.sum()) + self.missing + self.unread

    @property
    def future(self) -> int:
        """Rows dated after today."""
        return int(self.counts[self.known > np.datetime64(today())].sum())

    def outside(self, start: dt.date | None, end: dt.date | None) -> int:
        """Return how many dated rows lie outside a period, ends included."""
        beyond = np.zeros(len(self.known), dtype=bool)
        if start is not None:
            beyond |= self.known < np.datetime64(start)
        if end is not None:
            beyond |= self.known > np.datetime64(end)
        return int(self.counts[beyond].sum())


def plural(count: int, what: str) -> str:
    """Return ``1 row`` or ``2 rows``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def dated(evidence: Evidence, of: Of) -> Dated | None:
    """Return the days of the rows; None where no column says so.

    Raises
    ------
    DataError
        When the declared column of the evaluation rows is not there.
    """
    column, source = evidence.subject.date, source_of(evidence, of)
    if column is None or (of == "train" and column not in source.columns):
        return None
    source.require([column], evidence.subject.where("date"))

    def partial(batch: pd.DataFrame) -> _Days:
        days = days_of(batch[column])
        known, counts = np.unique(days[~np.isnat(days)], return_counts=True)
        return _Days(known, counts, int(batch[column].isna().sum()), len(days))

    found = evidence.over(source, [column], partial, _Days())
    unread = found.rows - found.missing - int(found.counts.sum())
    return Dated(column, found.known, found.counts, found.missing, unread)


@dataclass(frozen=True, eq=False)
class _Days:
    """Rows by day; merging is addition."""

    known: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="datetime64[D]"))
    counts: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    missing: int = 0
    rows: int = 0

    def merge(self, other: _Days) -> _Days:
        """Return those of both."""
        known, place = np.unique(np.concatenate([self.known, other.known]), return_inverse=True)
        counts = np.zeros(len(known), dtype=np.int64)
        np.add.at(counts, place.reshape(-1), np.concatenate([self.counts, other.counts]))
        return _Days(known, counts, self.missing + other.missing, self.rows + other.rows)


def declared(context: Mapping[str, Any], about: str, require: tuple[str, ...]) -> Declared:
    """Return what is wrong with the declaration of some rows.

    Parameters
    ----------
    context : mapping
        Of the policy.
    about : str
        Its key that describes the rows.
    require : tuple of str
        Fields that must be stated.
    """
    said = context.get(about)
    if said is None:
        said = {}
    if not isinstance(said, Mapping):
        return Declared((f"`context.{about}` is no mapping of {', '.join(require)}",), ())
    start, end, faults = _period(said.get("collected"))
    found = [
        f"`{name}` is not stated{_meant(name, said)}" for name in require if _empty(said.get(name))
    ]
    found += faults if not _empty(said.get("collected")) else []
    found += _retention(said.get("retention_until"))
    found += [
        f"`{name}` must be text"
        for name in ("source", "storage", "consent_basis")
        if not _empty(said.get(name)) and not isinstance(said[name], str)
    ]
    notes = [] if said else [f"the policy states nothing under `context.{about}`"]
    return Declared(tuple(found), (*notes, *_basis(said.get("consent_basis"))), start, end)


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value == {}


def _meant(name: str, said: Mapping[str, Any]) -> str:
    strange = [str(key) for key in said if str(key) not in FIELDS]
    hint = did_you_mean(name, strange)
    return f" ({hint})" if hint else ""


def _day(value: object) -> dt.date | None:
    if isinstance(value, dt.date):
        return value.date() if isinstance(value, dt.datetime) else value
    try:
        day = dt.date.fromisoformat(str(value))
    except ValueError:
        return None
    return day if day.isoformat() == str(value) else None


def _unreadable(name: str, value: object) -> str:
    return f"`{name}` is {str(value)[:40]!r}, which is no date; write YYYY-MM-DD"


def _period(value: object) -> tuple[dt.date | None, dt.date | None, list[str]]:
    """Return the first and the last day of collection, and what is wrong with them."""
    if _empty(value):
        return None, None, []
    if not isinstance(value, Mapping):
        return None, None, ["`collected` must say {from: YYYY-MM-DD, to: YYYY-MM-DD}"]
    ends: dict[str, dt.date | None] = {}
    faults = []
    for key in ("from", "to"):
        ends[key] = None if _empty(value.get(key)) else _day(value[key])
        if _empty(value.get(key)):
            faults.append(f"`collected.{key}` is not stated")
        elif ends[key] is None:
            faults.append(_unreadable(f"collected.{key}", value[key]))
    start, end = ends["from"], ends["to"]
    if start is not None and end is not None and start > end:
        faults.append(f"`collected` begins on {start} and ends before that, on {end}")
    if end is not None and end > today():
        faults.append(f"`collected` ends on {end}, which is still to come")
    if faults and start is not None and end is not None and start > end:
        return None, None, faults  # no period that rows could lie in
    return start, end, faults


def _retention(value: object) -> Iterator[str]:
    if _empty(value):
        return
    day = _day(value)
    if day is None:
        yield _unreadable("retention_until", value)
    elif day < today():
        ago = plural((today() - day).days, "day")
        yield f"retention ended on {day}, {ago} ago: the rows should be gone"


def _basis(value: object) -> Iterator[str]:
    """Yield a note where the basis is none that the GDPR names."""
    if not isinstance(value, str) or not value.strip():
        return
    plain = " ".join(re.sub(r"[_-]", " ", value).casefold().split())
    if plain not in BASES and plain.removesuffix("s") not in {
        each.removesuffix("s") for each in BASES
    }:
        yield (
            f"the consent basis {value[:60]!r} is none of those that GDPR Art. 6(1) names "
            f"({', '.join(BASES)}); a person must say whether it is lawful"
        )
