"""Share of the rarest class among the labels, or in the group where it is rarest.

## Question
Is there enough of every answer to learn it, and to notice when it is wrong?

## How it is measured
Rows with a class, divided by all rows with a label, for each class; the value is the lowest of
these shares. With `by` it is the lowest of any class in any group. Clopper-Pearson ends; the upper
one, which proves a breach, is Šidák-corrected for the shares compared. A class that the policy
names and that never occurs has the share 0, and so has "any other class" where there is one alone.
Rows without a label are counted and left out.

## When it misleads
- A rare class may be rare in life: then the share is right, and accuracy is the wrong measure.
- A class may be rare and still have thousands of rows: a share says nothing about their number.
- Rows that were drawn by their label have the balance of the draw, not of life.

## What to do
Measure with balanced accuracy, average precision or a cost for each error rather than accuracy;
collect more of the rare class, above all in the groups where it is rarest. What was drawn evenly on
purpose belongs into `context`.

## If left out
A model that never says the rare answer could look nearly perfect.

## Sources
- He, Garcia, "Learning from imbalanced data", IEEE Transactions on Knowledge and Data Engineering
  2009.
- Clopper, Pearson, Biometrika 1934; the floor of 5 % is a convention.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import population, unknown_breach
from pytest_aipm.checks.data._told import in_rows, rows_word, share
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.columns import rows_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.labels import OTHER, LabelCounts, label_counts, labels_of
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Because, Formula, GroupValue, Series
from pytest_aipm.stats.floors import Floor, rate_floor

NEEDS = Needs(answer=True)
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass")
DEFAULT_LIMIT = {"min": 0.05}
BASIS = "convention of the field, not law"

SHOWN = 30


class Params(CheckParams):
    """Of which rows."""

    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(answer=True, train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    yield labels_of(evidence, rows_of(evidence, params.of), params.by)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source = rows_of(evidence, params.of)
    found = label_counts(evidence, source, params.by, params.unknown)
    sizes = found.table.sum(axis=1)
    known = int(sizes.sum())
    groups = ("",) if found.grouping is None else found.grouping.names
    names = tuple(
        f"{group} ({each})" if group else each for group in groups for each in found.classes
    )
    formula = Formula(
        id="label_balance",
        numerator="rows with the rarest class",
        denominator="rows with a label",
        population=population(known, found.unknown, grouped=bool(params.by))
        + f" of {rows_word(params.of)}",
    )
    breach = unknown_breach(params, found.unknown, known) if params.by else None
    if not known:
        why = "no row has a label" if not found.unknown else "no row has a group"
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=0,
            not_judged=(Because.NO_EVIDENCE, why),
            breach=breach,
            unknown=found.unknown,
        )
    estimate = rate_floor(
        found.table.ravel(),
        np.repeat(sizes, len(found.classes)),
        confidence=params.confidence,
        worst="min",
        min_size=params.min_group_size,
    )
    nothing = None
    if not math.isfinite(estimate.value):
        why = f"no group has {params.min_group_size:,} rows"
        nothing = (Because.NO_EVIDENCE, why)
    return Measurement(
        estimate=estimate,
        formula=formula,
        summary=_summary(found, estimate),
        n=known,
        groups=_groups(found, estimate, params) if params.by else (),
        part_names=names,
        series=() if params.by else (_bars(found),),
        notes=_notes(found),
        not_judged=nothing,
        breach=breach,
        unknown=found.unknown,
        harm="down",
    )


def _summary(found: LabelCounts, estimate: Floor) -> str:
    if not estimate.pair:
        return "the balance of the labels is undefined: no group is large enough"
    place = estimate.pair[0]
    group, code = divmod(place, len(found.classes))
    where = "" if found.grouping is None else f" among {found.grouping.names[group]}"
    if found.classes[code] == OTHER:
        return f"every row with a label{where} has the same one, {found.classes[1 - code]}"
    return (
        f"class {found.classes[code]} is the rarest answer{where}: {share(estimate.value)} of the "
        f"rows, a share of {number(estimate.value)}"
    )


def _groups(found: LabelCounts, estimate: Floor, params: Params) -> tuple[GroupValue, ...]:
    """Return one record a group and class, the rarest class first."""
    assert found.grouping is not None  # noqa: S101 - it was asked for by group
    values, classes = [], len(found.classes)
    first = sorted(range(classes), key=lambda code: int(found.table[:, code].sum()))
    for code in first[:SHOWN]:
        for i, group in enumerate(found.grouping.groups):
            value, lower, upper = estimate.parts[i * classes + code]
            size = int(found.table[i].sum())
            known, judged = size > 0, size >= params.min_group_size
            note = "" if judged else f"not judged: fewer than {params.min_group_size} rows"
            values.append(
                GroupValue(
                    group=group,
                    part=found.classes[code],
                    n=size,
                    value=value if known else None,
                    interval=(lower, upper) if known else None,
                    judged=known and judged,
                    note=note if known else "undefined: no row has a label",
                )
            )
    return tuple(values)


def _bars(found: LabelCounts) -> Series:
    counts = found.table.sum(axis=0)
    order = sorted(range(len(found.classes)), key=lambda code: -int(counts[code]))[:SHOWN]
    return Series(
        name="labels",
        kind="bars",
        x=tuple(found.classes[code] for code in order),
        y=tuple(float(counts[code] / counts.sum()) for code in order),
        x_label="class",
        y_label="share of rows with a label",
        counts=tuple(int(counts[code]) for code in order),
    )


def _notes(found: LabelCounts) -> tuple[str, ...]:
    said = []
    if len(found.classes) > 2:
        even = share(1 / len(found.classes))
        said.append(f"{len(found.classes):,} classes; if they were even, each would have {even}")
    if found.missing:
        said.append(f"{in_rows(found.missing)} without a label are left out")
    return tuple(said)
