"""A named class of several is explained as the two-class model that knows that class alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from explained_models import people

import pytest_aipm
from pytest_aipm.errors import PolicyError
from pytest_aipm.records import Verdict

COLUMNS = ["sex", "income", "debt", "age"]
NAMES = ["bronze", "gold", "silver"]
PHRASES = {"phrases": dict.fromkeys(COLUMNS, "A reason")}
CASES = {
    "additivity": {},
    "attribution_drift": {"approved": {"sex": 0.2, "income": 0.4, "debt": 0.2, "age": 0.2}},
    "attribution_share": {"by": "sex"},
    "direction": {"helps": ["income"]},
    "equal_treatment": {"by": "sex"},
    "explanation_parity": {"by": "sex", "limit": {"max": 0.2}},
    "gap_decomposition": {"by": "sex", "limit": {"max": 0.05}},
    "importance": {"of": ["income"], "metric": "log_loss", "limit": {"min": 0.01}},
    "monotone": {"helps": ["income"], "harms": ["debt"]},
    "parsimony": {"limit": {"max": 3}},
    "protected_flip": {"by": "sex"},
    "proxy_reliance": {"by": "sex"},
    "stability": {"limit": {"max": 0.2}},
    "surrogate_fidelity": {"limit": {"min": 0.8}},
}
FAVORED = {
    "reason_codes": PHRASES,
    "recourse": {"mutable": {"income": "up", "debt": "down"}, "limit": {"min": 0.5}},
    "explanation_parity": {"by": "sex", "measure": "reasons", "limit": {"max": 0.5}},
    "attribution_share": {"by": "sex"},
}


class Three:
    classes_ = np.array(NAMES)
    feature_names_in_ = np.array(COLUMNS, dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        pull = np.column_stack(
            [
                2.0 * frame["debt"] * (1 + frame["age"]),
                3.0 * frame["income"] + 0.8 * (frame["sex"] == "m"),
                np.full(len(frame), 1.2),
            ]
        )
        odds = np.exp(pull)
        return odds / odds.sum(axis=1, keepdims=True)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return self.classes_[self.predict_proba(frame).argmax(axis=1)]


class One(Three):
    """The same model, asked about gold alone."""

    classes_ = np.array([False, True])

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        gold = Three().predict_proba(frame)[:, 1]
        return np.column_stack([1 - gold, gold])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return Three().predict(frame) == "gold"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    found = people(160, 8)[COLUMNS]
    chance = Three().predict_proba(found)
    lot = np.random.default_rng(8).random((160, 1))
    return found.assign(y=np.array(NAMES)[(chance.cumsum(axis=1) < lot).sum(axis=1)])


def findings(model, frame, checks, **subject):
    policy = {
        "aipm": 1,
        "name": "classes",
        "context": {"purpose": "find out", "owner": "tests@example.org"},
        "subject": {"label": "y", "protected": {"sex": "sex"}, "features": COLUMNS, **subject},
        "checks": [{"check": f"explain.{name}", "id": name, **keys} for name, keys in checks],
    }
    return pytest_aipm.audit(policy, model=model, data=frame, root=".").findings


def told(found):
    return (found.value, found.interval, found.verdict, found.because, found.n)


def in_binary(frame, cases):
    two = {"task": "binary", "positive": True, "favorable": True}
    return findings(One(), frame.assign(y=frame["y"] == "gold"), list(cases.items()), **two)


def test_each_check_says_of_a_class_what_it_says_of_two_classes(frame) -> None:
    named = [(name, {**keys, "class": "gold"}) for name, keys in CASES.items()]
    several = findings(Three(), frame, named, task="multiclass")
    for found, plain in zip(several, in_binary(frame, CASES), strict=True):
        assert plain.verdict is not Verdict.ERROR, plain.reason
        assert told(found) == told(plain), found.check


def test_favorable_classes_serve_where_none_is_named(frame) -> None:
    several = findings(Three(), frame, list(FAVORED.items()), task="multiclass", favorable=["gold"])
    for found, plain in zip(several, in_binary(frame, FAVORED), strict=True):
        assert plain.verdict is not Verdict.ERROR, plain.reason
        assert told(found) == told(plain), found.check
    assert "y = gold" in str(several[3].notes)


def test_two_classes_together_are_their_sum(frame) -> None:
    keys = {"by": "sex", "class": ["silver", "bronze"], "limit": {"max": 0.9}}
    (found,) = findings(Three(), frame, [("gap_decomposition", keys)], task="multiclass")
    (gold,) = findings(
        Three(), frame, [("gap_decomposition", {**keys, "class": "gold"})], task="multiclass"
    )
    # what lifts gold lowers the two others by as much, so the gap is as large
    assert found.value == pytest.approx(gold.value, abs=0.01)


def test_accuracy_asks_which_class_it_is(frame) -> None:
    keys = {"of": ["income"], "limit": {"min": 0.0}}
    (found,) = findings(Three(), frame, [("importance", keys)], task="multiclass")
    model, whole = Three(), []
    rng = np.random.default_rng(0)
    right = np.mean(model.predict(frame) == frame["y"])
    for _ in range(200):
        dealt = frame.assign(income=rng.permutation(frame["income"].to_numpy()))
        whole.append(right - np.mean(model.predict(dealt) == frame["y"]))
    assert found.value == pytest.approx(np.mean(whole), abs=0.04)
    assert f"accuracy of {right:.3f}"[:16] in found.reason


@pytest.mark.parametrize(
    ("check", "keys", "subject", "said"),
    [
        ("attribution_share", {"by": "sex"}, {}, "add `class: NAME`"),
        ("reason_codes", PHRASES, {}, "list the good classes as `favorable`"),
        (
            "reason_codes",
            {**PHRASES, "class": "gold"},
            {"favorable": ["gold"]},
            "does not say which decisions are adverse",
        ),
        ("recourse", FAVORED["recourse"], {}, "nobody says which decisions are adverse"),
        ("importance", {**CASES["importance"]}, {}, "add `class: NAME`"),
    ],
)
def test_what_no_class_answers_is_refused_at_its_line(frame, check, keys, subject, said) -> None:
    with pytest.raises(PolicyError, match=said):
        findings(Three(), frame, [(check, keys)], task="multiclass", **subject)


def test_a_class_that_never_occurs_is_an_error_and_no_pass(frame) -> None:
    keys = {"by": "sex", "class": "golden"}
    (found,) = findings(Three(), frame, [("attribution_share", keys)], task="multiclass")
    assert found.verdict is Verdict.ERROR
    assert "golden" in found.reason
