"""Exact values without sampling, for kinds of models where they are known to be the same values.

Two kinds are taken, each held against enumeration in `tests/attribution/test_shortcuts.py`:

- outputs that add up over columns: linear models, alone or behind steps that treat each column by
  itself. A column's value is then what it changes in any one row;
- trees whose output is a sum over trees, by `shap.TreeExplainer` with the same background: the
  probability of forests, the margin of boosted trees.

Not taken, because they explain something else: probabilities of boosted trees (shap rescales
margins), the contributions that XGBoost and LightGBM give themselves (they follow the training
rows down the tree instead of the background), trees behind one-hot columns (the values of the
columns of a group do not sum to the group's), categories and missing values in trees.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.attribution.asking import Ask, Budget, BudgetSpent
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.kinds import kind
from pytest_aipm.attribution.players import Players
from pytest_aipm.sources.guard import third_party

__all__ = ["Way", "shortcut", "way_of"]

Way = Literal["columns", "trees"]

LINEAR = frozenset(
    {
        "ARDRegression",
        "BayesianRidge",
        "ElasticNet",
        "ElasticNetCV",
        "HuberRegressor",
        "Lasso",
        "LassoCV",
        "LinearDiscriminantAnalysis",
        "LinearRegression",
        "LinearSVC",
        "LinearSVR",
        "LogisticRegression",
        "LogisticRegressionCV",
        "Ridge",
        "RidgeCV",
        "RidgeClassifier",
        "RidgeClassifierCV",
        "SGDClassifier",
        "SGDRegressor",
    }
)
COLUMNWISE = frozenset(
    {
        "Binarizer",
        "KBinsDiscretizer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "OneHotEncoder",
        "OrdinalEncoder",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "SimpleImputer",
        "SplineTransformer",
        "StandardScaler",
    }
)
TREES = frozenset(
    {
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "LGBMClassifier",
        "LGBMRegressor",
        "XGBClassifier",
        "XGBRegressor",
    }
)
BOOSTED = frozenset(
    {
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "LGBMClassifier",
        "XGBClassifier",
    }
)
DOUBLE = frozenset(
    {
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "LGBMClassifier",
        "LGBMRegressor",
    }
)
"""What compares in double precision; the other libraries do in single, shap as it is given."""
LIBRARIES = ("sklearn", "lightgbm", "xgboost")
FEW = 2
"""Rows on which trees are tried before all are."""
HYBRIDS = 256
"""Mixed rows on which an output that should add up is tried."""
PAIRS = 200
"""Rows and background rows that trees are asked about at once: shap draws a bar on the standard
error of what takes it longer than ten seconds."""
EXACT, SINGLE = 1e-9, 1e-5
"""How far sums may be from the output; trees of some libraries add in single precision."""


def shortcut(
    ask: Ask,
    model: Any,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    players: Players,
    *,
    budget: Budget | None = None,
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
    budget : Budget, optional

    Returns
    -------
    array of shape (n, p, k) or None

    Raises
    ------
    BudgetSpent
    """
    budget = budget or Budget()
    if _adds_up(model):
        return _additive(ask, Pool(rows, background, players), budget)
    if not _sums_trees(model, rows, background, players):
        return None
    pool = Pool(rows, background, players)
    ends = pool.ends(ask, budget)
    if kind(model, LIBRARIES) in BOOSTED and ((ends >= 0) & (ends <= 1)).all():
        return None  # a probability, so there is no need to load shap
    first, others = ends[: pool.n], ends[pool.n :].mean(axis=0)
    few, slack = _trees(model, rows[:FEW], background, budget), _slack(model, ends)
    own = slack[: pool.n] + slack[pool.n :].mean(axis=0)
    if few is None or _meant(few, first[:FEW] - others, own[:FEW]) is None:
        return None
    budget.part(0, pool.n)
    known = _trees(model, rows, background, budget)
    return None if known is None else _meant(known, first - others, own)


def way_of(model: Any) -> Way:
    """Return which short cut there is for a model: over its columns, or over its trees."""
    return "columns" if _adds_up(model) else "trees"


def _adds_up(model: Any) -> bool:
    if kind(model) == "Pipeline":
        steps = [step for _, step in model.steps]
        return all(map(_columnwise, steps[:-1])) and kind(steps[-1]) in LINEAR
    return kind(model) in LINEAR


def _columnwise(step: Any) -> bool:
    if kind(step) == "Pipeline":
        return all(_columnwise(each) for _, each in step.steps)
    if kind(step) == "ColumnTransformer":
        return all(_columnwise(each) for _, each, _ in step.transformers_)
    return isinstance(step, str) or kind(step) in COLUMNWISE or _plain(step)


def _plain(step: Any) -> bool:
    """Whether it hands its columns on as they are ("passthrough", once it was fitted)."""
    return kind(step) == "FunctionTransformer" and step.func is None


def _additive(ask: Ask, pool: Pool, budget: Budget) -> np.ndarray | None:
    """Return what each player changes in the first background row, less its background mean."""
    n, size, p = pool.n, pool.n + pool.m, len(pool.players)
    ends = pool.ends(ask, budget)
    changed = np.empty((p, size, ends.shape[1]))
    budget.part(0, n)
    mixed = np.random.default_rng(0).integers(0, size, (HYBRIDS, p))
    for player in range(p):
        budget.check(player, p)
        source = np.full((size, p), n)
        source[:, player] = np.arange(size)
        changed[player] = pool.ask(ask, source, budget) - ends[n]
    budget.part(n, n)
    expected = ends[n] + changed[np.arange(p), mixed].sum(axis=1)
    close = _close(expected, pool.ask(ask, mixed, budget), EXACT)
    if not close or not _close(ends[n] + changed.sum(axis=0), ends, EXACT):
        return None
    values = changed[:, :n] - changed[:, n:].mean(axis=1, keepdims=True)
    return np.asarray(values.transpose(1, 0, 2))


def _sums_trees(model: Any, rows: pd.DataFrame, background: pd.DataFrame, players: Players) -> bool:
    if kind(model, LIBRARIES) not in TREES:
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
    model: Any, rows: pd.DataFrame, background: pd.DataFrame, budget: Budget
) -> np.ndarray | None:
    """Return shap's values of what the trees sum, shape (n, p, outputs)."""
    names = list(getattr(model, "feature_names_in_", rows.columns))
    if sorted(names) != sorted(rows.columns):
        return None
    exact = np.float64 if kind(model, LIBRARIES) in DOUBLE else np.float32
    given, start = (part[names].to_numpy(exact).astype(float) for part in (rows, background))
    found, each = [], max(1, PAIRS // len(start))
    with third_party([]):
        from shap import TreeExplainer  # noqa: PLC0415 - heavy, and only here

        try:
            if kind(model).startswith("HistGradientBoosting"):
                model, (given, start) = _ranked(model, given, start)
            explainer = TreeExplainer(
                model, start, feature_perturbation="interventional", model_output="raw"
            )
            for low in range(0, len(given), each):
                budget.check(low, len(given))
                values = explainer.shap_values(given[low : low + each], check_additivity=False)
                found.append(np.asarray(values, dtype=float))
        except BudgetSpent:
            raise
        except Exception:  # noqa: BLE001 - it knows fewer models than there are; nothing is lost
            return None
    values = np.concatenate(found)
    if values.shape[:2] != rows.shape:
        return None
    order = [names.index(name) for name in rows.columns]
    return np.asarray(values.reshape(*rows.shape, -1)[:, order])


def _ranked(model: Any, *parts: np.ndarray) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the trees of a HistGradientBoosting for shap, and values as it compares them.

    shap 0.51 rounds thresholds to single precision, and many a value lies on one: what it gives
    does not add up then. Among ranks of thresholds nothing is rounded, and every comparison comes
    out as it does in the model.

    Raises
    ------
    ValueError
        When a tree asks for categories, or there are several outputs.
    """
    grown = [each.nodes for (each,) in model._predictors]  # noqa: SLF001 - the only way to them
    if any(nodes["is_categorical"].any() for nodes in grown):
        raise ValueError("it asks for categories")
    asked = np.concatenate([nodes[nodes["is_leaf"] == 0] for nodes in grown])
    edges = [
        np.unique(asked["num_threshold"][asked["feature_idx"] == column])
        for column in range(parts[0].shape[1])
    ]
    trees = []
    for nodes in grown:
        leaf, feature = nodes["is_leaf"] != 0, nodes["feature_idx"].astype(np.int32)
        left, right = (
            np.where(leaf, -1, nodes[side].astype(np.int32)) for side in ("left", "right")
        )
        told = zip(nodes["num_threshold"], feature, leaf, strict=True)
        trees.append(
            {
                "children_left": left,
                "children_right": right,
                "children_default": np.where(nodes["missing_go_to_left"] != 0, left, right),
                "features": np.where(leaf, -2, feature),
                "thresholds": np.array(
                    [0.0 if end else np.searchsorted(edges[i], edge) for edge, i, end in told],
                    dtype=float,
                ),
                "values": nodes["value"][:, None].astype(float),
                "node_sample_weight": nodes["count"].astype(float),
            }
        )
    ranks = [
        np.column_stack(
            [np.searchsorted(edge, own) for edge, own in zip(edges, part.T, strict=True)]
        )
        for part in parts
    ]
    return {"trees": trees}, [each.astype(float) for each in ranks]


def _slack(model: Any, ends: np.ndarray) -> np.ndarray:
    """Return how far log-odds may be off that were made of probabilities in single precision."""
    if kind(model, ("xgboost",)) != "XGBClassifier":
        return np.zeros_like(ends)
    # a step of the probability c is 1 / (c (1 - c)) of the log-odds
    return np.asarray(2.0**-23 * (2 + 2 * np.cosh(np.clip(ends, -17, 17))))


def _meant(known: np.ndarray, gaps: np.ndarray, slack: np.ndarray) -> np.ndarray | None:
    """Return those of the trees' outputs that sum to the function's, shape (n, p, k)."""
    # of two classes the margin may be meant of either, and a forest answers for both
    either = np.concatenate([known, -known], axis=2)
    sums, chosen = either.sum(axis=1), []
    for gap, spare in zip(gaps.T, slack.T, strict=True):
        apart = np.maximum(np.abs(sums - gap[:, None]) - spare[:, None], 0.0)
        fits = [i for i in range(either.shape[2]) if _close(gap + apart[:, i], gap, SINGLE)]
        if not fits:
            return None
        chosen.append(either[:, :, fits[0]])
    return np.stack(chosen, axis=2)


def _close(found: np.ndarray, expected: np.ndarray, part: float) -> bool:
    scale = max(float(np.abs(expected).max(initial=0.0)), 1e-300)
    return bool(np.abs(found - expected).max(initial=0.0) <= part * scale)
