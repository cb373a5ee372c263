"""The pairing file: the approved decisions, row by keyed row, outside version control.

One line of JSON (what the file is of), then for each row ten bytes: the hash of its id, ascending,
as eight; then one bit for the decision, one for the label and fourteen of its mark. A keyed hash
of everything closes the header, so a byte that was changed or lost is noticed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytest_aipm.drafts import drafted
from pytest_aipm.errors import BaselineError, Problem
from pytest_aipm.evidence.pairing import ApprovedRows, RowKey
from pytest_aipm.records import Audit, canonical_json

__all__ = ["PairingFile", "Sealed", "read_pairing", "seal"]

FORMAT = 1
_DECISION, _LABEL = np.uint16(1 << 15), np.uint16(1 << 14)
_ANEW = "restore it, or approve a run anew with --aipm-update-baseline"
_MOST = 4096
"""A header is shorter than this many bytes."""


@dataclass(frozen=True)
class PairingFile:
    """A pairing file as read.

    Attributes
    ----------
    policy : str
    positive : str or None
        The class that a decision bit of 1 stands for.
    tag : str
        Names this file and no other; the baseline of the same approval holds it.
    rows : ApprovedRows
    """

    policy: str
    positive: str | None
    tag: str
    rows: ApprovedRows


@dataclass(frozen=True)
class Sealed:
    """A pairing file that is not written yet.

    Attributes
    ----------
    path : Path
    raw : bytes
    tag : str
    rows : int
    """

    path: Path
    raw: bytes
    tag: str
    rows: int

    def write(self) -> None:
        """Write the file, atomically, readable by its owner alone."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(self.path) as draft:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(self.raw)


def seal(path: Path, audit: Audit, rows: ApprovedRows, key: RowKey) -> Sealed:
    """Return the pairing file of an audit's rows."""
    subject = audit.subject
    bits = rows.marks.astype(np.uint16)
    bits |= np.where(rows.decisions, _DECISION, 0).astype(np.uint16)
    bits |= np.where(rows.labels, _LABEL, 0).astype(np.uint16)
    body = rows.ids.astype(">u8").tobytes() + bits.astype(">u2").tobytes()
    header = {
        "aipm_pairing": FORMAT,
        "policy": audit.policy.name,
        "positive": None if subject is None else subject.positive,
        "model_sha256": None if subject is None else subject.model.sha256,
        "data_sha256": None if subject is None else subject.data.sha256,
        "rows": len(rows.ids),
        "digest": rows.digest,
        "key_check": key.check,
    }
    tag = _tag(header, body, key)
    first = canonical_json({**header, "tag": tag}) + "\n"
    return Sealed(path, first.encode() + body, tag, len(rows.ids))


def read_pairing(path: Path, key: RowKey, *, shown: str) -> PairingFile:
    """Read a pairing file.

    Parameters
    ----------
    path : Path
    key : RowKey
    shown : str
        The path as messages print it.

    Raises
    ------
    BaselineError
        When it is none, was written with another key, or is not as it was written.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"the pairing file cannot be read ({error.strerror})"
        raise BaselineError(Problem(what, _ANEW, shown)) from None
    first, _, body = raw.partition(b"\n")
    header = _header(first)
    if header is None:
        raise BaselineError(Problem("this is no pairing file", _ANEW, shown))
    if header.get("aipm_pairing") != FORMAT:
        what = f"pairing format {header.get('aipm_pairing')!r} is not {FORMAT}"
        raise BaselineError(Problem(what, "approve a run anew with this version", shown))
    if header.get("key_check") != key.check:
        what = "the pairing file was written with another key"
        fix = "set the key it was written with, or approve a run anew with --aipm-update-baseline"
        raise BaselineError(Problem(what, fix, shown))
    tag = header.pop("tag", None)
    if tag != _tag(header, body, key):
        what = "the pairing file is cut off or was changed"
        raise BaselineError(Problem(what, _ANEW, shown))
    n = int(header["rows"])
    bits = np.frombuffer(body, dtype=">u2", offset=8 * n).astype(np.uint16)
    rows = ApprovedRows(
        np.frombuffer(body, dtype=">u8", count=n).astype(np.uint64),
        (bits & _DECISION) > 0,
        (bits & _LABEL) > 0,
        (bits & np.uint16(0x3FFF)).astype(np.uint64),
        str(header["digest"]),
    )
    return PairingFile(str(header["policy"]), header["positive"], tag, rows)


def _header(first: bytes) -> dict[str, Any] | None:
    if len(first) > _MOST:
        return None
    try:
        header = json.loads(first)
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and "aipm_pairing" in header else None


def _tag(header: dict[str, Any], body: bytes, key: RowKey) -> str:
    try:
        told = canonical_json(header).encode()
    except ValueError:  # a number that no run ever wrote
        return ""
    return key.hash(told + b"\n" + body, b"aipm-file", 16).hex()
