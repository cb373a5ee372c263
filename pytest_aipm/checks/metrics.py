"""Performance metrics by name: how each is measured overall and in every group.

====================  =========================================================================
shape                 metrics
====================  =========================================================================
rate of counts        accuracy, precision, recall, specificity, selection_rate, ...
function of counts    balanced_accuracy, f1, matthews_corrcoef (bootstrap of the counts)
ranking               roc_auc
bins of scores        ece (debiased)
mean of a row loss    mae, mse, rmse, mape, pinball, log_loss, brier
anything else         scikit-learn metrics by name, ``pkg.module:callable`` (row bootstrap)
====================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.checks.class_metrics import of_classes
from pytest_aipm.checks.effective import counted
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.metric_names import (
    ALIASES,
    BUILT_IN,
    COUNT_METRICS,
    MEAN_METRICS,
    NAMES,
    RATE_METRICS,
    REGRESSION_ONLY,
    MetricParams,
)
from pytest_aipm.checks.paired import paired_areas, paired_means, paired_worst
from pytest_aipm.checks.probabilities import bins_of, reliability_lines
from pytest_aipm.checks.ranked import ndcg
from pytest_aipm.checks.rates import RATES
from pytest_aipm.checks.weighted import weighted
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.callables import Metric, bootstrap_by_group, find_metric, own_metric
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.stats.auc import delong
from pytest_aipm.stats.calibration import CalibrationPart
from pytest_aipm.stats.parts import AucPart, BootstrapPart, MeanPart, Part, RatePart
from pytest_aipm.stats.resampled import jackknife_acceleration

__all__ = ["Measured", "measure"]

DRAWS = 1000
"""Bootstrap replicates of counts: the rank of a 5 % quantile is then right to 0.7 points."""


def measure(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    """Measure a metric in every group of a scope; ``by=()`` is one group of all rows.

    Raises
    ------
    CheckError, DataError
        When the metric does not fit the task or the rows.
    """
    name = ALIASES.get(metric, metric)
    if evidence.subject.task in ("multiclass", "ranking"):
        assert isinstance(params, MetricParams)  # noqa: S101 - they say which class
        if evidence.subject.task == "ranking":
            return ndcg(evidence, name, params)
        return of_classes(evidence, name, params, _measure)
    if name in BUILT_IN:
        fits = "regression" if name in REGRESSION_ONLY else "binary"
        if evidence.subject.task != fits:
            what = f"metric {metric!r} is for the task {fits}, not {evidence.subject.task}"
            raise CheckError(Problem(what, "name another metric"))
    return _measure(evidence, name, params)


def _measure(evidence: Evidence, name: str, params: CheckParams) -> Measured:
    """Measure a metric of two classes, or of numbers."""
    if name in RATE_METRICS:
        return _rate(evidence, name, params)
    if evidence.subject.designed:
        return weighted(evidence, name, params)
    if name in COUNT_METRICS:
        return _of_counts(evidence, name, params)
    if name in _OF_SCORES:
        return _OF_SCORES[name](evidence, params)
    if name in MEAN_METRICS:
        return _mean(evidence, name, params)
    found = own_metric(name, evidence.root) if ":" in name else find_metric(name)
    return _of_rows(evidence, found, params)


def _rate(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    rate = RATES[RATE_METRICS[metric]]
    if rate.needs_label:
        evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    found = counted(evidence, counts, rate, params.confidence)
    numerator, denominator = rate.words(evidence.subject)
    return Measured(
        grouping=counts.grouping,
        parts=[RatePart(float(a), float(b)) for a, b in zip(found.x, found.n, strict=True)],
        sizes=counts.sizes,
        unknown=counts.unknown,
        better=rate.better or "high",
        name=rate.name,
        numerator_words=numerator,
        denominator_words=denominator,
        counts=(found.x, found.n),
        champion=paired_worst(evidence, counts, rate, params.confidence),
        found=found,
        weight=found.weight,
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
        bend = jackknife_acceleration(of.function, cell)
        parts.append(BootstrapPart(value, drawn, n, bend, of.support))
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
    grouping, unknown, parts = evidence.once(
        ("roc_auc", params.by, params.unknown), lambda: _areas(evidence, params)
    )
    return Measured(
        grouping=grouping,
        parts=parts,
        sizes=np.array([int(part.n) for part in parts]),
        unknown=unknown,
        better="high",
        name="ROC AUC",
        numerator_words="pairs in which the positive row scores higher",
        denominator_words="pairs of a positive and a negative row",
        champion=paired_areas(evidence, params),
    )


def _areas(evidence: Evidence, params: CheckParams) -> tuple[Grouping, int, list[AucPart]]:
    scores = evidence.scores(params.by, params.unknown)
    parts = [_auc_part(neg, pos) for neg, pos in scores.bags]
    return scores.grouping, scores.unknown, parts


def _auc_part(neg: ScoreBag, pos: ScoreBag) -> AucPart:
    if neg.n == 0 or pos.n == 0:
        return AucPart(float("nan"), 0.0, float(pos.n), float(neg.n))
    auc, variance = delong(pos.values, neg.values, counts_pos=pos.counts, counts_neg=neg.counts)
    return AucPart(auc, variance, float(pos.n), float(neg.n))


def _mean(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    loss, transform, highest = MEAN_METRICS[metric]
    moments = evidence.moments(loss, params.by, params.unknown)
    if np.isinf(moments.table).any():
        raise DataError(Problem("errors are too large to be summed", "look for wrong numbers"))
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
        name=metric.upper()
        if metric in REGRESSION_ONLY
        else NAMES.get(metric, metric.replace("_", " ")),
        numerator_words=f"sum of {loss.replace('_', ' ')}",
        denominator_words="rows",
        # a root of a mean is no mean of roots, so it has no paired change
        champion=None if transform else paired_means(evidence, loss, params, highest),
    )


def _pinball(evidence: Evidence, params: CheckParams) -> Measured:
    """Weigh what is too low by the quantile, what is too high by the rest; no row is both."""
    assert isinstance(params, MetricParams)  # noqa: S101
    assert params.quantile is not None  # noqa: S101 - its validator asks for one
    quantile = params.quantile
    low = evidence.moments("shortfall", params.by, params.unknown)
    high = evidence.moments("excess", params.by, params.unknown)
    powers = np.arange(4)
    table = quantile**powers * low.table + (1 - quantile) ** powers * high.table
    table[:, 0] = low.table[:, 0]
    if not np.isfinite(table).all():
        raise DataError(Problem("errors are too large to be summed", "look for wrong numbers"))
    return Measured(
        grouping=low.grouping,
        parts=[
            MeanPart(n, one, two, three, limits=(0.0, np.inf))
            for n, one, two, three in table.tolist()
        ],
        sizes=table[:, 0].astype(int),
        unknown=low.unknown,
        better="low",
        name=f"pinball loss of quantile {quantile:g}",
        numerator_words=f"{quantile:g} x what is too low + {1 - quantile:g} x what is too high",
        denominator_words="rows",
    )


def _calibration(evidence: Evidence, params: CheckParams) -> Measured:
    scores = evidence.scores(params.by, params.unknown)
    bins = bins_of(scores)
    names = scores.grouping.names if params.by else ("all rows",)
    return Measured(
        grouping=scores.grouping,
        parts=[CalibrationPart.of(each) for each in bins],
        sizes=np.array([neg.n + pos.n for neg, pos in scores.bags]),
        unknown=scores.unknown,
        better="low",
        name="expected calibration error (debiased)",
        numerator_words="distance of the share of positives from the mean score, by bin of scores",
        denominator_words="rows, in ten bins of about equally many",
        series=reliability_lines(names, bins, params.confidence),
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


_OF_SCORES: Mapping[str, Callable[[Evidence, CheckParams], Measured]] = {
    "roc_auc": _auc,
    "ece": _calibration,
    "pinball": _pinball,
}
