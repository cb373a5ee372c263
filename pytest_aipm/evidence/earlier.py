"""How many rows earlier runs of a policy had, as the history file tells."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.records import HistoryLine

__all__ = ["earlier_rows"]


def earlier_rows(root: Path, history: str, policy: str) -> tuple[list[int], int]:
    """Return the rows of earlier runs, the oldest first, and how many lines could not be read.

    Parameters
    ----------
    root : Path
    history : str
        The file, relative to `root`.
    policy : str
        Name of the policy.

    Raises
    ------
    CheckError
        When there is no such file.
    """
    try:
        text = (root / history).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        what = f"the history {history!r} cannot be read ({error.strerror or type(error).__name__})"
        fix = "name the file that `aipm_history` in pytest's ini names"
        raise CheckError(Problem(what, fix)) from None
    rows, broken = [], 0
    for line in filter(str.strip, text.splitlines()):
        try:
            told = HistoryLine.model_validate_json(line)
        except ValidationError:
            broken += 1
            continue
        rows += [
            each.rows for each in told.policies if each.name == policy and each.rows is not None
        ]
    return rows, broken
