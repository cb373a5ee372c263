"""What a metric loses when the values of named columns are dealt to other rows.

## Question
Does the model need these columns, or does it get by without them?

## How it is measured
The columns under `of` take, together, the values of another row, and the metric is measured again
on the same rows; the value is how much worse it is, averaged over `repeats` random rings of rows
in which nobody keeps their own values. Accuracy and ROC AUC count their loss; log loss, the Brier
score, the absolute and the squared error their rise. 0 means that the columns do not matter for
the metric. Rows are compared with themselves, so the interval is that of the difference; it heeds
that each row also lends its values to others. Its ends are Hall's: t with the skewness taken out.

With sampling weights a row counts, and lends its values, as often as it stands for people. Where
people have several rows nobody is lent their own, and all rows of a person are one.

A `min` is a floor (the columns must matter), a `max` a ceiling (they must not).

## When it misleads
- What two correlated columns tell together is missed when only one of them is dealt anew: name
  both under `of`.
- It speaks of the metric on these rows; attribution speaks of the output, right or wrong.
- Dealing columns apart makes rows that do not exist.

## What to do
Where a column must not matter and does, remove it; where it must and does not, look at how it is
coded.

## If left out
A column with no right to matter could hold up the metric, or a costly one do nothing for it.

## Sources
- Breiman, "Random forests", 2001; Fisher, Rudin, Dominici, "All models are wrong, but many are
  useful", 2019 (model reliance).
- Fafchamps, Gubert, Journal of Development Economics 2007 (errors of pairs); Helmers, Annals of
  Statistics 1991, and Hall, JRSS B 1992 (skewness).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import noise_notes, out_of_time
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import OneClassParams, of_one
from pytest_aipm.checks.effective import design_note
from pytest_aipm.checks.words import number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.permuted import METRICS, permuted
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import from_part

NEEDS = Needs(predictions=True, label=True, model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
TASKS = ("binary", "multiclass", "regression")


class Params(OneClassParams):
    """Which columns, and on which metric; of several classes it is that of one, but accuracy."""

    of: tuple[str, ...] = Field(min_length=1)
    """Columns that are dealt to other rows, together."""
    metric: Literal["accuracy", "roc_auc", "log_loss", "brier", "mae", "mse"] = "accuracy"
    """What gets worse; `mae` and `mse` for a regression."""
    rows: int = Field(default=2000, ge=2)
    """Most rows, chosen by the seed."""
    repeats: int = Field(default=5, ge=1, le=100)
    """How often values are dealt."""
    budget_s: float | None = Field(default=120.0, gt=0)
    """Seconds it may take; beyond it the finding is inconclusive."""

    def unfit(self, task: str, *, favorable: bool) -> tuple[str, str] | None:
        """Return why there is no one class to speak of; accuracy needs none."""
        named = favorable or self.metric == "accuracy"
        return super().unfit(task, favorable=named)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    task = evidence.subject.task
    kind = "regression" if task == "regression" else "binary"
    if METRICS[params.metric] != kind:
        fit = ", ".join(name for name, own in METRICS.items() if own == kind)
        what = f"`metric: {params.metric}` does not fit the task {task}"
        raise CheckError(Problem(what, f"use one of {fit}"))
    whose = " and ".join(params.of)
    formula = Formula(
        id=f"importance_{params.metric}",
        numerator=f"{params.metric} as it is, less that with {whose} dealt to other rows",
        denominator=f"{params.repeats} repeats",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    try:
        found = permuted(
            evidence,
            params.of,
            metric=params.metric,
            each_class=task == "multiclass" and params.class_ is None,
            rows=params.rows,
            repeats=params.repeats,
            budget_s=params.budget_s,
        )
    except BudgetSpent:
        return out_of_time(params.budget_s, formula)
    return Measurement(
        estimate=from_part(found.part, params.confidence),
        formula=formula,
        summary=(
            f"{params.metric} of {number(found.whole)} gets {number(found.part.value)} worse when "
            f"{whose} is dealt to other rows"
        ),
        n=found.n,
        part_names=("all rows",),
        notes=(
            f"measured on {found.n:,} of {found.total:,} rows, each compared with itself",
            *design_note(evidence.subject, [found.n], [found.size]),
            *noise_notes(evidence, found.noise),
        ),
        harm="down",
    )
