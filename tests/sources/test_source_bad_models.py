"""Models that cannot be audited are refused in one line: what, which rows, how to mend."""
# ruff: noqa: ARG001, ARG002 - bad models ignore what they are given

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from pytest_aipm.errors import ModelError
from pytest_aipm.sources.model import ModelSpec, open_model
from pytest_aipm.sources.trust import Trust

WHERE = {"path": "p.aipm.yaml", "line": 6}
FRAME = pd.DataFrame({"income": [1.0, 2.0, 3.0], "debt": [0.0, 1.0, 0.0]}, index=range(500, 503))
Y = [0, 1, 1]


class Classifier:
    """A model of two classes that returns what it is told."""

    def __init__(self, result, classes=(0, 1)) -> None:
        self.result = result
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def predict_proba(self, frame):
        return self.result


def refused(tmp_path, model, message, frame=FRAME, **how):
    how = {"positive": 1, **how}
    with pytest.raises(ModelError) as caught:
        open_model(model, root=tmp_path, trusted=Trust(), where=WHERE, **how).predict(frame)
    assert "\n" not in str(caught.value)
    assert str(caught.value) == f"p.aipm.yaml:6: {message}"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            np.zeros((2, 2)),
            "returned 2 values for 3 rows (rows 501 to 503); return one value a row",
        ),
        (
            np.zeros((3, 1)),
            (
                "returned the shape (3, 1) (rows 501 to 503); "
                "return 3 rows with one column for each class"
            ),
        ),
        (
            np.zeros(3),
            (
                "returned the shape (3,) (rows 501 to 503); return 3 rows with one "
                "column for each class"
            ),
        ),
        (
            np.array([[0, 1], [0, np.nan], [0, np.inf]]),
            (
                "returned NaN or infinity in 2 rows, first in row 502 (rows 501 to 503); "
                "mend the model, or fill missing features in its pipeline"
            ),
        ),
        (
            np.array([[0, 1], [0, 1], [0, 1.5]]),
            (
                "returned 1 scores outside [0, 1], first in row 503 (rows 501 to 503); "
                "use output: decision_function"
            ),
        ),
        (
            np.array([["a", "b"]] * 3),
            "returned no numbers (ValueError: could not convert string to float: ",
        ),
        (None, "returned a single NoneType (rows 501 to 503); return one value a row"),
        (
            [[0, 1], [0], [1]],
            "returned no array (ValueError: setting an array element with a sequence.",
        ),
    ],
)
def test_what_a_model_returns_is_checked_before_anyone_counts_with_it(tmp_path, result, message):
    model = open_model(Classifier(result), root=tmp_path, trusted=Trust(), positive=1, where=WHERE)
    with pytest.raises(ModelError) as caught:
        model.predict(FRAME)
    text = str(caught.value)
    assert text.startswith(f"p.aipm.yaml:6: model Classifier: predict_proba {message}")
    assert "(rows 501 to 503); " in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (["a", None, "b"], "returned 1 missing labels, first in row 502 (rows 501 to 503); "),
        (
            np.zeros((3, 2), int),
            (
                "returned 2 values for each row, but one output is audited at a time "
                "(rows 501 to 503); return the shape (3,)"
            ),
        ),
        (
            pd.Series([1, 2, 3], index=[2, 1, 0]),
            "returned the rows in another order (rows 501 to 503); ",
        ),
        ("yes", "returned a single str (rows 501 to 503); return one value a row"),
    ],
)
def test_labels_are_checked_too(tmp_path, result, message):
    model = open_model(lambda _: result, root=tmp_path, trusted=Trust(), where=WHERE)
    with pytest.raises(ModelError) as caught:
        model.predict(FRAME)
    assert str(caught.value).startswith(f"p.aipm.yaml:6: model <lambda>: the function {message}")


def test_a_model_that_raises_is_named_with_the_first_line_and_the_rows(tmp_path):
    def breaks(frame):
        raise RuntimeError("device lost\nsecond line")

    refused(
        tmp_path,
        breaks,
        "model breaks: the function raised RuntimeError: device lost (rows 501 to 503); "
        "ask it about these rows outside the audit",
    )


def test_a_model_that_exits_is_an_error_like_any_other(tmp_path):
    def leaves(frame):
        raise SystemExit(0)

    refused(
        tmp_path,
        leaves,
        "model leaves: the function raised SystemExit: 0 (rows 501 to 503); "
        "ask it about these rows outside the audit",
    )


def test_a_model_that_needs_a_missing_module_says_which(tmp_path):
    def needs(frame):
        import not_installed_anywhere.sub  # noqa: F401

    refused(
        tmp_path,
        needs,
        "model needs: the function raised ModuleNotFoundError: "
        "No module named 'not_installed_anywhere' (rows 501 to 503); "
        "install not_installed_anywhere",
    )


def test_a_model_that_was_never_fitted_says_so(tmp_path):
    with pytest.raises(ModelError, match="predict raised NotFittedError: This LinearRegression"):
        open_model(LinearRegression(), root=tmp_path, trusted=Trust(), task="regression").predict(
            FRAME
        )


def test_missing_features_are_named_with_did_you_mean(tmp_path):
    fitted = LogisticRegression().fit(FRAME, Y)
    refused(
        tmp_path,
        fitted,
        "model LogisticRegression needs columns the data lack: 'income'; did you mean 'incme'?",
        frame=FRAME.rename(columns={"income": "incme"}),
    )
    refused(
        tmp_path,
        fitted,
        "model LogisticRegression needs columns the data lack: 'income', 'debt'; the data have zzz",
        frame=pd.DataFrame({"zzz": [1]}),
    )


def test_a_model_without_names_is_not_given_a_wrong_number_of_columns(tmp_path):
    refused(
        tmp_path,
        LogisticRegression().fit(FRAME[["income"]].to_numpy(), Y),
        "model LogisticRegression was fitted on 1 columns without names; "
        "it would get 2: income, debt; list its columns, in order, under subject.features",
    )


@pytest.mark.parametrize(
    ("positive", "y", "message"),
    [
        (
            "1",
            [0, 1, 1],
            (
                "model LogisticRegression does not know the positive class '1'; "
                "its classes are 0, 1: write positive as one of them"
            ),
        ),
        (
            1,
            ["0", "1", "1"],
            (
                "model LogisticRegression does not know the positive class 1; "
                "its classes are '0', '1': write positive as one of them"
            ),
        ),
        (
            None,
            [0, 1, 1],
            (
                "model LogisticRegression does not know the positive class None; "
                "its classes are 0, 1: write positive as one of them"
            ),
        ),
        (
            1,
            [0, 1, 2],
            (
                "model LogisticRegression knows 3 classes (0, 1, 2); the task is binary; "
                "audit a model of two classes"
            ),
        ),
    ],
)
def test_the_positive_class_must_be_one_of_the_model_s(tmp_path, positive, y, message):
    refused(tmp_path, LogisticRegression().fit(FRAME, y), message, positive=positive)


def test_columns_without_classes_are_ambiguous(tmp_path):
    refused(
        tmp_path,
        Classifier(None, classes=None),
        "model Classifier has predict_proba, but no list classes_ that says which column is which; "
        "set classes_ on it, or use output: label",
    )


@pytest.mark.parametrize(
    ("model", "how", "message"),
    [
        (
            42,
            {},
            (
                "model int is of type int: it cannot predict; "
                "give an object with predict_proba, decision_function, predict, or a "
                "function of a frame"
            ),
        ),
        (
            LogisticRegression,
            {},
            "model LogisticRegression is a class; give an object of it, fitted",
        ),
        (
            Classifier(None),
            {"output": "decision_function"},
            (
                "model Classifier has no decision_function, which output: "
                "decision_function asks for; "
                "it has predict_proba"
            ),
        ),
        (
            Classifier(None),
            {"output": "margin"},
            "output: margin is unknown; choose one of auto, probability, decision_function, label",
        ),
        (
            Classifier(None),
            {"task": "regression"},
            "model Classifier has no predict; give a regression model, or change the task",
        ),
        (
            LinearRegression(),
            {"task": "regression", "output": "label"},
            "output: label has no meaning for a regression; leave it out",
        ),
        (ModelSpec(), {}, "the model needs one source; give one of path and factory"),
        (
            ModelSpec(factory="a:b", sha256="0" * 64),
            {},
            (
                "sha256: has no meaning for the factory 'a:b', which is no file; "
                "remove sha256, or name a file"
            ),
        ),
        (
            ModelSpec(factory="a:b", trust=("c.D",)),
            {},
            (
                "trust: has no meaning for the factory 'a:b', which is no file; "
                "remove trust, or name a file"
            ),
        ),
    ],
)
def test_what_cannot_predict_is_refused_when_it_is_opened(tmp_path, model, how, message):
    refused(tmp_path, model, message, **how)


def test_a_reference_of_the_command_line_is_a_path_before_it_is_code(tmp_path):
    assert ModelSpec.parse("pkg.mod:make", tmp_path) == ModelSpec(factory="pkg.mod:make")
    assert ModelSpec.parse("models/m.pkl", tmp_path) == ModelSpec(path="models/m.pkl")
    (tmp_path / "mod:make").write_text("")
    assert ModelSpec.parse("mod:make", tmp_path) == ModelSpec(path="mod:make")


def test_a_factory_that_returns_junk_is_named(tmp_path):
    (tmp_path / "junk_model.py").write_text("def make():\n    return 'model.pkl'\n")
    refused(
        tmp_path,
        ModelSpec(factory="junk_model:make"),
        "model junk_model:make is of type str: it cannot predict; "
        "give an object with predict_proba, decision_function, predict, or a function of a frame",
    )


def test_properties_that_raise_are_taken_for_absent(tmp_path):
    class Touchy:
        @property
        def classes_(self):
            raise RuntimeError

        @property
        def feature_names_in_(self):
            warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
            raise RuntimeError

        @property
        def predict_proba(self):
            raise RuntimeError

        def predict(self, frame):
            return [1] * len(frame)

    model = open_model(Touchy(), root=tmp_path, trusted=Trust())

    assert (model.classes, model.features, model.score_kind) == (None, None, None)
    assert model.predict(FRAME).labels.tolist() == [1, 1, 1]
    assert model.warnings == ["DeprecationWarning: deprecated"]
