"""A checkout with a project in a folder whose name has a space, and a machine to audit it on."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from composite import Composite

HEAD = """\
aipm: 1
name: {name}
context: {{purpose: Show what the action does, owner: owner@example.org}}
subject:
  task: binary
  predictions: pred
  data: data.csv
  label: y
  positive: 1
  favorable: 1
  protected: {{sex: sex, region: region, team: team}}
checks:
  - {{check: fairness.demographic_parity_difference, id: gap, by: {by}, limit: {{max: 0.10}}}}
"""
BY = {"green": "region", "red": "sex", "unproven": "team"}
EXPORTS = '''
"""Writes small exports where the run wrote none, so that later steps can take them."""

import json
from pathlib import Path

def pytest_unconfigure(config):
    folder = config.rootpath / "aipm-report"
    if not (folder / "audit.json").is_file() or (folder / "audit.sarif").exists():
        return
    paths = [each.as_posix() for each in Path("policies").glob("*.yaml")] + ["elsewhere.yaml"]
    places = [{"artifactLocation": {"uri": path, "uriBaseId": "%SRCROOT%"}} for path in paths]
    result = {"locations": [{"physicalLocation": each} for each in places]}
    sarif = {"version": "2.1.0", "runs": [{"results": [result]}]}
    (folder / "audit.sarif").write_text(json.dumps(sarif))
    model = {"name": "two words\\nmodel.skops", "digest": {"sha256": "ab" * 32}}
    subject = [model, {"name": "made by code", "digest": {}}]
    predicate = {"result": "PASSED", "configuration": []}
    statement = {"subject": subject, "predicate": predicate}
    (folder / "test-result.intoto.json").write_text(json.dumps(statement))
    (folder / "test-result.predicate.json").write_text(json.dumps(predicate))
'''


@pytest.fixture
def machine(tmp_path: Path, warm: str) -> Composite:
    """A machine with a checkout whose folder `my loans` holds the project."""
    workspace = tmp_path / "check out"
    project = workspace / "my loans"
    (project / "policies").mkdir(parents=True)
    (project / "pytest.ini").write_text("[pytest]\n")
    with (project / "data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "sex", "region", "team"])
        for i in range(2000):
            sex, region, team = "FM"[i % 2], "NS"[i // 2 % 2], "Y" if i % 67 == 0 else "X"
            chosen = i // 4 % 10 < (3 if sex == "F" else 6)
            writer.writerow([i // 7 % 2, int(chosen), sex, region, team])
    return Composite(tmp_path, workspace, warm)


@pytest.fixture
def project(machine: Composite) -> Path:
    """The folder of the project."""
    return machine.workspace / "my loans"


@pytest.fixture
def policy(project: Path) -> Callable[..., Path]:
    """Write a policy that ends as its name says: green, red or unproven."""

    def write(name: str, file: str = "") -> Path:
        place = project / (file or f"policies/{name}.aipm.yaml")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(HEAD.format(name=name, by=BY[name]))
        return place

    return write


@pytest.fixture
def canned(machine: Composite) -> Path:
    """Put a report where pytest would: an audit takes two seconds. Its words are in `words`."""
    report = machine.home / "canned"
    report.mkdir()
    (report / "audit.json").write_text(json.dumps({"verdict": "pass", "digest": "d" * 64}))
    (report / "manifest.json").write_text("{}")
    (report / "summary.md").write_text("## PASS · model audit\n")
    (report / "test-result.predicate.json").write_text("{}")
    machine.program(
        "python",
        f"""#!/bin/sh
        for word; do
          case "$word" in --aipm-audit) printf '%s\\0' "$@" >'{machine.home}/words' ;; esac
          case "$word" in
            --aipm-report=*) mkdir -p "${{word#*=}}" && exec cp -r '{report}/.' "${{word#*=}}" ;;
          esac
        done
        exec '{sys.executable}' "$@"
        """,
    )
    return report


@pytest.fixture
def exports(project: Path) -> None:
    """Let the run leave SARIF and an attestation."""
    (project / "conftest.py").write_text(EXPORTS)
