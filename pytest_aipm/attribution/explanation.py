"""Attributions for people who write code: any model in, a `shap.Explanation` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget, BudgetSpent, asked
from pytest_aipm.attribution.coalitions import MOST_REGRESSED, Coalitions
from pytest_aipm.attribution.exact import MOST_PLAYERS, exact
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.leaves import leaves_of
from pytest_aipm.attribution.local import KEPT, PAIRS
from pytest_aipm.attribution.players import Players, players_of
from pytest_aipm.attribution.shortcuts import shortcut
from pytest_aipm.attribution.walks import walk
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.sources.guard import third_party
from pytest_aipm.stats.twoway import two_way

if TYPE_CHECKING:
    import shap

__all__ = ["explanation"]

METHODS = ("predict_proba", "decision_function", "predict")
ENUMERATED = 2_000_000
"""Mixed rows up to which all coalitions are enumerated."""


def explanation(
    model: Any,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    *,
    output: Literal["auto", "margin"] = "auto",
    players: Mapping[str, Sequence[str]] | None = None,
    walks: int = 16,
    seed: int = 0,
    budget_s: float | None = None,
) -> shap.Explanation:
    """Attribute a model's output to the columns of its own frame, whatever their types.

    Parameters
    ----------
    model : object or callable
        With `predict_proba`, `decision_function` or `predict`, in that order; or a function of a
        frame, such as one of these. Of two classes the second is explained, of more each.
    rows, background : DataFrame of n and m rows
        Columns as the model wants them.
    output : {"auto", "margin"}
        "margin": the log-odds of the second of two classes.
    players : mapping of name to columns, optional
        Columns that are attributed to as one.
    walks : int
        Pairs of orders in which columns join, for each row, at least 2: each asks about 2 (p - 1)
        mixed rows. Where there are two or more for every background row, and at most 64 players,
        as many mixed rows go into chosen coalitions instead, whose squared error is half as
        large. Not used where the values are exact: of linear models, forests and margins of
        boosted trees (see `attribution.shortcuts`), and where ten players or fewer can be
        enumerated in reasonable time.
    seed : int
    budget_s : float, optional

    Returns
    -------
    shap.Explanation
        Values of shape (n, p), or (n, p, k) for k outputs.

    Raises
    ------
    CheckError
        When the model cannot be asked, the frames do not go together, or there is no time.
    ModelError
        When an output is not finite.
    """
    if list(rows.columns) != list(background.columns) or not len(background) or not len(rows):
        what = "rows and background must have rows, and the same columns in the same order"
        raise CheckError(Problem(what, "take the background from rows of the same frame"))
    if walks < 2:
        raise CheckError(Problem(f"{walks} pair of walks has no error", "take at least 2"))
    own = players_of(list(rows.columns), players)
    ask, asked_of = _guarded(_asking(model, output)), getattr(model, "__self__", model)
    try:
        return _explained(ask, asked_of, rows, background, own, walks, seed, Budget(budget_s))
    except BudgetSpent as spent:
        what = f"the attributions take longer than budget_s={budget_s:g} ({spent})"
        raise CheckError(
            Problem(what, "group columns under players, or explain fewer rows")
        ) from None


def _explained(
    ask: Ask,
    model: Any,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    own: Players,
    walks: int,
    seed: int,
    budget: Budget,
) -> shap.Explanation:
    rows, background = rows.reset_index(drop=True), background.reset_index(drop=True)
    with budget.telling("rows explained", len(rows)):
        values, base = _values(ask, model, rows, background, own, walks, seed, budget)
    with third_party([]):  # what it imports for its plots warns
        from shap import Explanation  # noqa: PLC0415 - heavy, and only here

    starts = np.repeat(base.mean(axis=0)[None], len(rows), axis=0)
    single = values.shape[2] == 1
    whole = len(own) == rows.shape[1]
    return Explanation(
        values[:, :, 0] if single else values,
        base_values=starts[:, 0] if single else starts,
        data=rows.to_numpy(dtype=object) if whole else None,
        feature_names=list(own.names),
    )


def _values(
    ask: Ask,
    model: Any,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    own: Players,
    walks: int,
    seed: int,
    budget: Budget,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the attributions, shape (n, p, k), and the background's output, shape (m, k)."""
    small = len(own) <= MOST_PLAYERS and len(rows) * len(background) * 2 ** len(own) <= ENUMERATED
    closed = None if small else shortcut(ask, model, rows, background, own, budget=budget)
    if small:
        values, _, base = exact(ask, rows, background, own, budget=budget)
        return values, base
    if closed is not None:
        return closed, asked(ask, background)
    rng = np.random.default_rng(seed)
    rounds = walks // (PAIRS * len(background))
    if rounds and len(own) <= MOST_REGRESSED:
        return _regressed(ask, model, rows, background, own, rounds, rng, budget)
    found = walk(ask, rows, background, own, walks=walks, rng=rng, budget=budget)
    outputs = range(found.base.shape[1])
    fits = [two_way(found.values[..., k], found.background, len(background)).row for k in outputs]
    return np.stack(fits, axis=2), found.base


def _regressed(
    ask: Ask,
    model: Any,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    own: Players,
    rounds: int,
    rng: np.random.Generator,
    budget: Budget,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same from rounds of chosen coalitions of every row with every background row."""
    parts, ends, m = [], asked(ask, background), len(background)
    each = max(1, KEPT // (rounds * m * len(own) * ends.shape[1]))
    for low in range(0, len(rows), each):
        pool = Pool(rows[low : low + each], background, own)
        budget.part(low, low)
        said = pool.ends(ask, budget)
        row, start = (each.reshape(-1) for each in np.indices((pool.n, m)))
        leaves = leaves_of(ask, model, pool, said, budget)
        games = Coalitions(ask, pool, said, row, start, most=rounds, rng=rng, leaves=leaves)
        budget.part(low, low + pool.n)
        found = games.rounds(np.arange(len(row)), rounds, budget)
        parts.append(found.reshape(pool.n, m * rounds, len(own), -1).mean(axis=1))
    return np.concatenate(parts), ends


def _asking(model: Any, output: str) -> Callable[[pd.DataFrame], Any]:
    if output == "margin":
        return _log_odds(model)
    found = next((getattr(model, name) for name in METHODS if hasattr(model, name)), model)
    if callable(found):
        chances = hasattr(model, METHODS[0])
        return lambda frame: _second(found(frame)) if chances else found(frame)
    what = f"{type(model).__name__} has none of {', '.join(METHODS)}"
    raise CheckError(Problem(what, "give a model, or a function of a data frame"))


def _log_odds(model: Any) -> Callable[[pd.DataFrame], Any]:
    if not hasattr(model, METHODS[0]):
        what = f"{type(model).__name__} has no predict_proba, so it has no log-odds"
        raise CheckError(Problem(what, 'use output="auto"'))

    def margin(frame: pd.DataFrame) -> np.ndarray:
        chance = np.asarray(_second(model.predict_proba(frame)), dtype=float)
        if chance.ndim != 1:
            what = f"the model has {chance.shape[1]} classes; log-odds are of two"
            raise CheckError(Problem(what, 'use output="auto"'))
        if ((chance <= 0) | (chance >= 1)).any():
            what = "a probability of 0 or 1 has no finite log-odds"
            raise CheckError(Problem(what, 'use output="auto"'))
        return np.asarray(np.log(chance) - np.log1p(-chance))

    return margin


def _second(chances: Any) -> np.ndarray:
    array = np.asarray(chances)
    return array[:, 1] if array.ndim == 2 and array.shape[1] == 2 else array


def _guarded(ask: Callable[[pd.DataFrame], Any]) -> Ask:
    def guarded(frame: pd.DataFrame) -> np.ndarray:
        with third_party([]):
            return np.asarray(ask(frame.copy()))  # what it does to its rows stays there

    return guarded
