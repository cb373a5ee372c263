"""Which exports a run writes, what a partial run leaves, and what a JUnit file says in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

Cases = Callable[[Path], dict[str, Element]]
BASE = ["audit.css", "audit.json", "index.html", "manifest.json", "summary.md"]
ATTESTED = ["test-result.intoto.json", "test-result.predicate.json"]
OTHERS = ["audit.sarif", "gl-code-quality.json", "mlbom.cdx.json", "model-card.md"]


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("", [*ATTESTED, *OTHERS]),
        ("aipm_exports = all", [*ATTESTED, *OTHERS]),
        ("aipm_exports =", []),
        ("aipm_exports = none", []),
        ("aipm_exports = sarif test-result", ["audit.sarif", *ATTESTED]),
        ("aipm_exports =\n    sarif\n    mlbom", ["audit.sarif", "mlbom.cdx.json"]),
    ],
)
def test_the_project_says_which_exports_a_run_writes(
    project: Any, line: str, files: list[str]
) -> None:
    project.good()
    project.ini(line)
    assert project.here("--aipm-audit").ret == 0
    assert project.written() == sorted([*BASE, *files])


def test_toml_lists_them(project: Any) -> None:
    project.good()
    (project.path / "pytest.ini").unlink()
    (project.path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naipm_exports = ["model-card"]\n'
    )
    assert project.here("--aipm-audit").ret == 0
    assert project.written() == sorted([*BASE, "model-card.md"])


def test_an_unknown_export_ends_the_run_before_it_starts(project: Any) -> None:
    project.good()
    assert project.here("--aipm-audit").ret == 0
    project.ini("aipm_exports = sarif mlbon junit")
    result = project.here("--aipm-audit")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "ERROR: pytest.ini: aipm_exports: there is no export 'mlbon'; did you mean 'mlbom'?",
            "*pytest.ini: aipm_exports: there is no export 'junit'; known: sarif, test-result, *",
        ]
    )
    assert all(".stale." in name for name in project.written())
    assert len(project.written()) == len([*BASE, *ATTESTED, *OTHERS])


def test_a_plain_run_does_not_read_the_key(project: Any) -> None:
    project.test()
    project.ini("aipm_exports = nonsense")
    assert project.here("tests").ret == 0


def test_a_partial_run_renames_the_attestation_of_the_full_one(project: Any) -> None:
    project.good()
    assert project.here("--aipm-audit").ret == 0
    assert json.loads((project.path / "aipm-report/test-result.predicate.json").read_text())[
        "passedTests"
    ] == ["good::gap::region", "good::wide::region"]
    result = project.here("--aipm-audit", "-k", "gap")
    assert result.ret == 0
    stale = [name.replace(".json", ".stale.json") for name in ATTESTED]
    assert project.written() == sorted([*BASE, *OTHERS, *stale])
    assert "attests" not in result.stdout.str(), "nobody asked for it by name"
    project.ini("aipm_exports = test-result")
    result = project.here("--aipm-audit", "-k", "gap")
    why = "not written: the run is partial, and a part attests nothing"
    result.stdout.fnmatch_lines([f"{name}: {why}" for name in ATTESTED])


def test_a_junit_file_says_each_finding_in_words(project: Any, cases: Cases) -> None:
    project.mixed()
    project.here("--aipm-audit", "--junitxml=junit.xml")
    junit = cases(project.path / "junit.xml")

    def said(name: str) -> dict[str, str]:
        case = junit[f"policies.mixed.aipm.yaml.{name}"]
        found = [(p.get("name", ""), p.get("value", "")) for p in case.iter("property")]
        assert len(dict(found)) == len(found)
        return {key: value for key, value in found if key != "aipm"}

    failed = said("gap::sex")
    assert failed["aipm_verdict"] == "fail"
    assert failed["aipm_says"].startswith("selection rate 30 of 100 for F, 60 of 100 for M")
    assert (failed["aipm_value"], failed["aipm_limit"]) == ("0.300", "≤ 0.10")
    assert " to " in failed["aipm_interval"]
    warned = said("near::sex")
    assert warned["aipm_verdict"] == "warn", "JUnit has no such outcome"
    assert warned["aipm_says"].startswith("selection rate 30 of 100 for F")
    assert (warned["aipm_limit"], warned["aipm_warn"]) == ("≤ 0.50", "≤ 0.10")
    assert said("known::sex")["aipm_waiver"] == "W-1 until 2099-01-01 (risk@example.org)"
    assert said("gap::team")["aipm_verdict"] == "inconclusive"
    assert "rows in all" in said("gap::team")["aipm_says"]
    assert said("asleep::sex") == {
        "aipm_verdict": "not judged",
        "aipm_says": "disabled by the policy",
        "aipm_limit": "≤ 0.50",
    }
    assert said("gap::region")["aipm_verdict"] == "pass"


def test_small_cells_stay_out_of_a_junit_file(project: Any, cases: Cases) -> None:
    rows = (project.path / "data.csv").read_text().splitlines()
    rows[1:4] = [row.replace(",X", ",few").replace(",Y", ",few") for row in rows[1:4]]
    (project.path / "data.csv").write_text("\n".join([*rows, ""]))
    project.policy(
        "small",
        "{check: fairness.demographic_parity_difference, id: gap, by: team, limit: {max: 0.10}}",
    )
    project.here("--aipm-audit", "--junitxml=junit.xml")
    text = re.sub(r'time(?:stamp)?="[^"]*"', "", (project.path / "junit.xml").read_text())
    (case,) = cases(project.path / "junit.xml").values()
    said = {p.get("name"): p.get("value", "") for p in case.iter("property")}
    assert "withheld" in said["aipm_says"]
    assert said["aipm_value"] == said["aipm_interval"] == "withheld"
    (finding,) = project.record()["audits"][0]["findings"]
    (small,) = [group for group in finding["groups"] if group["n"] == 3]
    assert small["value"] is not None, "the project's own file holds it"
    assert f"{small['numerator']} of 3" not in text
    assert finding["value"] is not None
    assert str(finding["value"])[:6] not in text


CHECKED = """
import pandas as pd

def test_it(aipm):
    rows = pd.read_csv("data.csv")
    found = {"data": rows, "predictions": "pred", "label": "y", "positive": 1, "favorable": 1}
    for by in ("region", "sex"):
        aipm.check(
            "fairness.demographic_parity_difference", by=by, limit={"max": 0.5}, **found
        )
"""


@pytest.mark.parametrize("audit", [[], ["--aipm-audit", "tests"]], ids=["alone", "in an audit"])
def test_checks_inside_tests_say_theirs_in_order(
    project: Any, cases: Cases, audit: list[str]
) -> None:
    project.good()
    project.test("test_model", CHECKED)
    project.here(*audit, "--junitxml=junit.xml", "-k", "test_it")
    (case,) = cases(project.path / "junit.xml").values()
    found = [(p.get("name"), p.get("value", "")) for p in case.iter("property")]
    said = [value for name, value in found if name == "aipm_says"]
    assert len(said) == 2
    assert "for F" in said[1]
    assert [value for name, value in found if name == "aipm_verdict"] == ["pass", "pass"]
    assert sum(name == "aipm" for name, _ in found) == 1
