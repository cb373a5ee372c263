"""Privacy checks in whole audits: what is said, of whom, and what never is."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_wine, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import UsageFault
from pytest_aipm.records import Finding, Record
from pytest_aipm.report.publish import publishable

COLUMNS = [f"f{i}" for i in range(6)]


def halves(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    x, y = make_classification(2 * n, 6, n_informative=4, flip_y=0.2, random_state=seed)
    frame = pd.DataFrame(x, columns=COLUMNS).assign(y=y, sex=np.resize(["f", "m"], 2 * n))
    return frame[:n].reset_index(drop=True), frame[n:].reset_index(drop=True)


def policy(*checks: dict[str, Any], **subject: Any) -> dict[str, Any]:
    whole = {"task": "binary", "label": "y", "positive": 1, "features": COLUMNS}
    return {
        "aipm": 1,
        "name": "p",
        "context": {"purpose": "t", "owner": "t@example.org"},
        "subject": {**whole, "protected": {"sex": "sex"}, **subject},
        "checks": [{"id": f"c{i}", **check} for i, check in enumerate(checks)],
    }


def audited(*checks: dict[str, Any], model: Any, n: int = 600, **subject: Any) -> Record:
    train, test = halves(n)
    fitted = model.fit(train[COLUMNS], train["y"])
    return pytest_aipm.audit(policy(*checks, **subject), model=fitted, data=test, train=train)


def one(*checks: dict[str, Any], **how: Any) -> Finding:
    (finding,) = audited(*checks, **how).findings
    return finding


MEMBERSHIP = {"check": "privacy.membership_inference"}


def test_a_forest_that_knows_its_rows_by_heart_fails_in_both_units() -> None:
    for limit in ({"max": 1.0}, {"max_auc": 0.60}):
        finding = one({**MEMBERSHIP, "limit": limit}, model=RandomForestClassifier(20))
        assert finding.verdict == "fail", finding.reason


def test_a_regularised_regression_gives_no_evidence() -> None:
    finding = one({**MEMBERSHIP, "limit": {"max_auc": 0.60}}, model=LogisticRegression(C=0.1))
    assert finding.verdict == "pass", finding.reason


def test_neighbours_hold_every_row_whatever_the_attack_shows() -> None:
    finding = one({"check": "privacy.stored_rows"}, model=KNeighborsClassifier())
    assert (finding.verdict, finding.value) == ("fail", 1.0)
    assert "600 of 600 training rows are inside the model" in finding.reason


class Raises:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    @property
    def rows(self) -> Any:
        raise RuntimeError("a property was run")


def test_a_model_that_is_hard_to_look_into_is_looked_into_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = halves(200)
    model = LogisticRegression().fit(train[COLUMNS], train["y"])
    model.raises, model.itself = Raises(), {"again": [model]}
    told = policy({"check": "privacy.stored_rows"})
    finding = pytest_aipm.audit(told, model=model, data=test, train=train).findings[0]
    assert finding.verdict == "pass", finding.reason

    # a file without content: ten gigabytes of nothing, of which so much is read
    monkeypatch.setattr("pytest_aipm.evidence.tables.MAX_BYTES", 2**20)
    shape = (210_000_000, len(COLUMNS))
    model.map = np.memmap(tmp_path / "rows", dtype=float, mode="w+", shape=shape)
    finding = pytest_aipm.audit(told, model=model, data=test, train=train).findings[0]
    assert finding.verdict == "not_judged"
    assert "not all of it could be read (LogisticRegression.map)" in finding.reason

    model.kept = train[COLUMNS].to_numpy()
    finding = pytest_aipm.audit(told, model=model, data=test, train=train).findings[0]
    assert (finding.verdict, finding.value) == ("fail", 1.0)
    assert any("there may be more: not all of it" in each for each in finding.notes)


def test_no_verdict_promises_safety_or_erasure() -> None:
    checks = [
        {"check": f"privacy.{name}", **more}
        for name, more in {
            "membership_inference": {"limit": {"max_auc": 0.6}},
            "membership_by_group": {"limit": {"max_auc": 0.7}},
            "exchangeability": {"limit": {"max_auc": 0.6}},
            "stored_rows": {},
            "attribute_inference": {"sensitive": "f0", "limit": {"max": 0.9}},
            "pii": {},
            "forbidden_features": {},
            "k_anonymity": {"quasi_identifiers": ["sex"]},
            "erasure": {"ids": [1], "limit": {"max_auc": 0.6}},
            "small_leaves": {},
            "train_test_overlap": {},
            "membership_refits": {"refits": 2, "limit": {"max_auc": 0.7}},
            "dp_audit": {"limit": {"max": 3.0}, "guesses": 0.1},
            "dp_claim": {
                "epsilon": 1,
                "delta": 1e-5,
                "protects": "person",
                "accountant": "own count",
            },
        }.items()
    ]
    family = {name for name in Catalog().names() if name.startswith("privacy.")}
    assert {each["check"] for each in checks} == family
    train, test = halves(600)
    model = LogisticRegression(C=0.1).fit(train[COLUMNS], train["y"])
    told = policy(*checks, id="f1")
    record = pytest_aipm.audit(told, model=model, data=test, train=train, deep=True)
    assert len([each for each in record.findings if each.verdict == "pass"]) > 8
    for finding in record.findings:
        words = f" {finding.reason} {' '.join(finding.notes)} ".lower()
        assert " safe" not in words, finding.id
        assert "are erased" not in words, finding.id
        assert "anonymous" not in words, finding.id


@pytest.mark.parametrize("name", ["membership_inference", "exchangeability", "membership_by_group"])
def test_training_rows_as_evaluation_rows_are_an_error_that_says_so(name: str) -> None:
    train, _ = halves(100)
    model = LogisticRegression().fit(train[COLUMNS], train["y"])
    record = pytest_aipm.audit(
        policy({"check": f"privacy.{name}"}), model=model, data=train, train=train
    )
    assert record.findings[0].verdict == "error"
    assert "every evaluation row is also a training row" in record.findings[0].reason


def test_one_class_in_training_is_measured_or_said_never_passed() -> None:
    train, test = halves(300)
    train = train.assign(y=1)
    model = RandomForestClassifier(5).fit(*(test[COLUMNS], test["y"]))
    record = pytest_aipm.audit(policy(MEMBERSHIP), model=model, data=test, train=train)
    finding = record.findings[0]
    assert finding.verdict == "inconclusive"
    assert "told apart without the model" in finding.reason


class Labels:
    """Answers with classes alone."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.feature_names_in_ = np.array(COLUMNS, dtype=object)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return self._model.predict(frame)


def test_a_model_that_gives_classes_alone_is_attacked_by_right_and_wrong() -> None:
    train, test = halves(600)
    forest = RandomForestClassifier(20, random_state=0).fit(train[COLUMNS], train["y"])
    asked = {**MEMBERSHIP, "limit": {"max_auc": 0.55}}
    record = pytest_aipm.audit(policy(asked), model=Labels(forest), data=test, train=train)
    finding = record.findings[0]
    assert finding.verdict == "fail", finding.reason
    assert "error (0 or 1: the model gives no scores)" in finding.reason
    right = [forest.score(each[COLUMNS], each["y"]) for each in (train, test)]
    gap = next(
        each for each in finding.notes if each.startswith("the error") and "alike" not in each
    )
    assert f"{0.5 + (right[0] - right[1]) / 2:.3f}" in gap


# several classes


def several(load: Any) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return halves of a known data set whose classes are texts."""
    known = load(as_frame=True)
    frame = known.data.assign(y="class " + known.target.astype(str)).sample(
        frac=1, random_state=0, ignore_index=True
    )
    frame["sex"] = np.resize(["f", "m"], len(frame))
    half = len(frame) // 2
    return frame[:half], frame[half:].reset_index(drop=True), list(known.data.columns)


def of_several(load: Any, model: Any, *checks: dict[str, Any], wrap: Any = None) -> list[Finding]:
    train, test, columns = several(load)
    fitted = model.fit(train[columns], train["y"])
    if wrap is not None:
        fitted = wrap(fitted)
        fitted.feature_names_in_ = np.array(columns, dtype=object)
    told = policy(*checks, task="multiclass", features=columns)
    told["subject"].pop("positive")
    deep = any(
        each["check"] in ("privacy.dp_audit", "privacy.membership_refits") for each in checks
    )
    return list(pytest_aipm.audit(told, model=fitted, data=test, train=train, deep=deep).findings)


SHY = {"check": "privacy.membership_inference", "limit": {"max_auc": 0.60}}


@pytest.mark.parametrize(("load", "limit"), [(load_digits, 0.60), (load_wine, 0.55)])
def test_a_forest_of_several_classes_that_knows_its_rows_by_heart_fails(
    load: Any, limit: float
) -> None:
    forest = RandomForestClassifier(50, random_state=0)
    (finding,) = of_several(load, forest, {**SHY, "limit": {"max_auc": limit}})
    assert finding.verdict == "fail", finding.reason
    assert "by the log loss" in finding.reason


def test_a_regularised_regression_of_several_classes_gives_no_evidence() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.003))
    (finding,) = of_several(load_digits, model, SHY)
    assert finding.verdict == "pass", finding.reason


def test_the_attack_on_several_classes_is_that_of_a_plain_calculation() -> None:
    train, test, columns = several(load_digits)
    forest = RandomForestClassifier(50, random_state=0).fit(train[columns], train["y"])
    (finding,) = of_several(load_digits, RandomForestClassifier(50, random_state=0), SHY)
    place = {name: i for i, name in enumerate(forest.classes_)}
    right = [
        forest.predict_proba(side[columns])[np.arange(len(side)), side["y"].map(place)]
        for side in (train, test)
    ]
    area = roc_auc_score(np.repeat([1, 0], [*map(len, right)]), np.concatenate(right))
    assert f"the log loss, area: {area:.3f}" in finding.notes[0]


def test_several_classes_without_scores_are_attacked_by_the_gap() -> None:
    train, test, columns = several(load_digits)
    tree = DecisionTreeClassifier(random_state=0)
    (finding,) = of_several(load_digits, tree, {**SHY, "limit": {"max_auc": 0.55}}, wrap=Labels)
    right = [tree.score(each[columns], each["y"]) for each in (train, test)]
    assert f"{0.5 + (right[0] - right[1]) / 2:.3f}" in finding.notes[0]
    assert finding.verdict == "fail", finding.reason


def test_the_other_checks_measure_several_classes_too() -> None:
    tree = DecisionTreeClassifier(random_state=0)
    checks = {
        "membership_by_group": {"by": "sex", "limit": {"max_auc": 0.55}},
        "exchangeability": {"limit": {"max_auc": 0.6}},
        "membership_refits": {"refits": 2, "limit": {"max_auc": 0.55}},
        "dp_audit": {"limit": {"max": 0.5}, "guesses": 0.1},
        "small_leaves": {},
        "stored_rows": {},
        "attribute_inference": {"sensitive": "pixel_0_0", "limit": {"max": 0.5}},
    }
    asked = [{"check": f"privacy.{name}", **more} for name, more in checks.items()]
    found = {each.check: each.verdict for each in of_several(load_digits, tree, *asked)}
    assert found == {
        "privacy.membership_by_group": "fail",
        "privacy.exchangeability": "pass",
        "privacy.membership_refits": "fail",
        "privacy.dp_audit": "fail",
        "privacy.small_leaves": "fail",
        "privacy.stored_rows": "pass",
        "privacy.attribute_inference": "not_judged",
    }


def test_classes_that_are_written_otherwise_in_training_are_an_error() -> None:
    train, test, columns = several(load_wine)
    model = RandomForestClassifier(5).fit(train[columns], train["y"])
    told = policy(SHY, task="multiclass", features=columns)
    told["subject"].pop("positive")
    upper = train.assign(y=train["y"].str.upper())
    finding = pytest_aipm.audit(told, model=model, data=test, train=upper).findings[0]
    assert finding.verdict == "error"
    assert "no predicted class" in finding.reason


def test_a_column_without_any_value_breaks_no_attack() -> None:
    train, test = (each.assign(f5=np.nan) for each in halves(600))
    model = RandomForestClassifier(20, random_state=0).fit(train[COLUMNS], train["y"])
    checks = (MEMBERSHIP, {"check": "privacy.exchangeability", "limit": {"max_auc": 0.65}})
    record = pytest_aipm.audit(policy(*checks), model=model, data=test, train=train)
    assert [each.verdict for each in record.findings] == ["fail", "pass"]


def test_a_model_that_learned_one_class_is_refused_in_a_line() -> None:
    train, test = halves(100)
    model = RandomForestClassifier(5).fit(train[COLUMNS], np.ones(100, dtype=int))
    record = pytest_aipm.audit(policy(MEMBERSHIP), model=model, data=test, train=train)
    assert record.findings[0].verdict == "error"
    assert "knows 1 classes (1); the task is binary" in record.findings[0].reason


@pytest.mark.parametrize(("train", "test"), [(1, 400), (400, 1), (3, 3), (19, 19)])
def test_a_few_rows_on_either_side_cannot_tell(train: int, test: int) -> None:
    sides = halves(400)
    model = LogisticRegression().fit(sides[0][COLUMNS], sides[0]["y"])
    few = sides[0][:train], sides[1][:test]
    record = pytest_aipm.audit(policy(MEMBERSHIP), model=model, data=few[1], train=few[0])
    assert record.findings[0].verdict == "inconclusive"


@pytest.mark.parametrize(("train", "test"), [(6000, 300), (300, 6000)])
def test_sides_of_very_different_size_give_nobody_away_who_was_not_seen(
    train: int, test: int
) -> None:
    rng = np.random.default_rng(0)
    sides = [
        pd.DataFrame(rng.normal(size=(n, 6)), columns=COLUMNS).assign(
            y=rng.integers(0, 2, n), sex="f"
        )
        for n in (train, test)
    ]
    record = pytest_aipm.audit(policy(MEMBERSHIP), model=Frozen(), data=sides[1], train=sides[0])
    finding = record.findings[0]
    assert finding.verdict in ("pass", "inconclusive")
    assert finding.interval[0] < 0.3


def test_fifty_rows_a_side_say_what_would_settle_it() -> None:
    finding = one(MEMBERSHIP, model=LogisticRegression(), n=50)
    assert finding.verdict == "inconclusive"
    assert finding.rows_needed.total > 1000
    assert "would settle it" in finding.reason


def test_without_training_rows_the_policy_says_what_is_missing() -> None:
    _, test = halves(50)
    model = LogisticRegression().fit(test[COLUMNS], test["y"])
    with pytest.raises(UsageFault, match=r"'privacy\.stored_rows' needs training rows"):
        pytest_aipm.audit(policy({"check": "privacy.stored_rows"}), model=model, data=test)
    asked = {"check": "privacy.stored_rows", "if_possible": True}
    record = pytest_aipm.audit(policy(asked), model=model, data=test)
    assert record.findings[0].verdict == "not_judged"
    assert "needs training rows" in record.findings[0].reason


def test_the_same_seed_gives_the_same_findings_and_leaves_the_random_state_alone() -> None:
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    asked = (MEMBERSHIP, {"check": "privacy.exchangeability"})
    one_run, other = (audited(*asked, model=LogisticRegression()) for _ in range(2))
    assert one_run.findings == other.findings
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_no_value_of_a_row_or_a_class_shows_anywhere(tmp_path: Path) -> None:
    secret = "Zyxwvut Qponml"
    frame = pd.DataFrame(
        {
            "name": [secret, *(f"somebody {i}" for i in range(29))],
            "mail": ["zyx@example.org"] * 30,
            "age": [97, *[30] * 29],
            "ill": ["xenophage", *["cold"] * 29],
            "pred": [0, 1] * 15,
            "y": [0, 1] * 15,
        }
    )
    asked = (
        {"check": "privacy.pii"},
        {"check": "privacy.k_anonymity", "quasi_identifiers": ["age"], "sensitive": ["ill"]},
    )
    told = policy(*asked, features=None, protected=None, predictions="pred")
    told["subject"] = {k: v for k, v in told["subject"].items() if v is not None}
    record = pytest_aipm.audit(told, data=frame)
    record.write(tmp_path / "report")
    for path in (tmp_path / "report").rglob("*"):
        text = path.read_bytes().decode("utf-8", "ignore")
        for word in (secret, "zyx@example.org", "xenophage"):
            assert word not in text, path
    series = publishable(record).findings[1].series[0]
    assert series.counts[0] == 1
    assert series.y[0] is None


def test_hostile_names_of_columns_are_shortened_and_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>" + "x" * 5000
    frame = pd.DataFrame({evil: ["a.b@example.org"] * 20, "pred": [0, 1] * 10, "y": [0, 1] * 10})
    told = policy({"check": "privacy.pii"}, predictions="pred")
    told["subject"] = {k: told["subject"][k] for k in ("task", "label", "positive", "predictions")}
    record = pytest_aipm.audit(told, data=frame)
    assert record.findings[0].verdict == "fail"
    assert len(record.findings[0].reason) < 500
    record.write(tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (
            {"check": "privacy.k_anonymity", "quasi_identifiers": ["sex"], "limit": {"min_l": 2}},
            "a limit on 'l' looks at sensitive values, and none are named; add `sensitive: [COL",
        ),
        ({"check": "privacy.k_anonymity"}, "'quasi_identifiers' is missing"),
        (
            {
                "check": "privacy.k_anonymity",
                "quasi_identifiers": ["sex"],
                "limit": {"max_journalist": 0.1},
            },
            "a limit on 'journalist' compares with a population, and none is named",
        ),
        (
            {"check": "privacy.k_anonymity", "quasi_identifiers": ["sex", "sex"]},
            "names 'sex' twice; name each column once",
        ),
        (
            {
                "check": "privacy.k_anonymity",
                "quasi_identifiers": ["sex"],
                "sensitive": ["sex"],
            },
            "'sex' is both a quasi-identifier and sensitive",
        ),
        ({"check": "privacy.erasure"}, "'rows' or 'ids' says who must be gone"),
        ({"check": "privacy.attribute_inference"}, "'sensitive' is missing"),
        (
            {"check": "privacy.membership_inference", "limit": {"max": 0}},
            "'max: 0' on a sample can never hold",
        ),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_with_how_to_mend_it(
    check: dict[str, Any], said: str
) -> None:
    train, test = halves(30)
    model = LogisticRegression().fit(train[COLUMNS], train["y"])
    with pytest.raises(UsageFault) as caught:
        pytest_aipm.audit(policy(check), model=model, data=test, train=train)
    assert said in str(caught.value)


def test_a_column_that_is_not_there_is_named() -> None:
    asked = {"check": "privacy.k_anonymity", "quasi_identifiers": ["sexx"]}
    finding = one(asked, model=LogisticRegression(), n=30)
    assert finding.verdict == "error"
    assert "sexx" in finding.reason
    assert "did you mean 'sex'" in finding.reason


def test_a_population_bounds_what_a_journalist_learns(tmp_path: Path) -> None:
    rows = pd.DataFrame({"zip": ["a"] * 4 + ["b"] * 2, "pred": [0, 1] * 3, "y": [0, 1] * 3})
    pd.DataFrame({"zip": ["a"] * 40 + ["b"] * 5 + ["c"]}).to_csv(tmp_path / "all.csv", index=False)
    pd.DataFrame({"zip": ["a"] * 40}).to_csv(tmp_path / "few.csv", index=False)
    said = []
    for name in ("all.csv", "few.csv"):
        asked = {
            "check": "privacy.k_anonymity",
            "quasi_identifiers": ["zip"],
            "population": name,
            "limit": {"max_journalist": 0.25},
        }
        told = policy(asked, predictions="pred")
        told["subject"] = {
            k: told["subject"][k] for k in ("task", "label", "positive", "predictions")
        }
        (finding,) = pytest_aipm.audit(told, data=rows, root=tmp_path).findings
        said.append(finding)
    assert (said[0].verdict, said[0].value) == ("pass", 0.2)
    assert said[1].verdict == "error"
    assert "the rows are not from it" in said[1].reason


# rows that are hard to compare


def coarse(n: int, seed: int) -> pd.DataFrame:
    """Return rows of six columns with few values each: distinct people share all of them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.choice(4, size=(n, 6), p=[0.4, 0.3, 0.2, 0.1]), columns=COLUMNS)
    chance = 1 / (1 + np.exp(-(frame.sum(axis=1) - 3) / 2))
    return frame.assign(y=(rng.random(n) < chance).astype(int), sex="f")


class Frozen:
    """Was never fitted: whom it knows, nobody can tell."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(COLUMNS, dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        chance = 1 / (1 + np.exp(-(frame.to_numpy(float).sum(axis=1) - 3) / 2))
        return np.column_stack([1 - chance, chance])


@pytest.mark.parametrize(("train", "test"), [(5000, 1000), (2000, 2000)])
def test_coarse_columns_do_not_leave_rare_rows_on_one_side_alone(train: int, test: int) -> None:
    sides = coarse(train, 1), coarse(test, 2)
    asked = (SHY, {"check": "privacy.exchangeability", "limit": {"max_auc": 0.65}})
    record = pytest_aipm.audit(policy(*asked), model=Frozen(), data=sides[1], train=sides[0])
    attack, blind = record.findings
    assert blind.verdict == "pass", blind.reason
    assert abs(attack.value - 0.5) < 0.06
    assert any("that another row equals: the columns are coarse" in each for each in attack.notes)


def test_training_rows_that_all_occur_twice_are_compared_where_nothing_is_shared() -> None:
    train, test = halves(300)
    model = RandomForestClassifier(20, random_state=0).fit(train[COLUMNS], train["y"])
    twice = pd.concat([train, train], ignore_index=True)
    finding = pytest_aipm.audit(policy(SHY), model=model, data=test, train=twice).findings[0]
    assert finding.verdict == "fail", finding.reason
    shared = pd.concat([test, train[:50]], ignore_index=True)
    finding = pytest_aipm.audit(policy(SHY), model=model, data=shared, train=twice).findings[0]
    assert finding.verdict == "error"
    assert "every training row equals another row" in finding.reason


@pytest.mark.parametrize("kind", ["text", "time", "long", "complex"])
def test_values_that_are_all_different_do_not_tell_the_sides_apart(kind: str) -> None:
    sides = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        drawn = rng.integers(10**6, size=400)
        column = {
            "text": [f"some words {each}" for each in drawn],
            "time": pd.to_timedelta(drawn, unit="s"),
            "long": pd.Series([10**30 + int(each) for each in drawn], dtype=object),
            "complex": drawn + 1j,
        }[kind]
        y = rng.integers(2, size=400)
        sides.append(pd.DataFrame({"a": column, "b": rng.normal(size=400), "y": y, "sex": "f"}))
    model = Labels(LogisticRegression().fit(sides[0][["b"]], sides[0]["y"]))
    model.predict = lambda frame: (frame["b"].to_numpy() > 0).astype(int)
    model.feature_names_in_ = np.array(["a", "b"], dtype=object)
    asked = {"check": "privacy.exchangeability", "limit": {"max_auc": 0.65}}
    told = policy(asked, {"check": "privacy.train_test_overlap"}, features=["a", "b"])
    blind, overlap = pytest_aipm.audit(told, model=model, data=sides[1], train=sides[0]).findings
    assert blind.verdict == "pass", blind.reason
    assert overlap.verdict == "pass"


def test_margins_between_zero_and_one_are_no_probabilities() -> None:
    train, test = halves(300)
    model = RidgeClassifier(alpha=1e5).fit(train[COLUMNS], train["y"])
    model.coef_, model.intercept_ = np.abs(model.coef_) * 0 + 1e-3, np.array([0.5])
    assert (
        "the margin"
        in pytest_aipm.audit(
            policy(SHY, decision={"threshold": 0.5}), model=model, data=test, train=train
        )
        .findings[0]
        .notes[0]
    )


# tables


def table_of(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    return frame.assign(pred=np.resize([0, 1], len(frame)), y=np.resize([0, 1], len(frame)))


def looked_at(frame: pd.DataFrame, **check: Any) -> Finding:
    told = policy({"check": "privacy.k_anonymity", **check}, predictions="pred")
    told["subject"] = {k: told["subject"][k] for k in ("task", "label", "positive", "predictions")}
    return pytest_aipm.audit(told, data=frame).findings[0]


def test_a_missing_sensitive_value_does_not_make_a_class_diverse() -> None:
    frame = table_of(a=[1] * 20, ill=[None, "cold"] * 10)
    asked = {"quasi_identifiers": ["a"], "sensitive": ["ill"], "limit": {"min_l": 2}}
    finding = looked_at(frame, **asked)
    assert (finding.verdict, finding.value) == ("fail", 1.0)
    assert any("10 rows without a value do not count as diverse" in each for each in finding.notes)
    finding = looked_at(frame.assign(ill=np.nan), **asked)
    assert finding.verdict == "error"
    assert "'ill' holds no value" in finding.reason


def test_missing_quasi_identifiers_and_fractions_are_said() -> None:
    frame = table_of(a=[1.0, np.nan] * 20, b=np.linspace(0, 1, 40))
    finding = looked_at(frame, quasi_identifiers=["a"])
    assert any("20 rows miss a quasi-identifier" in each for each in finding.notes)
    finding = looked_at(frame, quasi_identifiers=["b"])
    assert any("b holds fractions, most of them different" in each for each in finding.notes)


def test_one_huge_cell_does_not_make_every_row_as_wide() -> None:
    texts = ["x" * 2_000_000, *(f"value {i}" for i in range(3000))]
    tracemalloc.start()
    finding = looked_at(table_of(a=texts), quasi_identifiers=["a"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert finding.value == 1.0
    assert peak < 200 * 2**20


def test_a_text_of_which_most_is_not_read_is_not_judged() -> None:
    told = policy({"check": "privacy.pii"}, predictions="pred")
    told["subject"] = {k: told["subject"][k] for k in ("task", "label", "positive", "predictions")}
    frame = table_of(story=["x " * 100_000, "y"])
    finding = pytest_aipm.audit(told, data=frame).findings[0]
    assert finding.verdict == "not_judged"
    assert "most of story was not read" in finding.reason


# who must be gone


def forgotten(named: Any, tmp_path: Path, gone: Any = None, **check: Any) -> Finding:
    """Return the finding on rows or ids that must be gone, of 300 training rows with these ids."""
    train, test = halves(300)
    train = train.assign(id=named)
    model = LogisticRegression(C=0.1).fit(train[COLUMNS], train["y"])
    if gone is not None:
        gone(train).to_csv(tmp_path / "gone.csv", index=False)
        check["rows"] = "gone.csv"
    told = policy({"check": "privacy.erasure", **check}, id="id")
    test = test.assign(id=[f"e{i}" for i in range(300)])
    return pytest_aipm.audit(told, model=model, data=test, train=train, root=tmp_path).findings[0]


@pytest.mark.parametrize("asked", [5, "5", "005", " 5 "])
@pytest.mark.parametrize(
    "ids",
    [
        list(range(300)),
        [str(i) for i in range(300)],
        [f"{i:03d}" for i in range(300)],
        [float(i) for i in range(300)],
        [f" {i}.0" for i in range(300)],
        pd.array([None, *range(1, 300)], dtype="Int64"),
        pd.Categorical([str(i) for i in range(300)]),
    ],
    ids=["whole", "text", "padded", "float", "blank", "missing", "category"],
)
def test_an_id_is_found_however_numbers_are_written(ids: Any, asked: Any, tmp_path: Path) -> None:
    finding = forgotten(ids, tmp_path, ids=[asked])
    assert (finding.verdict, finding.value) == ("fail", 1.0), finding.reason


@pytest.mark.parametrize(
    "gone",
    [
        lambda train: train[:5].assign(id=range(900, 905)),
        lambda train: train[:5].drop(columns="id"),
        lambda train: train[:5].drop(columns="id").round(dict.fromkeys(COLUMNS, 7)),
    ],
    ids=["other ids", "no ids", "rounded"],
)
def test_rows_that_were_given_other_ids_or_rounded_are_found(gone: Any, tmp_path: Path) -> None:
    finding = forgotten(list(range(300)), tmp_path, gone)
    assert (finding.verdict, finding.value) == ("fail", 1.0), finding.reason
    assert "5 among the training rows (by " in finding.reason
    assert "equal columns)" in finding.reason
