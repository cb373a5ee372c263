"""The same audit in this process and on a local Spark of two cores; the findings are compared."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import rate_policy
from pytest_aipm import audit
from pytest_aipm.engine.spark import session_of


def measure(path: str) -> dict[str, Any]:
    """Return the wall time of both, Spark's first audit and a later one, and what differs.

    Parameters
    ----------
    path : str
        A Parquet file.
    """
    policy = rate_policy()
    audit(policy, data=path)
    local, record = timed(lambda: audit(policy, data=path), 2)
    starting, session = timed(lambda: session_of("local[2]"))
    first, _ = timed(lambda: audit(policy, data=path, spark=session))
    later, other = timed(lambda: audit(policy, data=path, spark=session), 2)
    session.stop()
    pairs = zip(record.findings, other.findings, strict=True)
    differ = [one.id for one, two in pairs if one.model_dump() != two.model_dump()]
    return {
        "local": local["wall"],
        "starting": starting["wall"],
        "first": first["wall"],
        "later": later["wall"],
        "findings": len(record.findings),
        "differ": differ,
    }


if __name__ == "__main__":
    answer(measure)
