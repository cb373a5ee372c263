"""Text from data made harmless, and fitted to a terminal."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clip", "clip_middle", "columns_of", "inert", "plain_line"]

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_NOT_TEXT = frozenset("\ufffe\uffff")
"""Noncharacters that YAML and XML refuse."""
_DROPPED = _BIDI | _NOT_TEXT


def columns_of(text: str) -> int:
    """Return how many terminal columns `text` takes: wide characters two, combining none."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, columns: int) -> str:
    """Return `text` in at most `columns` terminal columns, ending in an ellipsis when cut."""
    if columns_of(text) <= columns:
        return text
    used, kept = 1, []
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def clip_middle(text: str, columns: int) -> str:
    """Return `text` in at most `columns` terminal columns: of a long one the middle is cut out."""
    if columns_of(text) <= columns:
        return text
    start = clip(text, max(columns - columns // 3, 1))
    end, room = "", columns - columns_of(start)
    for character in reversed(text):
        if columns_of(character + end) > room:
            break
        end = character + end
    return start + end


_COMMAND = re.compile(r"^(\s*):(?=:)|(?<=#)#(?=\[)", re.MULTILINE)


def inert(text: str) -> str:
    """Return `text` so that a build server reads no command in any of its lines.

    GitHub takes a line that begins with ``::name`` after spaces, and ``##[name]`` anywhere in a
    line, as an order to itself. Such a name gets a space without width.
    """
    return _COMMAND.sub(lambda found: f"{found[0]}\N{ZERO WIDTH SPACE}", text)


def plain_line(text: str) -> str:
    """Return `text` on one line, without control characters and direction overrides.

    Names of groups come from data: an escape sequence in one must not reach a terminal.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept = "".join(
        " "
        if c.isspace()
        else ""
        if unicodedata.category(c) in ("Cc", "Cs") or c in _DROPPED
        else c
        for c in text
    )
    return " ".join(kept.split())
