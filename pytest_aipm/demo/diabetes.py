"""Diabetes: 442 real patients, ten measurements, and the disease a year later.

The rows ship with scikit-learn (Efron, Hastie, Johnstone, Tibshirani, "Least Angle Regression",
Annals of Statistics 2004). ``target`` is a measure of disease progression one year after the
measurements. The source codes sex as 1 and 2 without saying which is which; the groups are
therefore called "sex 1" and "sex 2" here.

The split into halves is fixed: rows are ordered by a seeded draw, the first half trains. Half of
the patients is a small holdout, and the audit says what it cannot decide.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

__all__ = ["evaluation", "model", "training"]

SEED = 442
LABEL = "progression"
FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def training() -> pd.DataFrame:
    """Return the half the model was trained on: `FEATURES` and ``progression``, 221 rows."""
    return _halves()[0].copy()


def evaluation() -> pd.DataFrame:
    """Return the other half: `FEATURES` and ``progression``, 221 rows."""
    return _halves()[1].copy()


@cache
def model() -> Pipeline:
    """Return a ridge regression on all ten measurements."""
    frame = _halves()[0]
    numbers = [name for name in FEATURES if name != "sex"]
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), numbers), ("sex", OneHotEncoder(), ["sex"])]
    )
    with threadpool_limits(limits=1):
        fitted: Pipeline = make_pipeline(columns, Ridge(alpha=10.0)).fit(
            frame[list(FEATURES)], frame[LABEL]
        )
    return fitted


@cache
def _halves() -> tuple[pd.DataFrame, pd.DataFrame]:
    data, target = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    frame = data[list(FEATURES)].assign(
        sex=[f"sex {code:.0f}" for code in data["sex"]], **{LABEL: target}
    )
    order = np.random.Generator(np.random.PCG64(SEED)).permutation(len(frame))
    half = len(frame) // 2
    train, rest = (frame.iloc[np.sort(part)] for part in (order[:half], order[half:]))
    return train.reset_index(drop=True), rest.reset_index(drop=True)
