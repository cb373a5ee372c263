"""Words that every message of this room shares: did you mean, first lines, positions, places."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from pytest_aipm.errors import AipmError, Problem
from pytest_aipm.sources.spec import Where

__all__ = [
    "describe",
    "did_you_mean",
    "first_line",
    "foreign_words",
    "listed",
    "normal_digest",
    "problem",
    "relative",
    "short",
    "unknown_columns",
]

_LONGEST = 200
"""Characters of someone else's message that are worth a line of ours."""


def problem(what: str, fix: str = "", *, where: Where | None = None) -> Problem:
    """Return a problem at the policy's line, where there is one."""
    return Problem(what, fix, **(where or {}))


def first_line(error: BaseException, *, longest: int | None = _LONGEST) -> str:
    """Return the first line of an exception's own message, shortened; may be empty."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - someone else's `__str__` may raise anything
        return ""
    line = lines[0].strip() if lines else ""
    return line if longest is None or len(line) <= longest else line[: longest - 3] + "..."


def describe(error: BaseException) -> str:
    """Return ``Type: first line`` of an exception."""
    line = first_line(error)
    name = type(error).__name__
    return f"{name}: {line}" if line else name


def foreign_words(error: BaseException) -> tuple[str, ...]:
    """Return ``Type: words`` of the exceptions of others behind an error, whole and shortened."""
    said: dict[str, None] = {}
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        if not isinstance(error, AipmError):
            words = {first_line(error), first_line(error, longest=None)} - {""}
            said |= dict.fromkeys(f"{type(error).__name__}: {line}" for line in sorted(words))
        error = error.__cause__ or error.__context__ or error
    return tuple(said)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for a near miss, else nothing."""
    known = [each for each in known if each]
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    if not close:
        lower = {each.lower(): each for each in known}
        close = [lower[word.lower()]] if word.lower() in lower else []
    return f"did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[object], limit: int = 8) -> str:
    """Return names with commas between them, the first `limit` of them."""
    shown = [str(name) for name in names]
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "")


def unknown_columns(missing: Sequence[str], known: Sequence[str]) -> tuple[str, str]:
    """Return what is wrong and how to mend it when columns are not there.

    Returns
    -------
    what, fix : str
    """
    names = listed(map(repr, missing))
    what = f"there is no column {names}" if len(missing) == 1 else f"there are no columns {names}"
    guesses = [guess for name in missing if (guess := did_you_mean(name, known))]
    return what, " ".join(guesses) if guesses else f"its columns are {listed(known)}"


def relative(path: Path, root: Path) -> str:
    """Return `path` relative to `root` with forward slashes: the same text on every machine."""
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def short(digest: str) -> str:
    """Return the first twelve digits of a sha256, enough to compare two of them by eye."""
    return digest[:12]


def normal_digest(digest: str) -> str:
    """Return a sha256 in lower case and without the word ``sha256:`` before it."""
    return digest.strip().lower().removeprefix("sha256:")
