"""What version control says of the project."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["git"]


def git(root: Path, *words: str) -> str:
    """Return what git answers, empty outside version control or where there is no git."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *words],  # noqa: S607 - git is wherever the user has it
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
