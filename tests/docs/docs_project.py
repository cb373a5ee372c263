"""The project in which blocks of the documentation run: the demo's policy, rows, model, report."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import joblib
import pandas as pd
import skops.io
from docs_pages import ROOT
from sklearn.linear_model import LogisticRegression
from warm_python import asking

from pytest_aipm.demo import lending
from pytest_aipm.demo.population import FEATURES, THRESHOLD

__all__ = ["AUDIT", "Project", "base_project"]

TODAY = "1796083200"
"""2026-12-01: pages tell of dates, and must hold on any day."""
AUDIT = "pytest --aipm-audit --junitxml=junit.xml"
"""What was run in every project already."""
GIT = "[user]\n\tname = A Reader\n\temail = reader@example.org\n[init]\n\tdefaultBranch = main\n"


class Project:
    """A folder with `pytest`, `aipm` and `python` of this environment in reach."""

    def __init__(self, path: Path, audited: str = "") -> None:
        self.path = path
        self.audited = audited
        """What the first audit printed."""

    def copy(self, to: Path) -> Project:
        """Return a copy that a page may change."""
        shutil.copytree(self.path, to, symlinks=True)
        return Project(to, self.audited)

    def run(self, command: str, *, timeout: int = 600) -> subprocess.CompletedProcess[str]:
        """Run a command as a reader would; output and errors come as one text."""
        dropped = ("PYTEST", "GITHUB_", "GIT_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        environment.pop("CI", None)
        shims = self.path / ".venv" / "bin"
        environment |= {
            "PATH": f"{shims}{os.pathsep}{environment['PATH']}",
            "GIT_CONFIG_GLOBAL": str(self.path / ".venv" / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "COLUMNS": "120",
            "SOURCE_DATE_EPOCH": TODAY,
        }
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=timeout,
        )

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python code with the project as current folder."""
        script = self.path / ".venv" / "block.py"
        script.write_text(code, encoding="utf-8")
        return self.run("python .venv/block.py")


def _files_of_the_pages(path: Path, rows: pd.DataFrame) -> None:
    """Write the data and model files that pages name."""
    (path / "data").mkdir()
    (path / "models").mkdir()
    model = LogisticRegression().fit(rows[["income", "debt"]], rows["defaulted"])
    skops.io.dump(model, path / "models" / "credit.skops")
    rows.rename(columns={"race": "race_ethnicity"}).assign(
        invited=(rows["income"] > rows["income"].median()).astype(int)
    ).to_csv(path / "data" / "applicants.csv", index=False)
    rows.to_parquet(path / "data" / "holdout.parquet")


def base_project(path: Path, address: str) -> Project:
    """Make the project that every page gets a copy of: a git repository with one commit."""
    shims = path / ".venv" / "bin"
    shims.mkdir(parents=True)
    for name in ("pytest", "aipm", "python"):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec {shlex.join(asking(address, name))} "$@"\n')
        shim.chmod(0o755)
    (path / ".venv" / "gitconfig").write_text(GIT)
    (path / "pytest.ini").write_text("[pytest]\n")
    (path / ".gitignore").write_text("aipm-report/\n.venv/\n.origin.git/\nprivate/\n")
    (path / "policies").mkdir()
    for name in ("lending.aipm.yaml", "sign_offs.yaml"):
        shutil.copy(ROOT / "policies" / name, path / "policies")
    shutil.copy(ROOT / "policies" / "aipm-baseline.json", path / "aipm-baseline.json")
    rows, model = lending.evaluation(), lending.fair_model()
    score = model.predict_proba(rows[list(FEATURES)])[:, 1]
    rows.assign(predicted=(score >= THRESHOLD).astype(int)).to_csv(
        path / "holdout.csv", index=False
    )
    joblib.dump(model, path / "loans.joblib")
    _files_of_the_pages(path, rows)
    project = Project(path)
    made = project.run(
        "git init -q && git init -q --bare .origin.git && git remote add origin ./.origin.git\n"
        "git add . && git commit -qm 'A model and its policy' && git push -qu origin main\n"
        f"{AUDIT}\n"
    )
    assert made.returncode == 0, made.stdout
    return Project(path, made.stdout)
