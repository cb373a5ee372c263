"""How the function is asked: in chunks of bounded size, within a budget, and whether it repeats."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from pytest_aipm.errors import ModelError, Problem
from pytest_aipm.progress import Progress

__all__ = [
    "CALL",
    "CELLS",
    "ROWS",
    "Ask",
    "Budget",
    "BudgetSpent",
    "asked",
    "asked_twice",
    "chunk_rows",
]

Ask = Callable[[pd.DataFrame], np.ndarray]
"""A frame of n rows in; finite numbers of shape (n,) or, for several outputs, (n, k) out."""

ROWS = 100_000
"""Most rows of one call; beyond that a call gains nothing and its frame costs memory."""
CELLS = 4_000_000
"""Most values of one call, so that wide frames are asked in smaller parts."""
CALL = 30.0
"""Seconds beyond which a call is too long, so that the next ones get fewer rows."""
SMALL = 5_000
"""Calls of fewer rows run on one thread: 120 times faster where CPUs are contended."""


class BudgetSpent(Exception):  # noqa: N818 - not an error: the caller says what it means
    """There was no time for the rest.

    Attributes
    ----------
    done, total : int
        Rows the function was asked about, and all there would have been.
    """

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"{done:,} of {total:,} rows")
        self.done, self.total = done, total


@dataclass
class Budget:
    """Seconds that may be spent, None is without end; and who is told how far the work is.

    What would take more than twice the budget is given up after a tenth of it: nobody waits for
    what cannot be done.
    """

    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.started = self._leg = self.clock()
        self._progress: Progress | None = None
        self._part = (0.0, 0.0)
        self._last = (0, 1)

    @contextmanager
    def telling(self, what: str, total: int) -> Iterator[None]:
        """Show on a terminal how much of `total` is done; work within such work says nothing."""
        if self._progress is not None:
            yield
            return
        self._part = (0.0, 0.0)
        with Progress(what, total) as shown:
            self._progress = shown
            try:
                yield
            finally:
                self._progress = None

    def part(self, start: float, end: float) -> None:
        """Say that the next steps lead from `start` to `end` of what is shown."""
        self._part, self._last = (start, end), (0, 1)

    def check(self, done: int, total: int) -> None:
        """Tell how far these steps are; raise BudgetSpent when the time will clearly not do."""
        self._last = (done, max(total, 1))
        self._tell()
        if self.seconds is None or done >= total:
            return
        now = self.clock()
        if not done:
            self._leg = now
        spent = now - self.started
        needed = self._leg - self.started + (now - self._leg) * total / max(done, 1)
        hopeless = done and spent > self.seconds / 10 and needed > 2 * self.seconds
        if spent > self.seconds or hopeless:
            raise BudgetSpent(done, total)

    def call(self) -> None:
        """Raise BudgetSpent when the time is over, within a step, before one more call."""
        self._tell()
        if self.seconds is not None and self.clock() - self.started > self.seconds:
            raise BudgetSpent(*self._last)

    def _tell(self) -> None:
        if self._progress is not None:
            (start, end), (done, total) = self._part, self._last
            self._progress.at(int(start + (end - start) * done / total))


def chunk_rows(columns: int) -> int:
    """Return how many rows of so many columns one call may have."""
    return max(1, min(ROWS, CELLS // max(columns, 1)))


def asked(ask: Ask, frame: pd.DataFrame) -> np.ndarray:
    """Return what the function says about rows, checked, shape (n, k).

    Raises
    ------
    ModelError
        When it is not one finite number a row and output.
    """
    with _threads(len(frame)):
        # A copy: a model may give its next answer in the same array.
        answer = np.array(ask(frame), dtype=np.float64)
    if answer.ndim == 1:
        answer = answer[:, None]
    if answer.ndim != 2 or len(answer) != len(frame):
        what = f"the model returned the shape {answer.shape} for {len(frame)} rows"
        raise ModelError(Problem(what, "return one number, or one row of numbers, a row"))
    bad = ~np.isfinite(answer).all(axis=1)
    if bad.any():
        what = (
            f"the model's output is not finite for {int(bad.sum()):,} of {len(frame):,} rows in "
            "which columns of two people are mixed"
        )
        raise ModelError(Problem(what, "let the model answer such rows with a finite number"))
    return answer


@contextmanager
def _threads(rows: int) -> Iterator[None]:
    if rows >= SMALL:
        yield
        return
    with _controller(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:
    """Return what holds threads back; looked for anew (2 ms) once more modules are loaded."""
    del modules
    return ThreadpoolController()


def asked_twice(ask: Ask, frame: pd.DataFrame) -> float:
    """Return by how much at most the answers differ when rows are asked again in another call.

    Fewer rows, in reverse order: a model that draws from a random state that starts anew at each
    call gives each place the same number, not each row, and one that scales a row by the others
    of its call answers otherwise beside fewer. Less than a rounding error is 0.
    """
    first = asked(ask, frame)
    again = asked(ask, frame.iloc[1::2][::-1].reset_index(drop=True))[::-1]
    noise = float(np.abs(first[1::2] - again).max(initial=0.0))
    scale = float(np.abs(first).max(initial=1.0))
    return noise if noise > 1e-9 * scale else 0.0
