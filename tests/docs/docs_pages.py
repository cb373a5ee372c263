"""The pages of the documentation as a list of blocks, with what the page says about each.

A comment right before a block tells how it is tested where its language alone does not::

    <!-- block: exit 1 -->                     the command ends with this exit code
    <!-- block: file conftest.py -->           the block is this file of the project
    <!-- block: skip it needs a network -->    it cannot run here, and why
    <!-- setup                                 Python that prepares the project, unseen by readers
    ... -->
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["PAGES", "ROOT", "Block", "blocks_of"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOTES = ("exit", "file", "skip")


@dataclass(frozen=True)
class Block:
    """One code block, or a setup (language ``setup``)."""

    place: str
    language: str
    text: str
    notes: dict[str, str]


def blocks_of(text: str, name: str) -> list[Block]:
    """Return the blocks of a page in order.

    Raises
    ------
    ValueError
        A comment before a block says what nobody understands.
    """
    found: list[Block] = []
    notes: dict[str, str] = {}
    for token in MarkdownIt().parse(text):
        place = f"{name}:{token.map[0] + 1}" if token.map else name
        if token.type == "html_block":
            said = token.content.strip()
            if said.startswith("<!-- setup\n"):
                code = said.removeprefix("<!-- setup\n").removesuffix("-->")
                found.append(Block(place, "setup", code, {}))
            notes = _notes(said, place)
            continue
        if token.type in ("fence", "code_block"):
            language = token.info.partition(" ")[0]
            found.append(Block(place, language, token.content, notes))
        if token.nesting == 0 or token.type.endswith("_close"):
            notes = {}
    return found


def _notes(said: str, place: str) -> dict[str, str]:
    if not said.startswith("<!-- block:"):
        return {}
    notes = {}
    for note in said.removeprefix("<!-- block:").removesuffix("-->").split(";"):
        key, _, value = note.strip().partition(" ")
        if key not in NOTES or not value:
            raise ValueError(f"{place}: 'block: {note.strip()}' is none of {', '.join(NOTES)}")
        notes[key] = value
    return notes
