"""A run on GitHub: annotations once and at column 0, the step's summary, and no small cell.

The folder ``GITHUB_WORKSPACE`` stands for the repository.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

GAP = "fairness.demographic_parity_difference"
ANNOTATOR = "import pytest\n"


@pytest.fixture
def on_github(project: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the step's summary, on a machine that says it is GitHub's."""
    summary: Path = project.path / "step summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path.parent))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    return summary


def commands(result: pytest.RunResult) -> list[str]:
    """The lines that GitHub's runner takes for commands: after spaces, too."""
    return [line for line in result.outlines if line.lstrip().startswith("::")]


def test_findings_are_marked_once_and_the_summary_is_the_steps(
    project: Any, on_github: Path
) -> None:
    project.mixed()
    alone = project.run("--aipm-audit")
    marks = commands(alone)
    file = f"file={project.path.name}/policies/mixed.aipm.yaml"
    assert [line.partition("::Selection")[0].partition("::selection")[0] for line in marks] == [
        f"::error {file},line=13,col=5,title=Fail%3A mixed%3A%3Agap%3A%3Asex",
        f"::warning {file},line=13,col=5,title=Inconclusive%3A mixed%3A%3Agap%3A%3Ateam",
        f"::warning {file},line=15,col=5,title=Warn%3A mixed%3A%3Anear%3A%3Asex",
    ]
    assert alone.outlines[-2].startswith("FAIL"), "the verdict is the last thing said"
    summary = (project.path / "aipm-report" / "summary.md").read_text(encoding="utf-8")
    assert on_github.read_text(encoding="utf-8") == summary

    on_github.unlink()
    spread = project.run("--aipm-audit", "-n", "2")
    assert commands(spread) == marks, "the controller speaks, not each worker"
    assert on_github.read_text(encoding="utf-8").count("## FAIL · model audit") == 1


def test_off_and_other_machines_are_silent_and_on_speaks_anywhere(
    project: Any, on_github: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.mixed()
    assert commands(project.run("--aipm-audit", "-o", "aipm_github=off")) == []
    assert not on_github.exists()
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    assert commands(project.run("--aipm-audit")) == []
    assert not on_github.exists()
    project.ini("aipm_github = on")
    assert len(commands(project.run("--aipm-audit"))) == 3
    assert on_github.exists()


def test_a_report_that_is_not_written_is_the_first_warning(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.good()
    result = project.here("--aipm-audit", "--aipm-report=data.csv")
    assert result.ret == 0
    lines = [line for line in result.outlines if line.startswith("::")]
    start = "::warning title=pytest-aipm::data.csv: the report of this run is NOT written ("
    assert [line[: len(start)] for line in lines] == [start]


def test_another_word_is_refused_in_one_line(project: Any) -> None:
    project.good()
    project.ini("aipm_github = yes")
    result = project.here("--aipm-audit")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: aipm_github: 'yes' is none of auto, on, off"])


def test_fails_are_left_to_another_annotator_unless_ours_are_asked_for(
    project: Any, on_github: Path
) -> None:
    (project.path / "pytest_github_actions_annotate_failures.py").write_text(ANNOTATOR)
    project.mixed()
    other = ("-p", "pytest_github_actions_annotate_failures")
    quiet = commands(project.run("--aipm-audit", *other))
    assert [line.partition(" ")[0] for line in quiet] == ["::warning", "::warning"]
    assert on_github.exists()
    assert len(commands(project.run("--aipm-audit", *other, "-o", "aipm_github=on"))) == 3


def test_a_summary_that_cannot_be_written_never_breaks_the_run(
    project: Any, on_github: Path
) -> None:
    on_github.mkdir()
    project.good()
    result = project.run("--aipm-audit")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["the step summary cannot be written (*); summary.md has *"])
    assert result.outlines[-2].startswith("PASS")


def test_a_usage_error_and_a_run_without_policies_say_nothing_to_github(
    project: Any, on_github: Path
) -> None:
    project.good().write_text("aipm: 1\n")
    assert project.run("--aipm-audit").ret == 4
    project.test()
    result = project.run("tests")
    assert result.ret == 0
    assert commands(result) == []
    assert not on_github.exists()


SMALL = """\
import pandas

def test_small(aipm):
    aipm.check(
        "fairness.demographic_parity_difference", data=pandas.read_csv("small.csv"), label="y",
        predictions="pred", positive=1, favorable=1, by="team", limit={"max": 0.01},
        decide_on="point", id="inside",
    )
"""
SECRETS = ("1 of 3", "0.333", "33 of 100", "33.3", "0.067", "0.0667", "0.06667")
"""The rate of three people, and its distance to that of the others (0.4), as they are printed."""
CLOCKS = re.compile(r'time(?:stamp)?="[^"]*"|in [0-9.]+s\b')
"""Read by pytest from a clock: of all numbers in a log the only ones that differ each time."""


@pytest.mark.parametrize("distributed", [False, True], ids=["serial", "distributed"])
def test_a_cell_of_three_people_shows_nowhere_in_a_log(
    project: Any, on_github: Path, distributed: bool
) -> None:
    """Terminal in every verbosity, failures, captured text, annotations, summary, JUnit, page."""
    with (project.path / "small.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "team"])
        writer.writerows([i % 2, int(i % 10 < 4), "many"] for i in range(1000))
        writer.writerows([i % 2, int(i == 0), "few"] for i in range(3))
    place = project.policy(
        "small",
        f"{{check: {GAP}, id: gap, by: team, limit: {{max: 0.01}}, decide_on: point}}",
        f"{{check: {GAP}, id: open, by: team, limit: {{max: 0.01}}}}",
        f"{{check: {GAP}, id: near, by: team, limit: {{max: 0.9}}, warn: {{max: 0.01}}, "
        "decide_on: point}",
        "{check: performance.metric, id: each, metric: recall, by: team, limit: {min: 0.99}, "
        "decide_on: point}",
        data="small.csv",
    )
    place.write_text(
        place.read_text().replace("{sex: sex, region: region, team: team}", "{team: team}")
    )
    project.test("test_small", SMALL)
    spread = ("-n", "2") if distributed else ()

    result = project.run(
        "--aipm-audit",
        "policies",
        "tests",
        "-vv",
        "-rA",
        "-l",
        "--junitxml=junit.xml",
        "-o",
        "junit_logging=all",
        *spread,
    )

    assert result.ret == 1
    record = (project.path / "aipm-report/audit.json").read_text()
    assert '"numerator": 1' in record, "the decision was made with the cell"
    outcomes = project.verdicts()
    assert outcomes["small::gap::team"] == "fail"
    assert {"inconclusive", "warn"} <= set(outcomes.values())
    published = {
        "terminal": result.stdout.str() + result.stderr.str(),
        "step summary": on_github.read_text(encoding="utf-8"),
        "JUnit": (project.path / "junit.xml").read_text(encoding="utf-8"),
        "page": (project.path / "aipm-report/index.html").read_text(encoding="utf-8"),
    }
    assert "withheld" in published["terminal"]
    assert "test_small" in published["terminal"]
    for place, text in published.items():
        for secret in SECRETS:
            assert secret not in CLOCKS.sub("", text), f"{place} shows {secret}"


@pytest.mark.usefixtures("on_github")
@pytest.mark.parametrize("few", [3, 0], ids=["a small cell beside it", "none"])
def test_a_failure_prints_no_margins_where_another_scope_has_a_small_cell(
    project: Any, few: int
) -> None:
    with (project.path / "cells.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "sex", "region"])
        for sex, region, n, chosen in (
            ("F", "N", 200, 3),
            ("F", "S", 200, 3),
            ("M", "N", 200, 7),
            ("M", "S", few, 1),
        ):
            writer.writerows([i % 2, int(i % 10 < chosen), sex, region] for i in range(n))
    place = project.policy(
        "cells",
        f"{{check: {GAP}, id: gap, by: sex, limit: {{max: 0.01}}}}",
        f"{{check: {GAP}, id: each, by: [[sex, region]], limit: {{max: 0.9}}}}",
        data="cells.csv",
    )
    place.write_text(place.read_text().replace(", team: team}", "}"))
    result = project.here("--aipm-audit", "--junitxml=junit.xml")
    assert result.ret == 1
    failure = result.stdout.str().partition("short test summary")[0]
    junit = (project.path / "junit.xml").read_text(encoding="utf-8")
    assert ("difference 0." in failure.partition("aipm-report")[0]) is (few == 0)
    for told in (failure, junit):
        assert ("120 of 400" in told) is (few == 0)
        assert ("too small to print" in told) is (few == 3)


@pytest.mark.usefixtures("on_github")
def test_a_group_named_like_a_command_gives_the_build_server_no_order(project: Any) -> None:
    with (project.path / "data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "sex", "region", "team"])
        for i in range(2000):
            name = ("::stop-commands::x", "##[add-matcher]x")[i % 2]
            writer.writerow([i // 7 % 2, int(i // 4 % 10 < (3, 6)[i % 2]), name, "N", "X"])
    project.policy("named", f"{{check: {GAP}, id: gap, by: sex, limit: {{max: 0.10}}}}")
    result = project.run("--aipm-audit", "-vv", "-rA")
    assert result.ret == 1
    assert "stop-commands" in result.stdout.str()
    assert {line.partition(" ")[0] for line in commands(result)} == {"::error"}
    rest = [line for line in result.outlines if line not in commands(result)]
    assert not any("##[" in line for line in rest)


@pytest.mark.usefixtures("on_github")
@pytest.mark.parametrize("folder", ["", "models/loans"])
def test_a_project_in_a_folder_of_the_repository(
    project: Any, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path))
    place = project.path / folder
    project.mixed()
    if folder:
        place.mkdir(parents=True)
        for name in ("policies", "data.csv", "pytest.ini"):
            (project.path / name).rename(place / name)
    result = project.run("--aipm-audit", f"--rootdir={place}", "-c", place / "pytest.ini")
    prefix = f"{folder}/" if folder else ""
    assert commands(result)[0].startswith(f"::error file={prefix}policies/mixed.aipm.yaml,line=13")


@pytest.mark.usefixtures("on_github")
def test_tests_of_ones_own_are_marked_in_their_files(project: Any) -> None:
    project.good()
    project.test("test_small", SMALL.replace("small.csv", "data.csv").replace('"team"', '"sex"'))
    result = project.run("--aipm-audit", "tests")
    (mark,) = commands(result)
    assert mark.startswith(f"::error file={project.path.name}/tests/test_small.py,")
