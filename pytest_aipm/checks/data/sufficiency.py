"""Rows of each group and class, and the gap between groups that so many can show.

## Question
Are there enough rows of each group, with each outcome, to learn from or to judge by?

## How it is measured
Rows are counted by group and label; a regression, or rows without a label column, are counted by
group alone. The value is the count of the smallest cell. `min_group` judges the smallest group, all
outcomes together. `max_gap` judges what the rows could show: of the rows with one outcome, the
smallest difference of a rate between groups that a test at `confidence` finds in 8 of 10 samples,
if the rate is `rate` (0.5, the hardest) in the other groups; the largest over outcomes. Everything
is counted over the given rows, so the number itself decides. With weights a cell counts as many
rows as tell as much as equal ones (Kish); with several rows of one person, people count.

## When it misleads
- No number of rows is enough in itself: it depends on the gap that would matter. `max_gap` says
  what stays unseen.
- Many rows of one day, one branch or one person are worth fewer than they are.
- A combination of two attributes has a small cell long before each of them has: name both in `by`.

## What to do
Collect rows of the smallest cell, or say in the report that nothing is known about it. More rows of
the largest group help nobody else. `data.learning_curve` tells whether more rows help the model.

## If left out
A group of twenty could pass every other check, because twenty rows cannot show a harm.

## Sources
- Kish, "Survey sampling", 1965 (rows that tell as much).
- The gap is that of `fairness.*_difference`, at 80 % power.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import unknown_breach
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.cells import LabelCells, cells_of_labels, label_cells
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Because, Formula, GroupValue, Series
from pytest_aipm.stats.disparity import rate_difference
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "either"
UNITS = ("", "group", "gap")
WEIGHTED = True
DECIDE_ON = "point"
DEFAULT_LIMIT = {"min": 30}
BASIS = "convention: rates and means of fewer rows show nothing but the grossest harm"
TASKS = ("binary", "multiclass", "regression", "ranking")


class Params(CheckParams):
    """Which rows, and which rate the gap is of."""

    of: Of = "data"
    """Whether the evaluation rows or the training rows are counted."""
    rate: float = Field(default=0.5, gt=0, lt=1)
    """The rate at which a gap is looked for."""

    @model_validator(mode="after")
    def _groups(self) -> Params:
        if self.unit == "gap" and not self.by:
            raise ValueError("a limit on 'gap' compares groups; add `by: ATTRIBUTE`")
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    yield from cells_of_labels(evidence, params.by, params.of)


def value_range(params: Params) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    return (0.0, 1.0) if params.unit == "gap" else (0.0, math.inf)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    cells = label_cells(evidence, params.by, params.unknown, params.of)
    gaps = _gaps(cells, params)
    formula = Formula(
        id=f"sufficiency_{params.unit or 'cell'}",
        numerator=_NUMERATOR[params.unit],
        denominator="",
        population=f"{int(cells.rows.sum()):,} {cells.what} counted",
    )
    breach = unknown_breach(params, cells.unknown, cells.n - cells.unknown) if params.by else None
    measured = Measurement(
        estimate=None,
        formula=formula,
        summary="",
        n=int(cells.rows.sum()),
        groups=_groups(cells),
        part_names=("all rows",),
        series=_series(cells),
        notes=(*_missing(cells), *_told(gaps)),
        breach=breach,
        unknown=cells.unknown,
        harm="up" if params.unit == "gap" else "down",
    )
    if not cells.rows.size:
        why = f"no row has a {' and '.join(params.by)} and an outcome"
        return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
    if params.unit == "gap":
        worst = max(gaps, key=lambda name: gaps[name]) if gaps else ""
        if len(cells.names) < 2:
            why = "there is only one group: nothing to compare"
            return measured.with_(summary=why, not_judged=(Because.NO_EVIDENCE, why))
        value, said = gaps[worst], f"{_of(worst)}, a gap between groups below {number(gaps[worst])}"
        return measured.with_(
            estimate=census(value, measured.n), summary=f"{said} would stay unseen"
        )
    table = cells.counts if not params.unit else cells.counts.sum(axis=1, keepdims=True)
    group, label = np.unravel_index(int(np.argmin(table)), table.shape)
    value = float(table[group, label])
    who = [cells.names[group]] if params.by or not cells.labels[label] else []
    who += [f"labelled {cells.labels[label]}"] if not params.unit and cells.labels[label] else []
    return measured.with_(
        estimate=census(value, measured.n),
        summary=f"the fewest rows are {' '.join(who)}: {_count(value)}",
    )


_NUMERATOR = {
    "": "rows of the smallest group and outcome",
    "group": "rows of the smallest group",
    "gap": "smallest gap of a rate that is found in 8 of 10 samples, largest over outcomes",
}


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else f"{value:.1f}"


def _of(label: str) -> str:
    return f"of the rows labelled {label}" if label else "of all rows"


def _gaps(cells: LabelCells, params: Params) -> dict[str, float]:
    """Return the gap that the rows of each outcome could show; 1 where none could be shown."""
    if len(cells.names) < 2 or not params.by:
        return {}
    found = {}
    for i, label in enumerate(cells.labels):
        sizes = np.floor(cells.counts[:, i])
        if (sizes < 1).any():
            found[label] = 1.0
            continue
        estimate = rate_difference(params.rate * sizes, sizes, confidence=params.confidence)
        caught = estimate.detectable((None, 0.0))
        found[label] = 1.0 if caught is None else float(caught[0])
    return found


def _told(gaps: dict[str, float]) -> list[str]:
    return [
        f"{_of(label)}, these would show a gap of a rate between groups of {number(gap)} or more "
        "in 8 of 10 samples"
        if gap < 1
        else f"{_of(label)}, these would not show any gap of a rate between groups"
        for label, gap in list(gaps.items())[:8]
    ]


def _missing(cells: LabelCells) -> list[str]:
    if not cells.unlabelled:
        return []
    return [f"{cells.unlabelled:,} of {cells.n:,} rows have no label and are not counted"]


def _groups(cells: LabelCells) -> tuple[GroupValue, ...]:
    if not cells.by:
        return ()
    return tuple(
        GroupValue(
            group=group,
            part=label,
            n=int(cells.rows[i, j]),
            value=float(cells.counts[i, j]),
            interval=(float(cells.counts[i, j]),) * 2,
        )
        for i, group in enumerate(cells.groups)
        for j, label in enumerate(cells.labels)
    )


def _series(cells: LabelCells) -> tuple[Series, ...]:
    total = max(int(cells.rows.sum()), 1)
    return tuple(
        Series(
            name=f"rows labelled {label}" if label else "rows",
            kind="strip",
            x=cells.names,
            y=tuple(float(each) / total for each in cells.rows[:, j]),
            x_label="group",
            y_label="share of all rows",
            counts=tuple(int(each) for each in cells.rows[:, j]),
        )
        for j, label in enumerate(cells.labels)
    )
