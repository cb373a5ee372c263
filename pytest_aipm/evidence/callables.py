"""Metrics that only a function of rows can compute, per group through fairlearn's MetricFrame."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path

import numpy as np

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.groups import GroupRows
from pytest_aipm.evidence.sample import generator
from pytest_aipm.sources.factory import importable

__all__ = ["Metric", "bootstrap_by_group", "default_of", "find_metric", "own_metric"]

DRAWS = (400, 200)
"""Most and fewest resamples of a group's rows; many groups share four times the fewest.

The rank of a 5 % quantile is right to 1.1 points with 400 and to 1.5 with 200. A call of
scikit-learn costs about two milliseconds, however few the rows.
"""

RESAMPLED = 20_000
"""Most rows of one resample; metrics of more rows are normal enough to be scaled."""

_SCORE_NAMES = ("y_score", "y_proba", "y_prob", "pred_decision", "scores")
_PROBABILITY_METRICS = ("log_loss", "d2_log_loss_score", "d2_brier_score")
_AVERAGES = ("macro", "micro", "weighted")
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
    sign: int = 1
    wants_score: bool = False
    better: str = "high"

    def _value(self, label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None) -> float:
        told = {} if weight is None else {"sample_weight": weight}
        return self.sign * float(self.function(label, predicted, **told))

    def __call__(
        self,
        label: np.ndarray,
        predicted: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ) -> float:
        """Return the metric of these rows; NaN where they cannot define it.

        Raises
        ------
        CheckError
            When the function raises although the rows hold two labels, or returns no number.
        """
        try:
            return self._value(label, predicted, sample_weight)
        except UserWarning:
            return float("nan")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also what leaves a program or a test
            if isinstance(error, ValueError) and len(np.unique(label)) < 2:
                return float("nan")
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CheckError(
                Problem(
                    f"metric {self.name!r} cannot be computed ({what})",
                    "name a function of labels and predictions that returns one number",
                )
            ) from error

    def resampled(
        self, label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None
    ) -> float:
        """Return the metric of a resample; NaN where it is undefined there."""
        try:
            return self._value(label, predicted, weight)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - it worked on the rows themselves
            return float("nan")


def find_metric(name: str) -> Metric:
    """Return the metric that scikit-learn knows as `name`.

    Parameters
    ----------
    name : str
        A scorer's name (``neg_`` included) or that of a function in ``sklearn.metrics``.

    Raises
    ------
    CheckError
        When there is none.
    """
    negative = name.startswith("neg_")
    bare = name.removeprefix("neg_")
    base, _, average = bare.rpartition("_")
    for candidate in (bare, f"{bare}_score", f"{bare}_loss"):
        function = _published(candidate)
        if function is not None:
            low = candidate.endswith(_LOW_IS_GOOD) and not negative
            score = candidate in _PROBABILITY_METRICS or _wants_score(function)
            return Metric(name, function, -1 if negative else 1, score, "low" if low else "high")
    function = _published(f"{base}_score") if average in _AVERAGES else None
    if function is not None and not _wants_score(function):
        return Metric(name, partial(function, average=average))
    raise CheckError(
        Problem(
            f"unknown metric {name!r}",
            "name one of this check's metrics, a scorer of scikit-learn or pkg.module:callable",
        )
    )


def _published(name: str) -> Callable[..., float] | None:
    """Return a function of labels and predictions that scikit-learn publishes, or None."""
    import sklearn.metrics  # noqa: PLC0415 - three seconds, only for metrics that need it

    function = getattr(sklearn.metrics, name, None)
    return function if callable(function) and _parameters(function)[:1] == ["y_true"] else None


def own_metric(reference: str, root: Path) -> Metric:
    """Return the project's own metric ``pkg.module:callable``, found from `root`.

    It takes labels and predictions, or scores when its second parameter is called ``y_score``.

    Raises
    ------
    CheckError
        When it cannot be imported or is no function.
    """
    module, _, attribute = reference.partition(":")
    try:
        with importable(root):
            function = reduce(getattr, attribute.split("."), importlib.import_module(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also what leaves a program or a test
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise CheckError(
            Problem(f"metric {reference!r} cannot be imported ({what})", "correct the name")
        ) from error
    if not callable(function):
        raise CheckError(Problem(f"metric {reference!r} is not callable", "name a function"))
    return Metric(reference, function, wants_score=_wants_score(function))


def _parameters(function: Callable[..., float]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def default_of(function: Callable[..., float], name: str) -> object:
    """Return the default of a function's parameter; None where it has none."""
    try:
        parameter = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):
        return None
    return None if parameter is None or parameter.default is parameter.empty else parameter.default


def _wants_score(function: Callable[..., float]) -> bool:
    return len(names := _parameters(function)) > 1 and names[1] in _SCORE_NAMES


def bootstrap_by_group(
    metric: Metric, rows: GroupRows, seed: int
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return each group's value, its bootstrap draws and its rows.

    The values come from fairlearn's MetricFrame; the draws resample the rows of each group by
    themselves, because a bootstrap of the disparity is biased (see `stats.disparity`). They depend
    on the rows of the group and the seed, not on the order of rows or on other groups.

    Returns
    -------
    values : float array of shape (K,)
    draws : list of K float arrays
        NaN where a resample leaves the metric undefined.
    sizes : int array of shape (K,)
    """
    from fairlearn.metrics import MetricFrame  # noqa: PLC0415 - heavy

    label, predicted = _arguments(metric, rows)
    weight, person = rows.weight, rows.person
    k = len(rows.grouping.keys)
    draws = int(np.clip(4 * DRAWS[1] // k, DRAWS[1], DRAWS[0]))
    with _quiet():
        frame = MetricFrame(
            metrics=metric,
            y_true=label,
            y_pred=predicted,
            sensitive_features=rows.group,
            sample_params=None if weight is None else {"sample_weight": weight},
        )
        values = np.array([float(frame.by_group.get(i, np.nan)) for i in range(k)])
        drawn = []
        for i, name in enumerate(rows.grouping.names):
            own = rows.group == i
            rng = generator(seed, name)
            kept = [None if each is None else each[own] for each in (weight, person)]
            drawn.append(
                _resamples(metric, label[own], predicted[own], (kept[0], kept[1]), draws, rng)
            )
    return values, drawn, np.bincount(rows.group, minlength=k)


def _resamples(
    metric: Metric,
    label: np.ndarray,
    predicted: np.ndarray,
    design: tuple[np.ndarray | None, np.ndarray | None],
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the metric of resampled rows, or of all rows of resampled people, shape (count,).

    Beyond `RESAMPLED` rows smaller resamples are drawn and their spread about their median is
    shrunk to that of whole ones (the m out of n bootstrap of a root-n statistic, Bickel, Goetze
    and van Zwet 1997).
    """
    weight, person = design
    keys = [each for each in (weight, predicted, label) if each is not None]
    order = np.lexsort(keys)
    label, predicted = label[order], predicted[order]
    weight = None if weight is None else weight[order]
    n = len(label)
    unit = None if person is None else np.unique(person[order], return_inverse=True)[1]
    units = n if unit is None else int(unit.max()) + 1
    size = max(1, min(units, RESAMPLED * units // n))

    def picks() -> Iterator[np.ndarray]:
        for _ in range(count):
            drawn = rng.integers(units, size=size)
            if unit is None:
                yield drawn
            else:
                yield np.repeat(np.arange(n), np.bincount(drawn, minlength=units)[unit])

    draws = np.array(
        [
            metric.resampled(label[pick], predicted[pick], None if weight is None else weight[pick])
            for pick in picks()
        ]
    )
    if size == units:
        return draws
    middle = metric.resampled(label, predicted, weight)
    return np.asarray(middle + (draws - np.nanmedian(draws)) * np.sqrt(size / units))


def _arguments(metric: Metric, rows: GroupRows) -> tuple[np.ndarray, np.ndarray]:
    second, label = rows.score if metric.wants_score else rows.predicted, rows.label
    if rows.label_class is not None and not metric.wants_score:
        label, second = rows.label_class, rows.predicted_class
    if label is None or second is None:
        raise CheckError(
            Problem(
                f"metric {metric.name!r} needs labels and "
                f"{'scores' if metric.wants_score else 'predictions'}",
                "declare them in the subject",
            )
        )
    if rows.weight is not None and "sample_weight" not in _parameters(metric.function):
        raise CheckError(
            Problem(
                f"metric {metric.name!r} takes no `sample_weight`, so weights cannot be heeded",
                "name a metric that does, or give the function such a parameter",
            )
        )
    if rows.label_class is not None and not metric.wants_score:
        return _as_written(label, second)
    return label, second.astype(np.int64) if second.dtype == bool else second


def _as_written(label: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return classes as the function's own type: texts as texts, numbers as numbers."""
    both = np.array([*label.tolist(), *predicted.tolist()], dtype=object)
    if all(isinstance(value, str) for value in both):
        both = both.astype(str)
    elif all(isinstance(value, int | float) for value in both):
        both = np.array(both.tolist())
    return both[: len(label)], both[len(label) :]


@contextmanager
def _quiet() -> Iterator[None]:
    """Ask scikit-learn for numbers only; where it warns that it made one up, it raises instead."""
    import sklearn  # noqa: PLC0415 - heavy
    from sklearn.exceptions import UndefinedMetricWarning  # noqa: PLC0415

    with (
        warnings.catch_warnings(),
        sklearn.config_context(assume_finite=True, skip_parameter_validation=True),
    ):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", UndefinedMetricWarning)
        warnings.filterwarnings("error", message="No positive class")
        yield
