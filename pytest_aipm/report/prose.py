"""The words of a check's docstring as paragraphs, lists and literal blocks."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

__all__ = ["Block", "prose"]

_ITEM = re.compile(r"^\s*[-*] +")
_CODE = re.compile(r"``?([^`]+)``?")


@dataclass(frozen=True)
class Block:
    """A paragraph (``p``), a list (``ul``) or a literal block (``pre``).

    Attributes
    ----------
    kind : str
        The element's name.
    items : tuple of tuple of (str, bool)
        Lines of runs: text, and whether it is code. A paragraph has one line.
    """

    kind: str
    items: tuple[tuple[tuple[str, bool], ...], ...]


def _runs(text: str) -> tuple[tuple[str, bool], ...]:
    """Return runs of plain text and of code between backticks."""
    runs = []
    for number, piece in enumerate(_CODE.split(" ".join(text.split()))):
        if piece:
            runs.append((piece, number % 2 == 1))
    return tuple(runs)


def prose(text: str) -> list[Block]:
    """Return the blocks of a docstring section; blank lines part them."""
    blocks = []
    for chunk in re.split(r"\n\s*\n", textwrap.dedent(text).strip("\n")):
        lines = chunk.splitlines()
        if not chunk.strip():
            continue
        if _ITEM.match(lines[0]):
            items: list[str] = []
            for line in lines:
                if _ITEM.match(line):
                    items.append(_ITEM.sub("", line))
                else:
                    items[-1] += f" {line}"
            blocks.append(Block("ul", tuple(map(_runs, items))))
        elif all(line.startswith("    ") for line in lines):
            literal = textwrap.dedent(chunk)
            blocks.append(Block("pre", (((literal, False),),)))
        else:
            blocks.append(Block("p", (_runs(chunk),)))
    return blocks
