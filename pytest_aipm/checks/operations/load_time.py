"""Time from a cold start to the first answer.

## Question
How long does a new instance keep its first caller waiting?

## How it is measured
A fresh process opens the model and asks it about one row, `runs` times. The value is the median of
the seconds from the order to open the model to its first answer (`start_s`), or to the opened
model (`open_s`). The imports of the model's own libraries count; starting Python and importing
pandas and numpy do not. Its ends are order statistics. A file must still hold the bytes that were
opened for the audit; a factory is called anew; an object that was handed over is pickled for it.
The value alone decides unless `decide_on` says otherwise. A change is compared with the approved
baseline on like hardware only.

## When it misleads
- After the first run, the files are in the system's cache: the very first start of a machine takes
  longer.
- Starting the container, and fetching the model over a network, come on top.

## What to do
Use a smaller model or a format that opens without running code, import less, and keep instances
warm where waiting is no option.

## If left out
Whoever comes after a pause, a release or a crash could wait far longer than anybody measured.

## Sources
- Thompson, "On confidence ranges for the median and other expectation distributions", 1936.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.operated import by_unit
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.hardware import in_words
from pytest_aipm.evidence.starts import starts
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.quantiles import least_size, quantile_of

NEEDS = Needs(model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("start_s", "open_s")
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")

WORDS = {"start_s": "from a cold start to the first answer", "open_s": "to open the model"}


class Params(CheckParams):
    """How often, and for how long."""

    runs: int = Field(default=5, ge=1, le=1000)
    """Fresh processes."""
    budget_s: float = Field(default=60.0, gt=0)
    """Seconds for all of them; too few by then are inconclusive."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    unit = params.unit or UNITS[0]
    found = starts(evidence, rows=1, runs=params.runs, budget_s=params.budget_s)
    formula = Formula(
        id=f"load_time_{unit}",
        numerator=f"seconds {WORDS[unit]}, the median",
        population=f"{len(found.runs):,} fresh processes",
    )
    if found.why_not:
        said = f"no fresh process can open the model: {found.why_not}"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=said,
            n=0,
            not_judged=(Because.NO_EVIDENCE, said),
        )
    least = least_size(0.5, params.confidence)
    if len(found.runs) < least:
        why = f"the budget of {number(params.budget_s)} s was spent; raise `budget_s`"
        if not found.spent:
            why = f"`runs: {params.runs}` asks for no more; raise it"
        said = (
            f"a median takes {least} fresh processes at this confidence, and "
            f"{len(found.runs)} were started: {why}"
        )
        return Measurement(
            estimate=None,
            formula=formula,
            summary=said,
            n=len(found.runs),
            undecided=said,
            conditions=found.conditions,
        )
    took = {
        "start_s": [run.open_s + run.answer_s for run in found.runs],
        "open_s": [run.open_s for run in found.runs],
    }
    all_of = {each: quantile_of(values, 0.5, params.confidence) for each, values in took.items()}
    mine = all_of[unit]
    return Measurement(
        estimate=mine,
        formula=formula,
        summary=f"it takes {number(mine.value)} s {WORDS[unit]}",
        n=len(found.runs),
        part_names=("all rows",),
        series=(
            by_unit({each: (q.value, q.lower, q.upper) for each, q in all_of.items()}, "seconds"),
        ),
        notes=(
            (
                f"the median of {len(found.runs)} fresh processes; opening alone "
                f"{number(all_of['open_s'].value)} s"
            ),
            f"measured on {in_words(found.conditions)}",
        ),
        conditions=found.conditions,
    )
