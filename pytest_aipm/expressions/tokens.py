"""From text to words: numbers, texts, names and signs, each with its place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from pytest_aipm.expressions.place import fault

__all__ = ["KEYWORDS", "LONGEST", "Token", "tokens"]

LONGEST = 2000
"""Characters of an expression."""

KEYWORDS = frozenset(("and", "or", "not", "in", "is", "missing", "true", "false"))

_WORD = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
  | (?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
  | (?P<sign>==|!=|<=|>=|[-+*/<>()\[\],])
    """,
    re.VERBOSE,
)
_MEANT = {
    "=": "write `==` to compare",
    "<>": "write `!=`",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "~": "write `not`",
    "%": "write a share as a number: 0.5",
    "**": "multiply by hand: `x * x`",
    "//": "divide with `/`",
    ";": "join conditions by `and` or `or`",
    "{": "group with parentheses",
    "$": "write the number alone, or put a name in backticks",
    "€": "write the number alone, or put a name in backticks",
}


@dataclass(frozen=True)
class Token:
    """One word: its kind, its place, how it is written and what it stands for."""

    kind: Literal["number", "text", "name", "keyword", "sign", "end"]
    at: int
    written: str
    value: float | int | str = ""


def tokens(text: str) -> list[Token]:
    """Return the words of an expression; the last one is the end.

    Raises
    ------
    ExpressionError
        When the text is empty, too long, or holds what is no word of the language.
    """
    if not text.strip():
        raise fault(text, 0, "the expression is empty", "write a rule, such as income > 3000")
    if len(text) > LONGEST:
        what = f"the expression is longer than {LONGEST:,} characters"
        raise fault(text, LONGEST, what, "make the rule shorter, or prepare a column for it")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        if match.lastgroup != "space":
            found.append(_token(text, at, str(match.lastgroup), match.group()))
        at = match.end()
    return [*found, Token("end", len(text.rstrip()), "")]


def _token(text: str, at: int, kind: str, word: str) -> Token:
    if kind == "number":
        return _number(text, at, word)
    if kind == "text":
        return Token("text", at, word, word[1:-1].replace(word[0] * 2, word[0]))
    if kind == "quoted":
        name = word[1:-1].replace("``", "`")
        if not name:
            raise fault(text, at, "there is no name between the backticks", "write the name")
        return Token("name", at, word, name)
    if kind == "name":
        if word in KEYWORDS:
            return Token("keyword", at, word)
        if word.lower() in KEYWORDS:
            fix = f"write `{word.lower()}`, or put the name in backticks"
            raise fault(text, at, f"{word} is a word of the language in other letters", fix)
        return Token("name", at, word, word)
    twice = text[at : at + 2]
    if twice in ("**", "//", "<>"):
        raise fault(text, at, f"`{twice}` is no sign of the language", _MEANT[twice])
    return Token("sign", at, word)


def _number(text: str, at: int, word: str) -> Token:
    after = text[at + len(word) : at + len(word) + 1]
    if after.isalnum() or after in ("_", "."):
        what = "a name cannot begin with a digit, nor a number end in a letter"
        raise fault(text, at, what, "put a name in backticks")
    plain = word.replace("_", "")
    if len(plain) > 300:
        raise fault(text, at, "a number with more than 300 digits", "write fewer digits")
    value: float | int = int(plain) if plain.isdigit() else float(plain)
    if not math.isfinite(value) or abs(value) > 1e300:
        raise fault(text, at, f"the number {word} is too large", "write a smaller one")
    return Token("number", at, word, value)


def _unreadable(text: str, at: int) -> Exception:
    first = text[at]
    if first in "'\"":
        return fault(text, at, "a text has no closing quote", f"end it with {first}")
    if first == "`":
        return fault(text, at, "a name has no closing backtick", "end it with `")
    return fault(
        text,
        at,
        f"`{first}` is no sign of the language",
        _MEANT.get(first, "put a name with such characters in backticks, a text in quotes"),
    )
