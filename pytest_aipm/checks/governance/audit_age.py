"""Days since an audit of this model was approved.

## Question
How long ago did somebody look at an audit and approve it?

## How it is measured
The days from the approval of the baseline (`aipm approve`, or `--aipm-update-baseline`) until
today, in UTC. `SOURCE_DATE_EPOCH`, where it is set, says which day today is. It is a count, so the
number itself decides.

## When it misleads
- That a run happened is no approval: only a person who approves one sets the clock back.
- An old approval of a model that nobody changed may be good enough; how old is a choice.

## What to do
Review the report of a current run and approve it: `aipm approve aipm-report --by NAME --reason
TEXT`.

## If left out
A model could be in use on an approval that is years old.

## Sources
- NIST AI RMF 1.0, GOVERN 1.5: periodic review is planned; how often is a policy choice.
"""

from __future__ import annotations

import datetime as dt

from pytest_aipm.checks.answers import short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.clock import today
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 365}
BASIS = "convention: one review a year"


class Params(CheckParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    del params
    approved = evidence.stated.approved
    formula = Formula(
        id="audit_age",
        numerator="days since the last approved audit",
        denominator="",
        population="the approved baseline of this policy",
    )
    if approved is None:
        why = "no audit of this policy was approved yet"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    try:
        day = dt.date.fromisoformat(approved.when[:10])
    except ValueError:
        what = f"the baseline was approved on {short(approved.when, 40)!r}, which is no date"
        raise CheckError(Problem(what, "approve a run anew")) from None
    age = (today() - day).days
    if age < 0:
        what = f"the baseline was approved on {day}, which is after today ({today()})"
        raise CheckError(Problem(what, "set the clock, or SOURCE_DATE_EPOCH, right"))
    days = f"{age:,} day{'' if age == 1 else 's'}"
    return Measurement(
        estimate=census(age, 1),
        formula=formula,
        summary=f"the last audit was approved {days} ago ({day}, by {short(approved.by)})",
        n=1,
        part_names=("all rows",),
        notes=(f"reason of the approval: {short(approved.reason, 200)}",),
    )
