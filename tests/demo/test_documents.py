"""What README, CONTRIBUTING and docs/ show is tried as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import pytest
from warm_python import asking

from pytest_aipm.demo import lending
from pytest_aipm.demo.population import FEATURES, THRESHOLD

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def run(
    folder: Path, command: str, warm: str = "", *, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would, with this environment's `pytest` and `aipm`.

    It starts from nothing unless an address of a warm Python is given.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST") and k != "CI"}
    environment["COLUMNS"] = "120"  # a narrow terminal shortens names
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    program, *arguments = shlex.split(command)
    module = {"pytest": "pytest", "aipm": "pytest_aipm"}[program]
    python = asking(warm, "python") if warm else [sys.executable]
    return subprocess.run(
        [*python, "-m", module, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).is_file(), target


def test_the_readme_has_two_commands_and_the_gate_runs_the_second() -> None:
    first, second = (line for line in blocks("README.md", "sh") if "-m venv" in line)

    assert first.rstrip().endswith("&& .venv/bin/pytest --aipm-audit")
    assert second.rstrip().endswith("&& .venv/bin/pytest -q -n auto")
    assert "'.[test]'" in second
    assert "'.[test]'" not in first, "`.ci/run` finds the second by this"


def test_the_audit_of_this_repository_needs_none_of_the_test_extra() -> None:
    """The README's first command installs without it; pytest loads tests/conftest.py even so."""
    code = """
import sys
from importlib.machinery import PathFinder
absent = {"hypothesis", "jsonschema", "playwright", "skops", "statsmodels"}
class Find:
    find = PathFinder.find_spec
    def __call__(self, name, *rest):
        return None if name in absent else Find.find(name, *rest)
PathFinder.find_spec = Find()
import pytest
sys.exit(pytest.main(["--aipm-audit", "--collect-only", "-q", "-p", "no:hypothesispytest"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "policies/lending.aipm.yaml::selection-rate::race" in done.stdout


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A project with the README's policy, a predictions file and a model file."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    rows = lending.evaluation()
    score = lending.biased_model().predict_proba(rows[list(FEATURES)])[:, 1]
    rows.assign(predicted=(score >= THRESHOLD).astype(int)).to_csv(
        tmp_path / "holdout.csv", index=False
    )
    joblib.dump(lending.biased_model(), tmp_path / "loans.joblib")
    return tmp_path


def readme_policy() -> str:
    return next(block for block in blocks("README.md", "yaml") if block.startswith("aipm: 1"))


def test_the_readmes_policy_has_ten_lines_and_audits_a_predictions_file(
    mine: Path, warm: str
) -> None:
    policy = readme_policy()
    assert len(policy.splitlines()) == 10
    (mine / "policies" / "loans.aipm.yaml").write_text(policy)

    read = run(mine, "aipm validate policies", warm)
    done = run(mine, "pytest --aipm-audit", warm)

    assert read.returncode == 0, read.stderr
    assert "class 1 = defaulted is what is predicted; the favorable decision is 0" in read.stdout
    assert done.returncode == 1, done.stdout
    assert "Birch" in done.stdout
    assert (mine / "aipm-report" / "index.html").is_file()


def test_the_readmes_policy_audits_a_model_file_once_it_is_trusted(mine: Path, warm: str) -> None:
    policy = readme_policy().replace("predictions: predicted", "model: loans.joblib")
    (mine / "policies" / "loans.aipm.yaml").write_text(policy)

    refused = run(mine, "pytest --aipm-audit", warm)
    trusted = run(mine, "aipm trust loans.joblib", warm)
    done = run(mine, "pytest --aipm-audit", warm)

    assert refused.returncode == 4
    assert "aipm trust" in refused.stderr
    assert trusted.returncode == 0, trusted.stderr
    assert done.returncode == 1, done.stdout + done.stderr


def test_a_model_that_got_worse_fails_against_the_approved_baseline(mine: Path, warm: str) -> None:
    """The README's five lines; the first check alone, with a limit that both models hold."""
    check = blocks("README.md", "yaml")[1].replace("min: 0.80", "min: 0.10")
    head, _, _ = readme_policy().partition("checks:")
    (mine / "policies" / "loans.aipm.yaml").write_text(head + "checks:\n" + check)
    (lines,) = (each for each in blocks("README.md", "sh") if "--aipm-update-baseline" in each)
    update, *_, audit = lines.splitlines()
    biased = (mine / "holdout.csv").read_bytes()
    rows = lending.evaluation()
    score = lending.fair_model().predict_proba(rows[list(FEATURES)])[:, 1]
    rows.assign(predicted=(score >= THRESHOLD).astype(int)).to_csv(
        mine / "holdout.csv", index=False
    )

    without = run(mine, audit, warm)
    approved = run(mine, update, warm)
    (mine / "holdout.csv").write_bytes(biased)
    worse = run(mine, audit, warm)

    assert without.returncode == 4, "no baseline yet"
    assert "--aipm-update-baseline" in without.stderr
    assert approved.returncode == 0, approved.stdout
    assert worse.returncode == 1, worse.stdout
    assert "worse than the approved baseline" in worse.stdout


def test_the_first_check_of_a_contributor_works_where_it_is_put(tmp_path: Path) -> None:
    for part in ("pytest_aipm", "tests/checks"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, tmp_path / part, ignore=ignore)
    command = next(each for each in blocks("CONTRIBUTING.md", "sh") if "new-check" in each)
    (module,) = blocks("CONTRIBUTING.md", "python")
    policy, expected = blocks("CONTRIBUTING.md", "yaml")
    (tmp_path / "planned.aipm.yaml").write_text(policy)
    (tmp_path / "missed.aipm.yaml").write_text(
        policy.replace("name: planned", "name: missed").replace("min: 0.75, max: 0.80", "max: 0.70")
    )
    (tmp_path / "typo.aipm.yaml").write_text(policy.replace("max: 0.80", "mx: 0.80"))
    both = "pytest --aipm-audit --aipm-policy=planned.aipm.yaml --aipm-policy=missed.aipm.yaml"

    written = run(tmp_path, command, path=tmp_path)
    audited = run(tmp_path, both, path=tmp_path)
    typo = run(tmp_path, "aipm validate typo.aipm.yaml", path=tmp_path)
    explained = run(tmp_path, "aipm explain performance.approval_rate", path=tmp_path)
    cases = run(tmp_path, "pytest -v tests/checks -k approval_rate", path=tmp_path)

    assert written.returncode == 0, written.stderr
    check = tmp_path / "pytest_aipm" / "checks" / "performance" / "approval_rate.py"
    assert check.read_text() == module, "what the page shows is what is written"
    assert (
        tmp_path / "tests" / "checks" / "performance.approval_rate.yaml"
    ).read_text() == expected
    assert audited.returncode == 1, audited.stdout + audited.stderr
    assert "planned.aipm.yaml ." in audited.stdout, "holds"
    assert "missed.aipm.yaml F" in audited.stdout, "does not"
    assert "78 of 100 get the favorable decision" in audited.stdout
    assert typo.returncode == 4
    assert "typo.aipm.yaml:13" in typo.stderr
    assert "did you mean 'max'" in typo.stderr
    assert "Does the model say yes about as often as planned?" in explained.stdout
    assert cases.returncode == 0, cases.stdout
    assert "a few rows cannot tell" in cases.stdout


def test_a_check_of_ones_own_project_is_registered_by_its_conftest(
    tmp_path: Path, warm: str
) -> None:
    (command,) = blocks("docs/writing-a-check.md", "sh")
    written = run(tmp_path, command, warm)
    (tmp_path / "conftest.py").write_text(blocks("docs/writing-a-check.md", "python")[0])
    (tmp_path / "planned.aipm.yaml").write_text(blocks("CONTRIBUTING.md", "yaml")[0])

    done = run(tmp_path, "pytest --aipm-audit --aipm-policy=planned.aipm.yaml", warm)
    tested = run(tmp_path, "pytest tests", warm)

    assert written.returncode == 0, written.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert "approval_rate" in done.stdout
    assert tested.returncode == 0, tested.stdout
    assert "3 passed" in tested.stdout
