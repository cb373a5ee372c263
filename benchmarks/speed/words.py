"""How figures are written on the page, and what a target is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Target", "bytes_", "count", "equal", "missed", "seconds", "table", "times"]

CLOSE = 1e-12
"""Two quotients of the same counts, computed in different orders."""


class Target(NamedTuple):
    """One row of the table at the top of the page; `holds` is None where it was not measured."""

    work: str
    target: str
    measured: str
    holds: bool | None


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def seconds(value: float) -> str:
    """Return seconds with three digits that count."""
    if value < 0.1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 1000 else f"{value:,.0f} s"


def times(value: float) -> str:
    """Return a ratio."""
    return f"{value:,.0f} x" if value >= 20 else f"{value:.2f} x"


def bytes_(value: float) -> str:
    """Return bytes as MB or GB."""
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def count(value: int) -> str:
    """Return a number of rows: 10 k, 1 M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size and value % size == 0:
            return f"{value // size} {letter}"
    return f"{value:,}"


def equal(ours: Mapping[str, float], theirs: Mapping[str, float], within: float = CLOSE) -> int:
    """Return how many numbers of theirs are ours, too.

    Parameters
    ----------
    ours, theirs : mapping of name to number
    within : float
        How far they may be apart.

    Raises
    ------
    AssertionError
        When one is not, with its name: a comparison of unlike work is none.
    """
    for name, value in theirs.items():
        assert abs(value - ours[name]) <= within, f"{name}: {value} and not {ours[name]}"
    return len(theirs)


def missed(found: Mapping[str, Any]) -> str:
    """Return why something was not measured."""
    return f"not measured: {found['missing']}"
