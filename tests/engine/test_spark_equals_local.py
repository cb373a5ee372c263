"""Every family of checks over every kind of rows: what Spark finds is what is found here."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
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


def people(seed: int, n: int) -> pd.DataFrame:
    """Rows of every kind of column, with gaps, and groups that come late in the file."""
    rng = np.random.default_rng(seed)
    income = rng.normal(50, 15, n)
    late = np.where(np.arange(n) > n - 40, "Z", rng.choice(["A", "B"], n))
    y = (income + rng.normal(0, 10, n) > 50).astype(int)
    score = 1 / (1 + np.exp(-(income - 50 + rng.normal(0, 8, n)) / 10))
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "income": np.where(rng.random(n) < 0.03, np.nan, income),
            "age": pd.array(np.where(rng.random(n) < 0.05, None, rng.integers(18, 80, n)), "Int64"),
            "region": rng.integers(0, 4, n),
            "sex": np.where(rng.random(n) < 0.05, None, rng.choice(["F", "<b>M</b>"], n)),
            "race": pd.Categorical(late, categories=["Z", "B", "A"]),
            "veteran": pd.array(
                np.where(rng.random(n) < 0.1, None, rng.random(n) < 0.4), "boolean"
            ),
            "written": rng.choice(["2026-01-02", "02.01.2026"], n),
            "note": rng.choice(["n/a", "fine", "jo@example.org"], n),
            "weight": rng.integers(0, 4, n) + 0.5,
            "person": rng.integers(0, n // 3, n),
            "y": y,
            "p": (score > 0.5).astype(int),
            "s": score,
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D"),
        }
    )


def policy(data: Any, checks: list[dict[str, Any]], **subject: Any) -> dict[str, Any]:
    named = {"task": "binary", "data": data, "label": "y", "positive": 1, "id": "id", "date": "day"}
    groups = {"sex": "sex", "race": "race", "veteran": "veteran"}
    return {
        "aipm": 1,
        "name": "equal",
        "context": {"purpose": "Choose", "owner": "team@example.org"},
        "subject": named | {"protected": groups} | subject,
        "checks": checks,
    }


def first_difference(one: Any, two: Any, at: str = "") -> str:
    """Return where two records differ by more than rounding; an empty text where they do not."""
    if isinstance(one, float) and isinstance(two, float):
        alike = math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9)
        return (
            "" if alike or (math.isnan(one) and math.isnan(two)) else f"{at}: {one!r} and {two!r}"
        )
    if isinstance(one, dict) and isinstance(two, dict) and one.keys() == two.keys():
        pairs = [(one[key], two[key], f"{at}.{key}") for key in one]
    elif isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        pairs = [(a, b, f"{at}[{i}]") for i, (a, b) in enumerate(zip(one, two, strict=True))]
    else:
        return "" if one == two else f"{at}: {one!r} and {two!r}"
    return next((said for pair in pairs if (said := first_difference(*pair))), "")


def held_equal(here: Any, there: Any) -> None:
    assert not any(each.verdict == "error" for each in here.findings)
    for one, two in zip(here.findings, there.findings, strict=True):
        assert first_difference(one.model_dump(), two.model_dump(), one.id) == "", two.reason
    (mine,), (theirs,) = here.audits, there.audits
    assert theirs.groups == mine.groups
    assert theirs.missing == mine.missing
    assert theirs.warnings == mine.warnings
    assert theirs.subject.data.rows == mine.subject.data.rows
    assert theirs.subject.data.period == mine.subject.data.period


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three files cut into many row groups, and training rows in one."""
    root = tmp_path_factory.mktemp("equal")
    (root / "rows").mkdir()
    table = pa.Table.from_pandas(people(1, 700), preserve_index=False)
    for name, start, n, each in (("a", 0, 300, 50), ("b", 300, 1, 1), ("c", 301, 399, 7)):
        pq.write_table(table.slice(start, n), root / f"rows/{name}.parquet", row_group_size=each)
    pq.write_table(table, root / "all.parquet")
    people(2, 500).to_parquet(root / "train.parquet")
    return root


@pytest.fixture(scope="module")
def spread(root: Path, session: Any) -> Any:
    """The same rows as a table of 14 parts, some empty, some of one row, in their order."""
    whole = session.createDataFrame(pq.read_table(root / "all.parquet"))
    cut = whole.repartitionByRange(14, "id").sortWithinPartitions("id")
    empty = cut.where("id >= 160 or id < 10 or id = 70")
    kept = pd.read_parquet(root / "all.parquet").query("id >= 160 or id < 10 or id == 70")
    kept.to_parquet(root / "kept.parquet", index=False)
    empty.createOrReplaceTempView("spread")
    return empty


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
