"""The notes of `reason_codes` say how the attributions were found, whichever way that was."""

from __future__ import annotations

import importlib
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from explained_models import audited
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

WIDE = [f"x{i}" for i in range(12)]


def loans(columns: list[str]) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(300, len(columns))), columns=columns)
    odds = frame["x0"] + frame["x1"] * frame["x2"]
    return frame.assign(sex=rng.choice(["f", "m"], 300), y=(odds > 0).astype(int))


def noted(model: Any, columns: list[str], **more: Any) -> str:
    frame = loans(columns)
    model.fit(frame[columns], frame["y"])
    phrases = {name: f"About {name}" for name in columns}
    check = {"check": "explain.reason_codes", "phrases": phrases, "rows": 20, **more}
    (found,) = audited(model, frame, [check], features=columns).findings
    assert found.value is not None, found.reason
    return str(found.notes)


def test_a_linear_margin_is_exact_by_its_columns() -> None:
    said = noted(LogisticRegression(), WIDE, output="margin")
    assert "exact, from what each column changes by itself" in said


def test_a_forest_is_exact_tree_by_tree() -> None:
    said = noted(RandomForestClassifier(5, random_state=0), WIDE)
    assert "exact, tree by tree" in said


def test_few_columns_are_enumerated() -> None:
    said = noted(HistGradientBoostingClassifier(max_iter=5), WIDE[:4])
    assert "exact, by enumeration of all coalitions" in said


def test_other_models_are_sampled_by_coalitions() -> None:
    said = noted(HistGradientBoostingClassifier(max_iter=5), WIDE)
    assert re.search(r"sampled in (2|4|2 to 4) rounds of 44 mixed rows with every", said), said
    assert "walks" not in said


def test_many_columns_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("pytest_aipm.attribution.local")
    monkeypatch.setattr(module, "MOST_REGRESSED", 5)
    said = noted(HistGradientBoostingClassifier(max_iter=5), WIDE)
    assert re.search(r"sampled in (2|4|2 to 4) rounds of 2 pairs of walks from every", said), said
