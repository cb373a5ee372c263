"""Files of rows that cannot be audited: every node is an ERROR in one line, never a pass."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_aipm.records import RunVerdict, Verdict

RACE = {"column": "race", "file": "race.csv", "key": "id"}
POLICY = "policies/credit.aipm.yaml"


def test_the_project_passes_until_something_is_broken(project: Any) -> None:
    record = project.audit()
    assert record.verdict is RunVerdict.PASS
    assert [each.value for each in record.findings] == [0.0, 0.76]


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("x.jsonl", "there is no file 'x.jsonl'; check the name; paths are relative to the root"),
        ("date.csv", "there is no file 'date.csv'; did you mean 'data.csv'?"),
        ("data/rows.csv", "there is no file 'data/rows.csv': no folder 'data'; check the name"),
        ("data.xlsx", "'data.xlsx' is of no format that can be read (.xlsx); known suffixes are "),
        ("data", "'data' is of no format that can be read; known suffixes are .csv, "),
    ],
)
def test_a_file_that_is_not_there_or_of_no_known_suffix_is_named_at_its_line(
    project: Any, ref: str, said: str
) -> None:
    if "." not in ref or ref.endswith(".xlsx"):
        project.write(ref, "sex,y,pred\n")
    project.policy(data=ref)
    assert project.fault().startswith(f"{POLICY}:7:9: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "data.csv: the file is empty; write a header and rows into it"),
        ("sex,y,pred\n", "data.csv: there is a header, but no row; name a file with rows"),
        ("sex,y,pred\n\n\n", "data.csv: there is a header, but no row; name a file with rows"),
        (
            "sex,y,pred,pred\nf,1,1,0\n",
            "data.csv: the column name 'pred' occurs 2 times; rename one of them",
        ),
        (
            "sex,y,pred\nf,1,1\nfämale,1,0\n".encode("latin-1"),
            "data.csv:3: byte 18 is not UTF-8 text; convert it",
        ),
        ("sex,y,pred\nf,1,1\n".encode("utf-16"), "data.csv:1: byte 0 is not UTF-8 text; "),
        (
            "sex,y,pred\nf,1,1\nm,0\n",
            "data.csv:3: row 2 has 2 fields, the header has 3; quote fields that hold the sep",
        ),
        ('sex,y,pred\n"f,1,1\n', "data.csv:2: a quote is never closed; close it, or double it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "data.csv:1: byte 0 is not UTF-8 text; "),
    ],
    ids=[
        "empty",
        "header only",
        "header and blank lines",
        "a name twice",
        "Latin-1",
        "UTF-16",
        "ragged",
        "open quote",
        "a picture",
    ],
)
def test_a_text_file_that_is_no_table_is_said_with_its_line(
    project: Any, content: str | bytes, said: str
) -> None:
    project.write("data.csv", content)
    assert project.fault().startswith(said)


@pytest.mark.parametrize("kept", [0, 4, 0.5, 0.98])
def test_a_parquet_file_cut_short_anywhere_is_damaged(project: Any, kept: float) -> None:
    project.policy(data="data.parquet")
    path = project.root / "data.parquet"
    rows = project.rows()
    pq.write_table(pa.table({name: rows[name].tolist() for name in rows}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    said = project.fault()
    assert said.startswith("data.parquet: cannot be read as Parquet (")
    assert "; write the file again; it is damaged, cut short or of another format" in said


def test_an_empty_folder_and_a_folder_of_two_formats_are_refused(project: Any) -> None:
    project.policy(data="rows")
    (project.root / "rows").mkdir()
    assert project.fault() == "rows: the folder is empty; put data files into it"
    project.write("rows/a.csv", "sex,y,pred\nf,1,1\n")
    project.write("rows/b.jsonl", '{"sex": "m"}\n')
    assert project.fault().startswith("rows: the folder mixes formats (.csv, .jsonl); ")


def test_data_that_are_not_the_pinned_ones_are_refused(project: Any) -> None:
    project.policy(data={"path": "data.csv", "sha256": "a" * 64})
    assert "pinned is aaaaaaaaaaaa...; restore the pinned file" in project.fault()


@pytest.mark.parametrize("key", ["label", "predictions"])
def test_a_column_that_is_not_there_is_named_with_its_neighbour(project: Any, key: str) -> None:
    project.policy(**{key: "yy"})
    assert re.match(rf"{POLICY}:\d+(:\d+)?: there is no column 'yy' in data.csv; ", project.fault())


# A protected attribute from a second file


@pytest.fixture
def joined(project: Any) -> Any:
    project.policy(protected={"race": RACE})
    return project


def races(project: Any, ids: Any) -> None:
    rows = "".join(f"{each},{'ab'[i % 2]}\n" for i, each in enumerate(ids))
    project.write("race.csv", "id,race\n" + rows)


def test_ids_that_occur_twice_in_the_second_file_are_refused_by_row_and_not_by_value(
    joined: Any,
) -> None:
    races(joined, [*range(200), 7])
    said = "race.csv: 1 values of 'id' occur more than once, the first in rows 8 and 201; "
    assert joined.fault() == f"{said}keep one row for each"


def test_a_second_file_that_is_too_short_leaves_unknown_rows_and_fails_by_their_count(
    joined: Any,
) -> None:
    races(joined, range(150))
    record = joined.audit()
    gap = record.findings[0]
    assert (record.verdict, gap.verdict, gap.because) == (
        RunVerdict.FAIL,
        Verdict.FAIL,
        "unknown",
    )
    assert "50 of 200 rows (25.0%) have no race; at most 5.0% may be unknown" in gap.reason


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (range(1000, 1200), "no 'id' of data.csv occurs in race.csv; name the file and the key"),
        ([f"p{i}" for i in range(200)], "holds numbers in the data and texts in race.csv; write"),
        (None, "there is no file 'race.csv'; "),
    ],
    ids=["other ids", "ids of another kind", "no file"],
)
def test_a_second_file_that_does_not_belong_to_the_data_is_refused_at_its_line(
    joined: Any, ids: Any, said: str
) -> None:
    if ids is not None:
        races(joined, ids)
    found = joined.fault()
    assert re.match(rf"{POLICY}:10:\d+: ", found)
    assert said in found
