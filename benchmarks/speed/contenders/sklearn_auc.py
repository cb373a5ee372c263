"""scikit-learn's area under the ROC curve of every group, and a bootstrap of a few replicates."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.speed.people import drawn, frame
from benchmarks.speed.spent import answer, timed


def areas(table: Any) -> dict[str, float]:
    """Return the area of each group."""
    return {
        group: float(roc_auc_score(rows["label"], rows["score"]))
        for group, rows in table.groupby("race")
    }


def resampled(table: Any, replicates: int) -> None:
    """Draw the rows anew, so many times."""
    rng = np.random.default_rng(0)
    for _ in range(replicates):
        areas(table.take(rng.integers(0, len(table), len(table))))


def measure(rows: str, replicates: int = 5) -> dict[str, Any]:
    """Return what the areas cost, and one replicate of the bootstrap.

    Parameters
    ----------
    rows : str
        File of codes.
    replicates : int
    """
    areas(frame(drawn(2_000, 1), score=True))
    table = frame(rows, score=True)[["race", "label", "score"]]
    point, found = timed(lambda: areas(table), 3)
    drawing, _ = timed(lambda: resampled(table, replicates))
    each = {clock: spent / replicates for clock, spent in drawing.items()}
    return {"point": point, "replicate": each, "areas": found}


if __name__ == "__main__":
    answer(measure)
