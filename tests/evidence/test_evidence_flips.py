"""Replacing an attribute changes that attribute, what is linked to it, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evidence_samples import evidence_of, subject_of

from pytest_aipm.errors import CheckError, DataError
from pytest_aipm.evidence.flips import flip, missing_inputs
from pytest_aipm.evidence.subject import Attribute


class Rule:
    """A model that is any rule over its columns, and remembers what it was shown."""

    def __init__(self, rule, *features: str) -> None:
        self.rule = rule
        self.feature_names_in_ = np.array(features, dtype=object)
        self.shown: list[pd.DataFrame] = []

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        self.shown.append(frame.copy())
        return np.asarray(self.rule(frame)).astype(int)


def people(n: int = 100) -> pd.DataFrame:
    half = np.arange(n) % 2
    return pd.DataFrame(
        {
            "sex": np.where(half == 0, "f", "m"),
            "age": 20 + np.arange(n) % 60,
            "veteran": half == 1,
            "title": np.where(half == 0, "Ms", "Mr"),
            "y": half,
        }
    )


def flips(frame: pd.DataFrame, model: Rule, *attributes, rows: int = 5000, linked=None):
    subject = subject_of(*attributes, predictions=None)
    evidence = evidence_of(frame, subject, model=model)
    names = tuple(each.name for each in subject.attributes)
    return flip(evidence, names, rows=rows, linked=linked or {})


def test_a_rule_on_the_attribute_flips_everyone_and_on_another_nobody() -> None:
    on_sex = flips(people(), Rule(lambda f: f["sex"] == "f", "sex", "age"), "sex")
    on_age = flips(people(), Rule(lambda f: f["age"] > 40, "sex", "age"), "sex")
    assert (on_sex.flipped, on_sex.n, on_age.flipped) == (100, 100, 0)
    assert on_sex.by_group.tolist() == on_sex.sizes.tolist() == [50, 50]
    assert on_sex.groups == ({"sex": "f"}, {"sex": "m"})


def test_nothing_but_the_attribute_is_changed() -> None:
    model = Rule(lambda f: f["sex"] == "f", "sex", "age", "veteran", "title")
    flips(people(), model, "sex")
    own, *others = model.shown
    assert {tuple(each["sex"].unique()) for each in others} == {("f",), ("m",)}
    for each in others:
        pd.testing.assert_frame_equal(each.drop(columns="sex"), own.drop(columns="sex"))
        assert (each.dtypes == own.dtypes).all()


@pytest.mark.parametrize(
    "column",
    [
        np.array([0, 1] * 50),
        np.array([0.0, 1.0] * 50),
        np.array([False, True] * 50),
        pd.Categorical(["a", "b"] * 50),
        pd.array([0, 1] * 50, dtype="Int64"),
        pd.Series([0, 1] * 50, dtype=object),
    ],
    ids=["int", "float", "bool", "category", "Int64", "object"],
)
def test_the_type_of_the_column_is_kept(column: object) -> None:
    frame = people().assign(sex=column)
    first = frame["sex"].iloc[0]
    model = Rule(lambda f: f["sex"] == first, "sex", "age")
    assert flips(frame, model, "sex").flipped == 100
    assert len({each["sex"].dtype for each in model.shown}) == 1


def test_a_band_is_replaced_by_the_median_of_the_other_one_as_a_whole_number() -> None:
    bands = Attribute("age", "age", bins=(40,), labels=("young", "old"))
    model = Rule(lambda f: f["age"] >= 40, "sex", "age")
    found = flips(people(), model, bands)
    assert found.flipped == 100
    replaced = {int(each["age"].iloc[0]) for each in model.shown[1:]}
    age = people()["age"]
    assert replaced == {round(age[age < 40].median()), round(age[age >= 40].median())}


def test_another_age_of_the_same_band_is_no_other_group() -> None:
    bands = Attribute("age", "age", bins=(40,), labels=("young", "old"))
    found = flips(people(), Rule(lambda f: f["age"] >= 50, "sex", "age"), bands)
    age = people()["age"]
    # the median of the old is above 50, that of the young is not
    assert found.by_group.tolist() == [int((age < 40).sum()), int((age >= 50).sum())]
    assert [group["age"] for group in found.groups] == ["young", "old"]


def test_intersections_are_replaced_together() -> None:
    both = Rule(lambda f: (f["sex"] == "f") & (f["title"] == "Mr"), "sex", "title")
    assert flips(people(), both, "sex").flipped == 50
    together = flips(people(), both, "sex", "title")
    assert (together.levels, together.flipped) == (4, 100)


def test_people_whose_value_is_missing_are_tried_and_counted_apart() -> None:
    frame = people()
    frame.loc[:9, "sex"] = None
    found = flips(frame, Rule(lambda f: f["sex"] == "f", "sex"), "sex")
    assert (found.n, found.unknown, int(found.sizes.sum())) == (100, 10, 90)
    assert found.flipped == 100


def test_a_sample_is_of_that_size_and_says_of_how_many() -> None:
    model = Rule(lambda f: f["sex"] == "f", "sex", "age")
    found = flips(people(), model, "sex", rows=30)
    assert (found.n, found.rows, found.flipped) == (30, 100, 30)
    assert {len(each) for each in model.shown} == {30}


class TestLinkedColumns:
    def test_change_along(self) -> None:
        model = Rule(lambda f: f["title"] == "Ms", "sex", "title")
        swap = {"title": {"Ms": "Mr", "Mr": "Ms"}}
        assert flips(people(), model, "sex").flipped == 0
        assert flips(people(), model, "sex", linked=swap).flipped == 100

    @pytest.mark.parametrize(
        ("column", "mapping"),
        [
            (np.array([False, True] * 50), {"false": "true", "true": "false"}),
            (np.array([1, 2] * 50), {"1": "2", "2": "1"}),
            (np.array([1.0, 2.0] * 50), {"1": "2", "2": "1"}),
            (pd.Categorical(["a", "b"] * 50), {"a": "b", "b": "a"}),
        ],
        ids=["bool", "int", "float", "category"],
    )
    def test_are_named_as_policies_write_values(self, column: object, mapping: dict) -> None:
        frame = people().assign(title=column)
        first = frame["title"].iloc[0]
        model = Rule(lambda f: f["title"] == first, "sex", "title")
        assert flips(frame, model, "sex", linked={"title": mapping}).flipped == 100

    def test_that_cannot_hold_the_new_value_are_an_error(self) -> None:
        model = Rule(lambda f: f["age"] > 30, "sex", "age")
        with pytest.raises(CheckError, match="linked column 'age' cannot hold the values"):
            flips(people(), model, "sex", linked={"age": {"20": "twenty"}})

    def test_that_the_model_never_sees_are_an_error(self) -> None:
        model = Rule(lambda f: f["sex"] == "f", "sex")
        with pytest.raises(CheckError, match="linked column 'title' is not an input"):
            flips(people(), model, "sex", linked={"title": {"Ms": "Mr"}})


def test_an_attribute_that_is_no_input_is_named() -> None:
    evidence = evidence_of(
        people(), subject_of("sex", "age", predictions=None), model=Rule(lambda f: f["age"], "age")
    )
    assert missing_inputs(evidence, ("sex", "age")) == ["sex"]


def test_too_many_values_to_try_are_an_error() -> None:
    model = Rule(lambda f: f["age"] > 30, "sex", "age")
    with pytest.raises(CheckError, match="has 60 values to try on every row; at most 50"):
        flips(people(), model, "age")
    crowd = people(500).assign(age=np.arange(500))
    with pytest.raises(DataError, match="has more than 200 values"):
        flips(crowd, model, "age")


def test_rows_are_told_by_what_was_changed_in_them_and_only_where_rows_may_show() -> None:
    bands = Attribute("age_band", "age", bins=(40,), labels=("young", "old"))
    rule = Rule(lambda f: (f["title"] == "Mr") & (f["age"] >= 40), "age", "title", "sex")
    subject = subject_of("sex", bands, predictions=None)
    linked = {"title": {"Ms": "Mr", "Mr": "Ms"}}
    evidence = evidence_of(people(), subject, model=rule)
    silent = flip(evidence, ("age_band",), rows=5000, linked={})
    evidence.stated = replace(evidence.stated, rows=5)
    told = flip(evidence, ("age_band",), rows=5000, linked={})
    assert silent.examples == ()
    assert silent.flipped == told.flipped > 0
    assert {(c.column, c.before, c.after) for e in told.examples for c in e.changed} == {
        ("age_band", "young", "old"),  # never a person's own age
        ("age_band", "old", "young"),
    }
    both = flip(evidence, ("sex",), rows=5000, linked=linked)
    assert [[(c.column, c.before, c.after) for c in e.changed] for e in both.examples] == [
        [("sex", "f", "m"), ("title", "Ms", "Mr")],
        [("sex", "m", "f"), ("title", "Mr", "Ms")],
    ]
