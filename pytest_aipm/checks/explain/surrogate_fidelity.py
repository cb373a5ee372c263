"""Share of decisions that a small tree, learned from the model, gets the same.

## Question
Is there a short story of what the model does, and how much of it is true?

## How it is measured
A decision tree of at most `depth` questions learns the model's decisions on one half of a sample
and is tried on the other half. The value is the share of those rows that both decide alike, with
Clopper-Pearson ends.

## When it misleads
- Where one decision is rare, a tree that always gives the other agrees often: the notes tell how
  often that alone would.
- A faithful tree explains what the model decides, not why, and another tree may be as faithful.

## What to do
Where fidelity is high, ask whether the small tree would not do instead. Where it is low, do not
explain the model by one.

## If left out
A simple account of the model could be given that does not hold for many people.

## Sources
- Craven, Shavlik, "Extracting tree-structured representations of trained networks", 1995.
- Clopper, Pearson, Biometrika 1934. No authority sets a number.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import noise_notes, out_of_time
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import OneClassParams, of_one
from pytest_aipm.checks.effective import design_note, rows_counted
from pytest_aipm.checks.words import frequency
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.surrogate import surrogate
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import rate

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass")
RANGE = (0.0, 1.0)


class Params(OneClassParams):
    """How small the tree is."""

    depth: int = Field(default=3, ge=1, le=10)
    """Questions on the way to an answer, at most."""
    rows: int = Field(default=5000, ge=4)
    """Most rows, chosen by the seed; half of them teach, half are tried."""
    budget_s: float | None = Field(default=120.0, gt=0)
    """Seconds that it may take; beyond it the finding is inconclusive."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    nothing = Measurement(
        estimate=None,
        formula=Formula(
            id="surrogate_fidelity",
            numerator="rows that the tree and the model decide alike",
            denominator="rows that the tree did not learn from",
            positive=evidence.subject.names["positive"],
            population=f"half of a seeded sample of at most {params.rows:,} rows",
        ),
        summary="",
        n=0,
    )
    try:
        found = surrogate(evidence, depth=params.depth, rows=params.rows, budget_s=params.budget_s)
    except BudgetSpent:
        return out_of_time(params.budget_s, nothing.formula)
    if found is None:
        why = "all rows are decided alike, so there is nothing to imitate"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    counted = rows_counted(
        np.zeros(found.tried, dtype=np.int64), found.alike, 1, found.design, params.confidence
    )
    agreed, rows = float(counted.x[0]), float(counted.n[0])
    share = agreed / rows
    beside = (
        f"always giving the commoner decision agrees on "
        f"{frequency(found.commonest)}; the tree has {found.leaves} leaves and asks "
        f"about {', '.join(found.used[:8]) or 'nothing'}"
    )
    return nothing.with_(
        estimate=rate(agreed, rows, params.confidence),
        summary=(
            f"a tree of at most {params.depth} questions decides {frequency(share)} rows as the "
            "model does"
        ),
        n=found.tried,
        part_names=("all rows",),
        notes=(
            beside,
            *design_note(evidence.subject, [found.tried], [rows]),
            *noise_notes(evidence),
        ),
        harm="down",
    )
