"""Whether a file is the model, or the rows, that a record is about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pytest_aipm.errors import DataError, OptionError, Problem
from pytest_aipm.records import Audit, Record
from pytest_aipm.sources.data import digest_of
from pytest_aipm.sources.spec import is_factory
from pytest_aipm.verification.line import Line, broken, held, untold

__all__ = ["source_lines"]

Kind = Literal["model", "data"]
IN_MEMORY = "frame"
"""What a record calls a table that a caller handed over."""


def source_lines(record: Record, kind: Kind, path: Path, shown: str) -> Iterator[Line]:
    """Yield whether a file, or a folder of files, is the one that was audited.

    Parameters
    ----------
    record : Record
    kind : {"model", "data"}
    path : Path
    shown : str
        The path as messages print it.

    Raises
    ------
    OptionError
        When there is nothing of that name, or a folder that is none of data files.
    """
    if not path.exists():
        raise OptionError(Problem(f"--{kind}: there is no such file", "check the path", shown))
    try:
        digest = digest_of(path, shown)
    except DataError as fault:
        raise OptionError(fault.problems) from None
    pinned = dict(_hashes(record, kind))
    if not pinned:
        said = f"the record holds no hash of a {kind} file: it came from a function or from memory"
        yield untold(kind, said)
        return
    matching = [name for name, sha256 in pinned.items() if sha256 == digest]
    if matching:
        yield held(kind, f"{shown} is the {kind} audited by {', '.join(matching)}")
        return
    named = next((name for name in pinned if _is_named(record, name, kind, path)), None)
    if len(pinned) > 1 and named is None:
        said = f"{shown} has sha256 {digest[:12]}, which no policy of this record audited"
        yield broken(kind, said)
        return
    name = named or next(iter(pinned))
    said = f"{shown} has sha256 {digest[:12]}, {name} audited {pinned[name][:12]}"
    yield broken(kind, said)


def _hashes(record: Record, kind: Kind) -> Iterator[tuple[str, str]]:
    for audit in record.audits:
        info = None if audit.subject is None else getattr(audit.subject, kind)
        if info is None or not info.sha256 or info.ref == IN_MEMORY or is_factory(info.ref):
            continue  # what never was a file has the hash of its content
        yield audit.policy.name, info.sha256


def _is_named(record: Record, name: str, kind: Kind, path: Path) -> bool:
    audit: Audit = next(each for each in record.audits if each.policy.name == name)
    info = None if audit.subject is None else getattr(audit.subject, kind)
    return info is not None and Path(info.ref).name == path.name
