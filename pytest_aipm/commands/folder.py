"""Records as they lie on disk: read whole, and only when nobody changed them since."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from pytest_aipm.commands.paths import here
from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.records import SCHEMA, Record
from pytest_aipm.report.files import drafts_left
from pytest_aipm.report.manifest import is_entry, json_object

__all__ = ["AUDIT", "read_folder", "read_record", "record_path"]

AUDIT = "audit.json"
MANIFEST = "manifest.json"
STALE = "audit.stale.json"

_AGAIN = "take the file as the run wrote it"


def record_path(word: str) -> Path:
    """Return the record that a path on the command line means: a file, or that of a folder."""
    path = here(word)
    return path / AUDIT if path.is_dir() else path


def read_record(path: Path, *, shown: str) -> Record:
    """Read a record and check its digest.

    Parameters
    ----------
    path : Path
    shown : str
        The path as messages print it.

    Raises
    ------
    OptionError
        When it is missing, stale, damaged, of another version, or was changed since it was written.
    """
    if path.name == AUDIT:
        _not_stale(path.parent, shown)
    return _record(_bytes(path, shown), shown)


def read_folder(folder: Path, *, shown: str) -> Record:
    """Read a report folder whose files are all as the run wrote them.

    Raises
    ------
    OptionError
        When it is no report folder, is stale, or holds a file other than its manifest says.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise OptionError(Problem(what, "name the report folder of the run", shown))
    audit, manifest = f"{shown}/{AUDIT}", f"{shown}/{MANIFEST}"
    _not_stale(folder, f"{shown}/{STALE}")
    raw = _bytes(folder / AUDIT, audit)
    hashes = _hashes(_bytes(folder / MANIFEST, manifest), manifest)
    for name, digest in hashes.items():
        path = folder / name
        if name == AUDIT or path.is_file():
            found = raw if name == AUDIT else path.read_bytes()
            if hashlib.sha256(found).hexdigest() != digest:
                _refuse(folder, shown, name)
    return _record(raw, audit)


def _not_stale(folder: Path, shown: str) -> None:
    if not (folder / AUDIT).exists() and (folder / STALE).exists():
        what = "the report is stale: a later run ended with exit code 4 before it audited anything"
        raise OptionError(Problem(what, "run the audit again", shown))


def _bytes(path: Path, shown: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise OptionError(Problem("there is no such file", "check the path", shown)) from None
    except OSError as error:
        raise OptionError(Problem(f"cannot be read ({error.strerror})", "", shown)) from None


def _hashes(raw: bytes, shown: str) -> dict[str, str]:
    """Return the hashes that a manifest holds; they must speak of the record."""
    files = json_object(raw).get("files")
    if (
        not isinstance(files, dict)
        or AUDIT not in files
        or not all(is_entry(*each) for each in files.items())
    ):
        what = f"is no manifest that names {AUDIT}"
        raise OptionError(Problem(what, _AGAIN, shown))
    return files


def _refuse(folder: Path, shown: str, name: str) -> NoReturn:
    """Say that a file is not the one that the manifest vouches for, and why, where it is known."""
    if drafts_left(folder):
        what = "a run was killed while it wrote this report: its files are of two runs"
        raise OptionError(Problem(what, "run the audit again", shown))
    what = f"is not the file that {MANIFEST} vouches for"
    raise OptionError(Problem(what, _AGAIN, f"{shown}/{name}"))


def _record(raw: bytes, shown: str) -> Record:
    version = json_object(raw).get("schema", SCHEMA)
    if version != SCHEMA:
        what = f"its schema {version!r} is not {SCHEMA!r}"
        raise OptionError(Problem(what, "use the version of pytest-aipm that wrote it", shown))
    try:
        record = Record.from_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        what = f"is no {AUDIT} of this version ({at + ': ' if at else ''}{first['msg']})"
        raise OptionError(Problem(what, _AGAIN, shown)) from None
    if record.with_digest().digest != record.digest:
        what = "was changed after it was written: its digest is of other content"
        raise OptionError(Problem(what, _AGAIN, shown))
    return record
