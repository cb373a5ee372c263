"""Share of numbers that lie far from the rest of their column.

## Question
Are there values that can hardly be what they are meant to be?

## How it is measured
Each column of numbers gets two fences from its own quartiles, which no few values can move:
`method: tukey` puts them `k` (3) times the distance of the quartiles beyond them, `mad` at the
median and `k` (3.5) times the median absolute deviation, scaled to a standard deviation,
`double_mad` the same with a deviation of its own on either side of the median. The value is the
share of numbers beyond the fences in the worst of the `columns` (default all numbers but the `id`);
a limit `max_cells` speaks of all those columns together. Columns with fewer than three values, or
of which more than half are equal, have no spread to measure by: they are named and left out. It is
a count over the given rows, so the number itself decides.

## When it misleads
- Of a skewed column symmetric fences take the long tail for outliers: prices, incomes and waiting
  times are like that. Notes name such columns; `double_mad` follows the skew.
- A column of two heaps has its fences around both, and values between them are inside.
- Impossible values may lie within the fences: an age of -1 is found by `data.schema`.
- Rare people are not errors: to cut them off is to build a model for the others alone.

## What to do
Look at the rows beyond the fences with somebody who knows the source: a wrong unit, a code such as
-999, a typing error, or a rare but real person? Mend the first three; keep the last, and see how
the model does on them.

## If left out
A wrong unit or a code for "nobody knows" could drag every mean, scale and model along.

## Sources
- Tukey, "Exploratory data analysis", 1977 (k = 3, "far out").
- Iglewicz, Hoaglin, "How to detect and handle outliers", 1993 (3.5 scaled deviations).
- Bowley, "Elements of statistics", 1920 (skewness of quartiles); the limit of 1 % is a convention.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.data._told import column_bars, in_rows, listed, rows_word, share
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.columns import columns_of, rows_of, tally_of, tell
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.fences import METHODS, Beyond, Method, beyond
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("", "cells")
RANGE = (0.0, 1.0)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.01}
BASIS = "convention of the field, not law"

SKEWED = 0.3
"""From this skewness of quartiles on, a reader is told; that of an exponential is 0.26."""


class Params(CheckParams):
    """Which columns, and where their fences stand."""

    columns: tuple[str, ...] = ()
    """Columns of numbers that are looked at; default all but the `id`."""
    method: Method = "tukey"
    """What the fences are made of: quartiles, or the median and deviations from it."""
    k: float | None = Field(default=None, gt=0)
    """How far out they stand; default 3 for ``tukey``, 3.5 for the others."""
    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    yield tally_of(rows_of(evidence, params.of))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source = rows_of(evidence, params.of)
    source.require(list(params.columns))
    cells = columns_of(evidence, params.of)
    subject = evidence.subject
    named = [name for name in (subject.id, subject.cluster) if name is not None]
    wanted = list(params.columns) or [name for name in source.columns if name not in named]
    k = params.k or METHODS[params.method]
    found = {name: beyond(cells[name], params.method, k) for name in wanted}
    judged = {name: each for name, each in found.items() if each is not None}
    flat = [name for name in wanted if found[name] is None and cells[name].numeric]
    words = [name for name in wanted if not cells[name].numeric] if params.columns else []
    formula = Formula(
        id=f"outliers_{params.unit or 'worst_column'}",
        numerator="numbers beyond the fences",
        denominator="numbers of the column" if not params.unit else "numbers of all columns",
        population=f"{source.rows:,} {rows_word(params.of)}, {len(judged):,} columns of numbers",
        reference=f"{params.method}, k = {k:g}",
    )
    if not judged:
        why = "no column holds numbers that spread"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=source.rows,
            notes=_notes(judged, flat, words),
            not_judged=(Because.NO_EVIDENCE, why),
        )
    worst = max(judged, key=lambda name: judged[name].share)
    out = {name: each.below + each.above for name, each in judged.items()}
    numbers = sum(each.n for each in judged.values())
    value = judged[worst].share if not params.unit else sum(out.values()) / numbers
    return Measurement(
        estimate=census(value, source.rows),
        formula=formula,
        summary=_summary(judged, worst, value, params.unit),
        n=source.rows,
        part_names=("all rows",),
        series=column_bars(
            "numbers beyond the fences, by column",
            {name: each.share for name, each in judged.items()},
            out,
            "share of the column's numbers",
        ),
        notes=_notes(judged, flat, words),
    )


def _summary(judged: dict[str, Beyond], worst: str, value: float, unit: str) -> str:
    each = judged[worst]
    if not value:
        return f"no number lies beyond the fences in {len(judged):,} columns"
    if unit:
        return f"{share(value)} of the numbers in {len(judged):,} columns lie beyond the fences"
    return f"{share(value)} of the numbers of {tell(worst)} lie beyond its fences" + (
        f" ({number(each.low)} to {number(each.high)})" if each.n >= 100 else ""
    )


def _notes(judged: dict[str, Beyond], flat: list[str], words: list[str]) -> tuple[str, ...]:
    said = []
    some = {name: each for name, each in judged.items() if each.below + each.above}
    for name in sorted(some, key=lambda name: -some[name].share)[:5]:
        each = some[name]
        sides = [
            f"{in_rows(n)} {side}"
            for n, side in ((each.below, "below"), (each.above, "above"))
            if n
        ]
        said.append(f"{tell(name)}: {' and '.join(sides)} the fences")
    if len(some) > 5:
        said.append(f"and {len(some) - 5:,} more columns have some")
    skewed = [name for name, each in some.items() if abs(each.skewness) > SKEWED]
    if skewed:
        verb = "is" if len(skewed) == 1 else "are"
        said.append(
            f"{listed(skewed)} {verb} skewed: part of what lies out there is the tail of the "
            "column itself, which `method: double_mad` allows for"
        )
    if flat:
        verb = "has" if len(flat) == 1 else "have"
        said.append(f"{listed(flat)} {verb} no spread to measure by: left out")
    if words:
        said.append(f"not all values of {listed(words)} are numbers: left out")
    coarse = [name for name, each in judged.items() if each.step]
    if coarse:
        said.append(f"numbers of {listed(coarse)} were tallied on a fine grid: very many differ")
    return tuple(said)
