"""Who signed this run off, for page and summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aipm.records import Record, SignOff
from pytest_aipm.report.plain import clip, plain_line
from pytest_aipm.report.words import day

__all__ = ["Signed", "signed_of"]

MOST = 240
"""Columns of a text that stand in the table; the whole is one click away."""
NAMED = 60
"""Columns of a name in a sentence."""


@dataclass(frozen=True)
class Signed:
    """The sign-offs of a record.

    Attributes
    ----------
    own, others : tuple of SignOff
        Of this record, and of other ones: the newest first.
    evidence : str
        What a sign-off of this record names.
    """

    own: tuple[SignOff, ...]
    others: tuple[SignOff, ...]
    evidence: str

    @property
    def line(self) -> str:
        """Who signed off, in one line; that nobody did is said, too."""
        if self.own:
            first, *more = self.own
            by = f"signed off by {_name(first.who)} ({_name(first.role)}) on {_day(first)}"
            return by + (f" and {len(more)} more" if more else "")
        count = len(self.others)
        if not count:
            return "not signed off"
        are = "1 sign-off is" if count == 1 else f"{count} sign-offs are"
        return f"not signed off: {are} for another record"

    @property
    def rows(self) -> Sequence[tuple[str, str, str, str, str]]:
        """Who, as what, when, on which terms, and for which record."""
        return [
            (each.who, each.role, _day(each), each.comment, "this one" if each.matches else other)
            for each in (*self.own, *self.others)
            for other in (f"another: {each.digest[:12]}",)
        ]

    def short(self, text: str) -> str:
        """Return a text as it stands in a table."""
        return clip(plain_line(text), MOST)


def signed_of(record: Record) -> Signed:
    """Return who signed a record off."""
    newest = sorted(record.sign_offs, key=lambda each: each.date, reverse=True)
    return Signed(
        tuple(each for each in newest if each.matches),
        tuple(each for each in newest if not each.matches),
        record.evidence,
    )


def _name(text: str) -> str:
    return clip(plain_line(text), NAMED)


def _day(each: SignOff) -> str:
    return day(each.date)
