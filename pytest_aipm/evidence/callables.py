"""Metrics that only a function of rows can compute, per group through fairlearn's MetricFrame."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import RowTable

__all__ = ["Metric", "bootstrap_by_group", "find_metric"]

_SCORE_NAMES = ("y_score", "y_proba", "y_prob", "scores", "y_true_score")
_PROBABILITY_METRICS = ("log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score")
_LOW_IS_GOOD = ("_loss", "_error", "_deviance")


@dataclass(frozen=True)
class Metric:
    """A function of (label, prediction or score).

    Attributes
    ----------
    name : str
    function : callable
        ``function(y_true, y_pred)``.
    sign : int
        -1 for scikit-learn's ``neg_`` names.
    wants_score : bool
        Whether the second argument is the score rather than the predicted class.
    better : {"high", "low"}
    """

    name: str
    function: Callable[..., float]
    sign: int
    wants_score: bool
    better: str

    def __call__(self, label: np.ndarray, predicted: np.ndarray) -> float:
        """Return the metric of these rows; NaN where it is undefined there."""
        with warnings.catch_warnings():
            # an undefined value comes back as NaN; the warning would only repeat that
            warnings.simplefilter("ignore")
            try:
                return self.sign * float(self.function(label, predicted))
            except ValueError:
                return float("nan")


def find_metric(name: str) -> Metric:
    """Return the metric called `name`.

    Parameters
    ----------
    name : str
        ``pkg.module:callable``, a scorer name of scikit-learn (``neg_`` included) or the name of
        a function in ``sklearn.metrics``.

    Raises
    ------
    CheckError
        When there is none.
    """
    if ":" in name:
        function = _import(name)
        return Metric(name, function, 1, _wants_score(function), "high")
    import sklearn.metrics  # noqa: PLC0415 - three seconds, only for metrics that need it

    sign = -1 if name.startswith("neg_") else 1
    bare = name.removeprefix("neg_")
    for candidate in (bare, f"{bare}_score", f"{bare}_loss", f"{bare}_coef"):
        function = getattr(sklearn.metrics, candidate, None)
        if callable(function) and _is_metric(function):
            low = candidate.endswith(_LOW_IS_GOOD)
            score = candidate in _PROBABILITY_METRICS or _wants_score(function)
            return Metric(name, function, sign, score, "low" if low and sign > 0 else "high")
    raise CheckError(
        Problem(
            f"unknown metric {name!r}",
            "name one of this check's metrics, a scorer of scikit-learn or pkg.module:callable",
        )
    )


def _import(reference: str) -> Callable[..., float]:
    module_name, _, attribute = reference.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise CheckError(
            Problem(f"metric {reference!r} cannot be imported ({error})", "correct the name")
        ) from None
    if not callable(function):
        raise CheckError(Problem(f"metric {reference!r} is not callable", "name a function"))
    checked: Callable[..., float] = function
    return checked


def _parameters(function: Callable[..., float]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _is_metric(function: Callable[..., float]) -> bool:
    names = _parameters(function)
    return len(names) >= 2 and names[0] == "y_true"


def _wants_score(function: Callable[..., float]) -> bool:
    names = _parameters(function)
    return len(names) >= 2 and names[1] in _SCORE_NAMES


def bootstrap_by_group(
    metric: Metric, table: RowTable, *, draws: int, seed: int
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return each group's value, its bootstrap draws and its rows.

    The values come from fairlearn's MetricFrame; the draws resample the rows of each group by
    themselves, because a bootstrap of the disparity is biased (see `stats.disparity`).

    Returns
    -------
    values : float array of shape (K,)
    draws : list of K float arrays
        NaN where a resample leaves the metric undefined.
    sizes : int array of shape (K,)
    """
    from fairlearn.metrics import MetricFrame  # noqa: PLC0415 - heavy

    second = table.score if metric.wants_score else table.predicted
    if second is None:
        second = table.score
    if table.label is None or second is None:
        raise CheckError(
            Problem(
                f"metric {metric.name!r} needs labels and "
                f"{'scores' if metric.wants_score else 'predictions'}",
                "declare them in the subject",
            )
        )
    label, predicted = np.asarray(table.label), np.asarray(second)
    if predicted.dtype == bool:
        predicted = predicted.astype(np.int64)
    k = len(table.grouping.keys)
    frame = MetricFrame(
        metrics=metric, y_true=label, y_pred=predicted, sensitive_features=table.group
    )
    values = np.array([float(frame.by_group.get(i, np.nan)) for i in range(k)])
    sizes = np.bincount(table.group, minlength=k)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = []
    for i in range(k):
        rows = np.flatnonzero(table.group == i)
        replicates = np.array(
            [
                metric(label[pick], predicted[pick])
                for pick in (rng.choice(rows, size=len(rows)) for _ in range(draws))
            ]
        )
        drawn.append(replicates)
    return values, drawn, sizes
