"""Number of columns that are not what was expected of them.

## Question
Are these still the rows that everybody thinks they are?

## How it is measured
Every rule of `columns` is held against every row: the type (`int`, `number`, `text`, `bool`,
`date`, `category`), `min` and `max`, the allowed `values`, a `pattern` that the whole text must
match, missing values where `nullable: false`, repeated values where `unique: true`. `keys` names
columns that together must not repeat, `extra: refuse` refuses columns that are not named, and
`rows` bounds their number. The rules stand in the policy, in a file that `pinned` names and that
`aipm init` writes from the rows it sees, or in both; then the policy's own hold. A text that reads
as a number is a text, and dates are read as YYYY-MM-DD unless `format` says how they are written.
The value is the number of columns that break a rule, the table as a whole being one more. It is a
count over the given rows, so the number itself decides. Columns, rules and the first row that
breaks one are told, never a value of anybody; less than five rows are told as "fewer than 5".

## When it misleads
- A schema that was read off the rows says that they are as they were, not that they are right.
- Values can be wrong within their range: a swapped column of the same type passes.
- Rules hold column by column; what two columns say together is not looked at.

## What to do
Find out who changed what at the source. Where the change is right, change the rule in the same pull
request, so that a reviewer sees it.

## If left out
A column could have changed its unit, its type or its meaning, and every other figure with it.

## Sources
- Breck, Polyzotis, Roy, Whang, Zinkevich, "Data validation for machine learning", 2019 (a schema
  that is inferred once, reviewed, and held against every batch of rows).
- That one broken column is too many is a policy choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.evidence.breaches import Breach, breaches_of, look_for
from pytest_aipm.evidence.columns import rows_of, tell
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.expected import (
    ColumnRule,
    ExpectedRows,
    RowCount,
    read_expected,
)
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: one broken column is too many"

FEW = 5
"""Fewer rows are not counted out in words."""
MOST = 20


class Params(CheckParams):
    """What is expected of which rows."""

    columns: dict[str, ColumnRule] = Field(default_factory=dict)
    """What each column must hold: ``{income: {type: number, min: 0}}``."""
    pinned: str | None = None
    """A YAML file with the same keys, such as ``policies/schema.yaml``."""
    keys: tuple[tuple[str, ...], ...] = ()
    """Columns whose values together must not occur twice: ``[[person, day]]``."""
    extra: Literal["allow", "refuse"] | None = None
    """Whether columns that are not named may be there; default ``allow``."""
    rows: RowCount = RowCount()
    """How many rows there must be: ``{min: 1000, max: 50000}``."""
    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @model_validator(mode="after")
    def _something(self) -> Params:
        bounded = self.rows.min is not None or self.rows.max is not None
        if not (self.columns or self.pinned or self.keys or bounded):
            raise ValueError(
                "nothing is expected; write `columns: {NAME: {type: number}}`, or `pinned: PATH`"
            )
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def _expected(evidence: Evidence, params: Params) -> ExpectedRows:
    expected = ExpectedRows(
        columns=params.columns, keys=params.keys, extra=params.extra, rows=params.rows
    )
    if params.pinned is None:
        return expected
    return expected.over(read_expected(evidence.root / params.pinned, params.pinned))


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    yield look_for(rows_of(evidence, params.of), _expected(evidence, params))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source, expected = rows_of(evidence, params.of), _expected(evidence, params)
    found = breaches_of(source, expected, evidence.shared)
    broken = list(dict.fromkeys(each.column for each in found))
    what = "training rows" if params.of == "train" else "evaluation rows"
    return Measurement(
        estimate=census(len(broken), source.rows),
        formula=Formula(
            id="schema",
            numerator="columns that break a rule, and the table where it breaks one",
            denominator="",
            population=f"{source.rows:,} {what}, {len(source.columns):,} columns",
            reference=f"rules for {len(expected.columns):,} columns"
            + (f", pinned in {params.pinned}" if params.pinned else ""),
        ),
        summary=_summary(found, broken, len(expected.columns)),
        n=source.rows,
        part_names=("all rows",),
        series=_series(found, source.rows),
        notes=_notes(found),
    )


def _summary(found: tuple[Breach, ...], broken: list[str], expected: int) -> str:
    if not found:
        return f"the rows are as expected, in all {expected:,} columns that rules speak of"
    named = ", ".join(tell(name) if name else "the table" for name in broken[:3])
    more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
    verb = "is" if len(broken) == 1 else "are"
    columns = "column" if len(broken) == 1 else "columns"
    return f"{len(broken):,} {columns} {verb} not as expected ({named}{more}): {_told(found[0])}"


def _told(each: Breach) -> str:
    where = f"{tell(each.column)}: " if each.column else ""
    if not each.rows:
        return f"{where}{each.what}"
    many = f"{each.rows:,} rows" if each.rows >= FEW else f"fewer than {FEW} rows"
    first = "" if each.first is None else f", the first is row {each.first:,}"
    return f"{where}{each.what} in {many}{first}"


def _notes(found: tuple[Breach, ...]) -> tuple[str, ...]:
    said = [_told(each) for each in found[:MOST]]
    if len(found) > MOST:
        said.append(f"and {len(found) - MOST:,} more rules are broken")
    return tuple(said) if len(found) > 1 else ()


def _series(found: tuple[Breach, ...], rows: int) -> tuple[Series, ...]:
    """Return what share of the rows breaks a rule of each column, at worst."""
    worst: dict[str, int] = {}
    for each in found:
        if each.column and each.rows:
            worst[each.column] = max(worst.get(each.column, 0), each.rows)
    first = sorted(worst, key=lambda name: -worst[name])[:MOST]
    if not first:
        return ()
    return (
        Series(
            name="rows that break a rule, by column",
            kind="bars",
            x=tuple(tell(name) for name in first),
            y=tuple(worst[name] / rows for name in first),
            x_label="column",
            y_label="share of all rows",
            counts=tuple(worst[name] for name in first),
        ),
    )
