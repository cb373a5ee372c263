"""Protected attributes by name and by values, bins of ages, unknown codes."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.starting.proposal import Said
from pytest_aipm.starting.words import attribute_by_name, attribute_by_values, parts

N = 400


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("SEX", "sex"),
        ("Gender", "sex"),
        ("male", "sex"),
        ("Geschlecht", "sex"),
        ("sexe", "sex"),
        ("race", "race"),
        ("RAC1P", "race"),
        ("afam", "race"),
        ("Ethnicity", "race"),
        ("age_cat", "age"),
        ("AGEP", "age"),
        ("PatientAge", "age"),
        ("personal_status", "marital status"),
        ("marital-status", "marital status"),
        ("Married", "marital status"),
        ("foreign_worker", "nationality"),
        ("native-country", "nationality"),
        ("is_disabled", "disability"),
        ("religion", "religion"),
        ("mileage", ""),
        ("account_age", ""),
        ("home.dest", ""),
        ("message", ""),
        ("trace_id", ""),
        ("employment", ""),
        ("zip", ""),
    ],
)
def test_an_attribute_is_known_by_the_words_of_its_name(name, attribute):
    assert attribute_by_name(name) == attribute


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        (["marié", "célibataire", "divorcé"], "marital status"),  # a column called `statut`
        (["Male", "Female", "?"], "sex"),
        (["Homme", "Femme"], "sex"),
        (["African-American", "Caucasian", "Hispanic", "Other"], "race"),
        (["Afr-Am", "Cauc", "Hispanic"], "race"),
        (["M", "F"], ""),  # felonies and misdemeanours are written so, too
        (["salarié", "chômeur"], ""),
        (["A91", "A92", "A93"], ""),
        ([0, 1], ""),
        ([], ""),
    ],
)
def test_an_attribute_is_known_by_its_values_where_they_are_words(values, attribute):
    assert attribute_by_values(values) == attribute


def test_names_are_split_into_words_and_phrases():
    assert parts("RiskScore_2")[:3] == ("risk", "score", "2")
    assert "prior count" in parts("priorCount")


def test_coded_groups_are_proposed_as_they_are(proposed):
    (sex,) = proposed(SEX=np.arange(N) % 2 + 1, target=np.arange(N) // 3 % 2).groups
    assert (sex.name, sex.groups, sex.sizes) == ("SEX", ("1", "2"), (200, 200))


def test_ages_are_cut_where_laws_do_as_far_as_people_are_on_both_sides(proposed):
    target = np.arange(N) // 3 % 2
    (age,) = proposed(age=18 + np.arange(N) % 60, target=target).groups
    assert age.bins == (25, 40, 60)
    assert age.labels == ("under 25", "25 to 39", "40 to 59", "60 and over")
    assert sum(age.sizes) == N
    (young,) = proposed(age=15 + np.arange(N) % 8, target=target).groups
    assert young.bins == (18,)
    (narrow,) = proposed(age=30 + np.arange(N) % 5, target=target).groups
    assert narrow.bins == (32,), "the median, where no usual line has people on both sides"


@pytest.mark.parametrize(
    ("age", "why"),
    [
        (np.arange(N) % 50 + 1950, "no ages in years"),
        (np.full(N, 41), "nearly all the same"),
        (-np.arange(N), "no ages in years"),
    ],
)
def test_what_is_no_age_is_left_out_and_it_is_said_why(proposed, age, why):
    found = proposed(age=age, target=np.arange(N) // 3 % 2)
    assert not found.groups
    assert why in found.others[0].left_out


def test_of_two_columns_for_one_attribute_the_ready_groups_are_proposed(proposed):
    age = 18 + np.arange(N) % 60
    bands = np.where(age < 40, "young", "old")
    found = proposed(age=age, age_cat=bands, target=np.arange(N) // 3 % 2)
    assert [each.column for each in found.groups] == ["age_cat"]
    assert [each.column for each in found.others] == ["age"]
    assert "same as 'age_cat'" in found.others[0].left_out


def test_many_groups_are_left_to_a_person(proposed):
    found = proposed(nationality=[f"n{i % 40}" for i in range(N)], target=np.arange(N) // 3 % 2)
    assert not found.groups
    assert "it has 40 groups" in found.others[0].left_out


def test_a_named_column_is_taken_whatever_it_is_called(proposed):
    target = np.arange(N) // 3 % 2
    said = Said(protected=("team", "amount"))
    found = proposed(said, team=np.arange(N) % 3, amount=np.arange(N) * 1.0, target=target)
    assert [(each.name, len(each.groups)) for each in found.groups] == [("team", 3), ("amount", 2)]
    assert not proposed(Said(protected=("none",)), sex=np.arange(N) % 2, target=target).attributes


def test_codes_of_unknown_are_no_groups(proposed):
    sex = np.where(np.arange(N) % 10 == 0, "?", np.where(np.arange(N) % 2 == 0, "f", "m"))
    found = proposed(sex=sex, target=np.arange(N) // 3 % 2)
    assert found.missing == ("?",)
    assert (found.groups[0].groups, found.groups[0].unknown) == (("m", "f"), 40)


def test_shares_of_very_small_groups_are_not_written(proposed):
    race = np.array(["A"] * (N - 3) + ["B"] * 3)
    (found,) = proposed(race=race, target=np.arange(N) // 3 % 2).groups
    assert found.described == "A, B; the smallest has fewer than 5 rows"
