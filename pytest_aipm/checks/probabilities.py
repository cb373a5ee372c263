"""Scores as probabilities: refused where they are none, binned where they are."""

from __future__ import annotations

import numpy as np

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.groups import GroupScores
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.stats.calibration import Reliability, reliability

__all__ = ["bins_of", "refuse_others"]


def refuse_others(lowest: float, highest: float) -> None:
    """Raise DataError when scores lie outside [0, 1]."""
    if lowest >= 0 and highest <= 1:
        return
    raise DataError(
        Problem(
            f"scores lie outside [0, 1] ({lowest:g} to {highest:g}), so calibration is undefined",
            "give probabilities of the positive class, or judge the ranking by roc_auc",
        )
    )


def bins_of(scores: GroupScores) -> list[Reliability]:
    """Return each group's scores in bins of about equally many rows.

    Raises
    ------
    DataError
        When scores are no probabilities.
    """
    ends = [bag.values[[0, -1]] for pair in scores.bags for bag in pair if bag.n]
    if ends:
        refuse_others(float(min(low for low, _ in ends)), float(max(high for _, high in ends)))
    return [_bins(negatives, positives) for negatives, positives in scores.bags]


def _bins(negatives: ScoreBag, positives: ScoreBag) -> Reliability:
    values = np.union1d(negatives.values, positives.values)
    hits, misses = np.zeros(len(values)), np.zeros(len(values))
    hits[np.searchsorted(values, positives.values)] = positives.counts
    misses[np.searchsorted(values, negatives.values)] = negatives.counts
    return reliability(values, hits, hits + misses)
