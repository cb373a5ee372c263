"""pytest-aipm: the area under the ROC curve of every group with its interval, one audit."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.people import drawn, frame
from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import content_of
from pytest_aipm import audit


def measure(rows: str, repeat: int = 3) -> dict[str, Any]:
    """Return what it costs at best, and the areas with their ends.

    Parameters
    ----------
    rows : str
        File of codes.
    repeat : int
    """
    check = {
        "check": "performance.metric",
        "metric": "roc_auc",
        "by": ["race"],
        "limit": {"min": 0.6},
    }
    policy = content_of([check], scores="score", decision={"threshold": 0.45})
    audit(policy, data=frame(drawn(2_000, 1), score=True))
    table = frame(rows, score=True)
    spent, record = timed(lambda: audit(policy, data=table), repeat)
    (finding,) = record.findings
    return {
        "audit": spent,
        "areas": {each.group["race"]: each.value for each in finding.groups},
        "ends": {each.group["race"]: each.interval for each in finding.groups},
    }


if __name__ == "__main__":
    answer(measure)
