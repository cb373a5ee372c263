"""Joint counts in two halves: what a row holds decides its half, not where it stands."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Split, evidence_of, subject_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_aipm.errors import CheckError, DataError
from pytest_aipm.evidence import slices
from pytest_aipm.evidence.slices import SliceCounts, halves, slice_counts
from pytest_aipm.evidence.subject import Attribute


def counted(frame, subject=None, columns=(), bins=None, *, keep_unknown=False, **needs):
    evidence = evidence_of(frame, subject or subject_of("sex", "race"), **needs)
    return slice_counts(evidence, columns, bins or {}, keep_unknown=keep_unknown)


def cells(counts: SliceCounts) -> Counter:
    """Rows by named values and outcome."""
    found: Counter = Counter()
    for codes, outcome, weight in zip(counts.codes, counts.outcome, counts.weight, strict=True):
        names = tuple(
            "" if code == 0 else values[code - 1]
            for code, values in zip(codes, counts.values, strict=True)
        )
        found[names, int(outcome)] += int(weight)
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 199), max_size=6))
def test_no_order_and_no_split_of_the_rows_changes_a_count(seed, cuts):
    rng = np.random.default_rng(seed)
    n = 200
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m", None], n),
            "race": rng.choice(["A", "B"], n),
            "x": rng.choice([0.5, 1.5, np.nan], n),
            "y": rng.integers(0, 2, n),
            "pred": rng.integers(0, 2, n),
        }
    )
    whole = counted(frame)
    other = counted(Split(frame.sample(frac=1, random_state=seed).reset_index(drop=True), cuts))
    for name in ("codes", "outcome", "weight"):
        assert np.array_equal(getattr(whole, name), getattr(other, name))
    assert (whole.columns, whole.values, whole.unknown) == (
        other.columns,
        other.values,
        other.unknown,
    )
    assert sum(cells(whole).values()) == n


def test_the_counts_are_those_of_the_rows(people):
    found = cells(counted(people, columns=["race", "sex"], keep_unknown=True))
    plain: Counter = Counter()
    for (names, outcome), weight in found.items():
        plain[names, outcome % 4] += weight
    named = people.fillna({"sex": "(unknown)", "race": "(unknown)"})
    rows = zip(named["race"], named["sex"], 2 * named["y"] + named["pred"], strict=True)
    assert plain == Counter(((race, sex), outcome) for race, sex, outcome in rows)


def test_a_rows_half_does_not_depend_on_what_a_model_says_of_it():
    n = 3000
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "x": rng.random(n),
            "y": rng.integers(0, 2, n),
            "pred": 0,
        }
    )
    subject = subject_of("sex", predictions="pred", favorable=0)
    first = cells(counted(frame, subject, ["sex"]))
    other = cells(counted(frame.assign(pred=1 - frame["y"]), subject, ["sex"]))
    by_half = [Counter(), Counter()]
    for total, found in zip(by_half, (first, other), strict=True):
        for (names, outcome), weight in found.items():
            total[names, outcome // 2] += weight
    assert by_half[0] == by_half[1]


def test_halves_are_even_also_among_rows_that_hold_the_same():
    for keys, counts in (
        (np.array([5], dtype=np.uint64), np.array([[2000, 2100]])),
        (np.arange(4000, dtype=np.uint64), np.ones((4000, 2), dtype=int)),
    ):
        second = halves(keys, counts, 0)
        assert ((second >= 0) & (second <= counts)).all()
        for decision in (0, 1):
            n = int(counts[:, decision].sum())
            assert binomtest(int(second[:, decision].sum()), n).pvalue > 0.001
        assert not np.array_equal(second, halves(keys, counts, 1))


def test_very_many_rows_fall_on_sides_a_part_at_a_time(monkeypatch):
    keys, counts = np.arange(30, dtype=np.uint64), np.arange(60).reshape(30, 2) * 7
    whole = halves(keys, counts, 0)
    monkeypatch.setattr(slices, "_AT_ONCE", 97)
    assert np.array_equal(halves(keys, counts, 0), whole)


def test_the_rows_of_one_person_stay_together_where_there_is_an_id(people):
    people["person"] = np.arange(len(people)) // 4
    people["half"] = people["person"].astype(str)
    subject = subject_of("sex", id="person", favorable=1)
    counts = counted(people, subject, ["half"])
    sides = Counter()
    for code, outcome in zip(counts.codes[:, 0], counts.outcome, strict=True):
        sides[int(code)] |= 1 << int(outcome) // 4
    assert set(sides.values()) == {1, 2}, "each person is on one side, and both have people"
    share = sum(side == 2 for side in sides.values()) / people["person"].nunique()
    assert 0.3 < share < 0.7
    shuffled = people.sample(frac=1, random_state=0).assign(s=0.0)
    assert cells(counted(people, subject, ["sex"])) == cells(counted(shuffled, subject, ["sex"]))


def test_a_missing_value_is_left_out_of_an_attribute_and_a_value_of_another_column(people):
    counts = counted(people, subject_of("sex"), ["sex", "race"])
    assert counts.values == (("f", "m"), ("(unknown)", "A", "B", "C"))
    assert counts.unknown == people["sex"].isna().sum()
    kept = counted(people, subject_of("sex"), ["sex", "race"], keep_unknown=True)
    assert kept.values[0] == ("(unknown)", "f", "m")
    assert kept.unknown == 0


def test_by_default_all_attributes_and_the_features_that_hold_groups_are_searched(people):
    people = pd.concat([people] * 2, ignore_index=True)
    n = len(people)
    people["age"] = np.arange(n) % 60
    people["children"] = np.arange(n) % 4
    people["note"] = [f"text {i}" for i in range(n)]
    people["country"] = "here"
    people["more"] = np.arange(n) * 0.5
    counts = counted(people, subject_of("sex"), bins={"more": (10.0, 50.0)})
    assert counts.columns == ("sex", "race", "children", "more")
    assert counts.values[3] == ("10 to <50", "<10", ">=50")
    assert counts.left_out == {
        "s": f"a number with {people['s'].nunique()} values",
        "age": "a number with 60 values",
        "note": "more than 200 values",
        "country": "one value only",
    }


@pytest.mark.parametrize(
    ("columns", "bins", "said"),
    [
        (["rase"], {}, "did you mean 'race'"),
        (["y"], {}, "is a label, a prediction or an id"),
        (["pred"], {}, "is a label, a prediction or an id"),
        (["s"], {}, "column 's' holds no groups: it has a number"),
        (["note"], {}, "column 'note' holds no groups: it has more than 200 values"),
        (["race"], {"s": (0.5,)}, "`bins` cuts 's', which is not searched"),
        (["sex"], {"sex": (0.5,)}, "`bins` cuts 'sex', which is a protected attribute"),
    ],
)
def test_a_column_that_cannot_be_searched_is_refused(people, columns, bins, said):
    people = pd.concat([people] * 2, ignore_index=True)
    people["note"] = [f"text {i}" for i in range(len(people))]
    with pytest.raises(CheckError, match=said):
        counted(people, subject_of("sex"), columns, bins)


def test_an_attribute_with_too_many_values_is_told_at_its_own_line(people):
    people["age"] = np.arange(len(people)) % 90
    crowded = Attribute("age_group", "age", line=7)
    with pytest.raises(CheckError, match=r"policy.yaml:7: .*a number with 90 values"):
        counted(people, subject_of(crowded), ["age_group"])
    cut = Attribute("age_group", "age", bins=(30.0, 60.0))
    assert len(counted(people, subject_of(cut), ["age_group"]).values[0]) == 3


def test_bins_of_a_text_and_lists_in_a_column_are_refused(people):
    with pytest.raises(DataError, match="not numeric"):
        counted(people, subject_of("sex"), ["race"], {"race": (1.0,)})
    people["tags"] = [["a"]] * len(people)
    with pytest.raises(DataError, match="lists or mappings"):
        counted(people, subject_of("sex"), ["tags"])


def test_there_must_be_something_to_search():
    frame = pd.DataFrame({"y": [0, 1], "pred": [0, 1]})
    with pytest.raises(CheckError, match="nothing to search"):
        counted(frame, subject_of())
