"""The two ends of a disparity: where the tests of its pairs stop rejecting.

On the scale of `Contrasts`, where a limit grows with the disparity, the breach end is
``inf{t: "the disparity is at most t" is not rejected}``, and the hold end
``sup{t: "it is at least t" is not rejected}``. A pair rejects by its score statistic and, where it
is small, by the exact test too. Exact p values are not monotone in t, so ends are sought from
outside over a grid of limits that people write: a limit beyond an end is one that was rejected.
Between two points of the grid an exact end is interpolated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from pytest_aipm.stats.contrasts import Contrasts, Index
from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.score import difference_bound, quantile, ratio_bound

__all__ = ["breach_end", "hold_end"]

GRID = np.arange(101) / 100
LADDER = 1 - np.concatenate([np.geomspace(1e6, 2.1, 270), np.arange(200, -1, -1) / 100])
"""Limits of ratios, ascending as `Contrasts` writes them: hundredths up to a ratio of 2, then steps
of 5 %."""
OUTWARD = 2e-9
"""How far an end is moved outward after its root is found."""
BLOCK = 6
"""Points that one call of the exact test takes on the way outward ..."""
STRIDE = 16
"""... and upward, where they are cleared one after the other."""
SURE = 0.4
"""A pair whose exact p value is under this part of its level also rejects farther out."""


def breach_end(contrasts: Contrasts, x: Array, alpha: float) -> float:
    """Return inf{t: "the disparity is at most t" is not rejected by the family at `alpha`}.

    The scan starts at 0, because the critical value falls as t grows and may fall faster than the
    statistic of a small pair.
    """
    scan = _Scan(contrasts, x)
    return scan.one_by_one(alpha) if contrasts.shape == "fixed" else scan.climb(alpha)


def hold_end(contrasts: Contrasts, x: Array, alpha: float) -> float:
    """Return sup{t: "the disparity is at least t" is not rejected in some pair at `alpha`}."""
    return _Scan(contrasts, x).hold(alpha)


class _Scan:
    """The tests of one table."""

    def __init__(self, contrasts: Contrasts, x: Array) -> None:
        self.contrasts, self.x = contrasts, x
        self.pooled = float(x.sum() / contrasts.n.sum())
        (self.x1, self.n1), (self.x2, self.n2) = contrasts.sides(x)

    def z(self, points: float | Array, pairs: Index) -> Array:
        return self.contrasts.only(pairs).z(self.x, points)

    def small(self, points: float | Array, pairs: Index) -> NDArray[np.bool_]:
        return self.contrasts.only(pairs).small(points, self.pooled)

    def critical(self, point: float, alpha: float) -> float:
        return self.contrasts.critical(float(point), alpha, self.pooled)

    def _own(self, pairs: Index) -> Array:
        """Return the limits that the observed rates of pairs just meet."""
        high, low = self.x1[pairs] / self.n1[pairs], self.x2[pairs] / self.n2[pairs]
        share = self.contrasts.share[pairs]
        if self.contrasts.kind == "difference":
            return (high - low) * (1 - share)
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - low / (share * low + (1 - share) * high)

    # -- from the limit outward --------------------------------------------------------------

    def hold(self, alpha: float) -> float:
        """See `hold_end`."""
        critical = quantile(alpha)
        end = self._hold_by_score(alpha, critical)
        if end >= 1:
            return 1.0
        everyone = np.arange(self.x1.size)
        pairs = everyone[self.small(end, everyone)]
        grid = GRID if self.contrasts.kind == "difference" else LADDER
        for first in (True, False):  # the nearest pair first: it leaves few others in doubt
            z = -self.z(end, pairs)
            doubt = np.flatnonzero(z <= critical + self._screen(pairs))
            if first and doubt.size:
                # ties go by size, never by the order of the groups
                sizes = self.n1[pairs[doubt]], self.n2[pairs[doubt]]
                doubt = doubt[np.lexsort((*sizes, np.round(z[doubt], 9)))[:1]]
            points = np.concatenate([[end], grid[grid > end + 1e-12]])
            end = self._outward(points, pairs[doubt], alpha, held=True, last=1.0)
            pairs = np.delete(pairs, doubt)
        return end

    def _hold_by_score(self, alpha: float, critical: float) -> float:
        # the pair that a rough interval puts first; then all that its end does not reject
        rates = [(x + 1) / (n + 2) for x, n in ((self.x1, self.n1), (self.x2, self.n2))]
        spread = [p * (1 - p) / n for p, n in zip(rates, (self.n1, self.n2), strict=True)]
        if self.contrasts.kind == "difference":
            rough = (rates[0] - rates[1]) + critical * np.sqrt(spread[0] + spread[1])
            rough *= 1 - self.contrasts.share
        else:
            sd = np.sqrt(spread[0] / rates[0] ** 2 + spread[1] / rates[1] ** 2)
            rough = np.log(rates[0] / rates[1]) + critical * sd
        first = np.array([np.argmax(rough)])
        end = float(self._score_ends(first, alpha, held=True)[0])
        wider = np.flatnonzero(-self.z(end, np.arange(self.x1.size)) <= critical)
        wider = wider[wider != first[0]]
        if wider.size:
            end = max(end, float(self._score_ends(wider, alpha, held=True).max()))
        return end

    def one_by_one(self, alpha: float) -> float:
        """Return the breach end when each pair has its own fixed share of the level."""
        level = alpha / self.contrasts.tests
        everyone = np.arange(self.x1.size)
        ends = self._score_ends(everyone, level, held=False)
        small, best = self.small(0.0, everyone), -np.inf
        for pair in everyone[np.argsort(-ends, kind="stable")]:
            end = float(ends[pair])
            if end <= best:
                break
            if small[pair]:
                points = np.concatenate([[end], LADDER[end - 1e-12 > LADDER][::-1]])
                end = self._outward(points, everyone[[pair]], level, held=False, last=-np.inf)
            best = max(best, end)
        return best

    def _score_ends(self, pairs: Index, level: float, *, held: bool) -> Array:
        """Return where the score test of each pair stops rejecting."""
        c = self.contrasts.only(pairs)
        high, low = c.sides(self.x)
        if c.kind == "difference":
            bound = difference_bound(*high, *low, level, 1 if held else -1)
            return np.minimum(bound * (1 - c.share), 1.0)
        ratio = ratio_bound(*low, *high, level, -1 if held else 1)
        with np.errstate(divide="ignore"):
            return np.asarray(1 - 1 / (c.share + (1 - c.share) / ratio))

    def _screen(self, pairs: Index) -> Array:
        """Return how far beyond its critical value a pair need not be tested exactly.

        Exact critical values exceed those of a normal statistic by skewness and by the gaps
        between counts, both of which fall with the root of the expected counts.
        """
        high, low = (x[pairs] + 1.0 for x in (self.x1, self.x2))
        n1, n2 = self.n1[pairs] + 2, self.n2[pairs] + 2
        counts = np.minimum(high * (1 - high / n1), low * (1 - low / n2))
        return np.asarray(0.1 + 1.3 / np.sqrt(counts))

    def _outward(
        self, points: Array, pairs: Index, level: float, *, held: bool, last: float
    ) -> float:
        """Return where the exact tests of all `pairs` begin to reject, on the way outward."""
        sign, critical = -1 if held else 1, quantile(level)
        screen = critical + self._screen(pairs)
        worst = np.full(points.size, 1.0)
        start, width = 0, 1 if pairs.size > 1 else BLOCK
        while pairs.size and start < points.size:
            block = points[start : start + width, None]
            z = sign * self.z(block, pairs)
            at, place = np.nonzero((z <= screen) & self.small(block, pairs))
            p = np.zeros(z.shape)
            p[at, place] = self.contrasts.exact(
                self.x, block[at, 0], pairs[place], level, held=held
            )
            clear = np.maximum(-ndtri(p[at, place]), -5) - critical
            np.minimum.at(worst, start + at, clear)
            alive = p[-1] > SURE * level
            pairs, screen = pairs[alive], screen[alive]
            start, width = start + width, BLOCK if pairs.size == 1 else BLOCK // 2
        unsure = np.flatnonzero(worst <= 0)
        if unsure.size == 0:
            return float(points[0])
        final = int(unsure[-1])
        if final + 1 == points.size:
            return last
        step = -worst[final] / (worst[final + 1] - worst[final])
        return float(points[final] + max(step, 1e-6) * (points[final + 1] - points[final]))

    # -- from no disparity upward ------------------------------------------------------------

    def climb(self, alpha: float) -> float:
        """Return the first limit from 0 upward at which no pair rejects."""
        everyone = np.arange(self.x1.size)
        pairs = everyone[self._own(everyone) > 0]
        step, critical, exactly = 0, np.inf, None
        while step < GRID.size and pairs.size:
            z = self.z(GRID[step], pairs)
            if z.max() <= quantile(alpha):
                break
            critical = self.critical(GRID[step], alpha)
            over = z > critical
            small = over & self.small(GRID[step], pairs)
            if (over & ~small).any():
                far = (self._own(pairs) - GRID[step]) * (1 - critical / np.where(over, z, np.inf))
                pair = pairs[[np.argmax(np.where(over & ~small, far, -np.inf))]]
                step, exactly = self._stride(pair, step, critical, alpha), None
                continue
            moved, pair = 0, pairs[small]
            if exactly is not None and np.isin(exactly, pair).all():
                moved, pair = self._exact_stride(exactly, step, critical)
            if not moved:
                moved, pair = self._exact_stride(pairs[small], step, critical)
            if not moved:
                break
            step, exactly = step + moved, pair
        if step == 0:
            return 0.0
        if step == GRID.size:
            return 1.0
        return self._last_step(GRID[step - 1 : step + 1], pairs, alpha)

    def _last_step(self, cell: Array, pairs: Index, alpha: float) -> float:
        """Return where, within a step, none of all pairs rejects any more, whichever led here."""
        critical = np.array([self.critical(float(point), alpha) for point in cell])
        over = pairs[self.z(cell[0], pairs) > critical[0]]
        small = self.small(cell[0], over)
        scored, exactly = over[~small], over[small]
        return max(self._within(cell, scored, alpha), self._within_exactly(cell, exactly, critical))

    def _stride(self, pair: Index, step: int, critical: float, alpha: float) -> int:
        """Return the first step at which a pair that needs no exact test stops rejecting."""
        z = self.z(GRID[:, None], pair)[:, 0]
        while step < GRID.size:
            # the critical value never rises with t
            if z[step] <= critical:
                critical = self.critical(GRID[step], alpha)
                if z[step] <= critical:
                    break
            step += 1
        return step

    def _exact_stride(self, pairs: Index, step: int, critical: float) -> tuple[int, Index]:
        """Return for how many steps the exact test of the best small pair rejects."""
        level = float(ndtr(-critical))
        if pairs.size == 0:
            return 0, pairs
        if pairs.size > 1:
            point = np.full(pairs.size, GRID[step])
            p = self.contrasts.exact(self.x, point, pairs, level, held=False)
            pairs = pairs[[np.argmin(p)]]
            if p.min() > level:
                return 0, pairs
        points = GRID[step : step + STRIDE]
        rejects = (self.z(points[:, None], pairs)[:, 0] > critical) & self.small(
            points[:, None], pairs
        )[:, 0]
        points = points[np.logical_and.accumulate(rejects)]
        p = self.contrasts.exact(self.x, points, np.repeat(pairs, points.size), level, held=False)
        return int(np.logical_and.accumulate(p <= level).sum()), pairs

    def _within(self, cell: Array, pairs: Index, alpha: float) -> float:
        """Return where the score tests of pairs that reject stop within a step, rounded down."""
        if pairs.size == 0:
            return float(cell[0])

        def excess(point: float) -> float:
            return float(self.z(point, pairs).max()) - self.critical(point, alpha)

        if excess(cell[1]) > 0:  # only a rounding error away
            return float(cell[1]) - OUTWARD
        root = float(brentq(excess, float(cell[0]), float(cell[1]), xtol=1e-9))
        return max(float(cell[0]) + OUTWARD, root - OUTWARD)

    def _within_exactly(self, cell: Array, pairs: Index, critical: Array) -> float:
        """Return about where the exact tests of pairs stop rejecting within a step."""
        clear = np.empty((2, pairs.size))
        for side in (0, 1):
            level, at = float(ndtr(-critical[side])), np.full(pairs.size, cell[side])
            p = self.contrasts.exact(self.x, at, pairs, level, held=False)
            z = self.z(cell[side], pairs)
            clear[side] = np.minimum(z, np.maximum(-ndtri(p), -5)) - critical[side]
        ahead, behind = clear[:, clear[0] >= 0]
        if ahead.size == 0:
            return float(cell[0])
        ahead, behind = np.maximum(ahead, 1e-6), np.minimum(behind, -1e-6)
        share = np.maximum(ahead / (ahead - behind), 1e-6).max()
        return float(cell[0] + (cell[1] - cell[0]) * share)
