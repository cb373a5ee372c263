"""One real Spark for all tests of a process."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np
import pandas as pd
import pytest

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
