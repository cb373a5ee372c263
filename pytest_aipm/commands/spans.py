"""Text from data in GitHub Markdown."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["code_span"]


def code_span(text: str) -> str:
    """Return text as a code span: names come from data and must neither format nor mention."""
    longest = max((len(run) for run in _ticks(text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _ticks(text: str) -> Iterator[str]:
    run = ""
    for character in f"{text} ":
        if character == "`":
            run += character
        elif run:
            yield run
            run = ""
