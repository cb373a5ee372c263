"""Number of past failures that happen again on the model of today.

## Question
Is what went wrong once still mended?

## How it is measured
`file` lists past incidents, each with what must hold since: the rows that a condition chooses among
the evaluation rows (`when: age >= 65 and income > 20000`), that are named by id, or that are kept
in a file of their own must be decided as `expect` says, or have a score between its ends: all of
them, or the `share` that it names. Or another check of the policy must pass. An incident recurs
when that does not hold; what the other check cannot tell is not shown to be mended, and counts.
Rows that are gone, and a condition that none meets any more, are an error: nothing was re-run then.
It is a count, so the number itself decides.

## When it misleads
- It looks for what is known: a new way to fail is found by other checks, or by people.
- A condition chooses other rows when the evaluation rows change; a file of rows stays as it was.

## What to do
Read the incident that is named, and what was done about it then; do not release a model that does
it again. Add every new failure to the file: it is a test from then on.

## If left out
A failure that was mended once could come back with the next training, and nobody would notice.

## Sources
- NIST AI RMF 1.0, MANAGE 4.3: incidents are tracked and learned from. Regression tests of past
  failures are a habit of software; that none may recur is a policy choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from pytest_aipm.checks.answers import few, short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.errors import DataError, MeasurementError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.incidents import Rerun, rerun
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: no failure happens twice"


class Params(CheckParams):
    """Which incidents."""

    file: str = Field(default="policies/incidents.yaml", min_length=1)
    """The incidents, a path from the root."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    listed = evidence.stated.incidents.get(params.file, ())
    formula = Formula(
        id="incidents_recurring",
        numerator="incidents that happen again",
        denominator="",
        population=f"{len(listed):,} incidents of {short(params.file)}",
    )
    if not listed:
        why = f"{short(params.file)} lists no incident of this policy"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NOT_APPLICABLE, why),
        )
    found: list[Rerun] = []
    broken: dict[str, Problem] = {}
    for each in listed:
        try:
            found.append(rerun(evidence, each))
        except MeasurementError as error:
            broken[each.id] = error.problems[0]
    again = [each for each in found if not each.fixed]
    if broken:
        raise DataError(_cannot(broken))
    names = few([f"{each.incident.id}: {short(each.incident.title)}" for each in again], 3)
    are = "happens" if len(again) == 1 else "happen"
    said = f"{len(again)} of {len(listed)} past incidents {are} again"
    return Measurement(
        estimate=census(len(again), len(listed)),
        formula=formula,
        summary=f"{said} ({names})" if again else f"none of {len(listed)} past incidents recurs",
        n=len(listed),
        part_names=("all rows",),
        series=_series(found),
        notes=tuple(
            _told(each, evidence.stated.min_cell)
            for each in sorted(found, key=lambda each: each.fixed)[:50]
        ),
    )


def _cannot(broken: dict[str, Problem]) -> Problem:
    """Return why the first incident could not be re-run, and which others could not."""
    first, *others = broken
    problem = broken[first]
    if not others:
        return problem
    return replace(problem, what=f"{problem.what} (nor could {few(others, 8)} be re-run)")


def _told(each: Rerun, min_cell: int) -> str:
    """Return what became of an incident; how few people fare how is not told."""
    incident, wrong = each.incident, each.rows - each.right
    head = f"{incident.id} ({incident.date}, {short(incident.owner)}, {short(incident.ticket)})"
    state = "mended" if each.fixed else "recurs"
    if incident.check is not None:
        return f"{head} {state}: {each.said or f'{short(incident.check)} passes'}"
    enough = each.rows >= min_cell and all(n == 0 or n >= min_cell for n in (wrong, each.right))
    rows = f"{each.right:,} of {each.rows:,} rows are" if enough else "not all of its rows are"
    if not wrong:
        rows = "all of its rows are"
    tail = f"; {each.unknown:,} rows lack what the condition asks for" if each.unknown else ""
    return f"{head} {state}: {rows} as they must be{tail}"


def _series(found: Sequence[Rerun]) -> tuple[Series, ...]:
    """Return what share of each incident's rows is as it must be."""
    shown = [each for each in found if each.rows][:30]
    if not shown:
        return ()
    return (
        Series(
            name="rows that are as they must be",
            kind="bars",
            x=tuple(short(each.incident.id, 40) for each in shown),
            y=tuple(each.right / each.rows for each in shown),
            x_label="incident",
            y_label="share of its rows",
            counts=tuple(each.rows for each in shown),
        ),
    )
