"""What 1,000 decisions are worth, overall and for each group, by a value for each outcome.

## Question
Do the decisions bring more than they cost, for the business and for every group of people?

## How it is measured
`values` says what one decision is worth in each cell of the confusion matrix: `true_positive` and
`false_positive` where the row is decided as the positive class (and is, or is not),
`false_negative` and `true_negative` where it is decided as the other. All four are needed; 0 is a
value. Each is a number or an expression over columns of the data, such as `-0.6 * amount`; names
with blanks or dashes stand in backticks. `currency` names the unit.

The value is the mean over rows, times 1,000, with a Hall-transformed t interval. With `by` it is
that of the group for whom decisions are worth least: a floor that every group must meet, a breach
corrected for the number of groups (Sidak). What a decision is worth to the people decided on is
asked the same way, with their values instead of yours.

Where there are scores, the value at other thresholds is drawn, the one that decides now marked, and
the one that would be worth most is named, with what it brings on rows it was not chosen on: chosen
on one half, tried on the other, twenty times.

## When it misleads
- The values are the policy's: a cost left out (appeals, harm, a lost name) is a cost of 0 here.
- Means with rare, large amounts need many rows: one loan in a thousand may carry the sum.
- The best threshold was found on these rows, which flatters it; and a threshold moves groups, so
  look at the fairness checks before you move it.
- Rows with an outcome only where somebody decided yes know nothing of those who were refused.

## What to do
If the value is below the floor, look at the curve first: another threshold may mend it. If it is
negative everywhere, the values or the model are wrong for this use.

## If left out
A model could be accurate and lose money with every decision, or be paid for by one group.

## Sources
- Elkan, "The foundations of cost-sensitive learning", IJCAI 2001.
- Vickers, Elkin, "Decision curve analysis", Medical Decision Making 2006 (net benefit).
- Hall, Journal of the Royal Statistical Society B 1992.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import population, without_groups
from pytest_aipm.checks.effective import level_of
from pytest_aipm.checks.framing._thresholds import Swept, swept
from pytest_aipm.checks.framing._worth import CELLS, Cells, Worth
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.thresholds import MOST_LINES
from pytest_aipm.checks.weighted import GroupedRows
from pytest_aipm.checks.words import number
from pytest_aipm.checks.worst import worst_group
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupRows
from pytest_aipm.expressions import Expression
from pytest_aipm.records import Formula, Series
from pytest_aipm.stats.effective import mean_part
from pytest_aipm.stats.parts import MeanPart, Part

NEEDS = Needs(predictions=True, label=True, rows=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
WEIGHTED = True
DEFAULT_LIMIT = {"min": 0.0}
BASIS = "convention: decisions that cost more than they bring are no business"
TASKS = ("binary",)

PER = 1000
"""Decisions that the value is of."""


class Params(CheckParams):
    """What a decision is worth."""

    values: Cells
    """What each cell is worth: `true_positive`, `false_positive`, `false_negative`,
    `true_negative`, each a number or an expression over columns."""
    currency: str = Field(default="", max_length=12)
    """Unit of the values, such as EUR."""

    @model_validator(mode="after")
    def _matters(self) -> Self:
        if len(set(self.values.numbers or (0, 1))) == 1:
            raise ValueError("'values' are all the same, so no decision matters; tell them apart")
        return self

    @property
    def expressions(self) -> dict[str, Expression]:
        """Expressions over columns, by key."""
        return {f"values.{cell}": each for cell, each in self.values.expressions.items()}

    def said(self, value: float) -> str:
        """Return an amount with its unit."""
        return f"{number(value)} {self.currency}".rstrip()


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value there can be; infinite where columns decide."""
    known = params.values.numbers
    return (-math.inf, math.inf) if known is None else (PER * min(known), PER * max(known))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    nobody = without_groups(evidence, params, "business_value")
    if nobody is not None:
        return nobody
    rows = evidence.rows(params.by, params.unknown)
    assert rows.label is not None  # noqa: S101 - the check asks for them
    assert rows.predicted is not None  # noqa: S101
    assert rows.place is not None  # noqa: S101
    worth = Worth.of(evidence, params.values, rows.label > 0, rows.predicted > 0, rows.place)
    grouped = GroupedRows(rows)
    measured = _measured(evidence, params, grouped, worth.own)
    found = worst_group(evidence, params, measured)
    sweep = _sweep(evidence, params, grouped, worth)
    return found.with_(
        formula=Formula(
            id="business_value",
            numerator=_spelled(params),
            denominator=f"rows, times {PER:,}",
            positive=evidence.subject.names["positive"],
            population=population(len(rows.group), rows.unknown, grouped=bool(params.by)),
        ),
        summary=_summary(params, found, measured),
        series=(*_steps(params, worth, grouped), *_curves(evidence, params, rows, sweep)),
        notes=(
            *found.notes,
            *_without_model(evidence, params, grouped, worth),
            *_best(params, sweep),
        ),
    )


def _measured(
    evidence: Evidence, params: Params, grouped: GroupedRows, own: np.ndarray
) -> Measured:
    low, high = value_range(params)
    blank = MeanPart(0.0, 0.0, 0.0, 0.0, None, (low, high))
    alpha = level_of(params.confidence, len(grouped.rows.grouping.keys))
    parts: list[Part] = []
    for places, weight, unit in grouped.parts:
        values = PER * own[places]
        if evidence.subject.designed:
            parts.append(mean_part(values, weight, unit, alpha, blank))
        else:
            parts.append(MeanPart.from_values(values, limits=(low, high)))
    designed = evidence.subject.designed
    return Measured(
        grouping=grouped.rows.grouping,
        parts=parts,
        sizes=grouped.sizes,
        unknown=grouped.rows.unknown,
        better="high",
        name="business value",
        weight=grouped.stands if designed else None,
        people=grouped.people if designed else None,
    )


def _spelled(params: Params) -> str:
    """Return what is summed, in words."""
    worth = {cell: getattr(params.values, cell) for cell in CELLS}
    said = (
        f"{each if isinstance(each, str) else f'{each:,.15g}'} for each {cell.replace('_', ' ')}"
        for cell, each in worth.items()
    )
    return f"sum of {', '.join(said)}" + f" ({params.currency})" * bool(params.currency)


def _summary(params: Params, found: Measurement, measured: Measured) -> str:
    estimate = found.estimate
    if estimate is None or not math.isfinite(estimate.value):
        return found.summary
    amount = params.said(estimate.value)
    if params.by and estimate.pair:
        where = measured.grouping.names[estimate.pair[0]]
        return f"{PER:,} decisions are worth least for {where}: {amount}"
    return f"{PER:,} decisions are worth {amount}"


def _steps(params: Params, worth: Worth, grouped: GroupedRows) -> tuple[Series, ...]:
    """Return what each cell adds to the whole, for all rows."""
    if params.by or not len(worth.positive):
        return ()
    own, total = worth.own * grouped.weights, float(grouped.weights.sum())
    inside = [worth.inside(cell) for cell in CELLS]
    steps = [PER * float(own[each].sum()) / total for each in inside]
    return (
        Series(
            name=f"what {PER:,} decisions are worth, by outcome",
            kind="waterfall",
            x=(*(cell.replace("_", " ") for cell in CELLS), "all"),
            y=(*steps, PER * float(own.sum()) / total),
            y_label=params.currency or "value",
            counts=(*(int(each.sum()) for each in inside), len(own)),
        ),
    )


def _sweep(evidence: Evidence, params: Params, grouped: GroupedRows, worth: Worth) -> Swept | None:
    """Return the value at other thresholds; None without scores, or where they decide nothing."""
    rows, decision, either = grouped.rows, evidence.subject.decision, worth.either
    within = decision is not None and decision.within is not None
    if rows.score is None or either is None or within or not len(rows.score):
        return None
    subject = evidence.subject
    above = decision is None or (decision.favorable_when == "above") == subject.favors_positive
    return swept(
        rows.score,
        either,
        rows.group,
        groups=len(rows.grouping.keys),
        weight=grouped.weights,
        person=rows.person,
        high_is_positive=above,
        chosen=None if decision is None else decision.threshold,
        seed=params.seed,
    )


def _curves(
    evidence: Evidence, params: Params, rows: GroupRows, sweep: Swept | None
) -> tuple[Series, ...]:
    if sweep is None:
        return ()
    decision = evidence.subject.decision
    sizes = np.bincount(rows.group, minlength=len(rows.grouping.keys))
    large = [i for i, n in enumerate(sizes) if n >= max(1, params.min_group_size)]
    drawn = sorted(sorted(large, key=lambda i: -sizes[i])[:MOST_LINES])
    return tuple(
        sweep.line(
            i,
            rows.grouping.names[i],
            y_label=f"{params.currency or 'value'} per {PER:,} decisions",
            scale=PER,
            mark=None if decision is None else decision.threshold,
        )
        for i in drawn
    )


def _without_model(
    evidence: Evidence, params: Params, grouped: GroupedRows, worth: Worth
) -> tuple[str, ...]:
    """Return what everybody, and nobody, would be worth: what a model has to beat."""
    either = worth.either
    if either is None or not len(worth.positive):
        return ()
    yes, no = (PER * float(np.average(each, weights=grouped.weights)) for each in either)
    if not evidence.subject.favors_positive:
        yes, no = no, yes
    said = f"deciding favorably for everybody would be worth {params.said(yes)}, for nobody"
    return (f"{said} {params.said(no)}",)


def _best(params: Params, sweep: Swept | None) -> tuple[str, ...]:
    if sweep is None:
        return ()
    best = sweep.best
    here, elsewhere = (params.said(PER * each) for each in (best.value, best.honest))
    where = f"of {len(sweep.thresholds)} thresholds {best.threshold:g} would be worth most"
    half = "chosen on one half of the rows and tried on the other"
    return (
        f"{where} on these rows: {here}; that flatters it: {half}, the best is worth {elsewhere}",
    )
