"""What another threshold would have done: the selection rate of each group at many of them."""

from __future__ import annotations

import numpy as np

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.scores import ScoreBag, merge_bags
from pytest_aipm.records import Series

__all__ = ["selection_by_threshold"]

STEPS = 48
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
    bags = [merge_bags(pair) for pair in scores.bags]
    everyone = merge_bags(bags)
    if not everyone.n:
        return ()
    ranks = np.linspace(0, everyone.n - 1, STEPS).round()
    places = np.searchsorted(np.cumsum(everyone.counts), ranks, side="right")
    grid = np.union1d(everyone.values[places], [decision.threshold])
    large = [i for i, bag in enumerate(bags) if bag.n >= max(1, params.min_group_size)]
    drawn = sorted(sorted(large, key=lambda i: -bags[i].n)[:MOST_LINES])
    above = decision.favorable_when == "above"
    return tuple(
        _line(scores.grouping.names[i], bags[i], grid, decision.threshold, above=above)
        for i in drawn
    )


def _line(name: str, bag: ScoreBag, grid: np.ndarray, mark: float, *, above: bool) -> Series:
    before = np.concatenate([[0], np.cumsum(bag.counts)])
    below = before[np.searchsorted(bag.values, grid, side="left")]
    between = np.diff(below, prepend=0)
    kept = between > 0
    selected = bag.n - below if above else below
    return Series(
        name=name,
        kind="curve",
        x=tuple(grid[kept].tolist()),
        y=tuple((selected[kept] / bag.n).tolist()),
        x_label="threshold",
        y_label="selection rate",
        counts=tuple(between[kept].tolist()),
        mark=mark,
    )
