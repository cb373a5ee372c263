"""Audits of policies with 1 to 200 checks."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.words import Target, count, seconds, table, times

TITLE = "Checks"
MOST = 2.0


def measure(box: Box) -> dict[str, Any]:
    """Return what audits of more and more checks cost."""
    size, repeat = (2_000, 1) if box.quick else (100_000, 7)
    counts = [20, 200] if box.quick else [1, 20, 50, 100, 200]
    found = box.run("ours_checks", rows=size, counts=counts, repeat=repeat)
    return {"rows": size, **found}


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    few, many = (found["counts"][key]["audit"]["cpu"] for key in ("20", "200"))
    return [
        Target(
            f"policy of 200 checks on {count(found['rows'])} rows",
            "at most 2 x the time of 20 checks",
            f"{times(many / few)} ({seconds(many)} against {seconds(few)})",
            many / few <= MOST,
        )
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    base = found["counts"]["20"]["audit"]["cpu"]
    lines = [
        (
            many,
            seconds(one["audit"]["cpu"]),
            times(one["audit"]["cpu"] / base),
            seconds(one["report"]["cpu"]),
        )
        for many, one in found["counts"].items()
    ]
    head = ("checks", "audit, CPU", "of that of 20", "writing the report, CPU")
    return f"""\
{found["rows"]:,} rows in a frame with scores. Two hundred checks are twenty kinds (differences
and ratios of six rates, equalized odds, five metrics by group, two disparities of scores), each
in ten scopes of four attributes; fewer are mixed alike. Every finding has an interval and a
verdict. Warm process.

{table(head, lines)}"""
