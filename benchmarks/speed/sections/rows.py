"""Audits of more and more rows in files: time by row, and memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.speed.box import Box, free_bytes
from benchmarks.speed.people import write_parquet
from benchmarks.speed.words import Target, bytes_, count, seconds, table

TITLE = "Rows and memory"
MOST_BYTES = 1_500_000_000
FROM, SLACK = 10_000_000, 0.20
EACH = 10
"""Bytes of a row on disk, with room to spare."""


def measure(box: Box) -> dict[str, Any]:
    """Return what audits of single files and of folders cost."""
    part, folders = (10_000, (1, 2)) if box.quick else (10_000_000, (1, 2, 5, 10))
    singles = (1_000, 5_000) if box.quick else (10_000, 100_000, 1_000_000)
    wanted = part * max(folders) * EACH
    if free_bytes(box.temporary) < 2 * wanted:
        return {"missing": f"{bytes_(2 * wanted)} of disk are not free"}
    found = []
    for size in singles:
        path = box.file(f"people-{size}.parquet", lambda path, size=size: write_parquet(path, size))
        found.append(box.run("ours_rows", path=path, repeat=3))
        path.unlink()
        del box.made[path.name]
    for many in folders:
        folder = box.temporary / f"of-{many}"
        folder.mkdir()
        for place in range(many):
            (folder / f"part-{place:02}.parquet").hardlink_to(_part(box, part, place))
        found.append({**box.run("ours_rows", path=folder, repeat=3), "files": many})
    return {"audits": found, "from": part}


def _part(box: Box, rows: int, place: int) -> Path:
    def write(path: Path) -> None:
        write_parquet(path, rows, seed=1000 * place)

    return box.file(f"part-{place:02}.parquet", write)


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    target = "completes, peak memory at most 1.5 GB, time linear in rows (within 20 %)"
    if "missing" in found:
        return [Target("100 M rows in 10 files, model-free", target, found["missing"], None)]
    large = [one for one in found["audits"] if one["rows"] >= found["from"]]
    each = [one["pass"]["cpu"] / one["rows"] for one in large]
    peak, off = large[-1]["peak"], max(abs(one / each[0] - 1) for one in each)
    return [
        Target(
            f"{count(large[-1]['rows'])} rows in {large[-1]['files']} files, model-free",
            target,
            f"{large[-1]['findings']} findings, {bytes_(peak)}; time by row at most "
            f"{100 * off:.0f} % from that of {count(large[0]['rows'])}",
            peak <= MOST_BYTES and off <= SLACK,
        )
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    if "missing" in found:
        return f"Not measured: {found['missing']}."
    lines = [
        (
            f"{one['rows']:,}",
            one.get("files", 1),
            seconds(one["pass"]["cpu"]),
            f"{1e9 * one['pass']['cpu'] / one['rows']:.0f} ns",
            seconds(one["pass"]["wall"]),
            seconds(one["rest"]["cpu"]),
            bytes_(one["peak"]),
        )
        for one in found["audits"]
    ]
    head = ("rows", "files", "pass, CPU", "by row", "pass, wall", "findings, CPU", "peak memory")
    return f"""\
The policy of 72 findings on Parquet files and folders of them, each audit in a process of its
own; decisions are a column. The pass opens, hashes, decodes and counts; findings follow from the
counts, whatever the number of rows. Memory is the most that the process ever held, libraries
included.

{table(head, lines)}"""
