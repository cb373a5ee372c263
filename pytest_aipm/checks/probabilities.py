"""Scores as probabilities: refused where they are none, binned where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.groups import GroupScores
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.records import Series
from pytest_aipm.stats.calibration import Reliability, reliability
from pytest_aipm.stats.parts import rate_bounds

__all__ = ["bins_of", "refuse_others", "reliability_lines"]

MOST_LINES = 6
"""Groups drawn: there are six patterns of lines."""


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


def reliability_lines(
    names: Sequence[str], bins: Sequence[Reliability], confidence: float, first: Sequence[int] = ()
) -> tuple[Series, ...]:
    """Return the reliability lines of the groups `first` and of the largest others.

    Each has the share of positives of its bins against their mean score, with an interval.
    """
    order = sorted(range(len(names)), key=lambda i: (i not in first, -float(bins[i].rows.sum())))
    drawn = []
    for i in sorted(order[:MOST_LINES]):
        own = bins[i]
        if not own.rows.size:
            continue
        lower, upper = rate_bounds(own.positives, own.rows, 1 - confidence)
        drawn.append(
            Series(
                name=names[i],
                kind="reliability",
                x=tuple(own.score.tolist()),
                y=tuple(own.share.tolist()),
                lo=tuple(lower.tolist()),
                hi=tuple(upper.tolist()),
                x_label="mean score of a bin",
                y_label="share of positives in it",
                counts=tuple(own.rows.astype(int).tolist()),
            )
        )
    return tuple(drawn)
