"""Exact values without sampling, for kinds of models where they are known to be the same values.

Two kinds are taken, each held against enumeration in `tests/attribution/test_shortcuts.py`:

- outputs that add up over columns: linear models, alone or behind steps that treat each column by
  itself. A column's value is then what it changes in any one row;
- trees whose output is a sum over trees, by `shap.TreeExplainer` with the same background: the
  probability of forests, the margin of boosted trees.

Not taken, because they explain something else: probabilities of boosted trees (shap rescales
margins), the contributions that XGBoost and LightGBM give themselves (they follow the training
rows down the tree instead of the background), trees behind one-hot columns (the values of the
columns of a group do not sum to the group's), categories and missing values in trees, and
HistGradientBoosting (shap 0.51 gives values that do not add up).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.players import Players
from pytest_aipm.sources.guard import third_party

__all__ = ["shortcut"]

LINEAR = frozenset(
    "ARDRegression BayesianRidge ElasticNet ElasticNetCV HuberRegressor Lasso LassoCV "
    "LinearDiscriminantAnalysis LinearRegression LinearSVC LinearSVR LogisticRegression "
    "LogisticRegressionCV Ridge RidgeCV RidgeClassifier RidgeClassifierCV SGDClassifier "
    "SGDRegressor".split()
)
COLUMNWISE = frozenset(
    "Binarizer KBinsDiscretizer MaxAbsScaler MinMaxScaler OneHotEncoder OrdinalEncoder "
    "PowerTransformer QuantileTransformer RobustScaler SimpleImputer SplineTransformer "
    "StandardScaler".split()
)
TREES = frozenset(
    "DecisionTreeClassifier DecisionTreeRegressor ExtraTreesClassifier ExtraTreesRegressor "
    "GradientBoostingClassifier GradientBoostingRegressor RandomForestClassifier "
    "RandomForestRegressor LGBMClassifier LGBMRegressor XGBClassifier XGBRegressor".split()
)
HYBRIDS = 256
"""Mixed rows on which an output that should add up is tried."""
EXACT, SINGLE = 1e-9, 1e-5
"""How far sums may be from the output; trees of some libraries add in single precision."""


def shortcut(
    ask: Ask, model: Any, rows: pd.DataFrame, background: pd.DataFrame, players: Players
) -> np.ndarray | None:
    """Return the exact values of rows, or None where no known way leads to the same values.

    Whatever is found must add up to what the function says about every row.

    Parameters
    ----------
    ask : callable
        What is explained.
    model : object
        The fitted model it asks.
    rows, background : DataFrame of n and m rows
    players : Players

    Returns
    -------
    array of shape (n, p, k) or None
    """
    if _adds_up(model):
        return _additive(ask, Pool(rows, background, players))
    if _sums_trees(model, rows, background, players):
        return _trees(ask, model, rows, background, Pool(rows, background, players))
    return None


def _kind(model: Any, libraries: tuple[str, ...] = ("sklearn",)) -> str:
    """Return the name of a library's own type; subclasses may do something else."""
    kind = type(model)
    return kind.__name__ if kind.__module__.split(".")[0] in libraries else ""


def _adds_up(model: Any) -> bool:
    if _kind(model) == "Pipeline":
        steps = [step for _, step in model.steps]
        return all(map(_columnwise, steps[:-1])) and _kind(steps[-1]) in LINEAR
    return _kind(model) in LINEAR


def _columnwise(step: Any) -> bool:
    if _kind(step) == "Pipeline":
        return all(_columnwise(each) for _, each in step.steps)
    if _kind(step) == "ColumnTransformer":
        return all(_columnwise(each) for _, each, _ in step.transformers_)
    return isinstance(step, str) or _kind(step) in COLUMNWISE or _plain(step)


def _plain(step: Any) -> bool:
    """Whether it hands its columns on as they are ("passthrough", once it was fitted)."""
    return _kind(step) == "FunctionTransformer" and step.func is None


def _additive(ask: Ask, pool: Pool) -> np.ndarray | None:
    """Return what each player changes in the first background row, less its background mean."""
    n, size, p = pool.n, pool.n + pool.m, len(pool.players)
    ends = pool.ends(ask, Budget())
    source = np.full((p, size, p), n)
    source[np.arange(p), :, np.arange(p)] = np.arange(size)
    changed = pool.ask(ask, source.reshape(p * size, p), Budget()).reshape(p, size, -1) - ends[n]
    rng = np.random.default_rng(0)
    mixed = rng.integers(0, size, (HYBRIDS, p))
    expected = ends[n] + changed[np.arange(p), mixed].sum(axis=1)
    close = _close(expected, pool.ask(ask, mixed, Budget()), EXACT)
    if not close or not _close(ends[n] + changed.sum(axis=0), ends, EXACT):
        return None
    return (changed[:, :n] - changed[:, n:].mean(axis=1, keepdims=True)).transpose(1, 0, 2)


def _sums_trees(model: Any, rows: pd.DataFrame, background: pd.DataFrame, players: Players) -> bool:
    if _kind(model, ("sklearn", "lightgbm", "xgboost")) not in TREES:
        return False
    numbers = all(
        isinstance(dtype, np.dtype) and dtype.kind in "fiub"
        for frame in (rows, background)
        for dtype in frame.dtypes
    )
    single = all(len(own) == 1 for own in players.columns)
    return (
        numbers and single and not (rows.isna().any(axis=None) or background.isna().any(axis=None))
    )


def _trees(
    ask: Ask, model: Any, rows: pd.DataFrame, background: pd.DataFrame, pool: Pool
) -> np.ndarray | None:
    """Return the values of an explained output that is a sum over trees."""
    # but for LightGBM these libraries compare in single precision; shap compares what it is given
    exact = np.float64 if _kind(model, ("lightgbm",)) else np.float32
    given, start = (part.to_numpy(exact).astype(np.float64) for part in (rows, background))
    with third_party([]):
        from shap import TreeExplainer  # noqa: PLC0415 - heavy, and only here

        try:
            explainer = TreeExplainer(
                model, start, feature_perturbation="interventional", model_output="raw"
            )
            found = np.asarray(explainer.shap_values(given, check_additivity=False), dtype=float)
        except Exception:  # noqa: BLE001 - it knows fewer models than there are; nothing is lost
            return None
    if found.shape[:2] != rows.shape:
        return None
    known = found.reshape(*rows.shape, -1)
    ends = pool.ends(ask, Budget())
    gaps = ends[: pool.n] - ends[pool.n :].mean(axis=0)
    # of two classes the margin may be meant of either, and a forest answers for both
    meant = np.concatenate([known, -known], axis=2)
    chosen = []
    for output in range(ends.shape[1]):
        sums = meant.sum(axis=1)
        fits = [i for i in range(meant.shape[2]) if _close(sums[:, i], gaps[:, output], SINGLE)]
        if not fits:
            return None
        chosen.append(meant[:, :, fits[0]])
    return np.stack(chosen, axis=2)


def _close(found: np.ndarray, expected: np.ndarray, part: float) -> bool:
    scale = max(float(np.abs(expected).max(initial=0.0)), 1e-300)
    return bool(np.abs(found - expected).max(initial=0.0) <= part * scale)
