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

def test_misspelt(aipm, rows):
    aipm.check("fairness.demographic_parity", by="sex", limit={"max": 0.1}, **rows)

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
    assert result.parseoutcomes() == {"passed": 3, "failed": 3}
    result.stdout.fnmatch_lines(
        [
            '>       aipm.check(GAP, by="sex", limit={"max": 0.1}, **rows)',
            "*selection rate 30 of 100 for F, 60 of 100 for M*",
            "*F    1,000  300 of 1,000*",
            "*'height'*",
            "*fairness.demographic_parity*did you mean*",
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
    chosen = "expected or test_fair or good"
    result = project.run("--aipm-audit", "tests", "-n", "2", "-k", chosen)
    assert result.parseoutcomes() == {"passed": 4}
    assert result.ret == 1
    result.stdout.fnmatch_lines(["tests/test_model.py::test_expected::* did not fail, but *"])
    record = project.record()
    assert (record["verdict"], record["partial"]) == ("fail", False)
    assert (record["summary"]["pass"], record["summary"]["inconclusive"]) == (3, 1)
    joined = [f["nodeid"] for audit in record["audits"][1:] for f in audit["findings"]]
    tests = {nodeid.rpartition("::demographic")[0] for nodeid in joined}
    assert tests == {f"tests/test_model.py::test_{name}" for name in ("fair", "expected")}
