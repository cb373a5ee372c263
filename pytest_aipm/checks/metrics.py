"""Performance metrics by name: how each is measured overall and in every group.

====================  =========================================================================
shape                 metrics
====================  =========================================================================
rate of counts        accuracy, precision, recall, specificity, selection_rate, ...
function of counts    balanced_accuracy, f1 (multinomial bootstrap of the counts)
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

from pytest_aipm.checks.base import Needs
from pytest_aipm.checks.rates import RATES
from pytest_aipm.evidence.callables import Metric, bootstrap_by_group, find_metric
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.parts import AucPart, BootstrapPart, MeanPart, Part, RatePart

__all__ = ["Measured", "better", "measure", "needs_of_metric"]

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

MEAN_METRICS: dict[str, tuple[str, Literal["sqrt"] | None]] = {
    "mae": ("absolute_error", None),
    "mse": ("squared_error", None),
    "rmse": ("squared_error", "sqrt"),
    "mape": ("absolute_percentage_error", None),
    "log_loss": ("log_loss", None),
    "brier": ("squared_error", None),
}

BINARY_ONLY = {*RATE_METRICS, "balanced_accuracy", "f1", "roc_auc", "log_loss", "brier"}
REGRESSION_ONLY = {"mae", "mse", "rmse", "mape"}
DRAWS = 1000
"""Bootstrap replicates: the Monte-Carlo error of a 5 % quantile is then about 0.7 points of rank."""


def _balanced_accuracy(table: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        tnr = table[..., 0, 0] / table[..., 0, :].sum(axis=-1)
        tpr = table[..., 1, 1] / table[..., 1, :].sum(axis=-1)
    balanced: np.ndarray = (tnr + tpr) / 2
    return balanced


def _f1(table: np.ndarray) -> np.ndarray:
    tp = table[..., 1, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        f1: np.ndarray = 2 * tp / (2 * tp + table[..., 0, 1] + table[..., 1, 0])
    return f1


COUNT_METRICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
}


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
    numerator, denominator : sequence or None
        Counts, for rates.
    better : {"high", "low"}
        Which end is good.
    name, words : str
        The metric's name, and what it counts.
    champion : (numerator, discordant new, discordant old) or None
        For rates with a champion: counts of shape (K,), see `stats.paired.tango`.
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
    champion: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None


def better(metric: str) -> str:
    """Return whether ``high`` or ``low`` values of a metric are good."""
    if metric in RATE_METRICS:
        return RATES[RATE_METRICS[metric]].better or "high"
    if metric in MEAN_METRICS:
        return "low"
    if metric in COUNT_METRICS or metric == "roc_auc":
        return "high"
    return find_metric(metric).better


def needs_of_metric(metric: str) -> Needs:
    """Return the evidence a metric needs."""
    if metric in RATE_METRICS:
        label = RATES[RATE_METRICS[metric]].needs_label
        return Needs(predictions=True, label=label)
    if metric in COUNT_METRICS:
        return Needs(predictions=True, label=True)
    if metric == "roc_auc":
        return Needs(label=True, scores=True)
    if metric in MEAN_METRICS:
        loss, _ = MEAN_METRICS[metric]
        scores = metric in BINARY_ONLY
        return Needs(label=True, scores=scores, losses=frozenset({loss}))
    found = find_metric(metric)
    return Needs(predictions=not found.wants_score, label=True, scores=found.wants_score, rows=True)


def measure(
    evidence: Evidence, metric: str, by: tuple[str, ...], unknown: Unknown, seed: int
) -> Measured:
    """Measure a metric in every group of a scope; ``by=()`` is one group of all rows."""
    if metric in RATE_METRICS:
        return _rate(evidence, metric, by, unknown)
    if metric in COUNT_METRICS:
        return _of_counts(evidence, metric, by, unknown, seed)
    if metric == "roc_auc":
        return _auc(evidence, by, unknown)
    if metric in MEAN_METRICS:
        return _mean(evidence, metric, by, unknown)
    return _callable(evidence, find_metric(metric), by, unknown, seed)


def _rate(evidence: Evidence, metric: str, by: tuple[str, ...], unknown: Unknown) -> Measured:
    rate = RATES[RATE_METRICS[metric]]
    if rate.needs_label:
        evidence.require_both_classes()
    counts = evidence.counts(by, unknown)
    x, n = rate.counts(counts.table, evidence.subject)
    champion = None
    if counts.table.shape[3] == 2 and rate.fixed_denominator:
        champion = _discordant(counts.table, rate.id, evidence)
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
        champion=champion,
    )


def _discordant(
    table: np.ndarray, rate_id: str, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return denominators and the rows where only the new, only the old model counts."""
    rate, subject = RATES[rate_id], evidence.subject
    x_new, n = rate.counts(table, subject)
    x_old, _ = rate.counts(table.swapaxes(2, 3), subject)
    both = np.zeros_like(table[:, :, :, 0])
    both[:, :, 0], both[:, :, 1] = table[:, :, 0, 0], table[:, :, 1, 1]
    agree, _ = rate.counts(both, subject)
    return n, x_new - agree, x_old - agree


def _of_counts(
    evidence: Evidence, metric: str, by: tuple[str, ...], unknown: Unknown, seed: int
) -> Measured:
    """Resample the counts: a multinomial draw of the table is the bootstrap of the rows."""
    evidence.require_both_classes()
    counts = evidence.counts(by, unknown)
    function = COUNT_METRICS[metric]
    table = counts.table.sum(axis=3)
    rng = np.random.Generator(np.random.PCG64(seed))
    parts: list[Part] = []
    for cell in table:
        n = int(cell.sum())
        if n == 0:
            parts.append(BootstrapPart(float("nan"), np.empty(0), 0, support=(0.0, 1.0)))
            continue
        draws = rng.multinomial(n, cell.reshape(-1) / n, size=DRAWS).reshape(-1, 2, 2)
        parts.append(
            BootstrapPart(float(function(cell)), function(draws), n, support=(0.0, 1.0))
        )
    return Measured(
        grouping=counts.grouping,
        parts=parts,
        sizes=counts.sizes,
        unknown=counts.unknown,
        better="high",
        name=metric.replace("_", " "),
    )


def _auc(evidence: Evidence, by: tuple[str, ...], unknown: Unknown) -> Measured:
    evidence.require_both_classes()
    groups, bags, outside = evidence.score_bags(by, unknown)
    sizes = np.array([neg.n + pos.n for neg, pos in bags])
    parts = [_auc_part(neg, pos) for neg, pos in bags]
    return Measured(
        grouping=groups,
        parts=parts,
        sizes=sizes,
        unknown=outside,
        better="high",
        name="ROC AUC",
        numerator_words=f"pairs in which the {evidence.subject.positive} row scores higher",
        denominator_words="pairs of a positive and a negative row",
    )


def _auc_part(neg: ScoreBag, pos: ScoreBag) -> AucPart:
    if neg.n == 0 or pos.n == 0:
        return AucPart(float("nan"), 0.0, float(pos.n), float(neg.n))
    auc, variance = delong(
        pos.values, neg.values, counts_pos=pos.counts, counts_neg=neg.counts
    )
    return AucPart(auc, variance, float(pos.n), float(neg.n))


def _mean(evidence: Evidence, metric: str, by: tuple[str, ...], unknown: Unknown) -> Measured:
    loss, transform = MEAN_METRICS[metric]
    moments = evidence.moments(loss, by, unknown)
    parts = [
        MeanPart(*map(float, row), transform=transform, limits=(0.0, np.inf))
        for row in moments.table
    ]
    return Measured(
        grouping=moments.grouping,
        parts=parts,
        sizes=moments.table[:, 0].astype(int),
        unknown=moments.unknown,
        better="low",
        name=metric.upper() if metric in REGRESSION_ONLY else metric.replace("_", " "),
        numerator_words=f"sum of {loss.replace('_', ' ')}",
        denominator_words="rows",
    )


def _callable(
    evidence: Evidence, metric: Metric, by: tuple[str, ...], unknown: Unknown, seed: int
) -> Measured:
    table = evidence.rows(by, unknown)
    values, draws, sizes = bootstrap_by_group(metric, table, draws=DRAWS, seed=seed)
    parts = [
        BootstrapPart(value, drawn, int(n))
        for value, drawn, n in zip(values, draws, sizes, strict=True)
    ]
    return Measured(
        grouping=table.grouping,
        parts=parts,
        sizes=sizes,
        unknown=table.unknown,
        better=metric.better,
        name=metric.name,
    )
