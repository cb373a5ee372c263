"""Every format gives the same rows, in batches that all look alike."""

import gzip
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import feather

from pytest_aipm.sources.data import DataSpec, open_data
from pytest_aipm.sources.delimited import _BLOCK
from pytest_aipm.sources.typed import _OBJECTS

TEXT = "object" if _OBJECTS else "str"


def save(frame: pd.DataFrame, path: Path) -> None:
    suffix = "".join(path.suffixes)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if suffix in {".csv", ".csv.gz"}:
        frame.to_csv(path, index=False)
    elif suffix in {".tsv", ".tsv.gz"}:
        frame.to_csv(path, index=False, sep="\t")
    elif suffix in {".parquet", ".pq"}:
        frame.to_parquet(path, index=False, row_group_size=2)
    elif suffix == ".feather":
        frame.to_feather(path)
    elif suffix == ".arrows":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    elif suffix in {".arrow", ".ipc"}:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    else:
        text = frame.to_json(orient="records", lines=True).encode()
        path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)


FORMATS = [
    ("data.csv", "csv"),
    ("data.csv.gz", "csv"),
    ("data.tsv", "tsv"),
    ("data.tsv.gz", "tsv"),
    ("data.parquet", "parquet"),
    ("data.pq", "parquet"),
    ("data.feather", "arrow"),
    ("data.arrow", "arrow"),
    ("data.ipc", "arrow"),
    ("data.arrows", "arrow"),
    ("data.jsonl", "jsonl"),
    ("data.ndjson", "jsonl"),
    ("data.jsonl.gz", "jsonl"),
    ("DATA.CSV", "csv"),
]


@pytest.mark.parametrize(("name", "kind"), FORMATS)
def test_every_format_gives_the_same_rows_and_types(people, opened, tmp_path, name, kind):
    save(people, tmp_path / name.lower())
    (tmp_path / name.lower()).rename(tmp_path / name)
    data = opened(name)
    frame = data.frame()

    assert (data.kind, data.rows, data.ref) == (kind, 5, name)
    assert data.columns == tuple(people.columns)
    assert frame.dtypes.astype(str).tolist() == [
        "int64",
        "float64",
        "float64",
        TEXT,
        "object",
        TEXT,
    ]
    assert frame["children"].tolist()[:2] == [0.0, 2.0]
    assert math.isnan(frame["children"][2])
    assert frame["member"].tolist() == [True, False, None, True, False]
    assert frame["sex"].isna().tolist() == [False, False, True, False, False]
    assert math.isnan(frame["sex"][2])
    assert frame["note"].tolist() == people["note"].tolist()
    assert all(type(text) is str for text in frame["note"])


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.arrow", "data.jsonl"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_batches_are_restartable_numbered_and_of_the_size_asked_for(
    people, opened, tmp_path, name, size
):
    save(people, tmp_path / name)
    data = opened(name)
    once, again = list(data.batches(size=size)), list(data.batches(size=size))

    assert [len(each) for each in once] == [min(size, 5 - start) for start in range(0, 5, size)]
    assert [row for each in once for row in each.index] == list(range(5))
    assert all(isinstance(each.index, pd.RangeIndex) for each in once)
    for one, other in zip(once, again, strict=True):
        assert_frame_equal(one, other)
    assert len({tuple(each.dtypes.astype(str)) for each in once}) == 1
    assert_frame_equal(pd.concat(once), data.frame())


def test_only_the_columns_asked_for_come_in_the_order_asked_for(people, opened, tmp_path):
    save(people, tmp_path / "data.parquet")
    data = opened("data.parquet")

    assert [list(each) for each in data.batches(["sex", "id", "sex"])] == [["sex", "id"]]
    assert [each.shape for each in data.batches([], size=3)] == [(3, 0), (2, 0)]


def test_batches_may_be_written_to(people, opened, tmp_path):
    save(people, tmp_path / "data.arrow")
    data = opened("data.arrow")
    batch = next(data.batches(["income"]))
    batch.loc[0, "income"] = 99.0

    assert batch["income"][0] == 99.0
    assert data.frame(["income"])["income"][0] == 1.5


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.arrow", "data.jsonl"])
def test_a_gap_in_the_last_row_decides_the_type_of_the_first_batch(opened, tmp_path, name):
    frame = pd.DataFrame({"n": pd.array([1, 2, 3, None], "Int64"), "b": [True, True, False, None]})
    save(frame, tmp_path / name)
    first, *_, last = opened(name).batches(size=1)

    assert first.dtypes.astype(str).tolist() == ["float64", "object"]
    assert last.dtypes.astype(str).tolist() == ["float64", "object"]


@pytest.mark.parametrize(
    ("last", "dtype", "first"),
    [("0.5", "float64", 1.0), ("abc", TEXT, "1"), ("", "float64", 1.0), ("7", "int64", 1)],
)
def test_a_value_in_the_seventh_block_decides_the_type_of_a_csv_column(
    opened, write, last, dtype, first
):
    rows = 7 * _BLOCK // 8
    write("data.csv", "n,m\n" + "1,23456\n" * rows + f"{last},1\n")
    data = opened("data.csv")
    batches = [(str(each["n"].dtype), each["n"].iloc[0]) for each in data.batches(["n"])]

    assert {kind for kind, _ in batches} == {dtype}
    assert batches[0][1] == first
    assert data.rows == rows + 1


def test_only_empty_csv_fields_are_missing(opened, write):
    write("data.csv", 'word,number\nNA,1\nNone,2\nnull,3\nN/A,\nnan,5\n"",6\n,7\n')
    frame = opened("data.csv").frame()

    assert frame["word"].tolist()[:5] == ["NA", "None", "null", "N/A", "nan"]
    assert frame["word"].isna().tolist() == [False] * 5 + [True] * 2
    assert frame["number"].isna().tolist() == [False, False, False, True, False, False, False]


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.jsonl", "data.arrow"])
def test_words_of_the_policy_are_missing_in_every_format(opened, tmp_path, name):
    frame = pd.DataFrame({"race": ["a", "?", "b"], "age": [30, -9, 40], "x": [0.5, 1.5, -9.0]})
    save(frame, tmp_path / name)
    read = opened(name, missing=("?", "-9", "-9.0")).frame()

    assert read.isna().to_numpy().tolist() == [
        [False, False, False],
        [True, True, False],
        [False, False, True],
    ]
    assert open_data(frame, root=tmp_path).frame().notna().all(axis=None)


def test_words_are_missing_in_a_table_that_a_factory_returns(tmp_path, write):
    write("made_up.py", "import pandas\ndef load():\n return pandas.DataFrame({'n': [1, -9]})\n")
    spec = DataSpec(factory="made_up:load", missing=("-9",))

    assert open_data(spec, root=tmp_path).frame()["n"].isna().tolist() == [False, True]


def test_csv_numbers_may_stand_between_blanks_and_names_stay_names(opened, write):
    write(
        "data.csv",
        "a,b,c,d,e,f\n 1,0x1F,12345678901234567890,true,1e3,2026-11-23\n"
        "2 ,31,12345678901234567891,FALSE,nan,2026-11-24\n",
    )
    frame = opened("data.csv").frame()

    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].tolist() == ["0x1F", "31"]
    assert frame["c"].nunique() == 2, "identifiers too long for an integer are not rounded"
    assert frame["d"].tolist() == [True, False]
    assert frame["e"].dtype == "float64"
    assert frame["f"].tolist() == ["2026-11-23", "2026-11-24"]


def test_a_column_without_any_value_is_a_column_of_nan(opened, write):
    write("data.csv", "a,b\n1,\n2,\n")

    assert opened("data.csv").frame()["b"].dtype == "float64"
    assert opened("data.csv").frame()["b"].isna().all()


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.arrow", "data.jsonl"])
def test_identifiers_beyond_2_to_53_stay_exact_beside_a_gap(opened, tmp_path, name):
    wide = [2**53 + 1, 2**53 + 2, None]
    save(pd.DataFrame({"id": pd.array(wide, "Int64"), "x": [1, 2, 3]}), tmp_path / name)
    if name == "data.jsonl":  # pandas writes rounded numbers
        lines = [f'{{"id": {value or "null"}, "x": 1}}' for value in wide]
        (tmp_path / name).write_text("\n".join(lines))

    assert opened(name).frame()["id"].tolist() == wide


def test_a_byte_order_mark_belongs_to_no_column(opened, write):
    write("data.csv", b"\xef\xbb\xbfa,b\n1,2\n")
    write("data.jsonl", b'\xef\xbb\xbf{"a": 1, "b": 2}\n')

    assert opened("data.csv").columns == ("a", "b")
    assert opened("data.jsonl").columns == ("a", "b")


def test_json_lines_of_mixed_kinds_are_texts_and_absent_keys_are_missing(opened, write):
    write(
        "data.jsonl", '{"a": 1, "b": 1}\n\n{"a": "x", "b": 2.5, "c": true}\n{"b": 3, "c": null}\n'
    )
    frame = opened("data.jsonl").frame()

    assert frame["a"].tolist()[:2] == ["1", "x"]
    assert frame["a"].isna().tolist() == [False, False, True]
    assert frame["b"].tolist() == [1.0, 2.5, 3.0]
    assert frame["c"].tolist() == [None, True, None]


def test_dictionaries_decimals_and_large_texts_come_as_plain_columns(opened, tmp_path):
    import decimal

    import pyarrow.parquet as pq

    table = pa.table(
        {
            "category": pa.array(["a", None, "b"]).dictionary_encode(),
            "large": pa.array(["x", "y", None], pa.large_string()),
            "money": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.00")]),
            "when": pa.array([0, 1, None], pa.timestamp("ms")),
        }
    )
    pq.write_table(table, tmp_path / "data.parquet")
    frame = opened("data.parquet").frame()

    assert frame.dtypes.astype(str).tolist() == [TEXT, TEXT, "float64", "datetime64[ms]"]
    assert frame["category"].tolist()[::2] == ["a", "b"]


def test_extension_types_come_as_what_they_are_stored_in(opened, tmp_path):
    class Celsius(pa.ExtensionType):
        def __init__(self):
            super().__init__(pa.float64(), "tests.celsius")

        def __arrow_ext_serialize__(self):
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, storage_type, serialized):
            return cls()

    pa.register_extension_type(Celsius())
    try:
        column = pa.ExtensionArray.from_storage(Celsius(), pa.array([1.5, None]))
        table = pa.table({"t": column})
        path = str(tmp_path / "data.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        frame = opened("data.arrow").frame()
    finally:
        pa.unregister_extension_type("tests.celsius")

    assert str(frame["t"].dtype) == "float64"
    assert frame["t"][0] == 1.5


def test_parquet_without_statistics_is_looked_through(opened, tmp_path):
    frame = pd.DataFrame({"n": pd.array([1, 2, None], "Int64")})
    frame.to_parquet(tmp_path / "data.parquet", write_statistics=False, row_group_size=1)

    assert [str(each["n"].dtype) for each in opened("data.parquet").batches(size=1)] == [
        "float64"
    ] * 3


def test_a_column_name_may_hold_a_dot(opened, tmp_path):
    pd.DataFrame({"a.b": [1, 2], "a": [3, 4]}).to_parquet(tmp_path / "data.parquet")

    assert opened("data.parquet").frame(["a.b"])["a.b"].tolist() == [1, 2]


CELLS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["", "NA", "true", "False", "0x1", "a,b", 'say "hi"', "two\nlines", " 1 "]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=5),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12))
def test_csv_values_are_never_changed_whatever_the_column_holds(tmp_path_factory, rows):
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("a", "b"), *rows])
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    data = open_data(DataSpec("data.csv"), root=path.parent)
    batches = list(data.batches(size=1))

    assert len({tuple(each.dtypes.astype(str)) for each in batches}) == 1
    for fields, batch in zip(rows, batches, strict=True):
        for written, read in zip(fields, batch.iloc[0].tolist(), strict=True):
            if written == "":
                assert pd.isna(read)
            elif isinstance(read, str):
                assert read == written
            elif isinstance(read, bool | np.bool_):
                assert str(bool(read)).lower() == written.lower()
            else:
                assert float(read) == float(written)


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.arrow", "data.jsonl", "f"])
@pytest.mark.parametrize("size", [2, 5])
def test_texts_that_are_only_told_apart_may_come_as_categories(
    people, opened, tmp_path, name, size
):
    if name == "f":
        (tmp_path / "f").mkdir()
        save(people, tmp_path / "f/one.parquet")
    else:
        save(people, tmp_path / name)
    data = opened(name)
    plain = data.batches(["sex", "income"], size)
    coded = data.batches(["sex", "income"], size, coded=frozenset({"sex", "income"}))

    for one, other in zip(plain, coded, strict=True):
        assert_frame_equal(one, other.assign(sex=other["sex"].astype(one["sex"].dtype)))
        assert (other["sex"].dtype == "category") == (name != "data.jsonl")
        if name != "data.jsonl":
            assert other["sex"].cat.codes.tolist() == [
                -1 if gap else other["sex"].cat.categories.get_loc(text)
                for text, gap in zip(one["sex"], one["sex"].isna(), strict=True)
            ]


CODES = {
    "narrow": pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int8()), ["f", "m"]),
    "a value twice": pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2]), ["f", "m", "f"]),
    "large texts": pa.array(["f", "m", None, "f"], pa.large_string()),
    "a gap among the values": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2, 0]), pa.array(["f", "m", None])
    ),
}


@pytest.mark.parametrize(
    ("suffix", "codes"),
    [
        pytest.param(suffix, codes, id=f"{name}, {suffix}")
        for suffix in ("parquet", "arrow")
        for name, codes in CODES.items()
        if (suffix, name) != ("parquet", "a gap among the values")  # which pyarrow does not write
    ],
)
def test_codes_of_any_file_are_the_texts_they_stand_for(opened, tmp_path, suffix, codes):
    table = pa.table({"sex": codes})
    path = tmp_path / f"data.{suffix}"
    if suffix == "arrow":
        feather.write_feather(table, path, compression="uncompressed")
    else:
        pq.write_table(table, path)
    (batch,) = opened(path.name).batches(["sex"], coded=frozenset({"sex"}))

    assert batch["sex"].astype(object).where(batch["sex"].notna(), None).tolist() == [
        "f",
        "m",
        None,
        "f",
    ]


def test_words_for_missing_are_missing_in_categories_too(tmp_path):
    pq.write_table(pa.table({"sex": ["f", "?", "m"]}), tmp_path / "data.parquet")
    data = open_data(DataSpec(path="data.parquet", missing=("?",)), root=tmp_path)
    (batch,) = data.batches(["sex"], coded=frozenset({"sex"}))

    assert batch["sex"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("name", ["data.parquet", "data.csv", "data.arrow", "data.jsonl", "f"])
def test_parts_are_all_rows_with_their_numbers(people, opened, tmp_path, name):
    if name == "f":
        (tmp_path / "f").mkdir()
        save(people, tmp_path / "f/a.parquet")
        save(people, tmp_path / "f/b.parquet")
    else:
        save(people, tmp_path / name)
    data = opened(name)
    parts = data.parts(data.columns)

    assert len(parts) == {"data.parquet": 3, "f": 6}.get(name, 1)
    read = [batch for part in parts for batch in part.batches(2)]
    assert_frame_equal(pd.concat(read), data.frame())
