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

BY = [["sex"], ["sex", "race"]]
SHARES: list[dict[str, Any]] = [
    {"check": "fairness.demographic_parity_ratio", "by": BY, "limit": {"min": 0.8}},
    {"check": "performance.metric", "id": "right", "metric": "accuracy", "limit": {"min": 0.7}},
]
SCORES: list[dict[str, Any]] = [
    {
        "check": "performance.metric",
        "id": name,
        "metric": name,
        "by": [["sex"]],
        "limit": {"min": 0.5} if name == "roc_auc" else {"max": 0.7},
    }
    for name in ("roc_auc", "log_loss", "brier")
]
GAPS: list[dict[str, Any]] = [
    {"check": "fairness.score_gap", "id": name, "measure": name, "limit": {"min": 0.7, "max": 9}}
    for name in ("mean", "standardised", "above_median")
]
for _gap in GAPS[:2]:
    _gap["limit"] = {"max": 0.9}
GAPS[2]["limit"] = {"min": 0.1}


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


@pytest.mark.parametrize("top", [0.1, 37])
def test_the_best_share_of_a_model(root: Path, session: Any, top: float) -> None:
    made = policy("rows", SHARES, decision={"top_k": top}, features=["income", "age"])
    both(made, root, session, model=Aged())


def test_a_lot_among_equal_scores_is_the_same(root: Path, spread: Any, session: Any) -> None:
    del spread
    made = policy("kept.parquet", SHARES, decision={"top_k": 0.3}, scores="region")
    table = policy({"table": "spread"}, SHARES, decision={"top_k": 0.3}, scores="region")
    found = both(made, root, session, there=table)
    assert any("drawn by lot" in said for said in found.audits[0].warnings)


def test_rows_that_hold_the_same_are_chosen_by_their_number(root: Path, session: Any) -> None:
    whole = pd.read_parquet(root / "all.parquet")
    whole[["sex", "race", "veteran", "y", "region", "day"]].assign(
        race=whole["race"].astype(str), region=0.5, sex="F"
    ).to_parquet(root / "alike.parquet", row_group_size=90)
    made = policy("alike.parquet", SHARES, decision={"top_k": 0.3}, scores="region")
    del made["subject"]["id"]
    made["subject"]["protected"] = {"race": "race"}
    made["checks"] = [
        {"check": "fairness.demographic_parity_ratio", "by": [["race"]], "limit": {"min": 0.8}}
    ]
    both(made, root, session)


def test_a_weighted_share(root: Path, spread: Any, session: Any) -> None:
    del spread
    given = {"decision": {"top_k": 0.3}, "scores": "s"}
    given |= {"weights": {"column": "weight", "kind": "sampling"}}
    made = policy("kept.parquet", SHARES, **given)
    both(made, root, session, there=policy({"table": "spread"}, SHARES, **given))


@pytest.mark.parametrize("people", ["person", None])
def test_weighted_scores(root: Path, spread: Any, session: Any, people: str | None) -> None:
    del spread
    given: dict[str, Any] = {"decision": {"threshold": 0.5}, "scores": "s"}
    given |= {"weights": {"column": "weight", "kind": "sampling"}}
    given |= {} if people is None else {"cluster": people}
    made = policy("kept.parquet", SCORES + GAPS, **given)
    both(made, root, session, there=policy({"table": "spread"}, SCORES + GAPS, **given))


def test_scores_of_an_earlier_model(root: Path, spread: Any, session: Any) -> None:
    del spread
    changed = [{**each, "limit": {**each["limit"], "worsened": 0.1}} for each in SCORES]
    given = {"decision": {"threshold": 0.5}, "scores": "s", "champion": {"scores": "old"}}
    whole = pd.read_parquet(root / "kept.parquet")
    old = np.round(whole["s"] + np.random.default_rng(0).normal(0, 0.1, len(whole)), 2).clip(0, 1)
    whole.assign(old=old).to_parquet(root / "earlier.parquet", row_group_size=100)
    both(policy("earlier.parquet", changed, **given), root, session)
