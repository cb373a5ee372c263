"""What other thresholds would give: how good the model is against how many people it favors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.evidence.decide import matches
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.scores import ScoreBag, merge_bags
from pytest_aipm.sources.model import Prediction

__all__ = ["METRICS", "Frontier", "frontier"]

STEPS = 24
"""Thresholds: quantiles of the scores, so that every step moves about as many rows."""

_PENDING = 16
"""Bags are merged sixteen at a time, as those of a tally are."""

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
    found = evidence.once(("frontier",), lambda: _scores(evidence, subject.label))
    if found is None:
        return None
    other, positive = (merge_bags(bags) for bags in found)
    if not (other.n and positive.n):
        return None
    values = np.union1d(other.values, positive.values)
    rows = np.zeros((2, len(values)), dtype=np.int64)
    for i, bag in enumerate((other, positive)):
        rows[i, np.searchsorted(values, bag.values)] = bag.counts
    ends = np.concatenate([np.zeros((2, 1), dtype=np.int64), np.cumsum(rows, axis=1)], axis=1)
    n, all_positive = int(ends[:, -1].sum()), int(ends[1, -1])
    # the least score that so large a share of the rows does not exceed
    wanted = np.maximum(np.ceil(np.linspace(0, 1, STEPS) * n - 1e-9), 1)
    cuts = values[np.searchsorted(ends.sum(axis=0)[1:], wanted)]
    cuts = np.union1d(cuts, [decision.threshold])
    above = decision.favorable_when == "above"
    place = np.searchsorted(values, cuts, side="left")
    below, positives = ends.sum(axis=0)[place], ends[1, place]
    # of the rows at or above each cut, and of those below it
    high = (all_positive - positives, (n - below) - (all_positive - positives))
    low = (positives, below - positives)
    favored = n - below if above else below
    said = high if above == subject.favors_positive else low
    rest = low if above == subject.favors_positive else high
    found_at = METRICS[metric](said[0], said[1], rest[0], rest[1])
    chosen = int(np.searchsorted(cuts, decision.threshold))
    way = np.arange(len(cuts))[::-1] if above else np.arange(len(cuts))
    selected, between = favored[way], np.diff(favored[way], prepend=0)
    kept = (between > 0) & np.isfinite(found_at[way])
    return Frontier(
        selected[kept] / n, found_at[way][kept], between[kept], float(favored[chosen] / n)
    )


@dataclass(frozen=True)
class _Scores:
    """Scores of rows with a label: of the others, and of the positives."""

    bags: tuple[tuple[ScoreBag, ...], tuple[ScoreBag, ...]] | None = ((), ())

    def merge(self, other: _Scores) -> _Scores:
        """Return those of both; None where some rows have no score."""
        if self.bags is None or other.bags is None:
            return _Scores(None)
        one, two = ((*a, *b) for a, b in zip(self.bags, other.bags, strict=True))
        if len(one) < _PENDING:
            return _Scores((one, two))
        return _Scores(((merge_bags(one),), (merge_bags(two),)))


def _scores(
    evidence: Evidence, column: str | None
) -> tuple[tuple[ScoreBag, ...], tuple[ScoreBag, ...]] | None:
    """Return the scores of rows with a label, of each side; None where there are none."""
    assert column is not None  # noqa: S101 - the caller looked
    wanted = evidence.subject.positive

    def partial(batch: pd.DataFrame, prediction: Prediction) -> _Scores:
        if prediction.scores is None:
            return _Scores(None)
        known = batch[column].notna().to_numpy()
        positive = matches(batch[column], wanted)
        sides = (prediction.scores[known & (positive == side)] for side in (False, True))
        other, yes = ((ScoreBag.of(each),) for each in sides)
        return _Scores((other, yes))

    return evidence.over_said([column], partial, _Scores()).bags
