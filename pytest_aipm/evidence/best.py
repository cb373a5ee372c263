"""Which rows the best share of all rows is: a cut that every process can apply by itself.

Rows are ordered by score, among equal scores by a lot that differs from row to row. The cut is
the last of them that is in. It is found in a few passes that count rows by key: of many different
keys only the leading bits are told apart, and the next pass looks at those that share the bits at
which the count is reached. So what comes back is small, and the cut is exact, for any split of the
rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Cut", "Ranks", "Span", "cut_of", "score_keys", "scores_of"]

MOST = 65_536
"""Keys that are told apart in one pass."""
_TOP, _ALL = np.uint64(1 << 63), 2**64 - 1


def score_keys(scores: np.ndarray, *, highest: bool) -> np.ndarray:
    """Return whole numbers that order scores, the best first, shape (n,)."""
    bits = (np.asarray(scores, dtype=float) + 0.0).view(np.uint64)  # -0.0 is 0.0
    keys = np.where(bits & _TOP, ~bits, bits | _TOP)
    return np.asarray(~keys if highest else keys)


def scores_of(keys: np.ndarray, *, highest: bool) -> np.ndarray:
    """Return the scores that have these keys."""
    keys = ~keys if highest else keys
    return np.asarray(np.where(keys & _TOP, keys & ~_TOP, ~keys)).view(np.float64)


@dataclass(frozen=True, eq=False)
class Ranks:
    """Rows by key; merging is addition.

    Attributes
    ----------
    shift : int
        How many bits of the keys are left aside.
    keys : uint64 array of shape (m,)
        What is left of them, ascending, each once.
    rows, weight : arrays of shape (m,)
        Rows of each, and what they weigh.
    last : uint64 array of shape (m,)
        The largest whole key of each.
    lightest, heaviest : float
        Smallest and largest weight.
    """

    shift: int = 0
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    weight: np.ndarray = field(default_factory=lambda: np.empty(0))
    last: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    lightest: float = np.inf
    heaviest: float = -np.inf

    @classmethod
    def of(cls, keys: np.ndarray, weight: np.ndarray | None) -> Ranks:
        """Return those of n rows."""
        own = np.ones(len(keys)) if weight is None else weight
        ends = (float(own.min()), float(own.max())) if len(own) else (np.inf, -np.inf)
        return _told(0, keys, np.ones(len(keys), dtype=np.int64), own, keys, *ends)

    def merge(self, other: Ranks) -> Ranks:
        """Return those of both."""
        shift = max(self.shift, other.shift)
        keys = [each.keys >> np.uint64(shift - each.shift) for each in (self, other)]
        rows, weight, last = (
            np.concatenate([getattr(each, name) for each in (self, other)])
            for name in ("rows", "weight", "last")
        )
        ends = min(self.lightest, other.lightest), max(self.heaviest, other.heaviest)
        return _told(shift, np.concatenate(keys), rows, weight, last, *ends)


def _told(
    shift: int,
    keys: np.ndarray,
    rows: np.ndarray,
    weight: np.ndarray,
    last: np.ndarray,
    lightest: float,
    heaviest: float,
) -> Ranks:
    order = np.argsort(keys, kind="stable")
    keys, rows, weight, last = keys[order], rows[order], weight[order], last[order]
    more = _fewer(keys)
    keys, shift = keys >> np.uint64(more), shift + more
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else order
    if len(first) < len(keys):
        rows, weight = (np.add.reduceat(each, first) for each in (rows, weight))
        last, keys = np.maximum.reduceat(last, first), keys[first]
    return Ranks(shift, keys, rows, weight, last, lightest, heaviest)


def _fewer(keys: np.ndarray) -> int:
    """Return how many bits of ascending keys to leave aside, so that few enough differ."""
    apart = keys[1:] ^ keys[:-1]
    apart = apart[apart != 0]
    if len(apart) < MOST:
        return 0
    counted = (np.count_nonzero(apart >> np.uint64(bits)) for bits in range(1, 64))
    return next(bits for bits, many in enumerate(counted, 1) if many < MOST // 2)


@dataclass(frozen=True)
class Span:
    """Which rows a pass looks at: those that share `before`, with the next key in a range."""

    before: tuple[int, ...] = ()
    low: int = 0
    high: int = _ALL

    def holds(self, keys: np.ndarray) -> np.ndarray:
        """Return which next keys lie in the range."""
        return np.asarray((keys >= np.uint64(self.low)) & (keys <= np.uint64(self.high)))


@dataclass(frozen=True)
class Cut:
    """The last row that is in.

    Attributes
    ----------
    keys : tuple of one or two int
        Key of its score; its lot, where not all rows of that score are in.
    tied, drawn : int
        Rows that share the score at the cut, and those of them that are in, where a lot was drawn.
    """

    keys: tuple[int, ...]
    tied: int = 0
    drawn: int = 0

    def score(self, *, highest: bool) -> float:
        """Return the last score that is in."""
        return float(scores_of(np.array(self.keys[:1], dtype=np.uint64), highest=highest)[0])

    def chosen(self, keys: np.ndarray, lots: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return which rows are in, shape (n,).

        Parameters
        ----------
        keys : uint64 array of shape (n,)
            Of their scores.
        lots : callable
            Places of rows to their lots, asked for equal scores alone.
        """
        inside = keys <= np.uint64(self.keys[0])
        if len(self.keys) > 1 and len(tied := np.flatnonzero(keys == np.uint64(self.keys[0]))):
            inside[tied] = lots(tied) <= np.uint64(self.keys[1])
        return np.asarray(inside)


def cut_of(run: Callable[[Span], Ranks], share: float, *, weighted: bool) -> Cut:
    """Return the cut that lets the best share of the rows in; see `decide.best_share`.

    Parameters
    ----------
    run : callable
        Makes a pass over the rows in a span. Rows without weight are no rows where weights count.
    share : float
        Below 1 a share of the rows, or of their weight; else how many rows.
    weighted : bool
        Whether weights count, where they differ.
    """
    span, ranks = Span(), run(Span())
    weighted = weighted and share < 1 and ranks.lightest < ranks.heaviest
    n = int(ranks.rows.sum())
    goal = share * float(ranks.weight.sum())
    if not weighted:
        goal = max(1, min(n, round(share * n) if share < 1 else int(share)))
    passed: float = 0
    gone = tied = drawn = 0
    last: tuple[int, ...] = ()
    while True:
        sizes = ranks.weight if weighted else ranks.rows
        reached = passed + np.cumsum(sizes)
        at = min(int(np.searchsorted(reached, goal)), len(sizes) - 1)
        if at:
            last = (*span.before, int(ranks.last[at - 1]))
            passed, gone = reached[at - 1], gone + int(ranks.rows[:at].sum())
        here = (*span.before, int(ranks.last[at]))
        rows = int(ranks.rows[at])
        if ranks.shift:
            low = int(ranks.keys[at]) << ranks.shift
            span = Span(span.before, low, low + (1 << ranks.shift) - 1)
        else:
            if len(here) == 1:
                tied, drawn = rows, gone
            if rows == 1 or reached[at] == goal:
                break
            span = Span(here)
        ranks = run(span)
    if weighted and last and abs(passed - goal) <= abs(reached[at] - goal):
        here = last
    else:
        gone += rows
    drawn = gone - drawn
    if len(here) == 1 or drawn in (0, tied):
        return Cut(here)
    return Cut(here, tied, drawn)
