"""Share of decisions that change when only the protected attribute is replaced.

## Question
Would a person have been decided otherwise had they been of another group, all else equal?

## How it is measured
For a seeded sample of rows the attribute is replaced by every other value that occurs (for a
binned number: the median of every other band), and the model decides again. The value is the
share of rows whose decision changes at least once, with Clopper-Pearson ends. `rows:` says how
many rows are tried; the note tells what share that is. `linked:` names columns that change along,
as `{column: {old: new}}`.

## When it misleads
- Few flips alone prove little, nor does a small share of attribution: both stand beside the gap
  between selection rates in the notes.
- A model that never sees the attribute cannot flip, and may still act through proxies; the check
  then is not judged, and the outcome gap is what counts.
- Replacing one column can make people that do not exist; a flip there is still a direct use.

## What to do
Remove the attribute from the features, or justify its use in writing. Then watch the outcome gap:
other columns may stand in for it.

## If left out
The same person could be decided otherwise as a member of another group, and nobody would notice.

## Sources
- Galhotra, Brun, Meliou, "Fairness testing: testing software for discrimination", 2017 (causal
  discrimination); the 1 % limit is a convention.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import noise_notes, out_of_time
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import OneClassParams, of_one
from pytest_aipm.checks.compare import unknown_breach
from pytest_aipm.checks.effective import design_note, rows_counted
from pytest_aipm.checks.together import beside_flips
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.flips import Flips, flip, missing_inputs
from pytest_aipm.records import Because, Formula, GroupValue
from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.single import rate

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "groups"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")
RANGE = (0.0, 1.0)
DEFAULT_LIMIT = {"max": 0.01}
BASIS = "convention of the field, not law"


class Params(OneClassParams):
    """How many rows, and what changes along."""

    rows: int = Field(default=5000, ge=1)
    """Rows to replace the attribute in; fewer are used whole."""
    linked: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Columns that change along: ``{title: {Mr: Ms, Ms: Mr}}``."""
    budget_s: float | None = Field(default=120.0, gt=0)
    """Seconds that it may take; beyond it the finding is inconclusive."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    what = " and ".join(params.by)
    nothing = Measurement(estimate=None, formula=_formula(evidence, params), summary="", n=0)
    absent = missing_inputs(evidence, params.by)
    if absent:
        why = (
            f"{absent[0]} is not an input of the model, so replacing it cannot change a decision; "
            "see explain.proxy_reliance for what may stand in for it"
        )
        return nothing.with_(summary=why, not_judged=(Because.NOT_APPLICABLE, why))
    counts = evidence.counts(params.by, params.unknown)
    try:
        flips = flip(
            evidence,
            params.by,
            rows=params.rows,
            linked=params.linked,
            budget_s=params.budget_s,
        )
    except BudgetSpent:
        return out_of_time(params.budget_s, nothing.formula)
    if flips.levels < 2:
        why = f"{what} has one value only, so there is nothing to replace it with"
        return nothing.with_(summary=why, n=flips.n, not_judged=(Because.NO_EVIDENCE, why))
    found = rows_counted(
        np.zeros_like(flips.group), flips.changed, 1, flips.design, params.confidence
    )
    return nothing.with_(
        estimate=rate(float(found.x[0]), float(found.n[0]), params.confidence),
        summary=(
            f"{flips.flipped:,} of {flips.n:,} decisions change when only {what} is replaced: "
            f"share {number(float(found.x[0] / found.n[0]))}"
            + (" of those they stand for" if flips.weight is not None else "")
        ),
        n=flips.n,
        groups=_groups(flips, params),
        part_names=("all rows",),
        examples=flips.examples,
        notes=(
            *design_note(evidence.subject, found.rows, found.n),
            *_notes(flips),
            *noise_notes(evidence),
            beside_flips(evidence, params, float(found.x[0] / found.n[0])),
        ),
        breach=unknown_breach(params, counts.unknown, counts.n),
        unknown=counts.unknown,
    )


def _formula(evidence: Evidence, params: Params) -> Formula:
    return Formula(
        id="protected_flip",
        numerator=f"rows whose decision changes when only {' and '.join(params.by)} is replaced",
        denominator="rows tried",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )


def _notes(flips: Flips) -> tuple[str, ...]:
    if flips.n == flips.rows:
        return ()
    note = (
        f"tried on {flips.n:,} of {flips.rows:,} rows, chosen by the seed; rows: {flips.rows} in "
        "the policy tries all"
    )
    return (note,)


def _groups(flips: Flips, params: Params) -> tuple[GroupValue, ...]:
    known, (weight, person) = flips.group >= 0, flips.design
    found = rows_counted(
        flips.group[known],
        flips.changed[known],
        len(flips.groups),
        (
            None if weight is None else weight[known],
            None if person is None else person[known],
        ),
        params.confidence,
    )
    lower, upper = rate_bounds(found.x, found.n, 1 - params.confidence)
    return tuple(
        GroupValue(
            group=group,
            n=int(flips.sizes[i]),
            **found.shown(i),
            value=float(found.x[i] / found.n[i]),
            interval=(float(lower[i]), float(upper[i])),
            note="shown, not judged by itself",
        )
        for i, group in enumerate(flips.groups)
    )
