"""From raw predictions to classes and decisions: the one place where signs are decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.sample import row_keys
from pytest_aipm.evidence.subject import Classes, Subject
from pytest_aipm.sources.model import Prediction
from pytest_aipm.sources.typed import is_number

__all__ = [
    "best_share",
    "best_within",
    "decidable",
    "drawn_by_lot",
    "favorable_mask",
    "matches",
    "numeric",
    "positive_mask",
    "refuse_beyond",
    "refuse_missing",
]


LARGEST = 1e50
"""Sums of cubed squares of more than this are infinite."""


def best_share(
    scores: np.ndarray,
    share: float,
    *,
    highest: bool,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Return where the k best rows are, ``k = round(share * n)`` but at least one.

    A share of 1 or more is k itself; with fewer rows all of them are best.

    With weights k is the number of rows whose weight comes nearest to that share of all weight:
    the cut that the model would make among the people whom the rows stand for.

    Parameters
    ----------
    scores : float array of shape (n,)
        Scores of all rows.
    share : float
        Share of rows in (0, 1), or how many rows.
    highest : bool
        Whether high scores are best.
    weights : float array of shape (n,), optional
        Rows without weight are no rows where weights count.

    Returns
    -------
    bool array of shape (n,)
        Exactly k rows. Among rows that share the score at the cut a lot decides, always the same
        one: rows are often sorted by group, and the earlier ones would all be of one.
    """
    n = len(scores)
    order = np.lexsort((row_keys(np.arange(n), seed=0), -scores if highest else scores))
    chosen = np.zeros(n, dtype=bool)
    wanted = round(share * n) if share < 1 else int(share)
    if weights is not None and share < 1 and n and weights.min() < weights.max():
        order = order[weights[order] > 0]
        reached = np.cumsum(weights[order])
        wanted = int(np.argmin(np.abs(reached - share * reached[-1]))) + 1
    chosen[order[: max(1, min(n, wanted))]] = True
    return chosen


def best_within(
    scores: np.ndarray, query: np.ndarray, lot: np.ndarray, k: float, *, highest: bool
) -> np.ndarray:
    """Return where the best rows of each query are.

    Parameters
    ----------
    scores : float array of shape (n,)
    query : int array of shape (n,)
        Number of the query that each row belongs to.
    lot : array of shape (n,)
        Decides among rows of one query that share a score.
    k : float
        Below 1 a share of the query's rows, at least one; else how many. A query with fewer rows
        has all of them chosen.
    highest : bool
        Whether high scores are best.

    Returns
    -------
    bool array of shape (n,)
    """
    order = np.lexsort((lot, -scores if highest else scores, query))
    sizes = np.bincount(query)
    place = np.empty(len(scores), dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    place[order] = np.arange(len(scores)) - np.repeat(starts, sizes)
    wanted = np.maximum(np.round(k * sizes), 1) if k < 1 else np.full(len(sizes), int(k))
    return np.asarray(place < wanted[query])


def drawn_by_lot(scores: np.ndarray, chosen: np.ndarray) -> tuple[int, int]:
    """Return how many rows share the score at the cut, and how many of them are chosen.

    Both are 0 where all of them, or none, are chosen: then no lot was drawn.
    """
    shared = np.intersect1d(scores[chosen], scores[~chosen])
    at_cut = np.isin(scores, shared)
    return int(at_cut.sum()), int((at_cut & chosen).sum())


def matches(values: np.ndarray | pd.Series[Any], wanted: object) -> np.ndarray:
    """Return where `values` equal `wanted`, or one of some `Classes`.

    Types that cannot be equal give False.
    """
    if isinstance(wanted, Classes):
        codes, found = pd.factorize(pd.Series(values), use_na_sentinel=True)
        hit = np.array([*(value in wanted.values for value in found), False], dtype=bool)
        return np.asarray(hit[codes])
    if values.dtype.kind in "biuf" and isinstance(values.dtype, np.dtype) and _number(wanted):
        same: np.ndarray = np.asarray(values) == wanted
        return same
    return np.asarray(pd.Series(values) == wanted).astype(bool)


def _number(value: object) -> bool:
    return isinstance(value, bool | int | float | np.number | np.bool_)


def numeric(values: pd.Series[Any], what: str, column: str) -> np.ndarray:
    """Return a column as finite floats of shape (n,).

    Raises
    ------
    DataError
        For text, dates, missing values, infinities and what cannot be summed, saying how many.
    """
    try:
        # as text, a date does not become its nanoseconds, nor a complex number its real part
        plain = values.astype(str) if values.dtype.kind in "cmM" else values
        numbers = pd.to_numeric(plain).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(
            Problem(f"{what} column {column!r} is not numeric", _text_hint(values))
        ) from None
    which = f"{what} column {column!r}"
    _refuse_rows(~np.isfinite(numbers), values, which, "missing or infinite")
    _refuse_rows(np.abs(numbers) > LARGEST, values, which, "astronomic")
    return numbers


def refuse_missing(values: pd.Series[Any], what: str, column: str) -> None:
    """Raise DataError when a column has missing values, saying how many and where."""
    _refuse_rows(values.isna().to_numpy(), values, f"{what} column {column!r}", "missing")


def _refuse_rows(bad: np.ndarray, values: pd.Series[Any], which: str, how: str) -> None:
    if not bad.any():
        return
    row = int(values.index[int(np.argmax(bad))]) + 1
    raise DataError(
        Problem(
            f"{which} has {int(bad.sum())} {how} value(s), the first in data row {row}",
            "a row without it cannot be judged: fill it or leave such rows out of the data",
        )
    )


def _text_hint(values: pd.Series[Any]) -> str:
    """Return what the column holds instead of numbers; long texts may be personal."""
    example = next((str(v) for v in values if isinstance(v, str) and not is_number(v)), None)
    shown = "no numbers" if example is None else repr(example) if len(example) <= 20 else "text"
    return f"it holds {shown}; name a numeric column"


def decidable(subject: Subject, prediction: Prediction) -> bool:
    """Return whether a prediction holds what the decision rule reads."""
    return (prediction.labels if subject.decision is None else prediction.scores) is not None


def favorable_mask(subject: Subject, prediction: Prediction) -> np.ndarray:
    """Return where the decision is favorable, for every rule but ``top_k``.

    Parameters
    ----------
    subject : Subject
    prediction : Prediction
        Scores and labels of a batch of n rows.

    Returns
    -------
    bool array of shape (n,)

    Raises
    ------
    DataError
        When scores come without a rule, or do not fit the threshold's scale.
    """
    decision = subject.decision
    if decision is None:
        if subject.favorable is None:
            raise DataError(
                subject.problem(
                    "favorable",
                    "no class is favorable, so nobody gets a favorable decision",
                    "list the good classes under `favorable` in the subject",
                )
            )
        if prediction.labels is None:
            raise DataError(
                subject.problem(
                    "scores",
                    "scores alone do not say who gets the favorable decision",
                    "add `decision: {threshold: ...}` or `decision: {top_k: ...}` to the subject",
                )
            )
        return matches(prediction.labels, subject.favorable)
    scores = prediction.scores
    if scores is None:
        raise DataError(
            subject.problem(
                "decision",
                "the decision rule needs scores, but there are only predicted classes",
                "name a `scores:` column or a model with predict_proba, or remove `decision`",
            )
        )
    assert decision.threshold is not None  # noqa: S101 - the grammar wants one of the two
    _check_scale(subject, scores, decision.threshold)
    if decision.favorable_when == "above":
        return np.asarray(scores >= decision.threshold)
    return np.asarray(scores < decision.threshold)


def _check_scale(subject: Subject, scores: np.ndarray, threshold: float) -> None:
    """Refuse a probability threshold on scores that are no probabilities."""
    if subject.task != "binary" or not 0 < threshold < 1 or not len(scores):
        return
    lowest, highest = float(scores.min()), float(scores.max())
    if lowest < 0 or highest > 1:
        raise DataError(
            subject.problem(
                "decision",
                f"scores lie outside [0, 1] (from {lowest:.4g} to {highest:.4g}), but the "
                f"decision threshold {threshold:g} is a probability",
                "give probabilities, or a threshold on the scale of the scores",
            )
        )


def refuse_beyond(subject: Subject, lowest: float, highest: float) -> None:
    """Refuse a threshold that no probability can reach, when all scores look like probabilities."""
    decision = subject.decision
    if subject.task != "binary" or decision is None or decision.threshold is None:
        return
    if not 0 <= decision.threshold <= 1 and lowest >= 0 and highest <= 1:
        raise DataError(
            subject.problem(
                "decision",
                f"the decision threshold {decision.threshold:g} is no probability, but all scores "
                "lie in [0, 1], so everyone gets the same decision",
                "write the threshold on the scale of the scores: 0.5, not 50",
            )
        )


def positive_mask(subject: Subject, favorable: np.ndarray) -> np.ndarray:
    """Return where the decision says the positive class, given where it is favorable."""
    return favorable if subject.favors_positive else ~favorable
