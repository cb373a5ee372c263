"""Harm that is known because it was planted, at growing strength.

==========  =====================================================================================
harm        what is done, at strength s
==========  =====================================================================================
flip        s of the favorable decisions of a group become unfavorable: those rows get the
            prediction of a row that was refused
proxy       the model leans on the attribute: it scores each member of a group like someone who
            stands s of all rows lower (a model without scores refuses s of the members)
degrade     s of the rows of a group get the prediction of another row of it
leak        s of the evaluation rows are replaced by training rows; and, for checks that ask the
            model about them, the model knows s of its training rows by heart
drop        s of the rows of a group are missing
thin        s of all rows are missing
==========  =====================================================================================

What a smaller strength changes, a larger one changes too, in the same way: harm only grows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.evidence.sample import generator
from pytest_aipm.selftest.models import Group, Harmed, by_heart, lean, members
from pytest_aipm.selftest.world import LABELS, SCORES, Base, World

__all__ = ["HARMS", "Harm", "Target", "plant", "resampled", "thinned"]


@dataclass(frozen=True)
class Harm:
    """A kind of harm.

    Attributes
    ----------
    name : str
    strengths : tuple of float
        Shares in (0, 1], ascending.
    quick : tuple of float
        Those of a quick test.
    conduct : bool
        Whether the model or its decisions get worse, rather than the rows fewer. A check that no
        harm of conduct turns red is blind.
    """

    name: str
    strengths: tuple[float, ...]
    quick: tuple[float, ...]
    conduct: bool = True


_SHARES = (0.01, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50)
_FEW = (0.02, 0.10, 0.50)

HARMS = {
    each.name: each
    for each in (
        Harm("flip", _SHARES, _FEW),
        Harm("proxy", _SHARES, _FEW),
        Harm("degrade", (*_SHARES, 1.0), (*_FEW, 1.0)),
        Harm("leak", (0.005, *_SHARES), (0.005, *_FEW)),
        Harm("drop", (0.50, 0.80, 0.90, 1.0), (0.80, 1.0), conduct=False),
        Harm("thin", (0.50, 0.80, 0.90, 0.98), (0.80, 0.98), conduct=False),
    )
}


@dataclass(frozen=True)
class Target:
    """What a harm is planted into.

    Attributes
    ----------
    harm : str
    group : tuple of (attribute, level)
        Empty means all rows.
    place : {"group", "rows", "model"}
        The two ways of a leak are told apart by the last two.
    """

    harm: str
    group: Group = ()
    place: Literal["group", "rows", "model"] = "group"

    @property
    def name(self) -> str:
        """What a reader calls it."""
        if self.place == "model":
            return "training rows known by heart"
        if self.place == "rows":
            return "evaluation rows that are training rows"
        return " · ".join(level for _, level in self.group) or "all rows"


def plant(base: Base, target: Target, share: float, seed: int) -> World:
    """Return the rows and the model with some harm; the base is not changed.

    Parameters
    ----------
    base : Base
    target : Target
        One that `concern.targets_of` planned for this base.
    share : float
        Strength in [0, 1].
    seed : int
        Chooses the rows that are harmed.
    """
    return _PLANT[target.harm](base, target, share, seed)


def thinned(world: World, share: float, seed: int) -> World:
    """Return a world in which a share of the rows is missing."""
    order = generator(seed, "thin").permutation(len(world.frame))
    kept = np.sort(order[round(share * len(order)) :])
    return replace(world, frame=world.frame.iloc[kept])


def resampled(world: World, seed: int) -> World:
    """Return a world with as many rows, drawn from its rows with replacement: another sample."""
    n = len(world.frame)
    return replace(world, frame=world.frame.iloc[generator(seed, "sample").integers(n, size=n)])


def _flip(base: Base, target: Target, share: float, seed: int) -> World:
    favorable = base.favorable
    assert favorable is not None  # noqa: S101 - planned where people are decided on
    rng = generator(seed, "flip", target.name)
    inside = members(base.subject, target.group, base.frame)
    order = rng.permutation(np.flatnonzero(favorable & inside))
    givers = rng.choice(np.flatnonzero(~favorable), size=len(order))
    return _told_as(base, order, givers, share)


def _degrade(base: Base, target: Target, share: float, seed: int) -> World:
    rng = generator(seed, "degrade", target.name)
    inside = np.flatnonzero(members(base.subject, target.group, base.frame))
    order = rng.permutation(inside)
    return _told_as(base, order, rng.choice(inside, size=len(order)), share)


def _told_as(base: Base, order: np.ndarray, givers: np.ndarray, share: float) -> World:
    """Give the first rows of an order the predictions of others."""
    count = round(share * len(order))
    rows, givers = order[:count], givers[:count]
    frame = base.frame.copy(deep=False)
    for name in base.frame.columns:
        if name == LABELS or name.startswith(SCORES):  # of several classes a column each
            values = base.frame[name].to_numpy(copy=True)
            values[rows] = values[givers]
            frame[name] = values
    return replace(base.world, frame=frame)


def _proxy(base: Base, target: Target, share: float, seed: int) -> World:
    change = lean(base, target.group, share, seed)
    assert base.said is not None  # noqa: S101 - planned for predictions alone
    said = change(base.frame, base.said)
    frame = base.frame.copy(deep=False)
    for name, values in ((LABELS, said.labels), (SCORES, said.scores)):
        if values is not None:
            frame[name] = values
    model = base.evidence.model
    return replace(base.world, frame=frame, model=None if model is None else Harmed(model, change))


def _leak(base: Base, target: Target, share: float, seed: int) -> World:
    train = _train(base)
    if target.place == "model":
        model = base.evidence.model
        assert model is not None  # noqa: S101 - planned for checks that ask a model
        return replace(base.world, model=Harmed(model, by_heart(base, train, share, seed)))
    rng = generator(seed, "leak")
    order = rng.permutation(len(base.frame))
    givers = rng.choice(len(train), size=len(order))
    count = round(share * len(order))
    rows, copied = order[:count], train.iloc[givers[:count]]
    frame = base.frame.copy(deep=False)
    for name in train.columns:
        frame[name] = _with(base.frame[name], rows, copied[name])
    return replace(base.world, frame=frame)


def _train(base: Base) -> pd.DataFrame:
    """Return the columns of the training rows that the evaluation rows have, too."""
    source, subject = base.evidence.train, base.evidence.subject
    assert source is not None  # noqa: S101 - planned where there are training rows
    wanted = [*base.evidence.feature_columns(), subject.label]
    known = {*source.columns} & {*base.frame.columns}
    return source.frame([name for name in wanted if name in known])


def _with(column: pd.Series[Any], rows: np.ndarray, values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with some rows replaced, of a type that holds both."""
    parts = [column[_but(rows, len(column))], values.set_axis(rows)]
    joined: pd.Series[Any] = pd.concat(parts).sort_index()
    return joined


def _but(rows: np.ndarray, n: int) -> np.ndarray:
    """Return a mask of all rows but some."""
    kept = np.ones(n, dtype=bool)
    kept[rows] = False
    return kept


def _drop(base: Base, target: Target, share: float, seed: int) -> World:
    inside = np.flatnonzero(members(base.subject, target.group, base.frame))
    order = generator(seed, "drop", target.name).permutation(inside)
    gone = order[: round(share * len(order))]
    return replace(base.world, frame=base.frame[_but(gone, len(base.frame))])


def _thin(base: Base, target: Target, share: float, seed: int) -> World:
    del target
    return thinned(base.world, share, seed)


_PLANT: dict[str, Callable[[Base, Target, float, int], World]] = {
    "flip": _flip,
    "proxy": _proxy,
    "degrade": _degrade,
    "leak": _leak,
    "drop": _drop,
    "thin": _thin,
}
