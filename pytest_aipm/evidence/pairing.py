"""The approved model's decisions on the rows of this run, joined by a keyed hash of the row's id.

A project that opts in keeps a file with one short entry a row: a hash of the id that nobody can
compute without the key, one bit for the decision, one for the label, and a mark that changes when
the row's label or groups do. Neither ids nor groups can be read from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.decide import matches, refuse_missing
from pytest_aipm.evidence.subject import Subject, group_name

__all__ = [
    "LEAST_SHARE",
    "NEW",
    "ApprovedRows",
    "Joined",
    "Marked",
    "Pairing",
    "RowKey",
    "join",
    "mark_rows",
]

LEAST_SHARE = 0.90
"""With fewer of the approved rows left, what is left no longer speaks for them."""

NEW = 2
"""Stands for the approved decision of a row that was not approved."""


@dataclass(frozen=True)
class RowKey:
    """The key of a pairing file. It is never written down and never shown.

    Parameters
    ----------
    secret : bytes
        Any length; a digest of it is the key of BLAKE2b (RFC 7693), which is a keyed hash by
        itself. Each use has a personal string of its own, so that no two can be mixed up.
    """

    secret: bytes = field(repr=False)

    def hash(self, data: bytes, use: bytes, size: int = 8) -> bytes:
        """Return the keyed hash of `data` for one use."""
        key = hashlib.blake2b(self.secret, digest_size=32).digest()
        return hashlib.blake2b(data, key=key, person=use, digest_size=size).digest()

    def hashes(self, texts: Sequence[bytes], use: bytes) -> np.ndarray:
        """Return the keyed hashes of many texts, uint64 of shape (n,)."""
        key = hashlib.blake2b(self.secret, digest_size=32).digest()
        empty = hashlib.blake2b(key=key, person=use, digest_size=8)
        digests = bytearray()
        for text in texts:
            one = empty.copy()
            one.update(text)
            digests += one.digest()
        return np.frombuffer(bytes(digests), dtype=">u8").astype(np.uint64)

    @property
    def check(self) -> str:
        """A value by which another key is noticed; the key cannot be computed from it."""
        return self.hash(b"pairing", b"aipm-check").hex()


@dataclass(frozen=True)
class Marked:
    """The rows of a run, ready to be found again.

    Attributes
    ----------
    ids : uint64 array of shape (n,)
        Keyed hash of each id, in the order of the data.
    labels : bool array of shape (n,)
        Whether the label is the positive class; False without labels.
    marks : uint64 array of shape (n,)
        Keyed hash of id, label and groups together.
    """

    ids: np.ndarray
    labels: np.ndarray
    marks: np.ndarray

    @property
    def twice(self) -> int:
        """How many rows have an id that another row has, too."""
        _, counts = np.unique(self.ids, return_counts=True)
        return int(counts[counts > 1].sum())

    def digest(self, key: RowKey) -> str:
        """Return one hash of all ids, labels and groups, whatever the order of the rows."""
        marks = self.marks[np.argsort(self.ids, kind="stable")]
        return key.hash(marks.astype(">u8").tobytes(), b"aipm-digest", 16).hex()


@dataclass(frozen=True)
class ApprovedRows:
    """What is kept of the rows of an approved run.

    Attributes
    ----------
    ids : uint64 array of shape (n,)
        Ascending, each once.
    decisions, labels : bool array of shape (n,)
        Whether the approved model decided for the positive class, and whether it was true.
    marks : uint64 array of shape (n,)
        The lowest 14 bits of the marks in `Marked`.
    digest : str
        Of all ids, labels and groups.
    """

    ids: np.ndarray
    decisions: np.ndarray
    labels: np.ndarray
    marks: np.ndarray
    digest: str

    @classmethod
    def of(cls, rows: Marked, decisions: np.ndarray, key: RowKey) -> ApprovedRows:
        """Return the rows of a run with the decisions taken in it, shape (n,)."""
        order = np.argsort(rows.ids, kind="stable")
        return cls(
            rows.ids[order],
            np.asarray(decisions, dtype=bool)[order],
            rows.labels[order],
            _short(rows.marks[order]),
            rows.digest(key),
        )


@dataclass(frozen=True)
class Pairing:
    """The approved rows, and the key that finds them."""

    key: RowKey
    rows: ApprovedRows


@dataclass(frozen=True)
class Joined:
    """How the rows of a run and the approved ones fit together.

    Attributes
    ----------
    decisions : int array of shape (n,) or None
        The approved decision on each row: 0, 1, or `NEW`. None when they cannot be paired.
    said : str
        Which rows are paired, or why none are.
    complete : bool
        Whether every approved row is among them.
    """

    decisions: np.ndarray | None
    said: str
    complete: bool = False


def mark_rows(subject: Subject, batch: pd.DataFrame, key: RowKey) -> Marked:
    """Return the marks of a batch that holds id, label and the attributes' columns.

    Raises
    ------
    DataError
        When the id or the label is missing in some row.
    """
    assert subject.id is not None  # noqa: S101 - the policy demands it
    column = batch[subject.id]
    refuse_missing(column, "id", subject.id)
    ids = [_text(value) for value in column.tolist()]
    labels, told = np.zeros(len(batch), dtype=bool), np.zeros(len(batch), dtype=object)
    if subject.label is not None:
        refuse_missing(batch[subject.label], "label", subject.label)
        if subject.task == "binary":
            labels = matches(batch[subject.label], subject.positive)
            told = np.where(labels, "1", "0").astype(object)
        else:
            told = np.array([_text(value).decode() for value in batch[subject.label]], dtype=object)
    parts = [told]
    for attribute in subject.attributes:
        codes, names = attribute.encode(batch[attribute.column])
        known = [f"{attribute.name}={'' if name is None else name}" for name in names]
        parts.append(np.array(known, dtype=object)[codes])
    rows = zip(ids, zip(*parts, strict=True), strict=True)
    texts = ["\x1f".join((one.decode(), *map(str, each))).encode() for one, each in rows]
    return Marked(key.hashes(ids, b"aipm-id"), labels, key.hashes(texts, b"aipm-row"))


def join(approved: ApprovedRows, now: Marked, key: RowKey) -> Joined:
    """Find the approved rows among those of a run.

    Rows are paired only where nothing but the decision can differ: with a label or a group that
    changed, the two models would be compared on other terms than the approved ones.

    Parameters
    ----------
    approved : ApprovedRows
    now : Marked
    key : RowKey
        The one both were hashed with.
    """
    if now.twice:
        return Joined(None, f"{now.twice:,} rows share their id with another row")
    place = np.searchsorted(approved.ids, now.ids).clip(max=max(len(approved.ids) - 1, 0))
    found = approved.ids[place] == now.ids
    common, there = int(found.sum()), len(approved.ids)
    if common < LEAST_SHARE * there:
        left = f"only {common:,}" if common else "none"
        return Joined(None, f"{left} of the {there:,} approved rows are among these")
    old = place[found]
    relabelled = int((approved.labels[old] != now.labels[found]).sum())
    changed = int((approved.marks[old] != _short(now.marks[found])).sum())
    if relabelled or changed:
        what = f"label of {relabelled:,}" if relabelled else f"label or a group of {changed:,}"
        return Joined(None, f"the {what} approved rows is another one now")
    whole = common == there == len(now.ids)
    if whole and now.digest(key) != approved.digest:
        return Joined(None, "the label or a group of some approved rows is another one now")
    decisions = np.full(len(now.ids), NEW, dtype=np.int8)
    decisions[found] = approved.decisions[old]
    said = f"all {there:,} approved rows are paired"
    if not whole:
        said = f"{common:,} of the {there:,} approved rows are paired"
        fresh = len(now.ids) - common
        said += f"; {fresh:,} new rows are not in the comparison" if fresh else ""
    return Joined(decisions, said, complete=common == there)


def _short(marks: np.ndarray) -> np.ndarray:
    short: np.ndarray = marks & np.uint64(0x3FFF)
    return short


def _text(value: Any) -> bytes:
    """Return a value as text; the same number reads the same from every format."""
    return group_name(value).encode("utf-8", "surrogatepass")
