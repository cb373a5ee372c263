"""Annotations and step summaries: what GitHub reads from a run, worst first and harmless."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report_samples import (
    ARABIC,
    HOSTILE,
    cell,
    finding,
    lending,
    rich_record,
    small_cells,
)
from report_samples import record_of as record

from pytest_aipm.records import Because, Finding, Record, Verdict
from pytest_aipm.report import append_step_summary, github_annotations, summary_md
from pytest_aipm.report.github import SUMMARY_BYTES
from pytest_aipm.report.plain import inert

COMMAND = re.compile(r"::(error|warning) ([^:]*)::(.*)")


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """Read a command as GitHub's runner does: properties end at the second double colon."""
    found = COMMAND.fullmatch(line)
    assert found, line

    def plain(text: str) -> str:
        for code, character in (
            ("%0D", "\r"),
            ("%0A", "\n"),
            ("%3A", ":"),
            ("%2C", ","),
            ("%25", "%"),
        ):
            text = text.replace(code, character)
        return text

    level, properties, message = found.groups()
    pairs = dict(each.split("=", 1) for each in properties.split(","))
    return level, {key: plain(value) for key, value in pairs.items()}, plain(message)


def only(*findings: Finding) -> Record:
    return record(lending().model_copy(update={"findings": findings}))


def test_a_lost_report_is_said_first_and_ten_lines_stay_ten() -> None:
    many = only(*(finding("a.b", f"c{i}", [], "warn", policy_line=1) for i in range(20)))
    marks = github_annotations(many, lost="out: the report is NOT written\n::error::x")
    assert marks[0] == "::warning title=pytest-aipm::out: the report is NOT written ::error::x"
    assert len(marks) == 10
    assert marks[-1] == "::warning title=pytest-aipm::and 12 more, see the report"


def test_findings_are_marked_at_the_lines_of_the_policy_worst_first() -> None:
    marks = [parsed(line) for line in github_annotations(rich_record())]
    assert [(level, where["title"]) for level, where, _ in marks] == [
        ("error", "Fail: credit-approval::selection-rate::sex-x-race"),
        ("error", "Fail: credit-approval::odds::race"),
        ("error", "Error: credit-approval::flip-race::race"),
        ("warning", "Inconclusive: credit-approval::approval-gap::region"),
        ("warning", "Inconclusive: diabetes-progression::score-gap::sex"),
        ("warning", "Inconclusive: credit-approval::membership::overall"),
        ("warning", "Warn: credit-approval::recall-by-sex::sex"),
    ]
    _, where, message = marks[0]
    assert where["file"] == "policies/credit-approval.aipm.yaml"
    assert (where["line"], where["col"]) == ("15", "5")
    assert message.startswith("selection rate 47 of 100 for female")
    assert "Worse than the approved baseline" in message
    text = "\n".join(github_annotations(rich_record()))
    assert "selection-rate%3A%3Asex," not in text, "a waived finding has none"


@pytest.mark.parametrize(("number", "rest"), [(9, ""), (10, "1"), (250, "241")])
def test_at_most_nine_and_one_line_that_counts_the_rest(number: int, rest: str) -> None:
    one = finding("x.y", "a", (), "fail")
    found = tuple(one.model_copy(update={"id": f"p::a{i:03}::overall"}) for i in range(number))
    lines = github_annotations(only(*found))
    assert len(lines) == 9 + bool(rest)
    if rest:
        assert lines[-1] == f"::error title=pytest-aipm::and {rest} more, see the report"


def test_what_is_left_out_is_as_grave_as_the_worst_of_it() -> None:
    fails = [finding("x.y", f"a{i}", (), "fail") for i in range(9)]
    lines = github_annotations(only(*fails, finding("x.y", "b", (), "warn")))
    assert lines[-1].startswith("::warning title=pytest-aipm::and 1 more")


def test_inconclusive_that_fails_the_build_is_an_error_and_lack_of_evidence_a_warning() -> None:
    strict = finding("x.y", "strict", (), "inconclusive", failing=True)
    unseen = finding("x.y", "unseen", (), "not_judged", because=Because.NO_EVIDENCE)
    off = finding("x.y", "off", (), "not_judged", because=Because.DISABLED)
    assert [parsed(line)[0] for line in github_annotations(only(unseen, strict, off))] == [
        "error",
        "warning",
    ]


def test_fails_are_left_to_another_annotator_and_errors_are_not() -> None:
    marks = [parsed(line) for line in github_annotations(rich_record(), fails=False)]
    assert [where["title"] for level, where, _ in marks if level == "error"] == [
        "Error: credit-approval::flip-race::race"
    ]
    assert sum(level == "warning" for level, _, _ in marks) == 4
    strict = finding("x.y", "strict", (), "inconclusive", failing=True)
    assert github_annotations(only(finding("x.y", "a", (), "fail"), strict), fails=False) == []


def test_a_green_run_is_quiet(passing: Record) -> None:
    assert github_annotations(passing) == []


@pytest.mark.parametrize(
    ("nodeid", "prefix", "file"),
    [
        ("policies/a.aipm.yaml::x", "", "policies/a.aipm.yaml"),
        ("policies/a.aipm.yaml::x", "models/loans", "models/loans/policies/a.aipm.yaml"),
        ("../policies/a.aipm.yaml::x", "models/loans", "models/policies/a.aipm.yaml"),
        ("../a.aipm.yaml::x", "", None),
        ("/elsewhere/a.aipm.yaml::x", "models", None),
        ("", "", None),
        ("a,line=1::error::b\n.aipm.yaml::x", "", "a,line=1"),
    ],
)
def test_files_are_named_as_the_repository_knows_them(
    nodeid: str, prefix: str, file: str | None
) -> None:
    one = finding("x.y", "a", (), "fail").model_copy(update={"nodeid": nodeid, "policy_line": 3})
    (line,) = github_annotations(only(one), prefix=prefix)
    _, where, _ = parsed(line)
    assert where.get("file") == file
    assert where.get("line") == (None if file is None else "3")


@pytest.mark.parametrize(
    "hostile",
    [
        *HOSTILE,
        "100 % of\r\n::error::forged",
        "a:b,c=d",
        "::stop-commands::x",
        "%0A::error::x",
        "x" * 10_000,
        "",
    ],
    ids=repr,
)
def test_text_from_data_stays_in_its_place(hostile: str) -> None:
    one = finding("x.y", hostile or "a", (hostile,), "fail", reason=hostile)
    lines = github_annotations(only(one))
    assert len(lines) == 1
    (line,) = lines
    assert len(line.splitlines()) == 1
    assert len(line) < 4_000
    level, where, message = parsed(line)
    assert level == "error"
    assert set(where) == {"file", "title"}
    assert not set("\x1b\u202e\r\n") & set(line)
    if len(hostile) < 200 and hostile.isprintable():
        assert message == hostile
        assert hostile in where["title"]
    if hostile == ARABIC:
        assert ARABIC in message


def test_small_cells_are_withheld() -> None:
    text = "\n".join(github_annotations(only(small_cells())))
    assert "approval-gap" in text
    for secret in ("2 of 3", "81,234", "0.6173"):
        assert secret not in text


def test_the_step_summary_is_appended_and_what_was_there_stays(
    lending: Record, tmp_path: Path
) -> None:
    place = tmp_path / "summary file"
    assert append_step_summary(lending, place) == ""
    assert place.read_text(encoding="utf-8") == summary_md(lending)
    assert append_step_summary(lending, place) == ""
    assert place.read_text(encoding="utf-8") == f"{summary_md(lending)}\n{summary_md(lending)}"


def test_a_summary_that_cannot_be_written_is_a_note(lending: Record, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", tmp_path / "absent" / "file", Path("a\0b")):
        note = append_step_summary(lending, place)
        assert note.startswith("the step summary cannot be written (")
        assert len(note.splitlines()) == 1


def test_a_full_summary_is_left_alone_because_github_would_drop_all_of_it(
    lending: Record, tmp_path: Path
) -> None:
    place = tmp_path / "summary"
    place.write_bytes(b"x" * (SUMMARY_BYTES - 100))
    assert append_step_summary(lending, place).startswith("the step summary is full (1,048,476")
    assert place.stat().st_size == SUMMARY_BYTES - 100


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("::error::x", True),
        ("  ::add-mask::x", True),
        ("ok\n \t::stop-commands::x", True),
        ("see ##[error]x", True),
        ("policies/a.aipm.yaml::gap::sex", False),
        ("# [link]", False),
        ("", False),
    ],
)
def test_a_log_line_is_no_command(text: str, command: bool) -> None:
    made = inert(text)
    for line in made.splitlines():
        assert not line.strip().startswith("::")
        assert "##[" not in line
    assert (made != text) is command
    assert made.replace("\u200b", "") == text


def test_a_small_cell_stays_hidden_when_a_record_raises() -> None:
    groups = (cell({"a": "x"}, 50, 100), cell({"a": "y"}, 1, 3))
    one = finding(
        "fairness.demographic_parity_difference",
        "gap",
        ("a",),
        "fail",
        value=0.1667,
        groups=groups,
        reason="selection rate 1 of 3 for y",
    )
    with pytest.raises(AssertionError) as caught:
        only(one).raise_if_failed()
    assert "1 of 3" not in str(caught.value)
    assert caught.value.finding.verdict is Verdict.FAIL  # type: ignore[attr-defined]
    assert caught.value.finding.reason == one.reason, "the object is the caller's own"  # type: ignore[attr-defined]
