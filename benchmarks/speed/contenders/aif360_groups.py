"""AIF360: each group against the rest, as it compares two. In an environment of its own."""

from __future__ import annotations

from typing import Any

from aif360.datasets import BinaryLabelDataset
from aif360.metrics import ClassificationMetric

from benchmarks.speed.people import drawn, frame, members, set_name
from benchmarks.speed.spent import answer, timed

MEMBER, REST = [{"member": 1.0}], [{"member": 0.0}]
OF = {
    "selection_rate": ClassificationMetric.selection_rate,
    "true_positive_rate": ClassificationMetric.true_positive_rate,
    "false_positive_rate": ClassificationMetric.false_positive_rate,
    "false_negative_rate": ClassificationMetric.false_negative_rate,
    "precision": ClassificationMetric.precision,
    "accuracy": ClassificationMetric.accuracy,
}


def estimates(table: Any) -> dict[str, float]:
    """Return six metrics of 81 groups."""
    found: dict[str, float] = {}
    for by, group, within in members(table):
        rows = table[["label", "predicted"]].assign(member=within.astype(float))
        truth = BinaryLabelDataset(
            df=rows[["label", "member"]],
            label_names=["label"],
            protected_attribute_names=["member"],
        )
        said = truth.copy()
        said.labels = rows[["predicted"]].to_numpy(float)
        metric = ClassificationMetric(truth, said, REST, MEMBER)
        for name, function in OF.items():
            value = function(metric, privileged=True)
            found[f"{name}/{set_name(by)}/{group}"] = float(value)
    return found


def measure(rows: str, repeat: int = 1) -> dict[str, Any]:
    """Return what it costs at best.

    Parameters
    ----------
    rows : str
        File of codes.
    repeat : int
    """
    estimates(frame(drawn(2_000, 1)))
    table = frame(rows)
    spent, numbers = timed(lambda: estimates(table), repeat)
    return {"point": spent, "numbers": numbers}


if __name__ == "__main__":
    answer(measure)
