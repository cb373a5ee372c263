"""``aipm approve --retrains``: how much honest refits differ is measured, never guessed."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

import pytest_aipm
from pytest_aipm.records import Because, Verdict

GAP = "fairness.demographic_parity_difference"
POLICY = {
    "aipm": 1,
    "name": "credit",
    "context": {"purpose": "a test", "owner": "tests@example.org"},
    "subject": {
        "task": "binary",
        "predictions": "pred",
        "label": "y",
        "positive": 1,
        "protected": {"sex": "sex"},
    },
    "checks": [{"check": GAP, "id": "gap", "limit": {"max": 0.5}, "gate": "no-worse"}],
}
WORDS = ("--by", "the owner", "--reason", "first release")
ROWS = 20_000
RATES = (0.400, 0.404, 0.396, 0.402, 0.398, 0.401)
"""Selection rates of f in six retrains; that of m is 0.5."""


def rows(rate: float, size: int = ROWS) -> pd.DataFrame:
    half = size // 2
    place = np.arange(half) / half
    return pd.DataFrame(
        {
            "sex": np.repeat(["f", "m"], half),
            "pred": np.concatenate([place < rate, place < 0.5]).astype(int),
            "y": np.arange(size) % 2,
        }
    )


@pytest.fixture
def credit(project):
    """Return a function that audits a retrain with the selection rate of f."""
    project.file("pytest.ini", "[pytest]\n")

    def audit(rate, policy=POLICY, size=ROWS, baseline=True):
        if not baseline:
            policy = {**policy, "checks": [{**policy["checks"][0]}]}
            policy["checks"][0].pop("gate", None)
        return pytest_aipm.audit(policy, data=rows(rate, size), root=project.path)

    return audit


@pytest.fixture
def first(project, aipm, credit):
    """Approve a first run and lay out the retrains of the same recipe."""
    plain = credit(0.4, baseline=False)
    project.report(plain, "start")
    assert aipm("approve", "start", *WORDS).code == 0
    project.report(credit(0.4))
    for i, rate in enumerate(RATES):
        project.report(credit(rate), f"refits/{i}")
    return project


def stored(project):
    content = json.loads((project.path / "aipm-baseline.json").read_text())
    return content["policies"]["credit"]["findings"]["credit::gap::sex"]


def test_the_spread_is_the_prediction_bound_of_the_change(first, aipm):
    said = aipm("approve", "aipm-report", *WORDS, "--retrains", "refits/")
    assert (said.code, said.err) == (0, "")
    bound = t.ppf(0.95, 5) * math.sqrt(2) * np.std(RATES, ddof=1)
    assert stored(first)["retraining"]["spread"] == pytest.approx(bound, abs=1e-4)
    assert stored(first)["retraining"]["spread"] >= bound
    assert stored(first)["retraining"]["n"] == 6
    assert f"credit::gap::sex: spread {stored(first)['retraining']['spread']:g} of 6" in said.out


def test_the_gate_uses_the_spread_and_says_so(first, aipm, credit):
    (without,) = credit(0.385).findings
    assert (without.baseline.limit, without.verdict) == (0.02, Verdict.PASS)
    assert "no-worse: no retrains were measured" in without.reason
    aipm("approve", "aipm-report", *WORDS, "--retrains", "refits")
    (honest,) = credit(0.395).findings
    spread = stored(first)["retraining"]["spread"]
    assert (honest.baseline.limit, honest.verdict) == (spread, Verdict.PASS)
    assert "no-worse: the spread of 6 retrains" in honest.reason
    (worse,) = credit(0.37).findings
    assert (worse.verdict, worse.because) == (Verdict.FAIL, Because.REGRESSION)
    assert f"more than the {spread:g} allowed (no-worse: the spread of 6 retrains)" in worse.reason


def test_a_later_approval_keeps_the_spread_and_says_so(first, aipm):
    aipm("approve", "aipm-report", *WORDS, "--retrains", "refits")
    before = stored(first)["retraining"]
    said = aipm("approve", "aipm-report", *WORDS)
    assert stored(first)["retraining"] == before
    assert "of 6 earlier retrains kept" in said.out


@pytest.mark.usefixtures("first")
def test_an_approval_without_retrains_says_what_the_gate_allows(aipm):
    said = aipm("approve", "aipm-report", *WORDS)
    assert "credit::gap::sex: no spread (no retrains); gate: no-worse allows 0.02" in said.out


@pytest.mark.parametrize("case", ["few", "partial", "error", "policy", "rows", "copy", "other"])
def test_retrains_that_say_nothing_are_refused(first, aipm, credit, edited, case):
    said = {
        "few": "refits: holds 4 report folders, but a spread needs at least 5 retrains; ",
        "partial": "refits/3: this run is partial: 1 planned checks have no finding; ",
        "error": "refits/3: this run could not measure credit::gap::sex; ",
        "policy": "refits/3: this run audited policy 'credit' by another text or with other",
        "rows": "refits/3: this run of policy 'credit' saw other rows than the one to be",
        "copy": "refits/5: audits the same model as refits/3; a copy is no retrain: refit it",
        "other": "refits/3: this run did not audit policy 'credit'; ",
    }
    record = credit(RATES[5])
    if case == "few":
        for name in ("4", "5"):
            (first.path / "refits" / name).rename(first.path / name)
        record = credit(RATES[3])
    elif case == "partial":
        record = record.model_copy(update={"partial": True, "missing": ("one",)})
    elif case == "error":
        record = edited(record, "sex", verdict=Verdict.ERROR, because=Because.ERROR)
    elif case == "policy":
        check = {**POLICY["checks"][0], "id": "other"}
        first.report(credit(RATES[5], {**POLICY, "checks": [check]}), "refits/3")
    elif case == "rows":
        record = credit(RATES[5], size=ROWS - 2)
    elif case == "other":
        record = credit(RATES[5], {**POLICY, "name": "else"}, baseline=False)
    if case != "policy":
        first.report(record, "refits/3")
    before = stored(first)
    answer = aipm("approve", "aipm-report", *WORDS, "--retrains", "refits")
    assert answer.code == 4
    assert answer.err.startswith(said[case]), answer.err
    assert answer.err.count("\n") == 1
    assert stored(first) == before


def test_folders_that_are_none_or_damaged_are_refused(first, aipm):
    words = ("approve", "aipm-report", *WORDS, "--retrains")
    assert "there is no such folder of retrains" in aipm(*words, "refit").err
    (first.path / "refits/2/audit.json").write_text("{")
    said = aipm(*words, "refits")
    assert said.err.startswith("refits/2/audit.json: is not the file that manifest.json vouches")
    (first.path / "refits/2/audit.json").unlink()
    assert aipm(*words, "refits").err.startswith("refits/2/audit.json: there is no such file")
