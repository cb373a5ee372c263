"""Intervals for all numbers beside the bootstrap of fairlearn's MetricFrame."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.people import save
from benchmarks.speed.words import Target, seconds, table, times

TITLE = "Intervals"
REPLICATES = 1000


def measure(box: Box) -> dict[str, Any]:
    """Return what a few replicates cost, and a whole audit."""
    size, few = (2_000, 1) if box.quick else (10_000, 10)
    rows = box.file(f"people-{size}.npz", lambda path: save(path, size))
    ours = box.run("ours_frame", rows=rows, repeat=2 if box.quick else 7)
    found = {"rows": size, "few": few, "ours": ours["audit"], "intervals": ours["intervals"]}
    for name, mended in (("shipped", False), ("mended", True)):
        point = box.run("fairlearn_frame", rows=rows, mended=mended)["point"]["cpu"]
        given = {"rows": rows, "mended": mended, "replicates": few}
        drawn = box.run("fairlearn_frame", **given)["point"]["cpu"]
        found[name] = {"point": point, "replicate": (drawn - point) / few}
    return found


def targets(found: dict[str, Any]) -> list[Target]:
    """Return no row: the table's row on intervals is measured beside the point estimates."""
    del found
    return []


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    ours, lines = found["ours"]["cpu"], []
    names = {"shipped": "fairlearn", "mended": "fairlearn, np.stack replaced"}
    for key, name in names.items():
        one = found[key]
        whole = one["point"] + REPLICATES * one["replicate"]
        lines.append(
            (
                name,
                seconds(one["point"]),
                seconds(one["replicate"]),
                seconds(whole),
                times(whole / ours),
            )
        )
    lines.append(("pytest-aipm, a whole audit", "", "", seconds(ours), "1"))
    head = (
        "who",
        "points alone",
        "one replicate more",
        f"{REPLICATES:,} replicates",
        "of the audit",
    )
    return f"""\
The same sets and metrics on {found["rows"]:,} rows. fairlearn's intervals are a bootstrap of the
rows; {found["few"]} replicates are measured, {REPLICATES:,} are extrapolated from them in a
straight line. An audit has {found["intervals"]:,} intervals, those of groups, differences and
ratios, from the counts and without resampling, and its verdicts. CPU time.

{table(head, lines)}"""
