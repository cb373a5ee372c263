"""What checks wish to know of all rows, answered together: a large file is decoded once for them.

A wish is a pass over some columns that was not made yet. The first that is asked for takes along
all others that the checks of the policy are going to ask of the same rows. What goes wrong in
company (a damaged column, a value that one of them refuses) is asked once more alone, so that each
check fails, or warns, by itself and in its own words.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, TypeVar

import pandas as pd

from pytest_aipm.engine.local import Engine, Mergeable
from pytest_aipm.errors import MeasurementError
from pytest_aipm.sources.data import NONE, DataSource

__all__ = ["Counts", "Sample", "Shared", "Wish", "located"]

_Part = TypeVar("_Part", bound=Mergeable)
VALUES = 30_000_000
"""Most values that are decoded at a time, where somebody wants many rows at once."""


@contextmanager
def located(path: str) -> Iterator[None]:
    """Give errors that name no place of their own the file that was read."""
    try:
        yield
    except MeasurementError as error:
        problems = [each if each.path else replace(each, path=path) for each in error.problems]
        raise type(error)(problems) from error


@dataclass(frozen=True, eq=False)
class Wish(Generic[_Part]):
    """What one pass over some rows shall tell.

    Attributes
    ----------
    key : tuple
        Equal for wishes that ask the same of the same rows.
    source : DataSource
    columns : tuple of str
        Those that `partial` is given, in this order.
    partial, empty
        As for `engine.local.run_pass`.
    numbered : bool
        Whether `partial` needs the numbers that rows have in the whole source.
    coded : frozenset of str
        Columns whose texts may come as categories, other ones in each batch.
    size : int or None
        Rows that `partial` wants at a time; None for the usual ones.
    """

    key: tuple[Hashable, ...]
    source: DataSource
    columns: tuple[str, ...]
    partial: Callable[[pd.DataFrame], _Part]
    empty: _Part
    numbered: bool = False
    coded: frozenset[str] = NONE
    size: int | None = None

    @property
    def name(self) -> tuple[Hashable, ...]:
        """The key, and of which rows it is asked."""
        return (id(self.source), *self.key)


class Counts(Enum):
    """That a check is going to ask who gets which decision."""

    WANTED = "wanted"


@dataclass(frozen=True)
class Sample:
    """Rows that a check is going to draw by the seed; see `Passes.drawn`."""

    source: DataSource
    columns: tuple[str, ...]
    k: int


class Shared:
    """Answers wishes, each in a pass with all others of the same rows.

    Parameters
    ----------
    engine : Engine
        Where passes run.
    """

    def __init__(self, engine: Engine) -> None:
        self.wanted: Callable[[], Iterable[Wish[Any]]] = tuple
        """What the checks of the policy are going to ask; set by whoever knows them."""
        self.lead: Callable[[DataSource], None] = lambda _: None
        """Called before the first wish of some rows: what has more to do leads the pass itself."""
        self._engine = engine
        self._answers: dict[tuple[Hashable, ...], Any] = {}
        self._gathered: list[DataSource] = []

    def answer(self, wish: Wish[_Part]) -> _Part:
        """Return what a wish asks for, once: it is let go of, since it may grow with the rows.

        Raises
        ------
        DataError
            When a column is not there, or the rows cannot be read.
        """
        with located(wish.source.ref):
            wish.source.require(list(wish.columns))
            if wish.source not in self._gathered:
                self.lead(wish.source)
            found = self.along(wish)
            if found is not None:
                return found
            return self._engine.run(
                wish.source,
                wish.columns,
                wish.partial,
                wish.empty,
                coded=wish.coded,
                numbered=wish.numbered,
                size=wish.size,
            )

    def along(self, wish: Wish[_Part]) -> _Part | None:
        """Return the answer that came of the pass with all others; None where there is none."""
        if wish.source not in self._gathered:
            self._gather(wish)
        found: _Part | None = self._answers.pop(wish.name, None)
        return found

    def _gather(self, first: Wish[Any]) -> None:
        """Make one pass for a wish and all that will be asked of the same rows."""
        source = first.source
        self._gathered.append(source)
        known = set(source.columns)
        asked = {first.name: first}
        for each in self.wanted():
            if each.source is source and known.issuperset(each.columns):
                asked.setdefault(each.name, each)
        columns = list(dict.fromkeys(name for each in asked.values() for name in each.columns))
        with suppress(MeasurementError):
            source.learn(columns)
        if len(asked) == 1 or (source.held and not self._engine.remote):
            return
        if (first.size or 0) * len(columns) > VALUES:  # too wide for so many rows at a time
            asked, columns = {first.name: first}, list(first.columns)
            self._gathered.remove(source)
        plain = {name for each in asked.values() for name in set(each.columns) - each.coded}
        with suppress(Exception):  # whatever it is, it is said by the check that asks for it alone
            found = self._engine.run(
                source,
                columns,
                _Together(tuple((list(each.columns), each.partial) for each in asked.values())),
                _Answers(tuple(each.empty for each in asked.values())),
                coded=frozenset(columns) - plain,
                numbered=any(each.numbered for each in asked.values()),
                size=first.size,
            )
            told = zip(asked, found.parts, strict=True)
            self._answers |= {name: part for name, part in told if part is not None}


@dataclass(frozen=True, eq=False)
class _Answers:
    """The answers to several wishes, None for those that must be asked alone."""

    parts: tuple[Any, ...]

    def merge(self, other: _Answers) -> _Answers:
        both = zip(self.parts, other.parts, strict=True)
        return _Answers(tuple(_merged(one, two) for one, two in both))


def _merged(one: Any, two: Any) -> Any:
    return None if one is None or two is None else one.merge(two)


@dataclass(frozen=True, eq=False)
class _Together:
    """Several wishes, the columns and the function of each, as one function of a batch."""

    wishes: tuple[tuple[list[str], Callable[[pd.DataFrame], Any]], ...]

    def __call__(self, batch: pd.DataFrame) -> _Answers:
        return _Answers(tuple(_alone(partial, batch[names]) for names, partial in self.wishes))


def _alone(partial: Callable[[pd.DataFrame], Any], batch: pd.DataFrame) -> Any:
    """Return the answer of a batch; None where something was raised, or warned of."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            part = partial(batch)
        except Exception:  # noqa: BLE001 - it is asked again alone, and raises it there
            return None
    return None if heard else part
