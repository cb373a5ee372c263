"""CPU seconds of a whole fairness audit once the predictions are there.

Twenty checks on three attributes and their three pairs, 100,000 rows with decisions and scores in
columns, every finding with its interval. Counted is everything but the import of libraries and
the reading of the policy: the pass over the rows, the measurements, the verdicts. The bare pass is
timed in the same run, so that the statistics' own share is a ratio. Nothing is remembered from one
audit to the next: critical values are computed anew, as in a process of its own.

    python benchmarks/fairness_cost.py [--rows 100000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.auditing import Auditor
from pytest_aipm.auditing.plan import complete
from pytest_aipm.auditing.settings import Settings
from pytest_aipm.catalog import Catalog
from pytest_aipm.policy.load import policy_from
from pytest_aipm.stats.multiplicity import _closed, _pairs

RATES = (
    "demographic_parity",
    "equal_opportunity",
    "false_positive_rate",
    "false_negative_rate",
    "predictive_parity",
    "accuracy",
)
BY = ["sex", "race", "age", ["sex", "race"], ["sex", "age"], ["race", "age"]]


def population(rows: int, seed: int) -> pd.DataFrame:
    """Return rows whose decisions treat all groups alike, so that no finding is decided early."""
    rng = np.random.default_rng(seed)
    label = rng.random(rows) < 0.3
    score = np.clip(rng.normal(0.35 + 0.2 * label, 0.15, rows), 0, 1)
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], rows),
            "race": rng.choice(list("ABCDE"), rows, p=[0.60, 0.18, 0.13, 0.06, 0.03]),
            "age": rng.choice(["young", "middle", "senior", "old"], rows, p=[0.3, 0.4, 0.2, 0.1]),
            "label": label.astype(int),
            "score": score.astype(np.float32),
        }
    )


def checks() -> list[dict[str, object]]:
    """Return twenty checks: twelve disparities of rates, equalized odds, metrics by group."""
    found: list[dict[str, object]] = []
    for rate in RATES:
        found.append({"check": f"fairness.{rate}_difference", "limit": {"max": 0.10}})
        found.append({"check": f"fairness.{rate}_ratio", "limit": {"min": 0.80}})
    found.append({"check": "fairness.equalized_odds_difference", "limit": {"max": 0.10}})
    for metric, limit in (
        ("accuracy", {"min": 0.6}),
        ("recall", {"min": 0.3}),
        ("specificity", {"min": 0.6}),
        ("roc_auc", {"min": 0.6}),
        ("brier", {"max": 0.4}),
    ):
        found.append(
            {"check": "performance.metric", "id": metric, "metric": metric, "limit": limit}
        )
    found.append({"check": "fairness.score_gap", "limit": {"max": 0.10}})
    found.append(
        {
            "check": "fairness.group_metric",
            "id": "auc-gap",
            "metric": "roc_auc",
            "compare": "difference",
            "limit": {"max": 0.10},
        }
    )
    return [{**each, "by": BY} for each in found]


def audit(frame: pd.DataFrame) -> tuple[float, float, dict[str, float], dict[str, int]]:
    """Return CPU seconds of the pass, of all findings, per check, and the verdicts."""
    for remembered in (_closed, _pairs):
        remembered.cache_clear()
    policy = policy_from(
        {
            "aipm": 1,
            "name": "cost",
            "context": {"purpose": "benchmark", "owner": "benchmark"},
            "subject": {
                "task": "binary",
                "scores": "score",
                "label": "label",
                "positive": 1,
                "decision": {"threshold": 0.45},
                "protected": {"sex": "sex", "race": "race", "age": "age"},
            },
            "checks": checks(),
        },
        root=Path.cwd(),
        catalog=Catalog(),
        given={"data": None},
        path="cost.aipm.yaml",
    )
    here = Path.cwd()
    settings = Settings(root=here, policies=(), report=here, baseline=here / "none.json")
    plan = complete(settings, [policy], Catalog(), compares=False)
    auditor = Auditor(plan, policy, objects={"data": frame})
    start = time.process_time()
    assert auditor.evidence.tally.n == len(frame)
    passed = time.process_time() - start
    per_check: dict[str, float] = {}
    verdicts: dict[str, int] = {}
    for node in policy.nodes():
        begun = time.process_time()
        finding = auditor.finding(node)
        assert finding.interval is not None, finding.reason
        spent = time.process_time() - begun
        per_check[node.check_id] = per_check.get(node.check_id, 0.0) + spent
        verdicts[finding.verdict.value] = verdicts.get(finding.verdict.value, 0) + 1
    return passed, sum(per_check.values()), per_check, verdicts


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    frame = population(asked.rows, seed=0)
    runs = [audit(frame) for _ in range(asked.repeat)]
    passed, findings, per_check, verdicts = min(runs, key=lambda run: run[0] + run[1])
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"{asked.rows:,} rows, best of {asked.repeat}"
    )
    print("\n| part | CPU s | share |\n|---|---|---|")
    whole = passed + findings
    print(f"| pass over the rows | {passed:.3f} | {passed / whole:.0%} |")
    for name, spent in sorted(per_check.items(), key=lambda each: -each[1]):
        print(f"| {name} | {spent:.3f} | {spent / whole:.0%} |")
    print(f"| all | {whole:.3f} | 100 % |")
    print(f"\n{sum(verdicts.values())} findings: {verdicts}")


if __name__ == "__main__":
    main()
