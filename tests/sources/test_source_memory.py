"""Peak memory depends on the batch, not on the rows of the file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

PROGRAM = """
import re, sys
from pathlib import Path
from pytest_aipm.sources.data import DataSpec, open_data

def peak():
    # Of this program alone; the resource module would count the process that started it, too.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

for name in ("small", "large"):
    data = open_data(DataSpec(name + sys.argv[2]), root=Path(sys.argv[1]))
    print(sum(len(batch) for batch in data.batches(size=8192)), peak())
"""


def save(table: pa.Table, path: Path) -> None:
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path, row_group_size=50_000)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path)
    else:
        essay = table["essay"][0].as_py()
        lines = (f'{{"id": {row}, "essay": "{essay}"}}\n' for row in range(len(table)))
        path.write_text("".join(lines))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    ("suffix", "rows", "width"),
    [
        (".csv", 600_000, 200),
        (".parquet", 600_000, 200),
        (".feather", 600_000, 200),
        (".jsonl", 110_000, 1_000),
    ],
)
def test_four_times_the_rows_need_no_more_memory(tmp_path, suffix, rows, width):
    table = pa.table({"id": np.arange(rows), "essay": np.full(rows, "x" * width)})
    save(table.slice(0, rows // 4), tmp_path / f"small{suffix}")
    save(table, tmp_path / f"large{suffix}")
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), suffix],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (small, before), (large, after) = (map(int, line.split()) for line in printed.splitlines())
    whole = table.nbytes / 2**20

    assert (small, large) == (rows // 4, rows)
    assert after - before < 50, f"{after - before} MiB more; the table is {whole:.0f} MiB"
