"""Performance metrics by name: how each is measured overall and in every group.

====================  =========================================================================
shape                 metrics
====================  =========================================================================
rate of counts        accuracy, precision, recall, specificity, selection_rate, ...
function of counts    balanced_accuracy, f1, matthews_corrcoef (bootstrap of the counts)
ranking               roc_auc
mean of a row loss    mae, mse, rmse, mape, log_loss, brier
anything else         scikit-learn metrics by name, ``pkg.module:callable`` (row bootstrap)
====================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import field_validator

from pytest_aipm.checks.base import CheckParams, Comparison, Needs
from pytest_aipm.checks.paired import paired_worst
from pytest_aipm.checks.rates import RATES
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.callables import Metric, bootstrap_by_group, find_metric, own_metric
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.parts import AucPart, BootstrapPart, MeanPart, Part, RatePart

__all__ = ["Measured", "MetricParams", "measure", "needs_of_metric"]

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

REGRESSION_ONLY = {"mae", "mse", "rmse", "mape"}
DRAWS = 1000
"""Bootstrap replicates of counts: the rank of a 5 % quantile is then right to 0.7 points."""


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

BUILT_IN = {*RATE_METRICS, *MEAN_METRICS, *COUNT_METRICS, "roc_auc"}


class MetricParams(CheckParams):
    """Which metric."""

    metric: str
    """Name of the metric, or ``pkg.module:callable``."""

    @field_validator("metric")
    @classmethod
    def _known(cls, value: str) -> str:
        if ":" not in value and ALIASES.get(value, value) not in BUILT_IN:
            try:
                find_metric(value)
            except CheckError as error:
                raise ValueError(f"names an {error.problems[0]}") from None
        return value


@dataclass(frozen=True)
class Measured:
    """A metric in every group of a scope.

    Attributes
    ----------
    grouping : Grouping
    parts : sequence of Part
        One estimate a group.
    sizes : int array of shape (K,)
        Rows of each group.
    unknown : int
        Rows without a group.
    better : str
        Which end is good, ``high`` or ``low``.
    name : str
        The metric's name.
    numerator_words, denominator_words : str
        What it counts.
    counts : (events, rows) or None
        Arrays of shape (K,), for rates.
    champion : Comparison or None
        The most harmful change of a group's rate against a champion on the same rows.
    """

    grouping: Grouping
    parts: Sequence[Part]
    sizes: np.ndarray
    unknown: int
    better: str
    name: str
    numerator_words: str = ""
    denominator_words: str = ""
    counts: tuple[np.ndarray, np.ndarray] | None = None
    champion: Comparison | None = None


def needs_of_metric(metric: str) -> Needs:
    """Return the evidence a metric needs; a metric of the project's own is not imported for it."""
    metric = ALIASES.get(metric, metric)
    if metric in RATE_METRICS:
        return Needs(predictions=True, label=RATES[RATE_METRICS[metric]].needs_label)
    if metric in COUNT_METRICS:
        return Needs(predictions=True, label=True)
    if metric == "roc_auc":
        return Needs(label=True, scores=True)
    if metric in MEAN_METRICS:
        return Needs(label=True, scores=True, losses=frozenset({MEAN_METRICS[metric][0]}))
    if ":" in metric:
        return Needs(label=True, rows=True)
    by_score = find_metric(metric).wants_score
    return Needs(predictions=not by_score, label=True, scores=by_score, rows=True)


def measure(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    """Measure a metric in every group of a scope; ``by=()`` is one group of all rows.

    Raises
    ------
    CheckError, DataError
        When the metric does not fit the task or the rows.
    """
    name = ALIASES.get(metric, metric)
    if name in BUILT_IN:
        fits = "regression" if name in REGRESSION_ONLY else "binary"
        if evidence.subject.task != fits:
            what = f"metric {metric!r} is for the task {fits}, not {evidence.subject.task}"
            raise CheckError(Problem(what, "name another metric"))
    if name in RATE_METRICS:
        return _rate(evidence, name, params)
    if name in COUNT_METRICS:
        return _of_counts(evidence, name, params)
    if name == "roc_auc":
        return _auc(evidence, params)
    if name in MEAN_METRICS:
        return _mean(evidence, name, params)
    found = own_metric(name, evidence.root) if ":" in name else find_metric(name)
    return _of_rows(evidence, found, params)


def _rate(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    rate = RATES[RATE_METRICS[metric]]
    if rate.needs_label:
        evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    x, n = rate.counts(counts.table, evidence.subject)
    numerator, denominator = rate.words(evidence.subject)
    return Measured(
        grouping=counts.grouping,
        parts=[RatePart(float(a), float(b)) for a, b in zip(x, n, strict=True)],
        sizes=counts.sizes,
        unknown=counts.unknown,
        better=rate.better or "high",
        name=rate.name,
        numerator_words=numerator,
        denominator_words=denominator,
        counts=(x, n),
        champion=paired_worst(evidence, counts, rate, params.confidence),
    )


def _of_counts(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    """Resample the counts: a multinomial draw of the table is the bootstrap of the rows."""
    evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    of = COUNT_METRICS[metric]
    parts: list[Part] = []
    for name, cell in zip(counts.grouping.names, counts.table.sum(axis=3), strict=True):
        n, rng = int(cell.sum()), generator(params.seed, name)
        draws = rng.multinomial(n, cell.reshape(-1) / n, size=DRAWS).reshape(-1, 2, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            value, drawn = float(of.function(cell)), of.function(draws)
        parts.append(BootstrapPart(value, drawn, n, support=of.support))
    return Measured(
        grouping=counts.grouping,
        parts=parts,
        sizes=counts.sizes,
        unknown=counts.unknown,
        better="high",
        name=metric.replace("_", " "),
        numerator_words=of.numerator,
        denominator_words=of.denominator,
    )


def _auc(evidence: Evidence, params: CheckParams) -> Measured:
    evidence.require_both_classes()
    scores = evidence.scores(params.by, params.unknown)
    return Measured(
        grouping=scores.grouping,
        parts=[_auc_part(neg, pos) for neg, pos in scores.bags],
        sizes=np.array([neg.n + pos.n for neg, pos in scores.bags]),
        unknown=scores.unknown,
        better="high",
        name="ROC AUC",
        numerator_words="pairs in which the positive row scores higher",
        denominator_words="pairs of a positive and a negative row",
    )


def _auc_part(neg: ScoreBag, pos: ScoreBag) -> AucPart:
    if neg.n == 0 or pos.n == 0:
        return AucPart(float("nan"), 0.0, float(pos.n), float(neg.n))
    auc, variance = delong(pos.values, neg.values, counts_pos=pos.counts, counts_neg=neg.counts)
    return AucPart(auc, variance, float(pos.n), float(neg.n))


def _mean(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    loss, transform, highest = MEAN_METRICS[metric]
    moments = evidence.moments(loss, params.by, params.unknown)
    if np.isnan(moments.table).any():
        what = f"scores lie outside [0, 1], so {metric.replace('_', ' ')} is undefined"
        raise DataError(Problem(what, "give probabilities, or judge the ranking by roc_auc"))
    return Measured(
        grouping=moments.grouping,
        parts=[
            MeanPart(n, one, two, three, transform=transform, limits=(0.0, highest))
            for n, one, two, three in moments.table.tolist()
        ],
        sizes=moments.table[:, 0].astype(int),
        unknown=moments.unknown,
        better="low",
        name=metric.upper() if metric in REGRESSION_ONLY else metric.replace("_", " "),
        numerator_words=f"sum of {loss.replace('_', ' ')}",
        denominator_words="rows",
    )


def _of_rows(evidence: Evidence, metric: Metric, params: CheckParams) -> Measured:
    rows = evidence.rows(params.by, params.unknown)
    values, draws, sizes = bootstrap_by_group(metric, rows, params.seed)
    return Measured(
        grouping=rows.grouping,
        parts=[
            BootstrapPart(float(value), drawn, int(n))
            for value, drawn, n in zip(values, draws, sizes, strict=True)
        ],
        sizes=sizes,
        unknown=rows.unknown,
        better=metric.better,
        name=metric.name,
        numerator_words=f"{metric.name} of labels and "
        + ("scores" if metric.wants_score else "predictions"),
    )
