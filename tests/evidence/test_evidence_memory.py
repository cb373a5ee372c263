"""With predictions in a file, memory does not grow with its rows, and with tallies neither."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

AUDIT = """
import sys, tracemalloc
import pyarrow as pa
from pathlib import Path
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Decision, Subject
from pytest_aipm.sources.data import DataSpec, open_data

path = Path(sys.argv[1])
subject = Subject(
    task="binary", label="y", positive=1, favorable=1, scores="s",
    decision=Decision(0.5, "above"),
    attributes=(Attribute("sex", "sex"), Attribute("race", "race")),
)
data = open_data(DataSpec(path=path.name), root=path.parent)
evidence = Evidence(
    subject, data, losses=frozenset({"log_loss"}), keep_scores=True, need_label=True
)
tracemalloc.start()
counts = evidence.counts(("sex", "race"))
arrow = pa.default_memory_pool().max_memory()
print(counts.n + counts.unknown, tracemalloc.get_traced_memory()[1], arrow)
"""

DATA = """
import sys, tracemalloc
import pyarrow as pa
from pathlib import Path
import pytest_aipm.api
from pytest_aipm.sources import columnar, data

# so that few rows are many batches of a file that is not kept
data.FEW, data.BATCH, columnar.BATCH = 1_000, 8_192, 8_192
columnar.batch_rows = data.batch_rows = lambda columns: 8_192
path = Path(sys.argv[1])
checks = [
    {"check": "data.schema", "columns": {"s": {"type": "number", "max": 1}}},
    {"check": "data.missing", "limit": {"max": 0.5}},
    {"check": "data.missing", "id": "gaps", "columns": ["s"], "by": ["sex"], "limit": {"max": 0.5}},
    {"check": "data.label_balance", "by": ["race"], "limit": {"min": 0.1}},
    {"check": "data.outliers", "limit": {"max": 0.1}},
    {"check": "data.sufficiency", "by": ["sex", "race"], "limit": {"min": 30}},
    {"check": "data.representation", "by": ["sex"], "limit": {"min": 0.8},
     "population": {"sex": {"f": 0.5, "m": 0.5}}},
    {"check": "fairness.demographic_parity_ratio", "by": ["sex"], "limit": {"min": 0.8}},
]
policy = {
    "aipm": 1, "name": "memory", "context": {"purpose": "x", "owner": "a@example.org"},
    "subject": {
        "task": "binary", "data": path.name, "label": "y", "positive": 1, "scores": "s",
        "decision": {"threshold": 0.5}, "protected": {"sex": "sex", "race": "race"},
    },
    "checks": checks,
}
tracemalloc.start()
record = pytest_aipm.audit(policy, root=path.parent)
arrow = pa.default_memory_pool().max_memory()
wrong = [each.reason for each in record.findings if each.verdict == "error"]
assert not wrong, wrong
print(record.audits[0].subject.data.rows, tracemalloc.get_traced_memory()[1], arrow)
"""


def written(folder: Path, rows: int) -> Path:
    path = folder / f"{rows}.parquet"
    rng = np.random.default_rng(3)
    kinds = {"sex": pa.string(), "race": pa.string(), "y": pa.int64(), "s": pa.float64()}
    schema = pa.schema(list(kinds.items()))
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 100_000):
            n = min(100_000, rows - start)
            table = pa.table(
                {
                    "sex": rng.choice(np.array(["f", "m"]), n),
                    "race": rng.choice(np.array(["A", "B", "C"]), n),
                    "y": rng.integers(0, 2, n),
                    # few distinct values, so that the first rows show all; see ScoreBag else
                    "s": rng.integers(0, 1001, n) / 1000,
                },
                schema=schema,
            )
            writer.write_table(table)
    return path


def peak(path: Path, audit: str = AUDIT) -> tuple[int, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", audit, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows, python, arrow = map(int, done.stdout.split())
    return rows, python, arrow


def test_four_times_the_rows_need_the_same_memory(tmp_path: Path) -> None:
    few, many = (peak(written(tmp_path, rows)) for rows in (800_000, 3_200_000))
    assert (few[0], many[0]) == (800_000, 3_200_000)
    # the scores that are more alone are nineteen million bytes
    for small, large in zip(few[1:], many[1:], strict=True):
        assert large < 1.5 * small + 2e6  # a batch more or less may wait for its turn


def test_ten_times_the_rows_need_the_same_memory_for_all_tallies(tmp_path: Path) -> None:
    few, many = (peak(written(tmp_path, rows), DATA) for rows in (50_000, 500_000))
    assert (few[0], many[0]) == (50_000, 500_000)
    # a column of the numbers that are more is nearly four million bytes, and there are four
    for small, large in zip(few[1:], many[1:], strict=True):
        assert large < 1.5 * small + 3e6
