"""Attributions for people who write code: any model in, a `shap.Explanation` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget, BudgetSpent
from pytest_aipm.attribution.exact import MOST_PLAYERS, exact
from pytest_aipm.attribution.players import Players, players_of
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
        frame. Of two classes the second is explained, of more each.
    rows, background : DataFrame of n and m rows
        Columns as the model wants them.
    players : mapping of name to columns, optional
        Columns that are attributed to as one.
    walks : int
        Pairs of orders a row, at least 2; where ten players or fewer can be enumerated in
        reasonable time the values are exact.
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
    ask, own = _guarded(_asking(model)), players_of(list(rows.columns), players)
    try:
        return _explained(ask, rows, background, own, walks, seed, Budget(budget_s))
    except BudgetSpent as spent:
        what = f"the attributions take longer than budget_s={budget_s:g} ({spent})"
        raise CheckError(
            Problem(what, "group columns under players, or explain fewer rows")
        ) from None


def _explained(
    ask: Ask,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    own: Players,
    walks: int,
    seed: int,
    budget: Budget,
) -> shap.Explanation:
    rows, background = rows.reset_index(drop=True), background.reset_index(drop=True)
    small = len(own) <= MOST_PLAYERS and len(rows) * len(background) * 2 ** len(own) <= ENUMERATED
    if small:
        values, _, base = exact(ask, rows, background, own, budget=budget)
    else:
        rng = np.random.default_rng(seed)
        found = walk(ask, rows, background, own, walks=walks, rng=rng, budget=budget)
        base = found.base
        outputs = range(base.shape[1])
        fits = [
            two_way(found.values[..., k], found.background, len(background)).row for k in outputs
        ]
        values = np.stack(fits, axis=2)
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


def _asking(model: Any) -> Callable[[pd.DataFrame], Any]:
    found = next((getattr(model, name) for name in METHODS if hasattr(model, name)), model)
    if callable(found):
        chances = hasattr(model, METHODS[0])
        return lambda frame: _second(found(frame)) if chances else found(frame)
    what = f"{type(model).__name__} has none of {', '.join(METHODS)}"
    raise CheckError(Problem(what, "give a model, or a function of a data frame"))


def _second(chances: Any) -> np.ndarray:
    array = np.asarray(chances)
    return array[:, 1] if array.ndim == 2 and array.shape[1] == 2 else array


def _guarded(ask: Callable[[pd.DataFrame], Any]) -> Ask:
    def guarded(frame: pd.DataFrame) -> np.ndarray:
        with third_party([]):
            return np.asarray(ask(frame))

    return guarded
