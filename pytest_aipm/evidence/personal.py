"""Columns that hold personal data: decided per column, against what chance would show.

A single cell proves little: one random number of 16 digits in ten bears Luhn's check. So a column
counts when most of its distinct values pass a kind's test, and a name such as ``phone`` lets a
weaker test serve. No value leaves this module.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.identifiers import (
    CHANCE,
    KINDS,
    WEAK,
    card,
    iban,
    iban_form,
    personal_name,
)
from pytest_aipm.stats.parts import rate_bounds

__all__ = ["MAX_ROWS", "Found", "Scan", "scan"]

MAX_ROWS = 20_000
MAX_CELL = 10_000
"""Characters of a cell that are read."""
MAX_TEXT = 3_000_000
"""Characters of a column of free text that are searched."""
FIRST = 300
"""Distinct values that a kind must look promising in before all are tested."""
ALPHA = 0.05
MOST = 0.5
"""A column is of a kind when more than this share of its distinct values is."""
SURE = ("e-mail address", "bank account (IBAN)")
"""Kinds that need not be most of a column: chance makes no address, and hardly an account."""

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([ T].*)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{8}")
_WORDS = re.compile(r"\S+\s+\S+\s+\S+")
_INSIDE: dict[str, tuple[re.Pattern[str], Callable[[str], bool] | None]] = {
    "e-mail address": (
        # in `scheme://user@host` and `git@host` stands no address
        re.compile(
            r"(?<![\w.%+-])(?<!//)(?!git@)[\w.%+-]{1,64}(?:@|%40)(?!\dx\.)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
        ),
        lambda text: KINDS["e-mail address"](text.replace("%40", "@")),
    ),
    "bank account (IBAN)": (
        re.compile(r"\b[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]{2,4}){3,8}\b"),
        iban,
    ),
    "phone number": (re.compile(r"(?<![\w+])\+[1-9](?:[ ./()-]{0,2}\d){7,14}(?!\d)"), None),
    "payment card": (re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.])"), card),
    "Social Security Number (United States)": (
        re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])"),
        KINDS["Social Security Number (United States)"],
    ),
}


@dataclass(frozen=True)
class Found:
    """Personal data in one column.

    Attributes
    ----------
    column, kind : str
    rows, of : int
        Rows that hold it, of the rows with a value; rows are 0 where only the name says so.
    place : str
        ``whole cells``, ``inside text`` or ``by the column's name``.
    """

    column: str
    kind: str
    rows: int
    of: int
    place: str


@dataclass(frozen=True)
class Scan:
    """What was found, in how many rows and columns it was looked for, and what was left unread."""

    found: tuple[Found, ...]
    rows: int
    of: int
    columns: int
    texts: tuple[str, ...] = ()
    """Columns of free text."""
    cut: tuple[str, ...] = ()
    """Columns of which not every character was read."""
    unread: tuple[str, ...] = ()
    """Columns of which most was not."""


def scan(frame: pd.DataFrame, rows: int) -> Scan:
    """Look for personal data in some columns.

    Parameters
    ----------
    frame : DataFrame
        The rows that are read: all, or a sample of at most `MAX_ROWS`.
    rows : int
        How many there are.
    """
    names = list(frame.columns)
    found: list[Found] = []
    texts, cut, unread = [], [], []
    for name in names:
        column = _Column.of(frame[name])
        if column is None:
            continue
        if column.cut:
            cut.append(name)
        whole = column.found()
        if column.text:
            texts.append(name)
        inside, all_read = column.inside()
        # a cell that is one, and others that hold one, are the same finding
        found += whole or inside if not column.text else [*whole, *inside]
        if not all_read and name not in cut:
            cut.append(name)
        if column.unread(MAX_TEXT) > MOST:
            unread.append(name)
    return Scan(tuple(found), len(frame), rows, len(names), tuple(texts), tuple(cut), tuple(unread))


def _beyond(kind: str, valid: int, tried: int) -> bool:
    """Return whether more texts of the right form pass than chance lets."""
    return float(rate_bounds(valid, tried, ALPHA)[0]) > CHANCE.get(kind, 0.0)


def _plain(value: object) -> str:
    """Return a value as a text: bytes decoded, look-alikes of letters and signs made plain."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if text.isascii() and text.isprintable():
        return text
    plain = unicodedata.normalize("NFKC", text[: 2 * MAX_CELL])
    shown = "".join(each if each.isprintable() else " " * each.isspace() for each in plain)
    return shown + text[2 * MAX_CELL :]


@dataclass(frozen=True)
class _Column:
    """Distinct values of a column as texts, and how many rows hold each."""

    name: str
    values: list[str]
    counts: np.ndarray
    text: bool
    cut: bool
    fractions: bool
    long: int
    """Characters of all distinct values, as they were before long ones were cut."""

    @classmethod
    def of(cls, column: pd.Series[Any]) -> _Column | None:
        """Return a column's values; None where they cannot hold any, or are all missing."""
        known = column.dropna()
        kind = known.dtype
        if known.empty or pd.api.types.is_bool_dtype(kind) or pd.api.types.is_complex_dtype(kind):
            return None
        fractions = False
        if pd.api.types.is_numeric_dtype(known):
            numbers = known.to_numpy()
            fractions = bool((numbers != np.floor(numbers)).any())
            if not fractions and np.abs(numbers.astype(float)).max() < 2**63:
                known = known.astype("int64")
        texts = known.astype(object).map(_plain).str.strip()
        counted = texts[texts != ""].value_counts(sort=False)
        if counted.empty:
            return None
        values = [str(value) for value in counted.index]
        wordy = sum(_WORDS.match(value[:MAX_CELL]) is not None for value in values[:FIRST])
        return cls(
            name=str(column.name),
            values=[value[:MAX_CELL] for value in values],
            counts=counted.to_numpy(),
            text=wordy * 10 >= min(len(values), FIRST),
            cut=any(len(value) > MAX_CELL for value in values),
            fractions=fractions,
            long=sum(map(len, values)),
        )

    def unread(self, most: int) -> float:
        """Return the share of characters beyond the cut of each value, and `most` of all."""
        read = min(sum(map(len, self.values)), most)
        return 1 - read / self.long

    def found(self) -> list[Found]:
        """Return the kinds that whole cells are of."""
        promised = personal_name(self.name)
        rows = int(self.counts.sum())
        found = []
        for kind, test in KINDS.items():
            hits = self._hits(kind, test, promised)
            if hits is not None:
                found.append(Found(self.name, kind, hits, rows, "whole cells"))
        if found or not promised:
            return found[:1]
        return [Found(self.name, promised, 0, rows, "by the column's name")] * self._keeps(promised)

    def _hits(self, kind: str, test: Callable[[str], bool], promised: str) -> int | None:
        """Return how many rows pass, None where too few distinct values do."""
        if kind == promised:
            weak = WEAK.get(kind)
            test = test if weak is None else lambda value: KINDS[kind](value) or weak(value)
        if kind not in SURE:
            first = [test(value) for value in self.values[:FIRST]]
            if sum(first) < 0.2 * len(first):
                return None
        passed = np.array([len(value) <= 320 and test(value) for value in self.values])
        n, x = len(passed), int(passed.sum())
        if kind in SURE:
            # of random codes as long as an account number, one in 97 is one
            tried = x if kind not in CHANCE else max(x, sum(map(iban_form, self.values)))
            return int(self.counts[passed].sum()) if x and _beyond(kind, x, tried) else None
        # a name is worth as much as half of the values: then chance alone must be beaten
        least = max(CHANCE.get(kind, 0.0), 0.1) if kind == promised else MOST
        lower = float(rate_bounds(x, n, ALPHA)[0])
        return int(self.counts[passed].sum()) if lower > least else None

    def _keeps(self, promised: str) -> bool:
        """Return whether the values can be what the name promises."""
        first = self.values[:FIRST]
        if promised == "coordinates":
            return self.fractions and len(self.values) >= 5
        if promised == "date of birth":
            return sum(_DATE.fullmatch(value) is not None for value in first) * 2 > len(first)
        if promised in ("person's name", "postal address"):
            letters = sum(any(map(str.isalpha, value)) for value in first)
            return letters * 2 > len(first) and len(self.values) >= 5
        if promised == "national or passport number":
            digits = sum(any(map(str.isdigit, value)) for value in first)
            return digits * 2 > len(first) and len(self.values) >= 5
        return False

    def inside(self) -> tuple[list[Found], bool]:
        """Return the kinds found inside texts, and whether all of it was read.

        What is no free text (links, codes, lists) is searched for kinds that chance never makes.
        """
        rows, read = int(self.counts.sum()), 0
        kinds = {kind: how for kind, how in _INSIDE.items() if self.text or kind in SURE}
        seen = {kind: [0, 0, 0] for kind in kinds}  # candidates, valid, rows with a valid one
        for value, count in zip(self.values, self.counts.tolist(), strict=True):
            if read > MAX_TEXT:
                break
            read += len(value)
            for kind, (pattern, test) in kinds.items():
                tried = [match[0] for match in pattern.finditer(value) if match[0] != value]
                valid = sum(test is None or test(each) for each in tried)
                seen[kind][0] += len(tried)
                seen[kind][1] += valid
                seen[kind][2] += count * bool(valid)
        found = [
            Found(self.name, kind, held, rows, "inside text")
            for kind, (tried, valid, held) in seen.items()
            if valid and _beyond(kind, valid, tried)
        ]
        return found, read <= MAX_TEXT
