"""One real Spark for all tests of a process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spark_cases import people

from pytest_aipm.engine.spark import session_of


@pytest.fixture(scope="session")
def session() -> Any:
    pytest.importorskip(
        "pyspark", reason="pyspark is half a gigabyte; the job `spark` of ci.yml installs it"
    )
    if shutil.which("java") is None and "CI" not in os.environ:
        pytest.skip("no Java: Spark needs version 17 or newer")
    # seconds of a small Spark go into compiling itself
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--driver-java-options '{quick}' pyspark-shell"
    started = session_of("local[2]")
    started.conf.set("spark.sql.shuffle.partitions", "2")
    yield started
    started.stop()
    del os.environ["PYSPARK_SUBMIT_ARGS"]


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """3,000 rows with gaps in what gaps change: whole numbers, truth values, texts."""
    rng = np.random.default_rng(3)
    n = 3_000
    income = rng.normal(50, 15, n)
    sex = rng.choice(["F", "M"], n)
    y = (income + rng.normal(0, 10, n) > 50).astype(int)
    return pd.DataFrame(
        {
            "income": income,
            "age": pd.array(np.where(rng.random(n) < 0.01, None, rng.integers(18, 80, n)), "Int64"),
            "sex": np.where(rng.random(n) < 0.02, None, sex),
            "race": rng.choice(["A", "B", "C"], n),
            "y": y,
            "p": (income + rng.normal(0, 10, n) > 50 + 9 * (sex == "F")).astype(int),
            "s": 1 / (1 + np.exp(-(income - 50) / 10)),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D"),
        }
    )


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def spread(root: Path, session: Any) -> Any:
    """The same rows as a table of 14 parts, some empty, some of one row, in their order."""
    whole = session.createDataFrame(pq.read_table(root / "all.parquet"))
    cut = whole.repartitionByRange(14, "id").sortWithinPartitions("id")
    empty = cut.where("id >= 160 or id < 10 or id = 70")
    kept = pd.read_parquet(root / "all.parquet").query("id >= 160 or id < 10 or id == 70")
    kept.to_parquet(root / "kept.parquet", index=False)
    empty.createOrReplaceTempView("spread")
    return empty
