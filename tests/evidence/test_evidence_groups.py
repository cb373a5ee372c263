"""Groups are named, binned, ordered and required as the policy says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_samples import evidence_of, subject_of

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.subject import MAX_LEVELS, Attribute, group_name

AGE = Attribute("age", "age", bins=(25, 40, 62), labels=("young", "mid", "senior", "old"), line=9)


def ages(*values: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"age": values, "y": np.arange(len(values)) % 2, "pred": np.arange(len(values)) % 2}
    )


def sizes(frame: pd.DataFrame, attribute: Attribute, unknown: str = "report") -> dict[str, int]:
    counts = evidence_of(frame, subject_of(attribute)).counts((attribute.name,), unknown)
    return dict(zip(counts.grouping.names, counts.sizes.tolist(), strict=True))


class TestBins:
    def test_a_cut_point_belongs_to_the_interval_it_opens(self) -> None:
        frame = ages(24.999, 25, 39, 40, 61, 62, 90)
        assert sizes(frame, AGE) == {"young": 1, "mid": 2, "senior": 2, "old": 2}

    def test_infinite_ages_are_at_the_ends_and_missing_ones_unknown(self) -> None:
        frame = ages(-np.inf, np.inf, np.nan, 30.0)
        assert sizes(frame, AGE, "group") == {"young": 1, "mid": 1, "old": 1, "(unknown)": 1}

    def test_without_labels_intervals_are_named_by_their_ends(self) -> None:
        bare = Attribute("age", "age", bins=(25, 40.5))
        assert list(sizes(ages(20, 30, 41), bare)) == ["<25", "25 to <40.5", ">=40.5"]

    def test_intervals_keep_their_order_whatever_the_alphabet_says(self) -> None:
        assert list(sizes(ages(70, 50, 30, 20), AGE)) == ["young", "mid", "senior", "old"]

    @pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64", "int8"])
    def test_any_number_will_do(self, dtype: str) -> None:
        frame = ages(20, 30, 50).astype({"age": dtype})
        assert list(sizes(frame, AGE).values()) == [1, 1, 1]

    def test_text_is_refused_with_the_line_that_declares_the_bins(self) -> None:
        with pytest.raises(DataError, match="column 'age' is not numeric; remove the bins"):
            sizes(ages("old", "young"), AGE)


class TestNames:
    @pytest.mark.parametrize(
        ("value", "name"),
        [
            (1.0, "1"),
            (1.5, "1.5"),
            (np.int64(3), "3"),
            (np.float32(2), "2"),
            (True, "true"),
            (np.bool_(False), "false"),
            ("", "(empty)"),
            ("  ", "(empty)"),
            (" f", " f"),
            ("NO", "NO"),
        ],
    )
    def test_a_value_is_named_as_a_policy_writes_it(self, value: object, name: str) -> None:
        assert group_name(value) == name

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series(["f", "m", "f", None]),
            pd.Series(["f", "m", "f", None], dtype=object),
            pd.Series(["f", "m", "f", None], dtype="category"),
            pd.Series(["f", "m", "f", pd.NA], dtype="string"),
        ],
        ids=["text", "object", "category", "string"],
    )
    def test_texts_of_every_kind_are_the_same_groups(self, column: pd.Series) -> None:
        frame = pd.DataFrame({"sex": column, "y": [0, 1, 0, 1], "pred": [0, 1, 1, 0]})
        found = sizes(frame, Attribute("sex", "sex"), "group")
        assert found == {"f": 2, "m": 1, "(unknown)": 1}

    def test_a_category_that_nobody_is_in_is_no_group(self) -> None:
        column = pd.Categorical(["f", "m"], categories=["f", "m", "x"])
        frame = pd.DataFrame({"sex": column, "y": [0, 1], "pred": [0, 1]})
        assert sizes(frame, Attribute("sex", "sex")) == {"f": 1, "m": 1}

    def test_numbers_with_gaps_are_named_without_a_point(self) -> None:
        frame = pd.DataFrame({"sex": [1.0, 2.0, np.nan], "y": [0, 1, 1], "pred": [0, 1, 1]})
        assert sizes(frame, Attribute("sex", "sex"), "group") == {"1": 1, "2": 1, "(unknown)": 1}

    def test_half_a_character_is_named_by_its_number(self) -> None:
        assert group_name("caf\udce9") == "caf\\udce9"

    @pytest.mark.parametrize("values", [[["f"], ["m"]], [{"a": 1}, {"a": 2}]])
    def test_lists_and_mappings_are_no_groups(self, values: list) -> None:
        frame = pd.DataFrame({"sex": values, "y": [0, 1], "pred": [0, 1]})
        with pytest.raises(DataError, match="holds lists or mappings; name a column"):
            sizes(frame, Attribute("sex", "sex"))


class TestDeclaredGroups:
    FRAME = pd.DataFrame({"race": ["B", "A", "D"], "y": [0, 1, 1], "pred": [0, 1, 1]})

    def test_come_first_and_in_their_order(self) -> None:
        declared = Attribute("race", "race", groups=("D", "A"))
        assert list(sizes(self.FRAME, declared)) == ["D", "A", "B"]

    def test_one_that_is_absent_is_an_error_with_its_line(self) -> None:
        declared = Attribute("race", "race", groups=("A", "C"), line=12)
        with pytest.raises(DataError) as caught:
            sizes(self.FRAME, declared)
        assert str(caught.value) == (
            "policy.yaml:12: declared group 'C' of attribute 'race' does not occur (found: A, B, "
            "D); correct the spelling, add such rows, or list it under `optional:`"
        )

    def test_unless_it_is_optional(self) -> None:
        declared = Attribute("race", "race", groups=("A", "C"), optional=("C",))
        assert list(sizes(self.FRAME, declared)) == ["A", "B", "D"]

    def test_a_group_whose_other_attribute_is_unknown_is_not_absent(self) -> None:
        frame = self.FRAME.assign(sex=["f", "f", None])
        declared = Attribute("race", "race", groups=("A", "D"))
        evidence = evidence_of(frame, subject_of(declared, "sex"))
        counts = evidence.counts(("race", "sex"))
        assert counts.grouping.keys == (("A", "f"), ("B", "f"))
        assert counts.unknown == 1


class TestIdentifiers:
    @pytest.mark.parametrize("n", [MAX_LEVELS + 1, 10_000])
    def test_an_attribute_of_very_many_values_is_refused_in_one_line(self, n: int) -> None:
        frame = pd.DataFrame({"person": np.arange(n), "y": np.arange(n) % 2, "pred": 1})
        declared = Attribute("person", "person", line=7)
        with pytest.raises(DataError) as caught:
            sizes(frame, declared)
        assert str(caught.value) == (
            "policy.yaml:7: attribute 'person' (column 'person') has more than 200 values; those "
            "are no groups; declare `bins:` for a number, or name a column that holds groups"
        )

    def test_its_cells_are_not_kept_one_by_one(self) -> None:
        n = 50_000
        frame = pd.DataFrame({"person": np.arange(n), "y": np.arange(n) % 2, "pred": 1})
        evidence = evidence_of(frame, subject_of("person"))
        assert len(evidence.tally.counts) == 1

    def test_other_attributes_are_judged_all_the_same(self) -> None:
        frame = pd.DataFrame({"person": np.arange(500), "y": np.arange(500) % 2, "pred": 1})
        frame["sex"] = np.where(frame["person"] < 100, "f", "m")
        counts = evidence_of(frame, subject_of("person", "sex")).counts(("sex",))
        assert counts.sizes.tolist() == [100, 400]

    def test_two_hundred_values_are_still_groups(self) -> None:
        frame = pd.DataFrame({"town": np.arange(400) % 200, "y": np.arange(400) % 2, "pred": 1})
        assert set(sizes(frame, Attribute("town", "town")).values()) == {2}


def test_a_group_of_one_row_is_a_group() -> None:
    frame = pd.DataFrame({"sex": ["f"] * 5 + ["m"], "y": [0, 1] * 3, "pred": [1] * 5 + [0]})
    assert sizes(frame, Attribute("sex", "sex")) == {"f": 5, "m": 1}
