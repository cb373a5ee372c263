"""The area under the ROC curve of each group with an interval, beside a bootstrap of the rows."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.people import save
from benchmarks.speed.words import Target, equal, seconds, table, times

TITLE = "Area under the ROC curve by group"
REPLICATES = 1000
WITHIN = 1e-6
"""Of a group with more than 250,000 distinct scores, 16 significant bits of each are kept."""


def measure(box: Box) -> dict[str, Any]:
    """Return what both cost; that the areas are the same is asserted."""
    size = 5_000 if box.quick else 1_000_000
    rows = box.file(f"people-{size}.npz", lambda path: save(path, size))
    ours = box.run("ours_auc", rows=rows)
    theirs = box.run("sklearn_auc", rows=rows, replicates=2 if box.quick else 5)
    return {
        "rows": size,
        "ours": ours,
        "theirs": theirs,
        "equal": equal(ours["areas"], theirs["areas"], WITHIN),
        "apart": max(abs(ours["areas"][group] - area) for group, area in theirs["areas"].items()),
    }


def targets(found: dict[str, Any]) -> list[Target]:
    """Return no row of the table."""
    del found
    return []


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    ours, theirs = found["ours"]["audit"]["cpu"], found["theirs"]
    point, each = theirs["point"]["cpu"], theirs["replicate"]["cpu"]
    whole = point + REPLICATES * each
    lines = [
        ("scikit-learn, areas alone", seconds(point), times(point / ours)),
        ("scikit-learn, one replicate of a bootstrap", seconds(each), times(each / ours)),
        (
            f"scikit-learn, {REPLICATES:,} replicates, extrapolated",
            seconds(whole),
            times(whole / ours),
        ),
        ("pytest-aipm, a whole audit: areas, intervals, verdict", seconds(ours), "1"),
    ]
    return f"""\
{found["rows"]:,} rows of five groups, scores of 32 bits. The intervals of an audit follow from
the variance of DeLong, DeLong and Clarke-Pearson (1988), without resampling. All {found["equal"]}
areas are the same within {found["apart"]:.1g}: of a group with more than 250,000 distinct scores
an audit keeps 16 significant bits of each, so that memory has an end. CPU time; opening the table
and its hash are part of the audit.

{table(("who", "CPU", "of the audit"), lines)}"""
