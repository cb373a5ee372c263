"""Largest change of a feature's share of attribution against an earlier model.

## Question
Does the new model reach its answers by the same features as the approved one?

## How it is measured
The outputs of both models on the same rows are attributed to the same columns, against the same
background and in the same random orders, so that they differ by the models alone. A feature's
share is its mean |attribution| divided by the sum over all features. The value is the largest
absolute change of any feature's share. Ends come from how each row and background row moves the
difference (delta method, t); a breach is corrected for the number of features (Sidak).

The earlier model is `subject.champion`. Without one, `approved` can list the shares that were
approved, `{income: 0.41, debt: 0.37}`; they are then taken as exact.

## When it misleads
- Honest retrains move shares, too: most by about 0.03 where it was tried. Set the limit by
  retrains of your own, or use `gate: no-worse` with measured ones.
- Two correlated features can trade places without any change of what is decided; declare them as
  one under `players`.
- Ranks of features hardly move even where a protected attribute doubles its share, so they are
  not judged.

## What to do
Look at the bars: find what changed in the data or the code of the feature that moved most.

## If left out
A retrained model could have come to rely on something that nobody approved.

## Sources
- Attribution drift as monitored by several vendors; shares and paired draws instead of ranks.
- Miller, "The jackknife, a review", 1974 (delta method). The 0.05 is a convention.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.checks.attributed import ExplainParams, explain_notes, refuse_unknown, spent
from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.classes import of_one
from pytest_aipm.checks.words import number
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained, explained
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.stats.effects import EffectPart, shares
from pytest_aipm.stats.floors import floor

NEEDS = Needs(predictions=True, model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression")
DEFAULT_LIMIT = {"max": 0.05}
BASIS = "convention of the field, not law"

MOST_BARS = 20


class Params(ExplainParams):
    """What was approved, where no earlier model is there."""

    approved: dict[str, float] = Field(default_factory=dict)
    """Share of attribution of each feature or player as approved."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    evidence = of_one(evidence, params)
    formula = Formula(
        id="attribution_drift",
        numerator="largest change of a feature's share of mean |attribution|",
        denominator="mean |attribution| on all inputs",
        positive=evidence.subject.names["positive"],
        population=f"seeded sample of at most {params.rows:,} rows",
    )
    nothing = Measurement(estimate=None, formula=formula, summary="", n=0)
    if evidence.champion is None and not params.approved:
        why = (
            "there is no earlier model to compare with: name it under `subject.champion`, or the "
            "approved shares under `approved`"
        )
        return nothing.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    now, then = _both(evidence, params)
    for each in (now, then):
        if isinstance(each, BudgetSpent):
            return spent(params, each)
    assert isinstance(now, Explained)  # noqa: S101 - just looked at
    silent = (
        "new"
        if _silent(now)
        else "earlier"
        if isinstance(then, Explained) and _silent(then)
        else ""
    )
    if silent:
        why = f"the {silent} model says the same of every row, so no share can be compared"
        return nothing.with_(summary=why, n=now.n, not_judged=(Because.NO_EVIDENCE, why))
    names = now.players.names
    new = shares(now.sizes)
    if isinstance(then, Explained):
        old = shares(then.sizes)
        before = old.value
        moved = (new.by_row - old.by_row, new.by_background - old.by_background)
    else:
        before = _approved(params, names)
        moved = (new.by_row, new.by_background)
    change = new.value - before
    errors = np.sqrt(sum(each.var(axis=0, ddof=1) / len(each) for each in moved))
    size = now.sizes.size
    freedom = min(size, float(len(moved[1]))) - 1
    parts = [
        EffectPart(abs(d), abs(d), e, e, size, freedom, (0.0, 1.0))
        for d, e in zip(change.tolist(), errors.tolist(), strict=True)
    ]
    estimate = floor(parts, params.confidence, worst="max")
    worst = estimate.pair[0] if estimate.pair else 0
    return nothing.with_(
        estimate=estimate,
        summary=(
            f"{names[worst]} moved from {number(float(before[worst]))} to "
            f"{number(float(new.value[worst]))} of all attribution, the largest change of any "
            "feature"
        ),
        n=now.n,
        part_names=names if len(names) > 1 else ("all rows",),
        notes=explain_notes(now),
        series=_bars(now, before, new.value, change, errors * 2),
    )


def _silent(found: Explained) -> bool:
    return float(found.sizes.middle.sum()) <= 0


def _both(
    evidence: Evidence, params: Params
) -> tuple[Explained | BudgetSpent, Explained | BudgetSpent | None]:
    """Return the attributions of both models on the same rows and columns."""
    earlier = evidence.champion if not params.approved else None
    also = () if earlier is None or earlier.features is None else earlier.features
    found = [
        explained(
            evidence,
            rows=params.rows,
            background=params.background,
            walks=params.walks,
            output=params.output,
            players=params.players,
            budget_s=params.budget_s,
            model=model,
            also=also,
        )
        for model in ((None,) if earlier is None else (None, earlier))
    ]
    return found[0], found[1] if earlier is not None else None


def _approved(params: Params, names: tuple[str, ...]) -> np.ndarray:
    refuse_unknown(params.approved, "approved", names)
    total = sum(params.approved.values())
    if not 0.98 <= total <= 1.02 or min(params.approved.values()) < 0:
        what = f"the approved shares add up to {number(total)}, not to 1"
        raise CheckError(Problem(what, "list the share of every feature"))
    return np.array([params.approved.get(name, 0.0) for name in names])


def _bars(
    now: Explained, before: np.ndarray, after: np.ndarray, change: np.ndarray, reach: np.ndarray
) -> tuple[Series, ...]:
    """Return the changes, and the shares before and after, of the features that moved most."""
    order = np.argsort(-np.abs(change), kind="stable")[:MOST_BARS]
    names = tuple(now.players.names[i] for i in order)
    people = (now.n,) * len(order)
    moved = Series(
        name="change of the share of attribution",
        kind="bars",
        x=names,
        y=tuple(float(change[i]) for i in order),
        lo=tuple(float(change[i] - reach[i]) for i in order),
        hi=tuple(float(change[i] + reach[i]) for i in order),
        x_label="feature",
        y_label="change of share",
        counts=people,
    )
    pair = tuple(
        Series(
            name=name,
            kind="strip",
            x=names,
            y=tuple(float(values[i]) for i in order),
            x_label="feature",
            y_label="share of attribution",
        )
        for name, values in (("approved", before), ("now", after))
    )
    return (moved, *pair)
