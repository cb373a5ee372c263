"""Text from data and policies, and numbers, as foreign formats take them."""

from __future__ import annotations

import re

from pytest_aipm.records import Finding
from pytest_aipm.report.answer import Answer, stopped
from pytest_aipm.report.plain import plain_line

__all__ = ["SHA256", "line", "number", "says"]

MOST = 300
"""Characters of a name or a sentence in an export; `audit.json` and the page hold all of it."""
SHA256 = re.compile(r"[0-9a-f]{64}")

_LIVE = re.compile(r"(\](?=\()|\{(?=\d))")
"""What SARIF would take for a link or for a placeholder."""


def line(text: object, most: int = MOST, *, empty: str = "") -> str:
    """Return any value as one line without control characters, at most `most` characters long.

    Parameters
    ----------
    text : object
    most : int
        A longer text ends in an ellipsis.
    empty : str
        Stands for a text that has nothing to show: most formats refuse an empty name.
    """
    plain = plain_line(str(text))
    if len(plain) > most:
        plain = f"{plain[: most - 1].rstrip()}…"
    return plain or empty


def says(finding: Finding, most: int = 1000) -> str:
    """Return what a finding says, in sentences that neither link nor hold a placeholder."""
    said = f"{stopped(finding.reason)} {Answer(finding).untold}"
    if said.partition(" ")[0].isalpha():  # no path, and no name from code
        said = said[0].upper() + said[1:]
    # A zero-width space is not seen, and nothing has to be unescaped by whoever shows the text.
    text = _LIVE.sub("\\1\N{ZERO WIDTH SPACE}", said)
    return line(text, most, empty=finding.verdict.value.replace("_", " "))


def number(value: float) -> str:
    """Return a number whole, so that no rounding carries it over its limit."""
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
