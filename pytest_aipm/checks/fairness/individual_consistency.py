"""Share of the nearest neighbours that get the same decision as the person itself.

## Question
Are people who are alike decided alike?

## How it is measured
For every row its k nearest neighbours are found, itself left out, and the value is

    consistency = 1 - mean |y_i - mean of y over the k nearest|

with y 1 for the favorable decision and 0 else: the share of neighbours decided as the row is, 1 at
best, so the limit is a `min`. Distance is Euclidean over the model's inputs without protected
attributes, or over `columns`: numbers in standard deviations, two different categories 1 apart,
missing values a category of their own. Rows at the distance of the k-th share the places left.

Each group has its own value (neighbours come from all groups) and the worst decides, a breach
corrected for the number of groups (Sidak); without groups all rows are one. The interval treats
the value as a rate of as many independent rows as its jackknife variance is worth (Korn,
Graubard); rows share neighbours, so these are fewer than there are. It speaks of another sample of
as many rows: with more rows neighbours lie nearer, and consistency rises. At most `rows` rows are
compared, chosen by the seed: n x n distances, about 1 second for 5,000 rows of 10 columns, 16
times that for 20,000, however many rows the data has.

## When it misleads
- It is only as good as the distance. Name the `columns` that ought to matter; a proxy among them
  makes people unlike who are not.
- A decision by a threshold always splits some neighbours. Compare with the model's own baseline,
  not with 1.
- A model that decides everyone alike is perfectly consistent.
- Where one decision is rare, consistency is high whatever the model does.

## What to do
Look at pairs of neighbours decided otherwise: which feature sets them apart, and may it? A model
that is smoother (fewer splits, more regularisation) is more consistent.

## If left out
People who are alike in all that counts could be decided differently.

## Sources
- Zemel, Wu, Swersky, Pitassi, Dwork, "Learning fair representations", 2013 (consistency).
- Efron, Stein, Annals of Statistics 1981; Korn, Graubard, Survey Methodology 1998 (interval).
"""

from __future__ import annotations

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import unknown_breach, without_groups
from pytest_aipm.checks.metrics import Measured
from pytest_aipm.checks.words import frequency, number
from pytest_aipm.checks.worst import worst_group
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.neighbours import Points, points_of
from pytest_aipm.records import Because, Formula
from pytest_aipm.stats.consistency import ConsistencyPart, consistency

NEEDS = Needs(predictions=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
RANGE = (0.0, 1.0)


class Params(CheckParams):
    """How many neighbours, by what, and of how many rows."""

    k: int = Field(default=5, ge=1, le=100)
    """Neighbours of each row."""
    columns: tuple[str, ...] = ()
    """What makes people alike; default the model's inputs without protected attributes."""
    rows: int = Field(default=5000, ge=1, le=20_000)
    """Most rows to compare; fewer are used whole."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    nobody = without_groups(evidence, params, "consistency")
    if nobody is not None:
        return nobody
    counts = evidence.counts(params.by, params.unknown)
    names = counts.grouping.names
    points = points_of(evidence, counts.grouping, columns=params.columns, rows=params.rows)
    breach = unknown_breach(params, counts.unknown, counts.n) if params.by else None
    n = len(points.favorable)
    if n < params.k + 2:
        why = f"{n} rows are too few for {params.k} neighbours each: {params.k + 2} are needed"
        return Measurement(
            estimate=None,
            formula=Formula(id="consistency"),
            summary=why,
            n=n,
            not_judged=(Because.NO_EVIDENCE, why),
            breach=breach,
            unknown=counts.unknown,
        )
    found = consistency(points.points, points.favorable, points.group, len(names), params.k)
    measured = Measured(
        grouping=counts.grouping,
        parts=[
            ConsistencyPart.of(value, variance, size, params.k)
            for value, variance, size in zip(found.value, found.variance, found.rows, strict=True)
        ],
        sizes=found.rows.astype(int),
        unknown=int((points.group < 0).sum()),
        better="high",
        name="consistency",
        numerator_words="nearest neighbours decided as the row itself",
        denominator_words=f"{params.k} nearest neighbours of each row",
    )
    worst = worst_group(evidence, params, measured)
    return worst.with_(
        summary=_summary(worst, params),
        notes=_notes(points),
        breach=breach,
        unknown=counts.unknown,
    )


def _summary(worst: Measurement, params: Params) -> str:
    estimate = worst.estimate
    if estimate is None or not estimate.pair:
        return worst.summary
    who = f" of {worst.part_names[estimate.pair[0]]}" if params.by else ""
    return (
        f"of the {params.k} nearest neighbours{who}, {frequency(estimate.value)} are decided "
        f"alike: consistency {number(estimate.value)}"
    )


def _notes(points: Points) -> tuple[str, ...]:
    shown = ", ".join(points.columns[:8]) + (", ..." if len(points.columns) > 8 else "")
    n, rows = len(points.favorable), points.rows
    columns = "1 column" if len(points.columns) == 1 else f"{len(points.columns)} columns"
    notes = [f"alike by {columns}: {shown}"]
    if n < rows:
        notes.append(
            f"compared among {n:,} of {rows:,} rows ({n / rows:.1%}), chosen by the seed: "
            "neighbours lie farther apart in a sample than in all rows"
        )
    return tuple(notes)
