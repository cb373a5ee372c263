"""Audits of policies with more and more checks on the same rows."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.speed.people import drawn, frame
from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import RATE_CHECKS, content_of
from pytest_aipm import audit

SCOPES = (
    ["sex"],
    ["race"],
    ["age"],
    ["region"],
    ["sex", "race"],
    ["sex", "age"],
    ["sex", "region"],
    ["race", "age"],
    ["race", "region"],
    ["age", "region"],
)
LIMITS = {"accuracy": 0.6, "recall": 0.3, "specificity": 0.6, "roc_auc": 0.6}


def kinds() -> list[dict[str, Any]]:
    """Return twenty kinds of checks: disparities of rates, odds, metrics by group, scores."""
    found: list[dict[str, Any]] = []
    for name in RATE_CHECKS:
        found.append({"check": f"fairness.{name}_difference", "limit": {"max": 0.10}})
        found.append({"check": f"fairness.{name}_ratio", "limit": {"min": 0.80}})
    found.append({"check": "fairness.equalized_odds_difference", "limit": {"max": 0.10}})
    for metric, least in LIMITS.items():
        found.append({"check": "performance.metric", "metric": metric, "limit": {"min": least}})
    found.append({"check": "performance.metric", "metric": "brier", "limit": {"max": 0.4}})
    found.append({"check": "fairness.score_gap", "limit": {"max": 0.10}})
    found.append(
        {
            "check": "fairness.group_metric",
            "metric": "roc_auc",
            "compare": "difference",
            "limit": {"max": 0.10},
        }
    )
    return found


def checks(count: int) -> list[dict[str, Any]]:
    """Return so many checks of one scope each.

    All two hundred are twenty kinds in ten scopes. Fewer are every so many of them, so that kinds
    and scopes are mixed alike: twenty are each kind once, each scope twice.
    """
    every = [
        {**kind, "id": f"c{kind_at}-{scope_at}", "by": [SCOPES[(kind_at + scope_at) % len(SCOPES)]]}
        for scope_at in range(len(SCOPES))
        for kind_at, kind in enumerate(kinds())
    ]
    return every[:count]


def table_of(rows: int, seed: int) -> Any:
    """Return rows with a fourth attribute."""
    found = frame(drawn(rows, seed), score=True).drop(columns="predicted")
    found["region"] = [("North", "East", "South")[place % 3] for place in range(rows)]
    return found


def policy_of(count: int) -> dict[str, Any]:
    """Return a policy of so many checks."""
    content = content_of(checks(count), scores="score", decision={"threshold": 0.45})
    content["subject"]["protected"]["region"] = "region"
    return content


def write(folder: Path, rows: int, count: int) -> None:
    """Write a project with a policy of so many checks and the file of its rows."""
    policy = policy_of(count)
    policy["subject"]["data"] = "rows.parquet"
    (folder / "policies").mkdir(parents=True)
    table_of(rows, 0).to_parquet(folder / "rows.parquet")
    text = json.dumps(policy, indent=1)
    (folder / "policies" / "speed.aipm.yaml").write_text(text, encoding="utf-8")


def measure(
    rows: int = 100_000, counts: tuple[int, ...] = (20, 200), repeat: int = 5, folder: str = ""
) -> dict[str, Any]:
    """Return what the audit of each policy costs at best, and its report.

    Parameters
    ----------
    rows : int
    counts : sequence of int
        Checks of each policy.
    repeat : int
    folder : str
        Where a project is written for each policy.
    """
    table, found = table_of(rows, 0), {}
    for count in counts if folder else ():
        write(Path(folder) / str(count), rows, count)
    audit(policy_of(200), data=table_of(2_000, 1))  # critical values are worked out once
    for count in counts:
        policy = policy_of(count)
        spent, record = timed(lambda policy=policy: audit(policy, data=table), repeat)
        assert len(record.findings) == count
        assert all(each.interval is not None for each in record.findings)
        with tempfile.TemporaryDirectory() as report:
            written, _ = timed(lambda record=record: record.write(Path(report)), 2)
        found[str(count)] = {"audit": spent, "report": written}
    return {"counts": found}


if __name__ == "__main__":
    answer(measure)
