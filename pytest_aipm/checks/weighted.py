"""Metrics that are no rates under weights, or with several rows of one person.

====================  =========================================================================
function of counts    the cells' totals drawn with their linearised covariance
ranking               weighted placements, their influence summed by person
mean of a row loss    the mean of its effective number of rows
anything else         bootstrap of people, `sample_weight` handed to the function
====================  =========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri, stdtrit

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.checks.effective import level_of
from pytest_aipm.checks.measured import Measured
from pytest_aipm.checks.metric_names import (
    COUNT_METRICS,
    MEAN_METRICS,
    NAMES,
    REGRESSION_ONLY,
)
from pytest_aipm.checks.summed import Scope, placements_of, positives_in, scores_in
from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.callables import bootstrap_by_group, find_metric, own_metric
from pytest_aipm.evidence.design import Design
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupRows
from pytest_aipm.evidence.losses import LOSSES
from pytest_aipm.evidence.rowsums import Sums, SumsOf
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.tally import Rows
from pytest_aipm.stats.effective import kish_size
from pytest_aipm.stats.parts import BootstrapPart, MeanPart, Part

__all__ = ["GroupedRows", "mean_parts", "weighted"]

DRAWS = 1000


@dataclass(frozen=True)
class GroupedRows:
    """Rows of a scope with their weights, group by group."""

    rows: GroupRows

    @cached_property
    def weights(self) -> np.ndarray:
        """Weight of each row, shape (n,); ones where only people are declared."""
        own = self.rows.weight
        return np.ones(len(self.rows.group)) if own is None else own

    @property
    def sizes(self) -> np.ndarray:
        """Rows of each group, shape (K,)."""
        return np.bincount(self.rows.group, minlength=len(self.rows.grouping.keys))

    @property
    def stands(self) -> np.ndarray:
        """Weight of each group, shape (K,)."""
        k = len(self.rows.grouping.keys)
        return np.bincount(self.rows.group, weights=self.weights, minlength=k)

    @property
    def people(self) -> np.ndarray | None:
        """People of each group, shape (K,); None where each row is one."""
        if self.rows.person is None:
            return None
        return np.array(
            [int(unit.max(initial=-1)) + 1 for _, _, unit in self.parts if unit is not None]
        )

    @cached_property
    def parts(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """Each group's places, weights, and number of the person that each row is of."""
        order = np.argsort(self.rows.group, kind="stable")
        person, found = self.rows.person, []
        for own in np.split(order, np.cumsum(self.sizes)[:-1]):
            unit = None if person is None else np.unique(person[own], return_inverse=True)[1]
            found.append((own, self.weights[own], unit))
        return found


def weighted(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    """Measure a metric that is no rate in every group of a scope.

    Parameters
    ----------
    evidence : Evidence
        With weights or a column of people.
    metric : str
        As `metrics.measure` resolves it.
    params : CheckParams

    Raises
    ------
    CheckError, DataError
        When the metric does not fit the rows, or takes no weights.
    """
    if metric in ("ece", "pinball"):
        what = f"metric {metric!r} takes no weights and no repeated people"
        raise DataError(
            Problem(what, "name another metric, or audit without `weights` and `cluster`")
        )
    if metric in COUNT_METRICS:
        return _of_counts(evidence, metric, params)
    if metric == "roc_auc":
        return _auc(evidence, params)
    if metric in MEAN_METRICS:
        return _mean(evidence, metric, params)
    found = own_metric(metric, evidence.root) if ":" in metric else find_metric(metric)
    rows = evidence.rows(params.by, params.unknown)
    values, draws, _ = bootstrap_by_group(found, rows, params.seed)
    grouped = GroupedRows(rows)
    return Measured(
        grouping=rows.grouping,
        parts=[
            BootstrapPart(float(value), drawn, kish_size(weight, unit))
            for value, drawn, (_, weight, unit) in zip(values, draws, grouped.parts, strict=True)
        ],
        sizes=grouped.sizes,
        unknown=rows.unknown,
        better=found.better,
        name=found.name,
        numerator_words=f"{found.name} of labels and "
        + ("scores" if found.wants_score else "predictions"),
        weight=grouped.stands,
        people=grouped.people,
    )


def _of_counts(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    evidence.require_both_classes()
    counts = evidence.counts(params.by, params.unknown)
    assert counts.design is not None  # noqa: S101 - there are weights or people
    of = COUNT_METRICS[metric]
    totals = counts.design.weight.sum(axis=3)
    spread, units, sizes = _covariance(counts.design)
    alpha = level_of(params.confidence, len(totals))
    parts: list[Part] = []
    for i, name in enumerate(counts.grouping.names):
        rng = generator(params.seed, name)
        total = totals[i].reshape(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            # a square root by eigenvalues, whose rounding below 0 is none
            values, vectors = np.linalg.eigh(spread[i])
            root = vectors * np.sqrt(np.maximum(values, 0.0))
            wider = float(stdtrit(max(units[i] - 1, 1), 1 - alpha) / -ndtri(alpha))
            moved = wider * rng.standard_normal((DRAWS, 4)) @ root.T
            drawn = np.maximum(total + moved, 0.0).reshape(-1, 2, 2)
            value, draws = float(of.function(totals[i])), of.function(drawn)
        parts.append(BootstrapPart(value, draws, float(sizes[i]), support=of.support))
    return Measured(
        grouping=counts.grouping,
        parts=parts,
        sizes=counts.sizes,
        unknown=counts.unknown,
        better="high",
        name=metric.replace("_", " "),
        numerator_words=of.numerator,
        denominator_words=of.denominator,
        weight=totals.sum(axis=(1, 2)),
        people=counts.people,
    )


def _covariance(design: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the covariance (K, 4, 4) of the totals by label and decision, units, Kish's sizes."""
    shape = design.weight.shape[1:]
    cells = np.eye(4).reshape(4, 2, 2, 1) * np.ones(shape)
    everywhere = np.ones(design.weight.shape)
    z = [np.broadcast_to(cell, design.weight.shape) for cell in cells]
    total = np.array([(design.weight * each).sum(axis=(1, 2, 3)) for each in z])
    product = np.array([[design.product(one, two) for two in z] for one in z])
    units = design.units(np.ones(shape, dtype=bool))
    known = np.maximum(units, 1)
    spread = product - total[:, None] * total[None, :] / known
    spread = spread * np.where(units > 1, units / np.maximum(units - 1, 1), 0.0)
    size = total.sum(axis=0) ** 2 / np.maximum(design.product(everywhere, everywhere), 1e-300)
    return spread.transpose(2, 0, 1), units, size


def _auc(evidence: Evidence, params: CheckParams) -> Measured:
    evidence.require_both_classes()
    evidence.require_scores()
    grouping = evidence.grouping(params.by, params.unknown)
    placements = placements_of(evidence, grouping)

    def value(rows: Rows) -> np.ndarray:
        return placements.off(scores_in(rows), positives_in(rows), grouping.numbers(rows))

    sums = evidence.over_rows(SumsOf(value, positives_in), Sums())
    found = Scope.of(evidence, grouping, sums, np.zeros(len(grouping.keys)))
    alpha = level_of(params.confidence, len(grouping.keys))
    return Measured(
        grouping=grouping,
        parts=[found.area(i, placements.areas[i], alpha) for i in range(len(grouping.keys))],
        sizes=found.sizes,
        unknown=found.unknown,
        better="high",
        name="ROC AUC",
        numerator_words="weight of pairs in which the positive row scores higher",
        denominator_words="weight of pairs of a positive and a negative row",
        weight=found.stands,
        people=found.people,
    )


def mean_parts(
    evidence: Evidence, loss: str, params: CheckParams, part: MeanPart
) -> tuple[Scope, list[MeanPart]]:
    """Return the mean of a row loss in every group of a scope.

    Parameters
    ----------
    evidence : Evidence
    loss : str
        Key of `LOSSES`.
    params : CheckParams
    part : MeanPart
        Whose transform and limits are kept.

    Raises
    ------
    DataError
        Without scores, and where the loss of a row is undefined.
    """
    evidence.require_scores()
    grouping = evidence.grouping(params.by, params.unknown)

    def value(rows: Rows) -> np.ndarray:
        label = np.full(len(rows.cells), np.nan) if rows.label is None else rows.label.astype(float)
        return LOSSES[loss](label, scores_in(rows))

    sums = evidence.once(("weighted mean", loss), lambda: evidence.over_rows(SumsOf(value), Sums()))
    if np.isnan(sums.table).any():
        what = f"scores lie outside [0, 1], so {loss.replace('_', ' ')} is undefined"
        raise DataError(Problem(what, "give probabilities, or judge the ranking by roc_auc"))
    found = Scope.of(evidence, grouping, sums)
    alpha = level_of(params.confidence, len(grouping.keys))
    return found, [found.mean(i, alpha, part) for i in range(len(grouping.keys))]


def _mean(evidence: Evidence, metric: str, params: CheckParams) -> Measured:
    loss, transform, highest = MEAN_METRICS[metric]
    blank = MeanPart(0.0, 0.0, 0.0, 0.0, transform, (0.0, highest))
    found, parts = mean_parts(evidence, loss, params, blank)
    if any(not np.isfinite(part.sum3) for part in parts):
        raise DataError(Problem("errors are too large to be summed", "look for wrong numbers"))
    return Measured(
        grouping=found.grouping,
        parts=parts,
        sizes=found.sizes,
        unknown=found.unknown,
        better="low",
        name=metric.upper()
        if metric in REGRESSION_ONLY
        else NAMES.get(metric, metric.replace("_", " ")),
        numerator_words=f"weighted sum of {loss.replace('_', ' ')}",
        denominator_words="weights",
        weight=found.stands,
        people=found.people,
    )
