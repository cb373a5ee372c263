"""Power of differences and ratios between parts, by a normal model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.parts import Part
from pytest_aipm.stats.power import solve_gap
from pytest_aipm.stats.thresholds import spread

__all__ = ["Judged", "PartDecision", "part_bounds"]

RUNS = 2000
MOVED = 3
"""How many of the widest parts are tried for the gap that is hardest to catch."""


@dataclass(frozen=True)
class Judged:
    """Positions of the judged parts, and the ordered pairs (high, low) among them."""

    index: NDArray[np.intp]
    high: NDArray[np.intp]
    low: NDArray[np.intp]
    blocked: bool


def part_bounds(parts: Sequence[Part], alpha: float) -> Array:
    """Return value, lower and upper bound (3, K)."""
    return np.array([(part.value, *part.bound(alpha)) for part in parts]).T


class PartDecision:
    """A normal model of the parts: its verdict is a sum of gap and MOVER radius by pair.

    With weight w on the higher part (1, or the ratio's limit) and a margin (the difference's
    limit, or 0), a pair goes beyond the limit by ``w v_high - v_low - margin``.
    """

    def __init__(
        self,
        source: Sequence[Part],
        kind: Kind,
        alpha: float,
        judged: Judged,
        limit: float,
        seed: int,
    ) -> None:
        self.parts = [source[place] for place in judged.index]
        self.judged, self.alpha, self.seed = judged, alpha, seed
        self.weight, self.margin = (1.0, limit) if kind == "difference" else (limit, 0.0)
        proves = np.array([part.proves for part in self.parts])
        self.can = proves[judged.high] & proves[judged.low]

    @property
    def pair(self) -> tuple[int, ...]:
        """The pair nearest to breaking the limit, in sd, as original positions (high, low)."""
        values = np.array([part.value for part in self.parts])
        sd = np.array([spread(part) for part in self.parts])
        high, low = self.judged.high, self.judged.low
        gap = self._gap(values, high, low) / np.hypot(self.weight * sd[high], sd[low])
        best = int(np.argmax(gap))
        index = self.judged.index
        return int(index[high[best]]), int(index[low[best]])

    def _gap(self, values: Array, high: NDArray[np.intp], low: NDArray[np.intp]) -> Array:
        with np.errstate(invalid="ignore"):  # two parts without bounds have no gap
            return self.weight * values[..., high] - values[..., low] - self.margin

    @cached_property
    def _draws(self) -> Array:
        rng = np.random.Generator(np.random.PCG64(self.seed))
        return rng.standard_normal((RUNS, len(self.parts)))

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) when all rows are multiplied."""
        parts = [part.scaled(part.n * factor) for part in self.parts]
        high, low = self.judged.high, self.judged.low
        sd = np.array([spread(part) for part in parts])
        corrected, plain = (
            part_bounds(parts, self.alpha / high.size),
            part_bounds(parts, self.alpha),
        )
        noise = self._draws[: int(np.clip(1.5e5 / high.size, 400, RUNS))] * sd
        gap = self._gap(plain[0] + noise, high, low)
        value, lower, upper = corrected
        proof = np.hypot(self.weight * (value - lower)[high], (upper - value)[low])
        value, lower, upper = plain
        radius = np.hypot(self.weight * (upper - value)[high], (value - lower)[low])
        # growing rows turn parts that were too small into proving ones
        proves = np.array([part.proves for part in parts])
        can = proves[high] & proves[low]
        # a part of one row has no bounds: neither verdict is reached where infinities meet
        with np.errstate(invalid="ignore"):
            fail = float(((gap - proof)[:, can] > 0).any(axis=1).mean())
            holds = 0.0 if self.judged.blocked else float((gap + radius <= 0).all(axis=1).mean())
        return fail, holds

    simulate = approximate

    def gap(self) -> tuple[float, int] | None:
        """Return the largest of the smallest moves caught; the widest parts are tried."""
        sizes = np.array([part.n for part in self.parts])
        values = np.array([part.value for part in self.parts])
        centre = float(sizes @ values / sizes.sum())
        sd = np.array([spread(part) for part in self.parts])
        order = np.argsort(-sd, kind="stable")
        widest = [int(group) for group in order if self.parts[group].proves]
        found = [(gap, group) for group in widest[:MOVED] if (gap := self._move(group, centre))]
        gap, group = max(found, default=(0.0, -1))
        return None if group < 0 else (float(gap), int(self.judged.index[group]))

    def _move(self, group: int, centre: float) -> float | None:
        """Return the smallest move of one part from the centre with 80 % power."""
        high, low = self.judged.high, self.judged.low
        keep = self.can & ((high == group) | (low == group))
        if not keep.any():
            return None
        high, low = high[keep], low[keep]
        sd = np.array([spread(part) for part in self.parts])
        value, lower, upper = part_bounds(self.parts, self.alpha / self.judged.high.size)
        proof = np.hypot(self.weight * (value - lower)[high], (upper - value)[low])
        noise = self._draws * sd
        start = (float(proof.min()) + self.margin + sd[group]) / max(self.weight, 1e-9)

        def power(sign: int, move: float) -> float:
            values = np.full(sd.size, centre)
            values[group] += sign * move
            return float((self._gap(values + noise, high, low) > proof).any(axis=1).mean())

        border = self.parts[group].support
        moves = []
        for sign, room in ((1, border[1] - centre), (-1, centre - border[0])):
            reach = room if np.isfinite(room) else 20 * start
            moves.append(solve_gap(partial(power, sign), start, reach))
        return min((move for move in moves if move is not None), default=None)
