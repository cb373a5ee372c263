"""Unconditional exact tests of two independent rates.

The hypothesis ``p_high - p_low <= tau`` (or ``p_low >= rho p_high``) is rejected when all tables
that speak against it at least as loudly as the one seen, by the score statistic of `score`, are
together improbable whatever the rates are (Chan 1998, Statistics in Medicine 17:1403). One
nuisance rate remains. The worst value of all of [0, 1] is no guide where one group is much the
larger: near a rate of 0 the smaller one has a single event or none, the statistic is far from
normal, and 149 rows beside 50,000 would need z > 4 at the 5 % level whatever their rates are. So
the nuisance, here the rate of the larger group, ranges over its exact ``1 - share`` confidence
interval, and ``share`` is added to the p value, which keeps the level exactly (Berger and Boos
1994, Journal of the American Statistical Association 89:1012).

Exact tests need whole numbers. Fractional counts ("the same rates at other sizes", weights) are
rounded to fewer rows, and their events against the hypothesis that is to be rejected: the higher
rate down, the lower one up. Less than one row proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.parts import RateMethod, rate_bounds
from pytest_aipm.stats.score import difference_variance, quantile, ratio_variance
from pytest_aipm.stats.tails import first_reached, peak, sums

__all__ = ["Kind", "critical_z", "exact_p"]

Kind = Literal["difference", "ratio"]

SHARE = 0.02
"""Of the level that goes to the confidence interval of the nuisance rate."""
STEP = 0.5
"""Of the nuisance grid, in standard errors of the larger group's rate."""
SLACK = 1.001
"""What grid and saddlepoint may miss: each p value is multiplied by it."""
CHUNK = 40_000
"""Terms of the sums that are held at once."""
COARSE = 1.5
"""The same for critical values, which need not be exact, ..."""
THIN = 48
"""... and how many counts of the smaller group stand for all of them."""
TRIED, FAR = np.array([0, 0.06, 0.2, 0.5]), np.array([1, 2, 4, 8.0])
"""By how much critical values may exceed the normal one; between them they are interpolated."""


def exact_p(
    kind: Kind,
    high: tuple[ArrayLike, ArrayLike],
    low: tuple[ArrayLike, ArrayLike],
    margin: ArrayLike,
    level: float,
    *,
    share: float = SHARE,
) -> Array:
    """Return exact p values of "the higher rate is not beyond the lower one by the margin".

    Parameters
    ----------
    kind : {"difference", "ratio"}
        The hypothesis: ``p_high - p_low <= margin``, or ``p_low >= margin p_high``.
    high, low : (counts, sizes)
        Events and rows of either side, 0 <= counts <= sizes; broadcast to shape (B,).
    margin : array_like
        In [-1, 1] for differences, positive and finite for ratios.
    level : float
        At which the p value will be read: its `share` is the error of the nuisance interval.
        Other p values are valid, too, but not the smallest possible.
    share : float
        0 takes the supremum over all rates (Chan 1998).

    Returns
    -------
    ndarray, shape (B,)
        Valid p values; 1 where the rates do not exceed the margin.
    """
    x1, n1, x2, n2, margin = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(v, np.float64)) for v in (*high, *low, margin))
    )
    m1, m2 = np.floor(n1 + 1e-9), np.floor(n2 + 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        x1 = np.floor(x1 * np.where(n1 > 0, m1 / n1, 0) + 1e-9)
        x2 = np.ceil(x2 * np.where(n2 > 0, m2 / n2, 0) - 1e-9)
    p = np.ones(x1.shape)
    todo = np.flatnonzero((m1 > 0) & (m2 > 0))
    tables = _Tables(kind, x1[todo], m1[todo], x2[todo], m2[todo], margin[todo])
    seen = tables.loudness(tables.large, tables.small)
    beyond = seen > 0
    todo, tables, seen = todo[beyond], tables.only(beyond), seen[beyond]
    if todo.size:
        p[todo] = tables.tail(seen, level * share)
    return p


def critical_z(
    kind: Kind,
    n_high: ArrayLike,
    n_low: ArrayLike,
    margin: ArrayLike,
    level: ArrayLike,
    rate: ArrayLike,
) -> Array:
    """Return about the score statistics (B,) from which exact tests reject.

    Reject iff z >= z*: simulated samples are compared with one number. It is that of tables whose
    larger group has the `rate` given, on a coarse grid, and not below the normal quantile.

    Parameters
    ----------
    kind, margin, level
        As in `exact_p`; also `level` may differ.
    n_high, n_low : array_like
        Rows of either side, rounded down.
    rate : array_like
        Of the larger group.
    """
    given = (np.atleast_1d(np.asarray(v, np.float64)) for v in (n_high, n_low, margin, level, rate))
    n_high, n_low, margin, level, rate = np.broadcast_arrays(*given)
    n1, n2, plain = np.floor(n_high + 1e-9), np.floor(n_low + 1e-9), -ndtri(level)
    critical = np.full(plain.shape, np.inf)
    some = np.flatnonzero(np.minimum(n1, n2) >= 1)
    if some.size == 0:
        return critical
    tables = _Tables(kind, rate * n1, n1, rate * n2, n2, margin).only(some)
    level, found, below = level[some], np.full(some.size, np.inf), np.full(some.size, -5.0)
    waiting, last = np.arange(some.size), 0.0
    for tried in (TRIED, FAR):
        reached = tables.only(waiting).reached(tried, level[waiting])
        seen = np.maximum.accumulate(np.column_stack([below[waiting], reached]), axis=1)
        for row, values in zip(waiting, seen, strict=True):
            if values[-1] >= 0:
                # where the first try rejects, the normal quantile itself suffices
                found[row] = np.interp(0.0, values, [last, *tried])
        below[waiting], last = seen[:, -1], tried[-1]
        waiting = waiting[seen[:, -1] < 0]
        if waiting.size == 0:
            break
    critical[some] = plain[some] + found
    return critical


@dataclass(frozen=True)
class _Tables:
    """Tables (B,) by role; both kinds and both roles of the larger group read alike.

    The larger group's events are counted so that more of them speak against the hypothesis:
    events when it is the higher side, failures when it is the lower one.
    """

    kind: Kind
    x1: Array
    n1: Array
    x2: Array
    n2: Array
    margin: Array

    def only(self, keep: NDArray[np.bool_] | NDArray[np.intp] | slice) -> _Tables:
        return _Tables(
            self.kind, *(v[keep] for v in (self.x1, self.n1, self.x2, self.n2, self.margin))
        )

    @property
    def high(self) -> NDArray[np.bool_]:
        """Whether the larger group is the higher side."""
        return self.n1 >= self.n2

    @property
    def n_large(self) -> Array:
        return np.maximum(self.n1, self.n2)

    @property
    def n_small(self) -> Array:
        return np.minimum(self.n1, self.n2)

    @property
    def large(self) -> Array:
        return np.where(self.high, self.x1, self.n2 - self.x2)

    @property
    def small(self) -> Array:
        return np.where(self.high, self.x2, self.x1)

    def _gap(self, large: Array, small: Array) -> tuple[Array, Array]:
        """Return gap and standard error of tables (B, ...) with other counts."""
        shape = (-1, *[1] * (large.ndim - 1))
        high, n1, n2, margin = (
            v.reshape(shape) for v in (self.high, self.n1, self.n2, self.margin)
        )
        x1, x2 = np.where(high, large, small), np.where(high, small, n2 - large)
        if self.kind == "difference":
            variance = difference_variance(x1, n1, x2, n2, margin)
            return x1 / n1 - x2 / n2 - margin, np.sqrt(variance)
        variance = ratio_variance(x2, n2, x1, n1, margin)
        return margin * (x1 / n1) - x2 / n2, np.sqrt(variance)

    def loudness(self, large: Array, small: Array) -> Array:
        """Return the score statistics; no gap is 0, a gap without variance is beyond all."""
        gap, sd = self._gap(large, small)
        return np.where(np.abs(gap) <= 1e-12, 0.0, gap / np.maximum(sd, 1e-9))

    def nuisance(self, error: float | Array, method: RateMethod) -> tuple[Array, Array]:
        """Return the ends (B,) of the larger group's rate of counted events."""
        if np.min(error) > 0:
            low, high = rate_bounds(self.large, self.n_large, np.asarray(error) / 2, method)
        else:
            low, high = np.zeros(self.n1.shape), np.ones(self.n1.shape)
        # rates that leave the other side no room under the hypothesis are none of its rates
        if self.kind == "difference":
            most = 1 + self.margin
        else:
            most = np.where(self.high, 1 / self.margin, 1.0)
        return low, np.minimum(high, most)

    def partner(self, rate: Array) -> Array:
        """Return the smaller group's rate (B, G) at the border of the hypothesis."""
        high, margin = self.high[:, None], self.margin[:, None]
        if self.kind == "difference":
            rate = np.where(high, rate - margin, 1 - rate + margin)
        else:
            rate = np.where(high, rate * margin, (1 - rate) / margin)
        return np.clip(rate, 0, 1)

    def tail(
        self,
        seen: Array,
        error: float | Array,
        *,
        coarse: bool = False,
    ) -> Array:
        """Return the largest P(statistic >= seen) over the nuisance rates, plus `error`.

        `coarse` sums some counts of the smaller group for all, at fewer rates.
        """
        low, high = self.nuisance(error, "wilson" if coarse else "clopper-pearson")
        angles = np.arcsin(np.sqrt(np.clip([low, high], 0, 1)))
        spread = 2 * np.sqrt(self.n_large) * (angles[1] - angles[0])
        # each table has its own grid and window, so that its p value does not hang on the others
        ends = np.ceil(np.maximum(spread, 0.0) / (COARSE if coarse else STEP)) + 1
        points = int(ends.max()) + 1
        along = np.minimum(np.arange(points), ends[:, None]) / ends[:, None]
        grid = angles[0][:, None] + np.maximum(angles[1] - angles[0], 0.0)[:, None] * along
        rate = np.sin(grid) ** 2
        partner = self.partner(rate)
        first, last = self._window(partner, quantile(max(float(np.min(error)), 1e-15)) + 1)
        stride = np.ceil(np.maximum(last - first, 1) / THIN) if coarse else np.ones(first.shape)
        width = int(((last - first) // stride).max()) + 1
        highest = np.empty(seen.size)
        chunk = max(1, CHUNK // (points * width))
        for start in range(0, seen.size, chunk):
            part = slice(start, start + chunk)
            small = first[part, None] + stride[part, None] * np.arange(width)
            reach = self.only(part).reach(seen[part], small)
            chances = sums(
                small,
                last[part],
                self.n_small[part],
                partner[part],
                reach,
                self.n_large[part],
                rate[part],
            )
            chances *= stride[part, None]
            highest[part] = peak(chances, ends[part].astype(np.intp))
        highest = np.where(low > high, 0.0, highest)
        return np.minimum(highest * SLACK + error, 1.0)

    def reached(self, beyond: Array, level: Array) -> Array:
        """Return (B, S) by how much tests of statistics `beyond` the normal quantile reject."""
        plain = -ndtri(level)
        many = self.only(np.repeat(np.arange(plain.size), beyond.size))
        tail = many.tail(
            (plain[:, None] + beyond).ravel(),
            np.repeat(level * SHARE, beyond.size),
            coarse=True,
        )
        return -ndtri(tail.reshape(-1, beyond.size)) - plain[:, None]

    def _window(self, partner: Array, z: float) -> tuple[Array, Array]:
        """Return the smaller group's counts that matter: `z` sd around its rates, and skewness."""
        n = self.n_small
        sides = np.stack([partner.min(axis=1), partner.max(axis=1)])
        spread = z * np.sqrt(n * sides * (1 - sides)) + z**2 / 3 + 2
        first = np.maximum(np.floor(n * sides[0] - spread[0]), 0)
        return first, np.minimum(np.ceil(n * sides[1] + spread[1]), n)

    def reach(self, seen: Array, small: Array) -> Array:
        """Return the fewest counts (B, Y) of the larger group that are as loud as `seen`.

        The statistic rises with the count: secants within a bracket, then whole numbers.
        """
        n, seen = self.n_large[:, None], seen[:, None]
        small = np.minimum(small, self.n_small[:, None])

        def excess(large: Array) -> Array:
            gap, sd = self._gap(large, small)
            # without a gap a table says nothing, also where there is no variance
            return np.where(gap > 1e-12, gap - seen * sd + 1e-10, -np.abs(gap) - 1e-9)

        # a first guess has the standard error of the table seen
        far = seen * self._gap(self.large, self.small)[1][:, None]
        margin, rate = self.margin[:, None], small / self.n_small[:, None]
        if self.kind == "difference":
            start = np.where(self.high[:, None], margin + rate, 1 + margin - rate) + far
        else:
            start = np.where(self.high[:, None], (rate + far) / margin, 1 - margin * rate + far)
        return first_reached(excess, start * n, n)
