"""What the model gained when its training rows last doubled.

## Question
Would more data still help?

## How it is measured
Runs under `--aipm-deep` alone: the model's recipe is fitted on all training rows (at most `rows`,
20,000) and `repeats` times (5) each on a random eighth, quarter and half of them, 16 fits in all.
All are asked about evaluation rows that are no training rows. The value is the mean loss of the
models from a half less that of the model from all rows: what twice the rows gave. Loss is the
squared error of the probability (Brier), the absolute error of a regression, or errors of a model
without probabilities. `max_share` judges the gain as a share of the loss with a half. The interval
is Student's over repeats and evaluation rows. As a rule each doubling gives less than the one
before, so twice the rows from here would give no more than this; that is the expectation the limit
speaks of. The check is apart from `data.sufficiency`, which needs no refits.

## When it misleads
- It speaks of more rows of the same kind. Better labels, new columns or a missing group may help
  where these rows no longer do.
- A model that is too simple stops learning early: a flat curve can mean a better model is needed.
- A loss over all rows hides a small group that still learns; audit the rows of that group apart.
- Halves are drawn from these training rows, so the interval does not know how lucky they are.
- A recipe that is more than `fit` (features made before, early stopping by hand) is not repeated.

## What to do
Where the curve still falls, weigh the price of more rows against the gain. Where it is flat, save
the collection, and keep fewer data about people.

## If left out
Nobody knows whether more rows are worth collecting, or whether fewer would have done.

## Sources
- Perlich, Provost, Simonoff, "Tree induction vs. logistic regression: a learning-curve analysis",
  JMLR 2003; Viering, Loog, "The shape of learning curves", IEEE TPAMI 2023.
"""

from __future__ import annotations

import math

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.learning import Learning, OutOfTime, learning_curve
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.doubling import last_doubling
from pytest_aipm.stats.single import from_part

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("", "share")
TASKS = ("binary", "multiclass", "regression")
DEEP = True


class Params(CheckParams):
    """How much is fitted."""

    repeats: int = Field(default=5, ge=2, le=100)
    """How often each share of the rows is drawn and fitted."""
    rows: int = Field(default=20_000, ge=64, le=1_000_000)
    """Training rows at most; others are left out at random."""
    budget_s: float | None = Field(default=None, gt=0)
    """Seconds that all fits may take, by the time of the first; beyond it nothing is known."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    formula = Formula(
        id=f"learning_{params.unit or 'gain'}",
        numerator="mean loss with half of the rows, less that with all",
        denominator="mean with half of the rows" if params.unit == "share" else "",
    )
    try:
        found = learning_curve(evidence, params.repeats, params.rows, params.budget_s)
    except OutOfTime:
        why = f"{3 * params.repeats + 1} fits take longer than `budget_s: {params.budget_s:g}`"
        return Measurement(
            estimate=None, formula=formula, summary=why, n=evidence.data.rows, undecided=why
        )
    part = last_doubling(found.half, found.whole, "share" if params.unit == "share" else "gain")
    m = len(found.whole)
    measured = Measurement(
        estimate=None,
        formula=Formula(
            id=formula.id,
            numerator=f"mean {found.loss} with half of the rows, less that with all",
            denominator=formula.denominator,
            population=f"{found.rows[-1]:,} training rows, {m:,} evaluation rows",
        ),
        summary=_summary(found, part.value, params.unit),
        n=m,
        part_names=("all rows",),
        series=(_series(found),),
        notes=_notes(found),
    )
    if not math.isfinite(part.value):
        why = "the model makes no error with half of the rows, so there is nothing to gain"
        return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    return measured.with_(estimate=from_part(part, params.confidence))


def _summary(found: Learning, value: float, unit: str) -> str:
    before, after = found.means[-2:]
    gain = f"{number(100 * value)} %" if unit == "share" else number(value)
    return (
        f"from {found.rows[-2]:,} to {found.rows[-1]:,} training rows the {found.loss} went from "
        f"{number(before)} to {number(after)}: a gain of {gain} from twice the rows"
    )


def _notes(found: Learning) -> tuple[str, ...]:
    points = ", ".join(
        f"{rows:,} rows {number(loss)}" for rows, loss in zip(found.rows, found.means, strict=True)
    )
    said = [f"mean loss by training rows: {points}", f"the recipe was fitted {found.fits} times"]
    earlier, last = found.means[-3] - found.means[-2], found.means[-2] - found.means[-1]
    if earlier > last > 0:
        said.append(
            "if gains keep shrinking as they did, the next doubling gives "
            f"{number(last * last / earlier)}"
        )
    return tuple(said)


def _series(found: Learning) -> Series:
    return Series(
        name="loss by training rows",
        kind="curve",
        x=tuple(float(each) for each in found.rows),
        y=found.means,
        x_label="training rows (log)",
        y_label=f"mean {found.loss.partition(' (')[0]}",
    )
