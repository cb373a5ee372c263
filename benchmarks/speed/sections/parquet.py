"""A Parquet file of ten million rows, end to end, beside decoding the needed columns."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.people import write_parquet
from benchmarks.speed.words import Target, bytes_, count, seconds, table, times

TITLE = "From Parquet"
MOST = 3.0


def measure(box: Box) -> dict[str, Any]:
    """Return what both cost in turns, in warm processes and in fresh ones."""
    size, turns = (20_000, 1) if box.quick else (10_000_000, 3)
    path = box.file(f"people-{size}.parquet", lambda path: write_parquet(path, size))
    bare, ours = [], []
    for _ in range(turns):
        bare.append(box.run("decode_file", path=path, repeat=3))
        ours.append(box.run("ours_file", path=path, repeat=3, whole=1))
    cold = {name: box.watch(name, path=path, repeat=0) for name in ("decode_file", "ours_file")}
    return {
        "rows": size,
        "bytes": path.stat().st_size,
        "decode": min((one["decode"] for one in bare), key=_cpu),
        "point": min((one["point"] for one in ours), key=_cpu),
        "audit": min((one["audit"] for one in ours), key=_cpu),
        "peak": max(one["peak"] for one in ours),
        "decode peak": max(one["peak"] for one in bare),
        "cold": {name: {"cpu": one.cpu, "wall": one.wall} for name, one in cold.items()},
    }


def _cpu(spent: dict[str, float]) -> float:
    return spent["cpu"]


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    ratio = found["point"]["cpu"] / found["decode"]["cpu"]
    return [
        Target(
            f"{count(found['rows'])}-row Parquet, same work, end to end",
            "at most 3 x the time of decoding the needed columns in the same run",
            times(ratio),
            ratio <= MOST,
        )
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    cold, base = found["cold"], found["decode"]["cpu"]
    lines = [
        ("pyarrow decodes the needed columns", found["decode"], found["decode peak"]),
        ("pytest-aipm: the numbers of 81 groups, end to end", found["point"], found["peak"]),
        ("pytest-aipm: a whole audit of 72 findings", found["audit"], found["peak"]),
        ("fresh process, imports counted: decoding", cold["decode_file"], None),
        ("fresh process, imports counted: the numbers", cold["ours_file"], None),
    ]
    shown = [
        (
            what,
            seconds(spent["cpu"]),
            times(spent["cpu"] / base),
            seconds(spent["wall"]),
            "" if peak is None else bytes_(peak),
        )
        for what, spent, peak in lines
    ]
    return f"""\
{found["rows"]:,} rows, {bytes_(found["bytes"])}, text in dictionaries, a million rows a row
group; five of six columns are needed. End to end is: the file is opened and hashed, decoded,
counted, every number computed. Both are measured in warm processes, imports apart, in turns, the
cheapest round of each; the last two lines are whole processes from their start. The file is in
the system's cache.

{table(("what", "CPU", "of decoding", "wall", "peak memory"), shown)}"""
