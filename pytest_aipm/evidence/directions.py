"""How well the values of a column agree in order with its attributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_aipm.attribution import Budget, alone
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.explaining import Explained
from pytest_aipm.evidence.orders import ranks_of
from pytest_aipm.evidence.sample import generator
from pytest_aipm.stats.effects import EffectPart
from pytest_aipm.stats.parts import SMALL
from pytest_aipm.stats.ranks import spearman
from pytest_aipm.stats.twoway import two_way

__all__ = ["PARTS", "agreement", "walks_of"]

PARTS = 20
"""Of the background rows, for the jackknife; every row meets one or more rows of each."""
FEWEST = 4
"""Parts of which each half keeps one when one is left out."""
ROUNDED = 1e-9
"""Attributions nearer than this, of the largest output, differ by rounding alone."""


def walks_of(walks: int, background: int) -> int:
    """Return how many pairs of walks each row takes for one column."""
    parts = min(PARTS, background)
    return parts * -(-max(PARTS, 5 * walks) // parts)


def agreement(
    evidence: Evidence,
    found: Explained,
    name: str,
    player: int,
    sign: int,
    *,
    walks: int,
    budget: Budget,
) -> EffectPart | None:
    """Return the rank correlation of a column with its attributions; None where either is constant.

    Noise of attributions has ranks, too, and pulls a rank correlation to 0: as it is, it is not too
    far from there. The correlation over the root of the attributions' reliability, as two halves of
    the background rows tell it, is right where noise parts equal ones, and too far from 0 where
    noise is not the same for all. They are both ends of what is known; the spread of a jackknife
    over parts of the background rows is the error that these and walks make.
    """
    ranks = ranks_of(found.sample.inputs[name])
    known, m = np.isfinite(ranks), len(found.sample.background)
    if known.sum() < 3 or np.ptp(ranks[known]) == 0:
        return None
    rng = generator(evidence.seed, "direction", name)
    met, part = _dealt(found.n, m, walks_of(walks, m), rng)
    values = alone(
        found.output.ask,
        found.sample.inputs,
        found.sample.background,
        found.players,
        player,
        met,
        rng=rng,
        budget=budget,
    )
    near = ROUNDED * float(np.abs(found.walked.output).max(initial=0.0))
    units = found.sample.units.inside(known)
    noisy = _Noisy(ranks[known], values[known], met[known], part, m, near, units.weight)
    own, n = noisy.fit(part >= 0), units.size
    if np.ptp(own) == 0:
        return None
    _, influence = spearman(noisy.ranks, own, units.weight)
    moved = units.moved(influence)
    values, spread = noisy.jackknifed()
    low, high = np.sort(sign * values)
    # ends of a perfect order rest on nothing but its rows: one row may still be out of order
    error = float(np.sqrt(moved.var(ddof=1) / len(moved) + spread**2))
    error = max(error, 1.0 / n) if n >= SMALL else np.inf
    freedom = min(n - 1, float(part.max()))
    return EffectPart(float(low), float(high), error, error, n, freedom, (-1.0, 1.0))


def _dealt(n: int, m: int, walks: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which background rows each row meets, evenly, and of which part each column is."""
    parts = np.array_split(rng.permutation(m), min(PARTS, m))
    part = np.arange(walks) % len(parts)
    met = [rng.permutation(np.resize(parts[k], n)) for k in part]
    return np.column_stack(met), part


@dataclass(frozen=True, eq=False)
class _Noisy:
    """Ranks of a column's values, and its attributions walk by walk.

    Attributes
    ----------
    ranks : array of shape (n,)
    values : array of shape (n, walks)
    met : int array of shape (n, walks)
        The background row of each.
    part : int array of shape (walks,)
        The part of the background rows.
    m : int
        Background rows.
    near : float
        Attributions nearer to each other are tied.
    weight : array of shape (n,)
    """

    ranks: np.ndarray
    values: np.ndarray
    met: np.ndarray
    part: np.ndarray
    m: int
    near: float
    weight: np.ndarray

    def fit(self, kept: np.ndarray) -> np.ndarray:
        """Return the attributions by some walks, what background rows do taken out, tied."""
        fit = two_way(self.values[:, kept, None], self.met[:, kept], self.m).row[:, 0]
        order = np.argsort(fit, kind="stable")
        tied = np.empty(len(fit))
        tied[order] = np.cumsum(np.diff(fit[order], prepend=fit[order[0]]) > self.near)
        return tied

    def both(self, kept: np.ndarray) -> tuple[float, float]:
        """Return the rank correlation by some walks, and it over the root of their reliability."""
        raw = spearman(self.ranks, self.fit(kept), self.weight)[0]
        odd = self.part % 2 == 1
        halves = kept & odd, kept & ~odd
        first, second = (self.fit(half) for half in halves)
        if np.ptp(first) == 0 or np.ptp(second) == 0:
            return raw, np.nan
        alike = spearman(first, second, self.weight)[0]
        rate = reliability(alike, int(halves[0].sum()), int(halves[1].sum()))
        return raw, raw / np.sqrt(rate) if rate > 0 else np.nan

    def jackknifed(self) -> tuple[np.ndarray, float]:
        """Return both correlations, the second less its bias, and the larger error but for rows."""
        every, parts = self.part >= 0, int(self.part.max()) + 1
        if parts >= FEWEST:
            whole = np.array(self.both(every))
            without = np.array([self.both(self.part != k) for k in range(parts)])
            found = np.clip(parts * whole - (parts - 1) * without.mean(axis=0), -1.0, 1.0)
            found[0] = whole[0]  # a jackknife takes off too much where values lie apart unevenly
            if np.isfinite(found).all():
                return found, float(np.sqrt((parts - 1) * without.var(axis=0)).max())
        raw = spearman(self.ranks, self.fit(every), self.weight)[0]
        return np.repeat(raw, 2), np.inf


def reliability(alike: float, first: int, second: int) -> float:
    """Return the reliability of all walks from the correlation of two halves, 0 if not above 0.

    Of noise s in one walk, the correlation is 1 / sqrt((1 + s / first) (1 + s / second)), and the
    reliability 1 / (1 + s / (first + second)): Spearman-Brown, for halves that may differ in size.
    """
    if alike <= 0:
        return 0.0
    linear, product = 1 / first + 1 / second, first * second
    more = 4 * max(1 / alike**2 - 1, 0.0) / product
    noise = product / 2 * (np.sqrt(linear**2 + more) - linear)
    return float(1 / (1 + noise / (first + second)))
