"""Small sibling of the benchmark of the explain family: fixed seeds, the same code."""

from __future__ import annotations

import pytest
from test_benchmarks_paired import load


@pytest.fixture(scope="module")
def explain():
    return load("explain")


LIMITS = {
    # what 120,000 rows say, as the whole benchmark finds it
    "attribution_share": 0.2005,
    "gap_decomposition": 0.1184,
    "importance": 0.0890,
    "direction": 0.0,
    "parsimony": 4.0,
}


def test_a_model_that_has_not_changed_seldom_fails(explain, monkeypatch) -> None:
    monkeypatch.setattr(explain, "_approved", lambda: {"income": 0.5, "debt": 0.5})
    first = {}
    for case in explain.cases():
        first.setdefault(case.check, case)
    asked = [(first[name], limit) for name, limit in LIMITS.items()]
    failed = explain.false_fails(asked, 40, 200, start=50_000)
    # 6 of 40 is the 99th percentile of a true 5 %
    assert max(failed) <= 6


def test_a_share_that_more_than_doubled_is_caught(explain, monkeypatch) -> None:
    monkeypatch.setattr(explain, "_leaning", {0.08: 0.0, 0.18: 0.29}.get)
    monkeypatch.setattr(explain, "_shares", lambda sex: {"sex": sex})
    caught, _, _ = explain.drift_caught(8, 800, start=60_000)
    assert caught == 8
