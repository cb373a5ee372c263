"""Fitted models of every kind that people bring, each on a frame as they bring it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

Ask = Callable[[pd.DataFrame], np.ndarray]

TEXTS = ["home", "job", "plan", "site", "zip"]
NUMBERS = ["age", "amount", "debt", "income", "years"]


@cache
def credit(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    numbers = {name: rng.normal(size=n).round(3) for name in NUMBERS}
    texts = {name: rng.choice([f"{name}{i}" for i in range(4)], n) for name in TEXTS}
    return pd.DataFrame({**numbers, **texts})


def label(frame: pd.DataFrame) -> np.ndarray:
    rng = np.random.default_rng(2)
    signal = frame["income"] - frame["debt"] + (frame["zip"] == "zip1") * frame["age"]
    return ((signal + rng.normal(size=len(frame))) > 0).astype(int).to_numpy()


def three(frame: pd.DataFrame) -> np.ndarray:
    return np.digitize(frame["income"] - frame["debt"], [-0.7, 0.7])


def amount(frame: pd.DataFrame) -> np.ndarray:
    return (3 * frame["income"] - frame["debt"] * frame["age"]).to_numpy()


def numeric() -> pd.DataFrame:
    return credit()[NUMBERS]


def categories() -> pd.DataFrame:
    frame = credit()
    return frame.astype(dict.fromkeys(TEXTS, "category"))


def encoded(model: Any) -> Any:
    texts = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("n", StandardScaler(), NUMBERS), ("t", texts, TEXTS)])
    return make_pipeline(columns, model).fit(credit(), label(credit()))


def positive(model: Any) -> Ask:
    return lambda frame: model.predict_proba(frame)[:, 1]


def forest(**keys: Any) -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=15, random_state=0, n_jobs=1, **keys)


def linear() -> LogisticRegression:
    return LogisticRegression(max_iter=500)


def pipeline_logistic() -> tuple[Any, pd.DataFrame, Ask]:
    model = encoded(linear())
    return model, credit(), positive(model)


def pipeline_forest() -> tuple[Any, pd.DataFrame, Ask]:
    model = encoded(forest())
    return model, credit(), positive(model)


def hist_gradient_boosting_categories() -> tuple[Any, pd.DataFrame, Ask]:
    model = HistGradientBoostingClassifier(max_iter=15, categorical_features="from_dtype")
    model.fit(categories(), label(credit()))
    return model, categories(), positive(model)


def hist_gradient_boosting_numbers() -> tuple[Any, pd.DataFrame, Ask]:
    model = HistGradientBoostingClassifier(max_iter=15).fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def forest_multiclass() -> tuple[Any, pd.DataFrame, Ask]:
    model = forest().fit(numeric(), three(credit()))
    return model, numeric(), model.predict_proba


def logistic() -> tuple[Any, pd.DataFrame, Ask]:
    model = linear().fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def svc_without_probabilities() -> tuple[Any, pd.DataFrame, Ask]:
    model = SVC().fit(numeric(), label(credit()))
    return model, numeric(), model.decision_function


def nearest_neighbours() -> tuple[Any, pd.DataFrame, Ask]:
    model = KNeighborsClassifier().fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def plain_function() -> tuple[Any, pd.DataFrame, Ask]:
    def rule(frame: pd.DataFrame) -> np.ndarray:
        return np.where(frame["job"] == "job1", frame["income"] * frame["age"], frame["debt"])

    return rule, credit(), rule


def xgboost_categories() -> tuple[Any, pd.DataFrame, Ask]:
    model = xgboost.XGBClassifier(n_estimators=15, enable_categorical=True, n_jobs=1)
    model.fit(categories(), label(credit()))
    return model, categories(), positive(model)


def xgboost_numbers() -> tuple[Any, pd.DataFrame, Ask]:
    model = xgboost.XGBClassifier(n_estimators=15, n_jobs=1).fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def xgboost_multiclass() -> tuple[Any, pd.DataFrame, Ask]:
    model = xgboost.XGBClassifier(n_estimators=10, n_jobs=1).fit(numeric(), three(credit()))
    return model, numeric(), model.predict_proba


def lightgbm_categories() -> tuple[Any, pd.DataFrame, Ask]:
    model = lightgbm.LGBMClassifier(n_estimators=15, verbose=-1, n_jobs=1)
    model.fit(categories(), label(credit()))
    return model, categories(), positive(model)


def lightgbm_multiclass() -> tuple[Any, pd.DataFrame, Ask]:
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)
    model.fit(numeric(), three(credit()))
    return model, numeric(), model.predict_proba


def catboost_texts() -> tuple[Any, pd.DataFrame, Ask]:
    model = catboost.CatBoostClassifier(
        iterations=15, verbose=False, cat_features=TEXTS, thread_count=1, allow_writing_files=False
    )
    model.fit(credit(), label(credit()))
    return model, credit(), positive(model)


def gradient_boosting_regression() -> tuple[Any, pd.DataFrame, Ask]:
    model = GradientBoostingRegressor(n_estimators=15).fit(numeric(), amount(credit()))
    return model, numeric(), model.predict


def ridge() -> tuple[Any, pd.DataFrame, Ask]:
    model = Ridge().fit(numeric(), amount(credit()))
    return model, numeric(), model.predict


def isolation_forest() -> tuple[Any, pd.DataFrame, Ask]:
    model = IsolationForest(n_estimators=20, random_state=0).fit(numeric())
    return model, numeric(), model.decision_function


def stacking() -> tuple[Any, pd.DataFrame, Ask]:
    members = [("l", linear()), ("f", forest())]
    model = StackingClassifier(members, final_estimator=linear(), cv=2)
    model.fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def voting() -> tuple[Any, pd.DataFrame, Ask]:
    model = VotingClassifier([("l", linear()), ("f", forest())], voting="soft")
    model.fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def calibrated() -> tuple[Any, pd.DataFrame, Ask]:
    model = CalibratedClassifierCV(forest(), cv=2).fit(numeric(), label(credit()))
    return model, numeric(), positive(model)


def odd_types() -> tuple[Any, pd.DataFrame, Ask]:
    rng = np.random.default_rng(3)
    n = 400
    frame = pd.DataFrame(
        {
            "flag": rng.random(n) < 0.5,
            "since": pd.Timestamp("2021-05-01") + pd.to_timedelta(rng.integers(0, 99, n), "h"),
            "zoned": pd.Timestamp("2021-05-01", tz="UTC")
            + pd.to_timedelta(rng.integers(0, 99, n), "D"),
            "count": pd.array(rng.choice([1, 2, 3, None], n), dtype="Int64"),
            "maybe": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
            "ratio": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "word": pd.Series(rng.choice(["x", "y", None], n), dtype=object),
            "kind": pd.Categorical(rng.choice(["p", "q"], n), categories=["p", "q", "unseen"]),
            "small": rng.integers(0, 3, n).astype("int8"),
        }
    )
    types = frame.dtypes.to_dict()

    def rule(given: pd.DataFrame) -> np.ndarray:
        assert given.dtypes.to_dict() == types
        values = given["count"].fillna(0).to_numpy(dtype=float) * (given["kind"] == "p")
        values = values + given["ratio"].fillna(0.0) * (given["word"].isna())
        hours = (given["since"] - pd.Timestamp("2021-05-01")).dt.total_seconds() / 3600
        days = (given["zoned"] - pd.Timestamp("2021-05-01", tz="UTC")).dt.days
        maybe = given["maybe"].fillna(value=False).to_numpy(dtype=bool)
        return np.asarray(values + hours * maybe / 99 + days * given["flag"] / 99 + given["small"])

    return rule, frame, rule


def plain_array() -> tuple[Any, pd.DataFrame, Ask]:
    model = forest().fit(numeric().to_numpy(), label(credit()))
    return model, numeric(), lambda frame: model.predict_proba(frame.to_numpy())[:, 1]


ZOO = [
    pipeline_logistic,
    pipeline_forest,
    hist_gradient_boosting_categories,
    hist_gradient_boosting_numbers,
    forest_multiclass,
    logistic,
    svc_without_probabilities,
    nearest_neighbours,
    plain_function,
    xgboost_categories,
    xgboost_numbers,
    xgboost_multiclass,
    lightgbm_categories,
    lightgbm_multiclass,
    catboost_texts,
    gradient_boosting_regression,
    ridge,
    isolation_forest,
    stacking,
    voting,
    calibrated,
    odd_types,
    plain_array,
]
