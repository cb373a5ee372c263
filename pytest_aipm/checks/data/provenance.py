"""Where the rows are from, on what basis they are held, and whether they may still be kept.

## Question
Is it written down where the data are from, why we may hold them, and until when?

## How it is measured
The policy's context tells it, under `data` or the key that `about` names:
`data: {source, collected: {from, to}, consent_basis, retention_until, storage}`, with dates as
YYYY-MM-DD. The value counts what is wrong: fields of `require` that are not stated, dates that
cannot be read, a period that ends before it begins or in the future, a retention that has passed.
Where a column of dates is declared (`date:`), rows whose date lies outside the period, in the
future, or cannot be read count as one fault each kind. A basis that is none of those in GDPR Art.
6(1) is said in a note, not counted.

`max_age` judges freshness: days since the newest row or the end of the declared period, whichever
is longer ago. `max_oldest` judges the days since the oldest row, or the begin of the period.
`max_outside` judges the share of rows that are not shown to lie in the period: outside, without a
date, or with one that cannot be read. Dates of rows are read as ISO 8601 writes them (2026-01-31,
whatever time follows); nobody can tell whether 03/04 is in March or in April. Today is the UTC
date, or that of SOURCE_DATE_EPOCH.

## When it misleads
- It reads what somebody wrote. That consent was given, or that rows are deleted, it cannot see.
- A lawful basis covers a purpose: rows held for a contract may not be free for a model.
- Fresh rows can be rows of the wrong people; `data.representation` asks that.

## What to do
Have the owner of the data state what is missing. When retention has passed, delete the rows and
fit the model anew; `privacy.erasure` looks whether they are gone.

## If left out
A model could rest on data that nobody may hold, and nobody would know until they are asked.

## Sources
- Regulation (EU) 2016/679 (GDPR), Art. 5(1)(e) storage limitation, Art. 6(1) lawful bases.
- Gebru et al., "Datasheets for datasets", Communications of the ACM 2021.
"""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
from pydantic import Field, field_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import frequency
from pytest_aipm.clock import today
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of, source_of
from pytest_aipm.evidence.held import FIELDS, Dated, Declared, dated, declared, plural
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("", "age", "oldest", "outside")
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: what is not stated cannot be answered for"

SHOWN = 3
_MONTHS = 36


class Params(CheckParams):
    """Which rows, and what must be stated about them."""

    about: str = "data"
    """Key of the policy's context that describes the rows."""
    require: tuple[str, ...] = Field(default=FIELDS, min_length=1)
    """Fields that must be stated there."""
    of: Of = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @field_validator("require")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in value if value.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names {twice!r} twice; name each field once")
        return value


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    return (0.0, 1.0) if params.unit == "outside" else (0.0, math.inf)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    said = declared(evidence.stated.context, params.about, params.require)
    days = dated(evidence, params.of)
    n = source_of(evidence, params.of).rows
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id=f"provenance_{params.unit or 'faults'}",
            numerator=_NUMERATOR[params.unit],
            denominator="rows" if params.unit == "outside" else "",
            population=f"{n:,} {'training' if params.of == 'train' else 'evaluation'} rows",
        ),
        summary="",
        n=n,
        part_names=("all rows",),
        series=() if days is None else _series(days),
        notes=(*said.notes, *_dates(days)),
    )
    if params.unit == "outside":
        return _outside(evidence, measured, said, days)
    if params.unit in ("age", "oldest"):
        return _age(evidence, measured, said, days, params)
    faults = [*said.faults, *_contradictions(said, days)]
    summary = "source, period, basis and retention are stated, and none is over"
    if faults:
        more = [f"{len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        summary = "; ".join([*faults[:SHOWN], *more])
    return measured.with_(
        estimate=census(len(faults), n),
        summary=summary,
        notes=(*faults[SHOWN:], *measured.notes),
    )


_NUMERATOR = {
    "": "fields that are missing, unreadable or over, and what rows contradict",
    "age": "days since the newest row, or since the end of the declared period",
    "oldest": "days since the oldest row, or since the begin of the declared period",
    "outside": "rows that are not shown to lie in the declared period",
}


def _contradictions(said: Declared, days: Dated | None) -> list[str]:
    """Return what the dates of rows say against the declaration, one entry a kind."""
    if days is None:
        return []
    kinds = (
        (days.unread, f"without a date that can be read in {days.column!r}"),
        (days.future, f"dated after today ({today()})"),
        (days.outside(said.start, said.end), f"outside the declared period {_period(said)}"),
    )
    return [f"{plural(count, 'row')} {what}" for count, what in kinds if count]


def _period(said: Declared) -> str:
    return f"{said.start or '(open)'} to {said.end or '(open)'}"


def _dates(days: Dated | None) -> tuple[str, ...]:
    if days is None:
        return ("no column of dates is declared (`date:`), so what is stated is all there is",)
    told = []
    if len(days.known):
        told.append(f"rows are dated {days.known.min()} to {days.known.max()}")
    if days.missing:
        told.append(f"{plural(days.missing, 'row')} without a date")
    return tuple(told)


def _outside(
    evidence: Evidence, measured: Measurement, said: Declared, days: Dated | None
) -> Measurement:
    """Return the share of rows that are not shown to lie in the period."""
    if days is None:
        raise _no_dates(evidence, "rows cannot be compared with the declared period")
    if said.start is None or said.end is None:
        what = "no period of collection is stated that rows could lie in"
        fix = "write `context: {data: {collected: {from: YYYY-MM-DD, to: YYYY-MM-DD}}}`"
        raise CheckError(Problem(what, fix))
    beyond = days.outside(said.start, said.end)
    count = beyond + days.missing + days.unread
    more = [f"{days.missing:,} have no date"] * bool(days.missing)
    more += [f"{days.unread:,} hold none that can be read"] * bool(days.unread)
    share = count / measured.n
    return measured.with_(
        estimate=census(share, measured.n),
        summary=", ".join([f"{beyond:,} of {measured.n:,} rows lie outside {_period(said)}", *more])
        + f": {frequency(share)} are not shown to lie in it",
    )


def _age(
    evidence: Evidence, measured: Measurement, said: Declared, days: Dated | None, params: Params
) -> Measurement:
    """Return how old the data are."""
    newest = params.unit == "age"
    ends: list[tuple[dt.date, str]] = []
    stated = said.end if newest else said.start
    if stated is not None:
        ends.append((stated, f"the declared period {'ends' if newest else 'begins'} on {stated}"))
    if days is not None:
        _refuse(evidence, days)
        if len(days.known):
            day = (np.max if newest else np.min)(days.known).astype(dt.date)
            ends.append((day, f"the {'newest' if newest else 'oldest'} row is of {day}"))
    if not ends:
        raise _no_dates(evidence, "nobody can tell how old the rows are")
    day, what = min(ends)
    age = (today() - day).days
    if age < 0:
        raise CheckError(Problem(f"{what}, which is still to come", "correct the date"))
    breach = None
    missing = 0 if days is None else days.missing
    if missing / measured.n > params.max_unknown:
        why = (
            f"{missing:,} of {measured.n:,} rows have no date; at most {params.max_unknown:.1%} may"
        )
        breach = Because.UNKNOWN, why
    return measured.with_(
        estimate=census(age, measured.n),
        summary=f"{what}, {plural(age, 'day')} ago",
        breach=breach,
    )


def _refuse(evidence: Evidence, days: Dated) -> None:
    if days.unread:
        rows = plural(days.unread, "row")
        what = f"date column {days.column!r} holds no date that can be read in {rows}"
        fix = "write all dates as 2026-01-31; 03/04 could be March or April"
        raise DataError(evidence.subject.problem("date", what, fix))
    if days.future:
        rows = plural(days.future, "row")
        what = f"{rows} dated after today ({today()}), so no age can be told"
        fix = "correct the dates, or name the column of the day a row is of"
        raise DataError(evidence.subject.problem("date", what, fix))


def _no_dates(evidence: Evidence, what: str) -> CheckError:
    fix = "declare the column of dates as `date:` in the subject, or state `collected`"
    return CheckError(evidence.subject.problem("date", f"there is no date, so {what}", fix))


def _series(days: Dated) -> tuple[Series, ...]:
    """Return the share of rows of each month, or of each year where there are many."""
    if not len(days.known):
        return ()
    months = days.known.astype("datetime64[M]")
    span = int((months.max() - months.min()).astype(int)) + 1
    unit = "month" if span <= _MONTHS else "year"
    periods, place = np.unique(
        months if unit == "month" else months.astype("datetime64[Y]"), return_inverse=True
    )
    counts = np.bincount(place.reshape(-1), weights=days.counts)
    if len(periods) > _MONTHS:
        periods, counts = periods[-_MONTHS:], counts[-_MONTHS:]
    return (
        Series(
            name=f"rows by {unit}",
            kind="bars",
            x=tuple(str(each) for each in periods),
            y=tuple(float(each) / days.rows for each in counts),
            x_label=unit,
            y_label="share of all rows",
            counts=tuple(int(each) for each in counts),
        ),
    )
