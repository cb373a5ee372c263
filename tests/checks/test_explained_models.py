"""Model files of other libraries, texts and several classes, in the checks themselves."""

from __future__ import annotations

from pathlib import Path

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from explained_models import audited, people
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import pytest_aipm

CHECKS = [
    {"check": "explain.additivity", "id": "adds"},
    {"check": "explain.attribution_share", "id": "share", "by": "sex", "limit": {"max": 0.1}},
    {"check": "explain.gap_decomposition", "id": "gap", "by": "sex", "limit": {"max": 0.05}},
    {"check": "explain.protected_flip", "id": "flip", "by": "sex", "limit": {"max": 0.05}},
    {"check": "explain.reason_codes", "id": "reasons", "phrases": {"income": "Income is low"}},
]
COLUMNS = ["sex", "income", "debt"]


def loans() -> pd.DataFrame:
    """Return people whose label is decided by sex above all, and by income."""
    frame = people(500, 5)[COLUMNS]
    odds = 3.0 * (frame["sex"] == "m") + 2 * frame["income"] - 2.5
    chance = 1 / (1 + np.exp(-odds))
    draw = np.random.default_rng(5).random(len(frame))
    frame["sex"] = frame["sex"].astype("category")
    return frame.assign(y=(draw < chance).astype(int))


def in_xgboost(frame: pd.DataFrame, path: Path) -> None:
    data = xgboost.DMatrix(frame[COLUMNS], frame["y"], enable_categorical=True)
    told = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}
    xgboost.train(told, data, 12).save_model(path)


def in_lightgbm(frame: pd.DataFrame, path: Path) -> None:
    data = lightgbm.Dataset(frame[COLUMNS], frame["y"])
    told = {"objective": "binary", "num_leaves": 6, "verbosity": -1, "num_threads": 1}
    lightgbm.train(told, data, 12).save_model(path)


def in_catboost(frame: pd.DataFrame, path: Path) -> None:
    model = catboost.CatBoostClassifier(
        iterations=12, depth=3, thread_count=1, allow_writing_files=False, verbose=False
    )
    model.fit(frame[COLUMNS], frame["y"], cat_features=["sex"]).save_model(str(path))


@pytest.mark.parametrize(
    ("name", "write"),
    [("m.ubj", in_xgboost), ("m.txt", in_lightgbm), ("m.cbm", in_catboost)],
    ids=["xgboost", "lightgbm", "catboost"],
)
def test_a_model_file_with_a_column_of_categories_is_explained(name, write, tmp_path) -> None:
    frame = loans()
    write(frame, tmp_path / name)
    policy = {
        "aipm": 1,
        "name": "file",
        "context": {"purpose": "explain a file", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "model": name,
            "label": "y",
            "positive": 1,
            "favorable": 1,
            "decision": {"threshold": 0.5, "favorable_when": "above"},
            "protected": {"sex": "sex"},
        },
        "checks": CHECKS,
    }

    found = {f.check_id: f for f in pytest_aipm.audit(policy, root=tmp_path, data=frame).findings}

    assert {name: each.verdict for name, each in found.items()} == {
        "adds": "pass",
        "share": "fail",
        "gap": "fail",
        "flip": "fail",
        "reasons": "fail",
    }, {name: each.reason for name, each in found.items()}
    assert found["share"].value > 0.4
    assert "a main reason is sex" in found["reasons"].reason


def test_a_text_is_one_player_beside_the_other_columns() -> None:
    frame = loans()
    words = np.where(frame["y"] == 1, "paid on time", "late and never paid")
    frame = frame.assign(sex=frame["sex"].astype(str), letter=words)
    parts = [("letter", TfidfVectorizer(), "letter"), ("rest", "passthrough", ["income"])]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression())
    inputs = ["income", "letter"]
    model.fit(frame[inputs], frame["y"])
    checks = [
        {
            "check": "explain.attribution_share",
            "id": "share",
            "of": ["letter"],
            "limit": {"min": 0.8},
        },
        {"check": "explain.reason_codes", "id": "told", "phrases": {"letter": "Your letter"}},
    ]

    record = audited(model, frame, checks, features=inputs)

    share, told = record.findings
    assert (share.verdict, told.verdict) == ("pass", "pass"), (share.reason, told.reason)


def test_several_classes_without_a_named_one_are_refused_at_the_line(tmp_path) -> None:
    policy = tmp_path / "several.aipm.yaml"
    policy.write_text(
        "aipm: 1\n"
        "name: several\n"
        "context: {purpose: x, owner: me@example.org}\n"
        "subject:\n"
        "  task: multiclass\n"
        '  model: {factory: "pytest_aipm.demo.lending:fair_model"}\n'
        '  data: {factory: "pytest_aipm.demo.lending:evaluation"}\n'
        "  label: defaulted\n"
        "checks:\n"
        "  - {check: explain.parsimony, limit: {max: 3}}\n"
    )
    said = r"several\.aipm\.yaml:10:\d+: a score speaks of one class, and there are several; add "
    with pytest.raises(pytest_aipm.AipmError, match=said + "`class: NAME`"):
        pytest_aipm.audit(policy)
