"""pytest-aipm audits a file or a folder of files in one go: the pass, the findings, the memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.speed.people import drawn, frame
from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import rate_policy
from pytest_aipm import audit
from pytest_aipm.auditing import Auditor, Settings
from pytest_aipm.auditing.plan import complete
from pytest_aipm.catalog import Catalog
from pytest_aipm.policy.load import policy_from


def auditor_of(policy: dict[str, Any], **objects: Any) -> Auditor:
    """Return who audits, as `pytest_aipm.audit` makes it; nothing is opened yet."""
    here, catalog = Path.cwd(), Catalog()
    given = {name: value if isinstance(value, str) else None for name, value in objects.items()}
    read = policy_from(policy, path="policy", root=here, catalog=catalog, given=given)
    settings = Settings(root=here, policies=(), report=here, baseline=here / "none.json")
    held = {name: value for name, value in objects.items() if not isinstance(value, str)}
    return Auditor(complete(settings, [read], catalog), read, objects=held)


def measure(path: str, repeat: int = 1) -> dict[str, Any]:
    """Return what the pass costs, what the findings cost after it, and what was found.

    Parameters
    ----------
    path : str
        A Parquet file, or a folder of them.
    repeat : int
        Audits, of which the cheapest pass counts.
    """
    audit(rate_policy(), data=frame(drawn(2_000, 1)))  # critical values are worked out once
    rounds = []
    for _ in range(repeat):
        auditor = auditor_of(rate_policy(), data=path)
        passed, rows = timed(lambda auditor=auditor: auditor.evidence.tally.n)
        rest, found = timed(
            lambda auditor=auditor: [auditor.finding(n) for n in auditor.policy.nodes()]
        )
        rounds.append({"rows": rows, "pass": passed, "rest": rest, "findings": len(found)})
        assert all(each.interval is not None for each in found)
    return min(rounds, key=lambda one: one["pass"]["cpu"])


if __name__ == "__main__":
    answer(measure)
