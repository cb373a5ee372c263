"""What hangs on every row: the best share, weighted scores, an earlier model; found on Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from spark_cases import held_equal, policy
from spark_models import Aged

import pytest_aipm
from pytest_aipm.engine import spark as engine

SHARES: list[dict[str, Any]] = [
    {"check": "fairness.demographic_parity_ratio", "by": [["sex", "race"]], "limit": {"min": 0.8}},
    {"check": "performance.metric", "id": "right", "metric": "accuracy", "limit": {"min": 0.7}},
]
SCORES: list[dict[str, Any]] = [
    {"check": "performance.metric", "id": "area", "metric": "roc_auc", "by": "sex"},
    {"check": "performance.metric", "id": "loss", "metric": "log_loss", "by": "sex"},
]
SCORES[0]["limit"], SCORES[1]["limit"] = {"min": 0.5}, {"max": 0.9}
GAPS: list[dict[str, Any]] = [
    {"check": "fairness.score_gap", "measure": "standardised", "by": "sex", "limit": {"max": 0.9}},
    {
        "check": "fairness.score_gap",
        "id": "median",
        "measure": "above_median",
        "by": "sex",
        "limit": {"min": 0.1},
    },
]
INCIDENTS = """incidents:
- {id: A, date: 2026-01-01, title: t, what: w, owner: o, ticket: t,
   when: "income > 60", expect: {decision: favorable}}
- {id: B, date: 2026-01-02, title: t, what: w, owner: o, ticket: t,
   ids: [3, 5, 699], expect: {score: {min: 0.0, max: 1.0}}}
"""
LOOKED_AT: list[dict[str, Any]] = [
    {"check": "data.label_bias", "by": "sex", "given": ["region"], "limit": {"max": 0.9}},
    {
        "check": "data.label_bias",
        "id": "alike",
        "by": "sex",
        "columns": ["income", "region"],
        "rows": 60,
        "limit": {"max": 0.9},
    },
    {"check": "data.selective_labels", "by": "sex", "limit": {"max_error": 0.9}},
    {"check": "fairness.worst_slice", "columns": ["sex", "race", "region"], "limit": {"max": 0.9}},
    {"check": "framing.tradeoff", "rule": "right >= 0.1 or gap <= 0.1", "limit": {"min": 1}},
    {"check": "data.pipeline", "serving": "served.csv", "limit": {"max": 0.9}},
    {"check": "data.pipeline", "id": "again", "limit": {"max_rerun": 0}},
    {"check": "data.provenance", "limit": {"max": 9}},
    {"check": "governance.incidents", "file": "incidents.yaml", "limit": {"max": 9}},
    {"check": "privacy.erasure", "rows": "erased.csv", "limit": {"max_auc": 0.99}},
]


def both(
    made: dict[str, Any],
    root: Path,
    session: Any,
    *,
    there: dict[str, Any] | None = None,
    **given: Any,
) -> Any:
    here = pytest_aipm.audit(made, root=root, **given)
    other = pytest_aipm.audit(made if there is None else there, root=root, spark=session, **given)
    held_equal(here, other)
    return other


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LEAST", 200)  # so that these few rows are three tasks


@pytest.fixture(scope="module")
def few(spread: Any) -> str:
    """The rows of kept.parquet as a table of three parts."""
    spread.coalesce(3).createOrReplaceTempView("few")
    return "few"


def test_the_best_share_of_a_model(root: Path, session: Any) -> None:
    made = policy("rows", SHARES, decision={"top_k": 0.1}, features=["income", "age"])
    both(made, root, session, model=Aged())


def test_a_lot_among_equal_scores_is_the_same(root: Path, few: str, session: Any) -> None:
    given: dict[str, Any] = {"decision": {"top_k": 0.3}, "scores": "region"}
    found = both(policy("kept.parquet", SHARES, **given), root, session)
    (drawn,) = (each for each in found.audits[0].warnings if "drawn by lot" in each)
    # of a table it hangs on the order of the rows, but as many are in
    there = pytest_aipm.audit(policy({"table": few}, SHARES, **given), root=root, spark=session)
    assert drawn in there.audits[0].warnings


def test_rows_that_hold_the_same_are_drawn_one_by_one(root: Path, session: Any) -> None:
    whole = pd.read_parquet(root / "all.parquet")[["race", "y", "region"]]
    alike = whole.assign(race=whole["race"].astype(str), region=0.5)
    alike.to_parquet(root / "alike.parquet", row_group_size=90)
    subject = {"decision": {"top_k": 0.3}, "scores": "region", "protected": {"race": "race"}}
    made = policy("alike.parquet", SHARES[1:], **subject)
    for name in ("id", "date"):
        del made["subject"][name]
    both(made, root, session)


def test_weighted_scores_and_shares(root: Path, few: str, session: Any) -> None:
    weights = {"weights": {"column": "weight", "kind": "sampling"}, "scores": "s"}
    for more in ({"decision": {"top_k": 0.3}}, {"decision": {"top_k": 0.3}, "cluster": "person"}):
        checks = [SHARES[0], *SCORES, *GAPS]
        there = policy({"table": few}, checks, **weights, **more)
        both(policy("kept.parquet", checks, **weights, **more), root, session, there=there)


def test_scores_of_an_earlier_model(root: Path, session: Any) -> None:
    changed = [{**each, "regression": {"max_change": 0.5}} for each in SCORES]
    given = {"decision": {"threshold": 0.5}, "scores": "s", "champion": {"scores": "old"}}
    whole = pd.read_parquet(root / "all.parquet")
    old = np.round(whole["s"] + np.random.default_rng(0).normal(0, 0.1, len(whole)), 2)
    whole.assign(old=old.clip(0.01, 0.99)).to_parquet(root / "earlier.parquet", row_group_size=250)
    found = both(policy("earlier.parquet", changed, **given), root, session)
    assert all(each.baseline is not None and each.baseline.paired for each in found.findings)


def test_what_used_to_read_whole_columns(root: Path, session: Any) -> None:
    whole = pd.read_parquet(root / "all.parquet")
    whole[["id", "income", "age"]].iloc[::3].round(1).to_csv(root / "served.csv", index=False)
    train = pd.read_parquet(root / "train.parquet")
    train[["id", "income", "age", "y"]].iloc[:40].to_csv(root / "erased.csv", index=False)
    (root / "incidents.yaml").write_text(INCIDENTS)
    subject = {"decision": {"threshold": 0.5}, "features": ["income", "age"]}
    beside = [
        {**SHARES[1]},
        {"check": "fairness.demographic_parity_difference", "id": "gap", "limit": {"max": 0.9}},
    ]
    made = policy("rows", [*beside, *LOOKED_AT], **subject, train="train.parquet")
    both(made, root, session, model=Aged())
