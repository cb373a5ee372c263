"""Small tables and projects for the tests of the sources."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pytest_aipm.sources.data import DataSource, DataSpec, open_data


@pytest.fixture
def people() -> pd.DataFrame:
    """Five rows with a gap in every kind of column that can have one."""
    return pd.DataFrame(
        {
            "id": [11, 12, 13, 14, 15],
            "income": [1.5, None, 2.5, 3.0, -4.0],
            "children": pd.array([0, 2, None, 1, 3], dtype="Int64"),
            "sex": ["F", "M", None, "F", "M"],
            "member": [True, False, None, True, False],
            "note": ["NA", "None", "null", 'a "quoted", one', "two\nlines"],
        }
    )


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., DataSource]:
    """Open a file of the test's folder."""

    def open_(path: str, **spec: object) -> DataSource:
        return open_data(DataSpec(path=path, **spec), root=tmp_path)  # type: ignore[arg-type]

    return open_


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], DataSpec]:
    """Write a file into the test's folder and return the reference to it."""

    def write_(name: str, content: str | bytes) -> DataSpec:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return DataSpec(path=name)

    return write_


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Forbid opening files of a name, also to a user who may read everything."""

    def forbid(name: str) -> None:
        genuine = Path.open

        def opening(path: Path, *how: Any, **more: Any) -> Any:
            if path.name == name:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return genuine(path, *how, **more)

        monkeypatch.setattr(Path, "open", opening)

    return forbid
