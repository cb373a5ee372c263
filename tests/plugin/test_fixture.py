"""The fixture ``aipm``: checks inside ordinary tests, by the same engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

TESTS = """
import pandas
import pytest

GAP = "fairness.demographic_parity_difference"

@pytest.fixture
def rows():
    return dict(data=pandas.read_csv("data.csv"), predictions="pred", favorable=1, label="y")

def test_fair(aipm, rows):
    finding = aipm.check(GAP, by="region", limit={"max": 0.1}, **rows)
    assert finding.verdict == "pass"
    wide = aipm.check(GAP, by="team", limit={"max": 0.1}, **rows)
    assert wide.verdict == "inconclusive"

def test_unfair(aipm, rows):
    aipm.check(GAP, by="sex", limit={"max": 0.1}, **rows)

def test_expected(aipm, rows):
    with pytest.raises(AssertionError, match="selection rate 30 of 100 for F"):
        aipm.check(GAP, by="sex", limit={"max": 0.1}, **rows)

def test_unmeasurable(aipm, rows):
    aipm.check(GAP, by="height", limit={"max": 0.1}, **rows)

def test_whole_policy(aipm):
    record = aipm.audit("policies/good.aipm.yaml")
    assert record.verdict == "pass"
"""


def test_checks_in_tests_fail_them_in_words_and_write_nothing_unless_the_audit_runs(
    project: Any, cases: Callable[[Path], dict[str, Element]]
) -> None:
    project.good()
    project.test("test_model", TESTS)
    result = project.run("--junitxml=junit.xml")
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 3, "failed": 2}
    result.stdout.fnmatch_lines(
        [
            '>       aipm.check(GAP, by="sex", limit={"max": 0.1}, **rows)',
            "*selection rate 30 of 100 for F, 60 of 100 for M*",
            "*F    1,000  300 of 1,000*",
            "*'height'*",
        ]
    )
    assert "pytest_aipm/" not in result.stdout.str()
    assert not project.written()
    for case in cases(project.path / "junit.xml").values():
        for found in case.iter("property"):
            assert "groups" not in found.get("value", "")


def test_findings_of_tests_join_the_record_and_a_swallowed_failure_is_red_all_the_same(
    project: Any,
) -> None:
    project.good()
    project.test("test_model", TESTS)
    result = project.run("--aipm-audit", "tests", "-n", "2", "-k", "expected or fair or good")
    assert result.ret == 1
    record = project.record()
    assert not record["partial"]
    assert record["summary"]["pass"] == 3
    assert record["summary"]["inconclusive"] == 1
    joined = [f["nodeid"] for audit in record["audits"][1:] for f in audit["findings"]]
    assert all(nodeid.startswith("tests/test_model.py::test_") for nodeid in joined)

    swallowed = project.run("--aipm-audit", "tests", "-k", "expected or good")
    assert swallowed.parseoutcomes()["passed"] == 3
    assert swallowed.ret == 1
    assert project.record()["verdict"] == "fail"
