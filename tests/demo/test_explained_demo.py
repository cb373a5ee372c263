"""What the explain family says of the demo's models, in words that a loan officer understands."""

from __future__ import annotations

from functools import cache

import pytest

import pytest_aipm
from pytest_aipm.records import Finding

PHRASES = {
    "income": "Income is low for the amount asked for",
    "debt": "Existing debt is high",
    "history": "Payments were missed before",
}
CHECKS = [
    {"check": "explain.protected_flip", "id": "flip", "by": "race", "limit": {"max": 0.01}},
    {"check": "explain.gap_decomposition", "id": "gap", "by": "race", "limit": {"max": 0.02}},
    {"check": "explain.reason_codes", "id": "reasons", "phrases": PHRASES, "rows": 300},
    {
        "check": "explain.monotone",
        "id": "sense",
        "helps": ["income"],
        "harms": ["debt"],
        "rows": 300,
    },
]


@cache
def findings(model: str) -> dict[str, Finding]:
    policy = {
        "aipm": 1,
        "name": "lending",
        "context": {"purpose": "explain the demo", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "model": {"factory": f"pytest_aipm.demo.lending:{model}"},
            "data": {"factory": "pytest_aipm.demo.lending:evaluation"},
            "label": "defaulted",
            "positive": 1,
            "favorable": 0,
            "decision": {"threshold": 0.35, "favorable_when": "below"},
            "protected": {"sex": "sex", "race": "race"},
            "id": "application_id",
        },
        "checks": CHECKS,
    }
    return {each.check_id: each for each in pytest_aipm.audit(policy).findings}


@pytest.mark.parametrize("name", ["flip", "gap", "reasons", "sense"])
def test_the_fair_model_passes(name) -> None:
    assert findings("fair_model")[name].verdict == "pass"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("flip", "decisions change when only race is replaced"),
        ("gap", "race alone raises the probability of defaulted = 1 by 0.2"),
        ("gap", "on average for Birch against"),
        ("reasons", "adverse decisions have reasons that a person may be told"),
        ("reasons", "a main reason is race, which no one may be refused for"),
    ],
)
def test_the_biased_model_fails_in_plain_words(name, said) -> None:
    found = findings("biased_model")[name]
    assert found.verdict == "fail"
    assert said in found.reason


def test_what_people_are_told_is_drawn_in_their_words() -> None:
    (table,) = findings("biased_model")["reasons"].series
    assert set(table.x) == {*PHRASES.values(), "race (protected)"}
    (steps,) = findings("biased_model")["gap"].series
    assert steps.x[0] == "race"
    assert steps.x[-1] == "gap in all"
    assert sum(steps.y[:-1]) == pytest.approx(steps.y[-1], abs=1e-6)
