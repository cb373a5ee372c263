"""What a command writes: plain text on standard output, faults on standard error.

Names of groups and columns come from data. No control character and no direction override of
theirs reaches a terminal, and a terminal that cannot show a character gets a question mark.
"""

from __future__ import annotations

import re
import sys
from typing import TextIO

__all__ = ["complain", "plain_text", "say"]

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def say(text: str = "") -> None:
    """Write a line, or several, to standard output."""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """Write a line, or several, to standard error."""
    _write(sys.stderr, text)


def plain_text(text: str) -> str:
    """Return a text without what must not reach a terminal."""
    return _UNSAFE.sub("", text)


def _write(stream: TextIO, text: str) -> None:
    line = plain_text(text) + "\n"
    try:
        stream.write(line)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(line.encode(encoding, "replace").decode(encoding))
