"""Audits of policies with 1 to 200 checks."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.words import Target, count, seconds, table, times

TITLE = "Checks"
MOST = 2.0


def measure(box: Box) -> dict[str, Any]:
    """Return what audits of more and more checks cost."""
    size, repeat = (2_000, 1) if box.quick else (100_000, 7)
    counts = [20, 200] if box.quick else [1, 20, 50, 100, 200]
    folder = box.temporary / "checks"
    found = box.run("ours_checks", rows=size, counts=counts, repeat=repeat, folder=folder)
    for turn in range(2 if box.quick else 6):
        for many, one in found["counts"].items():
            ended = box.pytest(folder / many, "--aipm-audit", "-q")
            if turn:  # the first round fills caches of files and of compiled modules
                one.setdefault("run", []).append(ended.cpu)
    return {"rows": size, **found}


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    few, many = (median(found["counts"][key]["run"]) for key in ("20", "200"))
    return [
        Target(
            f"policy of 200 checks on {count(found['rows'])} rows, `pytest --aipm-audit`",
            "at most 2 x the time of 20 checks",
            f"{times(many / few)} ({seconds(many)} against {seconds(few)})",
            many / few <= MOST,
        )
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    run, base = (
        median(found["counts"]["20"]["run"]),
        found["counts"]["20"]["audit"]["cpu"],
    )
    lines = [
        (
            many,
            seconds(median(one["run"])),
            times(median(one["run"]) / run),
            seconds(one["audit"]["cpu"]),
            times(one["audit"]["cpu"] / base),
            seconds(one["report"]["cpu"]),
        )
        for many, one in found["counts"].items()
    ]
    head = (
        "checks",
        "`pytest --aipm-audit`, CPU",
        "of that of 20",
        "the audit alone, warm",
        "of that of 20",
        "the report alone, warm",
    )
    return f"""\
{found["rows"]:,} rows with scores, in a Parquet file for whole runs and in a frame for the warm
ones. Two hundred checks are twenty kinds (differences and ratios of six rates, equalized odds,
five metrics by group, two disparities of scores), each in ten scopes of four attributes; fewer are
mixed alike. Every finding has an interval and a verdict. A run is what a build pays: a new
interpreter, every import, the pass, all findings and the report; median of
{len(found["counts"]["20"]["run"])}.

{table(head, lines)}"""
