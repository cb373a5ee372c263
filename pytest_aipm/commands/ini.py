"""The project's ini keys, for commands that run without pytest.

pytest has no public function that loads its configuration, so the files it documents are read
here with the standard library: ``pytest.toml``, ``pytest.ini``, ``pyproject.toml`` (its tables
``[tool.pytest]`` or ``[tool.pytest.ini_options]``), ``tox.ini`` and ``setup.cfg``; the first that
configures pytest wins. They are looked for in the root folder alone, not above it, and neither
``-o`` nor ``PYTEST_ADDOPTS`` is heeded: what is meant for one run is given to the command itself.
"""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.report import chosen_exports

__all__ = ["Ini", "exports_of", "read_ini"]

_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})

Table = Mapping[str, Any]


class Ini:
    """What a project's configuration says.

    Parameters
    ----------
    values : mapping of str to object
        Texts, or what TOML makes of them.
    path : str
        The file's name, for messages.
    """

    def __init__(self, values: Table, path: str = "") -> None:
        self._values = values
        self.path = path

    def text(self, key: str) -> str:
        """Return a text, empty when it is not there.

        Raises
        ------
        OptionError
            When it is no text.
        """
        value = self._values.get(key, "")
        if not isinstance(value, str):
            raise OptionError(Problem(f"{key}: {value!r} is no text", "give one path", self.path))
        return value.strip()

    def words(self, key: str, default: Sequence[str] = ()) -> list[str]:
        """Return a list of words; a text is split as a shell does.

        Parameters
        ----------
        key : str
        default : sequence of str
            Where the key is not there; one that is there and empty is an empty list.

        Raises
        ------
        OptionError
            When it is neither.
        """
        value = self._values.get(key, default)
        try:
            words = shlex.split(value) if isinstance(value, str) else list(value)
        except (TypeError, ValueError) as fault:
            raise OptionError(Problem(f"{key}: {fault}", "list paths", self.path)) from None
        return [str(word) for word in words]

    def word(self, key: str, default: str) -> str:
        """Return a value as it was written, a number of TOML too."""
        return str(self._values.get(key, default)).strip()

    def has(self, key: str) -> bool:
        """Return whether a key is written."""
        return key in self._values

    def flag(self, key: str) -> bool:
        """Return whether a key is switched on."""
        return str(self._values.get(key, "")).strip().lower() in _TRUE


def exports_of(ini: Ini) -> tuple[str, ...]:
    """Return the exports that a project chooses.

    Raises
    ------
    OptionError
        When it names one that there is not.
    """
    return chosen_exports(ini.words("aipm_exports", ["all"]), ini.path)


def read_ini(root: Path) -> Ini:
    """Read the first file in `root` that configures pytest; no file, no keys.

    Raises
    ------
    OptionError
        When that file cannot be read.
    """
    for name, find in _FILES.items():
        path = root / name
        if not path.is_file():
            continue
        try:
            found = find(path.read_bytes().decode("utf-8-sig"))
        except (tomllib.TOMLDecodeError, configparser.Error, UnicodeDecodeError) as fault:
            first = str(fault).splitlines()[0]
            raise OptionError(Problem(f"cannot be read ({first})", "correct it", name)) from None
        except OSError as fault:
            what = f"cannot be read ({fault.strerror})"
            raise OptionError(Problem(what, "make it readable", name)) from None
        if found is not None:
            return Ini(found, name)
    return Ini({})


def _toml(text: str) -> Table:
    """``pytest.toml`` is the configuration even when it says nothing."""
    return _table(tomllib.loads(text).get("pytest"))


def _pyproject(text: str) -> Table | None:
    tool = _table(_table(tomllib.loads(text).get("tool")).get("pytest"))
    own = {key: value for key, value in tool.items() if key != "ini_options"}
    if own:
        return own
    return _table(tool["ini_options"]) if "ini_options" in tool else None


def _table(value: object) -> Table:
    return value if isinstance(value, dict) else {}


def _section(name: str, *, always: bool = False) -> Callable[[str], Table | None]:
    """Return a reader of one section; `always` when the file counts even without it."""

    def read(text: str) -> Table | None:
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(text)
        if parser.has_section(name):
            return dict(parser.items(name))
        return {} if always else None

    return read


_FILES: dict[str, Callable[[str], Table | None]] = {
    "pytest.toml": _toml,
    ".pytest.toml": _toml,
    "pytest.ini": _section("pytest", always=True),
    ".pytest.ini": _section("pytest", always=True),
    "pyproject.toml": _pyproject,
    "tox.ini": _section("pytest"),
    "setup.cfg": _section("tool:pytest"),
}
"""In pytest's own order."""
