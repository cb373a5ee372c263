"""An audit that asks a gradient-boosted model about every row, beside the bare `predict_proba`."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.speed.people import drawn, frame
from benchmarks.speed.spent import answer, timed
from benchmarks.speed.work import rate_policy
from pytest_aipm import audit

FEATURES = [f"x{i}" for i in range(10)]


def table_of(rows: int, seed: int) -> Any:
    """Return rows with ten numbers that tell the label."""
    found = frame(drawn(rows, seed)).drop(columns="predicted")
    rng, pull = np.random.default_rng(seed), 0.3 * found["label"].to_numpy()
    for name in FEATURES:
        found[name] = rng.standard_normal(rows) + pull
    return found


def measure(rows: int = 1_000_000, trees: int = 100, repeat: int = 5) -> dict[str, Any]:
    """Return what both cost in turns, in a process that has audited before.

    Parameters
    ----------
    rows, trees, repeat : int
    """
    training, table = table_of(20_000, 1), table_of(rows, 2)
    model = HistGradientBoostingClassifier(max_iter=trees, early_stopping=False, random_state=0)
    model.fit(training[FEATURES], training["label"])
    policy = rate_policy(features=FEATURES, decision={"threshold": 0.4})
    first, _ = timed(lambda: audit(policy, model=model, data=training))
    model.predict_proba(training[FEATURES])
    bare, whole, ratios = [], [], {"cpu": [], "wall": []}
    for _ in range(repeat):
        bare.append(timed(lambda: model.predict_proba(table[FEATURES]))[0])
        spent, record = timed(lambda: audit(policy, model=model, data=table))
        assert all(each.interval is not None for each in record.findings)
        whole.append(spent)
        for clock, each in ratios.items():
            each.append(whole[-1][clock] / bare[-1][clock])
    return {
        "bare": {clock: statistics.median(each[clock] for each in bare) for clock in ratios},
        "audit": {clock: statistics.median(each[clock] for each in whole) for clock in ratios},
        "ratios": ratios,
        "first": first,
        "findings": len(record.findings),
    }


if __name__ == "__main__":
    answer(measure)
