"""What decisions would be worth at other thresholds, and which would be worth most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_aipm.evidence.sample import generator
from pytest_aipm.records import Series

__all__ = ["Best", "Swept", "swept"]

STEPS = 40
"""Thresholds looked at: quantiles of the scores, so that every step moves about as many rows."""
SPLITS = 20
"""Times that rows are halved to see what a chosen threshold is worth elsewhere."""
DIGITS = 3
"""Of a threshold: more would be somebody's score."""


@dataclass(frozen=True)
class Best:
    """The threshold that is worth most.

    Attributes
    ----------
    threshold, value : float
        Where, and how much a decision is worth there on the rows it was chosen on.
    honest : float
        How much it is worth on average when chosen on one half of the rows and tried on the other.
    """

    threshold: float
    value: float
    honest: float


@dataclass(frozen=True, eq=False)
class Swept:
    """The mean value of a decision at each of some thresholds.

    Attributes
    ----------
    thresholds : float array of shape (T,)
    values : float array of shape (G, T)
        Of each group.
    counts : int array of shape (G, T)
        Rows between a threshold and the one before.
    best : Best
        Over all rows.
    """

    thresholds: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    best: Best

    def line(
        self, group: int, name: str, *, y_label: str, scale: float, mark: float | None
    ) -> Series:
        """Return a group's curve; where no row lies between two thresholds there is no point."""
        kept = self.counts[group] > 0
        return Series(
            name=name,
            kind="curve",
            x=tuple(self.thresholds[kept].tolist()),
            y=tuple((scale * self.values[group][kept]).tolist()),
            x_label="threshold",
            y_label=y_label,
            counts=tuple(self.counts[group][kept].tolist()),
            mark=mark,
        )


def swept(
    score: np.ndarray,
    worth: tuple[np.ndarray, np.ndarray],
    group: np.ndarray,
    *,
    groups: int,
    weight: np.ndarray,
    person: np.ndarray | None,
    high_is_positive: bool,
    chosen: float | None,
    seed: int,
) -> Swept:
    """Look at many thresholds.

    Parameters
    ----------
    score : float array of shape (n,)
    worth : two float arrays of shape (n,)
        What each row is worth decided as the positive class, and as the other.
    group : int array of shape (n,)
    groups : int
    weight : float array of shape (n,)
    person : array of shape (n,) or None
        Whose row it is; rows of one person stay in one half.
    high_is_positive : bool
        Whether scores from the threshold on are decided as the positive class, or those below it.
    chosen : float or None
        The threshold that decides now; one of those looked at.
    seed : int
        Of the halves.
    """
    grid = _grid(score, chosen)
    # rows of step t lie below threshold t and not below the one before; the last lie above all
    step = np.searchsorted(grid, score, side="right")
    above, below = worth if high_is_positive else worth[::-1]

    def means(rows: np.ndarray, whose: np.ndarray, k: int) -> np.ndarray:
        size, cell = len(grid) + 1, whose[rows] * (len(grid) + 1) + step[rows]

        def summed(each: np.ndarray) -> np.ndarray:
            sums = np.bincount(cell, weights=(weight * each)[rows], minlength=k * size)
            return sums.reshape(k, size)

        up, down, mass = (summed(each) for each in (above, below, np.ones(len(score))))
        total = np.cumsum(up[:, ::-1], axis=1)[:, ::-1][:, 1:] + np.cumsum(down, axis=1)[:, :-1]
        with np.errstate(invalid="ignore", divide="ignore"):
            found: np.ndarray = total / mass.sum(axis=1, keepdims=True)
        return found

    everyone, nobody = np.arange(len(score)), np.zeros(len(score), dtype=np.int64)
    whole = means(everyone, nobody, 1)[0]
    place = int(np.argmax(whole))
    unit = everyone if person is None else np.unique(person, return_inverse=True)[1].reshape(-1)
    honest, units = [], int(unit.max()) + 1
    rng = generator(seed, "thresholds")
    for _ in range(SPLITS if units > 1 else 0):
        first = (rng.permutation(units) < units // 2)[unit]
        halves = [means(np.flatnonzero(each), nobody, 1)[0] for each in (first, ~first)]
        honest += [halves[1][np.argmax(halves[0])], halves[0][np.argmax(halves[1])]]
    counts = np.bincount(group * (len(grid) + 1) + step, minlength=groups * (len(grid) + 1))
    return Swept(
        thresholds=grid,
        values=means(everyone, group, groups),
        counts=counts.reshape(groups, -1)[:, :-1],
        best=Best(float(grid[place]), float(whole[place]), float(np.mean(honest or [np.nan]))),
    )


def _grid(score: np.ndarray, chosen: float | None) -> np.ndarray:
    """Return thresholds in ascending order, rounded, the chosen one among them."""
    cuts = np.quantile(score, np.linspace(0, 1, STEPS + 1))
    rounded = [float(f"{cut:.{DIGITS}g}") for cut in cuts.tolist()]
    return np.unique([*rounded, *([] if chosen is None else [chosen])])
