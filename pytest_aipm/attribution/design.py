"""Which coalitions to ask about, so that few of them say the most about every player."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["Design", "design"]

SWEEPS = 12
STEPS = 500
PRECISION = 1e-13


@dataclass(frozen=True, eq=False)
class Design:
    """Coalitions, and what turns their worth into Shapley values.

    Attributes
    ----------
    members : bool array of shape (2 (q - 1), q)
        Two coalitions of every size, small ones first.
    weights : array of shape (2 (q - 1), q)
    """

    members: np.ndarray
    weights: np.ndarray

    def values(self, gaps: np.ndarray, total: np.ndarray) -> np.ndarray:
        """Return the values of games, shape (g, q).

        Parameters
        ----------
        gaps : array of shape (g, 2 (q - 1))
            What each coalition is worth more than its complement.
        total : array of shape (g,)
            What all players are worth more than none; the values sum to it.
        """
        q = self.members.shape[1]
        even = (2 * self.members.sum(axis=1) - q) / q
        values: np.ndarray = (gaps - total[:, None] * even) @ self.weights + total[:, None] / q
        return values


@lru_cache(maxsize=64)
def design(q: int) -> Design:
    """Return the coalitions of q players, at least 3.

    With z = 1 for members and -1 for others, centred, v(S) - v(complement of S) is z phi, plus
    what depends on the sizes alone, where no three players interact. Least squares weigh the
    coalitions of one size (or of its complement's) alike. Players are dealt to the columns at
    random for each game, so given its size each coalition is any one with equal chance, and

    - the fit is exact where no three players interact;
    - it is unbiased for every game when the leverages of each size sum to what the definition of
      the Shapley value gives that size, 1; the weights of sizes are chosen so;
    - its variance is least when the matrix of the fit is a multiple of the identity. Random
      coalitions are far from it (two for each size make the variance twice as large as need be),
      so members are swapped until it nearly is.

    See Covert and Lee 2021 for pairs of coalitions and complements, Musco and Witter 2025 for
    equally many coalitions of every size.
    """
    rng = np.random.default_rng(q)
    size = np.repeat(np.arange(1, q), 2)
    members = rng.random((len(size), q)).argsort(axis=1) < size[:, None]
    z = 2.0 * members - (2 * size / q)[:, None]
    weight = q * (q - 1) / (4.0 * size * (q - size))
    _swapped(z, weight)
    kind = np.minimum(size, q - size)
    for _ in range(STEPS):
        fit = _fit(z, weight)
        leverage = np.bincount(kind, (fit * z).sum(axis=1), minlength=q)
        wanted = np.bincount(kind, minlength=q) / 2
        ratio = wanted[kind] / leverage[kind]
        weight = weight * ratio
        if np.abs(ratio - 1).max() < PRECISION:
            break
    return Design(z > 0, _fit(z, weight))


def _fit(z: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the least-squares weights of coalitions, shape (count, q)."""
    q = z.shape[1]
    scaled = z * weight[:, None]
    # sums of all players are not fitted; a constant in their place makes the matrix regular
    fit: np.ndarray = scaled @ np.linalg.inv(z.T @ scaled + len(z) / q)
    return fit


def _swapped(z: np.ndarray, weight: np.ndarray) -> None:
    """Swap members with others, in place, as long as z' diag(weight) z gets nearer the identity."""
    count, q = z.shape
    gram = (z.T * weight) @ z - count * (np.eye(q) - 1.0 / q)
    for _ in range(SWEEPS):
        changed = False
        for k in range(count):
            own = z[k]
            others = gram - weight[k] * np.outer(own, own)
            while True:
                along, inside = others @ own, np.flatnonzero(own > 0)
                outside = np.flatnonzero(own <= 0)
                gain = (
                    (along[outside] + np.diag(others)[outside])[None, :]
                    - (along[inside] - np.diag(others)[inside])[:, None]
                    - 2 * others[np.ix_(inside, outside)]
                )
                i, j = np.unravel_index(np.argmin(gain), gain.shape)
                if gain[i, j] > -1e-9 * count:
                    break
                own[inside[i]] -= 2.0
                own[outside[j]] += 2.0
                changed = True
            gram = others + weight[k] * np.outer(own, own)
        if not changed:
            return
