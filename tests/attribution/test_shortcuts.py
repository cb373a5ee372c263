"""Each short cut against enumeration of the same game, and those that are none."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from model_zoo import NUMBERS, TEXTS, amount, credit, encoded, forest, label, linear, numeric, three
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import pytest_aipm
from pytest_aipm.attribution import Budget, exact, local, players_of
from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.attribution.shortcuts import shortcut
from pytest_aipm.errors import CheckError

ROWS, BACKGROUND = slice(0, 8), slice(40, 52)


def probability(model):
    return lambda given: model.predict_proba(given)[:, 1]


def log_odds(model):
    def ask(given: pd.DataFrame) -> np.ndarray:
        chance = np.asarray(model.predict_proba(given)[:, 1], dtype=float)
        return np.log(chance / (1 - chance))

    return ask


def both(ask, model, frame, groups=None):
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    players = players_of(frame.columns, groups)
    known, _, _ = exact(ask, rows, background, players)
    return shortcut(ask, model, rows, background, players), known


def agree(found, known, within: float) -> None:
    assert found is not None
    assert found.shape == known.shape
    assert np.abs(found - known).max() <= within * np.abs(known).max()


LINEAR = {
    "regression": lambda: (Ridge().fit(numeric(), amount(credit())), "predict"),
    "log-odds": lambda: (linear().fit(numeric(), label(credit())), log_odds),
    "support vectors": lambda: (LinearSVC().fit(numeric(), label(credit())), "decision_function"),
    "one-hot columns": lambda: (encoded(linear()), log_odds),
    "one-hot and the rest": lambda: (
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(), TEXTS), remainder=make_pipeline(StandardScaler())
            ),
            LogisticRegression(),
        ).fit(credit(), label(credit())),
        "decision_function",
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_outputs_that_add_up_are_exact_for_every_column_and_group(name) -> None:
    model, how = LINEAR[name]()
    ask = how(model) if callable(how) else getattr(model, how)
    frame = credit() if "one-hot" in name else numeric()
    agree(*both(ask, model, frame), within=1e-8)
    agree(*both(ask, model, frame, {"two": ["income", "age"]}), within=1e-8)


def fitted(kind, **keys):
    return kind(**keys).fit(numeric(), label(credit()))


def valued(kind, **keys):
    return kind(**keys).fit(numeric(), amount(credit()))


QUIET = {"n_estimators": 20, "n_jobs": 1}
TREES = {
    "forest": lambda: (forest().fit(numeric(), label(credit())), probability),
    "forest, the other class": lambda: (
        forest().fit(numeric(), label(credit())),
        lambda model: lambda given: model.predict_proba(given)[:, 0],
    ),
    "forest of three classes": lambda: (
        forest().fit(numeric(), three(credit())),
        lambda model: model.predict_proba,
    ),
    "tree": lambda: (fitted(DecisionTreeClassifier, max_depth=5), probability),
    "forest of numbers": lambda: (
        valued(RandomForestRegressor, n_estimators=15, random_state=0),
        lambda model: model.predict,
    ),
    "extra trees": lambda: (
        valued(ExtraTreesRegressor, n_estimators=15, random_state=0),
        lambda model: model.predict,
    ),
    "margin of a boosting": lambda: (
        fitted(GradientBoostingClassifier, n_estimators=20, random_state=0),
        log_odds,
    ),
    "margin of a boosting of histograms": lambda: (
        fitted(HistGradientBoostingClassifier, max_iter=20, min_samples_leaf=5),
        log_odds,
    ),
    "boosting of histograms of numbers": lambda: (
        valued(HistGradientBoostingRegressor, max_iter=20, min_samples_leaf=5),
        lambda model: model.predict,
    ),
    "boosting of numbers": lambda: (
        valued(GradientBoostingRegressor, n_estimators=20, random_state=0),
        lambda model: model.predict,
    ),
    "margin of XGBoost": lambda: (fitted(xgboost.XGBClassifier, **QUIET), log_odds),
    "XGBoost of numbers": lambda: (
        valued(xgboost.XGBRegressor, **QUIET),
        lambda model: model.predict,
    ),
    "margin of LightGBM": lambda: (
        fitted(lightgbm.LGBMClassifier, verbose=-1, **QUIET),
        log_odds,
    ),
    "LightGBM of numbers": lambda: (
        valued(lightgbm.LGBMRegressor, verbose=-1, **QUIET),
        lambda model: model.predict,
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_sums_of_trees_have_the_enumerated_values(name) -> None:
    model, how = TREES[name]()
    agree(*both(how(model), model, numeric()), within=1e-5)


def boosted():
    return fitted(GradientBoostingClassifier, n_estimators=20, random_state=0)


NONE = {
    "probability of a boosting": lambda: (boosted(), probability, numeric()),
    "probability of a linear model": lambda: (
        linear().fit(numeric(), label(credit())),
        probability,
        numeric(),
    ),
    "decision of a forest": lambda: (
        forest().fit(numeric(), label(credit())),
        lambda model: lambda given: model.predict(given).astype(float),
        numeric(),
    ),
    "probability of XGBoost": lambda: (
        fitted(xgboost.XGBClassifier, **QUIET),
        probability,
        numeric(),
    ),
    "forest behind one-hot columns": lambda: (encoded(forest()), probability, credit()),
    "columns that are multiplied": lambda: (
        make_pipeline(PolynomialFeatures(), Ridge()).fit(numeric(), amount(credit())),
        lambda model: model.predict,
        numeric(),
    ),
    "a function": lambda: (
        (lambda given: given["age"].to_numpy()),
        lambda model: model,
        numeric(),
    ),
}


@pytest.mark.parametrize("name", NONE)
def test_what_would_explain_something_else_is_not_taken(name) -> None:
    model, how, frame = NONE[name]()
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    assert shortcut(how(model), model, rows, background, players_of(frame.columns)) is None


def test_groups_and_missing_values_and_subclasses_of_trees_are_not_taken() -> None:
    class Own(type(forest())):
        def predict_proba(self, given):
            return super().predict_proba(given) ** 2

    frame = numeric()
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    model, players = forest().fit(frame, label(credit())), players_of(NUMBERS)
    ask = probability(model)
    assert shortcut(ask, model, rows, background, players) is not None
    group = players_of(NUMBERS, {"two": ["age", "debt"]})
    assert shortcut(ask, model, rows, background, group) is None
    holes = rows.copy()
    holes.iloc[0, 0] = np.nan
    assert shortcut(ask, model, holes, background, players) is None
    own = Own(n_estimators=5).fit(frame, label(credit()))
    assert shortcut(probability(own), own, rows, background, players) is None


def test_values_that_do_not_add_up_are_never_returned(monkeypatch) -> None:
    import shap

    class Wrong(shap.TreeExplainer):
        def shap_values(self, *given, **keys):
            return 1.001 * np.asarray(super().shap_values(*given, **keys))

    frame = numeric()
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    model = forest().fit(frame, label(credit()))
    monkeypatch.setattr(shap, "TreeExplainer", Wrong)
    assert shortcut(probability(model), model, rows, background, players_of(NUMBERS)) is None


def test_columns_in_another_order_than_the_trees_learnt_find_their_own_values() -> None:
    frame = numeric()
    model = forest().fit(frame, label(credit()))
    turned = frame[NUMBERS[::-1]]
    agree(*both(lambda given: model.predict_proba(given[NUMBERS])[:, 1], model, turned), 1e-6)


def test_an_explanation_takes_the_short_cut_and_says_the_same_as_enumeration() -> None:
    frame = numeric()
    rows, background = frame[ROWS], frame[BACKGROUND]
    asked = []

    def told(name, model):
        def ask(given):
            asked.append(len(given))
            return getattr(model, name)(given)

        return ask

    boosting = boosted()
    for given, keys in (
        (boosting, {"output": "margin"}),
        (boosting.decision_function, {}),
        (linear().fit(frame, label(credit())), {"output": "margin"}),
    ):
        found = pytest_aipm.explanation(given, rows, background, **keys)
        model = getattr(given, "__self__", given)
        plain = pytest_aipm.explanation(told("decision_function", model), rows, background)
        assert found.values == pytest.approx(plain.values, abs=1e-5)
        assert found.values.sum(axis=1) + found.base_values == pytest.approx(
            model.decision_function(rows), abs=1e-5
        )
    assert asked


def test_single_rows_of_a_forest_are_exact_and_settled_at_once() -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(120, 12)))
    wide.columns = [f"x{i}" for i in range(12)]
    model = forest().fit(wide, wide["x0"] * wide["x1"] > 0)
    rows, background = wide[:6].reset_index(drop=True), wide[60:68].reset_index(drop=True)
    keys = {"k": 2, "rng": np.random.default_rng(0)}
    players = players_of(wide.columns)
    found = local(probability(model), rows, background, players, model=model, **keys)
    sampled = local(probability(model), rows, background, players, **keys)
    assert found.walks.max() == 0
    assert found.settled.all()
    assert found.values.sum(axis=1) == pytest.approx(found.output - found.base, abs=1e-6)
    away = np.mean((found.values - sampled.values) ** 2) / np.mean(sampled.error**2)
    assert 0.4 < away < 2.5


def test_margins_that_there_are_not_are_refused() -> None:
    frame = numeric()
    rows, background = frame[ROWS], frame[BACKGROUND]
    for model, said in (
        (Ridge().fit(frame, amount(credit())), "no predict_proba"),
        (forest().fit(frame, three(credit())), "3 classes"),
        (forest().fit(frame, label(credit())), "0 or 1"),
    ):
        with pytest.raises(CheckError, match=said):
            pytest_aipm.explanation(model, rows, background, output="margin")


def test_a_short_cut_keeps_to_the_budget() -> None:
    frame = numeric()
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    for model, ask in (
        (valued(Ridge), "predict"),
        (valued(RandomForestRegressor, n_estimators=5), "predict"),
    ):
        now = iter(np.arange(0.0, 1e6, 6.0))
        budget = Budget(10.0, clock=lambda now=now: float(next(now)))
        with pytest.raises(BudgetSpent):
            shortcut(
                getattr(model, ask),
                model,
                pd.concat([rows] * 200, ignore_index=True),
                background,
                players_of(NUMBERS),
                budget=budget,
            )


def test_native_contributions_and_one_hot_sums_are_other_values() -> None:
    # why they are not used: each adds up, and differs from the enumerated values all the same
    frame = numeric()
    rows = frame[ROWS].reset_index(drop=True)
    light = fitted(lightgbm.LGBMClassifier, verbose=-1, **QUIET)
    extreme = fitted(xgboost.XGBClassifier, **QUIET)
    native = {
        "light": (light, light.predict(rows, pred_contrib=True)),
        "extreme": (
            extreme,
            extreme.get_booster().predict(xgboost.DMatrix(rows), pred_contribs=True),
        ),
    }
    for model, found in native.values():
        assert found.sum(axis=1) == pytest.approx(log_odds(model)(rows), abs=1e-4)
        _, known = both(log_odds(model), model, frame)
        assert np.abs(found[:, :-1] - known[:, :, 0]).max() > 0.05 * np.abs(known).max()
    model = encoded(forest(max_depth=6))
    columns, trees = model[0], model[-1]
    wide = pd.DataFrame(np.asarray(columns.transform(credit())))
    _, known = both(probability(model), model, credit())
    import shap

    explainer = shap.TreeExplainer(trees, wide[BACKGROUND].to_numpy(np.float32).astype(float))
    found = explainer.shap_values(
        wide[ROWS].to_numpy(np.float32).astype(float), check_additivity=False
    )[..., 1]
    owner = [name.split("__")[1].rsplit("_", 1)[0] for name in columns.get_feature_names_out()]
    summed = pd.DataFrame(found, columns=owner).T.groupby(level=0).sum().T[list(credit().columns)]
    assert summed.sum(axis=1).to_numpy() == pytest.approx(known.sum(axis=(1, 2)), abs=1e-6)
    away = np.abs(summed.to_numpy() - known[:, :, 0]).max()
    assert away > 1e-3 * np.abs(known).max()


def test_histograms_of_what_shap_cannot_sum_are_not_taken() -> None:
    few = {"max_iter": 5, "min_samples_leaf": 5}
    frame = numeric().round(0)
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    ordered, named = (
        HistGradientBoostingClassifier(**few, categorical_features=which).fit(
            frame, label(credit())
        )
        for which in (None, [True] * len(frame.columns))
    )
    several = HistGradientBoostingClassifier(**few).fit(frame, three(credit()))
    linked = HistGradientBoostingRegressor(**few, loss="poisson").fit(
        frame, np.abs(amount(credit()))
    )
    asked = [
        (log_odds(named), named),
        (several.predict_proba, several),
        (linked.predict, linked),
        (probability(ordered), ordered),
    ]
    players = players_of(frame.columns)
    taken = [shortcut(*each, rows, background, players) is not None for each in asked]
    assert taken == [False] * 4
    assert shortcut(log_odds(ordered), ordered, rows, background, players) is not None


def test_confident_probabilities_in_single_precision_still_have_the_margins_values() -> None:

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 8)), columns=list("abcdefgh"))
    model = xgboost.XGBClassifier(n_estimators=150, learning_rate=0.5, n_jobs=1)
    model.fit(frame, frame["a"] + frame["b"] * frame["c"] > 0)

    def log_odds(given: pd.DataFrame) -> np.ndarray:
        chance = model.predict_proba(given)[:, 1].astype(float)
        return np.log(chance) - np.log1p(-chance)

    def margin(given: pd.DataFrame) -> np.ndarray:
        return model.predict(given, output_margin=True).astype(float)

    rows, background, players = frame[:40], frame[40:50], players_of(frame.columns)
    off = np.abs(log_odds(rows) - margin(rows)).max()
    assert off > 1e-5 * np.abs(margin(rows)).max(), "the precision of the probability is felt"
    found = shortcut(log_odds, model, rows, background, players)
    assert found is not None
    known, _, _ = exact(margin, rows, background, players)
    assert found == pytest.approx(known, abs=1e-4)
