"""The columns of a large file are decoded once for all checks, and findings are what they were."""

from __future__ import annotations

import json
import operator
from collections import Counter, defaultdict
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import pytest_aipm
from pytest_aipm.auditing import Auditor, Settings, load_plan
from pytest_aipm.evidence.wishes import Shared
from pytest_aipm.sources import columnar, data, delimited

ROWS = 4_000
FILES = ["rows.parquet", "rows.arrow", "rows.csv", "folder"]
CHECKS: list[dict[str, Any]] = [
    {
        "check": "data.schema",
        "id": "columns",
        "columns": {
            "income": {"type": "number", "min": 0},
            "history": {"type": "category", "values": ["long", "short"]},
            "day": {"type": "date", "format": "%Y-%m-%d"},
        },
        "keys": [["id"]],
    },
    {"check": "data.missing", "id": "gaps", "limit": {"max": 0.5}},
    {"check": "data.missing", "id": "gaps-by", "columns": ["history"], "by": ["sex", "band"]},
    {"check": "data.duplicates", "limit": {"max": 0.01}},
    {"check": "data.duplicates", "id": "keys", "limit": {"max_keys": 0.01}},
    {"check": "data.duplicates", "id": "conflicts", "limit": {"max_conflicts": 0.01}},
    {"check": "data.label_balance", "id": "balance-by", "by": ["sex"], "limit": {"min": 0.01}},
    {"check": "data.label_balance", "id": "balance", "limit": {"min": 0.01}},
    {"check": "data.outliers", "limit": {"max": 0.1}},
    {"check": "data.sufficiency", "by": ["sex", "band"], "limit": {"min": 30}},
    {
        "check": "data.representation",
        "by": ["sex"],
        "population": {"sex": {"F": 0.5, "M": 0.5}},
        "limit": {"min": 0.8},
    },
    {"check": "data.provenance", "limit": {"max_age": 100_000}},
    {"check": "data.leakage", "limit": {"max": 0.95}},
    {"check": "privacy.pii", "limit": {"max": 1}},
    {"check": "privacy.k_anonymity", "quasi_identifiers": ["sex", "age"], "limit": {"max": 1}},
    {"check": "fairness.demographic_parity_ratio", "by": ["sex"], "limit": {"min": 0.8}},
    {"check": "performance.metric", "id": "area", "metric": "roc_auc", "limit": {"min": 0.4}},
]
MODELLED: list[dict[str, Any]] = [
    {"check": "explain.protected_flip", "by": ["sex"], "limit": {"max": 0.01}},
    {"check": "explain.importance", "of": ["income"], "metric": "roc_auc", "limit": {"min": 0.01}},
    {"check": "privacy.membership_inference", "limit": {"max_auc": 0.6}},
    {"check": "privacy.train_test_overlap", "limit": {"max": 0.5}},
]


def people(n: int, seed: int = 1) -> pd.DataFrame:
    """Rows with gaps in numbers, texts and whole numbers, some rows twice."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"P{i:06d}" for i in range(n)],
            "income": np.where(rng.random(n) < 0.02, np.nan, rng.lognormal(10, 1, n)),
            "age": rng.integers(18, 80, n),
            "rate": rng.normal(size=n),  # without a gap, so that arrays could be written to
            "children": pd.array(
                np.where(rng.random(n) < 0.1, None, rng.integers(0, 4, n)), "Int64"
            ),
            "history": rng.choice(["long", "short", "odd", None], n, p=[0.5, 0.4, 0.01, 0.09]),
            "sex": rng.choice(["F", "M", None], n, p=[0.5, 0.49, 0.01]),
            "day": rng.choice(["2026-01-02", "2026-02-03"], n),
            "y": rng.integers(0, 2, n),
            "s": rng.random(n).round(3),
        }
    )
    return pd.concat([frame, frame.iloc[: n // 40]], ignore_index=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in files of every format, each in several parts."""
    root, rows = tmp_path_factory.mktemp("pass"), people(ROWS)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(table, root / "rows.parquet", row_group_size=700)
    feather.write_feather(table, str(root / "rows.arrow"), chunksize=900)
    rows.to_csv(root / "rows.csv", index=False)
    (root / "folder").mkdir()
    for number in range(4):
        part = table.slice(number * 1025, 1025)
        feather.write_feather(part, str(root / f"folder/{number}.arrow"), chunksize=300)
    people(900, seed=2).to_parquet(root / "train.parquet")
    return root


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no file be small enough to be kept, and several batches in each."""
    monkeypatch.setattr(data, "FEW", 100)
    monkeypatch.setattr(data, "BATCH", 1_024)
    monkeypatch.setattr(data, "batch_rows", lambda _: 1_024)


class Decoded:
    """How often each column of each file of evaluation rows was decoded, whoever asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, Counter[str]] = defaultdict(Counter)
        self.typed: Counter[str] = Counter()
        """How often texts were looked through to find out types."""
        for form in (columnar.ParquetFormat, columnar.ArrowFormat):
            self._watch(monkeypatch, form)
        batches = delimited.Delimited._batches

        def parsed(reader: Any, kinds: Any) -> Any:
            for_types = set(kinds.values()) == {pa.string()}
            (self.typed if for_types else self.files[reader._ref]).update(list(kinds))
            return batches(reader, kinds)

        monkeypatch.setattr(delimited.Delimited, "_batches", parsed)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, form: Any) -> None:
        plain = form.read

        def read(own: Any, path: Path, names: Any, *rest: Any) -> Any:
            if "train" not in path.name:
                self.files[path.name].update(names)
            return plain(own, path, names, *rest)

        monkeypatch.setattr(form, "read", read)

    @property
    def times(self) -> dict[str, int]:
        """By column, in the file where it was decoded most often."""
        return dict(reduce(operator.or_, self.files.values(), Counter()))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Decoded:
    return Decoded(monkeypatch)


def policy(source: str, checks: list[dict[str, Any]], **subject: Any) -> dict[str, Any]:
    given = {"scores": "s", "decision": {"threshold": 0.5}, **subject}
    return {
        "aipm": 1,
        "name": "pass",
        "context": {"purpose": "Lend", "owner": "team@example.org"},
        "subject": {
            "task": "binary",
            "data": source,
            "label": "y",
            "positive": 1,
            "id": "id",
            "date": "day",
            "protected": {"sex": "sex", "band": {"column": "age", "bins": [40]}},
            "features": ["income", "age", "rate", "children", "history"],
            **{key: value for key, value in given.items() if value is not None},
        },
        "checks": checks,
    }


def findings(made: dict[str, Any], root: Path, **given: Any) -> list[str]:
    return [each.model_dump_json() for each in pytest_aipm.audit(made, root=root, **given).findings]


def errors(found: list[str]) -> list[str]:
    return [each for each in found if '"verdict":"error"' in each]


@pytest.mark.parametrize("source", FILES)
def test_each_column_is_decoded_once_for_the_checks_on_data(
    root, decoded, monkeypatch, source
) -> None:
    together = findings(policy(source, CHECKS), root)
    assert not errors(together)
    often = dict.fromkeys(people(10).columns, 1)
    if source in ("rows.arrow", "folder"):  # how large are whole numbers with gaps? it is not said
        often["children"] = 2
    assert decoded.times == often
    if source == "rows.csv":  # which has no types; the first block says that there are rows
        assert decoded.typed == Counter([*often, "id"])
    monkeypatch.setattr(Shared, "_gather", lambda *_: None)
    assert findings(policy(source, CHECKS), root) == together, "as when each check asks alone"
    assert decoded.times["sex"] > 5


class Asked:
    """A model that says how often, and of how many rows, it was asked."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["income", "age", "rate"], dtype=object)

    def __init__(self) -> None:
        self.rows: list[int] = []

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        self.rows.append(len(frame))
        high = np.log(frame["income"].fillna(20_000).to_numpy(dtype=float)) / 20
        high += frame["rate"].to_numpy() / 1e9
        return np.column_stack([1 - high, high])


@pytest.mark.parametrize("source", ["rows.csv", "folder"])
def test_the_model_is_asked_in_the_same_pass(root, decoded, monkeypatch, source) -> None:
    made = policy(source, CHECKS + MODELLED, scores=None, train="train.parquet", features=None)
    model = Asked()
    together = findings(made, root, model=model)
    assert not errors(together)
    often = dict.fromkeys(people(10).columns, 1)
    for name in ("income", "age", "rate", "children", "history"):
        often[name] += 1  # of the first batch, to compare with the training rows
    if source in ("rows.arrow", "folder"):
        often["children"] += 1
    assert decoded.times == often
    if source == "rows.csv":
        assert max(decoded.typed[name] for name in often if name != "id") == 1
    assert sum(model.rows[:1]) == people(ROWS).shape[0], "in one go, however the batches are cut"
    monkeypatch.setattr(Shared, "_gather", lambda *_: None)
    assert findings(made, root, model=Asked()) == together, "as when each check asks alone"


def test_a_fault_in_company_is_the_fault_of_one(tmp_path) -> None:
    rows = people(ROWS)
    rows["y"] = range(len(rows))
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=700)
    checks = [each for each in CHECKS if each["check"].startswith("data.")]
    found = pytest_aipm.audit(policy("rows.parquet", checks), root=tmp_path).findings
    wrong = {each.check_id: each.reason for each in found if each.verdict == "error"}
    assert set(wrong) == {"balance-by", "balance", "data.sufficiency"}
    assert "more than" in wrong["balance"]
    assert len([each for each in found if each.verdict != "error"]) >= len(checks) - 4


def test_a_damaged_column_is_an_error_of_those_who_ask_for_it(tmp_path) -> None:
    path, rows = tmp_path / "rows.parquet", people(ROWS).drop(columns="day")
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(table, path, row_group_size=700, compression="none", write_page_checksum=True)
    chunk = pq.read_metadata(path).row_group(3).column(rows.columns.get_loc("s"))
    held = bytearray(path.read_bytes())
    held[chunk.data_page_offset + 100] ^= 0xFF
    path.write_bytes(held)
    checks = [each for each in CHECKS if each["check"] in ("data.label_balance", "data.outliers")]
    made = policy("rows.parquet", checks, date=None)
    found = {each.check_id: each for each in pytest_aipm.audit(made, root=tmp_path).findings}
    assert found["balance"].verdict != "error"
    assert found["balance-by"].verdict != "error"
    assert found["data.outliers"].verdict == "error"
    assert "row group 4" in found["data.outliers"].reason


def test_what_is_not_going_to_run_is_not_asked_along(root, decoded) -> None:
    path = root / "policies/one.aipm.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(policy("rows.parquet", CHECKS)))
    plan = load_plan(
        Settings(root=root, policies=(path,), report=root / "report", baseline=root / "none.json")
    )
    auditor = Auditor(plan, plan.policies[0])
    nodes = {node.check_id: node for node in plan.policies[0].nodes()}
    auditor.chosen = frozenset({nodes["balance"], nodes["keys"]})
    assert auditor.finding(nodes["balance"]).verdict != "error"
    assert auditor.finding(nodes["keys"]).verdict != "error"
    assert decoded.times == {"y": 1, "id": 1}
