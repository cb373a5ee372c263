"""How well an attacker tells training rows from others who can train models like it.

## Question
Does the model give away who was in its training data to one who has rows and a computer?

## How it is measured
Runs under `--aipm-deep` alone: the model's recipe is fitted `refits` times (4), each on a random
half of the training and evaluation rows. A row's score is how much better the audited model fits it
than those models do: the logarithm of the ratio of the probabilities of the true class, averaged
over refits that saw the row and those that did not (RMIA); other losses are subtracted. Rows, units
and bounds are those of `privacy.membership_inference`: the area under the ROC curve, the best and
the worst fitted, as implied epsilon, corrected for their number; `max_auc` judges the area alone.

## When it misleads
- More refits find more; four find most of what sixteen do on average, less of the most exposed few.
- A recipe that is more than `fit` (features made before, early stopping by hand) is not repeated.
- The same shifts mislead as in `privacy.membership_inference`; where they are seen, the verdict is
  inconclusive.

## What to do
As for `privacy.membership_inference`: regularise, or train with differential privacy.

## If left out
The attacks without refits miss much of what a determined attacker finds.

## Sources
- Zarifzadeh, Liu, Shokri, "Low-cost high-power membership inference attacks", 2024.
- No authority sets a limit; 1.0 (0.405 is an area of 0.60) is a policy choice.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.privacy._premise import left_out, premise, value_range
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import Score, attacks_on, blind_of, signals_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.refit import reference_scores
from pytest_aipm.records import Formula
from pytest_aipm.stats.exposure import exposure

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("", "auc")
TASKS = ("binary", "multiclass", "regression")
DEEP = True
DEFAULT_LIMIT = {"max": 1.0}
BASIS = "policy choice; no authority sets a number"


class Params(CheckParams):
    """How many models are trained."""

    refits: int = Field(default=4, ge=2, le=256)
    """How often the recipe is fitted anew."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    fit = signals_of(evidence).fit
    members, others, rows = reference_scores(evidence, fit, params.refits)
    score = Score(f"{params.refits} refits", members, others)
    found = exposure(attacks_on((score,), params.unit, evidence.seed), params.confidence)
    estimate, apart = premise(found, blind_of(evidence), params.confidence, value_range(params))
    unit = "AUC" if params.unit == "auc" else "implied epsilon"
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id=f"membership_refits_{params.unit or 'epsilon'}",
            numerator="pairs in which the training row is fitted better than refits fit it",
            denominator="pairs of a training row and another row",
            population=f"{len(members):,} training rows, {len(others):,} others",
        ),
        summary=(
            f"the strongest attack is by {found.strongest.name}: {unit} {number(found.value)}"
            f"{apart}"
        ),
        n=len(members) + len(others),
        part_names=("all rows",),
        notes=(*left_out(fit), f"fitted anew {params.refits} times, each on {rows:,} rows"),
    )
