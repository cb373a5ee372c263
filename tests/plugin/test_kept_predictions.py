"""An edited limit does not cost the model another pass."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

OWN = """\
from pathlib import Path
import warnings

class Model:
    classes_ = [0, 1]

    def predict_proba(self, frame):
        with Path("asked.txt").open("a") as file:
            file.write("asked\\n")
        warnings.warn("a model of another day")
        return [[1 - each, each] for each in 0.2 + 0.6 * (frame["region"] == "north")]
"""
POLICY = """\
aipm: 1
name: kept
context: {purpose: Show what the plugin does, owner: owner@example.org}
subject:
  task: binary
  model: model.pkl
  data: data.csv
  label: y
  positive: 1
  decision: {threshold: 0.5}
  features: [region]
  protected: {sex: sex}
checks:
  - {check: fairness.demographic_parity_difference, by: sex, limit: {max: LIMIT}}
"""


@pytest.fixture
def kept(project: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project with a pickled model of its own class, and how often it was asked."""
    (project.path / "own.py").write_text(OWN)
    monkeypatch.syspath_prepend(project.path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.path / "home"))
    sys.modules.pop("own", None)
    raw = pickle.dumps(__import__("own").Model())
    (project.path / "model.pkl").write_bytes(raw)
    (project.path / "policies").mkdir(exist_ok=True)
    trust = f"--aipm-trust=sha256:{hashlib.sha256(raw).hexdigest()}"

    def run(limit: str, *words: str) -> tuple[int, str]:
        (project.path / "policies/kept.aipm.yaml").write_text(POLICY.replace("LIMIT", limit))
        result = project.run("--aipm-audit", trust, *words)
        assert result.ret == 0, result.stdout.str()
        asked = Path(project.path / "asked.txt").read_text().count("asked")
        (audit,) = project.record()["audits"]
        assert "UserWarning: a model of another day" in audit["warnings"]
        return asked, audit["findings"][0]["value"]

    yield run
    sys.modules.pop("own", None)


def test_another_limit_asks_nothing_and_finds_the_same(kept: Any) -> None:
    first = kept("0.9")
    assert kept("0.8") == first
    assert kept("0.7", "-n", "2") == first


@pytest.mark.parametrize("words", [("--cache-clear",), ("-p", "no:cacheprovider")], ids=" ".join)
def test_pytest_clears_and_switches_it_off(kept: Any, words: tuple[str, ...]) -> None:
    asked, found = kept("0.9")
    assert kept("0.9", *words) == (2 * asked, found)


def test_other_rows_and_other_code_ask_again(kept: Any, project: Any) -> None:
    asked, _ = kept("0.9")
    with (project.path / "data.csv").open("a") as file:
        file.write("1,1,F,north,blue\n")
    assert kept("0.9")[0] == 2 * asked
    (project.path / "own.py").write_text(OWN.replace("0.6", "0.5"))
    assert kept("0.9")[0] == 3 * asked


def test_where_pytest_can_keep_nothing_the_audit_runs_all_the_same(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any) -> Path:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    project.good()
    monkeypatch.setattr(pytest.Cache, "mkdir", read_only)
    result = project.here("--aipm-audit")
    assert result.ret == 0
    assert set(project.verdicts().values()) == {"pass"}
