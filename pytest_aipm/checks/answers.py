"""Whether a text answers a question: what is missing, empty, or holds a place for an answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["answer_of", "few", "lack_of", "short", "waits"]

_START = re.compile(
    r"(todo|to do:|tbd|tba|tbc|fixme|xxx|lorem ipsum|placeholder|changeme|change me|"
    r"not said yet|say it later|insert |fill in|\[?more information needed\]?|"
    r"to be (added|announced|confirmed|decided|defined|determined|done|filled|written))"
)
"""How texts begin that wait for their author; `aipm init` writes "not said yet"."""

_GAP = re.compile(r"(<[^<>]*>|\{\{.*\}\}|\[[^\[\]]*\])[.!?]*", re.DOTALL)
"""Brackets around what is to be filled in."""
_WORD = re.compile(
    r"(n/?a|none yet|unknown|not known|somebody|someone|name|your name( here)?|owner|yes|no)[.!?]*"
)
"""Words that are no answer to a question that asks for a sentence."""


def answer_of(context: Mapping[str, Any], field: str) -> Any:
    """Return what a context says under a key; ``data.source`` also looks inside ``data``."""
    if field in context:
        return context[field]
    head, _, rest = field.partition(".")
    inner = context.get(head)
    return answer_of(inner, rest) if rest and isinstance(inner, Mapping) else None


def lack_of(value: Any) -> str:
    """Return what an answer lacks, in words; empty where it is one.

    A list or mapping answers when it holds something and none of its texts is a placeholder.
    """
    if value is None:
        return "missing"
    parts = list(_leaves(value))
    gap = next((part for part in parts if isinstance(part, str) and _empty_word(part)), None)
    if gap is not None:
        return f"a placeholder ({short(gap, 40)!r})"
    return "" if any(map(_says, parts)) else "empty"


def _leaves(value: Any) -> Iterator[Any]:
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, Mapping):
            stack.extend(reversed(list(each.values())))
        elif isinstance(each, list | tuple):
            stack.extend(reversed(each))
        else:
            yield each


def _empty_word(text: str) -> bool:
    return waits(text) or _WORD.fullmatch(_plain(text)) is not None


def waits(text: str) -> bool:
    """Return whether a text holds a place for what is still to be written."""
    plain = _plain(text)
    return bool(_START.match(plain) or _GAP.fullmatch(plain))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).lstrip("*_`#-> ")


def _says(value: Any) -> bool:
    """Return whether a value holds a letter or a digit; signs and unseen characters say nothing."""
    return value is not None and any(unicodedata.category(sign)[0] in "LN" for sign in str(value))


def short(text: str, longest: int = 60) -> str:
    """Return a text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def few(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(short, names[:most])) + more
