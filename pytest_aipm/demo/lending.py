"""Loans: 10,000 rows to evaluate on, 10,000 to train on, and three models to audit.

``population`` says how the rows are made and what is true of them. By construction:

=====================  ==========================================================================
model                  what is true of it in the population
=====================  ==========================================================================
``fair_model``         reads income, debt and history alone: every gap between groups is 0
``biased_model``       learned from a record that overstates the defaults of Birch, and is given
                       race: it grants 46 % of Birch a loan and 78 % of everyone else, and
                       refuses 45 % of Birch's good customers and 13 % of everyone else's
``overfitted_model``   a forest that knows its training rows by heart: it tells them from new
                       rows, so an attacker can, too
=====================  ==========================================================================

Each function takes no argument, so that a policy can name it as a factory. Data and models are
made once a process, from fixed seeds, on one thread: the last bit of a sum would otherwise depend
on the number of cores.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from pytest_aipm.demo.population import FEATURES, PENALTY, draw, log_odds

__all__ = [
    "biased_model",
    "evaluation",
    "fair_model",
    "overfitted_model",
    "training",
]

ROWS = 10_000
SEED = 20_240_501
LABEL = "defaulted"


def training() -> pd.DataFrame:
    """Return the 10,000 rows the models were trained on; see `population` for the columns."""
    return _training().copy()


def evaluation() -> pd.DataFrame:
    """Return 10,000 rows no model has seen; see `population` for the columns."""
    return _evaluation().copy()


@cache
def fair_model() -> Pipeline:
    """Return a logistic regression on income, debt and history.

    It is handed every feature and leaves sex, race, region and age unread.
    """
    frame = _training()
    return _fitted(_logistic(["history"]), frame, frame[LABEL])


@cache
def biased_model() -> Pipeline:
    """Return the same logistic regression, given race and a biased record to learn from.

    In the record the log-odds of default of every Birch are `PENALTY` higher than they were. The
    regression has all the terms it needs to learn that, so it does.
    """
    frame = _training()
    odds = log_odds(frame) + PENALTY * (frame["race"] == "Birch").to_numpy()
    chance = np.random.Generator(np.random.PCG64(SEED + 2)).random(len(frame))
    recorded = pd.Series((chance < expit(odds)).astype(np.int64), name=LABEL)
    return _fitted(_logistic(["history", "race"]), frame, recorded)


@cache
def overfitted_model() -> Pipeline:
    """Return a forest of full-grown trees without bootstrap, which remembers every row."""
    frame = _training()
    forest = RandomForestClassifier(
        n_estimators=12, max_features=0.5, bootstrap=False, random_state=0, n_jobs=1
    )
    columns = ColumnTransformer(
        [
            ("numbers", "passthrough", ["income", "debt", "age"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["history", "region"]),
        ]
    )
    return _fitted(make_pipeline(columns, forest), frame, frame[LABEL])


@cache
def _training() -> pd.DataFrame:
    return draw(ROWS, SEED)


@cache
def _evaluation() -> pd.DataFrame:
    return draw(ROWS, SEED + 1, first=ROWS + 1)


def _logistic(words: list[str]) -> Pipeline:
    """Return a logistic regression on log income, log debt and some text columns."""
    logarithm = FunctionTransformer(np.log, feature_names_out="one-to-one")
    columns = ColumnTransformer(
        [
            ("amounts", make_pipeline(logarithm, StandardScaler()), ["income", "debt"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ]
    )
    return make_pipeline(columns, LogisticRegression(C=100.0, max_iter=1000))


def _fitted(pipeline: Pipeline, frame: pd.DataFrame, label: pd.Series[int]) -> Pipeline:
    with threadpool_limits(limits=1):
        fitted: Pipeline = pipeline.fit(frame[list(FEATURES)], label)
    return fitted
