"""How well the one most telling column predicts the label all by itself.

## Question
Does a column give the answer away, because it was written down after the answer was known?

## How it is measured
Each feature is taken for a model of the label. Of two classes the value is the area under the ROC
curve (AUC) of the worst column: 0.5 is guessing, 1 gives the answer away; of several classes the
worst class against the rest; of a number the rank correlation (Spearman) without its sign. Numbers
are read as an order, missing values at the median, and once more in 20 bins with one for what is
missing; other values as categories. Bins and categories stand for the mean label of the rows of
other folds with the same value (5 folds, drawn by the seed), so that no row tells its own label,
and names that differ in every row tell nothing. Ends: DeLong on the logit scale, or Fisher's z with
the deviation of Bonett and Wright; the end that proves a breach is Šidák-corrected for all
readings. At most 100,000 rows are read, chosen by the seed. Default columns: the features.

## When it misleads
- A column may rightly tell nearly everything: then say so by leaving it out of `columns`.
- Several columns together may give the answer away where none does alone.
- A column that leaks little, or about a few rows only, stays below any sensible limit.
- Steps that were fitted on evaluation rows are the business of `data.preprocessing_leakage`.

## What to do
Ask when the column is filled in. What is not known at the moment of the decision must go, and the
model must be fitted anew without it: its figures so far are worth nothing.

## If left out
A model could look perfect in every figure and be useless on the first day of use.

## Sources
- Kaufman, Rosset, Perlich, Stitelman, "Leakage in data mining: formulation, detection, and
  avoidance", ACM TKDD 2012.
- DeLong, DeLong, Clarke-Pearson, Biometrics 1988; Bonett, Wright, Psychometrika 2000.
- Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes", 2001 (means
  of the label); the limit of 0.95 is a convention.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.checks.data._told import column_bars, in_rows, listed, rows_word
from pytest_aipm.checks.words import number
from pytest_aipm.errors import DataError
from pytest_aipm.evidence.columns import rows_of, tell
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.labels import label_of
from pytest_aipm.evidence.leaks import MAX_ROWS, Leaks, Reading, leaks_in
from pytest_aipm.evidence.wishes import Sample
from pytest_aipm.records import Because, Formula, Series
from pytest_aipm.sources.data import DataSource
from pytest_aipm.stats.floors import floor

NEEDS = Needs(answer=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
RANGE = (0.0, 1.0)
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0.95}
BASIS = "convention of the field, not law"

_HOW = {
    "order": "by its order",
    "bins": "by ranges of its values, or by whether there is one",
    "categories": "by its categories",
}


class Params(CheckParams):
    """Which columns of which rows."""

    columns: tuple[str, ...] = ()
    """Columns that are looked at; default the features."""
    of: Literal["data", "train"] = "data"
    """Whether the evaluation rows or the training rows are looked at."""


def needs(params: Params) -> Needs:
    """Return what it needs: training rows where it is asked about those."""
    return Needs(answer=True, train=params.of == "train")


def _columns(evidence: Evidence, source: DataSource, params: Params) -> list[str]:
    wanted = list(params.columns)
    if not wanted:
        wanted = [name for name in evidence.feature_columns() if name in source.columns]
    return [name for name in wanted if name != evidence.subject.label]


def wishes(evidence: Evidence, params: Params) -> Iterator[Sample]:
    """Yield the rows that it is going to draw."""
    source = rows_of(evidence, params.of)
    columns = [*_columns(evidence, source, params), label_of(evidence, source)]
    yield Sample(source, tuple(columns), MAX_ROWS)


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    source, subject = rows_of(evidence, params.of), evidence.subject
    wanted = _columns(evidence, source, params)
    if not wanted:
        what, fix = "there are no feature columns to look at", "name them under `features:`"
        raise DataError(subject.problem("features", what, fix))
    found = leaks_in(evidence, source, wanted)
    ranked = subject.task in ("regression", "ranking")
    formula = Formula(
        id="leakage_correlation" if ranked else "leakage_auc",
        numerator="covariance of ranks, of the worst column and the label"
        if ranked
        else "pairs of unequal labels that the worst column orders as the labels are",
        denominator="product of their standard deviations" if ranked else "pairs of unequal labels",
        population=f"{found.rows:,} {rows_word(params.of)} with a label, {len(wanted):,} columns",
        reference="the worst of all readings",
    )
    readings = tuple(each for each in found.readings if math.isfinite(each.part.value))
    if not readings:
        why = _nothing(found)
        return Measurement(
            estimate=None,
            formula=formula,
            summary=why,
            n=found.rows,
            not_judged=(Because.NO_EVIDENCE, why),
        )
    estimate = floor([each.part for each in readings], confidence=params.confidence, worst="max")
    told = f"{readings[0].part.label}, Šidák over {len(readings)} readings"
    worst = readings[estimate.pair[0]]
    return Measurement(
        estimate=replace(estimate, method=told),
        formula=formula,
        summary=_summary(worst, "rank correlation" if ranked else "AUC"),
        n=found.rows,
        part_names=("all rows",)
        if len(readings) == 1
        else tuple(_named(each) for each in readings),
        series=_bars(readings, found.rows, ranked=ranked),
        notes=_notes(found, readings, ranked=ranked),
    )


def _nothing(found: Leaks) -> str:
    if not found.rows:
        return "no row has a label"
    if not found.readings:
        return "no column holds values that can be read"
    return "every row has the same label, or no column varies: there is nothing to tell"


def _named(each: Reading) -> str:
    of = f", {each.of}" if each.of else ""
    return f"{tell(each.column)} ({each.how}{of})"


def _summary(worst: Reading, measure: str) -> str:
    of = f" class {worst.of}" if worst.of else " the label"
    return (
        f"{tell(worst.column)} alone tells{of} best, {_HOW[worst.how]}: {measure} "
        f"{number(worst.part.value)}"
    )


def _bars(readings: tuple[Reading, ...], rows: int, *, ranked: bool) -> tuple[Series, ...]:
    best: dict[str, float] = {}
    for each in readings:
        best[each.column] = max(best.get(each.column, 0.0), each.part.value)
    measure = "rank correlation" if ranked else "AUC"
    return column_bars(
        "how well each column alone tells the label", best, dict.fromkeys(best, rows), measure
    )


def _notes(found: Leaks, readings: tuple[Reading, ...], *, ranked: bool) -> tuple[str, ...]:
    said = []
    best = sorted(readings, key=lambda each: -each.part.value)
    others = list(dict.fromkeys(each.column for each in best))[1:4]
    if others:
        top = {each.column: each.part.value for each in reversed(best)}
        measure = "rank correlation" if ranked else "AUC"
        shown = ", ".join(f"{tell(name)} {number(top[name])}" for name in others)
        said.append(f"next by {measure}: {shown}")
    if found.unread:
        said.append(f"{listed(found.unread)} hold nothing that can be read: left out")
    if found.missing:
        said.append(f"{in_rows(found.missing)} without a label are left out")
    if found.rows + found.missing < found.of:
        said.append(f"read {found.rows:,} of {found.of:,} rows, chosen by the seed")
    return tuple(said)
