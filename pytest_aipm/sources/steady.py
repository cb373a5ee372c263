"""Files that stay what they are while they are audited.

The rows are read several times, and from several processes. A file that somebody writes to in
between gives rows of two tables, which would be counted as one, under the hash of neither.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.files import sha256_of
from pytest_aipm.sources.typed import Reader, Trait

__all__ = ["Steady"]

FIX = "audit a file that nobody writes to meanwhile, and run again"


class Steady:
    """The reader of a file, which refuses one that is no longer what was opened.

    Parameters
    ----------
    path : Path
    ref : str
        The file as messages name it.
    open_ : callable
        Returns the reader.

    Attributes
    ----------
    sha256 : str
        Of the file's bytes.

    Raises
    ------
    DataError
        What the reader raises; when the file changes while it is opened.
    OSError
        When the file cannot be read.
    """

    def __init__(self, path: Path, ref: str, open_: Callable[[], Reader]) -> None:
        self._path, self._ref = path, ref
        self._seen = _seen(path)
        self.sha256 = sha256_of(path)
        self._moves = True
        with self._unchanged():
            self._reader = open_()
        self.columns, self.codes = self._reader.columns, self._reader.codes

    def empty(self) -> bool:
        """Return whether there is no row."""
        with self._unchanged():
            return self._reader.empty()

    def rows(self) -> int:
        """Return the number of rows."""
        with self._unchanged():
            return self._reader.rows()

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return what these columns are, over all rows."""
        with self._unchanged():
            return self._reader.traits(names)

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterator[pa.Table]:
        """Yield the rows in order, of the columns `names` and the types of `traits`."""
        with self._unchanged():
            yield from self._reader.tables(names, traits)

    def parts(self) -> list[Reader]:
        """Return readers of its rows; a copy of the file on another machine is as good."""
        with self._unchanged():
            found: list[Reader] = []
            for reader in self._reader.parts():
                part = copy.copy(self)
                part._reader, part._moves = reader, False  # noqa: SLF001 - of the same class
                found.append(part)
            return found

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Refuse a file that differs before, and one that is written to meanwhile."""
        before = self._now()
        try:
            yield
        except DataError:
            if _seen(self._path) != before:  # which is why it could not be read
                raise self._changed() from None
            raise
        if _seen(self._path) != before:
            raise self._changed()

    def _now(self) -> tuple[int, int]:
        """Return what is seen of the file; the same bytes may have been written once more."""
        now = _seen(self._path)
        if now is None or self._seen is None or now[0] != self._seen[0]:
            raise self._changed()
        if now != self._seen and self._moves:
            if sha256_of(self._path) != self.sha256:
                raise self._changed()
            self._seen = now
        return now

    def _changed(self) -> DataError:
        gone = _seen(self._path) is None
        what = "is gone since it was opened" if gone else "was written to since it was opened"
        return DataError(Problem(what, FIX, self._ref))


def _seen(path: Path) -> tuple[int, int] | None:
    """Return size and time of writing; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
