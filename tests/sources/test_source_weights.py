"""Weights as columns hold them, and rows written out by their counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aipm.errors import DataError
from pytest_aipm.sources import weights
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.weights import RepeatedData, weights_of

WHERE = {"path": "credit.aipm.yaml", "line": 12}


def said(values, *, whole=False) -> str:
    with pytest.raises(DataError) as caught:
        weights_of(pd.Series(values, name="w"), whole=whole, where=WHERE)
    return str(caught.value)


def repeated(frame: pd.DataFrame, column: str = "w") -> RepeatedData:
    return RepeatedData(open_data(frame, root=Path()), column, WHERE)


FILL = "give every row a weight; 0 leaves a row out"


@pytest.mark.parametrize(
    ("values", "how"),
    [
        ([1.0, None, 2.0], f"has 1 missing or infinite value(s), the first in data row 2; {FILL}"),
        (
            [1.0, 2.0, np.inf],
            f"has 1 missing or infinite value(s), the first in data row 3; {FILL}",
        ),
        ([np.nan, np.nan], f"has 2 missing or infinite value(s), the first in data row 1; {FILL}"),
        ([3, -1, -2], f"has 2 negative value(s), the first in data row 2; {FILL}"),
        ([1e31, 1.0], "has 1 astronomic value(s), the first in data row 1; look for wrong numbers"),
        (["many", "2"], "is not numeric; name a column of numbers"),
        (pd.to_datetime(["2024-01-01", "2024-01-02"]), "is not numeric; name a column of numbers"),
    ],
    ids=["missing", "infinite", "nan", "negative", "astronomic", "text", "dates"],
)
def test_weights_that_are_none_are_refused_with_their_row(values, how):
    assert said(values) == f"credit.aipm.yaml:12: weights column 'w' {how}"


def test_counts_of_people_are_whole():
    assert said([1.0, 2.5, 0.5], whole=True) == (
        "credit.aipm.yaml:12: weights column 'w' has 2 fractional value(s), the first in data row "
        "2; frequencies are whole numbers of people; for survey weights write `kind: sampling`"
    )
    assert weights_of(pd.Series([1, 0, 3]), whole=True).tolist() == [1, 0, 3]


def test_numbers_written_as_text_are_read():
    assert weights_of(pd.Series(["1.5", "0"], name="w"), whole=False).tolist() == [1.5, 0]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=40).filter(any),
    st.integers(1, 12),
)
def test_rows_are_written_out_in_order_and_numbered_anew(counts, size):
    frame = pd.DataFrame({"name": [f"r{i}" for i in range(len(counts))], "w": counts})
    data = repeated(frame)
    batches = list(data.batches(["name"], size))
    whole = pd.concat(batches)
    assert whole["name"].tolist() == np.repeat(frame["name"], counts).tolist()
    assert whole.index.tolist() == list(range(data.rows))
    assert all(0 < len(batch) <= size for batch in batches)


def test_only_the_columns_asked_for_come_out():
    data = repeated(pd.DataFrame({"a": [1, 2], "w": [2, 1]}))
    assert [list(batch.columns) for batch in data.batches(["a"])] == [["a"]]
    assert next(iter(data.batches(["w", "a"]))).to_numpy().tolist() == [[2, 1], [2, 1], [1, 2]]


def test_nobody_and_too_many_are_refused(monkeypatch):
    with pytest.raises(
        DataError, match=r"12: weights column 'w' holds zeros only; name the column"
    ):
        list(repeated(pd.DataFrame({"w": [0, 0]})).batches())
    monkeypatch.setattr(weights, "MOST", 10)
    with pytest.raises(DataError, match=r"adds up to 11 people; at most 10 are counted one by one"):
        list(repeated(pd.DataFrame({"w": [5, 6]})).batches())


def test_counts_beyond_any_integer_are_refused_before_they_are_written_out():
    with pytest.raises(DataError, match="adds up to 1,000,000,000,000,000,0"):
        list(repeated(pd.DataFrame({"w": [1e18, 1.0]})).batches())


def test_a_column_that_is_not_there_is_told_at_the_policys_line():
    with pytest.raises(DataError, match=r"^credit\.aipm\.yaml:12: there is no column 'v'"):
        repeated(pd.DataFrame({"w": [1]}), "v")
