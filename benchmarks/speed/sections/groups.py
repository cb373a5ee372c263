"""Audits of rows in 2 to 10,000 observed intersection cells."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.words import Target, bytes_, count, seconds, table, times

TITLE = "Groups"
MOST = 5.0


def measure(box: Box) -> dict[str, Any]:
    """Return what audits of more and more cells cost."""
    size = 20_000 if box.quick else 1_000_000
    levels = ((10, 10), (20, 20)) if box.quick else ((1, 2), (2, 5), (10, 10), (25, 40), (100, 100))
    audits = []
    for each in levels:
        repeat = 1 if box.quick or each[0] > 50 else 5
        audits.append(box.run("ours_cells", rows=size, levels=list(each), repeat=repeat))
    return {"rows": size, "audits": audits}


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    some = {one["cells"]: one for one in found["audits"]}
    most = max(some)
    ratio, whole = (some[most][of]["cpu"] / some[100][of]["cpu"] for of in ("counted", "audit"))
    return [
        Target(
            f"{most:,} observed intersection cells, {count(found['rows'])} rows: counts, rates, "
            "and twelve disparities with their intervals",
            "at most 5 x the 100-cell time",
            f"{times(ratio)} (with {12 * most:,} records of a cell, a warm audit: {times(whole)})",
            ratio <= MOST,
        )
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    base = next(one for one in found["audits"] if one["cells"] == 100)
    lines = [
        (
            f"{one['cells']:,}",
            seconds(one["counted"]["cpu"]),
            times(one["counted"]["cpu"] / base["counted"]["cpu"]),
            seconds(one["audit"]["cpu"]),
            times(one["audit"]["cpu"] / base["audit"]["cpu"]),
            seconds(one["first"]["cpu"]),
            bytes_(one["peak"]),
        )
        for one in found["audits"]
    ]
    head = (
        "cells",
        "counts and disparities, CPU",
        "of that of 100",
        "audit, CPU",
        "of that of 100",
        "the first audit, CPU",
        "peak memory",
    )
    return f"""\
{found["rows"]:,} rows in a frame, two attributes as text that meet in so many cells, twelve
checks: the difference and the ratio of six rates between the cells, with intervals and verdicts.
The first columns are the pass, the rates of all cells and the twelve disparities with both ends.
An audit also writes down and hashes a record of every cell for each check, and says of each open
finding what these rows could have shown and how many would decide it: the more cells, the more of
the twelve are open. Warm process; the first audit of its kind works critical values out.

{table(head, lines)}"""
