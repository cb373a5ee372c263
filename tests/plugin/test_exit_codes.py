"""0, 1, 2, 4 and 5, what a run leaves behind with each, and when it is partial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_aipm.report import FILES

PUBLISHED = sorted(FILES)
ASLEEP = (
    "{check: fairness.demographic_parity_difference, id: gap, by: sex, limit: {max: 0.1}, "
    "enabled: false}"
)


def test_a_selection_without_findings_writes_nothing_over_a_good_record(project: Any) -> None:
    project.good()
    project.test()
    assert project.run("--aipm-audit").ret == 0
    before = project.record()
    assert (before["verdict"], project.written()) == ("pass", PUBLISHED)

    nothing = project.run("--aipm-audit", "-k", "nothing")
    assert nothing.ret == 5, "pytest collected nothing, and says so itself"
    assert project.run("--aipm-audit", "-k", "nothing", "-n", "2").ret == 5
    others = project.run("--aipm-audit", "-k", "test_one", "tests")
    assert others.ret == 1, "the audit was asked for by name, and no check ran"
    others.stdout.fnmatch_lines(["no check ran*", "*= 1 passed, 2 deselected in *"])
    assert project.record() == before
    assert project.written() == PUBLISHED

    project.ini("aipm_audit = true")
    assert project.run("-k", "test_one").ret == 0, "the project's default does not ask by name"


def test_a_run_in_which_nothing_is_judged_is_no_success(project: Any) -> None:
    project.policy("asleep", ASLEEP)
    result = project.run("--aipm-audit")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*every check is not judged*", "*= 1 skipped in *"])


@pytest.mark.parametrize("args", [(), ("-n", "2")])
def test_a_broken_policy_is_exit_4_with_one_line_a_problem_and_marks_the_old_report_stale(
    project: Any, args: tuple[str, ...]
) -> None:
    place = project.good()
    folder = project.path / "aipm-report"
    folder.mkdir()
    for name in PUBLISHED:
        (folder / name).write_text("an earlier run")
    text = place.read_text().replace("limit: {max: 0.10}", "limit: {maxi: 0.10}")
    place.write_text(text.replace("task: binary", "task: binary\n  modle: x"))

    listing = project.look("--aipm-audit", *args)
    assert listing.ret == 4
    assert project.written() == PUBLISHED, "looking changes nothing"

    result = project.run("--aipm-audit", *args)
    assert result.ret == 4
    problems = [line for line in result.errlines if line]
    assert [line.partition(": ")[2].partition(": ")[0] for line in problems] == [
        "policies/good.aipm.yaml:6:3",
        "policies/good.aipm.yaml:14:82",
    ]
    assert all(line.startswith("ERROR: ") for line in problems)
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert project.written() == sorted(
        f"{Path(name).stem}.stale{Path(name).suffix}" for name in PUBLISHED
    )


def test_exit_4_of_pytest_itself_marks_the_old_report_stale_too(project: Any) -> None:
    project.good()
    folder = project.path / "out"
    folder.mkdir()
    (folder / "audit.json").write_text("an earlier run")
    result = project.here("--aipm-audit", "--aipm-report=out", "absent.py")
    assert result.ret == 4
    assert [p.name for p in folder.iterdir()] == ["audit.stale.json"]


def test_a_report_that_cannot_be_written_is_one_loud_line_and_the_verdict_stays(
    project: Any,
) -> None:
    project.good()
    result = project.run("--aipm-audit", "--aipm-report=data.csv", "--color=yes")
    assert result.ret == 0
    out = result.stdout.str()
    assert "\x1b[1m\x1b[31m!  data.csv: the report of this run is NOT written (" in out
    assert "name another folder with --aipm-report=DIR, and run again\x1b" in out
    assert "Traceback" not in out
    assert "report: data.csv" not in out
    assert "\x1b[1;32mPASS\x1b[0m" in out, "colours where they are wanted, and only there"


def test_a_report_that_cannot_be_written_fails_a_strict_run(project: Any) -> None:
    project.good()
    junit = project.path / "junit.xml"
    result = project.here(
        "--aipm-audit", "--aipm-strict", "--aipm-report=data.csv", f"--junitxml={junit}"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["!  data.csv: *NOT written*; under strict that fails the run"])
    assert 'failures="0"' in junit.read_text()
    assert project.here("--aipm-audit", "--aipm-strict").ret == 0


def test_a_failing_run_whose_report_cannot_be_written_still_fails(project: Any) -> None:
    project.mixed()
    result = project.here("--aipm-audit", "--aipm-report=data.csv")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["!  data.csv: *NOT written*", "FAIL"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("['a.b']", "return a mapping of name to module"),
        ("{'a.b': 1}", "return a mapping of name to module"),
    ],
)
def test_a_hook_that_registers_no_checks_is_a_usage_error(
    project: Any, given: str, said: str
) -> None:
    project.good()
    (project.path / "conftest.py").write_text(
        f"def pytest_aipm_register_checks():\n    return {given}\n"
    )
    result = project.look("--aipm-audit")
    assert result.ret == 4
    assert said in result.stderr.str()


def test_informing_options_work_beside_a_broken_policy(project: Any) -> None:
    project.good().write_text("aipm: 1\n")
    project.ini("aipm_audit = true")
    for option in ("--help", "--markers", "--fixtures", "--cache-show", "--version"):
        result = project.run(option)
        assert result.ret == 0, option
    assert project.here().ret == 4


def test_no_policy_of_a_partial_run_is_called_a_pass(project: Any) -> None:
    """What did not run may be of any policy, in the terminal, the record and the summary."""
    wide = "{check: fairness.demographic_parity_difference, id: %s, by: sex, limit: {max: 0.9}}"
    project.policy("two", wide % "one", wide % "other")
    assert project.run("--aipm-audit").ret == 0
    assert project.record()["audits"][0]["verdict"] == "pass"
    part = project.run("--aipm-audit", "-k", "one")
    assert part.ret == 0
    part.stdout.fnmatch_lines(["two  policies/two.aipm.yaml*UNPROVEN", "UNPROVEN · PARTIAL*"])
    (audit,) = project.record()["audits"]
    assert [audit["verdict"], audit["findings"][0]["verdict"]] == ["unproven", "pass"]
    assert "### two: UNPROVEN" in (project.path / "aipm-report/summary.md").read_text()


def test_stopping_early_is_partial_serially_and_interrupted_under_xdist(project: Any) -> None:
    project.mixed()
    alone = project.run("--aipm-audit", "-x")
    assert alone.ret == 1
    record = project.record()
    assert record["partial"]
    assert "policies/mixed.aipm.yaml::gap::team" in record["missing"]
    alone.stdout.fnmatch_lines(["PARTIAL: 5 planned checks did not run*", "FAIL*PARTIAL*"])

    spread = project.run("--aipm-audit", "-x", "-n", "2")
    assert spread.ret == 2
    # Workers may finish all nodes before they are told to stop: interrupted is partial anyway.
    assert project.record()["partial"]
    spread.stdout.fnmatch_lines(["FAIL*PARTIAL*"])

    stepwise = project.run("--aipm-audit", "--stepwise")
    assert stepwise.ret == 2
    assert project.record()["partial"]


def test_a_worker_that_dies_leaves_a_partial_failing_run(project: Any) -> None:
    (project.path / "conftest.py").write_text(
        "import os, pytest\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_setup(item):\n"
        "    if item.name == 'team' and 'PYTEST_XDIST_WORKER' in os.environ:\n"
        "        os._exit(3)\n"
    )
    project.mixed()
    result = project.run("--aipm-audit", "-n", "2", "--max-worker-restart=0", "-k", "gap")
    assert result.ret in (1, 2)
    said = result.stdout.str()
    assert " died, killed or out of memory: what was measured there is missing" in said
    assert "NOT written" not in said, "there is no older report to keep"
    record = project.record()
    assert record["partial"]
    assert "policies/mixed.aipm.yaml::gap::team" in record["missing"]
