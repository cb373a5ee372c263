"""Any model is asked in one way: a frame in, checked scores and labels out."""
# ruff: noqa: ARG001, ARG002, NPY002 - models ignore rows, and the global state is a subject here

import pickle
import random
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from pytest_aipm.sources.model import ModelSpec, Prediction, open_model
from pytest_aipm.sources.trust import Trust


@pytest.fixture
def rows():
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(60, 3)), columns=["income", "debt", "age"])
    frame["repaid"] = np.where(frame["income"] - frame["debt"] > 0, "yes", "no")
    return frame


@pytest.fixture
def ask(tmp_path):
    def ask_(model, **how):
        return open_model(model, root=tmp_path, trusted=Trust(), **how)

    return ask_


X = ["income", "debt"]


def test_the_score_is_the_probability_of_the_positive_class(rows, ask):
    fitted = LogisticRegression().fit(rows[X], rows["repaid"])
    yes = ask(fitted, positive="yes").predict(rows)
    no = ask(fitted, positive="no").predict(rows)

    assert_array_equal(yes.scores, fitted.predict_proba(rows[X])[:, 1])
    assert_allclose(no.scores, 1 - yes.scores)
    assert_array_equal(yes.labels, fitted.predict(rows[X]))
    assert_array_equal(no.labels, yes.labels)
    assert yes.scores.dtype == np.float64


@pytest.mark.parametrize(("positive", "sign"), [("yes", 1), ("no", -1)])
def test_a_decision_function_grows_towards_the_positive_class(rows, ask, positive, sign):
    fitted = LinearSVC().fit(rows[X], rows["repaid"])
    model = ask(fitted, positive=positive)

    assert model.score_kind == "decision_function"
    assert_array_equal(model.predict(rows).scores, sign * fitted.decision_function(rows[X]))


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("auto", "probability"),
        ("probability", "probability"),
        ("decision_function", "decision_function"),
        ("label", None),
    ],
)
def test_the_policy_may_say_which_method_speaks(rows, ask, output, kind):
    fitted = LogisticRegression().fit(rows[X], rows["repaid"])
    model = ask(fitted, positive="yes", output=output)
    prediction = model.predict(rows)

    assert model.score_kind == kind
    assert (prediction.scores is None) == (kind is None)
    assert_array_equal(prediction.labels, fitted.predict(rows[X]))


def test_labels_can_be_left_out_where_scores_are_enough(rows, ask):
    model = ask(LogisticRegression().fit(rows[X], rows["repaid"]), positive="yes")

    assert model.predict(rows, labels=False).labels is None
    assert model.predict(rows, labels=False).scores is not None
    only = ask(LinearRegression().fit(rows[X], rows["debt"]), positive=1)
    assert only.predict(rows, labels=False).labels is not None, "labels are all that it has"


def test_a_regression_s_scores_are_its_predictions(rows, ask):
    fitted = LinearRegression().fit(rows[X], rows["age"])
    model = ask(fitted, task="regression")
    prediction = model.predict(rows)

    assert_array_equal(prediction.scores, fitted.predict(rows[X]))
    assert (prediction.labels, model.score_kind, model.classes) == (None, "value", None)


@pytest.mark.parametrize(
    ("function", "scores", "labels"),
    [
        (lambda frame: frame["income"], True, False),
        (lambda frame: frame["income"] > 0, False, True),
        (lambda frame: (frame["income"] > 0).astype(int).tolist(), False, True),
        (lambda frame: np.where(frame["income"] > 0, "yes", "no"), False, True),
        (lambda frame: frame[["income"]].to_numpy(), True, False),
    ],
    ids=["series", "booleans", "list of integers", "texts", "one column"],
)
def test_a_function_gives_scores_when_it_returns_floats_and_labels_otherwise(
    rows, ask, function, scores, labels
):
    prediction = ask(function).predict(rows)

    assert (prediction.scores is not None, prediction.labels is not None) == (scores, labels)
    values = prediction.scores if scores else prediction.labels
    assert values.shape == (60,)


def test_a_function_can_be_told_what_it_gives(rows, ask):
    ones = lambda frame: np.ones(len(frame))  # noqa: E731

    assert ask(ones, output="label").predict(rows).labels.tolist() == [1.0] * 60
    assert ask(ones, output="probability").predict(rows).scores.tolist() == [1.0] * 60
    assert ask(ones, task="regression").predict(rows).scores.tolist() == [1.0] * 60


def test_an_object_with_predict_alone_gives_labels(rows, ask):
    class Rule:
        def predict(self, frame):
            return ["yes" if income > 0 else "no" for income in frame["income"]]

        def __call__(self, frame):
            raise AssertionError("predict is asked first")

    model = ask(Rule())
    prediction = model.predict(rows)

    assert (model.ref, model.kind, model.sha256) == ("Rule", "object", None)
    assert prediction.scores is None
    assert set(prediction.labels) == {"yes", "no"}


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: make_pipeline(StandardScaler(), LogisticRegression()).fit(
            rows[X], rows["repaid"]
        ),
        lambda rows: GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2).fit(
            rows[X], rows["repaid"]
        ),
        lambda rows: RandomForestClassifier(2, random_state=0).fit(rows[X], rows["repaid"]),
    ],
    ids=["pipeline", "search", "forest"],
)
def test_the_model_gets_the_columns_it_was_fitted_on_in_its_order(rows, ask, make):
    fitted = make(rows)
    model = ask(fitted, positive="yes")

    assert (model.features, model.classes) == (("income", "debt"), ("no", "yes"))
    shuffled = rows[["age", "debt", "repaid", "income"]]
    assert_array_equal(model.predict(shuffled).scores, fitted.predict_proba(rows[X])[:, 1])


def test_names_of_the_first_step_serve_when_the_pipeline_has_none(ask):
    class First:
        feature_names_in_ = np.array(["a", "b"])

    class Home:
        def __init__(self):
            self.steps = [("first", First())]

        def predict(self, frame):
            return list(frame["b"])

    frame = pd.DataFrame({"b": [1], "c": [2], "a": [3]})
    assert ask(Home()).features == ("a", "b")
    assert ask(Home()).predict(frame).labels.tolist() == [1]


def test_a_model_without_names_gets_all_columns_it_is_given(rows, ask):
    fitted = LinearRegression().fit(rows[X].to_numpy(), rows["age"])
    model = ask(fitted, task="regression")

    assert model.features is None
    assert_allclose(model.predict(rows[X]).scores, fitted.predict(rows[X].to_numpy()))


def test_the_model_sees_rows_numbered_from_0_whatever_the_batch(rows, ask):
    seen = []

    def watch(frame):
        seen.append(list(frame.index))
        return pd.concat([frame["income"], pd.Series(np.zeros(len(frame)))], axis=1)[0]

    assert ask(watch).predict(rows.iloc[40:43]).scores.tolist() == [0.0] * 3
    assert seen == [[0, 1, 2]]


def test_neither_frame_nor_model_nor_random_states_change(rows, ask):
    class Careless:
        def predict(self, frame):
            frame["income"] = 0.0
            del frame["debt"]
            np.random.seed(1)
            random.seed(1)
            return frame["income"] + np.random.random() + random.random()

    fitted = LogisticRegression().fit(rows[X], rows["repaid"])
    before, model_before = rows.copy(deep=True), pickle.dumps(fitted)
    np.random.seed(7)
    random.seed(7)
    numpy, python = np.random.get_state()[1].tolist(), random.getstate()
    ask(fitted, positive="yes").predict(rows)
    ask(Careless(), task="regression").predict(rows)

    assert_frame_equal(rows, before)
    assert pickle.dumps(fitted) == model_before
    assert np.random.get_state()[1].tolist() == numpy
    assert random.getstate() == python


def test_a_model_that_draws_random_numbers_gives_the_same_ones_each_time(rows, ask):
    model = ask(lambda frame: np.random.random(len(frame)))
    first = model.predict(rows).scores
    np.random.random(3)

    assert_array_equal(model.predict(rows).scores, first)


def test_warnings_are_recorded_once_and_never_raised(rows, ask):
    def noisy(frame):
        warnings.warn("this will change\nsome day", FutureWarning, stacklevel=1)
        return np.log(frame["income"].to_numpy() * 0 + 0.0) * 0 + 1.0 if False else frame["income"]

    model = ask(noisy)
    model.predict(rows)
    model.predict(rows)

    assert model.warnings == ["FutureWarning: this will change"]


def test_another_bit_generator_is_put_back_too(rows, ask):
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.PCG64(3))
    try:
        state = np.random.get_state(legacy=False)
        ask(lambda frame: np.random.random(len(frame))).predict(rows)
        assert np.random.get_state(legacy=False) == state
    finally:
        np.random.set_bit_generator(before)


def test_no_rows_give_no_values_without_asking(ask):
    def never(frame):
        raise AssertionError

    nothing = ask(never, task="regression").predict(pd.DataFrame({"x": []}))
    assert isinstance(nothing, Prediction)
    assert nothing.scores.shape == (0,)


def test_rounding_errors_of_calibrated_probabilities_are_cut_off(rows, ask):
    scores = ask(lambda frame: np.full(len(frame), 1 + 1e-12), output="probability").predict(rows)

    assert scores.scores.max() == 1.0


def test_a_factory_gives_a_model(tmp_path, rows):
    (tmp_path / "model_maker.py").write_text(
        "def make():\n    return lambda frame: frame['income'] * 1.0\n"
    )
    model = open_model(
        ModelSpec(factory="model_maker:make"), root=tmp_path, trusted=Trust(), task="regression"
    )

    assert (model.ref, model.kind) == ("model_maker:make", "factory")
    assert (model.sha256, model.trusted_by) == (None, "factory named in the policy")
    assert_array_equal(model.predict(rows).scores, rows["income"])


def test_numbers_and_booleans_that_are_equal_name_the_same_class(rows, ask):
    fitted = LogisticRegression().fit(rows[X], rows["repaid"] == "yes")

    assert_array_equal(
        ask(fitted, positive=1).predict(rows).scores,
        ask(fitted, positive=True).predict(rows).scores,
    )
