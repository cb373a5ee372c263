"""How far long work is: one line on a terminal, rewritten in place, and nothing anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self

__all__ = ["Progress", "Show", "on_terminal", "shown_by"]

QUIET = 2.0
"""Seconds of work that say nothing: nobody wonders yet."""
EVERY = 0.25
"""Seconds between two lines."""

Show = Callable[[str], None]


def on_terminal(line: str) -> None:
    """Write a line over the last one on standard error, where that is a terminal."""
    stream = sys.stderr
    if stream is not None and stream.isatty():
        stream.write(f"\r\x1b[K{line}")
        stream.flush()


_SHOW: ContextVar[Show] = ContextVar("show", default=on_terminal)


@contextmanager
def shown_by(show: Show) -> Iterator[None]:
    """Have lines written by somebody else, who knows where the terminal is.

    Parameters
    ----------
    show : callable
        Writes a line over the last one; an empty line takes it away.
    """
    token = _SHOW.set(show)
    try:
        yield
    finally:
        _SHOW.reset(token)


class Progress:
    """Work of a known size, as a context: its line goes away with the end, however it ends.

    Parameters
    ----------
    what : str
        What is counted, after the count: ``rows read``.
    total : int or callable
        How many there will be; asked for when the first line is due.
    clock : callable
        Seconds from anywhere.
    quiet : float, optional
        Seconds that say nothing; 0 for what states its cost before it starts.
    """

    def __init__(
        self,
        what: str,
        total: int | Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        quiet: float | None = None,
    ) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._start = clock()
        self._next = self._start + (QUIET if quiet is None else quiet)
        self._written = False

    def __enter__(self) -> Self:
        """Start; nothing is shown yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        if self._written:
            _SHOW.get()("")

    def at(self, done: int) -> None:
        """Tell how many are done, where that is due."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + EVERY
        self._written = True
        total = self._total = self._total() if callable(self._total) else self._total
        spent = now - self._start
        line = f"aipm: {done:,} of {total:,} {self._what}"
        if done:
            rate = done / spent
            line += f", {rate:,.0f} a second" if rate >= 10 else ""
            line += f", {_span(max(total - done, 0) / rate)} left"
        _SHOW.get()(line)


def _span(seconds: float) -> str:
    """Return a time as a person says it: ``40 s``, ``3 min``, ``2 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
