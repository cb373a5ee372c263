"""What a model returned, checked before anyone counts with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.faults import describe, problem
from pytest_aipm.sources.spec import Where

__all__ = ["LARGEST", "checked_labels", "checked_matrix", "checked_scores", "rows_of"]

_NOISE = 1e-9
"""Calibrated probabilities pass 0 and 1 by a rounding error; that much is cut off."""

_SUM = 1e-3
"""Sums of float32 probabilities are off 1 by rounding; more is no distribution."""

LARGEST = 1e50
"""Cubed squares of larger numbers overflow, and moments of losses need them."""


def rows_of(frame: pd.DataFrame) -> str:
    """Return ``rows 1 to 500`` of a batch: its index holds row numbers from 0."""
    first, last = frame.index[0], frame.index[-1]
    if not isinstance(first, int | np.integer):
        return f"a batch of {len(frame):,} rows"
    return f"rows {first + 1:,} to {last + 1:,}"


def checked_scores(
    result: Any,
    frame: pd.DataFrame,
    *,
    said: str,
    column: int | None = None,
    probability: bool = False,
    where: Where | None = None,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return one finite number a row.

    Parameters
    ----------
    result : array-like of shape (n,), (n, 1), or (n, k) with `column`
    frame : DataFrame of shape (n, p)
        The rows the model was given.
    said : str
        What returned the result, for messages.
    column : int, optional
        Which of the k columns holds the scores; the result must then have k > `column` columns.
    probability : bool
        Whether scores must lie in [0, 1].

    Returns
    -------
    ndarray of shape (n,), dtype float64

    Raises
    ------
    ModelError
        When shape, order, type or values are not as they must be.
    """
    array = _as_array(result, frame, said, where)
    if column is not None:
        if array.ndim != 2 or array.shape[1] <= column:
            fix = f"return {len(frame)} rows with one column for each class"
            raise _wrong(f"{said} returned the shape {array.shape}", fix, frame, where)
        array = array[:, column]
    array = _flat(array, frame, said, where)
    if array.dtype.kind in "cmMV":  # a date or a complex number would become one without a word
        fix = "return a number for each row"
        raise _wrong(f"{said} returned values of type {array.dtype}", fix, frame, where)
    try:
        scores = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        what = f"{said} returned no numbers ({describe(error)})"
        raise _wrong(what, "return a number for each row", frame, where) from None
    bad = ~np.isfinite(scores)
    if bad.any():
        what = f"{said} returned NaN or infinity in {_counted(bad)}, first in {_row(frame, bad)}"
        raise _wrong(what, "mend the model, or fill missing features in its pipeline", frame, where)
    bad = np.abs(scores) > LARGEST
    if bad.any():
        what = f"{said} returned {scores[bad][0]:.4g} in {_row(frame, bad)}"
        raise _wrong(what, f"numbers beyond {LARGEST:g} cannot be averaged", frame, where)
    if probability:
        outside = (scores < -_NOISE) | (scores > 1 + _NOISE)
        if outside.any():
            what = (
                f"{said} returned {outside.sum()} scores outside [0, 1], "
                f"first in {_row(frame, outside)}"
            )
            raise _wrong(what, "use output: decision_function", frame, where)
        scores = scores.clip(0.0, 1.0)
    return scores


def checked_matrix(
    result: Any,
    frame: pd.DataFrame,
    *,
    said: str,
    classes: int,
    probability: bool,
    where: Where | None = None,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return one finite number for each row and class.

    Parameters
    ----------
    result : array-like of shape (n, classes); (n,) where two classes share one margin
    frame, said, where
        As in `checked_scores`.
    classes : int
    probability : bool
        Whether each row must be a distribution: numbers in [0, 1] that add up to 1.

    Returns
    -------
    ndarray of shape (n, classes), dtype float64

    Raises
    ------
    ModelError
        When shape, order, type or values are not as they must be.
    """
    array = _as_array(result, frame, said, where)
    if array.ndim == 1 and classes == 2 and not probability:
        array = np.column_stack([-array, array])
    if array.ndim != 2 or array.shape[1] != classes:
        fix = f"return {len(frame)} rows with {classes} columns, one for each class"
        raise _wrong(f"{said} returned the shape {array.shape}", fix, frame, where)
    columns = [
        checked_scores(array[:, i], frame, said=said, probability=probability, where=where)
        for i in range(classes)
    ]
    matrix = np.column_stack(columns)
    if probability:
        off = np.abs(matrix.sum(axis=1) - 1) > _SUM
        if off.any():
            total = matrix.sum(axis=1)[off][0]
            what = (
                f"{said} returned probabilities that add up to {total:.4g}, not 1, in "
                f"{_row(frame, off)}"
            )
            fix = "return a distribution over all classes, or use output: decision_function"
            raise _wrong(what, fix, frame, where)
    return matrix


def checked_labels(
    result: Any, frame: pd.DataFrame, *, said: str, where: Where | None = None
) -> np.ndarray[Any, Any]:
    """Return one label a row, none of them missing.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ModelError
        When shape or order are not as they must be, or a label is missing.
    """
    labels = _flat(_as_array(result, frame, said, where), frame, said, where)
    missing = np.asarray(pd.isna(labels))
    if missing.any():
        what = f"{said} returned {missing.sum()} missing labels, first in {_row(frame, missing)}"
        raise _wrong(what, "return a label for each row", frame, where)
    return labels.copy()  # the next answer may come in the same array


def _as_array(
    result: Any, frame: pd.DataFrame, said: str, where: Where | None
) -> np.ndarray[Any, Any]:
    if isinstance(result, pd.Series | pd.DataFrame) and len(result) == len(frame):
        counted = pd.RangeIndex(len(frame))
        if not result.index.equals(counted) and set(result.index) == set(counted):
            what = f"{said} returned the rows in another order"
            raise _wrong(what, "return them in the order they came in", frame, where)
    if isinstance(result, list) and result and all(np.ndim(each) == 2 for each in result):
        raise _outputs(len(result), said, frame, where)
    try:
        array = np.asarray(result)
    except (TypeError, ValueError) as error:
        what = f"{said} returned no array ({describe(error)})"
        raise _wrong(what, "return one value a row", frame, where) from None
    if array.ndim == 0:
        what = f"{said} returned a single {type(result).__name__}"
        raise _wrong(what, "return one value a row", frame, where)
    if len(array) != len(frame):
        what = f"{said} returned {len(array):,} values for {len(frame):,} rows"
        raise _wrong(what, "return one value a row", frame, where)
    return array


def _flat(
    array: np.ndarray[Any, Any], frame: pd.DataFrame, said: str, where: Where | None
) -> np.ndarray[Any, Any]:
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim == 2 and array.shape[1] > 1:
        raise _outputs(array.shape[1], said, frame, where)
    if array.ndim != 1:
        what = f"{said} returned the shape {array.shape}"
        raise _wrong(what, f"return the shape ({len(frame)},)", frame, where)
    return array


def _outputs(n: int, said: str, frame: pd.DataFrame, where: Where | None) -> ModelError:
    what = f"{said} returned {n} values for each row, but one output is audited at a time"
    return _wrong(what, f"return the shape ({len(frame)},)", frame, where)


def _counted(bad: np.ndarray[Any, Any]) -> str:
    rows = int(bad.sum())
    return f"{rows:,} row{'s' * (rows != 1)}"


def _row(frame: pd.DataFrame, bad: np.ndarray[Any, Any]) -> str:
    first = frame.index[int(np.argmax(bad))]
    return f"row {first + 1:,}" if isinstance(first, int | np.integer) else f"row {first}"


def _wrong(what: str, fix: str, frame: pd.DataFrame, where: Where | None) -> ModelError:
    return ModelError(problem(f"{what} ({rows_of(frame)})", fix, where=where))
