"""Row losses: one number a row, whose moments are summed per group.

Means of these are the metrics that need neither sorting nor resampling: MAE, MSE (and RMSE as its
square root), MAPE, Brier score, log loss, mean score.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOSSES", "Loss", "moments"]

Array = NDArray[np.float64]
Loss = Callable[[Array, Array], Array]

_EPS = float(np.finfo(float).eps)


def _absolute_error(label: Array, score: Array) -> Array:
    return np.abs(score - label)


def _squared_error(label: Array, score: Array) -> Array:
    return np.square(score - label)


def _absolute_percentage_error(label: Array, score: Array) -> Array:
    # scikit-learn's guard: the smallest relative step stands in for a true value of zero
    return np.asarray(np.abs(score - label) / np.maximum(np.abs(label), _EPS))


def _brier(label: Array, score: Array) -> Array:
    return np.where(_probability(score), np.square(score - label), np.nan)


def _log_loss(label: Array, score: Array) -> Array:
    # scikit-learn clips by the machine epsilon of the score's type
    clipped = np.clip(score, _EPS, 1 - _EPS)
    loss = -(label * np.log(clipped) + (1 - label) * np.log1p(-clipped))
    return np.where(_probability(score), loss, np.nan)


def _probability(score: Array) -> NDArray[np.bool_]:
    return np.asarray((score >= 0) & (score <= 1))


def _margin(label: Array, score: Array) -> Array:
    """Return how far the score of a 0/1 label points the wrong way."""
    return np.where(label > 0, -score, score)


def _calibration(label: Array, score: Array) -> Array:
    """Return how far a probability falls short of what came true; its mean is that in the large."""
    return np.where(_probability(score), label - score, np.nan)


def _shortfall(label: Array, score: Array) -> Array:
    return np.maximum(label - score, 0.0)


def _excess(label: Array, score: Array) -> Array:
    return np.maximum(score - label, 0.0)


def _score(label: Array, score: Array) -> Array:
    del label
    return score


LOSSES: dict[str, Loss] = {
    "absolute_error": _absolute_error,
    "squared_error": _squared_error,
    "absolute_percentage_error": _absolute_percentage_error,
    "brier": _brier,
    "log_loss": _log_loss,
    "margin": _margin,
    "score": _score,
    "calibration": _calibration,
    "shortfall": _shortfall,
    "excess": _excess,
}
"""Losses by name: (label, score) of shape (n,) to loss of shape (n,).

NaN where the loss is undefined: a Brier score, log loss or calibration of what is no probability.
"""


def moments(values: Array, cells: np.ndarray, n_cells: int) -> Array:
    """Return n, Σv, Σv² and Σv³ of each cell.

    Parameters
    ----------
    values : float array of shape (n,)
    cells : int array of shape (n,)
    n_cells : int

    Returns
    -------
    float array of shape (n_cells, 4)
    """
    powers = [np.ones_like(values), values, values**2, values**3]
    columns = [np.bincount(cells, weights=power, minlength=n_cells) for power in powers]
    return np.column_stack(columns)
