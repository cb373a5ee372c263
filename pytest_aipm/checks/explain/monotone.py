"""Share of rows that would fare worse although a feature that must help them rises.

## Question
Is more income, all else equal, ever held against a person?

## How it is measured
`helps` names columns whose rise must never make the output less favorable, `harms` columns whose
rise must never make it more so. In every row tried each of them is set to real values of the data
in turn, from low to high (`steps` quantiles). A row counts when its output falls back by more than
`eps` anywhere along the way. The value is the share of rows tried that count for any column.
Counterexamples are facts about these rows, so the count decides and there is no interval.

For a regression without a decision "favorable" is the larger number.

## When it misleads
- Values are replaced one column at a time: a high income beside an unchanged job title may be
  a person who does not exist.
- No reversal among the rows and values tried is no proof for all others; a model with monotonic
  constraints has one.
- Reversals below `eps`, or within what the model itself varies by when asked twice, do not count.

## What to do
Train with monotonic constraints (`monotonic_cst`), or bin the column.

## If left out
A person could be refused for having earned more, and nobody could explain why.

## Sources
- Sill, "Monotonic networks", 1998; scikit-learn, monotonic constraints. That a share of 0 is asked
  for is a convention where no law asks for it.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import SignedParams, noise_notes, spent
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.reversals import Reversals, reversals
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.single import census

NEEDS = Needs(predictions=True, model=True)
KIND = "census"
DECIDE_ON = "point"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 0.0}
BASIS = "convention of the field, not law"


class Params(SignedParams):
    """Which columns must help or harm."""

    helps: tuple[str, ...] = ()
    """Columns whose rise must never be held against a person."""
    harms: tuple[str, ...] = ()
    """Columns whose rise must never speak for a person."""
    eps: float = Field(default=0.01, ge=0)
    """Smaller reversals do not count, in units of the output."""
    steps: int = Field(default=15, ge=2, le=200)
    """Values tried of each column."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    columns = params.signs
    try:
        found = reversals(
            evidence,
            columns,
            rows=params.rows,
            steps=params.steps,
            eps=params.eps,
            output=params.output,
            budget_s=params.budget_s,
        )
    except BudgetSpent as over:
        return spent(params, over)
    n = len(found.worst)
    shown = Measurement(
        estimate=None,
        formula=Formula(
            id="monotone",
            numerator="rows whose output falls back although a column that must help rises",
            denominator="rows tried",
            positive=evidence.subject.names["positive"],
            population=f"seeded sample of at most {params.rows:,} rows",
        ),
        summary="",
        n=n,
        notes=(*_notes(found), *noise_notes(evidence)),
    )
    if not found.varied:
        why = f"{' and '.join(columns)} has one value only, so there is nothing to raise"
        return shown.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    share = float(found.units.mean(np.any(found.counted, axis=1)))
    return shown.with_(
        estimate=census(share, n),
        summary=_said(found, share),
        part_names=("all rows",),
        series=(_bars(found),),
        examples=found.examples,
    )


def _said(found: Reversals, share: float) -> str:
    where = np.unravel_index(int(np.argmax(found.worst)), found.worst.shape)[1]
    name = found.columns[int(where)]
    if share == 0:
        return f"no row of {len(found.worst):,} fares worse when {' or '.join(found.columns)} moves"
    moved = "rises" if found.signs[int(where)] > 0 else "falls"
    then = "falls" if found.good > 0 else "rises"
    return (
        f"{frequency(share)} rows fare worse when a column that must help them moves; at worst "
        f"{found.said} {then} by {number(float(found.worst.max()))} although {name} {moved}"
    )


def _notes(found: Reversals) -> tuple[str, ...]:
    tried = (
        f"tried on {len(found.worst):,} of {found.total:,} rows, chosen by the seed; reversals of "
        f"more than {number(found.eps)} count"
    )
    notes = [tried]
    still = [name for name, varied in zip(found.columns, found.varies, strict=True) if not varied]
    if still:
        notes.append(f"{' and '.join(still)} has one value only and was not tried")
    return tuple(notes)


def _bars(found: Reversals) -> Series:
    return Series(
        name="rows that fare worse",
        kind="bars",
        x=found.columns,
        y=tuple(float(x) for x in found.units.mean(found.counted)),
        x_label="column",
        y_label="share of rows",
        counts=tuple(int(x) for x in found.counted.sum(axis=0)),
    )
