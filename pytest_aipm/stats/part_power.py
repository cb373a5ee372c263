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
        self._approximated: dict[float, tuple[float, float]] = {}
        self.weight, self.margin = (1.0, limit) if kind == "difference" else (limit, 0.0)
        proves = np.array([part.proves for part in self.parts])
        self.can = proves[judged.high] & proves[judged.low]

    @property
    def pair(self) -> tuple[int, ...]:
        """The pair nearest to breaking the limit, in sd, as original positions (high, low)."""
        values = np.array([part.value for part in self.parts])
        sd = np.array([spread(part) for part in self.parts])
        high, low = self.judged.high, self.judged.low
        gap = self._gap(values[high], values[low]) / np.hypot(self.weight * sd[high], sd[low])
        best = int(np.argmax(gap))
        index = self.judged.index
        return int(index[high[best]]), int(index[low[best]])

    def _gap(self, high: Array, low: Array) -> Array:
        with np.errstate(invalid="ignore"):  # two parts without bounds have no gap
            return self.weight * high - low - self.margin

    @cached_property
    def _draws(self) -> Array:
        """Noise (K, RUNS) in sd: draws stand beside each other, because parts are looked up."""
        rng = np.random.Generator(np.random.PCG64(self.seed))
        return np.ascontiguousarray(rng.standard_normal((RUNS, len(self.parts))).T)

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) when all rows are multiplied."""
        if factor not in self._approximated:  # what `simulate` asks was often asked before
            self._approximated[factor] = self._verdicts(factor)
        return self._approximated[factor]

    simulate = approximate

    def _verdicts(self, factor: float) -> tuple[float, float]:
        parts = [part.scaled(part.n * factor) for part in self.parts]
        high, low = self.judged.high, self.judged.low
        sd = np.array([spread(part) for part in parts])
        corrected, plain = (
            part_bounds(parts, self.alpha / high.size),
            part_bounds(parts, self.alpha),
        )
        runs = int(np.clip(1.5e5 / high.size, 400, RUNS))
        values = plain[0][:, None] + self._draws[:, :runs] * sd[:, None]
        gap = self._gap(values[high], values[low])
        value, lower, upper = corrected
        proof = np.hypot(self.weight * (value - lower)[high], (upper - value)[low])
        value, lower, upper = plain
        radius = np.hypot(self.weight * (upper - value)[high], (value - lower)[low])
        # growing rows turn parts that were too small into proving ones
        proves = np.array([part.proves for part in parts])
        can = proves[high] & proves[low]
        # a part of one row has no bounds: neither verdict is reached where infinities meet
        with np.errstate(invalid="ignore"):
            fail = float((gap[can] - proof[can, None] > 0).any(axis=0).mean())
            within = 0.0 if self.judged.blocked else (gap + radius[:, None] <= 0).all(axis=0)
        return fail, float(np.mean(within))

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
        noise = self._draws * sd[:, None]
        above, below, proof = noise[high], noise[low], proof[:, None]
        start = (float(proof.min()) + self.margin + sd[group]) / max(self.weight, 1e-9)

        def power(sign: int, move: float) -> float:
            values = np.full(sd.size, centre)
            values[group] += sign * move
            gap = self._gap(values[high, None] + above, values[low, None] + below)
            return float((gap > proof).any(axis=0).mean())

        border = self.parts[group].support
        moves = []
        for sign, room in ((1, border[1] - centre), (-1, centre - border[0])):
            reach = room if np.isfinite(room) else 20 * start
            moves.append(solve_gap(partial(power, sign), start, reach))
        return min((move for move in moves if move is not None), default=None)
