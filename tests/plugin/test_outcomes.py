"""What pytest, JUnit and the report folder say of each verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

Cases = Callable[[Path], dict[str, Element]]

TEAM = "{check: fairness.demographic_parity_difference, id: gap, by: team, limit: {max: 0.10}}"


def test_each_verdict_ends_as_its_own_outcome_with_its_reason_and_leaves_a_record(
    project: Any, cases: Cases
) -> None:
    project.mixed()
    result = project.run("--aipm-audit", "-ra", "--junitxml=junit.xml")
    assert result.ret == 1
    out = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "policies/mixed.aipm.yaml F.ixws *",
            "*_ mixed / gap / sex _*",
            "selection rate 30 of 100 for F, 60 of 100 for M*",
            "  sex  rows *",
            "  F    1,000  300 of 1,000  0.300 *",
            "policies/mixed.aipm.yaml:13",
            "SKIPPED [[]1] policies/mixed.aipm.yaml:16: not judged: *",
            "FAILED policies/mixed.aipm.yaml::gap::sex - selection rate 30 of 100 *",
            "*= aipm audit =*",
            "F  gap *",
            "FAIL * report: aipm-report/index.html",
            "*= 1 failed, 1 passed, 1 skipped, 1 xfailed, 1 inconclusive, 1 warned *",
        ]
    )
    assert result.outlines[-2].startswith("FAIL"), "the verdict is the last thing said"
    assert "Traceback" not in out
    assert "nodes.py" not in out
    assert "\x1b[" not in out

    record = project.record()
    assert (record["verdict"], record["partial"], record["missing"]) == ("fail", False, [])
    assert project.verdicts() == {
        "mixed::gap::sex": "fail",
        "mixed::gap::region": "pass",
        "mixed::gap::team": "inconclusive",
        "mixed::known::sex": "waived",
        "mixed::near::sex": "warn",
        "mixed::asleep::sex": "not_judged",
    }
    assert record["run"]["command"] == "pytest --aipm-audit"
    assert {"audit.json", "index.html", "manifest.json", "summary.md"} <= set(project.written())

    junit = cases(project.path / "junit.xml")
    at = "policies.mixed.aipm.yaml."
    failed = junit[f"{at}gap::sex"].find("failure")
    assert failed is not None
    assert failed.get("message", "").startswith("selection rate 30 of 100 for F")
    for name, message in (
        ("gap::team", "inconclusive: selection rate"),
        ("known::sex", "waived by W-1 until 2099-01-01 (risk@example.org): "),
        ("asleep::sex", "not judged: "),
    ):
        skipped = junit[f"{at}{name}"].find("skipped")
        assert skipped is not None, f"{name} must not read as passed"
        assert skipped.get("message", "").startswith(message)
    for name in ("gap::region", "near::sex"):
        assert [child.tag for child in junit[f"{at}{name}"]] == ["properties"]
    kept = json.loads(junit[f"{at}gap::sex"].find("properties/property").get("value"))  # type: ignore[union-attr, arg-type]
    assert kept["verdict"] == "fail"
    assert "groups" not in kept, "a JUnit file is published; counts stay in audit.json"


def test_serial_and_distributed_runs_write_the_same_bytes_and_leave_nothing_behind(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = project.path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    project.mixed()
    alone = project.run("--aipm-audit", "--aipm-report=alone")
    spread = project.run("--aipm-audit", "--aipm-report=spread", "-n", "2", "--dist", "loadfile")
    assert alone.ret == spread.ret == 1
    spread.stdout.fnmatch_lines(
        [
            "FAILED policies/mixed.aipm.yaml::gap::sex - selection rate 30 of 100 *",
            "*= 1 failed, 1 passed, 1 skipped, 1 xfailed, 1 inconclusive, 1 warned *",
        ]
    )
    assert spread.outlines.count("FAIL · report: spread/index.html") == 1
    for name in ("audit.json", "index.html", "summary.md", "manifest.json"):
        first, second = ((project.path / folder / name) for folder in ("alone", "spread"))
        assert first.read_bytes() == second.read_bytes(), name
    record = project.record("alone")
    assert record["timing"] is None
    assert record["run"]["started"].startswith("2026-09-21T")
    assert not list(temporary.glob("aipm-*")), "the workers' folder holds predictions"


def test_an_inconclusive_run_exits_0_but_never_reads_as_a_pass(project: Any, cases: Cases) -> None:
    project.policy("credit", TEAM)
    result = project.run("--aipm-audit", "-m", "aipm_fairness", "--junitxml=junit.xml")
    assert result.ret == 0
    assert result.outlines[-2].startswith("UNPROVEN")
    result.stdout.fnmatch_lines(["policies/credit.aipm.yaml i *", "*= 1 inconclusive in *"])
    (case,) = cases(project.path / "junit.xml").values()
    skipped = case.find("skipped")
    assert skipped is not None
    assert "rows in all" in skipped.get("message", "")
    assert (skipped.text or "").startswith("policies/credit.aipm.yaml:13: ")


def test_strict_turns_inconclusive_into_a_failure(project: Any) -> None:
    project.policy("credit", TEAM)
    project.ini("aipm_strict = true")
    result = project.run("--aipm-audit", "--tb=line")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "policies/credit.aipm.yaml F *",
            "policies/credit.aipm.yaml:13: selection rate *",
            "*= 1 failed in *",
        ]
    )
    assert result.outlines[-2].startswith("FAIL")
    assert project.verdicts() == {"credit::gap::team": "inconclusive"}


def test_runxfail_and_no_waivers_decide_as_if_no_waiver_existed(project: Any) -> None:
    project.mixed()
    for option in ("--runxfail", "--aipm-no-waivers"):
        result = project.run("--aipm-audit", option, "-k", "known")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["policies/mixed.aipm.yaml F *"])
        assert project.verdicts() == {"mixed::known::sex": "fail"}


BROKEN = """
import types
import pytest
from pytest_aipm.checks.base import CheckParams, Needs

def break_down(evidence, params):
    raise RuntimeError("the meter fell off")

broken = types.ModuleType("broken", '''Breaks down.

## Question
Does it?
## How it is measured
Not at all.
## When it misleads
Always.
## What to do
Mend it.
## Sources
None.
''')
broken.NEEDS, broken.KIND, broken.SCOPES, broken.UNITS = Needs(), "sample", "overall", ("",)
broken.HARM, broken.TASKS = "up", ("binary",)
broken.Params, broken.check = type("Params", (CheckParams,), {}), break_down

@pytest.hookimpl(optionalhook=True)
def pytest_aipm_register_checks():
    return {"house.broken": broken}
"""


def test_what_cannot_be_measured_is_an_error_in_one_line_and_never_a_failure_or_a_pass(
    project: Any, cases: Cases
) -> None:
    (project.path / "conftest.py").write_text(BROKEN)
    project.policy("credit", "{check: house.broken, id: meter, limit: {max: 1}}")
    project.good("nodata", data="absent.csv")
    result = project.run("--aipm-audit", "--strict-markers", "--junitxml=junit.xml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "policies/credit.aipm.yaml E *",
            "policies/nodata.aipm.yaml EE *",
            "*_ ERROR at setup of credit / meter / overall _*",
            "*RuntimeError: the meter fell off*",
            "ERROR policies/credit.aipm.yaml::meter::overall - check house.broken broke *",
            "ERROR policies/nodata.aipm.yaml::gap::region - there is no file 'absent.csv'*",
            "*= 3 errors in *",
        ]
    )
    out = result.stdout.str()
    assert "Traceback" not in out
    assert ".py:" not in out
    assert set(project.verdicts().values()) == {"error"}
    for case in cases(project.path / "junit.xml").values():
        error = case.find("error")
        assert error is not None
        assert len((error.text or "").strip().splitlines()) == 1
    marked = project.run("--aipm-audit", "-m", "aipm_house", "--collect-only", "-q")
    marked.stdout.fnmatch_lines(["policies/credit.aipm.yaml::meter::overall", "1/3 tests *"])


MODEL = """
import os

class Model:
    classes_ = [0, 1]

    def predict(self, frame):
        with open("calls.txt", "a") as file:
            file.write(f"{os.getpid()} {len(frame)}\\n")
        return frame["pred"].to_numpy()
"""


def test_two_workers_compute_the_predictions_once(project: Any) -> None:
    (project.path / "meter.py").write_text(MODEL)
    place = project.mixed()
    place.write_text(
        place.read_text().replace("predictions: pred", "model: {factory: meter:Model}")
    )
    result = project.run("--aipm-audit", "-n", "2")
    assert result.ret == 1
    assert set(project.verdicts().values()) >= {"fail", "pass", "inconclusive"}
    calls = [line.split() for line in (project.path / "calls.txt").read_text().splitlines()]
    assert sum(int(rows) for _, rows in calls) == 2000


def test_third_party_warnings_never_stop_the_measuring(project: Any) -> None:
    (project.path / "rows.py").write_text(
        "import warnings, pandas\n"
        "def frame():\n"
        "    warnings.warn('the wind is rising', UserWarning)\n"
        "    return pandas.read_csv('data.csv')\n"
    )
    project.good(data="{factory: 'rows:frame'}")
    result = project.run("--aipm-audit", "-W", "error")
    assert result.ret == 0
    assert set(project.verdicts().values()) == {"pass"}
    assert result.outlines[-2].startswith("PASS")


def test_warnings_are_errors_in_a_script_that_imported_the_package_first(project: Any) -> None:
    project.good()
    script = project.path / "run.py"
    script.write_text(
        "import sys, pytest, pytest_aipm\n"
        "words = '--aipm-audit -q -W error -p no:hypothesispytest'.split()\n"
        "sys.exit(pytest.main(words))\n"
    )
    result = project.pytester.runpython(script)
    assert result.ret == 0
    assert "PytestAssertRewriteWarning" not in result.stdout.str() + result.stderr.str()
