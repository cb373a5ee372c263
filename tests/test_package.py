"""What is built is complete: files, entry points and metadata, in the wheel and in the sdist."""

from __future__ import annotations

import email
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import pytest_aipm

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_aipm"
BUILD = """
import sys
from hatchling.build import build_sdist, build_wheel
build_wheel(sys.argv[1])
build_sdist(sys.argv[1])
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


def text(wheel: zipfile.ZipFile, name: str) -> str:
    (found,) = (n for n in wheel.namelist() if n.endswith(f".dist-info/{name}"))
    return wheel.read(found).decode()


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    here = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    there = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert there == here
    assert {
        "pytest_aipm/policy/packs/four-fifths.aipm.yaml",
        "pytest_aipm/policy/packs/nyc-ll144.aipm.yaml",
        "pytest_aipm/policy/packs/release-gate-ranking.aipm.yaml",
        "pytest_aipm/policy/packs/release-gate-regression.aipm.yaml",
        "pytest_aipm/policy/packs/release-gate.aipm.yaml",
        "pytest_aipm/py.typed",
        "pytest_aipm/report/templates/clauses.html.j2",
        "pytest_aipm/report/templates/audit.css",
        "pytest_aipm/report/templates/index.html.j2",
    } <= there


def test_pytest_finds_the_plugin_and_the_shell_the_command(wheel: zipfile.ZipFile) -> None:
    points = text(wheel, "entry_points.txt")

    assert "[pytest11]\naipm = pytest_aipm.plugin" in points
    assert "[console_scripts]\naipm = pytest_aipm.cli:main" in points


def test_the_metadata_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    metadata = email.message_from_string(text(wheel, "METADATA"))

    assert metadata["Version"] == pytest_aipm.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Framework :: Pytest" in metadata.get_all("Classifier")


def test_the_sdist_can_be_tested_and_audited(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "docs/policy.md",
        "policies/lending.aipm.yaml",
        "policies/aipm-baseline.json",
        ".github/actions/audit/action.yml",
        ".github/workflows/ci.yml",
        "tests/test_package.py",
    } <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith("aipm-report")]


def test_every_dependency_has_a_lower_bound_and_none_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    for wanted in project["dependencies"]:
        assert ">=" in wanted, wanted
        assert not any(pin in wanted for pin in ("==", "~=", "<")), wanted
