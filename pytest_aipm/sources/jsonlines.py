"""JSON lines: one object a line, gzipped or not, read line by line."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.faults import first_line
from pytest_aipm.sources.typed import EXACT, Reader, Trait, unmissing

__all__ = ["JsonLines"]

_CHUNK = 16_384
"""Objects held at a time."""

_LONGEST = 16 << 20
"""Bytes of the longest line; a file that is one JSON array is one line."""


class JsonLines:
    """One file of JSON objects. A key that a row does not have is a missing value there.

    Parameters
    ----------
    path : Path
    ref : str
        The file as messages name it.
    missing : sequence of str
        Words that mean a missing value beside null.

    Raises
    ------
    DataError
        When a line is no JSON object, or names a key twice.
    """

    def __init__(self, path: Path, ref: str, missing: Sequence[str]) -> None:
        self._path, self._ref, self._missing = path, ref, tuple(missing)
        self._rows = 0
        self._kinds: dict[str, set[str]] = {}
        self._counts: dict[str, int] = {}
        self._survey()
        self.columns: tuple[str, ...] = tuple(self._kinds)

    codes = False

    def empty(self) -> bool:
        """Return whether there is no row."""
        return self._rows == 0

    def parts(self) -> list[Reader]:
        """Return itself: a text is read from its beginning."""
        return [self]

    def rows(self) -> int:
        """Return the number of rows."""
        return self._rows

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return what these columns are, over all rows."""
        return {name: self._trait(name) for name in names}

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterator[pa.Table]:
        """Yield the rows in order, of these columns and types."""
        rows: list[dict[str, Any]] = []
        for _, row in self._objects():
            rows.append(row)
            if len(rows) == _CHUNK:
                yield self._table(rows, names, traits)
                rows = []
        if rows:
            yield self._table(rows, names, traits)

    def _table(
        self, rows: list[dict[str, Any]], names: Sequence[str], traits: Mapping[str, Trait]
    ) -> pa.Table:
        columns = {name: _column(rows, name, traits[name].type) for name in names}
        table = pa.table(columns)
        return pa.table({name: unmissing(table.column(name), self._missing) for name in names})

    def _survey(self) -> None:
        """Find the columns, what kinds of value each holds, and the number of rows."""
        for line, row in self._objects(hook=_unique):
            self._rows += 1
            if not row:
                raise self._problem("the object is empty", "give it keys and values", line)
            for key, value in row.items():
                if key not in self._kinds:
                    self._kinds[key], self._counts[key] = set(), 0
                self._counts[key] += 1
                self._kinds[key].add(_kind(value, self._missing))

    def _trait(self, name: str) -> Trait:
        kinds = set(self._kinds[name])
        nulls = "null" in kinds or self._counts[name] < self._rows
        kinds.discard("null")
        if "nested" in kinds:
            what = f"column {name!r} holds lists or objects"
            raise self._problem(what, "flatten them into columns of their own")
        if not kinds:
            return Trait(pa.null(), nulls=True)
        if kinds == {"bool"}:
            return Trait(pa.bool_(), nulls)
        if kinds <= {"int", "wide"}:
            return Trait(pa.int64(), nulls, "wide" in kinds)
        if kinds <= {"int", "wide", "huge", "float"} and "float" in kinds:
            return Trait(pa.float64(), nulls)
        return Trait(pa.string(), nulls)

    def _objects(self, hook: Any = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line number and object of each line that is not blank."""
        line = 0
        try:
            with self._open() as file:
                while raw := file.readline(_LONGEST):
                    line += 1
                    if raw.strip():
                        yield line, self._parse(raw, line, hook)
        except (OSError, EOFError, zlib.error) as error:
            what = f"cannot be read ({first_line(error)})"
            raise self._problem(what, "write the file again", line + 1) from None

    def _open(self) -> IO[bytes] | gzip.GzipFile:
        if self._path.suffix.lower() == ".gz":
            return gzip.open(self._path, "rb")
        return self._path.open("rb")

    def _parse(self, raw: bytes, line: int, hook: Any) -> dict[str, Any]:
        if line == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if len(raw) >= _LONGEST:
            what = f"the line is longer than {_LONGEST >> 20} MiB"
            raise self._problem(what, "write one object a line", line)
        try:
            row = json.loads(raw.decode("utf-8").rstrip(), object_pairs_hook=hook)
        except UnicodeDecodeError as error:
            what = f"byte {error.start} of the line is not UTF-8 text"
            raise self._problem(what, "convert the file to UTF-8", line) from None
        except json.JSONDecodeError as error:
            what, fix = f"no JSON ({error.msg})", "write one object a line"
            raise DataError(Problem(what, fix, self._ref, line, error.colno)) from None
        except _TwiceError as error:
            what = f"the key {error.args[0]!r} stands twice in one object"
            raise self._problem(what, "keep one", line) from None
        except RecursionError:
            raise self._problem("the object is nested without end", "flatten it", line) from None
        if not isinstance(row, dict):
            what = f"JSON of type {type(row).__name__}, not an object"
            raise self._problem(what, "write one object a line", line)
        return row

    def _problem(self, what: str, fix: str, line: int | None = None) -> DataError:
        return DataError(Problem(what, fix, self._ref, line))


class _TwiceError(ValueError):
    """A key stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _TwiceError(key)
            seen.add(key)
    return row


def _kind(value: Any, missing: Sequence[str]) -> str:
    if value is None or (missing and str(value) in missing):
        return "null"
    if isinstance(value, str | bool | float):
        return type(value).__name__
    if not isinstance(value, int):
        return "nested"
    if not -(2**63) <= value < 2**63:
        return "huge"
    return "int" if -EXACT <= value <= EXACT else "wide"


def _column(rows: list[dict[str, Any]], name: str, kind: Any) -> Any:
    values = [row.get(name) for row in rows]
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in values], kind)
    if pa.types.is_floating(kind):
        return pa.array([_float(value) for value in values], kind)
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    return pa.array([None if isinstance(value, str) else value for value in values], kind)


def _text(value: Any) -> str | None:
    """Return a value of a column of mixed kinds as JSON writes it; texts as they are."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _float(value: Any) -> float | None:
    if value is None or isinstance(value, str):  # a text here is a word that means missing
        return None
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
