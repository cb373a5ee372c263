"""Rows and gaps of Arrow files are what stands before each record batch, and what batches hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aipm.errors import DataError
from pytest_aipm.sources.columnar import ArrowFormat
from pytest_aipm.sources.data import DataSpec, open_data
from pytest_aipm.sources.heads import Head, heads
from pytest_aipm.sources.typed import EXACT

KINDS = [
    pa.array([1, None, 3]),
    pa.array([1.5, 2.5, None]),
    pa.array(["a", None, None]),
    pa.array([True, False, True]),
    pa.array(["x", "y", "x"]).dictionary_encode(),
    pa.array([None, None, None], pa.null()),
]
LARGE = 2**60


def written(path: Path, table: pa.Table, chunk: int, compression: str | None = None) -> Path:
    options = pa.ipc.IpcWriteOptions(compression=compression)
    made = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
    with made(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return path


def told(table: pa.Table, chunk: int) -> list[Head]:
    batches = table.to_batches(max_chunksize=chunk)
    return [Head(len(each), tuple(column.null_count for column in each)) for each in batches]


@pytest.mark.parametrize("name", ["a.arrow", "a.arrows", "a.feather"])
@pytest.mark.parametrize("compression", [None, "zstd"])
@given(rows=st.integers(1, 40), chunk=st.integers(1, 9))
def test_what_is_said_is_what_batches_hold(
    tmp_path_factory, name, compression, rows, chunk
) -> None:
    table = pa.table(
        {f"c{i}": kind.take(pa.array(np.arange(rows) % 3)) for i, kind in enumerate(KINDS)}
    )
    path = written(tmp_path_factory.mktemp("heads") / name, table, chunk, compression)
    assert list(heads(path)) == told(table, chunk)
    assert ArrowFormat().rows(path) == rows


def test_a_file_without_rows_says_so(tmp_path: Path) -> None:
    empty = pa.table({"a": pa.array([], pa.int64())})
    assert list(heads(written(tmp_path / "a.arrow", empty, 5))) == []


def test_to_open_a_file_decodes_no_column(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a column is read")

    written(tmp_path / "a.arrow", pa.table({"a": list(range(50)), "b": ["x"] * 50}), 7)
    monkeypatch.setattr(ArrowFormat, "read", refuse)
    assert open_data(DataSpec(path="a.arrow"), root=tmp_path).rows == 50


@pytest.mark.parametrize("gaps", ["", "here", "elsewhere"])
def test_whole_numbers_stay_exact_wherever_the_gap_is(tmp_path: Path, gaps: str) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    one, two = (
        [LARGE + 1, 5, None if gaps == "here" else 6],
        [7, None if gaps == "elsewhere" else 8],
    )
    written(folder / "1.arrow", pa.table({"n": pa.array(one)}), 2)
    written(folder / "2.arrow", pa.table({"n": pa.array(two)}), 2)
    held = open_data(DataSpec(path="rows"), root=tmp_path).frame()["n"]
    assert held[0] == LARGE + 1 > EXACT
    assert held.tolist()[1:] == [5, one[2], 7, two[1]]
    assert held.dtype == (object if gaps else "int64")


def test_columns_of_several_parts_are_looked_at(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1, None, 3]), "l": pa.array([[1], None, [2, None]])})
    written(tmp_path / "a.arrow", table, 5)
    held = open_data(DataSpec(path="a.arrow"), root=tmp_path).frame(["a"])["a"]
    pd.testing.assert_series_equal(held, pd.Series([1.0, np.nan, 3.0], name="a"))


@pytest.mark.parametrize("name", ["a.arrow", "a.arrows"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_short_is_damaged(tmp_path: Path, name: str, kept: float) -> None:
    table = pa.table({"a": np.arange(900), "b": ["text"] * 900})
    path = written(tmp_path / name, table, 100)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(DataError, match=f"{name}.*cannot be read as Arrow"):
        open_data(DataSpec(path=name), root=tmp_path).frame()


@given(place=st.integers(0, 399), value=st.integers(0, 255))
def test_a_changed_byte_is_damage_or_nothing(tmp_path_factory, place: int, value: int) -> None:
    table = pa.table({"a": pa.array([1, None, 3]), "b": ["x", "y", None]})
    path = written(tmp_path_factory.mktemp("heads") / "a.arrows", table, 2)
    held = bytearray(path.read_bytes())
    held[place % len(held)] = value
    path.write_bytes(held)
    try:
        found = list(heads(path))
    except (pa.ArrowException, OSError):
        return
    assert all(isinstance(each, Head) for each in found)
