"""Which numbers go with a small group in an audit of rows, and which stay."""

from __future__ import annotations

import numpy as np
import pandas as pd

import pytest_aipm
from pytest_aipm.report import publishable


def test_what_cannot_be_hidden_takes_nothing_else_along() -> None:
    """Nobody of two people is positive: their true positives are none, whatever is withheld."""
    n = 3000
    frame = pd.DataFrame({"sex": np.tile(["f", "m"], n // 2), "race": np.arange(n) % 3})
    frame["race"] = frame["race"].map({0: "a", 1: "b", 2: "c"})
    frame["pred"] = (np.arange(n) % 7 < 4).astype(int)
    frame["y"] = (np.arange(n) % 5 < 3).astype(int)
    frame.loc[[0, 1], ["race", "y"]] = ["d", 0]
    frame.loc[[0, 1], "pred"] = [0, 1]
    policy = {
        "aipm": 1,
        "name": "credit",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "predictions": "pred",
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex", "race": "race"},
        },
        "checks": [
            {"check": "fairness.demographic_parity_ratio", "id": "rate", "limit": {"min": 0.5}},
            {"check": "fairness.equalized_odds_difference", "id": "odds", "limit": {"max": 0.5}},
        ],
    }
    shown = publishable(pytest_aipm.audit(policy, data=frame)).findings
    assert {each.id for each in shown if each.value is None} <= {
        "credit::rate::race",
        "credit::odds::race",
    }
    small = [g for each in shown for g in each.groups if g.group == {"race": "d"}]
    assert small
    assert all(g.value is None and g.numerator is None for g in small)
