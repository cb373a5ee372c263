"""What could stand in a model's place: held to scikit-learn, and to what anybody can count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pytest_aipm.errors import CheckError, DataError
from pytest_aipm.evidence.baselines import by_line, by_majority, by_rule
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.linear import linear
from pytest_aipm.evidence.subject import Decision, Subject
from pytest_aipm.expressions import parse
from pytest_aipm.sources.data import open_data


def people(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(3000, 800, n),
            "debt": rng.exponential(500, n),
            "region": rng.choice(["north", "south", "west"], n),
        }
    )
    odds = (frame["income"] - 3000) / 500 - (frame["region"] == "west") + rng.logistic(size=n)
    return frame.assign(y=(odds > 0).astype(int), price=odds * 10 + 50, s=0.5)


def evidence(data: pd.DataFrame, train: pd.DataFrame | None = None, **subject) -> Evidence:
    shared = {
        "task": "binary",
        "label": "y",
        "positive": 1,
        "favorable": 1,
        "scores": "s",
        "decision": Decision(0.5, "above"),
        "features": ("income", "debt", "region"),
    }
    whole = {**shared, **subject}
    return Evidence(
        Subject(**whole),
        open_data(data, root=Path()),
        train=None if train is None else open_data(train, root=Path()),
        keep_rows=True,
        need_label=True,
    )


REGRESSION = {
    "task": "regression",
    "label": "price",
    "positive": None,
    "favorable": None,
    "decision": None,
    "scores": None,
    "predictions": "s",
}


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_line_is_that_of_scikit_learn(task: str) -> None:
    data, train = people(300, 1), people(500, 2)
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["income", "debt"]), ("t", OneHotEncoder(), ["region"])]
    )
    if task == "binary":
        ours = linear(evidence(data, train)).said
        made = make_pipeline(columns, LogisticRegression(tol=1e-10, max_iter=1000))
        theirs = made.fit(train, train["y"]).predict_proba(data)[:, 1]
    else:
        ours = linear(evidence(data, train, **REGRESSION)).said
        theirs = make_pipeline(columns, Ridge()).fit(train, train["price"]).predict(data)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_a_line_takes_rows_as_they_come() -> None:
    data, train = people(200, 3), people(400, 4)
    data.loc[:20, "income"] = np.nan
    data.loc[30:40, "debt"] = np.inf
    data.loc[50:60, "region"] = "east"
    data.loc[70:80, "region"] = None
    train.loc[:50, "debt"] = np.nan
    for frame in (data, train):
        frame["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(frame)), "D")
        frame["nothing"] = None
        frame["flag"] = frame["debt"] > 100
    names = ("income", "debt", "region", "when", "nothing", "flag")
    first, again = (linear(evidence(data, train, features=names)).said for _ in range(2))
    assert np.isfinite(first).all()
    assert first.tolist() == again.tolist()
    assert len(first) == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t[t["y"] == 1], "hold one class of 'y' only"),
        (lambda t: t.assign(y=t["y"].map({0: "no", 1: "yes"})), "written differently"),
        (lambda t: t.assign(y=t["y"].where(t["y"] == 1)), "missing value"),
        (lambda t: t.drop(columns="income"), "lack the feature column 'income'"),
        (lambda t: t.drop(columns="y"), "no column 'y'"),
        (lambda t: t.assign(income="x"), "holds texts in the training rows and numbers"),
    ],
)
def test_training_rows_that_teach_nothing_are_told(change, said: str) -> None:
    with pytest.raises(DataError, match=said):
        linear(evidence(people(50, 5), change(people(80, 6))))


def test_without_training_rows_there_is_no_line() -> None:
    with pytest.raises(DataError, match="needs the training rows"):
        linear(evidence(people(50, 5)))


def test_a_line_decides_as_the_policy_says() -> None:
    data, train = people(300, 7), people(600, 8)

    def decided(decision: Decision | None, **subject) -> np.ndarray:
        asked = evidence(data, train, decision=decision, **subject)
        found = by_line(asked, np.full(300, 0.5))
        assert found.positive is not None
        return found.positive

    chance = linear(evidence(data, train)).said
    assert (decided(None, scores=None, predictions="y") == (chance >= 0.5)).all()
    assert (decided(Decision(0.7, "above")) == (chance >= 0.7)).all()
    below = decided(Decision(0.3, "below"), favorable=0)
    assert (below == (chance >= 0.3)).all()
    best = decided(Decision(None, "above", top_k=0.2))
    assert best.sum() == 60
    assert chance[best].min() >= chance[~best].max()
    # a threshold on another scale says nothing of a chance
    margins = evidence(
        data.assign(s=np.linspace(-20, 20, 300)), train, decision=Decision(12.0, "above")
    )
    assert (by_line(margins, np.linspace(-20, 20, 300)).positive == (chance >= 0.5)).all()
    with pytest.raises(CheckError, match="rows of a query"):
        decided(Decision(None, "above", top_k=2, within="region"))


def test_one_answer_for_all_is_learned_from_the_training_rows() -> None:
    data = people(10, 9).assign(y=[0] * 4 + [1] * 6)
    label = data["y"].to_numpy()
    own = by_majority(evidence(data), label, middle=False)
    assert own.positive is not None
    assert own.positive.all()
    assert own.name == "always saying 1 (as most of these rows)"
    assert own.notes
    train = people(100, 10).assign(y=[1] * 30 + [0] * 70)
    other = by_majority(evidence(data, train), label, middle=False)
    assert other.positive is not None
    assert other.score is not None
    assert not other.positive.any()
    assert set(other.score) == {0.3}
    assert other.name == "never saying 1 (as most of the training rows)"
    assert not other.notes


def test_one_number_for_all_is_the_mean_or_the_median() -> None:
    data = people(4, 11)
    train = people(5, 12).assign(price=[1.0, 2, 3, 4, 90])
    for middle, value in ((True, 3.0), (False, 20.0)):
        said = by_majority(
            evidence(data, train, **REGRESSION), data["price"].to_numpy(), middle=middle
        )
        assert said.score is not None
        assert set(said.score) == {value}


def ruled(text: str, data: pd.DataFrame, **keys):
    told = {"predicts": "favorable", "otherwise": None, "scores": False, **keys}
    subject = told.pop("subject", {})
    return by_rule(evidence(data, **subject), parse(text), **told)


def test_a_rule_says_the_favorable_decision_or_the_positive_class() -> None:
    data = people(50, 13)
    high = (data["income"] > 3000).to_numpy()
    assert (ruled("income > 3000", data).positive == high).all()
    bad = {"favorable": 0}
    assert (ruled("income > 3000", data, subject=bad).positive == ~high).all()
    positive = ruled("income > 3000", data, subject=bad, predicts="positive")
    assert (positive.positive == high).all()
    assert (ruled("income", data, subject=bad, scores=True).score == -data["income"]).all()


def test_a_rule_without_an_answer_decides_otherwise() -> None:
    data = people(50, 14)
    data.loc[:9, "income"] = np.nan
    data.loc[10:14, "debt"] = 0.0
    said = ruled("income / debt > 2", data)
    assert said.positive is not None
    assert not said.positive[:15].any()
    (note,) = said.notes
    assert "no answer for 15 of 50 rows, 5 of them by a division by zero" in note
    assert note.endswith("it was taken for false there")
    turned = ruled("income / debt > 2", data, otherwise=True)
    assert turned.positive is not None
    assert turned.positive[:15].all()
    with pytest.raises(CheckError, match="gives no number for 15 of 50 rows"):
        ruled("income / debt", data, scores=True)
    filled = ruled("income / debt", data, scores=True, otherwise=-1.0)
    assert filled.score is not None
    assert set(filled.score[:15]) == {-1.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("income > 0", "says true of every row"),
        ("income < 0", "says false of every row"),
        ("true", "says true of every row"),
        ("gone > 3", "has no answer for any row"),
        ("income", "gives numbers, but the metric asks for decisions"),
        ("region", "neither true nor false"),
        ("y == 1", "uses the label"),
        ("s > 0.4", "uses the model's scores"),
    ],
)
def test_a_rule_that_tells_nothing_or_too_much_is_refused(text: str, said: str) -> None:
    data = people(30, 15).assign(gone=np.nan)
    with pytest.raises(CheckError, match=said):
        ruled(text, data)


def test_hostile_rules_stay_short_in_sentences() -> None:
    data = people(30, 16)
    text = "income > 3000 or region == '" + "<script>alert(1)</script>\n" * 60 + "'"
    said = ruled(text, data)
    assert len(said.name) < 80
    assert "\n" not in said.name
