"""The repository's own policies, audited end to end as a user would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from warm_python import asking

from pytest_aipm.catalog import Catalog
from pytest_aipm.demo.population import PENALTY, true_rates

ROOT = Path(__file__).parents[2]
SLOW = 120


@dataclass(frozen=True)
class Run:
    """One audit: how it ended, what it printed, and what it wrote."""

    code: int
    out: str
    folder: Path

    @property
    def record(self) -> dict[str, Any]:
        return json.loads((self.folder / "audit.json").read_text(encoding="utf-8"))

    def finding(self, finding_id: str) -> dict[str, Any]:
        found = {f["id"]: f for audit in self.record["audits"] for f in audit["findings"]}
        return found[finding_id]


def audit(folder: Path, *options: str, warm: str = "") -> Run:
    python = asking(warm, "python") if warm else [sys.executable]
    command = [*python, "-m", "pytest", "--aipm-audit", f"--aipm-report={folder}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SLOW,
    )
    return Run(done.returncode, done.stdout + done.stderr, folder)


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What `pytest --aipm-audit` does in this repository: both policies."""
    return audit(tmp_path_factory.mktemp("approved"))


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Run:
    return audit(
        tmp_path_factory.mktemp("biased"),
        "--aipm-policy=policies/lending.aipm.yaml",
        "--aipm-model=pytest_aipm.demo.lending:biased_model",
        warm=warm,
    )


@pytest.fixture(scope="module")
def overfitted(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Run:
    return audit(
        tmp_path_factory.mktemp("overfitted"),
        "--aipm-policy=policies/lending.aipm.yaml",
        "--aipm-model=pytest_aipm.demo.lending:overfitted_model",
        "-k",
        "membership or overlap",
        warm=warm,
    )


def test_the_pages_of_the_demo_keep_their_size(approved: Run, biased: Run) -> None:
    for run in (approved, biased):
        findings = sum(len(audit["findings"]) for audit in run.record["audits"])
        assert findings >= 20
        assert len((run.folder / "index.html").read_bytes()) <= 5_000 * findings


def test_the_repository_audits_itself_and_ends_unproven_with_exit_code_0(approved: Run) -> None:
    assert approved.code == 0, approved.out
    assert approved.record["verdict"] == "unproven"
    assert not approved.record["partial"]
    assert "UNPROVEN" in approved.out
    assert (approved.folder / "index.html").is_file()


def test_both_policies_together_cover_every_family(approved: Run) -> None:
    checks = {f["check"] for audit in approved.record["audits"] for f in audit["findings"]}
    families = {name.partition(".")[0] for name in Catalog().names()}

    assert {check.partition(".")[0] for check in checks} == families
    assert {"data", "framing", "operations", "governance"} < families


def test_nothing_but_the_rare_group_and_the_few_patients_stays_open(approved: Run) -> None:
    found = [f for audit in approved.record["audits"] for f in audit["findings"]]
    open_ones = {f["id"] for f in found if f["verdict"] != "pass"}

    assert open_ones == {
        "diabetes::error-gap::age_band",
        "lending::caught-defaults::race",
        "lending::odds::race",
    }


def test_an_inconclusive_finding_says_what_it_could_have_caught_and_how_many_rows_settle_it(
    approved: Run,
) -> None:
    finding = approved.finding("lending::caught-defaults::race")

    assert finding["verdict"] == "inconclusive"
    assert finding["detectable"]["group"].startswith("Cedar")
    assert 0.1 < finding["detectable"]["gap"] < 0.5
    assert finding["rows_needed"]["total"] > 10_000
    said = re.search(
        r"caught a gap of ([\d.]+) for Cedar in 8 of 10 samples; "
        r"about ([\d,]+) rows in all, at the same mix, would settle it",
        finding["reason"],
    )
    assert said, finding["reason"]
    assert float(said[1]) == pytest.approx(finding["detectable"]["gap"], rel=0.05)
    assert int(said[2].replace(",", "")) == pytest.approx(finding["rows_needed"]["total"], rel=0.05)
    assert said[0] in approved.out


def test_the_biased_model_fails_the_build(biased: Run) -> None:
    assert biased.code == 1, biased.out
    assert biased.record["verdict"] == "fail"


def test_the_failure_names_group_value_interval_and_limit(biased: Run) -> None:
    finding = biased.finding("lending::selection-rate::race")
    low, high = finding["interval"]

    assert finding["verdict"] == "fail"
    for words in ("Birch", f"{finding['value']:.3f}", f"{low:.3f}", f"{high:.3f}", "0.80"):
        assert words in finding["reason"], words
        assert words in biased.out, words


def test_the_biased_model_is_worse_than_the_approved_baseline(biased: Run) -> None:
    for finding_id in ("lending::selection-rate::race", "lending::refused-good-customers::race"):
        assert biased.finding(finding_id)["baseline"]["verdict"] == "worse", finding_id
    assert biased.finding("lending::selection-rate::sex")["baseline"]["verdict"] != "worse"


def test_the_audit_recovers_the_bias_that_was_built_in(biased: Run) -> None:
    fair, unfair = true_rates(), true_rates(PENALTY)
    truth = {
        "selection-gap": fair.selection - unfair.selection,
        "caught-defaults": unfair.true_positive - fair.true_positive,
        "refused-good-customers": unfair.false_positive - fair.false_positive,
        "selection-rate": unfair.selection / fair.selection,
    }

    for check_id, true in truth.items():
        low, high = biased.finding(f"lending::{check_id}::race")["interval"]
        assert low <= true <= high, check_id
        sex = biased.finding(f"lending::{check_id}::sex")
        assert sex["verdict"] == "pass", f"{check_id}: no bias was built in for sex"


def test_only_race_changes_a_decision_of_the_biased_model(biased: Run) -> None:
    assert biased.finding("lending::flip::race")["verdict"] == "fail"
    assert biased.finding("lending::flip::sex")["value"] == 0


def test_the_biased_model_leans_on_race_and_gives_it_as_a_reason(biased: Run) -> None:
    gap = biased.finding("lending::gap-by-race::race")
    reasons = biased.finding("lending::reasons::overall")

    assert (gap["verdict"], reasons["verdict"]) == ("fail", "fail")
    assert "race alone raises the probability of defaulted = 1 by 0.2" in gap["reason"]
    assert "a main reason is race, which no one may be refused for" in reasons["reason"]


def test_the_overfitted_model_gives_its_training_rows_away(overfitted: Run) -> None:
    assert overfitted.code == 1, overfitted.out
    assert overfitted.record["partial"], "-k leaves checks out"
    finding = overfitted.finding("lending::membership::overall")
    assert finding["verdict"] == "fail"
    assert finding["value"] > 0.75
    assert overfitted.finding("lending::overlap::overall")["verdict"] == "pass"
