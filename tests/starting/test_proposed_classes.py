"""Which class is predicted and which is good for a person: never without saying why."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.starting.proposal import Said

N = 400
TWO = np.arange(N) // 3 % 2


@pytest.mark.parametrize(
    ("name", "no", "yes", "favorable"),
    [
        ("defaulted", 0, 1, 0),
        ("deny", "no", "yes", "no"),
        ("two_year_recid", 0, 1, 0),
        ("churn", False, True, False),
        ("approved", 0, 1, 1),
        ("income", "<=50K", ">50K", ">50K"),
        ("loan_status", "N", "Y", "Y"),
        ("risk", "good", "bad", "good"),
        ("status of class", "denied", "approved", "approved"),
        ("toxicity", "nontoxic", "toxic", "nontoxic"),
        ("class", "Not Graduate", "Graduate", "Graduate"),
        ("class", "Low", "High", "High"),
        ("y", 0, 1, 1),
    ],
)
def test_classes_are_read_from_their_own_names_and_the_columns(proposed, name, no, yes, favorable):
    found = proposed(**{name: [(no, yes)[each] for each in TWO]}, x=np.arange(N) * 1.0)
    assert found.label.column == name
    assert found.positive.value == yes
    assert found.favorable.value == favorable
    assert found.favorable.why
    assert found.favorable.doubt, "a person must always confirm who benefits"


def test_where_nothing_says_who_benefits_it_is_called_a_guess(proposed):
    assert "a guess" in proposed(target=TWO, x=np.arange(N) * 1.0).favorable.why


def test_scores_say_which_class_they_predict(proposed):
    score = np.where(TWO == 0, 0.8, 0.2) + np.arange(N) % 7 / 100
    found = proposed(probability=score, target=TWO)
    assert (found.positive.value, found.positive.doubt) == (0, True)
    assert "AUC 1.00" in found.positive.why
    assert proposed(probability=1 - score, target=TWO).positive.value == 1


def test_what_a_person_named_holds_and_is_in_no_doubt(proposed):
    found = proposed(Said(positive="0", favorable="1"), defaulted=TWO, x=np.arange(N) * 1.0)
    assert (found.positive.value, found.favorable.value) == (0, 1)
    assert not found.positive.doubt
    assert not found.favorable.doubt
