"""From raw predictions to classes and decisions: the one place where signs are decided."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.subject import Subject, group_name
from pytest_aipm.sources.model import Prediction

__all__ = ["best_share", "favorable_mask", "matches", "numeric", "positive_mask", "value_list"]


def best_share(scores: np.ndarray, share: float, *, highest: bool) -> np.ndarray:
    """Return where the k best rows are, ``k = round(share * n)`` but at least one.

    Parameters
    ----------
    scores : float array of shape (n,)
        Scores of all rows.
    share : float
        Share of rows in (0, 1].
    highest : bool
        Whether high scores are best.

    Returns
    -------
    bool array of shape (n,)
        Exactly k rows; ties at the cut go to the earlier row.
    """
    order = np.argsort(-scores if highest else scores, kind="stable")
    chosen = np.zeros(len(scores), dtype=bool)
    chosen[order[: max(1, min(len(scores), round(share * len(scores))))]] = True
    return chosen


def matches(values: np.ndarray | pd.Series[object], wanted: object) -> np.ndarray:
    """Return where `values` equal `wanted`; types that cannot be equal give False."""
    equal = np.asarray(pd.Series(values) == wanted)
    if equal.shape != (len(values),):
        equal = np.zeros(len(values), dtype=bool)
    return equal.astype(bool)


def numeric(values: object, what: str, column: str) -> np.ndarray:
    """Return a column as finite floats of shape (n,).

    Raises
    ------
    DataError
        For text, missing values and infinities, saying which and how many.
    """
    series = pd.Series(values)
    try:
        numbers = pd.to_numeric(series).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        example = next(
            (v for v in series if isinstance(v, str) and not _is_number(v)), series.iloc[0]
        )
        raise DataError(
            Problem(f"{what} column {column!r} is not numeric", _text_hint(example))
        ) from None
    bad = int(np.count_nonzero(~np.isfinite(numbers)))
    if bad:
        first = int(np.flatnonzero(~np.isfinite(numbers))[0])
        row = int(series.index[first]) + 1
        raise DataError(
            Problem(
                f"{what} column {column!r} has {bad} missing or infinite value(s), the first in "
                f"data row {row}",
                "a row without it cannot be judged: fill it or leave such rows out of the data",
            )
        )
    return numbers


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text_hint(example: object) -> str:
    shown = str(example)
    return f"it holds {'text' if len(shown) > 20 else repr(shown)}; name a numeric column"


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
        if prediction.labels is None:
            raise DataError(
                Problem(
                    "scores alone do not say who gets the favorable decision",
                    "add `decision: {threshold: ...}` or `decision: {top_k: ...}` to the subject",
                    path=subject.path,
                )
            )
        return matches(prediction.labels, subject.favorable)
    scores = prediction.scores
    if scores is None:
        raise DataError(
            Problem(
                "the decision rule needs scores, but there are only predicted classes",
                "name a `scores:` column or a model with predict_proba, or remove `decision`",
                path=subject.path,
            )
        )
    assert decision.threshold is not None  # noqa: S101 - the grammar wants one of the two
    _check_scale(subject, scores, decision.threshold)
    if decision.favorable_when == "above":
        return scores >= decision.threshold
    return scores < decision.threshold


def _check_scale(subject: Subject, scores: np.ndarray, threshold: float) -> None:
    """Refuse a probability threshold on scores that are no probabilities."""
    if subject.task != "binary" or not 0 < threshold < 1 or not len(scores):
        return
    lowest, highest = float(scores.min()), float(scores.max())
    if lowest < 0 or highest > 1:
        raise DataError(
            Problem(
                f"scores lie outside [0, 1] (from {lowest:.4g} to {highest:.4g}), but the "
                f"decision threshold {threshold:g} is a probability",
                "give probabilities, or a threshold on the scale of the scores",
                path=subject.path,
            )
        )


def positive_mask(subject: Subject, favorable: np.ndarray) -> np.ndarray:
    """Return where the decision says the positive class, given where it is favorable."""
    return favorable if subject.favors_positive else ~favorable


def value_list(values: set[object]) -> str:
    """Return up to six values as a reader can copy them."""
    shown = sorted((_quoted(value) for value in values), key=str)[:6]
    more = f" and {len(values) - 6} more" if len(values) > 6 else ""
    return ", ".join(shown) + more


def _quoted(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return f'"{value}"' if isinstance(value, str) else group_name(value)
