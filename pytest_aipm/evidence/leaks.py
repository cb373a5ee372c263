"""How well each single column tells the label: by its order, and by what others like it are.

A column of numbers is read twice: as an order, missing values standing at its median, and in 20
bins of equal size, missing values being a bin of their own. A column of anything else is read as
categories. Bins and categories are turned into the mean label of the same category among the rows
of the other folds, so that no row's own label enters, and a name that is everybody's own tells
nothing. Folds are drawn by a hash of the row's number and the seed, evenly within each class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.decide import matches, numeric
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.labels import label_of
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.sample import row_keys
from pytest_aipm.evidence.subject import Classes, class_name
from pytest_aipm.sources.data import DataSource
from pytest_aipm.stats.association import Correlation, EitherArea, rank_correlation, ranks_of
from pytest_aipm.stats.auc import counted_area

__all__ = ["MAX_ROWS", "Leaks", "Reading", "leaks_in"]

MAX_ROWS = 100_000
"""Rows that are read; the error of an area is then under 0.002."""
FOLDS = 5
BINS = 20
PRIOR = 5.0
"""Rows of the overall mean that are added to each category."""
CLASSES = 20
"""Classes of many that are told from the rest, the most frequent ones."""

Told = EitherArea | Correlation


@dataclass(frozen=True)
class Reading:
    """One column, read one way.

    Attributes
    ----------
    column : str
    how : {"order", "bins", "categories"}
    of : str
        The class that is told from the rest; empty for two classes and for numbers.
    part : EitherArea or Correlation
    """

    column: str
    how: str
    of: str
    part: Told


@dataclass(frozen=True)
class Leaks:
    """All readings; columns that could not be read; rows read, of how many, without a label."""

    readings: tuple[Reading, ...]
    unread: tuple[str, ...]
    rows: int
    of: int
    missing: int


def leaks_in(evidence: Evidence, source: DataSource, columns: Sequence[str]) -> Leaks:
    """Read each column as if it were a model of the label.

    Raises
    ------
    DataError
        When a column is not there, or the label is none that can be told.
    """
    label = label_of(evidence, source)
    source.require(list(columns))
    with located(source.ref):
        frame = evidence.drawn(source, [*columns, label], MAX_ROWS)
        known = frame[label].notna().to_numpy()
        missing, frame = int((~known).sum()), frame[known]
        if frame.empty:
            return Leaks((), (), 0, source.rows, missing)
        answer = _answer(evidence, frame[label], label)
        keys = row_keys(frame.index.to_numpy(), evidence.seed)
        told = [_Told.of(name, truth, keys, numbers=answer.numbers) for name, truth in answer.sides]
        readings, unread = [], []
        for name in columns:
            column = _Coded.of(frame[name])
            if column is None:
                unread.append(name)
            else:
                readings += [
                    Reading(name, how, side.name, part)
                    for side in told
                    for how, part in column.read(side)
                ]
    return Leaks(tuple(readings), tuple(unread), len(frame), source.rows, missing)


@dataclass(frozen=True)
class _Answer:
    """What is to be told: a number, or each class against the rest."""

    sides: list[tuple[str, np.ndarray]]
    numbers: bool


def _answer(evidence: Evidence, column: pd.Series[Any], label: str) -> _Answer:
    task, positive = evidence.subject.task, evidence.subject.positive
    if task in ("regression", "ranking"):
        return _Answer([("", numeric(column, "label", label))], numbers=True)
    if task == "binary" and positive is not None and not isinstance(positive, Classes):
        return _Answer([("", matches(column, positive))], numbers=False)
    counts = column.value_counts()
    if task == "binary" and len(counts) > 2:
        what = f"label {label!r} has {len(counts):,} values, and `task: binary` has two"
        fix = "name the one that is predicted as `positive`, or write another task"
        raise DataError(evidence.subject.problem("label", what, fix))
    first = list(counts.index[: 1 if len(counts) <= 2 else CLASSES])
    names = [""] if len(counts) <= 2 else [class_name(value) for value in first]
    return _Answer(
        [(name, matches(column, value)) for name, value in zip(names, first, strict=True)],
        numbers=False,
    )


@dataclass(frozen=True)
class _Told:
    """One thing to be told: true numbers, or 1 for the class and 0 for the rest."""

    name: str
    truth: np.ndarray
    fold: np.ndarray
    numbers: bool

    @classmethod
    def of(cls, name: str, truth: np.ndarray, keys: np.ndarray, *, numbers: bool) -> _Told:
        """Return it with folds in which each class, or each tenth of the numbers, is alike."""
        truth = truth.astype(float)
        if numbers:
            _, place, counts = np.unique(truth, return_inverse=True, return_counts=True)
            truth = ranks_of(place, counts)
        stratum = np.floor(10 * (truth - 1) / len(truth)) if numbers else truth
        order = np.lexsort((keys, stratum))
        fold = np.empty(len(truth), dtype=np.int64)
        fold[order] = np.arange(len(truth)) % FOLDS
        return cls(name, truth, fold, numbers)

    def ordered(self, place: np.ndarray, counts: np.ndarray) -> Told:
        """Return how well an order tells it, in whichever direction."""
        if self.numbers:
            rho = rank_correlation(ranks_of(place, counts), self.truth)
            return Correlation(rho, len(place))
        return _area(np.bincount(place, weights=self.truth, minlength=len(counts)), counts)

    def means(self, codes: np.ndarray, size: int) -> Told:
        """Return how well the mean of a category in the other folds tells it."""
        joint = codes * FOLDS + self.fold
        rows = np.bincount(joint, minlength=size * FOLDS).reshape(size, FOLDS)
        sums = np.bincount(joint, weights=self.truth, minlength=size * FOLDS).reshape(size, FOLDS)
        others = rows.sum(axis=1, keepdims=True) - rows
        total = sums.sum(axis=1, keepdims=True) - sums
        prior = self.truth.mean()
        score = ((total + PRIOR * prior) / (others + PRIOR)).ravel()
        each, positive = rows.ravel(), sums.ravel()
        there = each > 0
        values, place = np.unique(np.round(score[there], 12), return_inverse=True)
        counts = np.bincount(place, weights=each[there], minlength=values.size)
        if self.numbers:
            of_row = np.zeros(len(there), dtype=np.int64)
            of_row[there] = place
            rho = rank_correlation(ranks_of(of_row[joint], counts), self.truth)
            return Correlation(rho, len(codes), either=False)
        above = np.bincount(place, weights=positive[there], minlength=values.size)
        return _area(above, counts, either=False)


def _area(above: np.ndarray, counts: np.ndarray, *, either: bool = True) -> EitherArea:
    """Return the area of scores in ascending order, with positives among rows of each score."""
    positives = np.asarray(above, dtype=np.float64)
    negatives = np.asarray(counts, dtype=np.float64) - positives
    auc, variance = counted_area(positives, negatives)
    return EitherArea(auc, variance, float(positives.sum()), float(negatives.sum()), either)


@dataclass(frozen=True)
class _Coded:
    """A column as an order (numbers) and as categories."""

    place: np.ndarray | None
    counts: np.ndarray | None
    codes: np.ndarray
    size: int
    how: str

    @classmethod
    def of(cls, column: pd.Series[Any]) -> _Coded | None:
        """Return a column's codes; None for one that does not vary, or holds no plain values."""
        kind = column.dtype
        number = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
        if pd.api.types.is_datetime64_any_dtype(kind):
            column, number = _days(column), True
        if not number or pd.api.types.is_bool_dtype(kind):
            try:
                codes, values = pd.factorize(column, use_na_sentinel=True)
            except TypeError:  # lists and the like
                return None
            codes = np.where(codes < 0, len(values), codes)
            return cls(None, None, codes, len(values) + 1, "categories") if len(values) else None
        return cls._numbers(column.to_numpy(dtype=float, na_value=np.nan))

    @classmethod
    def _numbers(cls, numbers: np.ndarray) -> _Coded | None:
        known = np.isfinite(numbers)
        gone = not known.all()
        if not known.any():
            return None
        values, place, counts = np.unique(
            numbers[known] if gone else numbers, return_inverse=True, return_counts=True
        )
        bins = np.arange(values.size)
        if values.size > BINS:
            middle = np.cumsum(counts) - counts / 2
            bins = np.floor(BINS * middle / counts.sum()).astype(np.int64)
        codes = np.full(len(numbers), BINS + 1, dtype=np.int64)  # what is missing
        codes[known] = bins[place]
        if gone:
            half = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
            whole = np.full(len(numbers), half, dtype=np.int64)
            whole[known] = place
            place = whole
            counts = np.bincount(place, minlength=values.size)
        return cls(place, counts, codes, BINS + 2, "bins")

    def read(self, told: _Told) -> Iterator[tuple[str, Told]]:
        """Yield each way to read the column, and how well it tells."""
        if self.place is not None and self.counts is not None and len(self.counts) > 1:
            yield "order", told.ordered(self.place, self.counts)
        yield self.how, told.means(self.codes, self.size)


def _days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates as numbers, NaN where there is none."""
    whole = column.astype("int64").astype(float)
    return whole.where(column.notna())
