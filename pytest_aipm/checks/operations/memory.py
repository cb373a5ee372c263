"""Most memory that a process holds which opens the model and answers with it.

## Question
Does it fit into the memory of the machine it is to run on?

## How it is measured
A fresh process opens the model and asks it about `rows` rows of the evaluation data at once,
`runs` times; the system tells the most memory it held on the way. The value is the largest of the
runs, in megabytes (a million bytes): of the whole process (`peak_mb`), or what the model and its
answers added to a process that has imported pandas and numpy (`added_mb`). Memory that compiled
libraries take counts, which a look at Python objects alone would miss. Few runs have no honest
interval, so the number itself decides. A change is compared with the approved baseline on like
hardware only.

## When it misleads
- Processes that the model starts itself, and memory of a graphics card, are not counted.
- Larger batches take more: ask about the size that will be used.
- The process holds this package and the rows, too; a service holds other things.

## What to do
Answer fewer rows at once, use smaller types, drop what was kept from training, or use a smaller
model. Several workers that share one opened model take less than one each.

## If left out
The service could be killed by the system on its first busy day.

## Sources
- What fits is the policy's own choice; there is no convention.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.operated import by_unit, rows_a_call
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.hardware import in_words
from pytest_aipm.evidence.starts import Starts, starts
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs(model=True)
KIND = "census"
SCOPES = "overall"
UNITS = ("peak_mb", "added_mb")
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")

MEGABYTE = 10**6


class Params(CheckParams):
    """How many rows at once, how often, and for how long."""

    rows: int = Field(default=1000, ge=1, le=100_000)
    """Rows that are asked about at once, chosen by the seed."""
    runs: int = Field(default=2, ge=1, le=1000)
    """Fresh processes."""
    budget_s: float = Field(default=60.0, gt=0)
    """Seconds for all of them; where not one is done by then, it is inconclusive."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    unit = params.unit or UNITS[0]
    found = starts(evidence, rows=params.rows, runs=params.runs, budget_s=params.budget_s)
    formula = Formula(
        id=f"memory_{unit}_{params.rows}",
        numerator="megabytes, the most that was held",
        population=f"{len(found.runs):,} fresh processes, {rows_a_call(found.rows)} at once",
    )
    blank = Measurement(
        estimate=None,
        formula=formula,
        summary="",
        n=found.rows * len(found.runs),
        conditions=found.conditions,
    )
    if found.why_not:
        said = f"no fresh process can open the model: {found.why_not}"
        return blank.with_(summary=said, not_judged=(Because.NO_EVIDENCE, said), conditions={})
    if not found.runs:
        said = f"no fresh process was done within {number(params.budget_s)} s; raise `budget_s`"
        return blank.with_(summary=said, undecided=said)
    most = _most(found)
    if most is None:
        said = "this system does not tell how much memory a process held"
        return blank.with_(summary=said, not_judged=(Because.NO_EVIDENCE, said))
    runs = f"{len(found.runs)} fresh process" + ("es" if len(found.runs) > 1 else "")
    value = most[unit]
    return blank.with_(
        estimate=replace(census(value, len(found.runs)), method=f"largest of {runs}"),
        summary=(
            f"opening the model and answering {rows_a_call(found.rows)} takes "
            f"{number(most['peak_mb'])} megabytes, of which {number(most['added_mb'])} are the "
            "model's and its answers'"
        ),
        part_names=("all rows",),
        series=(by_unit({each: (one, one, one) for each, one in most.items()}, "megabytes"),),
        notes=_notes(found, runs),
    )


def _most(found: Starts) -> dict[str, float] | None:
    """Return the largest value of each unit; None where the system does not tell."""
    peaks, added = [], []
    for run in found.runs:
        if run.peak is None or run.before is None:
            return None
        peaks.append(run.peak / MEGABYTE)
        added.append((run.peak - run.before) / MEGABYTE)
    return {"peak_mb": max(peaks), "added_mb": max(added)}


def _notes(found: Starts, runs: str) -> tuple[str, ...]:
    opened = max((run.opened or 0) - (run.before or 0) for run in found.runs) / MEGABYTE
    said = (
        f"the largest of {runs}; opening the model alone added {number(opened)} megabytes",
        f"measured on {in_words(found.conditions)}",
    )
    if found.spent:
        return (*said, "the time budget was spent; the other processes were not started")
    return said
