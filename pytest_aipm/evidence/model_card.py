"""A model card as its readers find it: the sections it has, what they say, and its front matter.

The card is Markdown, with YAML between two lines ``---`` at its head where there is some, as on
Hugging Face. It is read, never rendered, and nothing in it is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent

from pytest_aipm.errors import DataError, Problem

__all__ = ["Card", "plain_title", "read_card"]

MAX_BYTES = 1_000_000
"""A card longer than a book is none."""
MAX_FRONT = 20_000
MAX_BRACKETS = 300
"""The reader needs quadratic time for many: seconds for 2,000 of them."""
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Card:
    """A card.

    Attributes
    ----------
    ref : str
        Its path from the root.
    text : str
        The whole of it.
    sections : dict of str to str
        Plain titles of headings and what stands below each, its own subsections included; of two
        with one title, both texts.
    front : dict
        Keys of the front matter.
    """

    ref: str
    text: str
    sections: dict[str, str] = field(default_factory=dict)
    front: dict[str, Any] = field(default_factory=dict)


def plain_title(text: str) -> str:
    """Return a title without numbers, signs and case: ``2. Intended_Use`` is ``intended use``."""
    words = re.sub(r"[\W_]+", " ", text.casefold()).split()
    while words and words[0].isdigit():
        words = words[1:]
    return " ".join(words)


def read_card(path: str, root: Path) -> Card | None:
    """Return the card, None where there is no such file.

    Raises
    ------
    DataError
        When it cannot be read: a folder, not UTF-8, too long, front matter that is no YAML.
    """
    place = root / path
    try:
        raw = place.read_bytes() if place.exists() else None
    except OSError as error:
        what = f"the model card cannot be read ({error.strerror or error})"
        raise DataError(Problem(what, "name a file of Markdown", path)) from None
    if raw is None:
        return None
    if len(raw) > MAX_BYTES:
        what = f"the model card is larger than {MAX_BYTES:,} bytes"
        raise DataError(Problem(what, "name the card alone", path))
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(Problem("not UTF-8", "save the card as UTF-8", path, line)) from None
    front, body = {}, text
    head = _FRONT.match(text)
    if head is not None:
        front, body = _yaml(head[1], path), text[head.end() :]
    return Card(path, text, _sections(_COMMENT.sub("", body)), front)


def _yaml(text: str, path: str) -> dict[str, Any]:
    """Return the front matter; nine lines of aliases could stand for millions of values."""
    if len(text) > MAX_FRONT or text.count("[") + text.count("{") > MAX_BRACKETS:
        what = f"the front matter of the card is longer than {MAX_FRONT:,} characters, or nested"
        raise DataError(Problem(what, "move what people read below it", path))
    yaml = YAML(typ="safe", pure=True)
    try:
        aliased = any(isinstance(event, AliasEvent) for event in yaml.parse(text))
        found = None if aliased else yaml.load(text)
    except Exception as error:  # noqa: BLE001 - the reader raises many kinds for broken text
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 2
        what = "the front matter of the card is no YAML"
        raise DataError(Problem(what, "correct it, or remove it", path, line)) from None
    if aliased:
        what = "the front matter of the card has YAML aliases"
        raise DataError(Problem(what, "write the values out", path))
    if found is None:
        return {}
    if not isinstance(found, dict):
        what = "the front matter of the card is no mapping"
        raise DataError(Problem(what, "write `key: value` lines", path, 2))
    return {str(key): value for key, value in found.items()}


def _sections(body: str) -> dict[str, str]:
    """Return what stands below each heading, down to the next one of its level or above."""
    found: dict[str, str] = {}
    open_: list[tuple[int, str]] = []
    fence = ""
    lines = body.split("\n")
    for at, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark is not None and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1][:3]
        level, title = (0, "") if fence else _heading(lines, at)
        if level:
            open_ = [each for each in open_ if each[0] < level]
            name = plain_title(title)
            open_.append((level, name))
            found.setdefault(name, "")
            continue
        if not fence and _UNDERLINE.match(line) and open_ and _heading(lines, at - 1)[0]:
            continue  # the line below a heading of two lines
        for _, name in open_:  # code says something, and a TODO in it is none of the card's
            found[name] += "(code)\n" if fence else line + "\n"
    return found


def _heading(lines: list[str], at: int) -> tuple[int, str]:
    """Return level and title of a heading, level 0 for any other line."""
    if at < 0:
        return 0, ""
    marked = _HEADING.match(lines[at])
    if marked is not None:
        return len(marked[1]), marked[2]
    below = lines[at + 1] if at + 1 < len(lines) else ""
    under = _UNDERLINE.match(below)
    before = lines[at - 1] if at else ""
    if under and lines[at].strip() and not lines[at].startswith(("    ", "-", "*", ">", "|")):
        return (0, "") if before.strip() else (1 if under[1][0] == "=" else 2, lines[at].strip())
    return 0, ""
