"""Every family of checks over every kind of rows: what Spark finds is what is found here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from spark_cases import held_equal, policy
from spark_models import Aged, Banded

import pytest_aipm
from pytest_aipm.engine import spark as engine

BY = [["sex"], ["race"], ["veteran"], ["sex", "race"]]
COUNTED: list[dict[str, Any]] = [
    {"check": "fairness.demographic_parity_ratio", "by": BY, "limit": {"min": 0.8}},
    {"check": "fairness.equalized_odds_difference", "by": BY, "limit": {"max": 0.1}},
    {"check": "fairness.predictive_parity_difference", "by": BY, "limit": {"max": 0.1}},
    {"check": "performance.metric", "id": "right", "metric": "accuracy", "limit": {"min": 0.7}},
]
SCORED: list[dict[str, Any]] = [
    {"check": "performance.metric", "id": "area", "metric": "roc_auc", "limit": {"min": 0.7}},
    {"check": "performance.metric", "id": "loss", "metric": "log_loss", "limit": {"max": 0.7}},
    {"check": "fairness.score_gap", "limit": {"max": 0.3}},
    {"check": "fairness.calibration_gap", "limit": {"max": 0.3}},
]
ROWS: list[dict[str, Any]] = [
    {"check": "fairness.individual_consistency", "limit": {"min": 0.5}},
    {
        "check": "fairness.adjusted_disparity",
        "factors": ["age", "region"],
        "bins": {"age": [30, 50]},
        "limit": {"max": 0.5},
    },
    {"check": "data.missing", "limit": {"max": 0.5}},
    {"check": "data.missing", "id": "gaps", "by": BY[3:], "limit": {"max": 0.5}},
    {"check": "data.label_balance", "id": "balance", "by": BY[1:2], "limit": {"max": 0.9}},
    {"check": "data.outliers", "limit": {"max": 0.5}},
    {"check": "data.duplicates", "limit": {"max": 0.5}},
    {"check": "data.leakage", "limit": {"max": 0.99}},
    {
        "check": "data.schema",
        "columns": {
            "income": {"type": "number", "min": 30},
            "sex": {"type": "category", "nullable": False},
            "id": {"unique": True},
            "written": {"type": "date"},
        },
        "limit": {"max": 0},
    },
    {"check": "privacy.pii", "limit": {"max": 0}},
    {"check": "data.sufficiency", "limit": {"min": 0.01}},
    {
        "check": "data.representation",
        "by": "sex",
        "population": {"sex": {"F": 0.5, "<b>M</b>": 0.5}},
        "limit": {"max": 0.5},
    },
    {"check": "privacy.k_anonymity", "quasi_identifiers": ["sex", "race"], "limit": {"min": 2}},
]
OF_TABLES = {"data.missing", "data.outliers", "data.schema", "fairness.individual_consistency"}
OF_TABLES |= {"privacy.pii", "privacy.k_anonymity", "data.duplicates"}
ASKED: list[dict[str, Any]] = [
    {
        "check": "explain.importance",
        "of": ["income"],
        "metric": "roc_auc",
        "limit": {"min": 0.01},
    },
    {"check": "explain.surrogate_fidelity", "limit": {"min": 0.5}},
    {"check": "explain.recourse", "mutable": {"income": "up"}, "limit": {"min": 0.1}},
    {"check": "explain.proxy_reliance", "limit": {"max": 0.9}},
    {"check": "privacy.train_test_overlap", "limit": {"max": 0.9}},
    {"check": "privacy.membership_inference", "limit": {"max": 0.9}},
]


def test_a_model_and_every_family_over_a_folder(
    root: Path, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LEAST", 200)  # so that these few rows are three tasks
    asked = {
        "decision": {"threshold": 0.5},
        "features": ["income", "age"],
        "train": "train.parquet",
    }
    made = policy("rows", COUNTED + SCORED + ROWS + ASKED, **asked)
    here = pytest_aipm.audit(made, root=root, model=Aged())
    there = pytest_aipm.audit(made, root=root, spark=session, model=Aged())
    held_equal(here, there)
    assert there.audits[0].missing.columns["income"] > 0
    assert any("seldom" in said for said in there.audits[0].warnings), "what a model warns of"


def test_columns_of_a_table_in_many_parts(root: Path, spread: Any, session: Any) -> None:
    assert spread.rdd.getNumPartitions() == 14
    given = {"predictions": "p", "scores": "s"}
    checks = COUNTED + SCORED + [each for each in ROWS if each["check"] in OF_TABLES]
    here = pytest_aipm.audit(policy("kept.parquet", checks, **given), root=root)
    made = policy({"table": "spread"}, checks, **given)
    held_equal(here, pytest_aipm.audit(made, root=root, spark=session))


def test_weights_and_repeated_people_of_a_query(root: Path, spread: Any, session: Any) -> None:
    del spread
    given = {"predictions": "p", "cluster": "person"}
    given |= {"weights": {"column": "weight", "kind": "sampling"}}
    here = pytest_aipm.audit(policy("kept.parquet", COUNTED, **given), root=root)
    made = policy({"query": "select * from spread where y >= 0"}, COUNTED, **given)
    held_equal(here, pytest_aipm.audit(made, root=root, spark=session))


def several(name: str, **more: Any) -> dict[str, Any]:
    limit = {"max": 1.9} if name in ("log_loss", "brier") else {"min": 0.1}
    named = f"{name}_{len(more)}"
    return {"check": "performance.metric", "id": named, "metric": name, "limit": limit} | more


SEVERAL = [
    several("accuracy"),
    several("f1", average="macro"),
    several("log_loss"),
    several("brier"),
    several("roc_auc", **{"class": "low"}),
    several("roc_auc", average="macro", id="areas", by="sex"),
    {"check": "fairness.equal_opportunity_difference", "limit": {"max": 0.9}},
]


def test_several_classes_of_a_model(root: Path, session: Any) -> None:
    made = policy("all.parquet", SEVERAL, features=["income", "age"])
    subject = {key: value for key, value in made["subject"].items() if key != "positive"}
    made["subject"] = subject | {"task": "multiclass", "label": "band", "favorable": "high"}
    whole = pd.read_parquet(root / "all.parquet")
    names = np.array(["low", "middle", "high"])
    whole["band"] = names[np.digitize(whole["income"].fillna(50) + 9 * (whole["id"] % 3), [40, 60])]
    whole.to_parquet(root / "bands.parquet")
    made["subject"]["data"] = "bands.parquet"
    here = pytest_aipm.audit(made, root=root, model=Banded())
    there = pytest_aipm.audit(made, root=root, spark=session, model=Banded())
    held_equal(here, there)
