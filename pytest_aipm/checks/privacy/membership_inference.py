"""How well an attacker tells training rows from others by how well the model fits them.

## Question
Does the model give away who was in its training data?

## How it is measured
The model's loss on training rows is compared with its loss on evaluation rows it never saw
(evaluation rows that are also training rows are left out first). The value is the AUC of the loss
attack: the chance that a random training row is fitted better than a random other row; 0.5 is a
coin toss, 1 gives everyone away. The loss is the log loss of the true class, the absolute error
for numbers, or plain right and wrong where the model gives no scores. The interval is a logit
interval with the DeLong variance and a floor.

## When it misleads
- It is the simplest attack: a pass is no proof that no stronger attack works.
- It assumes that training and evaluation rows come from the same source. A shift between them
  looks like memory, or hides it.
- The AUC speaks of the average person; a few may be far more exposed.

## What to do
Regularise: fewer or shallower trees, larger leaves, more rows, earlier stopping. Then look at the
gap between training and evaluation performance; the two move together.

## If left out
Somebody outside could find out who was in the training data.

## Sources
- Yeom, Giacomelli, Fredrikson, Jha, "Privacy risk in machine learning", 2018.
- Carlini et al., "Membership inference attacks from first principles", 2022.
- No authority sets a limit; 0.60 is a policy choice.
"""

from __future__ import annotations

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.train import Fit, fit_of
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.parts import AucPart
from pytest_aipm.stats.single import from_part

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("auc",)
RANGE = (0.0, 1.0)
TASKS = ("binary", "regression")
DEFAULT_LIMIT = {"max_auc": 0.60}
BASIS = "policy choice; no authority sets a number"

_CURVE = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
OPERATING = 0.01
"""Where an attack is judged that must not cry wolf: one other row in a hundred wrongly named."""


class Params(CheckParams):
    """No parameters of its own."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    fit = fit_of(evidence)
    if not len(fit.others):
        return _nothing(fit)
    part = AucPart.from_scores(-fit.members, -fit.others)
    estimate = from_part(part, confidence=params.confidence)
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id="loss_attack_auc",
            numerator=f"pairs in which the training row has the smaller {fit.loss}",
            denominator="pairs of a training row and another row",
            population=f"{len(fit.members):,} training rows, {len(fit.others):,} others",
        ),
        summary=(
            f"an attacker who guesses by the {fit.loss} tells a training row from another in "
            f"{round(100 * part.value)} of 100 pairs: AUC {number(part.value)}"
        ),
        n=len(fit.members) + len(fit.others),
        part_names=("all rows",),
        series=(_roc(fit),),
        notes=_notes(fit),
    )


def _nothing(fit: Fit) -> Measurement:
    why = "every evaluation row is also a training row, so nothing is left to compare with"
    return Measurement(
        estimate=None,
        formula=Formula(id="loss_attack_auc"),
        summary=why,
        n=len(fit.members),
        notes=_notes(fit),
        not_judged=(Because.NO_EVIDENCE, why),
    )


def _notes(fit: Fit) -> tuple[str, ...]:
    if not fit.dropped:
        return ()
    return (f"{fit.dropped:,} evaluation rows that are also training rows were left out first",)


def _roc(fit: Fit) -> Series:
    """Return what share of members is found when at most so many others are wrongly named."""
    others = np.append(np.sort(fit.others), np.inf)
    cuts = others[np.floor(_CURVE * len(fit.others) + 1e-9).astype(int)]
    return Series(
        name="share of training rows found",
        kind="roc",
        x=tuple(_CURVE.tolist()),
        y=tuple(float(np.mean(fit.members < cut)) for cut in cuts),
        x_label="share of others wrongly named, at most",
        y_label="share of training rows found",
        mark=OPERATING,
    )
