"""Share of rows to which the model, asked about each alone, gives no usable answer.

## Question
How often would somebody get an error, or a stopgap, instead of an answer?

## How it is measured
The model is asked about single rows of the evaluation data, drawn by the seed, one call each. A
row counts when the model raises, when what it returns is none (not finite, missing, of another
length), or when the answer is one of `fallback`: what the model says when it does not know. The
value is the share of such rows, with Clopper-Pearson ends. The value alone decides unless
`decide_on` says otherwise.

## When it misleads
- The evaluation rows were often cleaned before; those of the service are not.
- A wrong answer is no error here: other checks look at that.
- A model that catches its own errors and guesses has none, unless the guess is under `fallback`.

## What to do
The notes name the errors. Mend the pipeline before the model: missing values, categories it has
not seen, types that differ from training. Say what a person gets where no answer is possible.

## If left out
Some people could get no answer at all, and no metric of the others' answers would show it.

## Sources
- Clopper, Pearson, Biometrika 1934. That 1 in 100 is too many is a convention.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.answered import Answered, answered
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import rate

NEEDS = Needs(model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.01}
BASIS = "convention: at most 1 row in 100 without an answer"


class Params(CheckParams):
    """How many rows, and what is no answer."""

    rows: int = Field(default=1000, ge=1, le=100_000)
    """Most rows that are asked about, chosen by the seed."""
    fallback: tuple[str | float, ...] = ()
    """Answers that stand for "I do not know": classes or scores."""
    budget_s: float = Field(default=30.0, gt=0)
    """Seconds after which no further row is asked about; fewer rows are inconclusive then."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    found = answered(evidence, rows=params.rows, fallback=params.fallback, budget_s=params.budget_s)
    formula = Formula(
        id="error_rate",
        numerator="rows without a usable answer",
        denominator="rows asked about alone",
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    if found.spent:
        why = (
            f"the time budget of {number(params.budget_s)} s was spent after {found.n:,} of "
            f"{found.wanted:,} rows, {found.lost:,} of them without an answer; raise `budget_s` or "
            "lower `rows`"
        )
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=found.n,
            undecided=why,
            notes=_notes(found),
        )
    return Measurement(
        estimate=rate(found.lost, found.n, params.confidence),
        formula=formula,
        summary=(
            f"{frequency(found.lost / found.n)} rows get no usable answer when the model is asked "
            "about each alone"
        ),
        n=found.n,
        part_names=("all rows",),
        notes=_notes(found),
    )


def _notes(found: Answered) -> tuple[str, ...]:
    asked = f"asked about {found.n:,} of {found.total:,} rows, one call each"
    return (asked, *(f"{count:,} rows: {why}" for why, count in found.faults))
