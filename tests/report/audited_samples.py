"""A record of real audits of small data: several classes, a ranking, explanations, privacy."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from report_samples import record_of

import pytest_aipm
from pytest_aipm.demo import lending
from pytest_aipm.records import Audit, Record

PHRASES = {
    "income": "Income is low for the amount asked for",
    "debt": "Existing debt is high",
    "history": "Payments were missed before",
}
CONTEXT = {"purpose": "Shown to those who read reports", "owner": "tests@example.org"}


def _audit(name: str, subject: dict[str, Any], checks: list[dict[str, Any]], **given: Any) -> Audit:
    policy = {"aipm": 1, "name": name, "context": CONTEXT, "subject": subject, "checks": checks}
    return pytest_aipm.audit(policy, **given).audits[0]


def explained() -> Audit:
    """The demo's biased model on fewer rows: what moves it, and what it gives away."""
    few = {"rows": 150}
    checks: list[dict[str, Any]] = [
        {"check": "explain.attribution_share", "by": "race", "limit": {"max": 0.05}, **few},
        {"check": "explain.gap_decomposition", "by": "race", "limit": {"max": 0.02}, **few},
        {"check": "explain.reason_codes", "phrases": PHRASES, **few},
        {"check": "explain.monotone", "helps": ["income"], "harms": ["debt"], **few},
        {"check": "explain.equal_treatment", "by": "race", **few},
        {"check": "explain.attribution_drift", "approved": dict.fromkeys(PHRASES, 1 / 3), **few},
        {"check": "privacy.membership_inference", "limit": {"max_auc": 0.60}},
        {"check": "privacy.membership_by_group", "by": "race"},
        {
            "check": "privacy.k_anonymity",
            "quasi_identifiers": ["sex", "race"],
            "limit": {"max": 0.2},
        },
        {"check": "privacy.train_test_overlap", "limit": {"max": 0.01}},
    ]
    subject = {
        "task": "binary",
        "model": {"factory": "pytest_aipm.demo.lending:biased_model"},
        "data": {"factory": "pytest_aipm.demo.lending:evaluation"},
        "train": {"factory": "pytest_aipm.demo.lending:training"},
        "label": "defaulted",
        "positive": 1,
        "favorable": 0,
        "decision": {"threshold": 0.35, "favorable_when": "below"},
        "protected": {"sex": "sex", "race": "race"},
        "id": "application_id",
    }
    given = {"data": lending.evaluation().head(1500), "train": lending.training().head(1500)}
    return _audit("explained", subject, checks, **given)


def classes() -> Audit:
    """Three classes, of which one group gets the best one less often."""
    source = np.random.default_rng(5)
    n, names = 1200, ("bronze", "silver", "gold")
    sex = np.where(source.random(n) < 0.5, "f", "m")
    label = source.integers(0, 3, n)
    scores = source.random((n, 3)) + np.eye(3)[label] - np.outer(sex == "f", [0.0, 0.0, 0.3])
    shares = np.exp(2 * scores) / np.exp(2 * scores).sum(axis=1, keepdims=True)
    rows = pd.DataFrame({"sex": sex, "tier": np.array(names)[label]})
    rows[list(names)] = shares
    subject = {
        "task": "multiclass",
        "label": "tier",
        "scores": {name: name for name in names},
        "favorable": "gold",
        "protected": {"sex": "sex"},
    }
    checks: list[dict[str, Any]] = [
        {"check": "fairness.demographic_parity_ratio", "by": "sex", "limit": {"min": 0.8}},
        {"check": "fairness.equalized_odds_difference", "by": "sex", "limit": {"max": 0.1}},
        {"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.5}},
    ]
    return _audit("tiers", subject, checks, data=rows)


def ranking() -> Audit:
    """Two hundred queries of five, in which one group stands lower."""
    source = np.random.default_rng(6)
    n = 1000
    sex = np.where(source.random(n) < 0.5, "f", "m")
    wanted = source.integers(0, 2, n)
    score = source.random(n) + 0.5 * wanted - 0.4 * (sex == "f")
    rows = pd.DataFrame({"sex": sex, "wanted": wanted, "score": score, "query": np.arange(n) // 5})
    subject = {
        "task": "ranking",
        "label": "wanted",
        "scores": "score",
        "decision": {"within": "query"},
        "protected": {"sex": "sex"},
    }
    checks: list[dict[str, Any]] = [
        {"check": "fairness.exposure_ratio", "by": "sex", "limit": {"min": 0.8}},
        {"check": "performance.metric", "metric": "ndcg", "limit": {"min": 0.5}},
    ]
    return _audit("search", subject, checks, data=rows)


@cache
def audited_record() -> Record:
    """All three, as one report shows them."""
    return record_of(explained(), classes(), ranking())
