"""Names of performance metrics: what each is measured by, and which evidence it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from pytest_aipm.checks.base import CheckParams, Needs
from pytest_aipm.checks.rates import RATES
from pytest_aipm.errors import CheckError
from pytest_aipm.evidence.callables import find_metric

__all__ = [
    "ALIASES",
    "BUILT_IN",
    "COUNT_METRICS",
    "MEAN_METRICS",
    "RATE_METRICS",
    "REGRESSION_ONLY",
    "MetricParams",
    "needs_of_metric",
    "range_of_metric",
]

RATE_METRICS = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "true_positive_rate",
    "sensitivity": "true_positive_rate",
    "true_positive_rate": "true_positive_rate",
    "specificity": "true_negative_rate",
    "true_negative_rate": "true_negative_rate",
    "false_positive_rate": "false_positive_rate",
    "false_negative_rate": "false_negative_rate",
    "selection_rate": "selection_rate",
}

MEAN_METRICS: dict[str, tuple[str, Literal["sqrt"] | None, float]] = {
    "mae": ("absolute_error", None, np.inf),
    "mse": ("squared_error", None, np.inf),
    "rmse": ("squared_error", "sqrt", np.inf),
    "mape": ("absolute_percentage_error", None, np.inf),
    "log_loss": ("log_loss", None, np.inf),
    "brier": ("brier", None, 1.0),
}
"""Row loss, what is done to its mean, and the largest mean there can be."""

SCORE_METRICS: dict[str, tuple[str, ...]] = {
    "roc_auc": (),
    "ece": (),
    "pinball": ("shortfall", "excess"),
    **{name: (loss,) for name, (loss, _, _) in MEAN_METRICS.items()},
}
"""Metrics of scores or predicted numbers, and the row losses they sum."""

ALIASES = {
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "brier_score_loss": "brier",
    "f1_score": "f1",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_error": "mse",
    "precision_score": "precision",
    "recall_score": "recall",
    "roc_auc_score": "roc_auc",
    "root_mean_squared_error": "rmse",
}
"""scikit-learn's names of functions that are measured here."""

REGRESSION_ONLY = {"mae", "mse", "rmse", "mape", "pinball"}


def _balanced_accuracy(table: np.ndarray) -> np.ndarray:
    tnr = table[..., 0, 0] / table[..., 0, :].sum(axis=-1)
    tpr = table[..., 1, 1] / table[..., 1, :].sum(axis=-1)
    return np.asarray((tnr + tpr) / 2)


def _f1(table: np.ndarray) -> np.ndarray:
    tp = table[..., 1, 1]
    return np.asarray(2 * tp / (2 * tp + table[..., 0, 1] + table[..., 1, 0]))


def _matthews(table: np.ndarray) -> np.ndarray:
    counts = table.astype(float)
    (tn, fp), (fn, tp) = np.moveaxis(counts, (-2, -1), (0, 1))
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.asarray((tp * tn - fp * fn) / scale)


@dataclass(frozen=True)
class CountMetric:
    """A function of tables (..., label, decision), undefined where it divides 0 by 0."""

    function: Callable[[np.ndarray], np.ndarray]
    numerator: str
    denominator: str
    support: tuple[float, float] = (0.0, 1.0)


COUNT_METRICS = {
    "balanced_accuracy": CountMetric(
        _balanced_accuracy, "true positive rate + true negative rate", "2"
    ),
    "f1": CountMetric(
        _f1,
        "2 x true positives",
        "2 x true positives + false positives + false negatives",
    ),
    "matthews_corrcoef": CountMetric(
        _matthews,
        "true positives x true negatives - false positives x false negatives",
        "root of the product of the four margins",
        (-1.0, 1.0),
    ),
}

BUILT_IN = {*RATE_METRICS, *COUNT_METRICS, *SCORE_METRICS}


class MetricParams(CheckParams):
    """Which metric."""

    metric: str
    """Name of the metric, or ``pkg.module:callable``."""
    quantile: float | None = Field(default=None, gt=0, lt=1)
    """Which quantile the predictions are of, for `pinball`."""

    @field_validator("metric")
    @classmethod
    def _known(cls, value: str) -> str:
        if ":" not in value and ALIASES.get(value, value) not in BUILT_IN:
            try:
                find_metric(value)
            except CheckError as error:
                raise ValueError(f"names an {error.problems[0]}") from None
        return value

    @model_validator(mode="after")
    def _of_a_quantile(self) -> Self:
        named = ALIASES.get(self.metric, self.metric) == "pinball"
        if named and self.quantile is None:
            raise ValueError("`pinball` needs the `quantile` that is predicted, such as 0.9")
        if self.quantile is not None and not named:
            raise ValueError(f"`quantile` belongs to the metric pinball, not to {self.metric!r}")
        return self


def range_of_metric(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest value of a metric; infinite where nobody knows."""
    metric = ALIASES.get(metric, metric)
    if metric in COUNT_METRICS:
        return COUNT_METRICS[metric].support
    if metric in MEAN_METRICS:
        return 0.0, MEAN_METRICS[metric][2]
    if metric == "pinball":
        return 0.0, np.inf
    known = metric in RATE_METRICS or metric in ("roc_auc", "ece")
    return (0.0, 1.0) if known else (-np.inf, np.inf)


def needs_of_metric(metric: str) -> Needs:
    """Return the evidence a metric needs; a metric of the project's own is not imported for it."""
    metric = ALIASES.get(metric, metric)
    if metric in RATE_METRICS:
        return Needs(predictions=True, label=RATES[RATE_METRICS[metric]].needs_label)
    if metric in COUNT_METRICS:
        return Needs(predictions=True, label=True)
    if metric in SCORE_METRICS:
        return Needs(label=True, scores=True, losses=frozenset(SCORE_METRICS[metric]))
    if ":" in metric:
        return Needs(label=True, rows=True)
    by_score = find_metric(metric).wants_score
    return Needs(predictions=not by_score, label=True, scores=by_score, rows=True)
