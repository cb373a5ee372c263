"""What checks ask of the rows of a table is one job, and what they find is found here, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.engine.spark import Spark

CHECKS: list[dict[str, Any]] = [
    {"check": "data.missing", "limit": {"max": 0.5}},
    {"check": "data.missing", "id": "gaps", "by": ["sex", "race"], "limit": {"max": 0.5}},
    {"check": "data.label_balance", "by": "sex", "limit": {"max": 0.9}},
    {"check": "data.outliers", "limit": {"max": 0.5}},
    {"check": "data.duplicates", "limit": {"max": 0.5}},
    {"check": "data.schema", "columns": {"age": {"type": "int", "max": 60}}, "keys": [["income"]]},
    {"check": "data.sufficiency", "by": "race", "limit": {"min": 3}},
    {"check": "data.provenance", "limit": {"max_age": 100_000}},
    {"check": "data.leakage", "limit": {"max": 0.99}},
    {"check": "privacy.pii", "limit": {"max": 0}},
    {"check": "privacy.k_anonymity", "quasi_identifiers": ["sex", "race"], "limit": {"max": 1}},
    {"check": "fairness.demographic_parity_ratio", "by": "race", "limit": {"min": 0.8}},
]


def test_checks_on_data_are_one_job(
    tmp_path: Path, session: Any, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.to_parquet(tmp_path / "rows.parquet")
    session.read.parquet(str(tmp_path / "rows.parquet")).createOrReplaceTempView("once")
    jobs: list[str] = []
    ran = Spark._ran

    def counted(own: Any, frame: Any, decode: Any, work: bytes, empty: Any, ref: str) -> Any:
        jobs.append(ref)
        return ran(own, frame, decode, work, empty, ref)

    monkeypatch.setattr(Spark, "_ran", counted)
    subject = {
        "task": "binary",
        "label": "y",
        "positive": 1,
        "predictions": "p",
        "date": "day",
        "features": ["income", "age"],
        "protected": {"sex": "sex", "race": "race"},
    }
    found = []
    for data, given in (({"table": "once"}, {"spark": session}), ("rows.parquet", {})):
        made = {
            "aipm": 1,
            "name": "once",
            "context": {"purpose": "Choose", "owner": "team@example.org"},
            "subject": {**subject, "data": data},
            "checks": CHECKS,
        }
        record = pytest_aipm.audit(made, root=tmp_path, **given)
        found.append([(each.id, each.verdict, each.reason) for each in record.findings])
    assert not [each for each in found[0] if each[1] == "error"]
    assert found[0] == found[1]
    assert jobs == ["once"]
