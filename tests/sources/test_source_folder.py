"""A folder of files is one table."""

import hashlib

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from pytest_aipm.errors import DataError


def test_files_are_read_in_the_order_of_their_names_and_hidden_ones_ignored(opened, write):
    write("parts/b.csv", "x,y\n3,c\n")
    write("parts/a.csv", "x,y\n1,a\n2,b\n")
    write("parts/.hidden.parquet", "junk")
    write("parts/_SUCCESS", "")
    data = opened("parts")

    assert (data.kind, data.ref, data.rows) == ("folder", "parts", 3)
    assert data.frame()["x"].tolist() == [1, 2, 3]
    assert [len(batch) for batch in data.batches(size=2)] == [2, 1]


def test_the_digest_of_a_folder_is_that_of_its_sorted_names_and_hashes(opened, write):
    write("parts/b.csv", "x\n2\n")
    write("parts/a.csv", "x\n1\n")
    hashes = {"a.csv": "x\n1\n", "b.csv": "x\n2\n"}
    lines = "".join(
        f"{name}\0{hashlib.sha256(text.encode()).hexdigest()}\n" for name, text in hashes.items()
    )

    assert opened("parts").sha256 == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("second", "values"),
    [
        ("x\n0.5\n", [1.0, 0.5]),
        ("x\nabc\n", ["1", "abc"]),
        ('x\n""\n', [1.0, None]),
    ],
)
def test_the_types_of_text_files_are_those_of_all_files(opened, write, second, values):
    write("parts/a.csv", "x\n1\n")
    write("parts/b.csv", second)
    read = opened("parts").frame()["x"]

    assert read.isna().tolist() == [value is None for value in values]
    assert [value for value in read if not pd.isna(value)] == [
        value for value in values if value is not None
    ]


def test_parquet_files_may_differ_in_the_width_of_numbers_and_the_order_of_columns(
    opened, tmp_path
):
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"x": pd.array([1], "int32"), "y": [0.5]}).to_parquet(tmp_path / "parts/a.parquet")
    pd.DataFrame({"y": [1], "x": [2]}).to_parquet(tmp_path / "parts/b.parquet")
    frame = opened("parts").frame()

    assert frame.dtypes.astype(str).to_dict() == {"x": "int64", "y": "float64"}
    assert frame.to_numpy().tolist() == [[1, 0.5], [2, 1.0]]


def test_parquet_files_of_different_kinds_are_refused_by_name(opened, tmp_path):
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "parts/a.parquet")
    pd.DataFrame({"x": ["1"]}).to_parquet(tmp_path / "parts/b.parquet")

    with pytest.raises(DataError, match=r"^parts/b.parquet: column 'x' is string here and int64"):
        opened("parts").frame()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"^parts: the folder is empty; put data files into it$"),
        (
            {"a.csv": "x\n1\n", "b.jsonl": "{}"},
            (
                r"^parts: the folder mixes formats \(.csv, .jsonl\); keep files of one suffix; "
                r"'a.csv' is one of another$"
            ),
        ),
        (
            {"a.csv": "x\n1\n", "b.csv": "z\n1\n"},
            r"^parts/b.csv: its columns are not those of parts/a.csv: 'x', 'z'",
        ),
        ({"in/a.csv": "x\n1\n"}, r"^parts: the folder holds folders \(in\); keep data files only"),
        ({"a.csv": "x\n"}, r"^parts: there is no row; name a file with rows$"),
        (
            {"a.png": "x\n"},
            r"^'parts' is of no format that can be read \(.png\); known suffixes are .csv",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(opened, write, tmp_path, files, message):
    (tmp_path / "parts").mkdir()
    for name, text in files.items():
        write(f"parts/{name}", text)

    with pytest.raises(DataError, match=message) as caught:
        opened("parts")
    assert "\n" not in str(caught.value)


SAVED = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
    ".feather": lambda frame, path: feather.write_feather(
        pa.Table.from_pandas(frame, preserve_index=False), path
    ),
    ".jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
}


@pytest.fixture
def parts(tmp_path):
    """Write files into the folder, each of a frame or of bytes."""

    def write_(suffix, **files):
        (tmp_path / "parts").mkdir(exist_ok=True)
        for name, held in files.items():
            path = tmp_path / f"parts/{name}{suffix}"
            path.write_bytes(held) if isinstance(held, bytes) else SAVED[suffix](held, path)

    return write_


PEOPLE = pd.DataFrame({"x": [1, 2], "sex": ["f", "m"]})


@pytest.mark.parametrize("suffix", SAVED)
@pytest.mark.parametrize("place", ["a", "c", "e"], ids=["first", "amid", "last"])
def test_an_empty_file_among_many_is_named(opened, parts, suffix, place):
    parts(suffix, b=PEOPLE, d=PEOPLE, **{place: b""})
    with pytest.raises(DataError, match=rf"^parts/{place}{suffix}: ") as caught:
        opened("parts")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
@pytest.mark.parametrize("place", ["a", "c", "e"], ids=["first", "amid", "last"])
@pytest.mark.parametrize("typed", [True, False], ids=["its types", "no types"])
def test_a_file_of_columns_without_a_row_adds_none(opened, parts, tmp_path, suffix, place, typed):
    # what Spark writes for a part in which nothing was left
    parts(suffix, b=PEOPLE, d=PEOPLE, **{place: PEOPLE.iloc[:0]})
    if not typed and suffix != ".csv":
        save = pq.write_table if suffix == ".parquet" else feather.write_feather
        nothing = pa.table({name: pa.nulls(0) for name in PEOPLE})
        save(nothing, tmp_path / f"parts/{place}{suffix}")
    data = opened("parts")
    assert data.rows == 4
    assert data.frame().to_numpy().tolist() == [[1, "f"], [2, "m"]] * 2


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_a_column_of_another_kind_in_the_next_file_is_named(opened, parts, suffix):
    parts(suffix, a=PEOPLE, b=PEOPLE.assign(sex=[1, 2]))
    with pytest.raises(DataError) as caught:
        opened("parts").frame(["sex"])
    assert str(caught.value) == (
        f"parts/b{suffix}: column 'sex' is int64 here and string before; give it one type in all "
        "files"
    )
    assert opened("parts").frame(["x"])["x"].tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize("name", [".part-0.parquet.crc", "_SUCCESS", "_metadata", ".DS_Store"])
def test_marks_of_other_programs_are_no_data(opened, parts, write, name):
    parts(".parquet", a=PEOPLE)
    write(f"parts/{name}", "junk")
    assert opened("parts").rows == 2


@pytest.mark.parametrize("name", ["README", "README.md", "Thumbs.db", "b.parquet.tmp", "b.csv"])
def test_any_other_file_is_named(opened, parts, write, name):
    parts(".parquet", a=PEOPLE, c=PEOPLE)
    write(f"parts/{name}", "sex\nf\n")
    with pytest.raises(DataError, match=rf"one suffix; '{name}' is one of another$"):
        opened("parts")
