"""`publish.rows`: what was changed in a row shows on the page where the policy says so, only there.

A model of three columns uses two of them wrongly: a rise of income is held against people, and sex
decides. Every other value of a row is a word that no view of the record may hold.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from pytest_aipm.cli import main
from pytest_aipm.records import Record

MODEL = """\
import numpy as np

class Model:
    classes_ = np.array([0, 1])

    def predict_proba(self, frame):
        income, sex = frame["income"].to_numpy(), frame["sex"].to_numpy()
        risk = np.where(income > 50_000, 0.2, 0.6) + np.where(income > 80_000, 0.35, 0.0)
        risk = risk - np.where(sex == "M", 0.19, 0.0)
        return np.column_stack([1 - risk, risk])

def model():
    return Model()
"""
POLICY = """\
aipm: 1
name: shown
context: {purpose: Show what was changed, owner: owner@example.org}
subject:
  task: binary
  model: {factory: "rowmodel:model"}
  data: rows.csv
  label: y
  positive: 1
  favorable: 0
  decision: {threshold: 0.5, favorable_when: below}
  protected: {sex: sex}
  features: [income, sex, word]
publish: PUBLISH
checks:
  - {check: explain.protected_flip, id: flip, by: sex}
  - {check: explain.monotone, id: reversal, helps: [income]}
  - {check: explain.reason_codes, id: reasons, phrases: {word: Something else}}
"""
INCOMES = tuple(10_000 + 257.13 * i for i in range(300))


@pytest.fixture
def shown(project: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that audits the rows with a given `publish`, in every format there is."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "step.md"))
    (project.path / "rowmodel.py").write_text(MODEL)
    lines = [f"{x:.2f},{'FM'[i % 2]},word{i}z,{i // 3 % 2}" for i, x in enumerate(INCOMES)]
    (project.path / "rows.csv").write_text("\n".join(["income,sex,word,y", *lines, ""]))
    project.ini("aipm_history = kept/history.jsonl", "aipm_first_baseline = true")

    def run(publish: str) -> tuple[Record, dict[str, str]]:
        (project.path / "policies").mkdir(exist_ok=True)
        path = project.path / "policies/shown.aipm.yaml"
        path.write_text(POLICY.replace("PUBLISH", publish))
        result = project.run("--aipm-audit", "--junitxml=junit.xml", "-rA", "-vv")
        folder = project.path / "aipm-report"
        record = Record.from_json((folder / "audit.json").read_bytes())
        said = {"terminal": result.stdout.str() + result.stderr.str()}
        with contextlib.chdir(project.path):
            said["verify"] = command("verify", "aipm-report")
            said["diff"] = command("diff", "aipm-report", "aipm-report")
            approved = ("--by", "n", "--reason", "a test", "--red-is-accepted")
            said["approve"] = command("approve", "aipm-report", *approved)
            said["render"] = command("render", "aipm-report/audit.json", "--to", "again")
        for path in sorted(project.path.rglob("*")):
            if path.is_file() and path.name not in ("rows.csv", "rowmodel.py"):
                told = path.read_bytes().decode("utf-8", "replace")
                said[str(path.relative_to(project.path))] = told
        return record, said

    return run


def command(*words: str) -> str:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        main(list(words))
    return told.getvalue()


def values(record: Record) -> set[str]:
    """Return what only an example holds: incomes, and what a change does."""
    found = [one for finding in record.findings for one in finding.examples]
    told = {change.before for one in found for change in one.changed}
    told |= {change.after for one in found for change in one.changed}
    return {one for one in told if "." in one} | {one.effect for one in found}


def places(values: set[str], said: dict[str, str]) -> set[str]:
    lowered = {name: text.lower() for name, text in said.items()}
    return {name for name, text in lowered.items() if any(one.lower() in text for one in values)}


def test_changed_values_show_on_the_page_and_in_the_record_alone(shown: Any) -> None:
    record, said = shown("{rows: 2}")
    found = {finding.check_id: finding.examples for finding in record.findings}
    turns = "the decision turns from adverse to favorable"
    (one, two) = found["flip"]
    assert [(c.column, c.before, c.after) for c in one.changed] == [("sex", "F", "M")]
    against = "the decision turns from favorable to adverse"
    assert {one.effect, two.effect} == {turns, against}
    assert {each.effect for each in found["reversal"]} == {
        "the probability of y = 1 goes from 0.01 to 0.36, the decision stays favorable",
        f"the probability of y = 1 goes from 0.2 to 0.55, {against}",
    }
    assert all(float(e.changed[0].before) < float(e.changed[0].after) for e in found["reversal"])
    assert "no one may be refused for it" in found["reasons"][0].effect
    assert "it has no sentence" in found["reasons"][1].effect
    assert [len(each) for each in found.values()] == [2, 2, 2]

    views = {"aipm-report/index.html", "aipm-report/audit.json"}
    again = {"again/index.html", "again/audit.json"} & set(said)
    assert places(values(record), said) == views | again
    everywhere = "\n".join(said.values())
    assert "word17z" not in everywhere
    assert not any(f"word{i}z" in everywhere for i in range(300))
    assert "does not hold" not in said["verify"]


def test_without_permission_no_row_is_even_written_down(shown: Any) -> None:
    record, _ = shown("{rows: 1}")
    secret = values(record)
    assert secret
    silent, said = shown("{min_cell: 5}")
    assert not any(finding.examples for finding in silent.findings)
    assert '"examples"' not in said["aipm-report/audit.json"]
    assert places(secret, said) == set()
    assert "rows that count" not in said["aipm-report/index.html"].lower()


def test_a_small_group_takes_every_row_off_the_page(shown: Any, project: Any) -> None:
    text = (project.path / "rows.csv").read_text()
    (project.path / "rows.csv").write_text(text + "45000,X,wordxz,0\n45000,X,wordxz,1\n")
    record, said = shown("{rows: 2}")
    assert values(record)
    assert places(values(record), said) == {"aipm-report/audit.json"} | (
        {"again/audit.json"} & set(said)
    )
    assert "withheld: rows" in said["aipm-report/index.html"].lower()


def test_a_record_that_shows_more_than_its_policy_allows_is_cut_and_told(
    shown: Any, project: Any
) -> None:
    record, _ = shown("{rows: 1}")
    (audit,) = record.audits
    more = tuple(
        finding.model_copy(update={"examples": finding.examples * 3}) for finding in audit.findings
    )
    forged = audit.policy.model_copy(update={"rows": 3})
    loose = audit.model_copy(update={"policy": forged, "findings": more})
    record.model_copy(update={"audits": (loose,)}).with_digest().write(project.path / "forged")
    with contextlib.chdir(project.path):
        said = command("verify", "forged")
    assert "rows reads 3, the text 1" in said
    tight = audit.model_copy(update={"findings": more})
    record.model_copy(update={"audits": (tight,)}).with_digest().write(project.path / "cut")
    page = Path(project.path / "cut/index.html").read_text()
    first = audit.findings[0].examples[0].effect
    assert page.lower().count(first.lower()) == 1
