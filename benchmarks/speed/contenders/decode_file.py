"""pyarrow decodes the needed columns of a Parquet file, and does nothing with them."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from benchmarks.speed.people import LEVELS
from benchmarks.speed.spent import answer, timed

NEEDED = [*LEVELS, "label", "predicted"]


def decoded(path: str) -> int:
    """Decode the columns with all cores, texts as dictionaries; return the rows."""
    file = pq.ParquetFile(path, read_dictionary=list(LEVELS))
    rows: int = file.read(columns=NEEDED, use_threads=True).num_rows
    return rows


def measure(path: str, repeat: int = 5) -> dict[str, Any]:
    """Return what it costs at best, the file being in the cache of the system.

    Parameters
    ----------
    path : str
    repeat : int
        0 decodes once, and counts nothing: for who watches from outside.
    """
    rows = decoded(path)
    return {"rows": rows, "decode": timed(lambda: decoded(path), repeat)[0] if repeat else {}}


if __name__ == "__main__":
    answer(measure)
