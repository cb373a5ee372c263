"""Files of rows that cannot be audited: every node is an ERROR in one line, never a pass."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_aipm.auditing import Auditor, Settings, load_plan
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
            "data.csv:3: row 2 has 2 fields, the header has 3; it is the last: write the file",
        ),
        (
            "sex,y,pred\nf,1,1\nm,0\nf,1,1\n",
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
        "cut",
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


ROWS = 150_000
SCORED = {"predictions": None, "scores": "score", "decision": {"threshold": 0.5}}


@pytest.mark.parametrize(
    ("column", "value", "asked", "said"),
    [
        ("score", math.nan, SCORED, "scores column 'score' has 1 missing or infinite value(s)"),
        ("score", -math.inf, SCORED, "scores column 'score' has 1 missing or infinite value(s)"),
        ("score", 1.5, SCORED, "scores lie outside [0, 1]"),
        ("pred", math.nan, {}, "predictions column 'pred' has 1 missing value(s)"),
        ("pred", 2, {}, "the prediction has 3 or more values (0, 1, 2); a binary task has two"),
        ("y", math.nan, {}, "label column 'y' has 1 missing value(s)"),
        ("y", 2, {}, "the label has 3 or more values (0, 1, 2); a binary task has two"),
    ],
)
def test_a_value_in_the_last_batch_of_many_rows_leaves_no_verdict_on_the_others(
    project: Any, column: str, value: float, asked: dict[str, Any], said: str
) -> None:
    rows = project.rows(ROWS)
    held = rows[column].to_numpy(copy=True).astype(float if value != 2 else int)
    held[-7] = value
    pq.write_table(
        pa.Table.from_pandas(rows.assign(**{column: held})), project.root / "data.parquet"
    )
    project.policy(data="data.parquet", **asked)
    found = project.fault()
    assert said in found
    if value != 2 and "outside" not in said:
        assert f"the first in data row {ROWS - 6}" in found


def test_an_empty_folder_and_a_folder_of_two_formats_are_refused(project: Any) -> None:
    project.policy(data="rows")
    (project.root / "rows").mkdir()
    assert project.fault() == "rows: the folder is empty; put data files into it"
    project.write("rows/a.csv", "sex,y,pred\nf,1,1\n")
    project.write("rows/b.jsonl", '{"sex": "m"}\n')
    assert project.fault().startswith("rows: the folder mixes formats (.csv, .jsonl); ")


def test_rows_that_change_between_two_checks_leave_the_second_without_a_verdict(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = Auditor.finding

    def finding(auditor: Auditor, node: Any) -> Any:
        found = genuine(auditor, node)
        project.data(sex="f")
        return found

    monkeypatch.setattr(Auditor, "finding", finding)
    own = {"check": "data.duplicates", "id": "twice", "limit": {"max": 0.9}}
    project.checks = [*project.checks, own]
    project.policy()
    record = project.audit()
    counted, again = record.findings[:2], record.findings[-1]
    assert {each.verdict for each in counted} == {Verdict.PASS}, "of the one pass, before"
    assert again.verdict is Verdict.ERROR
    assert again.reason.startswith("data.csv: was written to since it was opened; ")
    assert record.verdict is RunVerdict.FAIL


@pytest.mark.parametrize("kind", ["file", "factory"])
def test_processes_of_a_run_that_open_other_rows_say_so(
    project: Any, one_line_in: Any, tmp_path: Path, kind: str
) -> None:
    if kind == "factory":
        name = project.module(
            "import pandas as pd\nCALLS = []\n\ndef load():\n    CALLS.append(1)\n"
            f"    return pd.read_csv({str(project.root / 'data.csv')!r}).iloc[len(CALLS):]\n"
        )
        project.policy(data={"factory": f"{name}:load"})
    settings = Settings(
        root=project.root,
        policies=(project.root / "policies",),
        report=project.root / "aipm-report",
        baseline=project.root / "aipm-baseline.json",
    )
    shared = tmp_path / "shared"
    shared.mkdir()
    verdicts = []
    for _ in range(2):  # as two workers do
        plan = load_plan(settings)
        auditor = Auditor(plan, plan.policies[0], shared)
        found = [auditor.finding(node) for node in plan.nodes(plan.policies[0])]
        verdicts.append({each.verdict for each in found})
        project.data(sex="f")
    assert verdicts == [{Verdict.PASS}, {Verdict.ERROR}]
    said = one_line_in(found[0].reason, project.root)
    assert " is not the same here as in another process of this run; " in said


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
