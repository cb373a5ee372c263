"""The engine against closed forms and against shap, where shap explains the same quantity."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from model_zoo import NUMBERS, amount, credit, forest, label, linear, numeric
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import Ridge

from pytest_aipm.attribution import exact, players_of, walk
from pytest_aipm.stats.twoway import two_way

ROWS, BACKGROUND = slice(0, 12), slice(40, 60)


@pytest.fixture(scope="module")
def tree_explainer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        yield shap.TreeExplainer


def ours(ask) -> np.ndarray:
    frame = numeric()
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    return exact(ask, rows, background, players_of(NUMBERS))[0][:, :, 0]


def test_a_forest_has_the_values_of_shaps_exact_trees(tree_explainer) -> None:
    model, frame = forest().fit(numeric(), label(credit())), numeric()
    theirs = tree_explainer(model, frame[BACKGROUND], model_output="probability")
    values = theirs.shap_values(frame[ROWS], check_additivity=False)[..., 1]
    found = ours(lambda given: model.predict_proba(given)[:, 1])
    assert np.abs(values - found).max() < 1e-6


def test_the_margin_of_a_boosting_has_them_and_its_probability_does_not(tree_explainer) -> None:
    model, frame = GradientBoostingClassifier(n_estimators=40, random_state=0), numeric()
    model.fit(frame, label(credit()))
    theirs = tree_explainer(model, frame[BACKGROUND])
    values = theirs.shap_values(frame[ROWS], check_additivity=False)
    found = ours(model.decision_function)
    # a value beside a threshold falls on either side of it in single precision
    assert np.linalg.norm(values - found) / np.linalg.norm(found) < 0.01
    # shap rescales the margin's values to the probability: they add up, and are other values
    rescaled = tree_explainer(model, frame[BACKGROUND], model_output="probability")
    values = rescaled.shap_values(frame[ROWS], check_additivity=False)
    found = ours(lambda given: model.predict_proba(given)[:, 1])
    assert values.sum(axis=1) == pytest.approx(found.sum(axis=1), abs=1e-2)
    assert np.linalg.norm(values - found) / np.linalg.norm(found) > 0.05


def test_a_linear_model_has_its_closed_form_and_after_two_walks_already() -> None:
    model, frame = Ridge().fit(numeric(), amount(credit())), numeric()
    rows, background = (frame[part].reset_index(drop=True) for part in (ROWS, BACKGROUND))
    closed = (rows - background.mean()).to_numpy() * model.coef_
    assert ours(model.predict) == pytest.approx(closed, abs=1e-9)
    many = frame[100:].reset_index(drop=True)
    found = walk(
        model.predict,
        many,
        background,
        players_of(NUMBERS),
        walks=2,
        rng=np.random.default_rng(0),
    )
    fit = two_way(found.values[..., 0], found.background, 20)
    closed = (many - background.mean()).to_numpy() * model.coef_
    assert fit.row == pytest.approx(closed, abs=1e-7)


def test_the_log_odds_of_a_logistic_regression_have_their_closed_form() -> None:
    model = linear().fit(numeric(), label(credit()))
    frame = numeric()
    rows, background = frame[ROWS], frame[BACKGROUND]

    def log_odds(given: pd.DataFrame) -> np.ndarray:
        chance = model.predict_proba(given)[:, 1]
        return np.log(chance / (1 - chance))

    closed = (rows - background.mean()).to_numpy() * model.coef_[0]
    assert ours(log_odds) == pytest.approx(closed, abs=1e-8)
