"""The pairing file from approval to comparison, as a user types it."""

from __future__ import annotations

import csv
import subprocess

import pytest

POLICY = """\
aipm: 1
name: credit
context: {purpose: Show what the plugin does, owner: owner@example.org}
subject:
  task: binary
  predictions: pred
  data: rows.csv
  label: y
  positive: 1
  id: person
  pairing: {file: private/credit.pairing, key_env: CREDIT_KEY}
  protected: {sex: sex}
checks:
  - check: fairness.demographic_parity_difference
    id: gap
    limit: {max: 0.50}
    gate: no-worse
"""
APPROVE = ("--aipm-audit", "--aipm-update-baseline")


def rows(project, harmed: int = 0) -> None:
    """2,000 rows; of 1,000 F 300 are selected, or `harmed` fewer, of 1,000 M 400."""
    with (project.path / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person", "y", "pred", "sex"])
        for i in range(2000):
            sex, place = "FM"[i % 2], i // 2
            chosen = harmed <= place < 300 if sex == "F" else place < 400
            writer.writerow([f"P{i}", i // 7 % 2, int(chosen), sex])


@pytest.fixture
def credit(project, monkeypatch):
    monkeypatch.setenv("CREDIT_KEY", "a key of more than sixteen characters")
    (project.path / "policies").mkdir()
    (project.path / "policies/credit.aipm.yaml").write_text(POLICY)
    rows(project)
    return project


def test_from_approval_to_comparison(credit, monkeypatch):
    approved = credit.run(*APPROVE)
    assert approved.ret == 0
    approved.stdout.fnmatch_lines(
        [
            "baseline written: aipm-baseline.json",
            "pairing file of credit written: private/credit.pairing, 2,000 rows",
        ]
    )
    rows(credit, harmed=45)
    worse = credit.run("--aipm-audit", "-n", "2")
    assert worse.ret == 1
    worse.stdout.fnmatch_lines(
        [
            "*worse than the approved baseline on the same rows: between M and F it changed*",
            "*more than the 0.02 allowed (no-worse: no retrains were measured)*",
        ]
    )
    comparison = credit.record()["audits"][0]["findings"][0]["baseline"]
    assert (comparison["paired"], comparison["against"]) == (True, "baseline")
    assert credit.record()["audits"][0]["pairing"]["paired"]

    monkeypatch.delenv("CREDIT_KEY")
    without = credit.run("--aipm-audit")
    assert without.ret == 0
    without.stdout.fnmatch_lines(
        [
            "*not paired with the approved rows, two samples instead: CREDIT_KEY is not set*",
            "*weaker than the baseline: no longer compared on the same rows: CREDIT_KEY is not*",
        ]
    )


def test_what_cannot_be_used_ends_with_exit_code_4_before_anything_runs(credit, monkeypatch):
    monkeypatch.delenv("CREDIT_KEY")
    refused = credit.here(*APPROVE)
    assert refused.ret == 4
    refused.stderr.fnmatch_lines(
        [
            "*policies/credit.aipm.yaml:11:*: the pairing file needs a key, but CREDIT_KEY is*",
        ]
    )
    monkeypatch.setenv("CREDIT_KEY", "a key of more than sixteen characters")
    subprocess.run(["git", "init", "-q", str(credit.path)], check=True)
    refused = credit.here(*APPROVE)
    assert refused.ret == 4
    refused.stderr.fnmatch_lines(["*private/credit.pairing lies in the git work tree and is not*"])
