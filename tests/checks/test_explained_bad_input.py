"""Bad input gets one clear answer from every check of the explain family, and never a pass."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from explained_models import Scored, audited, people
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from test_explained_classes import CASES as ALL
from test_explained_classes import FAVORED

from pytest_aipm.records import Because, Finding, Verdict

COLUMNS = ["sex", "income", "debt", "age"]
CHECKS = [
    *ALL.items(),
    ("reason_codes", FAVORED["reason_codes"]),
    ("recourse", FAVORED["recourse"]),
]
NEVER = (Verdict.PASS, Verdict.FAIL)


def chance(frame: pd.DataFrame) -> np.ndarray:
    return 0.2 + 0.5 * frame["income"] - 0.2 * frame["debt"] + 0.1 * (frame["sex"] == "m")


def answers(model, frame: pd.DataFrame, features=COLUMNS, **more) -> dict[str, Finding]:
    checks = [{"check": f"explain.{name}", "id": name, **keys, **more} for name, keys in CHECKS]
    found = audited(model, frame, checks, features=features).findings
    for each in found:
        assert "\n" not in each.reason
        assert "Traceback" not in each.reason
    return {each.check.removeprefix("explain."): each for each in found}


def frame_of(n: int = 120, seed: int = 1) -> pd.DataFrame:
    return people(n, seed)[[*COLUMNS, "y"]]


def test_a_constant_column_carries_nothing_and_hinders_nobody() -> None:
    frame = frame_of().assign(debt=0.5)
    found = answers(Scored(chance, COLUMNS), frame)
    assert {each.verdict for each in found.values()} <= {*NEVER, Verdict.INCONCLUSIVE}
    (bars,) = found["parsimony"].series
    shares = dict(zip(bars.x, bars.y, strict=True))
    assert shares["debt"] == 0.0
    assert "debt has one value only and was not tried" in str(found["monotone"].notes)


def test_a_frame_of_constant_columns_has_nothing_to_attribute() -> None:
    frame = frame_of().assign(income=0.6, debt=0.5, sex="f", age=0.1)
    found = answers(Scored(chance, COLUMNS), frame)
    for name, each in found.items():
        if name in ("additivity", "monotone", "importance"):
            continue
        assert each.verdict is not Verdict.PASS, (name, each.reason)
    assert found["attribution_share"].because is Because.NO_EVIDENCE
    assert found["monotone"].verdict is Verdict.NOT_JUDGED


def test_an_ignored_column_has_no_share_no_importance_and_no_direction() -> None:
    model = Scored(lambda frame: 0.2 + 0.6 * frame["debt"], COLUMNS)
    found = answers(model, frame_of())
    assert found["attribution_share"].value == 0.0
    assert found["importance"].value == 0.0
    assert found["protected_flip"].value == 0.0
    assert found["direction"].verdict is Verdict.NOT_JUDGED
    assert "does not use income" in found["direction"].reason


def test_one_row_is_compared_with_nobody() -> None:
    for name, each in answers(Scored(chance, COLUMNS), frame_of(1)).items():
        # whether this one row can be moved, or falls back, is a fact about it
        if name not in ("monotone", "recourse"):
            assert each.verdict not in NEVER, (name, each.reason)
        assert each.reason


def test_an_attribute_that_is_no_input_is_never_a_pass() -> None:
    inputs = COLUMNS[1:]
    model = Scored(lambda frame: 0.2 + 0.5 * frame["income"] - 0.2 * frame["debt"], inputs)
    found = answers(model, frame_of(), features=inputs)
    for name in ("protected_flip", "attribution_share", "gap_decomposition"):
        assert found[name].verdict is Verdict.NOT_JUDGED
        assert found[name].because is Because.NOT_APPLICABLE
        assert "see explain.proxy_reliance" in found[name].reason


class TestMixedRows:
    def test_hold_no_category_that_the_model_has_never_seen(self) -> None:
        frame = frame_of().assign(sex=lambda f: f["sex"].astype("category"))
        coded = make_column_transformer(
            (OneHotEncoder(handle_unknown="error"), ["sex"]), remainder="passthrough"
        )
        model = make_pipeline(coded, LogisticRegression()).fit(frame[COLUMNS], frame["y"])
        for name, each in answers(model, frame).items():
            assert each.verdict is not Verdict.ERROR, (name, each.reason)

    def test_that_a_model_refuses_are_an_error_in_its_own_words(self) -> None:
        frame = frame_of()
        known = set(frame[COLUMNS].itertuples(index=False, name=None))

        def picky(given: pd.DataFrame) -> np.ndarray:
            rows = given[COLUMNS].itertuples(index=False, name=None)
            if not all(row in known for row in rows):
                raise ValueError("no such applicant")
            return chance(given)

        found = answers(Scored(picky, COLUMNS), frame)
        for name, each in found.items():
            # a tree looks at real rows only
            assert name == "surrogate_fidelity" or each.verdict is Verdict.ERROR, name
            assert name == "surrogate_fidelity" or "no such applicant" in each.reason, each.reason

    def test_without_a_finite_output_are_an_error(self) -> None:
        frame = frame_of()
        known = set(frame[COLUMNS].itertuples(index=False, name=None))

        class Broken(Scored):
            def predict_proba(self, given: pd.DataFrame) -> np.ndarray:
                rows = given[COLUMNS].itertuples(index=False, name=None)
                real = np.array([row in known for row in rows], dtype=bool)
                found = np.where(real, chance(given), np.nan)
                return np.column_stack([1 - found, found])

        for name, each in answers(Broken(chance, COLUMNS), frame).items():
            if name in ("surrogate_fidelity", "importance", "recourse", "protected_flip"):
                # decisions: nan is no reason to decide for anybody
                continue
            assert each.verdict is Verdict.ERROR, (name, each.reason)
            assert "finite" in each.reason or "NaN" in each.reason, each.reason


def test_a_model_that_draws_lots_is_told_with_its_noise_by_every_check() -> None:
    rng = np.random.default_rng(0)
    model = Scored(lambda frame: chance(frame) + 0.05 * rng.random(len(frame)), COLUMNS)
    for name, each in answers(model, frame_of()).items():
        assert "the model is not deterministic" in str(each.notes) + each.reason, name


def test_a_background_of_one_answer_is_told() -> None:
    # the model tells one row of a hundred from the others
    frame = frame_of(400)
    frame["income"] = (np.arange(400) % 100 == 0).astype(float)
    model = Scored(lambda given: 0.1 + 0.8 * given["income"].to_numpy(), COLUMNS)
    checks = [{"check": "explain.attribution_share", "by": "sex", "background": 3}]
    (found,) = audited(model, frame, checks, features=COLUMNS).findings
    assert "the model says the same of every background row" in str(found.notes)


def test_a_model_of_one_answer_is_not_judged() -> None:
    found = answers(Scored(lambda frame: np.full(len(frame), 0.7), COLUMNS), frame_of())
    for name in ("attribution_share", "parsimony", "proxy_reliance", "stability", "reason_codes"):
        assert found[name].verdict is Verdict.NOT_JUDGED, (name, found[name].reason)


def test_two_thousand_columns_end_in_time_and_are_inconclusive() -> None:
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(1996)]
    wide = pd.DataFrame(rng.normal(size=(60, 1996)), columns=names)
    wide = pd.concat([frame_of(60), wide], axis=1)
    features = [*COLUMNS, *names]
    model = Scored(lambda given: 0.2 + 0.6 * given["income"].to_numpy(), features)
    whole = ("protected_flip", "surrogate_fidelity")
    checks = [
        {"check": f"explain.{name}", "id": name, **keys}
        | ({} if name in whole else {"budget_s": 0.5})
        for name, keys in CHECKS
    ]
    started = time.process_time()
    found = audited(model, wide, checks, features=features).findings
    assert time.process_time() - started < 90
    answered = {each.check.removeprefix("explain."): each for each in found}
    for name, each in answered.items():
        assert each.verdict is not Verdict.ERROR, (name, each.reason)
        # these ask about a few columns only, and may be done in time
        if name not in ("monotone", "importance", "recourse", *whole):
            assert (each.verdict, each.because) == (Verdict.INCONCLUSIVE, Because.NO_EVIDENCE), name
            assert "group columns under `players`" in each.reason
    flip = answered["protected_flip"]
    assert "share of attribution not looked at (more than 100 columns)" in str(flip.notes)
    assert flip.value == 0.0


def test_two_thousand_columns_of_texts_are_imitated_in_time() -> None:
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(2000)]
    levels = np.array([f"level {i}" for i in range(40)])
    wide = pd.DataFrame({name: levels[rng.integers(0, 40, 200)] for name in names})
    wide = pd.concat([frame_of(200), wide], axis=1)
    features = [*COLUMNS, *names]
    model = Scored(lambda given: 0.2 + 0.6 * given["income"].to_numpy(), features)
    check = {"check": "explain.surrogate_fidelity", "limit": {"min": 0.5}}
    started = time.process_time()
    (found,) = audited(model, wide, [check], features=features).findings
    assert time.process_time() - started < 30
    assert found.verdict is Verdict.PASS
    assert "asks about income" in str(found.notes)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("protected_flip", {}),
        ("attribution_share", {"walks": 2, "rows": 50}),
        ("gap_decomposition", {"walks": 2, "rows": 50, "limit": {"max": 0.9}}),
    ],
)
def test_many_values_of_a_slow_model_are_given_up_early_and_never_a_pass(name, more) -> None:
    frame = frame_of(120).assign(sex=[f"group {i % 40}" for i in range(120)])
    spent: list[float] = []

    def slow(given: pd.DataFrame) -> np.ndarray:
        if len(given) in (50, 120):  # as flips are asked
            spent.append(0.1)
            time.sleep(0.1)
        return 0.2 + 0.6 * given["income"].to_numpy()

    check = {"check": f"explain.{name}", "by": "sex", "budget_s": 1.0, **more}
    (found,) = audited(Scored(slow, COLUMNS), frame, [check], features=COLUMNS).findings
    assert (found.verdict, found.because) == (Verdict.INCONCLUSIVE, Because.NO_EVIDENCE)
    assert "budget_s: 1" in found.reason
    assert sum(spent) < 2.0, "40 values would take 4 s"
