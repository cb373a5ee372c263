"""Paths of the command line: relative to the current folder, as shells have it."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_aipm.errors import OptionError, Problem

__all__ = ["here", "relative", "root_of"]


def here(word: str) -> Path:
    """Return a path of the command line as an absolute one."""
    return Path(os.path.normpath(Path.cwd() / word))


def relative(path: Path, folder: Path) -> str:
    """Return a path as one would type it in `folder`, with forward slashes."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def root_of(word: str | None) -> Path:
    """Return the root folder: as given, else the current one.

    Raises
    ------
    OptionError
        When there is no such folder.
    """
    root = here(word or ".")
    if not root.is_dir():
        raise OptionError(Problem(f"--root={word}: there is no such folder", "check the path"))
    return root
