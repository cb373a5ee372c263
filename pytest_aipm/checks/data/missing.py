"""Share of values that are missing, or how unequally they are missing between groups.

## Question
How much is not known about people, and is it known less of some than of others?

## How it is measured
Without `by` the value is the share of rows without a value in the worst of the `columns` (default
all columns); `measure: cells` takes the share of all cells instead, `measure: rows` the share of
rows that lack any of the columns. That is a count over the given rows, so the number itself
decides. With `by` the value is the largest difference of the share that is missing between two
groups, in the worst column (or, with `measure: rows`, of rows that lack any): Farrington-Manning
and exact tests of all pairs of groups. The end that proves a breach is Bonferroni-corrected for the
columns that lack anything, the end that proves compliance is the widest of theirs. A column by
which groups are told is left out of its own comparison. Values that are there, but are commonly
written where nobody knows ("NA", "?", -999), are not counted; they are pointed out.

## When it misleads
- A code for "nobody knows" is a value until `missing: [...]` at the data says otherwise.
- A value that was filled in before looks like one that was known.
- That values are missing equally often does not say that the same kind of people lack them.

## What to do
Look for the form, the source or the step that lost them, first where groups differ: what is missing
for a group is guessed for it by the model. Fill values in by a rule that is fitted on training rows
alone, or leave the column out.

## If left out
A model could be asked about people of whom it is told little, and nobody would see who they are.

## Sources
- Little, Rubin, "Statistical analysis with missing data", 3rd ed. 2019, chapter 1.
- Fernando, Cesar, David, Jose, "Missing the missing values: the ugly duckling of fairness in
  machine learning", 2021.
- Farrington, Manning, Statistics in Medicine 1990; the limit of 5 % is a convention.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from pydantic import model_validator

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.compare import (
    nothing_to_compare,
    population,
    reference_of,
    reference_words,
    unknown_breach,
)
from pytest_aipm.checks.data._told import column_bars, in_rows, listed, rows_word, share
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.columns import columns_of, rows_of, tally_of, tell
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.missingness import Missing, gaps_of, missing_in
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.records import Formula, GroupValue
from pytest_aipm.sources.data import DataSource
from pytest_aipm.stats.single import census
from pytest_aipm.stats.worst import WorstOf, worst_disparity

NEEDS = Needs()
KIND = "sample"
SCOPES = "either"
UNITS = ("",)
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.05}
BASIS = "convention of the field, not law"

SHOWN = 5
"""Columns whose groups are listed."""


class Params(CheckParams):
    """Which columns of which rows, and how they are summed up."""

    columns: tuple[str, ...] = ()
    """Columns that are looked at; default all."""
    measure: Literal["worst_column", "cells", "rows"] = "worst_column"
    """The column that lacks most, all cells together, or rows that lack any of the columns."""
    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""

    @model_validator(mode="after")
    def _comparable(self) -> Params:
        if self.by and self.measure == "cells":
            raise ValueError(
                "`measure: cells` cannot be compared between groups, since cells of one row hang "
                "together; write `worst_column` or `rows`"
            )
        return self


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(train=params.of == "train")


def wishes(evidence: Evidence, params: Params) -> Iterator[Wish[Any]]:
    """Yield what it is going to ask of all rows."""
    source = rows_of(evidence, params.of)
    yield gaps_of(evidence, source, _columns(evidence, source, params), params.by)
    yield tally_of(source)


def kind(params: Params) -> Literal["census", "sample"]:
    """Return that shares of the given rows are counted, and that differences are estimated."""
    return "sample" if params.by else "census"


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source = rows_of(evidence, params.of)
    wanted = _columns(evidence, source, params)
    found = missing_in(evidence, source, wanted, params.by, params.unknown)
    return (_by_group if params.by else _overall)(evidence, params, found)


def _columns(evidence: Evidence, source: DataSource, params: Params) -> list[str]:
    """Return the columns that are looked at; the groups are not compared by their own."""
    grouped = {evidence.subject.attribute(name).column for name in params.by}
    return [name for name in params.columns or source.columns if name not in grouped]


# all rows together


def _overall(evidence: Evidence, params: Params, found: Missing) -> Measurement:
    rows, lacking = int(found.sizes.sum()), found.table.sum(axis=0)
    shares = lacking / rows
    worst = int(np.argmax(lacking))
    value, numerator, denominator = {
        "worst_column": (float(shares[worst]), "rows without a value in the worst column", "rows"),
        "cells": (float(shares.mean()), "cells without a value", "cells"),
        "rows": (float(found.gaps.sum() / rows), "rows that lack any of the columns", "rows"),
    }[params.measure]
    counts = dict(zip(found.columns, map(int, lacking), strict=True))
    return Measurement(
        estimate=census(value, rows),
        formula=Formula(
            id=f"missing_{params.measure}",
            numerator=numerator,
            denominator=denominator,
            population=f"{rows:,} {rows_word(params.of)}, {len(found.columns):,} columns",
        ),
        summary=_summary(params, found, lacking, rows),
        n=rows,
        part_names=("all rows",),
        series=column_bars(
            "values that are missing, by column",
            dict(zip(found.columns, map(float, shares), strict=True)),
            counts,
            "share of all rows",
        ),
        notes=_notes(evidence, params, found, counts, rows),
    )


def _summary(params: Params, found: Missing, lacking: np.ndarray, rows: int) -> str:
    worst = int(np.argmax(lacking))
    if not lacking.any():
        return f"no value is missing in {len(found.columns):,} columns of {rows:,} rows"
    if params.measure == "cells":
        cells = rows * len(found.columns)
        return f"{share(int(lacking.sum()) / cells)} of {cells:,} cells hold no value"
    if params.measure == "rows":
        gaps = int(found.gaps.sum())
        return f"{share(gaps / rows)} of the rows lack a value in at least one column"
    return (
        f"{tell(found.columns[worst])} lacks most: {share(lacking[worst] / rows)} of the rows hold "
        "no value"
    )


def _notes(
    evidence: Evidence, params: Params, found: Missing, counts: dict[str, int], rows: int
) -> tuple[str, ...]:
    said = []
    empty = [name for name, n in counts.items() if n == rows]
    if empty:
        verb = "holds" if len(empty) == 1 else "hold"
        said.append(f"{listed(empty)} {verb} no value at all")
    some = sum(n > 0 for n in counts.values())
    gaps = int(found.gaps.sum())
    if gaps and params.measure != "rows":
        said.append(f"{some:,} columns lack values; {in_rows(gaps)} lack at least one")
    return (*said, *_codes(evidence, params, found.columns))


def _codes(evidence: Evidence, params: Params, columns: tuple[str, ...]) -> list[str]:
    """Return which values look as if they meant that nobody knows."""
    cells, said = columns_of(evidence, params.of), []
    for name in columns:
        codes = cells[name].codes
        if codes:
            words = ", ".join(f"'{word.strip()}'" for word in list(codes)[:3])
            many = in_rows(sum(codes.values()))
            said.append(
                f"{tell(name)} holds {words} in {many}: if that means missing, say so with "
                "`missing: [...]` at the data"
            )
    return [*said[:10], *([f"and {len(said) - 10:,} more such columns"] if len(said) > 10 else [])]


# between groups


def _by_group(evidence: Evidence, params: Params, found: Missing) -> Measurement:
    assert found.grouping is not None  # noqa: S101 - it was asked for by group
    names = found.grouping.names
    known = int(found.sizes.sum())
    what = "share of rows that lack a value" if params.measure == "rows" else "missing values"
    formula = Formula(
        id=f"missing_difference_{params.measure}",
        numerator="rows of the group that lack any of the columns"
        if params.measure == "rows"
        else "rows of the group without a value in the worst column",
        denominator="rows of the group",
        population=population(known, found.unknown),
        reference=reference_words(reference_of(evidence, params, found.grouping), names),
    )
    nothing = nothing_to_compare(names, found.sizes, params, what)
    breach = unknown_breach(params, found.unknown, known)
    if nothing is not None:
        return Measurement(
            estimate=None,
            formula=formula,
            summary=nothing[1],
            n=known,
            not_judged=nothing,
            breach=breach,
            unknown=found.unknown,
        )
    labels, sides = _sides(params, found)
    estimate = worst_disparity(
        [(x, found.sizes) for x in sides],
        "difference",
        confidence=params.confidence,
        reference=reference_of(evidence, params, found.grouping),
        min_size=params.min_group_size,
    )
    gaps = {
        label: float(side.value)
        for label, side in zip(labels, estimate.sides, strict=True)
        if math.isfinite(side.value)
    }
    lacking = {label: int(x.sum()) for label, x in zip(labels, sides, strict=True)}
    return Measurement(
        estimate=estimate,
        formula=formula,
        summary=_worst(estimate, labels, names, params),
        n=known,
        groups=_groups(found, estimate, labels, params),
        part_names=names
        if len(labels) == 1
        else tuple(f"{group} ({tell(label)})" for label in labels for group in names),
        series=column_bars(
            "difference between groups in what is missing, by column", gaps, lacking, "difference"
        )
        if len(labels) > 1
        else (),
        notes=(
            *([f"corrected for {len(labels):,} columns"] if len(labels) > 1 else []),
            *_codes(evidence, params, found.columns),
        ),
        breach=breach,
        unknown=found.unknown,
    )


ANY = "any column"
NONE = "columns that lack nothing"


def _sides(params: Params, found: Missing) -> tuple[list[str], list[np.ndarray]]:
    """Return what is compared: each column that lacks anything, and all that lack nothing as one.

    Columns that lack nothing have equal counts, so that one of them speaks for all.
    """
    if params.measure == "rows":
        return [ANY], [found.gaps]
    lacking = found.table.sum(axis=0) > 0
    labels = [name for name, some in zip(found.columns, lacking, strict=True) if some]
    sides = [found.table[:, place] for place in np.flatnonzero(lacking)]
    if not lacking.all() or not labels:
        labels, sides = [*labels, NONE], [*sides, np.zeros_like(found.sizes)]
    return labels, sides


def _worst(estimate: WorstOf, labels: list[str], names: tuple[str, ...], params: Params) -> str:
    worst, label = estimate.worst, labels[estimate.order[0]]
    if not worst.pair or not math.isfinite(estimate.value):
        return "missing values: nothing to compare"
    if label == NONE:
        return "no value is missing in any group"
    low = worst.pair[-1]
    of = "a row lacks a value" if params.measure == "rows" else f"{tell(label)} is missing"
    against = "everyone together"
    if len(worst.pair) > 1:
        high = worst.pair[0]
        return (
            f"{of} for {share(worst.parts[high][0])} of {names[high]}, {share(worst.parts[low][0])}"
            f" of {names[low]}: difference {number(estimate.value)}"
        )
    return (
        f"{of} for {share(worst.parts[low][0])} of {names[low]}, against {against}: difference "
        f"{number(estimate.value)}"
    )


def _groups(
    found: Missing, estimate: WorstOf, labels: list[str], params: Params
) -> tuple[GroupValue, ...]:
    """Return one record a group and column, the columns with the largest difference first."""
    assert found.grouping is not None  # noqa: S101 - it was asked for by group
    values = []
    for place in estimate.order[:SHOWN]:
        for i, group in enumerate(found.grouping.groups):
            value, lower, upper = estimate.sides[place].parts[i]
            size = int(found.sizes[i])
            known, judged = math.isfinite(value), size >= params.min_group_size
            note = "" if judged else f"not judged: fewer than {params.min_group_size} rows"
            values.append(
                GroupValue(
                    group=group,
                    part="" if len(labels) == 1 else tell(labels[place]),
                    n=size,
                    value=value if known else None,
                    interval=(lower, upper) if known else None,
                    judged=known and judged,
                    note=note if known else "undefined in this group",
                )
            )
    return tuple(values)
