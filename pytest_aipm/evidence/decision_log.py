"""A log of decisions: what people did with what the model said, case by case.

One row is one decision about one case. A log is read whole or refused: a case that is there twice,
a review before its decision, rows out of order, a word that is neither yes nor no each change a
rate without a sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.spelling import spelled
from pytest_aipm.evidence.subject import UNKNOWN, Attribute
from pytest_aipm.sources.data import DataSource, DataSpec, open_data

__all__ = ["DecisionLog", "Layout", "groups_of_column", "groups_of_people", "read_log"]

YES = frozenset({"true", "yes", "y", "t", "1"})
NO = frozenset({"false", "no", "n", "f", "0"})
_DAY = np.timedelta64(86_400, "s")


@dataclass(frozen=True)
class Layout:
    """Which column of a log holds what; None where it need not tell.

    Attributes
    ----------
    case, person : str
        What tells the cases apart, and whose case it is: an id of the audited rows.
    decided_at : str
    reviewed_at, reviewer : str or None
    event : str or None
        The column of yes and no that is counted.
    after_review : bool
        Whether the event can only follow a review.
    group : str or None
        A column of groups.
    in_order : bool
        Whether lines must follow each other in time.
    empty_is_no : bool
        Whether an empty cell of `event` means no.
    """

    case: str
    person: str
    decided_at: str
    reviewed_at: str | None = None
    reviewer: str | None = None
    event: str | None = None
    after_review: bool = False
    group: str | None = None
    in_order: bool = True
    empty_is_no: bool = False

    def columns(self) -> list[str]:
        """Return the columns it names, each once."""
        named = (self.case, self.person, self.decided_at, self.reviewed_at, self.reviewer)
        return list(dict.fromkeys(each for each in (*named, self.event, self.group) if each))


@dataclass(frozen=True)
class DecisionLog:
    """A log as it was read; all arrays have shape (n,).

    Attributes
    ----------
    ref : str
        The log as the policy names it.
    person : object array
        Ids, spelled alike.
    decided_at : datetime64 array, UTC
    reviewed : bool array or None
        Whether somebody looked at the decision; None where no column says so.
    days : float array or None
        From the decision to its review; nan where there was none.
    event : bool array or None
    group : Series or None
        The column of groups as it is written.
    """

    ref: str
    person: np.ndarray
    decided_at: np.ndarray
    reviewed: np.ndarray | None
    days: np.ndarray | None
    event: np.ndarray | None
    group: pd.Series[Any] | None

    @property
    def n(self) -> int:
        """Decisions."""
        return len(self.person)


def read_log(evidence: Evidence, ref: str, layout: Layout) -> DecisionLog:
    """Open a log and read it, once for all checks that ask the same of it.

    Parameters
    ----------
    evidence : Evidence
    ref : str
        A path, or ``package.module:function``.
    layout : Layout

    Raises
    ------
    DataError
        When it cannot be opened, or a row contradicts itself or another one.
    """
    return evidence.once(("decision log", ref, layout), lambda: _read(evidence, ref, layout))


def groups_of_column(
    log: DecisionLog, column: str, unknown: Unknown
) -> tuple[Grouping, np.ndarray]:
    """Return the groups of a column of the log, and each row's: -1 where it is empty.

    Raises
    ------
    DataError
        When it has more values than groups of people have.
    """
    assert log.group is not None  # noqa: S101 - the layout names it
    attribute = Attribute(column, column)
    codes, names = attribute.encode(log.group)
    attribute.refuse_crowd({name for name in names if name is not None}, log.ref)
    order = sorted({str(names[code]) for code in np.unique(codes) if names[code] is not None})
    if unknown == "group" and (codes == len(names) - 1).any():
        order.append(UNKNOWN)
    place = {name: i for i, name in enumerate(order)}
    numbers = np.array([place.get(UNKNOWN if n is None else n, -1) for n in names], dtype=np.int64)
    keys = tuple((name,) for name in order)
    return Grouping((column,), keys, (0,), keep_unknown=unknown == "group"), numbers[codes]


def groups_of_people(
    evidence: Evidence, log: DecisionLog, by: tuple[str, ...], unknown: Unknown
) -> tuple[Grouping, np.ndarray, int]:
    """Return the groups of a scope, each row's by the id of its person, and the strangers.

    Returns
    -------
    grouping : Grouping
    group : int array of shape (n,)
        -1 where the person has no group, or is none of the audited rows.
    strangers : int
        Rows of the log whose person is none of the audited rows.

    Raises
    ------
    DataError
        Without a column of ids, for two groups of one id, and where nobody is known.
    """
    subject, data = evidence.subject, evidence.data
    if subject.id is None:
        raise DataError(
            subject.problem(
                "id",
                "groups are joined to the log by the id of the audited rows, and there is none",
                "add `id: COLUMN` to the subject, or name a column of the log with `group:`",
            )
        )
    data.require([subject.id], subject.where("id"))
    grouping = evidence.counts(by, unknown).grouping
    columns = list(dict.fromkeys([subject.id, *(subject.attribute(name).column for name in by)]))
    wanted = np.unique(np.asarray(log.person, dtype=object).astype(str))
    own = subject.id

    def partial(batch: pd.DataFrame) -> _People:
        ids = np.asarray(spelled(batch[own]), dtype=object)
        there = np.isin(ids.astype(str), wanted) & (ids != "")
        group = grouping.members(subject, batch[there])
        return _People(pd.DataFrame({"id": ids[there], "group": group}).drop_duplicates())

    known = evidence.over(data, columns, partial, _People()).known
    if known["id"].duplicated().any():
        what = f"column {subject.id!r} gives one id to people of two groups"
        fix = "name a column that tells the people apart"
        raise DataError(subject.problem("id", what, fix))
    found = pd.Series(known["group"].to_numpy(), index=known["id"]).reindex(log.person)
    strange = found.isna().to_numpy()
    if strange.all():
        what = f"none of {log.n:,} people of the log is among the audited rows, by {subject.id!r}"
        fix = "name the column with their ids: `person: COLUMN`"
        raise DataError(Problem(what, fix, log.ref))
    return grouping, found.fillna(-1).to_numpy(dtype=np.int64), int(strange.sum())


def _nobody() -> pd.DataFrame:
    return pd.DataFrame({"id": np.empty(0, dtype=object), "group": np.empty(0, dtype=np.int64)})


@dataclass(frozen=True, eq=False)
class _People:
    """People of a log with their groups."""

    known: pd.DataFrame = field(default_factory=_nobody)

    def merge(self, other: _People) -> _People:
        """Return those of both."""
        return _People(pd.concat([self.known, other.known], ignore_index=True).drop_duplicates())


def _read(evidence: Evidence, ref: str, layout: Layout) -> DecisionLog:
    source = open_data(DataSpec.parse(ref, evidence.root), root=evidence.root)
    frame = source.frame(layout.columns())
    _refuse_twice(spelled(frame[layout.case]), source, layout.case)
    decided = _times(frame[layout.decided_at], source, layout.decided_at)
    _refuse(np.isnat(decided), source, layout.decided_at, "is empty", "date every decision")
    if layout.in_order:
        back = np.append(False, np.diff(decided) < np.timedelta64(0, "s"))
        _refuse(
            back,
            source,
            layout.decided_at,
            "is before the row above: the log is out of order",
            "find out who changed it; of several logs put together, say `in_order: false`",
        )
    reviewed, days = _reviews(frame, decided, source, layout)
    event = None
    if layout.event is not None:
        event = _flags(frame[layout.event], source, layout)
    if event is not None and layout.after_review and reviewed is not None:
        what = "says yes, and nobody reviewed the decision"
        _refuse(event & ~reviewed, source, layout.event or "", what, "say who did, and when")
    return DecisionLog(
        ref=source.ref,
        person=spelled(frame[layout.person]),
        decided_at=decided,
        reviewed=reviewed,
        days=days,
        event=event,
        group=None if layout.group is None else frame[layout.group],
    )


def _reviews(
    frame: pd.DataFrame, decided: np.ndarray, source: DataSource, layout: Layout
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return which decisions were reviewed, and after how many days."""
    days = reviewed = None
    if layout.reviewed_at is not None:
        seen = _times(frame[layout.reviewed_at], source, layout.reviewed_at)
        what = "is before the decision itself: a clock was stepped back, or two columns are swapped"
        _refuse(seen < decided, source, layout.reviewed_at, what, "correct the times")
        days = np.where(np.isnat(seen), np.nan, (seen - decided) / _DAY)
        reviewed = ~np.isnat(seen)
    if layout.reviewer is not None:
        named = spelled(frame[layout.reviewer]) != ""
        if reviewed is not None:
            what = f"and column {layout.reviewed_at!r} contradict each other: one of them is empty"
            _refuse(named != reviewed, source, layout.reviewer, what, "say who reviewed, and when")
        reviewed = named
    return reviewed, days


def _flags(column: pd.Series[Any], source: DataSource, layout: Layout) -> np.ndarray:
    words = np.array([each.casefold() for each in spelled(column)], dtype=object)
    name, empty = layout.event or "", words == ""
    if not layout.empty_is_no:
        fix = "write yes or no in every row, or say what an empty one means: `empty: no`"
        _refuse(empty, source, name, "is empty", fix)
    yes = np.isin(words, list(YES))
    strange = ~(yes | empty | np.isin(words, list(NO)))
    _refuse(
        strange, source, name, "is neither yes nor no", "write yes or no, true or false, 1 or 0"
    )
    return np.asarray(yes)


def _times(column: pd.Series[Any], source: DataSource, name: str) -> np.ndarray:
    """Return times in UTC, of ISO 8601; a time without a zone is one of UTC."""
    texts = column.astype(object).where(column.notna(), None)
    read = pd.to_datetime(texts.map(_text_of_time), errors="coerce", format="ISO8601", utc=True)
    wrong = (read.isna() & column.notna()).to_numpy()
    _refuse(
        wrong, source, name, "is no time of ISO 8601", "write 2026-11-26 or 2026-11-26T09:30:00Z"
    )
    return read.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")


def _text_of_time(value: object) -> object:
    """Return a value as a text that can be read as a time; a bare number is none."""
    if value is None or isinstance(value, int | float | np.number):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value).strip()


def _refuse_twice(case: np.ndarray, source: DataSource, name: str) -> None:
    _refuse(case == "", source, name, "is empty", "give every decision its case")
    twice = pd.Series(case).duplicated().to_numpy()
    if twice.any():
        at = int(np.flatnonzero(twice)[0])
        first = int(np.flatnonzero(case == case[at])[0])
        what = f"is of the same case as row {first + 1:,}"
        _refuse(twice, source, name, what, "keep one row a case: its last word")


def _refuse(wrong: np.ndarray, source: DataSource, name: str, what: str, fix: str) -> None:
    """Raise for the first row that is wrong; no value of it is ever shown."""
    rows: Sequence[int] = np.flatnonzero(wrong).tolist()
    if rows:
        more = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
        said = f"row {rows[0] + 1:,}{more}: column {name!r} {what}"
        raise DataError(Problem(said, fix, source.ref))
