"""Rows that the model answers in a second, one call after another.

## Question
Does it get through all rows in the time there is for them?

## How it is measured
The model's own method is called on `rows` rows of the evaluation data at a time (1,000 unless told
otherwise), drawn by the seed. The value is the rows of a call divided by the mean time of a call,
in rows a second; its interval is that of the mean (Hall's transformation of Student's t), turned
around. Slow calls count in full, which a median would leave out. Calls before those, `warm_up`, do
not count. A change is compared with the approved baseline on like hardware only.

## When it misleads
- It is one process that does nothing else; reading rows and writing answers take time, too.
- Of few calls of which some take very long, the interval takes the rate for more certain than it
  is: ask for 500 or more.
- A batch of another size has another rate: ask about the size that will be used.
- Where calls that follow each other are alike, as on a busy machine, the interval is wider; of
  other days it knows nothing.

## What to do
Make batches larger until the rate no longer rises; then use a smaller model, more threads, or more
processes.

## If left out
The nightly run could still be going when people come to work.

## Sources
- Hall, "On the removal of skewness by transformation", 1992.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.operated import TimedParams, calls_of, rows_a_call, time_notes, too_few
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.means import SMALL, MeanPart, PerUnit
from pytest_aipm.stats.single import from_part

NEEDS = Needs(model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("rows_per_s",)
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")


class Params(TimedParams):
    """How the model is called."""

    rows: int = Field(default=1000, ge=1, le=100_000)
    """Rows of one call."""
    warm_up: int = Field(default=5, ge=0, le=10_000)
    """Calls before those, which do not count."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = calls_of(evidence, params)
    made = len(found.seconds)
    formula = Formula(
        id=f"throughput_{params.rows}",
        numerator="rows of a call",
        denominator="mean seconds of a call",
        population=f"{made:,} calls of {rows_a_call(params.rows)}",
    )
    few = too_few(found, params, SMALL, "a mean time", formula)
    if few is not None:
        return few
    part = PerUnit(MeanPart.from_series(found.seconds, limits=(0.0, float("inf"))), params.rows)
    return Measurement(
        estimate=from_part(part, params.confidence),
        formula=formula,
        summary=f"{number(part.value)} rows a second, {rows_a_call(params.rows)} a call",
        n=made * params.rows,
        part_names=("all rows",),
        notes=time_notes(found),
        harm="down",
        conditions=found.conditions,
    )
