"""The gap between rates that a comparison catches at 80 % power, without simulation.

One group's rate moves, the others stay at the pooled one. Given the moved group's count the other
sides of its pairs are independent, so the chance that none of its pairs rejects is a product, and
a sum over that group's counts is the power.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, gammaln, ndtr, ndtri

from pytest_aipm.stats.contrasts import Contrasts, Index
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.power import ALTERNATIVE, POWER

__all__ = ["rate_gap"]

NODES = 20
"""Counts of the moved group that stand for all, within 4.2 sd; each one where there are few."""
ENOUGH = 3
"""How many groups are asked at once, those first that look hardest to catch."""
CLEAR = 0.9
"""A group whose gap by scores is below this part of the hardest one's is easier to catch."""
EITHER = 1.2
"""How much farther the other direction may be before it is left out."""
FELT, ASKED = 0.02, 4
"""Pairs that reject less often need no exact critical value; of the others so many have their own,
the rest, with the same small group, the mean of how far these lie beyond the score's."""
NEVER = 1e6
FAR = 5.0
"""Noise in sd beyond which nothing is looked for."""
TURNS = 2
FEW = 400
"""Up to so many rows another group's counts are not taken for normal."""
CLOSE, ROUGH = 0.004, 0.03
"""How near to 80 % the power of a gap must be, and of one that only says which group is asked."""


def rate_gap(
    contrasts: Contrasts, x: Array, breach: float, alpha: float
) -> tuple[float, int] | None:
    """Return the largest, over groups, of the smallest moves caught at 80 % power, and its group.

    Parameters
    ----------
    contrasts : Contrasts
        The pairs of the judged groups.
    x : ndarray, shape (K,)
        Observed counts; only their sum matters.
    breach : float
        The limit, as `Contrasts` writes it.
    alpha : float
        Level of the end that proves a breach.

    Returns
    -------
    (gap, group) or None
        None when no group's move is caught.
    """
    contrasts = contrasts.sized(np.maximum(np.rint(contrasts.n), 1))
    pooled = float(np.clip(x.sum() / contrasts.n.sum(), 0, 1))
    groups = _hardest_first(contrasts, pooled, breach)
    if contrasts.shape == "closed":  # groups of one size are alike
        _, first = np.unique(contrasts.n[groups], return_index=True)
        groups = groups[np.sort(first)]
    for start in range(0, groups.size, ENOUGH):
        moves = _moves(contrasts, groups[start : start + ENOUGH], pooled, breach, alpha)
        found = None if moves is None else _hardest(moves)
        if found is not None:
            return found
    return None


def _hardest(moves: _Moves) -> tuple[float, int] | None:
    """Return the hardest group among the moves, and its gap."""
    rough = moves.solve(moves.plain(np.zeros(moves.group.size)), close=ROUGH)
    nearest = {
        group: float(np.nanmin(rough[moves.group == group]))
        for group in np.unique(moves.group[np.isfinite(rough)])
    }
    solved: list[tuple[float, int]] = []
    for group in sorted(nearest, key=lambda each: -nearest[each]):
        if solved and nearest[group] < CLEAR * max(solved)[0]:
            break
        with np.errstate(invalid="ignore"):
            chosen = (moves.group == group) & (rough <= EITHER * nearest[group])
        here, gap = moves.only(chosen), rough[chosen]
        gaps = here.solve(here.exact(gap), gap)
        if np.isfinite(gaps).any():
            solved.append((float(np.nanmin(gaps)), int(group)))
    return max(solved, default=None)


class _Still(NamedTuple):
    """What of pairs (T,) does not change as groups move; of two sides the higher one first.

    Attributes
    ----------
    moved : pair of ndarray of bool
        Whether the moved group stands on that side.
    free, size : pair of ndarray
        How many of a side's rows are of other groups, and all its rows.
    pull : pair of ndarray
        How far a unit of noise of those others pulls a side's count.
    margin, sd : ndarray
        The margin, and the sd of that noise, in the units of the gap.
    """

    moved: tuple[NDArray[np.bool_], ...]
    free: tuple[Array, ...]
    size: tuple[Array, ...]
    pull: tuple[Array, ...]
    margin: Array
    sd: Array

    def of(self, pair: Index) -> _Still:
        """Return the same of chosen pairs."""
        return _Still(
            tuple(side[pair] for side in self.moved),
            tuple(side[pair] for side in self.free),
            tuple(side[pair] for side in self.size),
            tuple(side[pair] for side in self.pull),
            self.margin[pair],
            self.sd[pair],
        )


@dataclass(frozen=True)
class _Moves:
    """Moves (M,) of one group each away from the pooled rate, and the pairs (T,) they widen.

    Attributes
    ----------
    contrasts : Contrasts
        The pairs of the first move, then those of the second, and so on.
    move : ndarray of int, shape (T,)
        To which move a pair belongs, ascending.
    group : ndarray of int, shape (M,)
    sign : ndarray, shape (M,)
        Up (1) or down (-1).
    """

    contrasts: Contrasts
    move: Index
    group: Index
    sign: Array
    pooled: float
    breach: float
    alpha: float

    def only(self, keep: NDArray[np.bool_]) -> _Moves:
        """Return some of the moves."""
        pairs = keep[self.move]
        return replace(
            self,
            contrasts=self.contrasts.only(pairs),
            move=(np.cumsum(keep) - 1)[self.move[pairs]],
            group=self.group[keep],
            sign=self.sign[keep],
        )

    @property
    def room(self) -> Array:
        """The farthest that each move can go."""
        return np.where(self.sign > 0, 1 - self.pooled, self.pooled)

    def rates(self, gap: Array) -> Array:
        """Return the moved groups' rates."""
        return np.clip(self.pooled + self.sign * gap, 0, 1)

    def overall(self, gap: Array) -> Array:
        """Return the rates over all groups."""
        share = self.contrasts.n[self.group] / self.contrasts.n.sum()
        return np.asarray(self.pooled + share * (self.rates(gap) - self.pooled))

    def plain(self, gap: Array) -> Array:
        """Return the critical values (T,) of score tests at these gaps."""
        c = self.contrasts
        values = [c.critical(self.breach, self.alpha, float(rate)) for rate in self.overall(gap)]
        return np.array(values)[self.move]

    def exact(self, gap: Array) -> Array:
        """Return the critical values (T,), for small pairs those of their exact tests."""
        c, values = self.contrasts, self.plain(gap)
        overall, moved = self.overall(gap), self.rates(gap)
        small = np.array([c.small(self.breach, float(rate)) for rate in overall])
        small &= self.move == np.arange(overall.size)[:, None]
        if not small.any():
            return values
        often = self.rejected(gap, values)[1]
        for move in np.flatnonzero(small.any(axis=1)):
            pairs = np.flatnonzero(small[move] & (often > FELT))
            pairs = pairs[np.argsort(-often[pairs], kind="stable")]
            expected = np.full(c.n.size, self.pooled) * c.n
            expected[self.group[move]] = moved[move] * c.n[self.group[move]]
            asked = pairs[:ASKED]
            exactly = c.exact_critical(expected, self.breach, ndtr(-values[asked]), asked)
            # groups of a few rows may never reject
            more = np.clip(exactly - values[asked], 0, NEVER)
            values[asked] += more
            values[pairs[ASKED:]] += more.mean() if more.size else 0.0
        return values

    def solve(self, critical: Array, start: Array | None = None, *, close: float = CLOSE) -> Array:
        """Return the gaps (M,) with 80 % power, about; nan where no gap has it."""
        room, asked, moving = self.room, self, np.ones(self.group.size, dtype=bool)
        low, high = np.zeros(room.shape), room
        gap = np.minimum(self._start(critical) if start is None else start, room)
        last = before = np.full(gap.shape, np.nan)
        slope, solved = 1 / self._spread(), np.zeros(gap.shape, dtype=bool)
        hopeless, reached = solved.copy(), np.zeros(gap.shape)
        for _ in range(12):
            going = ~(solved | hopeless)  # a move that has come to rest would say the same again
            if going.sum() < moving.sum():
                asked, moving = self.only(going), going
            reached[moving] = asked.rejected(gap[moving], critical[moving[self.move]])[0]
            enough = reached >= POWER
            hopeless |= ~enough & (gap >= room)
            solved = np.abs(reached - POWER) < close
            if (solved | hopeless).all():
                break
            here = ndtri(np.clip(reached, 1e-4, 1 - 1e-4))
            low, high = np.where(enough, low, gap), np.where(enough, gap, high)
            with np.errstate(divide="ignore", invalid="ignore"):
                secant = (here - before) / (gap - last)
            slope = np.where(np.isfinite(secant) & (secant > 0), secant, slope)
            last, before = gap, here
            # a line whose ends are both cut off leads nowhere
            aim = np.minimum(gap + (ALTERNATIVE - here) / slope, room)
            inside = (aim > low) & ((aim < high) | (high >= room))
            aim = np.where(inside, aim, (low + high) / 2)
            gap = np.where(solved | hopeless, last, aim)
        return np.where(hopeless, np.nan, gap)

    def _spread(self) -> Array:
        """Return about the sd (M,) of each moved group's distance from its nearest partner."""
        high, low = (side[1] for side in self.contrasts.sides(np.zeros(self.contrasts.n.size)))
        variance = self.pooled * (1 - self.pooled) * (1 / high + 1 / low)
        least = np.full(self.group.size, np.inf)
        np.minimum.at(least, self.move, variance)
        return np.asarray(np.sqrt(np.maximum(least, 1e-12)))

    def _start(self, critical: Array) -> Array:
        margin = self.breach * (1.0 if self.contrasts.kind == "difference" else self.pooled)
        least = np.full(self.group.size, np.inf)
        np.minimum.at(least, self.move, critical)
        return np.asarray(margin + (least + ALTERNATIVE) * self._spread())

    def rejected(self, gap: Array, critical: Array) -> tuple[Array, Array]:
        """Return the chance (M,) that some pair rejects, and (T,) that each one does."""
        counts, weight = self._counts(gap)
        pair, node = np.nonzero((weight > 0)[self.move])
        chance = np.zeros((self.move.size, NODES + 1))
        chance[pair, node] = self._chances(pair, counts[self.move[pair], node], critical[pair])
        starts = np.searchsorted(self.move, np.arange(self.group.size))
        if self.contrasts.n.size == 2:  # either group is the other's rest: one pair
            none = 1 - np.maximum.reduceat(chance, starts, axis=0)
        else:
            none = np.multiply.reduceat(1 - chance, starts, axis=0)
        each = (chance * weight[self.move]).sum(axis=1)
        return 1 - (none * weight).sum(axis=1), each

    def _counts(self, gap: Array) -> tuple[Array, Array]:
        """Return counts (M, Q) of the moved groups and their probabilities."""
        rate = np.clip(self.rates(gap), 1e-12, 1 - 1e-12)[:, None]
        n = self.contrasts.n[self.group][:, None]
        reach = 4.2 * np.sqrt(n * rate * (1 - rate)) + 1
        first = np.maximum(np.floor(n * rate - reach), 0)
        last = np.minimum(np.ceil(n * rate + reach), n)
        step = np.ceil(np.maximum(last - first, 1) / NODES)
        counts = first + step * np.arange(NODES + 1)
        inside = np.minimum(counts, n)
        log = inside * np.log(rate) + (n - inside) * np.log1p(-rate)
        log -= gammaln(inside + 1) + gammaln(n - inside + 1)
        log = np.where(counts <= last, log, -np.inf)
        weight = np.exp(log - log.max(axis=1, keepdims=True))
        return inside, weight / weight.sum(axis=1, keepdims=True)

    def _chances(self, pair: Index, own: Array, critical: Array) -> Array:
        """Return the chance (C,) that a pair rejects, given the moved group's count.

        Where the statistic meets its critical value is found over the noise of the
        other groups. That noise is nearly normal; a single small group has its binomial counts.
        """
        c, still = self.contrasts, self._still.of(pair)
        x1, x2 = (
            part * own + free * self.pooled
            for part, free in zip(still.moved, still.free, strict=True)
        )

        def excess(shift: Array, *cells: Array) -> Array:
            """Return how far the gaps of cells exceed their critical values when noise shifts."""
            x1, x2, n1, n2, pull1, pull2, margin, critical = cells
            high = np.minimum(np.maximum(x1 + shift * pull1, 0), n1)
            low = np.minimum(np.maximum(x2 - shift * pull2, 0), n2)
            gap, scale = c.parts_of((high, n1), (low, n2), margin)
            return gap - critical * scale - 1e-12  # no events on either side prove nothing

        far = FAR * still.sd
        cells = (x1, x2, *still.size, *still.pull, still.margin, critical)
        shift = _crossing(excess, far, cells)
        chance = ndtr(-shift / still.sd)
        for side, sign in ((0, 1), (1, -1)):
            free, other = still.free[side], still.free[1 - side]
            few = (free > 0) & (free <= FEW) & (other == 0)
            if few.any():
                finite = np.clip(shift, -2 * far, 2 * far)
                threshold = (free * self.pooled + sign * finite * still.pull[side])[few]
                chance[few] = self._counted(threshold, free[few], sign)
        return np.asarray(chance)

    @cached_property
    def _still(self) -> _Still:
        c, moved = self.contrasts, self.group[self.move]
        sizes = c.extend(c.n)
        parts, free, size = [], [], []
        for column in (c.high, c.low):
            # everyone but another group includes the moved one
            part = (column == moved) | ((column >= c.n.size) & (column - c.n.size != moved))
            parts.append(part)
            free.append(sizes[column] - part * c.n[moved])
            size.append(sizes[column])
        margin = c.margin(self.breach) * np.ones(c.high.size)
        weight = 1.0 if c.kind == "difference" else margin
        spread = [
            rest * self.pooled * (1 - self.pooled) / n**2
            for rest, n in zip(free, size, strict=True)
        ]
        sd = np.sqrt(np.maximum(weight**2 * spread[0] + spread[1], 1e-18))
        pull = weight * spread[0] / sd**2 * size[0], spread[1] / sd**2 * size[1]
        return _Still(tuple(parts), tuple(free), tuple(size), pull, margin, sd)

    def _counted(self, threshold: Array, n: Array, sign: int) -> Array:
        """Return the binomial chance of counts from a threshold on, upward or downward."""
        trials = n.astype(np.int64)
        if sign > 0:
            above = np.ceil(threshold - 1e-9)
            tail = bdtrc(np.clip(above - 1, 0, n), trials, self.pooled)
            return np.where(above <= 0, 1.0, np.where(above > n, 0.0, tail))
        below = np.floor(threshold + 1e-9)
        return np.where(below < 0, 0.0, bdtr(np.clip(below, 0, n), trials, self.pooled))


def _crossing(excess: Callable[..., Array], far: Array, cells: Sequence[Array]) -> Array:
    """Return where a rising function of a shift, and of cells (C,), is 0 within `far`, else +-inf.

    False position, with the bend of the function taken from where it led. Only cells whose zero
    lies within, often a third of them, are looked at more than once.
    """
    bottom, middle, top = excess(np.stack([-far, 0 * far, far]), *cells)
    at = np.where(top < 0, np.inf, -np.inf)
    within = np.flatnonzero(~((bottom >= 0) | (top < 0)))
    bottom, middle, top, far, *cells = (v[within] for v in (bottom, middle, top, far, *cells))
    upper = middle < 0
    low, high = np.where(upper, 0.0, -far), np.where(upper, far, 0.0)
    below, above = np.where(upper, middle, bottom), np.where(upper, top, middle)
    for _ in range(TURNS):
        point = low - below * (high - low) / np.where(above > below, above - below, 1.0)
        here = excess(point, *cells)
        left = here < 0
        # the end that stays is halved, so that both ends move (Illinois)
        above = np.where(left, above / 2, here)
        below = np.where(left, here, below / 2)
        low, high = np.where(left, point, low), np.where(left, high, point)
    at[within] = low - below * (high - low) / np.where(above > below, above - below, 1.0)
    return at


def _moves(
    contrasts: Contrasts, groups: Index, pooled: float, breach: float, alpha: float
) -> _Moves | None:
    """Return each group's moves up and down, with the pairs that they widen."""
    still = np.full(contrasts.n.size, pooled) * contrasts.n
    found: list[tuple[int, int, Contrasts]] = []
    for group in map(int, groups):
        pairs = contrasts.touching(group)
        for sign in (-1, 1):
            far = still.copy()
            far[group] = contrasts.n[group] * (sign > 0)
            wider = pairs.gap(far, breach) > pairs.gap(still, breach) + 1e-12
            if wider.any():
                found.append((group, sign, pairs.only(wider)))
    if not found:
        return None
    moved, signs, pairs_of = zip(*found, strict=True)
    joined = replace(
        contrasts,
        high=np.concatenate([each.high for each in pairs_of]),
        low=np.concatenate([each.low for each in pairs_of]),
        share=np.concatenate([each.share for each in pairs_of]),
    )
    move = np.repeat(np.arange(len(found)), [each.high.size for each in pairs_of])
    return _Moves(joined, move, np.array(moved), np.array(signs, float), pooled, breach, alpha)


def _hardest_first(contrasts: Contrasts, pooled: float, breach: float) -> NDArray[np.intp]:
    """Return the groups by a rough guess of the move that is caught, largest first."""
    n = contrasts.n
    if contrasts.rest:
        share, partner = n / n.sum(), n.sum() - n
    else:
        share, (second, first) = np.zeros(n.size), np.sort(n)[-2:]
        if contrasts.reference >= 0:
            first = n[contrasts.reference]
        partner = np.where(np.arange(n.size) == np.argmax(n), second, first)
    margin = breach * (1.0 if contrasts.kind == "difference" else pooled)
    sd = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / partner))
    rough = margin / np.maximum(share, 1 - share) + 3.2 * sd
    return np.argsort(-rough, kind="stable")
