"""Rows and models of all libraries, small enough to be trained in a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import skl2onnx
import xgboost

from pytest_aipm.sources.model import Model, ModelSpec, open_model
from pytest_aipm.sources.trust import Trust

FEATURES = ["in come", "debt", "kids"]
WORDS = ["region", "size"]
SPEC = ("classes", "output", "sha256", "trust")


def rows(n: int = 240) -> pd.DataFrame:
    """Return rows with missing numbers, whole numbers, two columns of words and three labels."""
    draw = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "in come": draw.normal(size=n),
            "debt": np.where(np.arange(n) % 7 == 0, np.nan, draw.normal(size=n)),
            "kids": draw.integers(0, 4, n),
            "region": draw.choice(["north", "south", "west"], n),
            "size": draw.choice(["big", "small"], n),
        }
    )
    odds = frame["in come"] + (frame["region"] == "north") - frame["debt"].fillna(0)
    frame["repaid"] = (odds + draw.normal(size=n) > 0).astype(int)
    frame["grade"] = frame["repaid"] + (frame["kids"] > 2)
    frame["amount"] = odds.abs() + 0.1
    return frame


def categorical(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the features with words as pandas' type for categories."""
    return frame[FEATURES + WORDS].astype(dict.fromkeys(WORDS, "category"))


def opened(folder: Path, name: str, **how: Any) -> Model:
    """Open a model file as a policy would."""
    spec = {key: how.pop(key) for key in SPEC if key in how}
    return open_model(ModelSpec(path=name, **spec), root=folder, trusted=Trust(), **how)


def in_xgboost(frame: pd.DataFrame, y: pd.Series, objective: str, **more: Any) -> Any:
    return xgboost.train(
        {"objective": objective, "max_depth": 3, "nthread": 1, **more},
        xgboost.DMatrix(frame, y, enable_categorical=True),
        4,
    )


def in_lightgbm(frame: pd.DataFrame, y: pd.Series, objective: str, **more: Any) -> Any:
    params = {"objective": objective, "num_leaves": 6, "verbosity": -1, "num_threads": 1, **more}
    group = [len(frame)] if objective == "lambdarank" else None
    return lightgbm.train(params, lightgbm.Dataset(frame, y, group=group), 4)


def in_catboost(frame: pd.DataFrame, y: pd.Series, loss: str, **more: Any) -> Any:
    words = [name for name in WORDS if name in frame]
    pool = catboost.Pool(frame, y, cat_features=words)
    params = {"loss_function": loss, "iterations": 5, "depth": 3, "thread_count": 1, **more}
    owner = {
        "Logloss": catboost.CatBoostClassifier,
        "MultiClass": catboost.CatBoostClassifier,
    }.get(loss, catboost.CatBoostRegressor)
    return owner(**params, allow_writing_files=False, verbose=False).fit(pool)


def in_onnx(fitted: Any, like: Any, path: Path, **options: Any) -> None:
    """Write a scikit-learn model as ONNX."""
    made = skl2onnx.to_onnx(fitted, like, options=options or None)
    path.write_bytes(made.SerializeToString())


def rewritten(path: Path, change: Any) -> None:
    """Change the content of a file of JSON."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
