"""Files of a project that are written together or not at all, and never over others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from pytest_aipm.drafts import drafted
from pytest_aipm.errors import OptionError, Problem

__all__ = ["repository_of", "root_of_pytest", "write_new"]

_CONFIGURES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
_SECTIONS = {
    "pyproject.toml": ("[tool.pytest",),
    "tox.ini": ("[pytest]",),
    "setup.cfg": ("[tool:pytest]",),
}


def write_new(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files that do not exist yet: all of them, or none.

    Parameters
    ----------
    root : Path
        Made where it is not there.
    files : mapping of str to str or bytes
        Contents by path from the root, with forward slashes.

    Raises
    ------
    OptionError
        When one of them exists.
    OSError
        When one cannot be written; what was made is taken away again.
    """
    there = [name for name in files if (root / name).exists() or (root / name).is_symlink()]
    if there:
        fix = "nothing was written; move it away, or choose another name"
        raise OptionError([Problem("exists already", fix, name) for name in there])
    made: list[Path] = []
    try:
        with ExitStack() as stack:
            for name, content in files.items():
                path = root / name
                _folder(path.parent, made)
                draft = stack.enter_context(drafted(path))
                raw = content.encode() if isinstance(content, str) else content
                draft.write_bytes(raw)
    except BaseException:
        for name in files:
            (root / name).unlink(missing_ok=True)
        for folder in reversed(made):
            folder.rmdir()
        raise


def _folder(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, and remember which."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        made.append(each)


def repository_of(root: Path) -> Path | None:
    """Return the folder at the top of the version control that `root` is under, or None."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)


def root_of_pytest(root: Path) -> Path:
    """Return the folder that a run of pytest in `root` takes for its root.

    It is the nearest one, going up, that configures pytest; policies are looked for there.
    """
    for folder in (root, *root.parents):
        if any((folder / name).is_file() for name in _CONFIGURES):
            return folder
        for name, sections in _SECTIONS.items():
            if _holds(folder / name, sections):
                return folder
    return root


def _holds(path: Path, sections: tuple[str, ...]) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(line.strip().startswith(sections) for line in text.splitlines())
