"""Damage deep in a file is named with its row group, and what differs from part to part is read."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from pytest_aipm.errors import DataError

ROWS = 200


def table(**columns):
    row = np.arange(ROWS)
    return pa.table({"x": row, "sex": np.where(row % 3 == 0, "f", "m"), "s": row / 7, **columns})


def said(call):
    with pytest.raises(DataError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def spoil(path, group, column, *, how=bytes):
    """Overwrite one column of a row group, and leave the footer as it is."""
    footer = pq.read_metadata(path)
    place = footer.row_group(group).column(footer.schema.names.index(column))
    start = place.dictionary_page_offset or place.data_page_offset
    raw = bytearray(path.read_bytes())
    raw[start : start + place.total_compressed_size] = how(place.total_compressed_size)
    path.write_bytes(raw)


@pytest.mark.parametrize("coded", [frozenset(), frozenset({"sex"})], ids=["texts", "codes"])
@pytest.mark.parametrize("group", [0, 3])
@pytest.mark.parametrize("column", ["x", "sex", "s"])
def test_a_damaged_row_group_is_named(opened, tmp_path, group, column, coded):
    pq.write_table(table(), tmp_path / "a.parquet", row_group_size=50)
    spoil(tmp_path / "a.parquet", group, column)
    data = opened("a.parquet")
    others = [name for name in data.columns if name != column]
    assert len(data.frame(others)) == ROWS, "what nobody asks for does not matter"
    found = said(lambda: list(opened("a.parquet").batches(coded=coded)))
    assert found.startswith(f"a.parquet, row group {group + 1}: cannot be read as Parquet (")
    assert found.endswith("write the file again; it is damaged, cut short or of another format")


def test_of_a_folder_the_file_is_named_too(opened, tmp_path):
    (tmp_path / "parts").mkdir()
    for name in "ab":
        pq.write_table(table(), tmp_path / f"parts/{name}.parquet", row_group_size=50)
    spoil(tmp_path / "parts/b.parquet", 3, "x")
    assert said(opened("parts").frame).startswith("parts/b.parquet, row group 4: cannot be read")


def test_pages_that_carry_a_checksum_are_held_to_it(opened, tmp_path):
    values = table(y=np.arange(ROWS))
    for sums in (False, True):
        pq.write_table(
            values,
            tmp_path / "a.parquet",
            row_group_size=50,
            compression="none",
            use_dictionary=False,
            write_page_checksum=sums,
        )
        raw = bytearray((tmp_path / "a.parquet").read_bytes())
        raw[raw.index(np.arange(100, 150).tobytes()) + 16] = 99  # 102 becomes another number
        (tmp_path / "a.parquet").write_bytes(raw)
        if not sums:
            assert opened("a.parquet").frame(["x"])["x"][102] == 99, "nobody could tell"
    assert said(lambda: opened("a.parquet").frame(["x"])).startswith("a.parquet, row group 3: ")


@pytest.mark.parametrize("name", ["a.feather", "a.arrows"])
def test_a_record_batch_cut_short_or_garbled_is_named(opened, tmp_path, name):
    path = tmp_path / name
    if name == "a.feather":
        feather.write_feather(table(), path, chunksize=50)
        raw = bytearray(path.read_bytes())
        place = int(len(raw) * 0.6)
        raw[place : place + 64] = b"\xff" * 64
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table().schema) as writer:
            writer.write_table(table(), max_chunksize=50)
        raw = path.read_bytes()[:-100]
    path.write_bytes(raw)
    found = said(lambda: opened(name).frame())
    assert found.startswith(f"{name}, record batch {3 if name == 'a.feather' else 4}: cannot be r")


def foreign(*words):
    """Return texts of another encoding under the name of texts, as some writers leave them."""
    buffers = pa.array([word.encode("latin-1") for word in words]).buffers()
    return pa.Array.from_buffers(pa.string(), len(words), buffers)


@pytest.mark.parametrize("coded", [frozenset(), frozenset({"sex"})], ids=["texts", "codes"])
@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_texts_that_are_not_utf_8_are_said_to_be_so(opened, tmp_path, name, coded):
    sex = pa.chunked_array([["f"] * 150, foreign(*["m", "weiß"] * 25)])
    held = pa.table({"sex": sex, "x": range(ROWS)})
    save = pq.write_table if name == "a.parquet" else feather.write_feather
    save(held, tmp_path / name, **{"row_group_size" if save is pq.write_table else "chunksize": 50})
    part = "row group" if name == "a.parquet" else "record batch"
    found = said(lambda: list(opened(name).batches(coded=coded)))
    assert found == f"{name}, {part} 4: holds texts that are not UTF-8; write them as UTF-8"
    assert len(opened(name).frame(["x"])) == ROWS


def test_codes_beyond_their_list_are_damage(opened, tmp_path):
    indices = pa.array(np.array([0, 1, 70] * 5, dtype=np.int32))
    column = pa.DictionaryArray.from_arrays(indices, ["f", "m"], safe=False)
    feather.write_feather(pa.table({"sex": column}), tmp_path / "a.feather")
    found = said(lambda: opened("a.feather").frame())
    assert found.startswith("a.feather, record batch 1: cannot be read as Arrow (")


# What differs from part to part


@pytest.mark.parametrize("coded", [frozenset(), frozenset({"sex"})], ids=["texts", "codes"])
@pytest.mark.parametrize("kind", ["str", "category"])
@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.arrows", "a.csv"])
def test_a_category_that_comes_late_is_a_category(opened, tmp_path, name, kind, coded):
    sex = ["f", "m"] * 25 + ["x", "m"] * 25
    frame = pd.DataFrame({"sex": pd.Series(sex, dtype=object), "n": range(100)})
    halves = [frame.iloc[:50], frame.iloc[50:]]
    if kind == "category":  # with a list of its own in each half
        halves = [half.astype({"sex": "category"}) for half in halves]
    tables = [pa.Table.from_pandas(half, preserve_index=False) for half in halves]
    path = tmp_path / name
    if name == "a.csv":
        frame.to_csv(path, index=False)
    elif name == "a.parquet":
        with pq.ParquetWriter(path, tables[0].schema) as writer:
            for each in tables:
                writer.write_table(each)
    else:
        new = pa.ipc.new_stream if name == "a.arrows" else pa.ipc.new_file
        if name == "a.feather":  # a file has one list for all of its batches
            tables = pa.concat_tables(tables).unify_dictionaries().to_batches()
        with pa.OSFile(str(path), "wb") as file, new(file, tables[0].schema) as writer:
            for each in tables:
                writer.write(each)
    batches = list(opened(name).batches(["sex"], 30, coded=coded))
    assert [str(value) for each in batches for value in each["sex"]] == sex


def test_a_text_in_the_last_block_of_a_csv_column_makes_texts_of_all(opened, write):
    lines = [f"{i},1\n" for i in range(200_000)]
    write("a.csv", "code,y\n" + "".join(lines) + "A7,1\n")
    codes = opened("a.csv").frame(["code"])["code"]
    assert codes.iloc[[0, -2, -1]].tolist() == ["0", "199999", "A7"]


# Texts


def late(raw, byte, after=0.6):
    place = raw.index(b",f,", int(len(raw) * after)) + 1
    return raw[:place] + byte + raw[place + 1 :], place


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_byte_that_is_not_utf_8_in_the_middle_of_a_large_file_is_named(opened, write, name):
    raw, place = late(b"x,sex,y\n" + b"".join(b"%d,f,1\n" % i for i in range(200_000)), b"\xe4")
    line = raw[:place].count(b"\n") + 1
    write(name, gzip.compress(raw, 1) if name.endswith(".gz") else raw)
    found = said(lambda: opened(name).frame(["sex"]))
    assert found.startswith(f"{name}:{line}: byte {place} is not UTF-8 text; ")
    assert opened(name).rows == 200_000


@pytest.mark.parametrize(
    "harm",
    [
        lambda raw: raw[:-10],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[: len(raw) // 2] + bytes(20) + raw[len(raw) // 2 + 20 :],
        lambda raw: raw + raw[:500],
        lambda raw: raw + b"trailing",
    ],
    ids=["its end", "half", "a hole", "a second one cut", "something behind"],
)
def test_a_damaged_gzip_file_is_refused_before_a_row_is_counted(opened, write, harm):
    text = b"x,y\n" + b"".join(b"%d,%d\n" % (i, i * 7919 % 1000) for i in range(20_000))
    write("a.csv.gz", harm(gzip.compress(text, 1)))
    assert said(lambda: opened("a.csv.gz")).startswith("a.csv.gz: cannot be read (")
