"""``aipm init``: what it writes, asks and refuses, and that what it writes runs."""

from __future__ import annotations

import gzip
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from cli_project import Project, Said

import pytest_aipm
from pytest_aipm.commands import init as command
from pytest_aipm.records import RunVerdict

Aipm = Callable[..., Said]
N = 400


def rows(n: int = N) -> pd.DataFrame:
    number = np.arange(n)
    return pd.DataFrame(
        {
            "customer_id": 1000 + number,
            "sex": np.where(number % 2 == 0, "female", "male"),
            "age": 18 + number * 7 % 60,
            "predicted": number // 2 % 2,
            "defaulted": number // 4 % 2,
        }
    )


@pytest.fixture
def holdout(project: Project) -> pd.DataFrame:
    frame = rows()
    frame.to_csv(project.path / "holdout.csv", index=False)
    return frame


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answer questions in order; returns the questions as they were asked."""

    def given(*words: str) -> list[str]:
        left, asked = list(words), []

        def ask(question: str) -> str:
            asked.append(question)
            if not left:
                raise EOFError
            return left.pop(0)

        monkeypatch.setattr(command, "_somebody", lambda: True)
        monkeypatch.setattr(command, "_ask", ask)
        return asked

    return given


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_one_command_writes_a_project_that_validates_and_audits(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    del holdout
    done = aipm("init", "--data", "holdout.csv", "--yes")

    assert done.code == 0, done.err
    assert files(project.path) - {"data.csv", "holdout.csv"} == {
        "policies/holdout.aipm.yaml",
        "policies/holdout.schema.yaml",
        "policies/waivers.yaml",
        "policies/aipm-policy.schema.json",
        "policies/aipm-waivers.schema.json",
        ".github/workflows/aipm.yml",
        ".gitignore",
    }
    assert "class 1 = defaulted is what is predicted; the favorable decision is 0" in done.out
    assert "CHECK" in done.out
    read = aipm("validate")
    assert read.code == 0, read.err
    record = pytest_aipm.audit("policies/holdout.aipm.yaml", root=project.path)
    assert record.verdict is not RunVerdict.PASS, "the two models are strangers to each other"
    assert {finding.verdict.value for finding in record.findings} <= {
        "pass",
        "fail",
        "inconclusive",
        "warn",  # rows that stand alone in age and sex
    }


def test_a_folder_with_blanks_and_another_root(project: Project, aipm: Aipm) -> None:
    place = project.path / "my loans" / "of may"
    place.mkdir(parents=True)
    rows().to_csv(place / "hold out.csv", index=False)
    done = aipm(
        "init", "--root", "my loans", "--data", "my loans/of may/hold out.csv", "--name", "loans",
        "--yes",
    )  # fmt: skip
    assert done.code == 0, done.err
    read = aipm("validate", "--root", "my loans")
    assert read.code == 0, read.err
    assert "data: of may/hold out.csv, 400 rows" in read.out


@pytest.mark.parametrize("kind", ["csv.gz", "parquet", "tsv", "jsonl"])
def test_other_formats_are_read_as_the_audit_reads_them(
    project: Project, aipm: Aipm, kind: str
) -> None:
    path = project.path / f"holdout.{kind}"
    if kind == "parquet":
        rows().to_parquet(path)
    elif kind == "jsonl":
        rows().to_json(path, orient="records", lines=True)
    else:
        rows().to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    assert aipm("init", "--data", path.name, "--yes").code == 0
    assert aipm("validate").code == 0


def test_what_is_named_is_written(project: Project, aipm: Aipm, holdout: pd.DataFrame) -> None:
    holdout.rename(columns={"predicted": "m", "defaulted": "t", "sex": "g"}).to_csv(
        project.path / "plain.csv", index=False
    )
    done = aipm(
        "init", "--data", "plain.csv", "--predictions", "m", "--label", "t", "--positive", "0",
        "--favorable", "1", "--protected", "g", "--protected", "age", "--task", "binary",
        "--name", "loans", "--purpose", "Grant loans", "--owner", "me@example.org", "--yes",
    )  # fmt: skip
    assert done.code == 0, done.err
    policy = pytest_aipm.audit("policies/loans.aipm.yaml", root=project.path).audits[0]
    assert policy.context["purpose"] == "Grant loans"
    assert policy.context["owner"] == "me@example.org"
    assert policy.subject.positive == "0"
    assert policy.subject.favorable == "1"
    assert {finding.scope for finding in policy.findings} == {("g",), ("age",), ()}


# nobody is there, nobody agrees


def test_without_yes_and_without_somebody_to_ask_nothing_is_written(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    del holdout
    before = files(project.path)
    done = aipm("init", "--data", "holdout.csv")
    assert done.code == 4
    assert "nothing was written: read the proposals" in done.err
    assert "protected    sex" in done.out
    assert files(project.path) == before


def test_a_person_is_asked_for_each_part_and_enter_accepts_it(
    project: Project, aipm: Aipm, holdout: pd.DataFrame, answers: Callable[..., list[str]]
) -> None:
    del holdout
    asked = answers("", "", "", "", "", "Grant loans", "me@example.org", "y")
    done = aipm("init", "--data", "holdout.csv")
    assert done.code == 0, done.err
    parts = ("model said", "really happened", "predicted", "good for", "who a person is", "decide")
    for part, question in zip(parts, asked, strict=False):
        assert part in question
    assert asked[1].endswith("[defaulted]: ")
    text = (project.path / "policies/holdout.aipm.yaml").read_text()
    assert "purpose: Grant loans" in text
    assert "favorable: 0" in text


def test_a_persons_answers_hold_and_an_answer_that_is_none_is_asked_for_again(
    project: Project, aipm: Aipm, holdout: pd.DataFrame, answers: Callable[..., list[str]]
) -> None:
    del holdout
    answers("", "defautled", "defaulted", "", "1", "sx", "sex", "", "me", "y")
    done = aipm("init", "--data", "holdout.csv")
    assert done.code == 0, done.err
    assert "'defautled' is none of" in done.out
    assert "no such column: sx" in done.out
    text = (project.path / "policies/holdout.aipm.yaml").read_text()
    assert "  favorable: 1" in text
    assert "    sex: sex" in text
    assert "    age:" not in text


@pytest.mark.parametrize("end", [["", "", "", "", "", "", "me", "n"], ["", ""], ["x", "y", "z"]])
def test_a_person_who_does_not_agree_gets_no_file(
    project: Project,
    aipm: Aipm,
    holdout: pd.DataFrame,
    answers: Callable[..., list[str]],
    end: list[str],
) -> None:
    del holdout
    before = files(project.path)
    answers(*end)
    done = aipm("init", "--data", "holdout.csv")
    assert done.code == 4
    assert "nothing was written" in done.err
    assert files(project.path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
def test_on_a_terminal_it_asks(project: Project, holdout: pd.DataFrame) -> None:
    from terminals import terminal

    del holdout
    code = "import sys; from pytest_aipm.cli import main; sys.exit(main())"
    with terminal(b"\n" * 7 + b"y\n") as (below, said):
        asked = subprocess.run(
            [sys.executable, "-c", code, "init", "--data", "holdout.csv"],
            cwd=project.path,
            stdin=below,
            stdout=below,
            stderr=below,
            env={**os.environ, "TERM": "dumb"},
            check=False,
            timeout=120,
        )
    assert asked.returncode == 0, said
    assert b"Decision that is good for a person" in said
    assert (project.path / "policies/holdout.aipm.yaml").is_file()


# nothing is overwritten, nothing is half written


def test_a_policy_that_exists_is_never_overwritten(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    del holdout
    place = project.file("policies/holdout.aipm.yaml", "mine")
    before = files(project.path)
    done = aipm("init", "--data", "holdout.csv", "--yes")
    assert done.code == 4
    assert "policies/holdout.aipm.yaml: exists already; nothing was written" in done.err
    assert place.read_text() == "mine"
    assert files(project.path) == before


def test_a_second_policy_keeps_the_files_that_the_first_one_brought(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    del holdout
    project.file("policies/waivers.yaml", "waivers: []  # mine\n")
    project.file(".gitignore", "*.log\n")
    done = aipm("init", "--data", "holdout.csv", "--yes")
    assert done.code == 0, done.err
    assert "kept  policies/waivers.yaml, as it is" in done.out
    assert "add the line aipm-report/ to it" in done.out
    assert (project.path / "policies/waivers.yaml").read_text() == "waivers: []  # mine\n"
    again = aipm("init", "--data", "holdout.csv", "--name", "second", "--yes")
    assert again.code == 0, again.err
    assert aipm("validate").code == 0


def test_a_failure_half_way_leaves_nothing(
    project: Project, aipm: Aipm, holdout: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    del holdout
    before = files(project.path)
    write = Path.write_bytes

    def full(self: Path, raw: bytes) -> int:
        if "aipm.yml" in self.name:
            raise OSError(28, "No space left on device")
        return write(self, raw)

    monkeypatch.setattr(Path, "write_bytes", full)
    done = aipm("init", "--data", "holdout.csv", "--yes")
    assert done.code == 4
    assert "No space left" in done.err
    assert files(project.path) == before
    assert not (project.path / "policies").exists()
    assert not (project.path / ".github").exists()


# bad input


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", "sex;pred;y\nf;1;0\nm;0;1\n", "separated by semicolons, not by commas; write it"),
        ("a.csv", "sex\tpred\ty\nf\t1\t0\n", "separated by tabs, not by commas; rename it to .tsv"),
        ("a.csv", "sex,pred,Straße\nf,1,ü\n".encode("cp1252"), "is not UTF-8 text; convert it"),
        ("a.csv", "", "the file is empty"),
        ("a.csv", "sex,pred,y\n", "there is a header, but no row"),
        ("a.csv", "1,0,34,f\n0,0,31,m\n", "a.csv:1: its first line holds values, not names"),
        ("a.csv", bytes(range(256)) * 9, "a.csv:"),
        ("a.csv", "a,a\n1,2\n", "the column name 'a' occurs 2 times"),
        ("a.txt", "hello", "name it .csv"),
        ("a.xlsx", "PK", "is a spreadsheet; save the sheet as CSV"),
        ("a.zip", "PK", "unpack it first: unzip a.zip"),
        ("a.csv.xz", "x", "unpack it first: unxz a.csv.xz"),
        ("a.sav", "x", "save the rows as CSV or Parquet"),
        ("a.pdf", "x", "is of no format that can be read (.pdf)"),
        ("a.parquet", "no parquet", "a.parquet"),
        ("a.csv.gz", "no gzip", "a.csv.gz"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line_that_says_how_to_mend_it(
    project: Project, aipm: Aipm, name: str, content: str | bytes, line: str
) -> None:
    (project.path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    before = files(project.path)
    done = aipm("init", "--data", name, "--yes")
    assert done.code in (1, 4)
    assert line in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "; " in done.err
    assert "Traceback" not in done.err
    assert files(project.path) == before


def test_the_way_to_mend_semicolons_works(project: Project, aipm: Aipm) -> None:
    rows().assign(income=1.5).to_csv(project.path / "a.csv", index=False, sep=";", decimal=",")
    done = aipm("init", "--data", "a.csv", "--yes")
    code = done.err.partition('python -c "')[2].rpartition('"')[0]
    subprocess.run([sys.executable, "-c", code], cwd=project.path, check=True, timeout=120)
    assert aipm("init", "--data", "a-comma.csv", "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "--data is missing; name a file of rows: aipm init --data holdout.csv"),
        (("--data", "holdot.csv"), "did you mean 'holdout.csv'?"),
        (("--data", "holdout.csv", "--label", "defalted"), "did you mean 'defaulted'?"),
        (("--data", "bare.csv"), "nothing says what the model said about these rows; 'defaulted'"),
        (("--data", "holdout.csv", "--model", "none.skops"), "there is no file 'none.skops'"),
        (("--data", "holdout.csv", "--model", "holdout.csv"), "no model format that can be opened"),
        (("--data", "holdout.csv", "--model", "policies"), "is a folder"),
        (("--data", "holdout.csv", "--protected", "sx"), "did you mean 'sex'?"),
        (("--data", "no.such:thing"), "no"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(
    project: Project, aipm: Aipm, holdout: pd.DataFrame, words: tuple[str, ...], line: str
) -> None:
    (project.path / "policies").mkdir()
    holdout.drop(columns="predicted").to_csv(project.path / "bare.csv", index=False)
    before = files(project.path)
    done = aipm("init", *words, "--yes")
    assert done.code in (1, 4)
    assert line in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert files(project.path) == before


def test_three_rows_and_many_columns_end_in_a_policy_that_says_what_they_show(
    project: Project, aipm: Aipm
) -> None:
    rows(3).assign(defaulted=[0, 1, 0]).to_csv(project.path / "three.csv", index=False)
    few = aipm("init", "--data", "three.csv", "--yes")
    assert few.code == 0, few.err
    assert "3 rows show hardly anything" in few.out
    record = pytest_aipm.audit("policies/three.aipm.yaml", root=project.path)
    assert record.verdict is not RunVerdict.PASS

    noise = np.random.default_rng(0).integers(0, 9, (60, 5000))
    wide = pd.DataFrame(noise, columns=[f"c{i}" for i in range(5000)])
    pd.concat([wide, rows(60)], axis=1).to_csv(project.path / "wide.csv", index=False)
    many = aipm("init", "--data", "wide.csv", "--yes")
    assert many.code == 0, many.err
    assert "60 rows, 5,005 columns" in many.out


# models


def test_a_model_that_can_run_code_must_be_trusted_first_and_the_command_is_said(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(holdout[["age", "customer_id"]], holdout["defaulted"])
    joblib.dump(model, project.path / "loans.joblib")
    holdout.drop(columns="predicted").to_csv(project.path / "holdout.csv", index=False)
    done = aipm("init", "--data", "holdout.csv", "--model", "loans.joblib", "--yes")
    assert done.code == 0, done.err
    assert "  aipm trust loans.joblib\n" in done.out
    refused = aipm("validate")
    assert refused.code == 4
    assert aipm("trust", "loans.joblib").code == 0
    assert aipm("validate").code == 0
    record = pytest_aipm.audit("policies/holdout.aipm.yaml", root=project.path)
    # the model does not read sex, so nothing can turn on it
    said = {f.verdict.value for f in record.findings}
    assert said <= {"pass", "fail", "inconclusive", "not_judged", "warn"}
    second = aipm(
        "init", "--data", "holdout.csv", "--model", "loans.joblib", "--name", "b", "--yes"
    )
    assert "aipm trust" not in second.out, "it is trusted already"


def test_a_factory_is_taken_for_the_model(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    holdout.drop(columns="predicted").to_csv(project.path / "holdout.csv", index=False)
    factory = "pytest_aipm.demo.lending:fair_model"
    done = aipm("init", "--data", "holdout.csv", "--model", factory, "--yes")
    assert done.code == 0, done.err
    assert aipm("validate").code == 0


def test_a_model_whose_library_is_missing_is_said_before_anything_is_opened(
    project: Project, aipm: Aipm, holdout: pd.DataFrame
) -> None:
    del holdout
    gone = b"cno_such_library.models\nBooster\n."
    (project.path / "loans.pkl").write_bytes(gone)
    done = aipm("init", "--data", "holdout.csv", "--model", "loans.pkl", "--yes")
    assert done.code == 4
    assert "needs no_such_library, which is not installed; install it here" in done.err


def test_a_pickle_is_searched_without_being_run(project: Project) -> None:
    from sklearn.linear_model import LogisticRegression

    from pytest_aipm.starting.model_file import libraries_of

    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(project.path / "harm"),)

    place = project.path / "m.pkl"
    for protocol in (0, 2, 4, 5):
        place.write_bytes(pickle.dumps(Harm(), protocol=protocol))
        assert libraries_of(place) == [os.mkdir.__module__]
        place.write_bytes(pickle.dumps(LogisticRegression().fit([[0], [1]], [0, 1]), protocol))
        assert all(find_spec(name) for name in libraries_of(place)), libraries_of(place)
        assert "sklearn" in libraries_of(place)
    place.write_bytes(gzip.compress(pickle.dumps(Harm())))
    assert libraries_of(place) == []
    assert not (project.path / "harm").exists()


# where a project is


def test_a_project_below_a_repository_is_told_where_workflows_are_read(
    project: Project, aipm: Aipm
) -> None:
    (project.path / ".git").mkdir()
    project.file("pytest.ini", "[pytest]\n")
    below = project.path / "models"
    below.mkdir()
    rows().to_csv(below / "holdout.csv", index=False)
    done = aipm("init", "--root", "models", "--data", "models/holdout.csv", "--yes")
    assert done.code == 0, done.err
    assert "GitHub reads workflows only in" in done.out
    assert "for its root and looks for policies there" in done.out
    text = (below / ".github/workflows/aipm.yml").read_text()
    assert "working-directory: models" in text
    assert "models/aipm-report" in text


def test_a_spreadsheet_called_csv_is_seen(project: Project, aipm: Aipm) -> None:
    with zipfile.ZipFile(project.path / "a.csv", "w") as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
    done = aipm("init", "--data", "a.csv", "--yes")
    assert "is a spreadsheet" in done.err
