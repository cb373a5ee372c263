"""What a HistGradientBoosting says of mixed rows, from the leaves that its two rows can reach.

Its own `predict` walks every tree for every mixed row, four microseconds for 100 trees. Between two
rows most of each tree is out of reach, whatever is mixed: of 31 leaves some five are left, and bits
tell which mixed rows end in which of them. The leaves are then added up in the order in which
the model adds them, so the answers are the model's own to the last bit. That is not taken on trust:
every row of the pool and `HYBRIDS` mixed rows must come out bit by bit as the model says them, else
it is asked about all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.kinds import kind

__all__ = ["Leaves", "leaves_of"]

MOST = 64
"""Players, each of which has a bit."""
HYBRIDS = 256
"""Mixed rows on which the answers are tried."""
OFTEN = 1_000
"""Pairs of rows between two looks at the time."""

KEPT = 64_000_000
"""Bytes of bits that are kept; of more they are found for some pairs at a time."""
CELLS = 1_000_000
"""Answers of nodes that are laid out at once."""

Link = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class _Trees:
    """All trees of a model as one list of nodes, in the model's order.

    Attributes
    ----------
    column, threshold, otherwise, left, right : arrays of shape (nodes,)
        `otherwise` is whether a missing value goes left.
    inner : list of int arrays
        Nodes that ask, by depth.
    leaves : int array
    values : float array of as many leaves
    base : float
        What the model starts from.
    """

    column: np.ndarray
    threshold: np.ndarray
    otherwise: np.ndarray
    left: np.ndarray
    right: np.ndarray
    inner: list[np.ndarray]
    leaves: np.ndarray
    values: np.ndarray
    base: float


class Leaves:
    """Answers of a model about rows mixed of two rows of a pool.

    Parameters
    ----------
    trees : _Trees
    inputs : float array of shape (n + m, columns)
        The pool's rows as the model compares them.
    player : int array of shape (columns,)
        Whose column it is.
    link : callable
        From the sum of the leaves to what is explained.
    """

    def __init__(self, trees: _Trees, inputs: np.ndarray, player: np.ndarray, link: Link) -> None:
        self._trees, self._inputs, self._link = trees, inputs, link
        self._type = np.uint32 if player.max(initial=0) < 32 else np.uint64
        self._bit = np.left_shift(self._type(1), player.astype(self._type))
        size = len(inputs) * len(trees.leaves) * np.dtype(self._type).itemsize
        self._kept = self._astray(np.arange(len(inputs))) if size <= KEPT else None

    def said(
        self, first: np.ndarray, second: np.ndarray, member: np.ndarray, budget: Budget
    ) -> np.ndarray:
        """Return the answers, shape (pairs, count, 1).

        Parameters
        ----------
        first, second : int array of shape (pairs,)
            Rows of the pool.
        member : bool array of shape (pairs, count, players)
            Which players take their columns from `first`.
        """
        astray = self._kept
        if astray is None:
            rows, place = np.unique(np.concatenate([first, second]), return_inverse=True)
            astray, (first, second) = self._astray(rows), place.reshape(2, -1)
        taken, sums = self._packed(member), np.empty(member.shape[:2])
        for pair, (i, j) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            if pair % OFTEN == 0:
                budget.call()
            sums[pair] = self._summed(astray[i], astray[j], taken[pair])
        return self._link(sums.reshape(-1)).reshape(*sums.shape, 1)

    def _summed(self, one: np.ndarray, two: np.ndarray, taken: np.ndarray) -> np.ndarray:
        """Return the sums of leaves for one pair of rows, shape (count,)."""
        near = np.flatnonzero((one & two) == 0)
        # a leaf is reached when all players that stray from it in one row are of the other
        wanted = two[near]
        reached = (taken[:, None] & (wanted | one[near])) == wanted
        count = len(taken)
        which = np.flatnonzero(reached).reshape(count, -1) - len(near) * np.arange(count)[:, None]
        added = np.empty((which.shape[1] + 1, count))
        added[0], added[1:] = self._trees.base, self._trees.values[near].take(which).T
        # one after the other, as the model does; a sum of numpy may take another order
        np.add.accumulate(added, axis=0, out=added)
        total: np.ndarray = added[-1]
        return total

    def _astray(self, rows: np.ndarray) -> np.ndarray:
        """Return which players lead each row away from each leaf, as bits, (rows, leaves)."""
        each = max(1, CELLS // len(self._trees.column))
        found = [self._led(self._inputs[rows[a : a + each]]) for a in range(0, len(rows), each)]
        return np.concatenate(found)

    def _led(self, inputs: np.ndarray) -> np.ndarray:
        trees = self._trees
        away = np.zeros((len(trees.column), len(inputs)), dtype=self._type)
        for nodes in trees.inner:
            given, bit = inputs.T[trees.column[nodes]], self._bit[trees.column[nodes]][:, None]
            goes_left = np.where(
                np.isnan(given),
                trees.otherwise[nodes][:, None],
                given <= trees.threshold[nodes][:, None],
            )
            away[trees.left[nodes]] = away[nodes] | np.where(goes_left, self._type(0), bit)
            away[trees.right[nodes]] = away[nodes] | np.where(goes_left, bit, self._type(0))
        return np.ascontiguousarray(away[trees.leaves].T)

    def _packed(self, member: np.ndarray) -> np.ndarray:
        """Return the members of each coalition as bits, shape (pairs, count)."""
        size = np.dtype(self._type).itemsize
        packed = np.packbits(member, axis=2, bitorder="little")
        whole = np.zeros((*member.shape[:2], size), dtype=np.uint8)
        whole[..., : packed.shape[2]] = packed
        taken: np.ndarray = whole.view(np.dtype(self._type).newbyteorder("<"))[..., 0]
        return taken.astype(self._type)


def leaves_of(ask: Ask, model: Any, pool: Pool, ends: np.ndarray, budget: Budget) -> Leaves | None:
    """Return what answers for a model bit by bit as it does itself, or None.

    Parameters
    ----------
    ask : callable
        What is explained.
    model : object
        The fitted model it asks.
    pool : Pool
    ends : array of shape (n + m, k)
        What the function says about the pool's own rows.
    budget : Budget
    """
    known = kind(model).startswith("HistGradientBoosting")
    if not known or ends.shape[1] != 1 or len(pool.players) > MOST:
        return None
    names = list(getattr(model, "feature_names_in_", pool.names))
    inputs = pool.numbers(names)
    try:
        trees, links = _trees_of(model), list(_links(model))
    except (AttributeError, ValueError):  # another version keeps its trees elsewhere
        return None
    if trees is None or inputs is None:
        return None
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(ends), (2, HYBRIDS))
    member = rng.random((HYBRIDS, len(pool.players))) < rng.random((HYBRIDS, 1))
    mixed = pool.ask_between(ask, first, second, member, budget)
    every = np.arange(len(ends))
    for link in links:
        found = Leaves(trees, inputs, pool.owners(names), link)
        whole = np.ones((len(ends), 1, len(pool.players)), dtype=bool)
        own = found.said(every, every, whole, budget)[:, 0]
        if np.array_equal(own, ends) and np.array_equal(
            found.said(first, second, member[:, None], budget)[:, 0], mixed
        ):
            return found
    return None


def _links(model: Any) -> Iterator[Link]:
    """Yield what turns sums into answers: probabilities of either class, the sum, a prediction."""
    loss = model._loss  # noqa: SLF001 - the only way to what the model itself calls
    if kind(model) == "HistGradientBoostingClassifier":
        yield lambda sums: np.asarray(loss.predict_proba(sums[:, None])[:, 1])
        yield lambda sums: np.asarray(loss.predict_proba(sums[:, None])[:, 0])
    else:
        yield lambda sums: np.asarray(loss.link.inverse(sums))
    yield lambda sums: sums


def _trees_of(model: Any) -> _Trees | None:
    """Return the trees of a model of one output that asks for numbers alone."""
    grown = [each.nodes for own in model._predictors for each in own]  # noqa: SLF001 - see above
    if model.n_trees_per_iteration_ != 1 or any(each["is_categorical"].any() for each in grown):
        return None
    nodes, sizes = np.concatenate(grown), [len(each) for each in grown]
    start = np.repeat(np.cumsum(sizes) - sizes, sizes)
    leaf = nodes["is_leaf"] != 0
    left, right = (start + nodes[side].astype(np.int64) for side in ("left", "right"))
    inner, reached = [], np.unique(start)
    while len(reached := reached[~leaf[reached]]):
        inner.append(reached)
        reached = np.concatenate([left[reached], right[reached]])
    return _Trees(
        column=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(float),
        otherwise=nodes["missing_go_to_left"] != 0,
        left=left,
        right=right,
        inner=inner,
        leaves=np.flatnonzero(leaf),
        values=nodes["value"][leaf].astype(float),
        base=float(np.ravel(model._baseline_prediction)[0]),  # noqa: SLF001 - see above
    )
