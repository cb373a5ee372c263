"""What another threshold would have done: the selection rate of each group at many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.scores import ScoreBag
from pytest_aipm.records import Series

__all__ = ["selection_by_threshold"]

STEPS = 24
"""Thresholds looked at: quantiles of all scores, so that every step moves about as many rows."""
MOST_LINES = 6
"""Groups drawn, the largest: there are six patterns of lines."""


def selection_by_threshold(evidence: Evidence, params: CheckParams) -> tuple[Series, ...]:
    """Return each group's selection rate against the threshold, the chosen one marked.

    Returns
    -------
    tuple of Series
        Empty where no threshold decides, or where rows stand for other numbers of people. A point
        counts the rows between it and the one before: small steps are withheld like small cells,
        and where no row lies between two thresholds there is no point.
    """
    decision = evidence.subject.decision
    if decision is None or decision.threshold is None or evidence.subject.designed:
        return ()
    scores = evidence.scores(params.by, params.unknown)
    sizes = [sum(bag.n for bag in pair) for pair in scores.bags]
    if not sum(sizes):
        return ()
    grid = np.union1d(_quantiles(scores.bags), [decision.threshold])
    large = [i for i, n in enumerate(sizes) if n >= max(1, params.min_group_size)]
    drawn = sorted(sorted(large, key=lambda i: -sizes[i])[:MOST_LINES])
    above = decision.favorable_when == "above"
    return tuple(
        _line(scores.grouping.names[i], scores.bags[i], grid, decision.threshold, above=above)
        for i in drawn
    )


def _quantiles(pairs: Sequence[Sequence[ScoreBag]]) -> np.ndarray:
    """Return scores that cut all rows into about equal parts.

    Quantiles of the bags' own quantiles, each of which stands for as many rows: no bag is merged,
    which would sort all scores anew, and takes three times as long at 100,000 rows.
    """
    bags = [bag for pair in pairs for bag in pair if bag.n]
    values = np.concatenate([_own(bag) for bag in bags])
    weights = np.repeat([bag.n / STEPS for bag in bags], STEPS)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.linspace(0, reached[-1], STEPS))
    cuts: np.ndarray = values[order][np.minimum(places, len(values) - 1)]
    return cuts


def _own(bag: ScoreBag) -> np.ndarray:
    ranks = np.linspace(0, bag.n - 1, STEPS).round()
    own: np.ndarray = bag.values[np.searchsorted(np.cumsum(bag.counts), ranks, side="right")]
    return own


def _line(
    name: str, bags: Sequence[ScoreBag], grid: np.ndarray, mark: float, *, above: bool
) -> Series:
    n, below = sum(bag.n for bag in bags), np.zeros(len(grid), dtype=np.int64)
    for bag in bags:
        before = np.concatenate([[0], np.cumsum(bag.counts)])
        below += before[np.searchsorted(bag.values, grid, side="left")]
    between = np.diff(below, prepend=0)
    kept = between > 0
    selected = n - below if above else below
    return Series(
        name=name,
        kind="curve",
        x=tuple(grid[kept].tolist()),
        y=tuple((selected[kept] / n).tolist()),
        x_label="threshold",
        y_label="selection rate",
        counts=tuple(between[kept].tolist()),
        mark=mark,
    )
