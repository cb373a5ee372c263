"""aequitas: crosstabs of every group, disparities of every set. In an environment of its own."""

from __future__ import annotations

from typing import Any

from aequitas.bias import Bias
from aequitas.group import Group

from benchmarks.speed.people import SETS, drawn, frame, set_name
from benchmarks.speed.spent import answer, timed

COLUMNS = {
    "selection_rate": "pprev",
    "true_positive_rate": "tpr",
    "false_positive_rate": "fpr",
    "false_negative_rate": "fnr",
    "precision": "precision",
    "accuracy": "accuracy",
}


def prepared(table: Any) -> Any:
    """Return the columns that aequitas asks for: pairs of attributes are joined beforehand."""
    found = table.rename(columns={"label": "label_value", "predicted": "score"})
    for by in SETS:
        if len(by) > 1:
            found[set_name(by)] = found[by[0]] + "|" + found[by[1]]
    return found


def estimates(table: Any) -> dict[str, float]:
    """Return six metrics of 81 groups."""
    counted, _ = Group().get_crosstabs(table, attr_cols=[set_name(by) for by in SETS])
    Bias().get_disparity_min_metric(counted, original_df=table)
    places = counted["attribute_name"] + "/" + counted["attribute_value"]
    return {
        f"{metric}/{place}": float(value)
        for metric, column in COLUMNS.items()
        for place, value in zip(places, counted[column], strict=True)
    }


def measure(rows: str, repeat: int = 3) -> dict[str, Any]:
    """Return what it costs at best.

    Parameters
    ----------
    rows : str
        File of codes.
    repeat : int
    """
    estimates(prepared(frame(drawn(2_000, 1))))
    table = prepared(frame(rows))
    spent, numbers = timed(lambda: estimates(table), repeat)
    return {"point": spent, "numbers": numbers}


if __name__ == "__main__":
    answer(measure)
