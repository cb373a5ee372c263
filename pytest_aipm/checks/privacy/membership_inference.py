"""How well an attacker tells training rows from others by how well the model fits them.

## Question
Does the model give away who was in its training data?

## How it is measured
Evaluation rows that are also training rows are left out first; where columns are so coarse that
people share all values, so is every other row that another one equals. Then two scores are attacked
with: the model's loss on a row, and how much better the row is fitted than rows like it (a
regression of the fit on the row's columns, learned from evaluation rows alone, each row predicted
by one that did not see it). The loss is the log loss of the true class, of two or of many, the
absolute error for numbers, or plain right and wrong where the model gives no scores. Of each score
three things are looked at: the area under the ROC curve (0.5 is a coin toss), how much more often
training rows than others are among the best fitted (where 1 % of the others are), and how much more
often others than training rows are in the tail of the 5 % of training rows that are fitted worst.
Where the model says the same of so many rows that these points lie among ties, those beyond the
ties are looked at as well: they can break the limit, and are too few to show that it holds. All are
put on one scale, the implied epsilon: the logit of an area, the logarithm of a ratio. The
lower end of the interval is the largest of their lower bounds, each corrected for their number; the
upper end the largest upper bound. `limit: {max_auc: ...}` judges the areas alone. Where training
and evaluation rows can be told apart without the model, nothing can be said of its memory, and the
verdict is inconclusive.

## When it misleads
- Within the limit means no evidence of a leak by these attacks; others, with more models to compare
  with, find more.
- A shift between training and evaluation rows that the test of `privacy.exchangeability` does not
  see looks like memory, or hides it.
- Evaluation rows that are near copies of training rows hide memory: only equal ones are left out
  first, see `privacy.train_test_overlap`.
- The implied epsilon is a scale, no guarantee of differential privacy.
- Nearest neighbours show little here and hold every row: see `privacy.stored_rows`.

## What to do
Regularise: fewer or shallower trees, larger leaves, more rows, earlier stopping. Then look at the
gap between training and evaluation performance; the two move together.

## If left out
Somebody outside could find out who was in the training data.

## Sources
- Yeom, Giacomelli, Fredrikson, Jha, "Privacy risk in machine learning", 2018.
- Carlini et al., "Membership inference attacks from first principles", 2022, on the head; Dodd et
  al., "The tail tells all", 2025, on the tail.
- No authority sets a limit; 1.0 (0.405 is an area of 0.60) is a policy choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.privacy._premise import left_out, premise, value_range
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import HEAD, Signals, attacks_on, blind_of, signals_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.train import Fit, fitting
from pytest_aipm.evidence.wishes import Sample, Wish
from pytest_aipm.records import Formula, Series
from pytest_aipm.stats.attacks import MOST
from pytest_aipm.stats.exposure import Exposure, exposure
from pytest_aipm.stats.parts import AucPart

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("", "auc")
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 1.0}
BASIS = "policy choice; no authority sets a number"

_CURVE = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])


class Params(CheckParams):
    """No parameters of its own."""


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any] | Sample]:
    """Yield what it is going to ask of all rows."""
    del params
    yield from fitting(evidence)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    signals = signals_of(evidence)
    fit = signals.fit
    found = exposure(attacks_on(signals.scores, params.unit, evidence.seed), params.confidence)
    blind = blind_of(evidence)
    estimate, apart = premise(found, blind, params.confidence, value_range(params))
    return Measurement(
        estimate=estimate,
        formula=Formula(
            id="membership_auc" if params.unit == "auc" else "membership_epsilon",
            numerator=(
                "pairs in which the training row looks more like one"
                if params.unit == "auc"
                else "largest logit of an area, or logarithm of a ratio of rates"
            ),
            denominator=("pairs of a training row and another row" if params.unit == "auc" else ""),
            population=f"{len(fit.members):,} training rows, {len(fit.others):,} others",
        ),
        summary=_summary(found, params.unit) + apart,
        n=len(fit.members) + len(fit.others),
        part_names=("all rows",),
        series=(_roc(fit),),
        notes=_notes(signals, found, blind),
    )


def _summary(found: Exposure, unit: str) -> str:
    name = found.strongest.name
    if unit == "auc":
        return (
            f"an attacker who guesses by {name.rpartition(', ')[0]} tells a training row from "
            f"another in {round(100 * found.value)} of 100 pairs: AUC {number(found.value)}"
        )
    return f"the strongest attack is by {name}: implied epsilon {number(found.value)}"


def _notes(signals: Signals, found: Exposure, blind: AucPart | None) -> tuple[str, ...]:
    said = list(left_out(signals.fit))
    for each in found.source:
        lower, upper = each.bound(1 - found.confidence)
        high = number(upper) if upper < MOST else "any"
        said.append(f"{each.name}: {number(each.value)} ({number(lower)} to {high})")
    if len(signals.scores) == 1:
        said.append("too few evaluation rows to learn how hard a row is: the loss alone was tried")
    if blind is None:
        said.append(
            "too few rows to test whether training and evaluation rows are told apart without the "
            "model"
        )
    return tuple(said)


def _roc(fit: Fit) -> Series:
    """Return what share of members is found when at most so many others are wrongly named."""
    others = np.append(np.sort(fit.others), np.inf)
    cuts = others[np.floor(_CURVE * len(fit.others) + 1e-9).astype(int)]
    return Series(
        name="share of training rows found by the loss",
        kind="roc",
        x=tuple(_CURVE.tolist()),
        y=tuple(float(np.mean(fit.members < cut)) for cut in cuts),
        x_label="share of others wrongly named, at most",
        y_label="share of training rows found",
        mark=HEAD,
    )
