"""Text from data and policies as Markdown that shows it as it is written, and tables of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_aipm.report.plain import plain_line
from pytest_aipm.report.words import DASH

__all__ = ["markdown_table", "markdown_text"]

MOST_CELL = 240

_MARKUP = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_LEAD = re.compile(r"^(\d{0,9})(#|[-+=](?=[-+=\s]|$)|(?<=\d)[.)](?=\s|$))")
"""What would begin a heading, a list or a rule."""
_LINKS = re.compile(r"(@|://|#(?=\d)|\bGH-(?=\d)|\bwww(?=\.))", re.IGNORECASE)


def markdown_text(text: str) -> str:
    """Return text that adds no markup, mentions nobody and links nowhere."""
    line = plain_line(text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _LEAD.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", line))
    # A zero-width space keeps names from becoming mentions, issue links and addresses.
    return _LINKS.sub("\\1\N{ZERO WIDTH SPACE}", line)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; long cells are cut."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return lines + [f"| {' | '.join(map(_cell, row))} |" for row in rows]


def _cell(text: str) -> str:
    clipped = text if len(text) <= MOST_CELL else f"{text[: MOST_CELL - 1]}…"
    return markdown_text(clipped) or DASH
