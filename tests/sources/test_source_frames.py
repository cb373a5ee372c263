"""Tables in memory: what counts as one, and a hash that depends on nothing but the content."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pytest_aipm.errors import DataError
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.frames import content_hash


def digest(frame, tmp_path):
    return open_data(frame, root=tmp_path).sha256


def test_a_frame_is_read_in_batches_with_rows_numbered_from_0(tmp_path):
    frame = pd.DataFrame({"x": [1, 2, 3], "t": ["a", None, "c"]}, index=["p", "q", "r"])
    data = open_data(frame, root=tmp_path)
    batches = list(data.batches(size=2))

    assert (data.kind, data.ref, data.rows, data.columns) == ("frame", "frame", 3, ("x", "t"))
    assert [list(batch.index) for batch in batches] == [[0, 1], [2]]


def test_the_caller_s_frame_never_changes(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=[7, 8])
    before = frame.copy(deep=True)
    data = open_data(frame, root=tmp_path)
    for batch in data.batches():
        batch.loc[:, "x"] = -1.0
    frame_again = data.frame()

    assert_frame_equal(frame, before)
    assert frame_again["x"].tolist() == [1.0, 2.0]
    frame.loc[7, "x"] = 5.0
    assert data.frame()["x"].tolist() == [1.0, 2.0]


def test_nullable_columns_come_as_a_file_would_give_them(tmp_path):
    frame = pd.DataFrame(
        {
            "gaps": pd.array([1, None], "Int64"),
            "whole": pd.array([1, 2], "Int32"),
            "wide": pd.array([2**53 + 1, None], "Int64"),
            "real": pd.array([0.5, None], "Float64"),
            "flag": pd.array([True, None], "boolean"),
            "sure": pd.array([True, False], "boolean"),
            "text": pd.array(["a", None], "string"),
            "arrow": pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())),
            "count": pd.Series([1, None], dtype=pd.ArrowDtype(pa.int64())),
        }
    )
    read = open_data(frame, root=tmp_path).frame()

    assert read.dtypes.astype(str).to_dict() == {
        "gaps": "float64",
        "whole": "int32",
        "wide": "object",
        "real": "float64",
        "flag": "object",
        "sure": "bool",
        "text": "object",
        "arrow": "object",
        "count": "float64",
    }
    assert read["wide"].tolist() == [2**53 + 1, None]
    assert read["text"].tolist() == ["a", None]
    assert read["flag"].tolist() == [True, None]


def test_categorical_columns_stay_as_the_model_may_have_seen_them(tmp_path):
    frame = pd.DataFrame({"c": pd.Categorical(["a", "b", None], categories=["b", "a"])})

    assert_frame_equal(open_data(frame, root=tmp_path).frame(), frame)


def test_the_hash_does_not_depend_on_index_width_or_text_type(tmp_path):
    frame = pd.DataFrame({"i": [1, 2], "f": [0.5, math.nan], "t": ["a", None], "b": [True, False]})
    other = pd.DataFrame(
        {
            "i": np.array([1, 2], ">i4"),
            "f": np.array([0.5, -math.nan], "f4"),
            "t": np.array(["a", math.nan], dtype=object),
            "b": [True, False],
        },
        index=[9, 9],
    )

    assert digest(frame, tmp_path) == digest(other, tmp_path)
    assert digest(frame, tmp_path) == (
        "b34aba826a13e5e1487ae951166e9f433acffd37101d7d267332108580c100dd"
    ), "the same on every machine and with every library version"


@pytest.mark.parametrize(
    "other",
    [
        {"x": [1, 2], "y": ["a", "c"]},
        {"x": [2, 1], "y": ["a", "b"]},
        {"x": [1, 2], "z": ["a", "b"]},
        {"y": ["a", "b"], "x": [1, 2]},
        {"x": [1, 2], "y": ["b", "a"]},
        {"x": [1, 2, 2], "y": ["a", "b", "b"]},
        {"x": [1, 2], "y": ["ab", ""]},
        {"x": ["1", "2"], "y": ["a", "b"]},
        {"x": [True, 2], "y": ["a", "b"]},
    ],
)
def test_any_other_content_has_another_hash(other):
    assert content_hash(pd.DataFrame(other)) != content_hash(
        pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    )


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3))


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=6), st.lists(VALUES, min_size=1, max_size=6))
def test_columns_of_mixed_objects_hash_alike_only_when_they_are_alike(one, other):
    frames = [pd.DataFrame({"x": pd.Series(values, dtype=object)}) for values in (one, other)]
    alike = [(type(a), a) for a in one] == [(type(b), b) for b in other]

    assert (content_hash(frames[0]) == content_hash(frames[1])) == alike


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"x": [1, 2]}),
        pa.record_batch({"x": [1, 2]}),
        {"x": [1, 2]},
        [{"x": 1}, {"x": 2}],
        np.array([(1,), (2,)], dtype=[("x", "i8")]),
    ],
    ids=["arrow table", "arrow batch", "mapping", "list of mappings", "structured array"],
)
def test_tables_of_other_makers_are_tables(table, tmp_path):
    assert open_data(table, root=tmp_path).frame()["x"].tolist() == [1, 2]


def test_anything_that_speaks_arrow_is_a_table(tmp_path):
    class Speaks:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"x": [1, 2]}).__arrow_c_stream__(requested_schema)

    assert open_data(Speaks(), root=tmp_path).frame()["x"].tolist() == [1, 2]


def test_anything_that_turns_into_a_frame_is_a_table(tmp_path):
    class Turns:
        def __init__(self, into):
            self.into = into

        def to_pandas(self):
            return self.into

    assert open_data(Turns(pd.DataFrame({"x": [1]})), root=tmp_path).rows == 1
    with pytest.raises(DataError, match="of type Turns, which is no table"):
        open_data(Turns(pd.Series([1])), root=tmp_path)


def test_values_without_a_hash_of_their_own_are_hashed_by_what_they_print():
    lists = pd.DataFrame({"x": [[1, 2], [3], None]})

    assert content_hash(lists) == content_hash(lists.copy())
    assert content_hash(lists) != content_hash(pd.DataFrame({"x": [[1, 2], [4], None]}))


@pytest.mark.parametrize(
    ("junk", "message"),
    [
        (None, r"^the data: of type NoneType, which is no table; give a pandas DataFrame"),
        (42, r"^the data: of type int, which is no table"),
        ("data.csv", r"^the data: of type str, which is no table"),
        ([1, 2], r"^the data: of type list, which is no table"),
        ({}, r"^the data: of type dict, which is no table"),
        (pd.Series([1]), r"^the data: of type Series, which is no table"),
        (np.zeros((2, 2)), r"^the data: of type ndarray, which is no table"),
        ({"x": [1, 2], "y": [1]}, r"^the data: the table cannot be built \(ValueError"),
        (pd.DataFrame({"x": []}), r"^frame: there is no row"),
        (pd.DataFrame(index=[1]), r"^frame: there is no column"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), r"^frame: the column name 'x' occurs 2 times"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), r"several levels"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_is_refused(junk, message, tmp_path):
    with pytest.raises(DataError, match=message):
        open_data(junk, root=tmp_path)
