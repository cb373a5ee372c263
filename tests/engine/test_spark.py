"""The same policy on a real Spark: the same findings, and the same faults in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spark_models import Dies, Raises, Scored, Short

import pytest_aipm
from pytest_aipm.engine import spark as engine
from pytest_aipm.engine.table import Table, table_of
from pytest_aipm.errors import DataError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.pairing import Pairing, RowKey
from pytest_aipm.evidence.sample import sample_rows
from pytest_aipm.evidence.subject import Subject

COUNTS = [
    {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.1}},
    {"check": "fairness.equalized_odds_difference", "limit": {"max": 0.1}},
    {"check": "performance.metric", "id": "right", "metric": "accuracy", "limit": {"min": 0.7}},
    {
        "check": "fairness.demographic_parity_ratio",
        "by": [["sex", "race"]],
        "limit": {"min": 0.8},
    },
]
SCORES = [
    {"check": "performance.metric", "id": "area", "metric": "roc_auc", "limit": {"min": 0.7}},
    {"check": "performance.metric", "id": "loss", "metric": "log_loss", "limit": {"max": 0.7}},
    {"check": "fairness.score_gap", "measure": "standardised", "limit": {"max": 0.3}},
]


def policy(data: Any, checks: list[dict[str, Any]], **subject: Any) -> dict[str, Any]:
    return {
        "aipm": 1,
        "name": "spread",
        "context": {"purpose": "Choose", "owner": "team@example.org"},
        "subject": {
            "task": "binary",
            "data": data,
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex", "race": "race"},
            "date": "day",
            **({"predictions": "p"} | subject),
        },
        "checks": checks,
    }


def with_model(data: Any, checks: list[dict[str, Any]], **subject: Any) -> dict[str, Any]:
    made = policy(data, checks, decision={"threshold": 0.5}, features=["income"], **subject)
    del made["subject"]["predictions"]
    return made


def findings(record: Any) -> list[dict[str, Any]]:
    return [finding.model_dump() for finding in record.findings]


@pytest.fixture
def folder(rows: pd.DataFrame, tmp_path: Path) -> Path:
    """Two Parquet files of several row groups, and nothing else."""
    (tmp_path / "rows").mkdir()
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(table.slice(0, 1900), tmp_path / "rows/a.parquet", row_group_size=500)
    pq.write_table(table.slice(1900), tmp_path / "rows/b.parquet", row_group_size=700)
    return tmp_path


def both(made: dict[str, Any], root: Path, session: Any, **given: Any) -> tuple[Any, Any]:
    here = pytest_aipm.audit(made, root=root, **given)
    there = pytest_aipm.audit(made, root=root, spark=session, **given)
    return here, there


def test_counts_are_the_same_to_the_last_digit(folder: Path, session: Any) -> None:
    here, there = both(policy("rows", COUNTS), folder, session)
    assert {finding.verdict for finding in here.findings} >= {"pass", "fail"}
    assert findings(there) == findings(here)
    (one,), (other,) = here.audits, there.audits
    assert other.subject == one.subject
    assert other.groups == one.groups


def test_a_model_is_asked_on_the_executors(folder: Path, session: Any) -> None:
    here, there = both(with_model("rows", COUNTS + SCORES), folder, session, model=Scored())
    assert not any(finding.verdict == "error" for finding in here.findings)
    for one, other in zip(findings(here), findings(there), strict=True):
        assert other["verdict"] == one["verdict"]
        assert other["value"] == pytest.approx(one["value"], rel=1e-9)
        assert other["interval"] == pytest.approx(one["interval"], rel=1e-9)


def test_a_row_group_of_several_batches_is_counted_whole(tmp_path: Path, session: Any) -> None:
    n = 150_000
    many = pd.DataFrame({"sex": ["F", "M"] * (n // 2), "y": [1] * n, "p": [0, 1, 1, 1] * (n // 4)})
    many.assign(race="A", day=pd.Timestamp("2026-01-01")).to_parquet(tmp_path / "many.parquet")
    here, there = both(policy("many.parquet", COUNTS[:1]), tmp_path, session)
    assert findings(there) == findings(here)
    assert there.audits[0].subject.data.rows == n


@pytest.mark.parametrize("data", [{"table": "people"}, {"query": "select * from people"}])
def test_tables_and_queries_give_what_the_file_gives(
    rows: pd.DataFrame, folder: Path, session: Any, data: dict[str, str]
) -> None:
    session.read.parquet(str(folder / "rows")).createOrReplaceTempView("people")
    here = pytest_aipm.audit(policy("rows", COUNTS), root=folder)
    there = pytest_aipm.audit(policy(data, COUNTS), root=folder, spark=session)
    assert findings(there) == findings(here)
    assert there.audits[0].subject.data.rows == len(rows)


def test_checks_of_single_rows_look_at_a_sample_of_a_table(folder: Path, session: Any) -> None:
    session.read.parquet(str(folder / "rows")).createOrReplaceTempView("people")
    flip = {"check": "explain.importance", "of": ["income"], "metric": "roc_auc"}
    made = with_model({"table": "people"}, [flip | {"limit": {"min": 0.1}}])
    record = pytest_aipm.audit(made, root=folder, spark=session, model=Scored())
    (finding,) = record.findings
    assert finding.verdict == "pass", finding.reason


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Short, "1,399 scores for 1,400 rows|for .* rows"),
        (Raises, "predict_proba raised ValueError"),
        (Dies, "the Spark job died"),
    ],
)
def test_a_fault_on_an_executor_is_one_line_and_no_verdict(
    folder: Path, session: Any, model: type, said: str
) -> None:
    made = with_model("rows", COUNTS[:1])
    record = pytest_aipm.audit(made, root=folder, spark=session, model=model())
    for finding in record.findings:
        assert finding.verdict == "error"
        assert "\n" not in finding.reason
    assert re.search(said, record.findings[0].reason)


def test_a_row_group_cut_short_is_named(folder: Path, session: Any) -> None:
    path = folder / "rows/b.parquet"
    footer = pq.read_metadata(path)
    place = footer.row_group(1).column(footer.num_columns - 3)  # the predictions
    start = place.dictionary_page_offset or place.data_page_offset
    held = bytearray(path.read_bytes())
    held[start : start + place.total_compressed_size] = bytes(place.total_compressed_size)
    path.write_bytes(held)
    record = pytest_aipm.audit(policy("rows", COUNTS[:1]), root=folder, spark=session)
    assert {finding.verdict for finding in record.findings} == {"error"}
    assert "b.parquet, row group 2" in record.findings[0].reason


def test_a_check_of_single_rows_is_refused_by_itself(folder: Path, session: Any) -> None:
    own = {"check": "performance.metric", "id": "own", "limit": {"min": 0}}
    own |= {"metric": "sklearn.metrics:matthews_corrcoef"}
    record = pytest_aipm.audit(policy("rows", [*COUNTS, own]), root=folder, spark=session)
    *counted, single = record.findings
    assert not any(finding.verdict == "error" for finding in counted)
    assert single.verdict == "error"
    assert "it looks at single rows" in single.reason


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"decision": {"top_k": 1, "within": "age"}, "predictions": None}, "within"),
    ],
)
def test_what_needs_every_row_is_refused(
    folder: Path, session: Any, changes: dict[str, Any], said: str
) -> None:
    made = policy("rows", SCORES[:1], **{"scores": "s", **changes})
    made["subject"] = {k: v for k, v in made["subject"].items() if v is not None}
    (finding,) = pytest_aipm.audit(made, root=folder, spark=session).findings
    assert finding.verdict == "error"
    assert said in finding.reason
    assert "aipm_engine = local" in finding.reason


def test_a_table_gives_this_process_no_row(rows: pd.DataFrame, folder: Path, session: Any) -> None:
    session.read.parquet(str(folder / "rows")).createOrReplaceTempView("people")
    table = table_of(session, table="people", query=None, where=None)
    with pytest.raises(DataError, match="rows stay where they are"):
        table.batches(["y"])
    with pytest.raises(DataError, match="rows stay where they are"):
        table.frame()
    assert len(table.head(["y"])) == len(rows), "but the first batch, which says what columns hold"
    weighted = {"weights": {"column": "age", "kind": "frequency"}}
    made = policy({"table": "people"}, COUNTS[:1], **weighted)
    for finding in pytest_aipm.audit(made, root=folder, spark=session).findings:
        assert finding.verdict == "error"
        assert "do it in the query of `data`" in finding.reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"table": "nowhere"}, "Spark cannot read nowhere"),
        ({"query": "selekt 1"}, "Spark cannot read the query"),
        ({"query": "select * from range(10) where id < 0"}, "the query has no row"),
    ],
)
def test_a_table_that_is_not_there_is_said(
    folder: Path, session: Any, data: dict[str, str], said: str
) -> None:
    record = pytest_aipm.audit(policy(data, COUNTS[:1]), root=folder, spark=session)
    assert record.findings[0].verdict == "error"
    assert said in record.findings[0].reason
    assert "\n" not in record.findings[0].reason


def test_a_table_without_spark_says_which_option_is_missing(folder: Path) -> None:
    record = pytest_aipm.audit(policy({"table": "people"}, COUNTS[:1]), root=folder)
    assert record.findings[0].verdict == "error"
    assert "--aipm-engine=spark" in record.findings[0].reason


def test_a_missing_pyspark_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(engine.MeasurementError, match=r"pip install 'pytest-aipm\[spark\]'"):
        engine.session_of("local[1]")


@pytest.mark.parametrize("given", [{}, {"JAVA_HOME": "/gone"}], ids=["none", "a wrong one"])
def test_a_missing_java_is_said(tmp_path: Path, given: dict[str, str]) -> None:
    pytest.importorskip("pyspark", reason="without it that is said first")
    code = (
        "from pytest_aipm.engine.spark import session_of\n"
        "try:\n    session_of('local[1]')\nexcept Exception as error:\n    print('said', error)"
    )
    known = {k: v for k, v in os.environ.items() if k not in ("JAVA_HOME", "SPARK_HOME")}
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "env", "uname", "ps", "basename", "readlink", "which"):
        found = next((p for p in ("/bin", "/usr/bin") if Path(p, name).exists()), None)
        if found:
            (tmp_path / "bin" / name).symlink_to(Path(found, name))
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**known, **given, "PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "said" in run.stdout, run.stderr
    assert "install a Java runtime" in run.stdout
    assert ("under JAVA_HOME=/gone;" in run.stdout) == bool(given)


def test_rows_of_a_table_are_numbered_as_they_lie(session: Any) -> None:
    whole = session.range(0, 30, 1, 7).where("id not between 5 and 12").selectExpr("id", "id as x")
    table = Table(whole, "t")
    evidence = Evidence(Subject(task="binary"), table, engine=engine.Spark(lambda: session))
    rows = evidence.drawn(table, ["id"], 100)
    assert rows.index.tolist() == list(range(22))
    assert rows["id"].tolist() == [*range(5), *range(13, 30)]
    some = evidence.drawn(table, ["x"], 5)
    here = sample_rows([rows], 5, 0)
    assert some.index.tolist() == here.index.tolist()
    assert some["x"].tolist() == here["id"].tolist()
    assert evidence.drawn(table, [], 100).shape == (22, 0)


def test_parts_that_are_cut_otherwise_for_other_columns_are_counted_again(session: Any) -> None:
    table = Table(session.range(0, 30, 1, 7), "t")
    table.sizes = {0: 10, 1: 20}  # as if they had been counted in another plan
    evidence = Evidence(Subject(task="binary"), table, engine=engine.Spark(lambda: session))
    assert evidence.drawn(table, ["id"], 100).index.tolist() == list(range(30))


def test_a_model_that_cannot_be_sent_is_said(folder: Path, session: Any) -> None:
    model = Scored()
    model.lock = threading.Lock()
    record = pytest_aipm.audit(
        with_model("rows", COUNTS[:1]), root=folder, spark=session, model=model
    )
    assert "cannot be sent to the executors" in record.findings[0].reason
    assert "\n" not in record.findings[0].reason


def test_approved_rows_are_not_looked_for_in_a_table(session: Any) -> None:
    table = Table(session.range(3), "t")
    pairing = Pairing(rows=None, key=RowKey(b"k"))  # type: ignore[arg-type]
    subject = Subject(task="binary", predictions="id", id="id")
    evidence = Evidence(subject, table, pairing=pairing, engine=engine.Spark(lambda: session))
    assert evidence.joined is not None
    assert evidence.joined.decisions is None
    assert "no place of their own" in evidence.joined.said
    with pytest.raises(engine.MeasurementError, match="cannot be paired"):
        evidence.remember(RowKey(b"k"))
