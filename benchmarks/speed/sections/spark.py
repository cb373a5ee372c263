"""The same audit on a local Spark."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from benchmarks.speed.box import Box, java_version
from benchmarks.speed.people import write_parquet
from benchmarks.speed.words import Target, count, missed, seconds, table, times

TITLE = "On Spark"


def measure(box: Box) -> dict[str, Any]:
    """Return the wall time of both, and whether the findings are the same."""
    java = java_version()
    if find_spec("pyspark") is None:
        return {"missing": "pyspark is not installed (`pip install 'pytest-aipm[spark]'`)"}
    if java is None:
        return {"missing": "no Java, version 17 or newer"}
    from importlib.metadata import version  # noqa: PLC0415 - there, as was just seen

    size = 20_000 if box.quick else 10_000_000
    path = box.file(f"people-{size}.parquet", lambda path: write_parquet(path, size))
    found = box.run("ours_spark", path=path)
    return {"rows": size, "spark": version("pyspark"), "java": java, **found}


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    work, target = "Spark `local[2]`, 10 M rows", "equal findings; time beside local"
    if "missing" in found:
        return [Target(work, target, missed(found), None)]
    same = found["findings"] - len(found["differ"])
    said = (
        f"{same} of {found['findings']} findings equal; {seconds(found['later'])} beside "
        f"{seconds(found['local'])} (wall)"
    )
    return [
        Target(f"Spark `local[2]`, {count(found['rows'])} rows", target, said, not found["differ"])
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    if "missing" in found:
        return f"Not measured: {found['missing']}."
    lines = [
        ("in this process", found["local"]),
        ("starting Spark", found["starting"]),
        ("the first audit on Spark, workers starting", found["first"]),
        ("a later audit on Spark", found["later"]),
    ]
    shown = [(what, seconds(wall), times(wall / found["local"])) for what, wall in lines]
    return f"""\
{found["rows"]:,} rows of one Parquet file, {found["findings"]} findings, compared field by field:
values, intervals, counts, verdicts. pyspark {found["spark"]}, Java {found["java"]}, two cores.
Wall time, since the work is done by other processes. On one machine Spark has nothing to win but
its own start to lose; it is for rows that lie elsewhere.

{table(("where", "wall", "of this process"), shown)}"""
