"""The plainest model that learns: a linear one on the audited model's own columns."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.classes import MOST, distinct, listed
from pytest_aipm.evidence.decide import matches, numeric, refuse_missing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.train import compared, training_rows

__all__ = ["Linear", "linear", "same_classes"]

MAX_FIT = 20_000
"""Training rows it learns from: a line has few terms, and more rows hardly move it."""
LEVELS = 20
"""Values of a text that have a term of their own; rarer ones share one."""


@dataclass(frozen=True, eq=False)
class Linear:
    """What a linear model says of the evaluation rows.

    Attributes
    ----------
    said : float array of shape (n,)
        Probability of the positive class, or predicted number.
    learned : int
        Rows it learned from.
    total : int
        Training rows there are.
    """

    said: np.ndarray
    learned: int
    total: int


def linear(evidence: Evidence) -> Linear:
    """Fit it on the training rows and ask it about the evaluation rows; once for all checks.

    Numbers are filled by the median of the training rows and put in standard deviations, texts have
    a term for each common value. Two classes: logistic regression, numbers: ridge regression,
    both with scikit-learn's default penalty of 1.

    Raises
    ------
    DataError
        Without training rows, when they lack a column or a label, or hold one class only.
    """
    return evidence.once(("linear baseline",), lambda: _linear(evidence))


def _linear(evidence: Evidence) -> Linear:
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415 - heavy

    train, label = training_rows(evidence), evidence.subject.label
    assert label is not None  # noqa: S101 - checked by the plan
    features = compared(evidence, train)
    train.require([label], evidence.subject.where("train"))
    binary = evidence.subject.task == "binary"
    with located(train.ref):
        frame = evidence.drawn(train, [*features, label], MAX_FIT)
        truth = (
            _classes(evidence, frame[label]) if binary else numeric(frame[label], "label", label)
        )
        terms = _Terms.of(frame[features])
        table = terms.table(frame)
    made = LogisticRegression(solver="newton-cholesky", max_iter=200) if binary else Ridge()
    said = []
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what has not quite converged still is a line
        made.fit(table, truth)
        with located(evidence.data.ref):
            for batch in evidence.data.batches(features):
                rows = terms.table(batch)
                said.append(made.predict_proba(rows)[:, 1] if binary else made.predict(rows))
    return Linear(np.concatenate(said), len(frame), train.rows)


def _classes(evidence: Evidence, column: pd.Series[Any]) -> np.ndarray:
    """Return where the label is positive."""
    name = str(column.name)
    refuse_missing(column, "label", name)
    same_classes(evidence, column)
    positive = matches(column, evidence.subject.positive)
    if positive.all() or not positive.any():
        what = f"the training rows hold one class of {name!r} only ({listed(distinct(column))})"
        raise DataError(Problem(what, "a line needs rows of both classes to learn from"))
    return positive


def same_classes(evidence: Evidence, column: pd.Series[Any]) -> None:
    """Refuse training labels that are written otherwise than those of the evaluation rows.

    Raises
    ------
    DataError
    """
    known, found = evidence.tally.labels, distinct(column, MOST)
    if len(known | found) > 2:
        what = (
            f"label {str(column.name)!r} is written differently in the training rows "
            f"({listed(found)}) and in the data ({listed(known)})"
        )
        raise DataError(Problem(what, "write the same two classes in both"))


@dataclass(frozen=True)
class _Terms:
    """How columns become terms, as the training rows say."""

    numbers: dict[str, tuple[float, float, float]]
    """Median, mean and standard deviation of the filled column."""
    texts: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Terms:
        numbers, texts = {}, {}
        for name in frame.columns:
            values = _numbers(frame[name])
            if values is None:
                common = _texts(frame[name]).value_counts()
                order = sorted(common.items(), key=lambda each: (-int(each[1]), str(each[0])))
                texts[name] = tuple(str(value) for value, _ in order[:LEVELS])
                continue
            known = values[~np.isnan(values)]
            middle = float(np.median(known)) if known.size else 0.0
            filled = np.where(np.isnan(values), middle, values)
            numbers[name] = (middle, float(filled.mean()), float(filled.std()) or 1.0)
        return cls(numbers, texts)

    def table(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the terms of rows, shape (n, terms)."""
        columns: list[np.ndarray] = []
        for name, (middle, mean, spread) in self.numbers.items():
            values = _numbers(frame[name])
            if values is None:
                what = f"feature column {name!r} holds numbers in the training rows and texts here"
                raise DataError(Problem(what, "write it the same way in both"))
            gone = np.isnan(values)
            columns += [(np.where(gone, middle, values) - mean) / spread, gone.astype(float)]
        for name, common in self.texts.items():
            columns += _indicators(_texts(frame[name]), common)
        return np.column_stack(columns)


def _indicators(column: pd.Series[Any], values: Sequence[str]) -> list[np.ndarray]:
    texts = column.to_numpy()
    return [(texts == value).astype(float) for value in values]


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return values as texts; a missing one is a value like any other."""
    plain = column.astype(object)
    return plain.where(plain.notna(), "\ue000missing").map(str).astype(object)


def _numbers(column: pd.Series[Any]) -> np.ndarray | None:
    """Return numbers with NaN for what is missing or infinite; None for what is no number."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return np.where(column.isna(), np.nan, column.astype("int64").to_numpy(dtype=float))
    kind = column.dtype
    if not pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_complex_dtype(kind):
        if column.notna().any():
            return None
        return np.full(len(column), np.nan)  # nothing is known, so nothing contradicts a number
    found = column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isinf(found), np.nan, found)
