"""Share of rows whose attributions change much when their numbers change a little.

## Question
Would nearly the same person be given nearly the same explanation?

## How it is measured
The numbers of each row are moved by normal noise of `spread` standard deviations of their column.
Row and moved row are attributed against the same background and in the same random orders, so that
the difference is not that of two draws. A row counts when the length of the difference of its
attributions is more than `change` of the length of its own, or of that of the median row where its
own is shorter. The value is the share of rows that count, with Clopper-Pearson ends at the
effective number of rows (a jackknife over twenty parts of them: the rows also give the standard
deviations and the median length that they are measured by).

## When it misleads
- A model that must turn sharply somewhere, at a legal age say, is unstable there and rightly so.
- Numbers are moved one by one, so a moved row may not exist.
- How far is a little depends on the data: set the limit by the model in use.

## What to do
Regularise the model, or bin what it reads too finely.

## If left out
Two people alike in all that counts could be told opposite reasons.

## Sources
- Alvarez-Melis, Jaakkola, "On the robustness of interpretability methods", 2018.
- Yeh, Hsieh, Suggala, Inouye, Ravikumar, "On the (in)fidelity and sensitivity of explanations",
  2019 (sensitivity). No authority sets a number.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    attributions,
    explain_notes,
    spent,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.effective import rows_counted
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.shaken import shaken
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.effective import jackknifed_size
from pytest_aipm.stats.single import rate

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")


class Params(ExplainParams):
    """How far rows are moved, and what is much."""

    spread: float = Field(default=0.05, gt=0, le=1)
    """Noise, in standard deviations of each column."""
    change: float = Field(default=0.5, gt=0)
    """A larger relative change of a row's attributions counts."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(
        id="stability",
        numerator=f"rows whose attributions change by more than {params.change:g} of their length",
        denominator="rows explained",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        found = attributions(evidence, params)
        moved = shaken(
            evidence, found, spread=params.spread, walks=params.walks, budget_s=params.budget_s
        )
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    except BudgetSpent as over:
        return spent(params, over).with_(formula=formula)
    nothing = Measurement(
        estimate=None, formula=formula, summary="", n=found.n, notes=explain_notes(found)
    )
    if moved is None:
        why = "the model is given no number that could be moved, or says the same of every row"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    much = moved.relative > params.change
    counted = rows_counted(
        np.zeros(found.n, dtype=np.int64), much, 1, found.sample.design, params.confidence
    )
    value = float(counted.x[0] / counted.n[0])
    without = moved.shares(params.change, found.sample.units.weight)
    rows = jackknifed_size(value, float(counted.n[0]), without, 1 - params.confidence)
    return nothing.with_(
        estimate=rate(value * rows, rows, params.confidence),
        summary=(
            f"the attributions of {frequency(value)} rows change by more than "
            f"{number(params.change)} of their length when numbers move by {params.spread:g} "
            "standard deviations"
        ),
        part_names=("all rows",),
    )
