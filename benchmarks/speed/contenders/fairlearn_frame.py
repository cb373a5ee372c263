"""fairlearn's MetricFrame, as it is shipped or with its `np.stack` replaced by `np.asarray`."""

from __future__ import annotations

from typing import Any

import numpy as np
from fairlearn import metrics
from fairlearn.metrics import _annotated_metric_function
from sklearn.metrics import accuracy_score, precision_score

from benchmarks.speed.people import METRICS, SETS, drawn, frame, set_name
from benchmarks.speed.spent import answer, timed


class Mended:
    """Numpy, but for the one function that walks over a column value by value."""

    stack = staticmethod(np.asarray)

    def __getattr__(self, name: str) -> Any:
        """Return what numpy has."""
        return getattr(np, name)


def functions() -> dict[str, Any]:
    """Return the six metrics as fairlearn's users name them."""
    known = {"precision": precision_score, "accuracy": accuracy_score}
    return {name: known.get(name) or getattr(metrics, name) for name in METRICS}


def estimates(table: Any, **bootstrap: Any) -> dict[str, float]:
    """Return six metrics of 81 groups, and their differences and ratios."""
    found: dict[str, float] = {}
    for by in SETS:
        asked = metrics.MetricFrame(
            metrics=functions(),
            y_true=table["label"],
            y_pred=table["predicted"],
            sensitive_features=table[list(by)],
            **bootstrap,
        )
        by_group, difference, ratio = asked.by_group, asked.difference(), asked.ratio()
        for metric in METRICS:
            place = f"{metric}/{set_name(by)}"
            for key, value in by_group[metric].items():
                found[f"{place}/{key if isinstance(key, str) else '|'.join(key)}"] = float(value)
            found[f"{place}/difference"] = float(difference[metric])
            found[f"{place}/ratio"] = float(ratio[metric])
        if bootstrap:
            assert len(asked.by_group_ci) == 2
    return found


def measure(
    rows: str, repeat: int = 1, mended: bool = False, replicates: int = 0
) -> dict[str, Any]:
    """Return what point estimates cost, or estimates with so many bootstrap replicates.

    Parameters
    ----------
    rows : str
        File of codes.
    repeat : int
    mended : bool
        Whether `np.stack` is replaced.
    replicates : int
    """
    if mended:
        _annotated_metric_function.np = Mended()
    given = {"n_boot": replicates, "ci_quantiles": [0.05, 0.95], "random_state": 0}
    bootstrap = given if replicates else {}
    estimates(frame(drawn(2_000, 1)))  # what is imported and looked up but once
    table = frame(rows)
    spent, numbers = timed(lambda: estimates(table, **bootstrap), repeat)
    return {"point": spent, "numbers": numbers}


if __name__ == "__main__":
    answer(measure)
