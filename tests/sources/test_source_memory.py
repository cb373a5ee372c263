"""Peak memory depends on the batch, not on the rows of the file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PROGRAM = """
import resource, sys
from pathlib import Path
import numpy, pandas, pyarrow.csv, pyarrow.parquet
from pytest_aipm.sources.data import DataSpec, open_data
folder = Path(sys.argv[1])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
for name in ("small", "large"):
    data = open_data(DataSpec(name + sys.argv[2]), root=folder)
    rows = sum(len(batch) for batch in data.batches())
    print(rows, peak())
"""


def save(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False, row_group_size=100_000)
    elif path.suffix == ".feather":
        frame.to_feather(path)
    else:
        frame.to_json(path, orient="records", lines=True)


@pytest.mark.skipif(sys.platform == "win32", reason="the resource module is of Unix")
@pytest.mark.parametrize(
    ("suffix", "rows"),
    [(".csv", 2_000_000), (".parquet", 2_000_000), (".feather", 2_000_000), (".jsonl", 400_000)],
)
def test_eight_times_the_rows_need_no_more_memory(tmp_path, suffix, rows):
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "score": draw.random(rows).round(6),
            "group": draw.choice(np.array(["alpha", "beta", "gamma"]), rows),
        }
    )
    save(frame.iloc[: rows // 8], tmp_path / f"small{suffix}")
    save(frame, tmp_path / f"large{suffix}")
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), suffix],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (small, before), (large, after) = (map(int, line.split()) for line in printed.splitlines())

    assert (small, large) == (rows // 8, rows)
    held = frame.memory_usage(deep=True).sum() / 2**20
    assert after - before < 25, f"{after - before} MiB more; the whole table is {held:.0f} MiB"
