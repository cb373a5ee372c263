"""Single columns read as models of the label; fitted parts and the rows they have seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_samples import evidence_of
from scipy.stats import spearmanr
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from pytest_aipm.errors import DataError
from pytest_aipm.evidence import leaks as leaks_module
from pytest_aipm.evidence.leaks import Leaks, leaks_in
from pytest_aipm.evidence.prefits import prefits_in
from pytest_aipm.evidence.subject import Subject


def read(frame: pd.DataFrame, task: str = "binary", **subject: object) -> Leaks:
    evidence = evidence_of(frame, Subject(task, label="y", **subject), need_decision=False)
    return leaks_in(evidence, evidence.data, [name for name in frame if name != "y"])


def value(found: Leaks, column: str, how: str) -> float:
    (each,) = [one for one in found.readings if (one.column, one.how) == (column, how)]
    return each.part.value


def test_the_order_of_a_column_is_read_as_scikit_learn_and_scipy_read_it():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    frame = pd.DataFrame({"x": np.round(rng.normal(size=400) + y, 1), "y": y})
    assert value(read(frame), "x", "order") == pytest.approx(roc_auc_score(y, frame["x"]), abs=1e-9)
    frame["x"] = -frame["x"]
    assert value(read(frame), "x", "order") == pytest.approx(
        1 - roc_auc_score(y, frame["x"]), abs=1e-9
    )
    frame["y"] = rng.normal(size=400) + frame["x"]
    found = value(read(frame, "regression"), "x", "order")
    assert found == pytest.approx(abs(spearmanr(frame["x"], frame["y"]).statistic), abs=1e-9)


def test_categories_are_read_by_the_labels_of_the_other_folds_alone(monkeypatch):
    """Brute force: for each row the mean label of its category outside its own fold."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 300)
    frame = pd.DataFrame({"c": rng.choice(list("abcde"), 300), "y": y})
    kept = {}
    original = leaks_module._Told.of.__func__

    def spied(cls, name, truth, keys, *, numbers):
        kept["told"] = original(cls, name, truth, keys, numbers=numbers)
        return kept["told"]

    monkeypatch.setattr(leaks_module._Told, "of", classmethod(spied))
    found = value(read(frame), "c", "categories")
    fold, truth = kept["told"].fold, kept["told"].truth
    assert [int(truth[fold == each].sum()) for each in range(5)] == pytest.approx(
        [truth.sum() / 5] * 5, abs=1
    )
    score = np.empty(300)
    for i in range(300):
        other = (fold != fold[i]) & (frame["c"] == frame["c"][i]).to_numpy()
        score[i] = (truth[other].sum() + 5 * truth.mean()) / (other.sum() + 5)
    expected = roc_auc_score(truth, np.round(score, 12))
    assert found == pytest.approx(max(expected, 0.5), abs=1e-9)


def test_what_is_missing_for_one_answer_alone_gives_it_away():
    y = np.arange(200) % 2
    frame = pd.DataFrame({"closed": np.where(y == 1, 5.0, np.nan), "y": y})
    assert value(read(frame), "closed", "bins") == 1.0
    frame["closed"] = pd.Series(pd.date_range("2026-01-01", periods=200)).where(y == 1)
    assert value(read(frame), "closed", "bins") == 1.0


def test_a_name_of_everybodys_own_and_a_column_of_nothing_tell_nothing():
    y = np.arange(300) % 2
    frame = pd.DataFrame({"own": [f"p{each}" for each in range(300)], "none": [None] * 300, "y": y})
    found = read(frame)
    assert value(found, "own", "categories") == 0.5
    assert found.unread == ("none",)


def test_a_hump_is_seen_though_its_order_tells_nothing():
    rng = np.random.default_rng(2)
    x = rng.normal(size=2000)
    found = read(pd.DataFrame({"x": x, "y": (np.abs(x) < 0.6).astype(int)}))
    assert value(found, "x", "order") < 0.6
    assert value(found, "x", "bins") > 0.95


def test_classes_of_several_are_told_from_the_rest_one_by_one():
    y = np.resize(np.array(["a", "b", "c"]), 300)
    found = read(pd.DataFrame({"x": (y == "b").astype(int), "y": y}), "multiclass")
    best = max(found.readings, key=lambda each: each.part.value)
    assert (best.of, best.part.value) == ("b", 1.0)


def test_the_same_seed_reads_the_same_and_global_random_state_is_left_alone():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"c": rng.choice(list("abc"), 200), "y": rng.integers(0, 2, 200)})
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is the subject
    assert read(frame) == read(frame)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_three_labels_of_a_binary_task_are_refused():
    frame = pd.DataFrame({"x": [1, 2, 3], "y": [0, 1, 2]})
    with pytest.raises(DataError, match="has 3 values, and `task: binary` has two"):
        read(frame)


# fitted parts


def rows(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(shift, 1, n), "b": rng.normal(size=n)})
    frame["c"] = rng.choice(["u", "v"] if shift == 0 else ["u", "v", "w"], n)
    frame.loc[rng.random(n) < 0.1, "b"] = np.nan
    return frame


def pipeline(scaler: object, imputer: object) -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(imputer, scaler), ["a", "b"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["c"]),
        ]
    )


TRAIN, TEST = rows(200, 0), rows(80, 1, shift=4.0)
BOTH = pd.concat([TRAIN, TEST], ignore_index=True)
LABEL = np.arange(280) % 2


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler(), PCA(1)]
)
@pytest.mark.parametrize("strategy", ["mean", "median"])
@pytest.mark.parametrize("seen", ["training", "both", "evaluation"])
def test_it_is_told_which_rows_each_step_has_seen(scaler, strategy, seen):
    fitted = {"training": TRAIN, "both": BOTH, "evaluation": TEST}[seen]
    steps = pipeline(scaler, SimpleImputer(strategy=strategy))
    model = make_pipeline(steps, LogisticRegression()).fit(fitted, LABEL[: len(fitted)])
    found = prefits_in(model, TRAIN, TEST)
    told = {each.name: each.of for each in found.parts}
    assert told["SimpleImputer"] == told[type(scaler).__name__] == seen
    assert told["OneHotEncoder"] in (seen, "both")  # the evaluation rows hold every category
    assert not found.unread


def test_the_most_frequent_value_tells_where_it_differs():
    words = [pd.DataFrame({"c": list(each)}) for each in ("uuuvv", "vvvv")]
    for seen, frame in (("training", words[0]), ("both", pd.concat(words))):
        imputer = SimpleImputer(strategy="most_frequent").fit(frame)
        (found,) = prefits_in(imputer, *words).parts
        assert (found.statistic, found.of) == ("statistics_", seen)


def test_members_of_an_ensemble_fitted_on_samples_tell_nothing():
    model = BaggingClassifier(
        make_pipeline(StandardScaler(), LogisticRegression()), 3, random_state=0
    ).fit(TRAIN[["a"]], LABEL[:200])
    found = prefits_in(model, TRAIN[["a"]], TEST[["a"]])
    assert {each.of for each in found.parts} <= {"others"}


def test_categories_that_are_the_same_with_and_without_tell_nothing():
    encoder = OrdinalEncoder().fit(TRAIN[["c"]])
    (found,) = prefits_in(encoder, TRAIN[["c"]], TRAIN[["c"]].head(10)).parts
    assert found.of == "either"


def test_statistics_of_another_meaning_are_left_aside():
    class Odd:
        def __init__(self) -> None:
            self.mean_ = "none"
            self.var_ = [[1.0, 2.0]]
            self.categories_ = 7

    found = prefits_in(Odd(), TRAIN[["a", "b"]], TEST[["a", "b"]])
    assert found.parts == ()
