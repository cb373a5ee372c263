"""Sign-offs: who stands for a reviewed run. Written by ``aipm sign-off``, or by hand.

::

    sign_offs:
      - who: risk@example.org
        role: model risk
        date: 2026-11-25
        digest: 3f9a...        # `evidence` of the record that was reviewed
        comment: For customers of the branch alone
"""

from __future__ import annotations

from pathlib import Path

from pytest_aipm.errors import SignOffError
from pytest_aipm.policy.dates import DateText
from pytest_aipm.policy.grammar import Grammar, Sha256, Text
from pytest_aipm.policy.text import read_source
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.words import closed, entries_of, no_nulls, shape
from pytest_aipm.records import SignOff

__all__ = ["SignOffEntry", "load_sign_offs", "read_sign_offs"]


class SignOffEntry(Grammar):
    """Who stands for one reviewed run."""

    who: Text
    """Who stands for the reviewed run."""
    role: Text
    """As what."""
    date: DateText
    """On which day."""
    digest: Sha256
    """`evidence` of the record that was reviewed."""
    comment: Text | None = None
    """On which terms."""


def load_sign_offs(path: Path, *, root: Path) -> tuple[SignOff, ...]:
    """Read a sign-offs file.

    Parameters
    ----------
    path : Path
    root : Path
        Folder that paths in messages are relative to.

    Returns
    -------
    tuple of SignOff
        In the file's order; whether one is of a record only the record can say.

    Raises
    ------
    SignOffError
        With every problem, once the text parses.
    """
    return read_sign_offs(path, root=root)[0]


def read_sign_offs(path: Path, *, root: Path) -> tuple[tuple[SignOff, ...], int | None]:
    """Read a sign-offs file, and the line on which its last entry starts."""
    faults = Faults()
    source = read_source(path, root=root, faults=faults, error=SignOffError)
    entries = entries_of(
        source.tree,
        "sign_offs",
        faults,
        where="the sign-offs file",
        what="a sign-off",
        start="- who: ",
    )
    found: list[SignOff] = []
    lines: dict[tuple[str, str], int | None] = {}
    for entry in entries:
        read = _sign_off(entry, faults)
        if read is None:
            continue
        key = (read.who, read.digest)
        if key in lines:
            first = f", first in line {lines[key]}" if lines[key] else ""
            what = f"'{read.who[:40]}' signs the same record off twice{first}"
            faults.add(entry.place_of("who"), what, "keep one")
        lines.setdefault(key, entry.place.line)
        found.append(read)
    faults.raise_as(SignOffError)
    last = entries[-1].place.line if entries else None
    return tuple(found), last


def _sign_off(tree: Map, faults: Faults) -> SignOff | None:
    no_nulls(tree, faults)
    entry = shape(SignOffEntry, closed(tree, SignOffEntry, faults, where="a sign-off"), faults)
    if entry is None:
        return None
    return SignOff(
        who=entry.who,
        role=entry.role,
        date=entry.date,
        digest=entry.digest,
        comment=entry.comment or "",
    )
