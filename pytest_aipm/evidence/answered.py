"""Rows the model is asked about one by one, and those to which it gives no usable answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aipm.errors import MeasurementError, ModelError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.sources.faults import describe
from pytest_aipm.sources.model import Prediction

__all__ = ["Answered", "answered"]

MOST_FAULTS = 5
"""Kinds of faults that are named."""


@dataclass(frozen=True)
class Answered:
    """What became of single rows.

    Attributes
    ----------
    n, wanted, total : int
        Rows asked about, rows that were to be, rows there are.
    lost : int
        Rows without a usable answer.
    faults : tuple of (str, int)
        Why, and how many rows; the most frequent first.
    spent : bool
        Whether the budget was over before all rows were asked about.
    """

    n: int
    wanted: int
    total: int
    lost: int
    faults: tuple[tuple[str, int], ...]
    spent: bool


def answered(
    evidence: Evidence, *, rows: int, fallback: Sequence[str | float], budget_s: float
) -> Answered:
    """Ask the model about single rows.

    Parameters
    ----------
    evidence : Evidence
        With a model.
    rows : int
        At most so many, chosen by the seed.
    fallback : sequence of str or float
        Answers that count as none.
    budget_s : float

    Raises
    ------
    ModelError
        When the rows lack a column that it needs: no row is at fault then.
    """
    model, features = evidence.model, evidence.feature_columns()
    assert model is not None  # noqa: S101 - checked by the plan
    frame = evidence.drawn(evidence.data, features, rows)
    if not len(frame):
        raise MeasurementError(Problem("there are no rows to ask the model about"))
    model.bare().given(frame[features])  # columns that are not there are no fault of a row
    faults: Counter[str] = Counter()
    deadline, n = time.monotonic() + budget_s, 0
    for place in range(len(frame)):
        if time.monotonic() > deadline:
            break
        n += 1
        try:
            said = evidence.asked(frame.iloc[[place]])
        except ModelError as error:
            faults[_kind(error)] += 1
        else:
            if _is_fallback(said, fallback):
                faults["the answer is one of `fallback`"] += 1
    return Answered(
        n=n,
        wanted=len(frame),
        total=evidence.data.rows,
        lost=faults.total(),
        faults=tuple(faults.most_common(MOST_FAULTS)),
        spent=n < len(frame),
    )


def _kind(error: ModelError) -> str:
    """Return what went wrong without the row it went wrong on: a type of exception, no values."""
    cause = error.__cause__
    if cause is None:
        return "what the model returns is no usable answer"
    return f"the model raises {describe(cause).partition(':')[0]}"


def _is_fallback(said: Prediction, fallback: Sequence[str | float]) -> bool:
    answers = [] if said.scores is None else [float(said.scores[0])]
    answers += [] if said.labels is None else [said.labels[0]]
    return any(_same(answer, each) for answer in answers for each in fallback)


def _same(answer: object, other: str | float) -> bool:
    if isinstance(other, str):
        return str(answer) == other
    return not isinstance(answer, str) and answer == other
