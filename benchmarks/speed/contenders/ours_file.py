"""pytest-aipm on a Parquet file, end to end: opened, hashed, decoded, counted, estimated."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import opened, point_estimates, rate_policy
from pytest_aipm import audit


def measure(path: str, repeat: int = 5, whole: int = 0) -> dict[str, Any]:
    """Return what point estimates cost at best, and a whole audit.

    Parameters
    ----------
    path : str
    repeat : int
        0 estimates once, and counts nothing: for who watches from outside.
    whole : int
        So many audits of 72 findings, too.
    """
    numbers = point_estimates(opened(path))
    found: dict[str, Any] = {"numbers": numbers}
    if repeat:
        found["point"], _ = timed(lambda: point_estimates(opened(path)), repeat)
    if whole:
        policy = rate_policy()
        found["audit"], record = timed(lambda: audit(policy, data=path), whole)
        found["findings"] = len(record.findings)
    return found


if __name__ == "__main__":
    answer(measure)
