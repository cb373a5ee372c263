"""An audit changes nothing of its user: no random state, no model, no data."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import pytest_aipm

CHECKS = [
    {"check": "fairness.demographic_parity_ratio"},
    {"check": "fairness.equalized_odds_difference"},
    {"check": "fairness.group_metric", "metric": "f1", "limit": {"max": 0.2}},
    {"check": "fairness.score_gap", "measure": "ks", "limit": {"max": 0.4}},
    {"check": "performance.metric", "metric": "average_precision", "limit": {"min": 0.1}},
    {"check": "explain.protected_flip"},
    {"check": "privacy.membership_inference"},
    {"check": "privacy.train_test_overlap"},
]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 400
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "income": rng.normal(50, 10, n),
            "debt": rng.normal(5, 2, n),
        }
    )
    score = frame["income"] - 3 * frame["debt"] + 4 * (frame["sex"] == "m")
    return frame.assign(y=(score + rng.normal(0, 8, n) > 35).astype(int))


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame):
    steps = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["sex"]), remainder="passthrough"),
        RandomForestClassifier(20, max_depth=4, random_state=1),
    )
    return steps.fit(rows.loc[:199, ["sex", "income", "debt"]], rows.loc[:199, "y"])


def audited(rows: pd.DataFrame, model, root: Path, seed: int = 0):
    policy = {
        "aipm": 1,
        "name": "pure",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {"task": "binary", "label": "y", "positive": 1, "protected": {"sex": "sex"}},
        "checks": CHECKS,
    }
    return pytest_aipm.audit(
        policy, model=model, data=rows.iloc[200:], train=rows.iloc[:200], root=root, seed=seed
    )


def test_every_check_is_measured(rows, model, tmp_path: Path) -> None:
    verdicts = [finding.verdict for finding in audited(rows, model, tmp_path).findings]
    assert len(verdicts) == len(CHECKS)
    assert "error" not in verdicts


def test_the_global_random_states_stay_as_they_were(rows, model, tmp_path: Path) -> None:
    np.random.seed(5)  # noqa: NPY002 - the global state is what this is about
    random.seed(5)
    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    audited(rows, model, tmp_path)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002


def test_model_and_data_stay_as_they_were(rows, model, tmp_path: Path) -> None:
    mine = copy.deepcopy(rows)
    hash_before = joblib.hash(model)
    audited(mine, model, tmp_path)
    pd.testing.assert_frame_equal(mine, rows)
    assert joblib.hash(model) == hash_before


def test_the_index_of_the_users_frame_means_nothing(rows, model, tmp_path: Path) -> None:
    odd = rows.set_index(pd.Index([f"row {i}" for i in range(len(rows))]))
    one, other = audited(rows, model, tmp_path), audited(odd, model, tmp_path)
    assert [each.value for each in one.findings] == [each.value for each in other.findings]


def test_two_audits_with_one_seed_say_the_same(rows, model, tmp_path: Path) -> None:
    one, other = audited(rows, model, tmp_path), audited(rows, model, tmp_path)
    assert one.findings == other.findings


def test_a_model_that_writes_into_its_input_writes_into_a_copy(rows, tmp_path: Path) -> None:
    class Vandal:
        classes_ = np.array([0, 1])
        feature_names_in_ = np.array(["sex", "income", "debt"], dtype=object)

        def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
            score = (frame["income"] > 50).to_numpy() * 0.8 + 0.1
            frame["income"] = -1.0
            frame.drop(columns="debt", inplace=True)  # noqa: PD002 - what a vandal does
            return np.column_stack([1 - score, score])

        def predict(self, frame: pd.DataFrame) -> np.ndarray:
            return (self.predict_proba(frame)[:, 1] > 0.5).astype(int)

    findings = audited(rows, Vandal(), tmp_path).findings
    assert "error" not in [finding.verdict for finding in findings]
    flips = next(each for each in findings if each.check == "explain.protected_flip")
    assert flips.value == 0.0
