"""What other thresholds would give: how good the model is against how many people it favors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pytest_aipm.evidence.decide import matches
from pytest_aipm.evidence.evidence import Evidence

__all__ = ["METRICS", "Frontier", "frontier"]

STEPS = 24
"""Thresholds: quantiles of the scores, so that every step moves about as many rows."""

Counts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""True and false positives, false and true negatives, at each threshold."""


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = np.where(whole > 0, part / whole, np.nan)
    return found


METRICS: dict[str, Callable[..., np.ndarray]] = {
    "accuracy": lambda tp, fp, fn, tn: _ratio(tp + tn, tp + fp + fn + tn),
    "balanced_accuracy": lambda tp, fp, fn, tn: (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2,
    "precision": lambda tp, fp, fn, tn: _ratio(tp, tp + fp),  # noqa: ARG005
    "recall": lambda tp, fp, fn, tn: _ratio(tp, tp + fn),  # noqa: ARG005
    "f1": lambda tp, fp, fn, tn: _ratio(2 * tp, 2 * tp + fp + fn),  # noqa: ARG005
}


@dataclass(frozen=True, eq=False)
class Frontier:
    """A metric at many thresholds, from few people favored to many.

    Attributes
    ----------
    selected, metric : float array
        Share of rows with the favorable decision, and the metric.
    between : int array
        Rows that this threshold decides otherwise than the one before.
    chosen : float
        The share of the policy's own threshold.
    """

    selected: np.ndarray
    metric: np.ndarray
    between: np.ndarray
    chosen: float


def frontier(evidence: Evidence, metric: str) -> Frontier | None:
    """Return the frontier; None where no threshold decides, or labels or scores are not there.

    Parameters
    ----------
    evidence : Evidence
    metric : str
        One of `METRICS`, of the positive class.
    """
    subject = evidence.subject
    decision = subject.decision
    if subject.task != "binary" or decision is None or decision.threshold is None:
        return None
    if subject.label is None or subject.designed:
        return None
    scores = evidence.said().scores
    if scores is None:
        return None
    label, known = _labels(evidence, subject.label)
    scores, label = scores[known], label[known]
    if not label.any() or label.all():
        return None
    cuts = np.quantile(scores, np.linspace(0, 1, STEPS), method="inverted_cdf")
    cuts = np.union1d(cuts, [decision.threshold])
    above = decision.favorable_when == "above"
    order = np.argsort(scores, kind="stable")
    positives = np.concatenate([[0], np.cumsum(label[order])])
    below = np.searchsorted(scores[order], cuts, side="left")
    n, all_positive = len(scores), int(label.sum())
    # of the rows at or above each cut, and of those below it
    high = (all_positive - positives[below], (n - below) - (all_positive - positives[below]))
    low = (positives[below], below - positives[below])
    favored = n - below if above else below
    said = high if above == subject.favors_positive else low
    rest = low if above == subject.favors_positive else high
    values = METRICS[metric](said[0], said[1], rest[0], rest[1])
    chosen = int(np.searchsorted(cuts, decision.threshold))
    way = np.arange(len(cuts))[::-1] if above else np.arange(len(cuts))
    selected, between = favored[way], np.diff(favored[way], prepend=0)
    kept = (between > 0) & np.isfinite(values[way])
    return Frontier(
        selected[kept] / n, values[way][kept], between[kept], float(favored[chosen] / n)
    )


def _labels(evidence: Evidence, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where the label is positive, and where it is known."""
    positive, known = [], []
    for batch in evidence.data.batches([column]):
        positive.append(matches(batch[column], evidence.subject.positive))
        known.append(batch[column].notna().to_numpy())
    return np.concatenate(positive), np.concatenate(known)
