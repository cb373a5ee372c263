"""Writes the pages that the code knows better than a hand: checks, command line, Python.

They are written below `checks/` and `reference/` before Sphinx reads the sources, and only where
their text changed, so that a second build reads little.
"""

from __future__ import annotations

from pathlib import Path

from check_pages import check_pages
from command_pages import command_line_page
from python_pages import python_page
from sphinx.application import Sphinx

FOLDERS = ("checks", "reference")


def written(folder: Path, pages: dict[str, str]) -> None:
    """Write pages by their name, and remove those that nobody writes any more."""
    for name in FOLDERS:
        for old in (folder / name).glob("*.md"):
            if f"{name}/{old.name}" not in pages:
                old.unlink()
    for name, text in pages.items():
        place = folder / name
        place.parent.mkdir(exist_ok=True)
        if not place.exists() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")


def _write(app: Sphinx) -> None:
    pages = {f"checks/{name}.md": text for name, text in check_pages().items()}
    pages["reference/command-line.md"] = command_line_page()
    pages["reference/python.md"] = python_page()
    written(Path(app.srcdir), pages)


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before the sources are read."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
