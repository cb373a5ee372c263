"""Row losses: one number a row, whose moments are summed per group.

Means of these are the metrics that need neither sorting nor resampling: MAE, MSE (and RMSE as its
square root), Brier score, log loss, mean prediction, mean label, mean residual.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["LOSSES", "moments"]

Loss = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _absolute_error(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    return np.abs(score - label)


def _squared_error(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    return np.square(score - label)


def _absolute_percentage_error(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    # scikit-learn's guard: the smallest double stands in for a true value of zero
    return np.abs(score - label) / np.maximum(np.abs(label), np.finfo(float).eps)


def _log_loss(label: np.ndarray, score: np.ndarray) -> np.ndarray:
    # scikit-learn clips by the machine epsilon of the score's type
    clipped = np.clip(score, np.finfo(float).eps, 1 - np.finfo(float).eps)
    return -(label * np.log(clipped) + (1 - label) * np.log1p(-clipped))


def _score(label: np.ndarray, score: np.ndarray) -> np.ndarray:  # noqa: ARG001
    return score


def _label(label: np.ndarray, score: np.ndarray) -> np.ndarray:  # noqa: ARG001
    return label


LOSSES: dict[str, Loss] = {
    "absolute_error": _absolute_error,
    "squared_error": _squared_error,
    "absolute_percentage_error": _absolute_percentage_error,
    "log_loss": _log_loss,
    "score": _score,
    "label": _label,
}
"""Losses by name: (label, score) of shape (n,) to loss of shape (n,)."""


def moments(values: np.ndarray, cells: np.ndarray, n_cells: int) -> np.ndarray:
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
