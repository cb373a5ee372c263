"""Names of performance metrics: what each is measured by, and which evidence it needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from pytest_aipm.checks.base import Needs
from pytest_aipm.checks.classes import ClassParams
from pytest_aipm.checks.rates import RATES
from pytest_aipm.errors import CheckError
from pytest_aipm.evidence.callables import default_of, find_metric

__all__ = [
    "ALIASES",
    "BUILT_IN",
    "COUNT_METRICS",
    "MEAN_METRICS",
    "NAMES",
    "RANKING",
    "RATE_METRICS",
    "REGRESSION_ONLY",
    "MetricParams",
    "is_built_in",
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
    "top_k_accuracy": "top_k_accuracy",
}

NAMES = {"multiclass_brier": "multiclass Brier score"}
"""Names of metrics that are not their key read aloud."""

MEAN_METRICS: dict[str, tuple[str, Literal["sqrt"] | None, float]] = {
    "mae": ("absolute_error", None, np.inf),
    "mse": ("squared_error", None, np.inf),
    "rmse": ("squared_error", "sqrt", np.inf),
    "mape": ("absolute_percentage_error", None, np.inf),
    "log_loss": ("log_loss", None, np.inf),
    "brier": ("brier", None, 1.0),
    "multiclass_brier": ("score", None, 2.0),
}
"""Row loss, what is done to its mean, and the largest mean there can be."""

_OF_CLASSES = "multiclass_brier"
"""What `brier` is called where there are several classes; no policy names it so."""

SCORE_METRICS: dict[str, tuple[str, ...]] = {
    "roc_auc": (),
    "ece": (),
    "pinball": ("shortfall", "excess"),
    **{name: (loss,) for name, (loss, _, _) in MEAN_METRICS.items() if name != _OF_CLASSES},
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

MACRO = ("balanced_accuracy", "recall", "precision", "f1", "roc_auc")
"""Metrics of two classes whose mean over all classes is measured."""

OF_ALL_CLASSES = (
    "accuracy",
    "balanced_accuracy",
    "matthews_corrcoef",
    "log_loss",
    "brier",
    "top_k_accuracy",
)
"""Metrics that speak of all classes at once."""

RANKING = re.compile(r"ndcg(@[1-9][0-9]*)?")
"""Of a ranking: the whole of each query, or its first places."""

BUILT_IN = {*RATE_METRICS, *COUNT_METRICS, *SCORE_METRICS}


def is_built_in(metric: str) -> bool:
    """Return whether a metric is measured here, whatever the task."""
    known = ALIASES.get(metric, metric)
    return known in BUILT_IN or RANKING.fullmatch(metric) is not None


class MetricParams(ClassParams):
    """Which metric."""

    metric: str
    """Name of the metric, or ``pkg.module:callable``."""
    quantile: float | None = Field(default=None, gt=0, lt=1)
    """Which quantile the predictions are of, for `pinball`."""
    average: Literal["macro"] | None = None
    """Of a multiclass task: the mean over all classes, each against the rest."""
    k: int | None = Field(default=None, ge=1)
    """Among how many classes the true one must be, for `top_k_accuracy`."""

    @field_validator("metric")
    @classmethod
    def _known(cls, value: str) -> str:
        if ":" not in value and not is_built_in(value):
            try:
                find_metric(value)
            except CheckError as error:
                raise ValueError(f"names an {error.problems[0]}") from None
        return value

    @model_validator(mode="after")
    def _told(self) -> Self:
        name = ALIASES.get(self.metric, self.metric)
        if name == "pinball" and self.quantile is None:
            raise ValueError("`pinball` needs the `quantile` that is predicted, such as 0.9")
        if self.quantile is not None and name != "pinball":
            raise ValueError(f"`quantile` belongs to the metric pinball, not to {self.metric!r}")
        if name == "top_k_accuracy" and self.k is None:
            raise ValueError("`top_k_accuracy` needs `k`: among how many classes, such as 3")
        if self.k is not None and name != "top_k_accuracy":
            raise ValueError(f"`k` belongs to the metric top_k_accuracy, not to {self.metric!r}")
        if self.average is not None and self.class_ is not None:
            raise ValueError("`class` and `average` exclude each other; keep one")
        if self.average is not None and name not in MACRO:
            raise ValueError(f"{self.metric!r} has no macro mean; one of {', '.join(MACRO)} has")
        return self

    def unfit(  # noqa: PLR0911 - one return a reason
        self, task: str, *, favorable: bool
    ) -> tuple[str, str] | None:
        """Return why the metric does not fit a task, and what to write instead."""
        name = ALIASES.get(self.metric, self.metric)
        if (RANKING.fullmatch(self.metric) is not None) != (task == "ranking"):
            if task == "ranking":
                what = f"metric {self.metric!r} does not judge a ranking"
                return what, "use ndcg, or ndcg@10 for the first ten places"
            what = f"metric {self.metric!r} judges a ranking, but the task is {task}"
            return what, "name another metric"
        other = super().unfit(task, favorable=favorable)
        if other is not None:
            return other
        if task != "multiclass":
            fits = "regression" if name in REGRESSION_ONLY else "binary"
            if name in BUILT_IN and name != "top_k_accuracy" and task != fits:
                what = f"metric {self.metric!r} is for the task {fits}, not {task}"
                return what, "name another metric"
            if self.average is not None:
                return f"'average' is for several classes, but the task is {task}", "remove it"
            if name == "top_k_accuracy":
                what = f"metric 'top_k_accuracy' is for several classes, but the task is {task}"
                return what, "name another metric"
            return None
        return self._unfit_for_classes(name, favorable=favorable)

    def _unfit_for_classes(  # noqa: PLR0911 - one return a reason
        self, name: str, *, favorable: bool
    ) -> tuple[str, str] | None:
        if name in REGRESSION_ONLY:
            return f"metric {self.metric!r} is for numbers, not for classes", "name another metric"
        if self.class_ is not None:
            if name == "top_k_accuracy":
                return "'top_k_accuracy' speaks of all classes at once", "remove 'class'"
            return None
        if name in OF_ALL_CLASSES or self.average is not None or ":" in name:
            return None
        if name == "selection_rate" and favorable:
            return None
        if name not in BUILT_IN:
            return _of_two_classes(name)
        means = " or `average: macro`" if name in MACRO else ""
        return (
            f"metric {self.metric!r} speaks of one class, and there are several",
            f"add `class: NAME`{means}",
        )


def _of_two_classes(name: str) -> tuple[str, str] | None:
    """Return why a metric of scikit-learn takes no labels of several classes."""
    found = find_metric(name)
    if found.wants_score:
        what = f"metric {name!r} takes one score a row, and there are several classes"
        return what, "add `class: NAME`"
    if default_of(found.function, "average") == "binary":
        return f"metric {name!r} is for two classes", f"write {name}_macro, or add `class: NAME`"
    return None


def range_of_metric(metric: str, *, all_classes: bool = False) -> tuple[float, float]:
    """Return the lowest and the highest value of a metric; infinite where nobody knows.

    `all_classes`: of a multiclass task, without a class.
    """
    metric = ALIASES.get(metric, metric)
    if RANKING.fullmatch(metric) is not None or metric == "top_k_accuracy":
        return 0.0, 1.0
    if metric in COUNT_METRICS:
        return COUNT_METRICS[metric].support
    if metric == "brier" and all_classes:
        return 0.0, 2.0
    if metric in MEAN_METRICS:
        return 0.0, MEAN_METRICS[metric][2]
    if metric == "pinball":
        return 0.0, np.inf
    known = metric in RATE_METRICS or metric in ("roc_auc", "ece")
    return (0.0, 1.0) if known else (-np.inf, np.inf)


def needs_of_metric(  # noqa: PLR0911 - one return a kind of metric
    metric: str, *, macro: bool = False
) -> Needs:
    """Return the evidence a metric needs; a metric of the project's own is not imported for it.

    `macro`: the mean over the classes of a multiclass task.
    """
    metric = ALIASES.get(metric, metric)
    if RANKING.fullmatch(metric) is not None:
        return Needs(label=True, scores=True, rows=True)
    if metric == "top_k_accuracy":
        return Needs(label=True, scores=True)
    if metric == "roc_auc" and macro:
        return Needs(label=True, scores=True, rows=True)
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
