"""Small projects with one thing wrong in each, and what must never come of it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from warm_python import asking

import pytest_aipm
import pytest_aipm.session  # pytester forgets what a run imports; not this
from pytest_aipm.auditing import Settings, load_plan
from pytest_aipm.records import Record, RunVerdict, Verdict

GAP = {"check": "fairness.demographic_parity_difference", "id": "gap", "limit": {"max": 0.9}}
ACCURACY = {
    "check": "performance.metric",
    "metric": "accuracy",
    "id": "accuracy",
    "limit": {"min": 0.1},
}
LEAN = ("-p", "no:hypothesispytest", "-p", "no:anyio")
NUMBERS = itertools.count()


class Project:
    """A folder with rows that pass their policy, until a test breaks something."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checks: list[dict[str, Any]] = [GAP, ACCURACY]
        self.rows().to_csv(root / "data.csv", index=False)

    def rows(self, n: int = 200, **columns: Any) -> pd.DataFrame:
        """Two groups of one size, both classes in each, three of four decisions right."""
        row = np.arange(n)
        label = row // 2 % 2
        score = np.where(row // 4 % 4 < 3, 0.2 + 0.6 * label, 0.8 - 0.6 * label)
        plain = {
            "id": row,
            "sex": np.where(row % 2 == 0, "f", "m"),
            "y": label,
            "score": score,
            "pred": (score >= 0.5).astype(int),
        }
        return pd.DataFrame({**plain, **columns})

    def write(self, name: str, content: str | bytes) -> Path:
        place = self.root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def data(self, **columns: Any) -> None:
        self.rows(**columns).to_csv(self.root / "data.csv", index=False)

    def module(self, code: str) -> str:
        """Write a module of the project under a name that no other test has loaded."""
        name = f"faulty_{next(NUMBERS)}"
        self.write(f"{name}.py", code)
        return name

    def policy(self, name: str = "credit", **subject: Any) -> str:
        """Write a policy: a key of the subject is added or, with None, taken away."""
        keys: dict[str, Any] = {
            "task": "binary",
            "predictions": "pred",
            "data": "data.csv",
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex"},
        }
        keys = {key: value for key, value in {**keys, **subject}.items() if value is not None}
        lines = [
            "aipm: 1",
            f"name: {name}",
            "context: {purpose: Show what a fault reads like, owner: owner@example.org}",
            "subject:",
            *(f"  {key}: {json.dumps(value)}" for key, value in keys.items()),
            "checks:",
            *(f"  - {json.dumps(check)}" for check in self.checks),
        ]
        place = f"policies/{name}.aipm.yaml"
        self.write(place, "\n".join(lines) + "\n")
        return place

    def audit(self, policy: str = "policies/credit.aipm.yaml", **given: Any) -> Record:
        return pytest_aipm.audit(policy, root=self.root, **given)

    def fault(self, policy: str = "policies/credit.aipm.yaml", **given: Any) -> str:
        """Return the one line with which nothing at all is measured."""
        record = self.audit(policy, **given)
        assert record.verdict is RunVerdict.FAIL
        assert [each.verdict for each in record.findings] == [Verdict.ERROR] * len(self.checks)
        assert all(each.failing and each.value is None for each in record.findings)
        (reason,) = {each.reason for each in record.findings}
        return one_line(reason, self.root)

    def refusal(self) -> list[str]:
        """Return the lines with which the run is refused before anything is opened."""
        with pytest.raises(pytest_aipm.UsageFault) as caught:
            load_plan(
                Settings(
                    root=self.root,
                    policies=(self.root / "policies",),
                    report=self.root / "aipm-report",
                    baseline=self.root / "aipm-baseline.json",
                    waivers=self._waivers(),
                )
            )
        return [one_line(line, self.root) for line in str(caught.value).split("\n")]

    def _waivers(self) -> Path | None:
        path = self.root / "policies/waivers.yaml"
        return path if path.exists() else None


def one_line(text: str, root: Path) -> str:
    """Check what every message keeps to: one line, ours, and true on every machine."""
    assert text == " ".join(text.split())
    assert "Traceback" not in text
    assert "please report it" not in text
    assert str(root) not in text
    assert re.search(r"; \S", text), f"does not say how to mend it: {text}"
    return text


class Suite(Project):
    """A project that pytest is run in."""

    def __init__(self, pytester: pytest.Pytester, warm: str) -> None:
        super().__init__(pytester.path)
        self.pytester = pytester
        self.warm = warm
        self.write("pytest.ini", "[pytest]\n")

    def run(self, *args: str | Path) -> pytest.RunResult:
        # hypothesis loads its engine at the end of every run, anyio asyncio at the start of it;
        # these runs have no use for them
        run = asking(self.warm, "pytest")
        return self.pytester.run(*run, *LEAN, *args)

    def here(self, *args: str | Path) -> pytest.RunResult:
        """Run in this process, for what is decided before anything is measured."""
        return self.pytester.runpytest_inprocess("-p", "no:hypothesispytest", *args)

    def record(self, folder: str = "aipm-report") -> Record:
        return Record.from_json((self.root / folder / "audit.json").read_bytes())

    def said(self, result: pytest.RunResult) -> str:
        text = result.stdout.str() + result.stderr.str()
        assert "Traceback" not in text
        assert "INTERNALERROR" not in text
        return text


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.policy()
    return made


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, warm: str) -> Suite:
    for name in ("CI", "PYTEST_ADDOPTS", "SOURCE_DATE_EPOCH", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    made = Suite(pytester, warm)
    made.policy()
    return made


@pytest.fixture
def one_line_in() -> Callable[[str, Path], str]:
    return one_line
