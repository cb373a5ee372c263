"""`aipm.lock`: the committed list of artifacts that may be opened, as sorted JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from pytest_aipm.errors import Problem, TrustError

__all__ = ["LOCK", "LockEntry", "read_lock", "write_lock"]

LOCK = "aipm.lock"
"""Name of the file under the root folder."""

_FORMAT = 1
_MEND = "restore it from version control, or remove it and run aipm trust for each model again"


@dataclass(frozen=True)
class LockEntry:
    """One artifact someone has vouched for.

    Attributes
    ----------
    path : str
        Relative to the root folder, with forward slashes.
    sha256 : str
        64 hexadecimal digits.
    kind : str
        ``joblib`` or ``pickle``.
    versions : mapping of str to str
        Libraries that were installed, and their versions.
    trusted_by : str
        Who vouches for it.
    when : str
        UTC date, ``YYYY-MM-DD``.
    """

    path: str
    sha256: str
    kind: str
    versions: Mapping[str, str] = field(default_factory=dict)
    trusted_by: str = ""
    when: str = ""

    def differences(self, name: str) -> list[str]:
        """Return one sentence for each library whose version is another one now."""
        found = []
        for library, version in sorted(self.versions.items()):
            try:
                now = metadata.version(library)
            except metadata.PackageNotFoundError:
                now = "no version"
            if now != version:
                found.append(
                    f"{LOCK}: {name} was trusted with {library} {version}; {now} of it is installed"
                )
        return found


def read_lock(path: Path) -> tuple[LockEntry, ...]:
    """Return the entries of a lock file, sorted by path; none when there is no such file.

    Raises
    ------
    TrustError
        When it is not a lock file of this format.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise TrustError(Problem(what, "make it readable", path.name)) from None
    except UnicodeDecodeError:
        raise TrustError(Problem("is not UTF-8 text", _MEND, path.name)) from None
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        what = f"is not JSON ({error.msg})"
        raise TrustError(Problem(what, _MEND, path.name, error.lineno, error.colno)) from None
    except RecursionError:
        raise TrustError(Problem("is nested without end", _MEND, path.name)) from None
    if not isinstance(content, dict) or content.get("aipm_lock") != _FORMAT:
        raise TrustError(Problem(f'holds no "aipm_lock": {_FORMAT}', _MEND, path.name))
    listed = content.get("artifacts")
    if not isinstance(listed, list) or set(content) != {"aipm_lock", "artifacts"}:
        raise TrustError(Problem('holds more or less than "artifacts"', _MEND, path.name))
    entries = [_entry(each, path.name) for each in listed]
    twice = {each.path for each in entries if sum(each.path == e.path for e in entries) > 1}
    if twice:
        raise TrustError(Problem(f"names {min(twice)!r} twice", "keep one entry", path.name))
    return tuple(sorted(entries, key=lambda each: each.path))


def write_lock(path: Path, entries: Iterable[LockEntry]) -> None:
    """Write a lock file in one step: a reader sees the old one or the new one, never a half."""
    ordered = sorted(entries, key=lambda each: each.path)
    content = {"aipm_lock": _FORMAT, "artifacts": [asdict(each) for each in ordered]}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        what = f"cannot be written ({error.strerror})"
        raise TrustError(Problem(what, "make the root folder writable", path.name)) from None


def _entry(raw: Any, name: str) -> LockEntry:
    """Return a checked entry; a lock is a security decision, so nothing in it is guessed."""
    keys = {each.name for each in fields(LockEntry)}
    if not isinstance(raw, dict) or set(raw) != keys:
        what = f"an entry needs exactly the keys {', '.join(sorted(keys))}"
        raise TrustError(Problem(what, _MEND, name))
    versions = raw["versions"]
    texts = [raw[key] for key in sorted(keys - {"versions"})]
    if not isinstance(versions, dict) or not all(
        isinstance(text, str) for text in (*texts, *versions.values())
    ):
        raise TrustError(Problem("an entry holds something that is no text", _MEND, name))
    digest = raw["sha256"].lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise TrustError(Problem(f"{raw['path']!r} has a sha256 that is none", _MEND, name))
    return LockEntry(**{**raw, "sha256": digest})
