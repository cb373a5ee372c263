"""How well training and evaluation rows are told apart without the model.

## Question
Do the training rows and the evaluation rows come from the same source?

## How it is measured
A classifier that never sees the audited model learns from one half of the training and evaluation
rows (their columns and what is true of them) which side a row is from, and is tested on the other
half. The value is its area under the ROC curve; 0.5 is a coin toss. Evaluation rows that are also
training rows are left out first. The interval is a logit interval with the DeLong variance and a
floor. Where the area is shown to lie above 0.55, `privacy.membership_inference` is inconclusive.

## When it misleads
- A difference in how labels are wrong, or one that the classifier does not learn, is not found.
- A difference need not touch the model's errors: it makes memory unmeasurable, not the model bad.

## What to do
Draw the evaluation rows at random from the same rows as the training rows, before the model is
fitted. Rows of a later year or another place are another question, and need evaluation rows of
their own.

## If left out
A shift between the two could pass for memory of the model, or hide it, and nobody would know.

## Sources
- Das, Zhang, Tramèr, "Blind baselines beat membership inference attacks for foundation models",
  2024.
- 0.55 is a policy choice.
"""

from __future__ import annotations

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.privacy._premise import left_out
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import blind_of, signals_of
from pytest_aipm.evidence.difficulty import LEAST
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.single import from_part

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("auc",)
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max_auc": 0.55}
BASIS = "policy choice; no authority sets a number"


class Params(CheckParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    fit = signals_of(evidence).fit
    part = blind_of(evidence)
    formula = Formula(
        id="blind_auc",
        numerator="pairs in which the training row looks more like one, without the model",
        denominator="pairs of a training row and another row",
        population=f"{len(fit.members):,} training rows, {len(fit.others):,} others",
    )
    rows = len(fit.members) + len(fit.others)
    if part is None:
        why = f"a classifier needs {LEAST} rows of each side and a column to learn from"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=rows,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    return Measurement(
        estimate=from_part(part, confidence=params.confidence),
        formula=formula,
        summary=(
            "a classifier without the model tells a training row from an evaluation row in "
            f"{round(100 * part.value)} of 100 pairs: AUC {number(part.value)}"
        ),
        n=rows,
        part_names=("all rows",),
        notes=left_out(fit),
    )
