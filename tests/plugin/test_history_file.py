"""`aipm_history`: which runs are added to the history, and what happens when they cannot be."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest


def told(project: Any) -> list[dict[str, Any]]:
    path = project.path / "kept/history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def git(project: Any, *words: str) -> None:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
    subprocess.run(["git", *identity, *words], cwd=project.path, check=True, capture_output=True)


@pytest.fixture
def kept(project: Any) -> Any:
    project.ini("aipm_history = kept/history.jsonl")
    return project


def test_full_runs_are_added_green_or_red_and_partial_ones_are_not(kept: Any) -> None:
    kept.mixed()
    assert kept.run("--aipm-audit", "-k", "gap").ret == 1
    assert told(kept) == []
    result = kept.run("--aipm-audit", "-p", "xdist", "-n", "2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["* is in the history: kept/history.jsonl"])
    (line,) = told(kept)
    assert line["policies"][0]["verdict"] == "fail"
    assert line["digest"] == kept.record()["digest"]
    assert line["label"] == line["started"][:10]  # outside version control


def test_a_second_run_shows_the_first_and_is_named_by_its_tag(
    kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    kept.good()
    git(kept, "init", "-q")
    git(kept, "commit", "-q", "--allow-empty", "-m", "one")
    kept.run("--aipm-audit")
    git(kept, "tag", "v1.0")
    git(kept, "tag", "v1.0.1")
    git(kept, "commit", "-q", "--allow-empty", "-m", "two")
    kept.run("--aipm-audit")
    git(kept, "tag", "v1.1")
    page = (kept.path / "aipm-report/index.html").read_bytes()
    kept.run("--aipm-audit")
    assert (kept.path / "aipm-report/index.html").read_bytes() == page
    assert [line["label"] for line in told(kept)][1] == "v1.1"
    assert len(told(kept)) == 2
    (release,) = kept.record()["audits"][0]["releases"]
    assert release["label"] == told(kept)[0]["label"] == told(kept)[0]["commit"][:7]
    git(kept, "checkout", "-q", "v1.0")
    kept.run("--aipm-audit")
    assert [line["label"] for line in told(kept)] == ["v1.0.1", "v1.1"]
    assert kept.record()["audits"][0]["releases"] == []


def test_a_history_that_cannot_be_written_is_a_note_and_changes_no_exit_code(kept: Any) -> None:
    kept.good()
    (kept.path / "kept").write_text("a file is in the way")
    result = kept.run("--aipm-audit")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["kept/history.jsonl: the history cannot be written (*)"])
    assert (kept.path / "kept").read_text() == "a file is in the way"


def test_a_run_whose_report_cannot_be_written_is_no_release(kept: Any) -> None:
    kept.good()
    (kept.path / "aipm-report").write_text("a file is in the way")
    assert kept.run("--aipm-audit").ret == 0  # the verdict's
    assert told(kept) == []


def test_checks_inside_tests_are_no_releases(kept: Any) -> None:
    kept.good()
    kept.test(
        text="import pandas as pd\n"
        "def test_it(aipm):\n"
        "    aipm.check('performance.metric', data=pd.read_csv('data.csv'), label='y',\n"
        "        predictions='pred', positive=1, metric='accuracy', limit={'min': 0.1})\n"
    )
    kept.run("--aipm-audit", "tests")
    assert [policy["name"] for policy in told(kept)[0]["policies"]] == ["good"]
