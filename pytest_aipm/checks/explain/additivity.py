"""Share of rows whose attributions do not add up to what the model says when asked again.

## Question
Do the attributions explain the number that the model gives, and gives again?

## How it is measured
The attributions of a row and the mean output of the background must add up to the row's output.
The model is asked about the rows once more, in another order and in calls of their own, and a row
counts when sum and answer differ by more than `tolerance` of the range of the outputs. The value
is the share of rows that count. It is a fact about these rows, so there is no interval.

## When it misleads
- Attributions that add up can still explain the wrong quantity; here they always explain the
  output named in the notes.
- A model that draws random numbers, keeps state between calls, or scales a row by the others in
  its batch fails here and in nothing else.

## What to do
Fix the model's random state, and let no row's answer depend on the rows beside it.

## If left out
Reasons could be given for a number that the model would not give a second time.

## Sources
- Lundberg, Lee, "A unified approach to interpreting model predictions", 2017 (local accuracy).
- That no row may count is a convention.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import asked
from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    attributions,
    explain_notes,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
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


class Params(ExplainParams):
    """How much is too much."""

    tolerance: float = Field(default=1e-3, gt=0)
    """Largest difference, as a share of the range of the outputs."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(
        id="additivity",
        numerator="rows whose attributions do not add up to the answer",
        denominator="rows explained",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        found = attributions(evidence, params)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    inputs = found.sample.inputs
    again = asked(found.output.ask, inputs.iloc[::-1].reset_index(drop=True))[::-1, 0]
    added = found.walked.base.mean() + found.fit.row.sum(axis=1)
    away = np.abs(again - added)
    wide = float(np.ptp(np.concatenate([found.walked.output[:, 0], found.walked.base[:, 0]])))
    rounding = 1e-9 * max(1.0, float(np.abs(again).max()))
    share = float(found.sample.units.mean(away > params.tolerance * wide + rounding))
    return Measurement(
        estimate=census(share, found.n),
        formula=formula,
        summary=(
            f"the attributions of {frequency(share)} rows do not add up to what the model says "
            f"when asked again; the largest difference is {number(float(away.max()))}"
        ),
        n=found.n,
        part_names=("all rows",),
        notes=explain_notes(found),
    )
