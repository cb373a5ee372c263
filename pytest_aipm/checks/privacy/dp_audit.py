"""The differential privacy that one run of the training refutes.

## Question
Does the training keep the privacy that it claims?

## How it is measured
Runs under `--aipm-deep` alone. Each training row is in or out by the toss of a coin, the model's
recipe is fitted once on those that are in, and the `guesses` share of rows (1 %, fixed before
anything is seen) that is fitted worst is guessed to be out. The value is the logit of the share
guessed rightly. If the training were (epsilon, delta)-differentially private, so many right guesses
would be unlikely; the lower end is the largest epsilon that they refute at the confidence, for the
`delta` of the claim. The upper end says how far this attack may reach (Clopper and Pearson's, of
the share). The claim is the limit: `limit: {max: 1.0}`. Rows that others equal are left aside.

## When it misleads
- It is a lower bound of one attack: within the claim means no evidence against it, never a proof.
- So many guesses can show so much and no more, as the note says. Where nearly all of them are right
  and the claim is beyond that, the verdict is inconclusive; more guesses or rows may tell.
- It tests the recipe as `fit` repeats it, on half of the rows. Noise that is added elsewhere is not
  repeated.

## What to do
Look for what the accounting left out: choices made with the data, early stopping, a seed that was
picked. Until then do not repeat the claim.

## If left out
A guarantee could be promised that the training does not keep.

## Sources
- Steinke, Nasr, Jagielski, "Privacy auditing with one (1) training run", 2023.
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import signals_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.refit import one_run
from pytest_aipm.records import Formula
from pytest_aipm.stats.exposure import exposure
from pytest_aipm.stats.one_run import HIGHEST, Coins, epsilon_of

NEEDS = Needs(label=True, model=True, train=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
RANGE = (0.0, HIGHEST)
TASKS = ("binary", "multiclass", "regression")
DEEP = True


class Params(CheckParams):
    """What is claimed beside epsilon, and how many guesses are made."""

    delta: float = Field(default=0.0, ge=0, lt=1)
    """The delta of the claim."""
    guesses: float = Field(default=0.01, gt=0, le=0.5)
    """Share of the rows that are guessed to be out."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    run = one_run(evidence, signals_of(evidence).fit, params.guesses)
    alpha = 1 - params.confidence
    coins = Coins(run.rows, run.guesses, run.right, params.delta, "guesses of who was left out")
    shown = coins.bound(alpha)[0]
    most = epsilon_of(run.rows, run.guesses, run.guesses, params.delta, alpha)
    return Measurement(
        estimate=exposure([coins], params.confidence),
        formula=Formula(
            id="one_run_epsilon",
            numerator="logarithm of the right guesses",
            denominator="wrong guesses",
            population=f"{run.rows:,} rows, in or out by a coin each",
        ),
        method="one run; Clopper and Pearson above",
        summary=(
            f"{run.right:,} of {run.guesses:,} guesses of who was left out are right, which shows "
            f"an epsilon of at least {number(shown)}"
        ),
        n=run.rows,
        part_names=("all rows",),
        notes=(
            f"the most that {run.guesses:,} guesses can show is an epsilon of {number(most)}",
            "within the claim means no evidence against it",
        ),
    )
