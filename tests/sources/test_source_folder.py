"""A folder of files is one table."""

import hashlib

import pandas as pd
import pytest

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
            r"^parts: the folder mixes formats \(.csv, .jsonl\)",
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
