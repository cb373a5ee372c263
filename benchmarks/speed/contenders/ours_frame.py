"""pytest-aipm on a pandas frame: point estimates, opening the table, and a whole audit."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.speed.people import frame
from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import opened, point_estimates, rate_policy
from pytest_aipm import audit


def measure(rows: str, repeat: int = 7) -> dict[str, Any]:
    """Return what each costs at best; the first round is not counted.

    Parameters
    ----------
    rows : str
        File of codes.
    repeat : int
    """
    table, policy = frame(rows), rate_policy()
    source = opened(table)
    point_estimates(source)
    audit(policy, data=table)
    opening, _ = timed(lambda: opened(table), repeat)
    # a source may keep what it decoded: each round gets one of its own
    rounds = [timed(partial(point_estimates, opened(table))) for _ in range(repeat)]
    point = min((spent for spent, _ in rounds), key=lambda spent: spent["cpu"])
    both, _ = timed(lambda: point_estimates(opened(table)), repeat)
    whole, record = timed(lambda: audit(policy, data=table), repeat)
    return {
        "point": point,
        "opening": opening,
        "both": both,
        "audit": whole,
        "numbers": rounds[0][1],
        "findings": len(record.findings),
        "intervals": sum(
            (each.interval is not None) + sum(group.interval is not None for group in each.groups)
            for each in record.findings
        ),
    }


if __name__ == "__main__":
    answer(measure)
