"""A small project to audit: 2,000 rows with decisions in them, so that no model is needed.

``sex`` has a gap of 0.30 (fails a limit of 0.10), ``region`` none (passes), and ``team`` has one
group of 30 rows (inconclusive).
"""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from warm_python import asking

import pytest_aipm.session  # noqa: F401 - pytester forgets what a run imports; not this

HEAD = """\
aipm: 1
name: {name}
context: {{purpose: Show what the plugin does, owner: owner@example.org}}
subject:
  task: binary
  predictions: pred
  data: {data}
  label: y
  positive: 1
  favorable: 1
  protected: {{sex: sex, region: region, team: team}}
checks:
"""
GAP = "fairness.demographic_parity_difference"
LEAN = ("-p", "no:hypothesispytest", "-p", "no:anyio")
MIXED = (
    f"{{check: {GAP}, id: gap, by: [sex, region, team], limit: {{max: 0.10}}}}",
    f"{{check: {GAP}, id: known, by: sex, limit: {{max: 0.10}}}}",
    f"{{check: {GAP}, id: near, by: sex, limit: {{max: 0.50}}, warn: {{max: 0.10}}}}",
    f"{{check: {GAP}, id: asleep, by: sex, limit: {{max: 0.50}}, enabled: false}}",
)
WAIVER = """\
waivers:
  - id: W-1
    check: mixed::known::sex
    reason: the new form is on its way
    owner: risk@example.org
    ticket: T-1
    created: 2026-01-01
    expires: 2099-01-01
"""


class Project:
    """A folder with tests and policies, and how to run pytest in it."""

    def __init__(self, pytester: pytest.Pytester, warm: str) -> None:
        self.pytester = pytester
        self.warm = warm
        self.path = pytester.path

    def policy(self, name: str, *checks: str, data: str = "data.csv", file: str = "") -> Path:
        place = self.path / (file or f"policies/{name}.aipm.yaml")
        place.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"  - {check}\n" for check in checks)
        place.write_text(HEAD.format(name=name, data=data) + lines)
        return place

    def good(self, name: str = "good", **where: str) -> Path:
        return self.policy(
            name,
            f"{{check: {GAP}, id: gap, by: region, limit: {{max: 0.10}}}}",
            f"{{check: {GAP}, id: wide, by: region, limit: {{max: 0.20}}}}",
            **where,
        )

    def mixed(self) -> Path:
        (self.path / "policies").mkdir(exist_ok=True)
        (self.path / "policies/waivers.yaml").write_text(WAIVER)
        return self.policy("mixed", *MIXED)

    def test(self, name: str = "test_o", text: str = "def test_one(): pass\n") -> Path:
        place = self.path / f"tests/{name}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
        return place

    def ini(self, *lines: str) -> None:
        (self.path / "pytest.ini").write_text("\n".join(["[pytest]", *lines, ""]))

    def run(self, *args: str | Path) -> pytest.RunResult:
        # hypothesis loads its engine at the end of every run, anyio asyncio at the start of it;
        # these runs have no use for them
        run = asking(self.warm, "pytest")
        return self.pytester.run(*run, *LEAN, *args)

    def here(self, *args: str | Path) -> pytest.RunResult:
        """Run in this process, for what is decided before anything is measured."""
        return self.pytester.runpytest_inprocess("-p", "no:hypothesispytest", *args)

    def look(self, *args: str) -> pytest.RunResult:
        """List what a run would run."""
        return self.here("--collect-only", "-q", *args)

    def record(self, folder: str = "aipm-report") -> Any:
        return json.loads((self.path / folder / "audit.json").read_text())

    def verdicts(self) -> dict[str, str]:
        audits = self.record()["audits"]
        return {f["id"]: f["verdict"] for audit in audits for f in audit["findings"]}

    def written(self) -> list[str]:
        return sorted(p.name for p in self.path.glob("aipm-report/*"))


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm: str) -> Project:
    for name in ("CI", "PYTEST_ADDOPTS", "SOURCE_DATE_EPOCH", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    with (pytester.path / "data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "sex", "region", "team"])
        for i in range(2000):
            sex, region, team = "FM"[i % 2], "NS"[i // 2 % 2], "Y" if i % 67 == 0 else "X"
            chosen = i // 4 % 10 < (3 if sex == "F" else 6)
            writer.writerow([i // 7 % 2, int(chosen), sex, region, team])
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    return Project(pytester, warm)


@pytest.fixture
def listed() -> Callable[[pytest.RunResult], list[str]]:
    """What ``--collect-only -q`` lists."""
    return lambda result: [line for line in result.outlines if "::" in line]


@pytest.fixture
def cases() -> Callable[[Path], dict[str, ET.Element]]:
    """The test cases of a JUnit file by ``classname::name``."""

    def read(path: Path) -> dict[str, ET.Element]:
        found = ET.parse(path).getroot().iter("testcase")
        return {f"{case.get('classname')}::{case.get('name')}": case for case in found}

    return read
