"""How many features carry four fifths of the attribution.

## Question
Can anybody hold in mind what the model goes by?

## How it is measured
Each row's output is attributed to the model's own columns by Shapley values. Features are ordered
by their mean |attribution|; the value is how many of the largest it takes to carry `share` (default
0.80) of the sum. The interval is that of a bootstrap over
rows, or over people where they have several.

## When it misleads
- Noise has a size, too, so features without effect seem to carry a little: with few rows and many
  features the count is too high rather than too low.
- Few features are not the right features, and a group of columns under `players` counts as one.

## What to do
Leave out features that carry nothing and train again; what cannot be explained in a few words
needs a better reason than habit.

## If left out
A model could spread its answers over so many features that no person can check any of them.

## Sources
- Bhatt, Weller, Moura, "Evaluating and aggregating feature-based model explanations", 2020
  (complexity). No authority sets a number.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.checks.attributed import (
    ExplainParams,
    NoAttributions,
    attributions,
    explain_notes,
    share_bars,
)
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import generator
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.parts import BootstrapPart
from pytest_aipm.stats.single import from_part

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")

DRAWS = 1000


class Params(ExplainParams):
    """How much they must carry."""

    share: float = Field(default=0.8, gt=0, lt=1)
    """Share of all attribution."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(
        id="parsimony",
        numerator=f"features that carry {params.share:g} of all attribution",
        denominator="",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        found = attributions(evidence, params)
    except NoAttributions as over:
        return over.measurement.with_(formula=formula)
    notes, sizes = explain_notes(found), found.sample.units.sums(np.abs(found.fit.row))
    nothing = Measurement(estimate=None, formula=formula, summary="", n=found.n, notes=notes)
    if float(found.sizes.middle.sum()) <= 0:
        why = "the model says the same of every row, so there is nothing to attribute"
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    needed = int(_needed(found.sizes.middle[None], params.share)[0])
    rng = generator(evidence.seed, "parsimony")
    people = len(sizes)
    counts = rng.multinomial(people, np.full(people, 1 / people), size=DRAWS)
    draws = _needed(counts @ sizes, params.share).astype(float)
    part = BootstrapPart(
        float(needed), draws, found.sizes.size, support=(1.0, float(sizes.shape[1]))
    )
    largest = np.argsort(-found.sizes.middle, kind="stable")[: min(needed, 5)]
    more = ", ..." if needed > 5 else ""
    named = ", ".join(found.players.names[i] for i in largest) + more
    bars = share_bars(found, params.confidence)
    return nothing.with_(
        estimate=from_part(part, params.confidence),
        summary=(
            f"{needed} of {len(found.players)} features carry {params.share:.0%} of all "
            f"attribution: {named}"
        ),
        part_names=("all rows",),
        series=() if bars is None else (bars,),
    )


def _needed(sizes: np.ndarray, share: float) -> np.ndarray:
    """Return how many of the largest make up a share, for each row of sizes."""
    ordered = -np.sort(-sizes, axis=1)
    reached = np.cumsum(ordered, axis=1) >= share * sizes.sum(axis=1, keepdims=True) * (1 - 1e-12)
    found: np.ndarray = np.argmax(reached, axis=1) + 1
    return found
