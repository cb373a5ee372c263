"""Which column is taken for what: labels, what the model said, identifiers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.errors import OptionError
from pytest_aipm.starting.proposal import Said

N = 400
TWO = np.arange(N) // 3 % 2
YES_NO = np.where(TWO == 1, "yes", "no")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("y", TWO),
        ("target", TWO),
        ("class", np.where(TWO == 1, "High", "Low")),
        ("Label", TWO),
        ("default payment next month", TWO),
        ("two_year_recid", TWO),
        ("deny", YES_NO),
        ("income", np.where(TWO == 1, ">50K", "<=50K")),
        ("Loan_Status", np.where(TWO == 1, "Y", "N")),
        ("Churn", YES_NO),
        ("survived", TWO.astype(bool)),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_a_column_called_like_an_outcome_is_the_label_wherever_it_stands(
    proposed, name, values, last
):
    others = {"sex": np.where(np.arange(N) % 2 == 0, "f", "m"), "owns_car": YES_NO[::-1]}
    columns = {**others, name: values} if last else {name: values, **others}
    found = proposed(**columns, amount=np.arange(N) * 1.5)
    assert found.label is not None
    assert found.label.column == name
    assert found.task == "binary"


@pytest.mark.parametrize(
    ("model", "answer", "values", "task"),
    [
        ("predicted_days", "days", np.arange(N) * 1.5, "regression"),
        ("level_pred", "level", np.array(["a", "b", "c"])[np.arange(N) % 3], "multiclass"),
    ],
)
def test_what_the_prediction_is_named_after_is_the_label(proposed, model, answer, values, task):
    found = proposed(**{answer: values, "amount": np.arange(N) * 2.5, model: values[::-1]})
    assert (found.label.column, found.source, found.task) == (answer, "predictions", task)
    assert f"'{model}' is named after it" in found.label.why


def test_a_last_column_of_two_values_is_a_label_in_doubt(proposed):
    found = proposed(amount=np.arange(N) * 1.5, credit=TWO + 1)
    assert (found.label.column, found.label.doubt) == ("credit", True)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("prior_default", TWO),  # what came before
        ("label", [f"text number {i}" for i in range(N)]),
        ("target", ["same"] * N),
        ("outcome", pd.date_range("2024-01-01", periods=N)),
        ("sex", np.where(TWO == 1, "f", "m")),
        ("deny_score", TWO),  # what a model said
        ("amount", np.arange(N) * 1.5),
    ],
)
def test_what_is_no_outcome_is_never_taken_for_the_label(proposed, name, values):
    found = proposed(**{name: values}, last=[f"n{i % 40}" for i in range(N)])
    assert found.label is None


@pytest.mark.parametrize(
    ("name", "values", "source"),
    [
        ("predicted", TWO, "predictions"),
        ("y_pred", TWO, "predictions"),
        ("prediction", np.linspace(0, 1, N), "scores"),
        ("risk_score", np.arange(N) % 10 + 1, "scores"),
        ("score", TWO.astype(float), "predictions"),
        ("probability", np.linspace(0, 1, N), "scores"),
    ],
)
def test_what_the_model_said_is_found_by_its_name_and_told_apart_by_its_values(
    proposed, name, values, source
):
    found = proposed(**{name: values}, target=TWO)
    assert (found.source, found.said.column) == (source, name)


def test_of_two_outcomes_the_one_with_the_models_classes_is_the_label(proposed):
    found = proposed(approved=TWO, fraud=YES_NO, predicted=TWO)
    assert found.label.column == "approved"
    found = proposed(approved=TWO, fraud=YES_NO, predicted=YES_NO)
    assert found.label.column == "fraud"


def test_a_number_is_a_regression_and_its_predictions_are_numbers(proposed):
    found = proposed(predicted=np.arange(N) * 1.1, price=np.arange(N) * 1.0)
    assert (found.task, found.source, found.label.column) == ("regression", "predictions", "price")
    assert found.positive is None


def test_a_threshold_flags_as_many_rows_as_the_label_where_scores_are_no_probabilities(proposed):
    label = (np.arange(N) % 4 == 0).astype(int)
    score = np.arange(N) % 10 + 1 + 2 * label
    found = proposed(risk_score=score, target=label)
    above = (score >= found.threshold).mean()
    shares = [(score >= cut).mean() for cut in np.unique(score)]
    assert abs(above - label.mean()) == min(abs(share - label.mean()) for share in shares)
    assert proposed(probability=np.linspace(0, 1, N), target=label).threshold == 0.5


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"label": "defaulte"}, "no such column; did you mean 'defaulted'?"),
        ({"label": "person_id"}, "two classes, or is a number"),
        ({"label": "predicted", "predictions": "predicted"}, "is the column that is audited, too"),
        ({"predictions": "predicted", "model": "m.skops"}, "exclude each other"),
        ({"positive": "2"}, "--positive=2: no class of this name; classes: 0, 1"),
        ({"favorable": "yes"}, "--favorable=yes: no class of this name"),
        ({"protected": ("sx",)}, "did you mean 'sex'?"),
        ({"label": "defaulted", "protected": ("defaulted",)}, "has another role in this policy"),
        ({"task": "binry"}, "did you mean 'binary'?"),
        ({"label": "amount", "task": "binary"}, "holds numbers, "),
        ({"scores": "sex"}, "write --predictions=sex"),
        ({"predictions": "amount"}, "are these scores? write --scores=amount"),
        ({"name": "a b"}, "use letters, digits"),
        ({"label": "amount", "positive": "1", "predictions": "amount"}, "audited, too"),
        ({"label": "amount", "predictions": "age", "positive": "1"}, "a regression predicts a num"),
    ],
)
def test_what_was_named_and_cannot_be_is_refused_in_one_line(proposed, people, said, line):
    with pytest.raises(OptionError) as caught:
        proposed(Said(**said), **people)
    (text,) = str(caught.value).splitlines()
    assert line in text


@pytest.mark.parametrize("named", [None, "defaulted"])
def test_a_label_with_holes_is_refused_because_the_audit_would_refuse_it(proposed, people, named):
    holes = pd.Series(people["defaulted"]).astype("Int64").mask(np.arange(N) < 3)
    with pytest.raises(OptionError, match=r"--label=defaulted: 3 rows have no value; take these"):
        proposed(Said(label=named), **{**people, "defaulted": holes})


def test_three_classes_are_refused_while_no_audit_takes_them(proposed, people):
    from pytest_aipm.policy.grammar import TASKS

    three = {**people, "predicted": np.arange(N) % 3, "defaulted": np.arange(N) // 3 % 3}
    if "multiclass" in TASKS:
        assert proposed(**three).task == "multiclass"
    else:
        with pytest.raises(OptionError, match="'defaulted' has 3 classes; this version audits two"):
            proposed(**three)


def test_predictions_written_otherwise_than_the_label_are_refused(proposed, people):
    other = {**people, "defaulted": YES_NO}
    said = Said(label="defaulted", predictions="predicted")
    with pytest.raises(OptionError, match=r"its classes \(0, 1\) are not those of 'defaulted'"):
        proposed(said, **other)


def test_rows_are_told_apart_by_what_is_called_an_identifier(proposed, people):
    assert proposed(**people).id == "person_id"
    assert proposed(**{**people, "person_id": np.zeros(N)}).id == ""
