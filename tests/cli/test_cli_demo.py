"""``aipm demo``: a project of one's own that audits where it lies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from cli_project import Project, Said

from pytest_aipm.demo import lending

Aipm = Callable[..., Said]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST") and k != "CI"}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_demo_validates_and_passes_in_a_folder_with_blanks(
    project: Project, aipm: Aipm
) -> None:
    done = aipm("demo", "my first audit")
    folder = project.path / "my first audit"
    assert done.code == 0, done.err
    assert "cd 'my first audit'" in done.out
    read = run(folder, "pytest_aipm", "validate")
    assert read.returncode == 0, read.stderr
    audited = run(folder, "pytest", "--aipm-audit", "-p", "no:hypothesispytest")
    assert audited.returncode == 0, audited.stdout
    assert "PASS · report: aipm-report/index.html" in audited.stdout
    assert (folder / "aipm-report/index.html").is_file()


def test_the_rows_are_those_of_the_built_in_demo(project: Project, aipm: Aipm) -> None:
    assert aipm("demo", "x").code == 0
    for name, frame in (("holdout", lending.evaluation()), ("train", lending.training())):
        path = project.path / f"x/data/{name}.csv"
        found = pd.read_csv(path, keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(found, frame, check_dtype=False)


def test_a_linter_of_workflows_has_nothing_to_say(project: Project, aipm: Aipm) -> None:
    rules = Path(__file__).parents[2] / ".github" / "zizmor.yml"
    assert aipm("demo", "x").code == 0
    done = subprocess.run(
        [
            Path(sysconfig.get_path("scripts")) / "zizmor",
            "--offline",
            "--no-progress",
            "--min-severity=medium",
            "--format=json",
            f"--config={rules}",
            project.path / "x/.github/workflows/aipm.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert json.loads(done.stdout) == [], done.stdout


@pytest.mark.parametrize("there", ["file", "full"])
def test_a_folder_that_holds_anything_is_left_alone(
    project: Project, aipm: Aipm, there: str
) -> None:
    project.file("x" if there == "file" else "x/mine.txt", "mine")
    done = aipm("demo", "x")
    assert done.code == 4
    assert "is no empty folder; name another" in done.err
    kept = project.path / ("x" if there == "file" else "x/mine.txt")
    assert kept.read_text() == "mine"
    assert there == "file" or len(list((project.path / "x").iterdir())) == 1
