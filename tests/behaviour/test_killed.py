"""Runs that are killed or interrupted: what was there before stays, and nothing is half of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from pytest_aipm.cli import main
from pytest_aipm.records import Record, RunVerdict, Verdict
from pytest_aipm.report import FILES

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

MODEL = """\
import os, signal
from pathlib import Path
import numpy as np

class Model:
    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["score"])

    def predict_proba(self, frame):
        score = frame["score"].to_numpy()
        if {when} and armed():
            {happens}
        return np.column_stack([1 - score, score])

def moved(score):
    return score[0] != 0.2 or score[2] != 0.8

def armed():
    '''Whether this process is the one to which it happens.'''
    try:
        Path(__file__).with_name("armed").unlink()
    except FileNotFoundError:
        return False
    return True

def load():
    return Model()
"""
KILL, CTRL_C = (f"os.kill(os.getpid(), signal.{name})" for name in ("SIGKILL", "SIGINT"))
STATED = {"check": "governance.context_complete", "id": "a-stated", "severity": "advice"}
FLIP = {
    "check": "explain.importance",
    "id": "z-shuffled",
    "of": ["score"],
    "metric": "accuracy",
    "limit": {"min": 0.01},
}


def project(suite: Any, happens: str, *checks: dict[str, Any], when: str = "True") -> None:
    """Write a policy whose model is asked; the first check needs nobody's rows."""
    suite.checks = [STATED, *suite.checks, *checks]
    factory = f"{suite.module(MODEL.format(happens=happens, when=when))}:load"
    suite.policy(predictions=None, model={"factory": factory}, decision={"threshold": 0.5})


def held(suite: Any) -> dict[str, bytes]:
    """Return all that a run may leave: the evidence, the baseline, and what should not be there."""
    known = {".pytest_cache", "armed", "policies", "__pycache__"}
    return {
        str(path.relative_to(suite.root)): path.read_bytes()
        for path in suite.root.rglob("*")
        if path.is_file() and not known & set(path.relative_to(suite.root).parts)
    }


def approved(suite: Any) -> dict[str, bytes]:
    """Approve a sound run, let the next one meet its fate, and return what there is before it."""
    assert suite.here("--aipm-audit", "--aipm-update-baseline").ret == 0
    before = held(suite)
    assert {"aipm-baseline.json", "aipm-report/audit.json"} < set(before)
    suite.write("armed", "")
    return before


def run(suite: Any, *args: str) -> tuple[int, str]:
    """Run pytest as the leader of a group of processes, which a terminal would signal as one."""
    command = [sys.executable, "-m", "pytest", "-p", "no:hypothesispytest", "--aipm-audit", *args]
    with subprocess.Popen(
        command,
        cwd=suite.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        said, _ = process.communicate(timeout=120)
    assert not (suite.root / "armed").exists(), f"it did not happen: {said}"
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    return process.returncode, said


def test_a_worker_killed_during_a_pass_leaves_older_report_and_baseline(suite: Any) -> None:
    project(suite, KILL)
    before = approved(suite)
    code, said = run(suite, "-n", "2")
    assert code == 1
    assert held(suite) == before, "byte for byte, and no draft"
    assert "crashed while running 'policies/credit.aipm.yaml::" in said
    assert " died, killed or out of memory: what was measured there is missing" in said
    assert "!  aipm-report: the report of this run is NOT written, because a worker died; " in said
    assert "PARTIAL: 1 planned check did not run" in said
    words = ("PASS", "UNPROVEN", "FAIL")
    (verdict,) = [line for line in said.splitlines() if line.partition(" ")[0] in words]
    assert verdict == "UNPROVEN · PARTIAL"

    again = suite.here("--aipm-audit")
    assert again.ret == 0
    assert suite.record().verdict is RunVerdict.PASS


def test_a_run_killed_during_a_pass_leaves_older_report_and_baseline(suite: Any) -> None:
    project(suite, KILL)
    before = approved(suite)
    code, said = run(suite)
    assert code == -signal.SIGKILL
    assert "PASS" not in said
    assert held(suite) == before
    assert suite.here("--aipm-audit").ret == 0
    assert suite.record().verdict is RunVerdict.PASS


PRELUDE = """\
import os, signal

def killed_at(number):
    genuine, calls = os.replace, iter(range(1000))

    def attempt(*args):
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return genuine(*args)

    os.replace = attempt
"""


def test_an_approval_killed_while_it_is_written_leaves_the_earlier_one(
    suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(suite.root)
    assert suite.here("--aipm-audit", "--aipm-update-baseline").ret == 0
    before = held(suite)
    words = ["approve", "aipm-report", "--by=a", "--reason=b"]
    dies(suite, f"killed_at(0)\nfrom pytest_aipm.cli import main\nmain({words})")
    left = set(held(suite)) - set(before)
    assert {name: held(suite)[name] for name in before} == before
    (draft,) = (suite.root / name for name in left)
    assert suite.here("--aipm-audit").ret == 0, "which nobody reads"

    os.utime(draft, (0, 0))  # long ago
    assert main(words) == 0
    assert not draft.exists(), "it goes with the next one"
    assert '"by": "a"' in (suite.root / "aipm-baseline.json").read_text()


def test_a_run_killed_while_it_writes_leaves_nothing_for_the_next_to_trip_over(suite: Any) -> None:
    record, folder = suite.audit(), suite.root / "out"
    record.write(folder)
    code = (
        "from pathlib import Path\nfrom pytest_aipm.records import Record\nkilled_at(4)\n"
        "Record.from_json(Path('out/audit.json').read_bytes()).write('out')"
    )
    dies(suite, code)
    left = {path.name for path in folder.iterdir()} - set(FILES)
    assert left, "what it was about to put into place"
    (folder / ".mine.txt.1.old").write_text("mine")
    record.write(folder)
    assert {path.name for path in folder.iterdir()} - set(FILES) == {".mine.txt.1.old"}
    assert suite.record("out").digest == record.digest


@pytest.mark.parametrize("at", [0, 1, 2, len(FILES) - 1])
def test_what_a_killed_run_has_mixed_is_neither_approved_nor_verified(
    suite: Any, at: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed before the first file takes its place the report is the older one; later, of two."""
    monkeypatch.chdir(suite.root)
    older = suite.audit()
    older.write("out")
    other = older.model_copy(update={"run": older.run.model_copy(update={"seed": 7})})
    suite.write("other.json", other.with_digest().to_json())
    code = (
        f"from pathlib import Path\nfrom pytest_aipm.records import Record\nkilled_at({at})\n"
        "Record.from_json(Path('other.json').read_bytes()).write('out')"
    )
    dies(suite, code)
    code = main(["approve", "out", "--by=a", "--reason=b"])
    said = capsys.readouterr().err
    verified = main(["verify", "out"])
    told = capsys.readouterr().out
    if at == 0:
        assert (code, verified) == (0, 0), said + told
        return
    assert code == 4
    assert "out: a run was killed while it wrote this report: its files are of two runs" in said
    assert "; run the audit again" in said
    assert not (suite.root / "aipm-baseline.json").exists()
    assert verified == 1
    assert "a run was killed while it wrote: the files are of two runs" in told


def dies(suite: Any, code: str) -> None:
    """Run some code in a process that is killed when a file is about to take its place."""
    command = [sys.executable, "-c", f"{PRELUDE}\n{code}"]
    done = subprocess.run(command, cwd=suite.root, capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


# Ctrl-C


def partial(suite: Any, said: str, rows: int = 200) -> Record:
    """Check that the record says it is part of an audit, and that nothing vouches for it."""
    assert "KeyboardInterrupt" in said
    assert "PARTIAL: " in said
    record = suite.record()
    assert record.partial
    assert record.missing
    assert record.verdict is not RunVerdict.PASS
    assert all(audit.verdict is not RunVerdict.PASS for audit in record.audits)
    assert not any(finding.verdict is Verdict.ERROR for finding in record.findings)
    asked = [finding for finding in record.findings if finding.check_id != "a-stated"]
    assert all(finding.n == rows for finding in asked), "all rows, or no verdict"
    assert "PARTIAL" in (suite.root / "aipm-report/summary.md").read_text()
    assert "PARTIAL" in (suite.root / "aipm-report/index.html").read_text().upper()
    written = json.loads((suite.root / "aipm-report/manifest.json").read_text())["files"]
    assert not [name for name in written if name.startswith("test-result")]
    return record


@pytest.mark.parametrize(
    ("when", "found"),
    [("True", ["a-stated"]), ("moved(score)", ["a-stated", "accuracy", "gap"])],
    ids=["the pass of the model", "an attribution"],
)
def test_ctrl_c_while_a_model_is_asked_ends_with_2_and_a_partial_record(
    suite: Any, when: str, found: list[str]
) -> None:
    project(suite, CTRL_C, FLIP, when=when)
    before = approved(suite)
    result = suite.pytester.runpytest_inprocess(
        "-p", "no:hypothesispytest", "--aipm-audit", no_reraise_ctrlc=True
    )
    assert result.ret == 2
    record = partial(suite, suite.said(result))
    assert sorted(finding.check_id for finding in record.findings) == found
    after = held(suite)
    assert after["aipm-baseline.json"] == before["aipm-baseline.json"]
    assert suite.here("--aipm-audit").ret == 0
    assert suite.record().verdict is RunVerdict.PASS


READING = """\
import os, signal
from pathlib import Path
from pytest_aipm.evidence.rowpass import RowPass

genuine = RowPass.partial

def partial(self, batch):
    if batch.index[0] and Path("armed").exists():
        Path("armed").unlink()
        os.kill(os.getpid(), signal.SIGINT)
    return genuine(self, batch)

RowPass.partial = partial
"""


def test_ctrl_c_during_a_pass_over_a_large_file_does_not_wait_for_the_thread_that_reads(
    suite: Any,
) -> None:
    lines = suite.rows().to_csv(index=False).partition("\n")
    suite.write("data.csv", lines[0] + "\n" + lines[2] * 1_500)  # 300,000 rows, five batches
    suite.checks = [STATED, *suite.checks]
    suite.policy()
    suite.write("conftest.py", READING)
    suite.write("armed", "")
    code, said = run(suite)
    assert code == 2
    assert [finding.check_id for finding in partial(suite, said, 0).findings] == ["a-stated"]


def test_ctrl_c_with_two_workers_ends_with_2_and_no_whole_record(suite: Any) -> None:
    project(suite, "os.killpg(os.getpgrp(), signal.SIGINT)")
    before = approved(suite)
    code, said = run(suite, "-n", "2")
    assert code == 2
    assert "KeyboardInterrupt" in said
    after = held(suite)
    assert after["aipm-baseline.json"] == before["aipm-baseline.json"]
    if after["aipm-report/audit.json"] == before["aipm-report/audit.json"]:
        assert after == before, "no worker had found anything"
        assert "no check ran" in said
    else:
        partial(suite, said)
