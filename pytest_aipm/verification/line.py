"""What verification says: one line for each thing it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Line", "State", "broken", "held", "untold"]


class State(StrEnum):
    """Whether a thing holds."""

    HELD = "held"
    BROKEN = "does not hold"
    UNTOLD = "cannot be told"


@dataclass(frozen=True)
class Line:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        The thing, in a word or two: ``manifest``, ``policy credit``.
    state : State
    said : str
        What was found, in one line.
    """

    what: str
    state: State
    said: str


def held(what: str, said: str) -> Line:
    """Return a line about what holds."""
    return Line(what, State.HELD, said)


def broken(what: str, said: str) -> Line:
    """Return a line about what does not hold."""
    return Line(what, State.BROKEN, said)


def untold(what: str, said: str) -> Line:
    """Return a line about what cannot be told."""
    return Line(what, State.UNTOLD, said)
