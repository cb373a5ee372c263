"""A model that writes into its input, past pandas, or answers in one array: findings stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.evidence import predictor
from pytest_aipm.records import Record, Verdict

NUMBERS = ["income", "debt", "age"]
WEIGHTS = np.array([0.9, -1.1, 0.4])
POLICY: dict[str, Any] = {
    "aipm": 1,
    "name": "credit",
    "context": {"purpose": "a test", "owner": "tests@example.org"},
    "subject": {
        "task": "binary",
        "label": "y",
        "positive": 1,
        "favorable": 1,
        "protected": {"sex": "sex"},
        "features": [*NUMBERS, "sex"],
        "decision": {"threshold": 0.5},
    },
    "checks": [
        {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.1}},
        {"check": "performance.metric", "metric": "roc_auc", "limit": {"min": 0.5}},
        {"check": "explain.protected_flip", "by": "sex"},
        {"check": "explain.attribution_share", "by": "sex", "rows": 60, "background": 20},
        {"check": "explain.importance", "of": ["debt"], "rows": 60, "limit": {"min": 0.0}},
        {"check": "explain.monotone", "helps": ["income"], "rows": 60},
        {"check": "explain.stability", "rows": 60, "background": 20, "limit": {"max": 0.5}},
        {"check": "explain.surrogate_fidelity", "rows": 100, "limit": {"min": 0.5}},
        {"check": "explain.recourse", "mutable": {"debt": "down"}, "limit": {"min": 0.1}},
        {"check": "fairness.individual_consistency", "limit": {"min": 0.5}},
    ],
}


class Honest:
    classes_ = np.array([0, 1])

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        pulled = frame[NUMBERS].to_numpy() @ WEIGHTS + 0.7 * (frame["sex"] == "f").to_numpy()
        score = 1 / (1 + np.exp(-pulled))
        return np.column_stack([1 - score, score])


class Writes(Honest):
    """Overwrites every number it was given, in the memory that it was given."""

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        said = super().predict_proba(frame)
        for name in NUMBERS:
            values = frame[name].to_numpy()
            if not values.flags.writeable:
                values.flags.writeable = True
            values[:] = -1.0
        frame["sex"] = "m"
        return said


class Reuses(Honest):
    """Gives each answer in the array that the last one came in."""

    def __init__(self) -> None:
        self.room = np.empty((200_000, 2))

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        said = self.room[: len(frame)]
        said[:] = super().predict_proba(frame)
        return said


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({name: rng.normal(size=500) for name in NUMBERS})
    frame["sex"] = rng.choice(["f", "m"], 500)
    frame["y"] = (rng.random(500) < Honest().predict_proba(frame)[:, 1]).astype(int)
    return frame


@pytest.fixture
def found(rows: pd.DataFrame, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function from a model to what an audit finds, with the model asked in batches."""
    monkeypatch.setattr(predictor, "BATCH", 64)
    monkeypatch.setattr(predictor, "ASKED", 128)

    def audit(model: Any, where: str) -> list[Any]:
        mine = rows.copy()
        if where == "file":
            mine.to_parquet(tmp_path / "rows.parquet")
        data = mine if where == "frame" else "rows.parquet"
        record: Record = pytest_aipm.audit(POLICY, model=model, data=data, root=tmp_path)
        assert mine.equals(rows), "the user's own table"
        assert not [each.reason for each in record.findings if each.verdict is Verdict.ERROR]
        return [(each.id, each.value, each.interval, each.reason) for each in record.findings]

    return audit


@pytest.mark.parametrize(
    ("model", "where"), [(Writes, "frame"), (Writes, "file"), (Reuses, "file")]
)
def test_findings_are_those_of_a_model_that_only_reads(found: Any, model: Any, where: str) -> None:
    assert found(model(), where) == found(Honest(), where)


@pytest.mark.parametrize("model", [Writes, Reuses])
def test_explanations_are_those_of_a_model_that_only_reads(rows: pd.DataFrame, model: Any) -> None:
    own = rows[[*NUMBERS, "sex"]]
    mine = own.copy()
    said = pytest_aipm.explanation(model(), mine[:20], mine[20:60])
    true = pytest_aipm.explanation(Honest(), own[:20], own[20:60])
    assert mine.equals(own)
    assert np.array_equal(said.values, true.values)
