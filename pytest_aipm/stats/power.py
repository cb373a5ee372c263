"""The search for the rows needed and for the gap that is caught at 80 % power."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["ALTERNATIVE", "MOST", "POWER", "Decision", "smallest_factor", "solve_gap"]

POWER = 0.80
ALTERNATIVE = float(ndtri(POWER))
MOST = 1e4
"""Largest multiple of the rows that is tried."""
TRIES = 7
MAYBE = 0.6
"""Where the fast model decides less often, these rows are not enough."""
NEAR = 0.05
"""How far, as a logarithm, the fast model is trusted to follow from a simulated factor."""
CLOSE = 0.02
"""The same of its own answer."""


class Decision(Protocol):
    """How likely each verdict is at a multiple of the rows, the observed values being true."""

    @property
    def pair(self) -> tuple[int, ...]:
        """The parts that decide last."""

    def approximate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) fast."""

    def simulate(self, factor: float) -> tuple[float, float]:
        """Return P(fail) and P(holds) as exactly as can be."""


def _probit(share: float) -> float:
    return float(ndtri(min(max(share, 1e-4), 1 - 1e-4)))


def smallest_factor(decision: Decision) -> float | None:
    """Return the smallest factor in [1, 10,000] with P(fail or holds) >= 0.80, or None."""

    @cache
    def fast(factor: float) -> float:
        return sum(decision.approximate(factor))

    if fast(1.0) >= MAYBE and sum(decision.simulate(1.0)) >= POWER:
        return 1.0
    factor, low, high = _reach(fast, POWER), 1.0, None
    for _ in range(TRIES):
        if factor is None or factor > MOST:
            break
        slow = sum(decision.simulate(factor))
        if slow >= POWER:
            high = factor
        else:
            low = factor
        # the counts tell by how much the fast model is off here
        shift = _probit(fast(factor)) - _probit(slow)
        if abs(shift) < 2:
            aim = _reach(fast, float(ndtr(ALTERNATIVE + shift)))
            if aim is not None and abs(np.log(aim / factor)) < NEAR:
                return aim
        else:
            aim = None
        if aim is not None and low < aim < (high or MOST):
            factor = aim
        else:
            factor = low * 1.4 if high is None else float(np.sqrt(low * high))
    return high


def _reach(fast: Callable[[float], float], target: float) -> float | None:
    """Return where the fast model decides with probability `target`.

    The probit of that probability is about a line over the root of the rows.
    """
    low, high = 1.0, None
    below, above = _probit(fast(1.0)) - _probit(target), 0.0
    if below >= 0:
        return 1.0
    factor, slope = 4.0, np.nan
    while high is None or np.log(high / low) > CLOSE:
        here = _probit(fast(factor)) - _probit(target)
        slope = (here - below) / (np.sqrt(factor) - np.sqrt(low)) if here < 0 else slope
        if here >= 0:
            high, above = factor, here
        elif factor >= MOST:
            return None
        else:
            low, below = factor, here
        if high is None:
            # not too far: a line through two points near each other is none
            aim = (np.sqrt(low) - below / slope) ** 2 if slope > 0 else np.inf
            factor = float(min(max(1.05 * aim, 1.5 * low), 6 * low, MOST))
        else:
            share = below / (below - above)
            root = np.sqrt(low) + min(max(share, 0.1), 0.9) * (np.sqrt(high) - np.sqrt(low))
            factor = float(root) ** 2
    return high


def solve_gap(
    power: Callable[[float], float], start: float, room: float, slope: float = np.nan
) -> float | None:
    """Return the smallest gap in (0, room] with 80 % power, or None.

    `power` rises with the gap up to simulation noise; steps are secants of its probit, the first
    one along its `slope` where that is known.
    """
    low, high, ceiling = 0.0, room, None
    gap, last = min(start, room), None
    for _ in range(8):
        reached = power(gap)
        if abs(reached - POWER) < 0.012:
            return gap
        if reached >= POWER:
            high = ceiling = gap
        else:
            low = gap
            if gap >= room:
                return None
        here = (gap, _probit(reached))
        if last is not None and last[0] != here[0]:
            slope = (here[1] - last[1]) / (here[0] - last[0])
        step = (ALTERNATIVE - here[1]) / slope if slope > 0 else np.nan
        if not np.isfinite(step):
            step = 0.15 * gap * np.sign(POWER - reached)
        last, gap = here, gap + step
        if gap >= room and ceiling is None:
            gap = room
        elif not low < gap < high:
            gap = (low + high) / 2
    return ceiling
