"""holisticai: nine measures of each group against the rest. In an environment of its own."""

from __future__ import annotations

from typing import Any

from holisticai.bias.metrics import classification_bias_metrics

from benchmarks.speed.people import drawn, frame, members
from benchmarks.speed.spent import answer, timed


def estimates(table: Any) -> int:
    """Compare 81 groups with the rest; return how many numbers came of it."""
    found, truth, said = 0, table["label"].to_numpy(), table["predicted"].to_numpy()
    for _, _, within in members(table):
        member = within.to_numpy()
        found += len(classification_bias_metrics(member, ~member, said, truth, metric_type="both"))
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
    spent, count = timed(lambda: estimates(table), repeat)
    return {"point": spent, "numbers": {}, "count": count}


if __name__ == "__main__":
    answer(measure)
