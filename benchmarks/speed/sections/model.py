"""An audit that asks a model about every row, beside asking it and nothing else."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.words import Target, seconds, table, times

TITLE = "With a model"
MOST = 1.15


def measure(box: Box) -> dict[str, Any]:
    """Return what both cost, in turns in one process."""
    size, trees = (5_000, 10) if box.quick else (1_000_000, 100)
    repeat = 1 if box.quick else 7
    found = box.run("ours_model", threads=None, rows=size, trees=trees, repeat=repeat)
    return {"rows": size, "trees": trees, **found}


def targets(found: dict[str, Any]) -> list[Target]:
    """Return one row of the table."""
    ratio = statistics.median(found["ratios"]["cpu"])
    return [
        Target(
            f"HistGradientBoosting over {count_of(found)} rows",
            "audit time at most 1.15 x the bare `predict_proba` in the same run",
            f"{times(ratio)} (CPU), {times(statistics.median(found['ratios']['wall']))} (wall)",
            ratio <= MOST,
        )
    ]


def count_of(found: dict[str, Any]) -> str:
    """Return the rows as the table writes them."""
    return f"{found['rows']:,}"


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    names = {"bare": "bare `predict_proba`", "audit": f"an audit of {found['findings']} findings"}
    lines = [
        (name, seconds(found[key]["cpu"]), seconds(found[key]["wall"]))
        for key, name in names.items()
    ]
    ratios = ", ".join(f"{each:.2f}" for each in found["ratios"]["cpu"])
    return f"""\
{found["rows"]:,} rows in a frame, ten features, {found["trees"]} trees, as many threads as cores.
Both in turns in one process that has audited before: imports, critical values and the first audit
are not counted. Median of {len(found["ratios"]["cpu"])} turns; ratios by turn, CPU: {ratios}.

{table(("what", "CPU", "wall"), lines)}"""
