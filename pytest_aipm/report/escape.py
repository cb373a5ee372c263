"""Text from data and policies in GitHub Markdown."""

from __future__ import annotations

import re

from pytest_aipm.report.plain import plain_line

__all__ = ["markdown_text"]

_MARKUP = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_LINKS = re.compile(r"(@|://|#(?=\d)|\bGH-(?=\d)|\bwww(?=\.))", re.IGNORECASE)


def markdown_text(text: str) -> str:
    """Return text that GitHub shows as it is written, on one line."""
    line = plain_line(text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _MARKUP.sub(r"\\\1", line)
    # A zero-width space keeps names from becoming mentions, issue links and addresses.
    return _LINKS.sub("\\1\N{ZERO WIDTH SPACE}", line)
