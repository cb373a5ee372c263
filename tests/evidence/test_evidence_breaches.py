"""Rows held against what is expected: which rule, how often, where first, and no value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Split
from pydantic import ValidationError

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.breaches import Breach, breaches_of
from pytest_aipm.evidence.expected import ColumnRule, ExpectedRows, read_expected
from pytest_aipm.sources.data import open_data


def broken(cells: object, *, cuts: tuple[int, ...] = (), **rule: object) -> list[Breach]:
    frame = pd.DataFrame({"c": cells})
    expected = ExpectedRows(columns={"c": ColumnRule(**rule)})
    return list(breaches_of(Split(frame, list(cuts)), expected))


@pytest.mark.parametrize(
    ("cells", "rule", "rows"),
    [
        ([1, 2, 3], {"type": "int"}, 0),
        ([1.0, np.nan, 3.0], {"type": "int"}, 0),
        ([1.5, np.nan, 3.0, np.inf], {"type": "int"}, 2),
        ([1.5, np.inf], {"type": "number"}, 0),
        ([True, False], {"type": "number"}, 2),
        ([True, False], {"type": "bool"}, 0),
        (pd.Series([True, None], dtype=object), {"type": "bool"}, 0),
        (["1", "2"], {"type": "number"}, 2),
        (["1", None], {"type": "text"}, 0),
        ([1, 2], {"type": "text"}, 2),
        (pd.Series([1, "a", 2.5, None], dtype=object), {"type": "number"}, 1),
        (pd.Series([1, "a", 2.5, None], dtype=object), {"type": "text"}, 2),
        (pd.Categorical(["a", "b"]), {"type": "category", "values": ("a",)}, 1),
        ([0.5, 1.0], {"type": "category"}, 1),
        ([1, 2, 3], {"values": (1, 2)}, 1),
        ([1.0, 2.0, np.nan], {"values": (1, 2)}, 0),
        ([True, False], {"values": (1, 0)}, 2),
        (["a", "b", None], {"values": ("a",)}, 1),
        ([5, 10, 15], {"min": 6, "max": 14}, None),
        (["x", "y"], {"min": 6.0}, 0),
        (pd.Series([5, "x", None], dtype=object), {"min": 6.0}, 1),
        (["AB1", "ab1", None], {"pattern": "[A-Z]{2}[0-9]"}, 1),
        ([12, 7], {"pattern": "[0-9]{2}"}, 1),
        ([12.0, np.nan], {"pattern": "[0-9]{2}"}, 0),
        ([None, None], {"type": "int", "nullable": False}, 2),
        ([None, None], {"type": "int", "min": 0, "values": (1,), "pattern": "x"}, 0),
        (["2026-01-31", "31.01.2026", "x"], {"type": "date"}, 2),
        (["2026-01-31T10:00", "2026-02-30"], {"type": "date"}, 1),
        (["31.01.2026", "2026-01-31"], {"type": "date", "format": "%d.%m.%Y"}, 1),
        (pd.to_datetime(["2026-01-31", None]), {"type": "date", "max": "2026-01-31"}, 0),
        (pd.to_datetime(["2026-01-31 23:00"]), {"type": "date", "max": "2026-01-31"}, 0),
        (pd.to_datetime(["2026-02-01"]), {"type": "date", "max": "2026-01-31"}, 1),
        (["2025-12-31", "2026-01-01"], {"type": "date", "min": "2026-01-01"}, 1),
        (["x" * 10_000], {"type": "date"}, 1),
        (pd.Series([[1], [2]], dtype=object), {"type": "text"}, 2),
        ([1, 1, 2, None, None], {"unique": True}, 2),
    ],
)
def test_each_rule_counts_the_rows_that_break_it(cells, rule, rows):
    found = broken(cells, **rule)
    if rows is None:
        assert [each.rows for each in found] == [1, 1]
    else:
        assert [each.rows for each in found] == [rows] * (rows > 0)


def test_the_first_row_is_told_whatever_the_batches():
    values = [1] * 50 + [-1] * 7
    for cuts in ((), (10,), (49, 50, 51)):
        (found,) = broken(values, cuts=cuts, min=0)
        assert (found.rows, found.first, found.what) == (7, 51, "values are below 0")


def test_dates_in_three_ways_are_named_without_a_date():
    (found,) = broken(["2026-01-31", "31.01.2026", "01/31/2026"], type="date")
    ways = "DD.MM.YYYY, DD/MM/YYYY or MM/DD/YYYY, YYYY-MM-DD"
    assert found.what.endswith(f"(dates are written in 3 ways: {ways})")
    assert found.rows == 2


def test_columns_keys_and_numbers_of_rows():
    frame = pd.DataFrame({"a": [1, 1], "b": [2, 2], "": [3, 3]})
    expected = ExpectedRows(
        columns={"a": ColumnRule(), "gone": ColumnRule(), "maybe": ColumnRule(required=False)},
        keys=(("a", "b"), ("a", "nowhere")),
        extra="refuse",
        rows={"min": 3},
    )
    found = breaches_of(open_data(frame, root=Path()), expected)
    assert [(each.column, each.what.split(",")[0], each.rows) for each in found] == [
        ("gone", "the column is not there", 0),
        ("nowhere", "the column of a key is not there", 0),
        ("", "the column is not expected", 0),
        ("", "there are 2 rows", 0),
        ("a + b", "values occur more than once", 2),
    ]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "text", "min": 0}, "bound numbers and dates, not text"),
        ({"type": "number", "min": "a"}, "is no date"),
        ({"type": "number", "min": "2026-01-01"}, "must be numbers"),
        ({"type": "date", "min": "2026-13-01"}, "is no date"),
        ({"min": 2, "max": 1}, "`min` is above `max`"),
        ({"pattern": "("}, "no regular expression"),
        ({"values": ()}, "`values` is empty"),
        ({"format": "%Y"}, "add `type: date`"),
        ({"typ": "int"}, "Extra inputs"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule, said):
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        ColumnRule(**rule)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {a: {type: int}, a: {type: text}}", "is no YAML"),
        ("columns: [", "is no YAML"),
        ("- a", "holds no mapping"),
        ("", "holds no mapping"),
        ("columns: {a: {typ: int}}", "columns.a.typ"),
        ("columns: {a: {min: 2, max: 1}}", "columns.a: `min` is above `max`"),
        ("rows: {min: -1}", "rows.min"),
    ],
)
def test_a_pinned_file_that_says_nothing_is_told_with_its_place(tmp_path, text, said):
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_expected(path, "schema.yaml")
    assert said in str(caught.value)
    assert "schema.yaml" in str(caught.value)


def test_a_pinned_file_is_read_and_the_policy_holds_over_it(tmp_path):
    path = tmp_path / "schema.yaml"
    path.write_text(
        "columns: {a: {type: int}, day: {type: date, min: 2026-01-31}}\nkeys: [[a]]\n"
        "extra: refuse\nrows: {min: 3, max: 9}\n",
        encoding="utf-8",
    )
    own = ExpectedRows(columns={"a": ColumnRule(type="text")}, rows={"max": 5}, extra="allow")
    both = own.over(read_expected(path, "schema.yaml"))
    assert both.columns["a"].type == "text"
    assert both.columns["day"].min == "2026-01-31"
    assert (both.rows.min, both.rows.max, both.extra, both.keys) == (3, 5, "allow", (("a",),))
    with pytest.raises(DataError, match="no such file"):
        read_expected(tmp_path / "other.yaml", "other.yaml")
