"""A folder of files of one format, read as one source in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.faults import listed
from pytest_aipm.sources.typed import Reader, Trait, merge, scan

__all__ = ["Folder"]


class Folder:
    """Several readers, one after the other; the first decides the order of the columns.

    Parameters
    ----------
    parts : mapping of str to Reader
        The files' names as messages give them, and their readers; at least one.
    untyped : bool
        Whether the format leaves types to the reader (CSV, JSON lines), so that a column of
        numbers in one file and of words in another is a column of texts.

    Raises
    ------
    DataError
        When two files do not have the same columns.
    """

    def __init__(self, parts: Mapping[str, Reader], *, untyped: bool) -> None:
        self._parts, self._untyped = dict(parts), untyped
        first, *_ = self._parts
        for ref, part in self._parts.items():
            if not part.columns:  # JSON lines alone have no header
                raise DataError(Problem("there is no row", "write rows into it, or remove it", ref))
        self.columns = self._parts[first].columns
        self.codes = all(part.codes for part in self._parts.values())
        for ref, part in self._parts.items():
            odd = sorted(set(part.columns) ^ set(self.columns))
            if odd:
                what = f"its columns are not those of {first}: {listed(map(repr, odd))}"
                raise DataError(Problem(what, "give all files the same columns", ref))

    def empty(self) -> bool:
        """Return whether no file has a row."""
        return all(part.empty() for part in self._parts.values())

    def parts(self) -> list[Reader]:
        """Return the parts of all files in order."""
        return [each for part in self._parts.values() for each in part.parts()]

    def rows(self) -> int:
        """Return the number of rows of all files."""
        return sum(part.rows() for part in self._parts.values())

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return what these columns are, over all files.

        Raises
        ------
        DataError
            When a column holds one kind in one file and another kind in another.
        """
        found: dict[str, Trait] = {}
        for ref, part in self._parts.items():
            for name, trait in part.traits(names).items():
                merged = merge(found[name], trait) if name in found else trait
                if merged is None and self._untyped:
                    merged = Trait(pa.string(), found[name].nulls or trait.nulls)
                if merged is None:
                    what = f"column {name!r} is {trait.type} here and {found[name].type} before"
                    raise DataError(Problem(what, "give it one type in all files", ref))
                found[name] = merged
        unseen = {
            name: each.type for name, each in found.items() if each.nulls and each.wide is None
        }
        return found | scan(self.tables(list(unseen), found), unseen) if unseen else found

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterator[pa.Table]:
        """Yield the rows of all files in order."""
        for part in self._parts.values():
            yield from part.tables(names, traits)
