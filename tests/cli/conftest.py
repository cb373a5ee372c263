"""Runs the command in a small project; its two records are measured once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_project import GREEN, RED, Project, Said, write_rows

import pytest_aipm
from pytest_aipm.cli import main
from pytest_aipm.records import Finding, Record


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "data.csv")
    return Project(tmp_path)


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """A red and a green record, each measured once."""
    folder = tmp_path_factory.mktemp("measured")
    write_rows(folder / "data.csv")
    project = Project(folder)
    project.policy("red", RED)
    project.policy("green", GREEN)
    return {
        name: pytest_aipm.audit(f"policies/{name}.aipm.yaml", root=folder)
        for name in ("red", "green")
    }


@pytest.fixture
def red(records: dict[str, Record]) -> Record:
    return records["red"]


@pytest.fixture
def green(records: dict[str, Record]) -> Record:
    return records["green"]


@pytest.fixture
def aipm(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run the command in this process."""

    def run(*words: str | Path) -> Said:
        code = main([str(word) for word in words])
        told = capsys.readouterr()
        return Said(code, told.out, told.err)

    return run


@pytest.fixture
def edited() -> Callable[..., Record]:
    """Change fields of the finding whose id ends in ``::scope``; others of the audit by name."""

    def edit(
        record: Record, scope: str, *, audit: dict[str, Any] | None = None, **changes: Any
    ) -> Record:
        def each(finding: Finding) -> Finding:
            return (
                finding.model_copy(update=changes) if finding.id.endswith(f"::{scope}") else finding
            )

        audits = tuple(
            one.model_copy(update={"findings": tuple(map(each, one.findings)), **(audit or {})})
            for one in record.audits
        )
        return record.model_copy(update={"audits": audits}).with_digest()

    return edit


@pytest.fixture
def copied() -> Callable[[Path, Path], Path]:
    """Copy a folder."""
    return lambda source, target: Path(shutil.copytree(source, target))
