"""Metrics by which a model and what could stand in its place are compared on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_aipm.checks.metric_names import COUNT_METRICS
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.baselines import Said
from pytest_aipm.evidence.losses import LOSSES
from pytest_aipm.evidence.sample import generator
from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.differences import (
    RateGap,
    area_gap,
    counts_gap,
    explained_gap,
    loss_gap,
    root_gap,
)
from pytest_aipm.stats.parts import Part

__all__ = ["METRICS", "Metric", "Name", "compared", "value_of"]

Name = Literal[
    "accuracy",
    "balanced_accuracy",
    "brier",
    "f1",
    "log_loss",
    "mae",
    "matthews_corrcoef",
    "mse",
    "precision",
    "r2",
    "recall",
    "rmse",
    "roc_auc",
    "specificity",
]


@dataclass(frozen=True)
class Metric:
    """A metric, what it asks for, and how it is called.

    ``asks`` is ``decisions``, ``scores`` (any order), ``chances`` or ``numbers``.
    """

    asks: Literal["decisions", "scores", "chances", "numbers"]
    title: str
    low: bool = False
    """Whether a low value is good."""


METRICS: dict[Name, Metric] = {
    "accuracy": Metric("decisions", "accuracy"),
    "balanced_accuracy": Metric("decisions", "balanced accuracy"),
    "brier": Metric("chances", "Brier score", low=True),
    "f1": Metric("decisions", "F1"),
    "log_loss": Metric("chances", "log loss", low=True),
    "mae": Metric("numbers", "mean absolute error", low=True),
    "matthews_corrcoef": Metric("decisions", "Matthews correlation"),
    "mse": Metric("numbers", "mean squared error", low=True),
    "precision": Metric("decisions", "precision"),
    "r2": Metric("numbers", "R²"),
    "recall": Metric("decisions", "recall"),
    "rmse": Metric("numbers", "root mean squared error", low=True),
    "roc_auc": Metric("scores", "ROC AUC"),
    "specificity": Metric("decisions", "specificity"),
}

_WHOSE: dict[str, float | None] = {"accuracy": None, "recall": 1.0, "specificity": 0.0}
"""Rates of rows that decisions do not choose, and the label of those rows."""

_LOSS = {"mae": "absolute_error", "mse": "squared_error", "rmse": "squared_error"}


def _precision(table: np.ndarray) -> np.ndarray:
    return np.asarray(table[..., 1, 1] / table[..., :, 1].sum(axis=-1))


def compared(name: Name, label: np.ndarray, model: Said, other: Said, seed: int) -> Part:
    """Return how much better the model's metric is than the other's, with its bounds.

    Parameters
    ----------
    name : str
        Key of `METRICS`.
    label : float array of shape (n,)
        1 for the positive class, or numbers.
    model, other : Said
    seed : int
        Of a bootstrap.

    Raises
    ------
    DataError
        When scores lie where the metric is undefined, or errors are too large.
    """
    if METRICS[name].asks == "decisions":
        return _of_decisions(name, label, _decisions(model), _decisions(other), seed)
    first, second = _scores(model), _scores(other)
    if name == "roc_auc":
        return area_gap(first, second, label > 0)
    if name == "r2":
        squares = [_losses("mse", label, each) for each in (first, second)]
        return explained_gap(label, *squares)
    losses = [_losses(name, label, each) for each in (first, second)]
    return root_gap(*losses) if name == "rmse" else loss_gap(*losses)


def value_of(name: Name, label: np.ndarray, said: Said) -> float:
    """Return the metric itself; nan where it is undefined."""
    if METRICS[name].asks == "decisions":
        positive = _decisions(said)
        if name in _WHOSE:
            rows = _rows(name, label)
            return float((positive == (label > 0))[rows].mean()) if rows.any() else np.nan
        counts = np.bincount(2 * (label > 0) + positive, minlength=4).reshape(2, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(_function(name)(counts))
    score = _scores(said)
    if name == "roc_auc":
        positive = label > 0
        return float(delong(score[positive], score[~positive])[0])
    if name == "r2":
        spread = float(((label - label.mean()) ** 2).mean())
        return 1 - float(_losses("mse", label, score).mean()) / spread if spread > 0 else np.nan
    mean = float(_losses(name, label, score).mean())
    return float(np.sqrt(mean)) if name == "rmse" else mean


def _of_decisions(
    name: Name, label: np.ndarray, model: np.ndarray, other: np.ndarray, seed: int
) -> Part:
    positive = label > 0
    if name in _WHOSE:
        rows = _rows(name, label)
        right, also = (each[rows] == positive[rows] for each in (model, other))
        gained, lost = int((right & ~also).sum()), int((also & ~right).sum())
        return RateGap(float(gained), float(lost), float(rows.sum()))
    cell = 4 * positive + 2 * model + other
    table = np.bincount(cell, minlength=8).reshape(2, 2, 2)
    width = 2.0 if name == "matthews_corrcoef" else 1.0
    return counts_gap(_function(name), table, generator(seed, "baseline"), (-width, width))


def _function(name: Name) -> Callable[[np.ndarray], np.ndarray]:
    return _precision if name == "precision" else COUNT_METRICS[name].function


def _rows(name: Name, label: np.ndarray) -> np.ndarray:
    wanted = _WHOSE[name]
    return np.ones(len(label), dtype=bool) if wanted is None else (label > 0) == (wanted > 0)


def _losses(name: Name, label: np.ndarray, score: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        found = LOSSES[_LOSS.get(name, name)](label, score)
        total = float((found**3).sum())
    if np.isnan(found).any():
        what = f"scores lie outside [0, 1], so {METRICS[name].title} is undefined"
        raise DataError(Problem(what, "give probabilities, or compare by roc_auc"))
    if not np.isfinite(total):
        raise DataError(Problem("errors are too large to be summed", "look for wrong numbers"))
    return found


def _decisions(said: Said) -> np.ndarray:
    assert said.positive is not None  # noqa: S101 - the check looked for what its metric asks
    return said.positive


def _scores(said: Said) -> np.ndarray:
    assert said.score is not None  # noqa: S101
    return said.score
