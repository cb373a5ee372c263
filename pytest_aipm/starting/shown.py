"""How names, values and numbers are written into a policy, its comments and a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

__all__ = ["comment", "listing", "number", "scalar", "share", "short"]

WIDTH = 98
"""Columns of a comment's line."""
LONGEST = 40

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_. /@-]*(?<! )")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


def scalar(value: object) -> str:
    """Return a value as YAML reads it again: quoted, unless it is a plain word or a number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and len(text) < LONGEST * 2:
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable() and not "\ud800" <= character <= "\udfff":
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def short(value: object, longest: int = LONGEST) -> str:
    """Return a value on one line, without what cannot be seen, and not longer than this."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = "".join(each if each.isprintable() else " " for each in text)
    text = " ".join(text.split()) or "(blank)"
    return text if len(text) <= longest else text[: longest - 3] + "..."


def share(count: float, rows: int) -> str:
    """Return a share in whole percent, never 0 % of something and never 100 % of not quite all."""
    if not rows:
        return "0 %"
    percent = 100 * count / rows
    if 0 < percent < 1:
        return "<1 %"
    if 99 < percent < 100:
        return ">99 %"
    return f"{percent:.0f} %"


def number(value: float) -> str:
    """Return a number as a policy writes it: three digits, no exponent for what people read."""
    return f"{float(f'{value:.3g}'):.10g}"


def listing(items: Iterable[str], most: int = 8) -> str:
    """Return ``a, b, c and 4 more``."""
    names = [short(item) for item in items]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def comment(text: str, indent: int = 0, inner: str = "") -> str:
    """Return a text as comment lines; what it quotes cannot break out of them.

    Parameters
    ----------
    text : str
    indent : int
        Blanks before the ``#``.
    inner : str
        What the text begins with, such as a bullet; further lines are as far in.
    """
    lead = " " * indent + "# "
    lines = textwrap.wrap(
        " ".join("".join(c if c.isprintable() else " " for c in text).split()),
        WIDTH - indent,
        initial_indent=inner,
        subsequent_indent=" " * len(inner),
        break_long_words=True,
        break_on_hyphens=False,
    )
    return "\n".join(lead + line for line in lines)
