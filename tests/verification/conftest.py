"""A small project, audited once, whose record is meddled with."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import pytest_aipm
from pytest_aipm.records import Record
from pytest_aipm.verification import Asked

POLICY = """\
aipm: 1
name: credit
context: {purpose: Be meddled with, owner: owner@example.org}
subject:
  task: binary
  predictions: pred
  data: data.csv
  label: y
  positive: 1
  favorable: 1
  protected: {sex: sex, region: region}
checks:
  - {check: fairness.demographic_parity_difference, id: gap, by: [sex, region], limit: {max: 0.15}}
  - {check: fairness.equalized_odds_difference, id: odds, by: sex, limit: {max: 0.9}}
  - {check: performance.metric, id: accuracy, metric: accuracy, limit: {min: 0.3}}
  - {check: performance.metric, id: recall, metric: recall, by: region, limit: {min: 0.1}}
  - {check: performance.metric, id: f1, metric: f1, limit: {min: 0.1}}
"""
SIGNED = """\
sign_offs:
  - {who: risk@example.org, role: model risk, date: 2026-09-20, digest: %s}
"""


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 400 rows: a gap of 0.30 by sex, none by region."""
    root = tmp_path_factory.mktemp("credit")
    with (root / "data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["y", "pred", "sex", "region"])
        for i in range(400):
            sex, region = "FM"[i % 2], "NS"[i // 2 % 2]
            chosen = i // 4 % 10 < (3 if sex == "F" else 6)
            writer.writerow([i // 7 % 2, int(chosen), sex, region])
    (root / "policies").mkdir()
    (root / "policies/credit.aipm.yaml").write_text(POLICY)
    return root


@pytest.fixture(scope="session")
def record(project: Path) -> Record:
    """The record of a run as pytest makes it, signed off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1790000000")
        made = pytest_aipm.audit("policies/credit.aipm.yaml", root=project)
        run = made.run.model_copy(update={"command": "pytest --aipm-audit"})
        made = made.model_copy(update={"run": run}).with_digest()
        (project / "policies/sign_offs.yaml").write_text(SIGNED % made.evidence)
        again = pytest_aipm.audit("policies/credit.aipm.yaml", root=project)
    assert again.evidence == made.evidence
    return made.signed_off(again.sign_offs)


@pytest.fixture(scope="session")
def folder(project: Path, record: Record) -> Path:
    """The folder of that run."""
    record.write(project / "aipm-report")
    return project / "aipm-report"


@pytest.fixture
def asked(project: Path, folder: Path) -> Asked:
    return Asked(folder=folder, shown="aipm-report", root=project)
