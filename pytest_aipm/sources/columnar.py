"""Parquet and Arrow files (IPC file and stream, Feather 2), read in record batches."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.faults import first_line
from pytest_aipm.sources.heads import heads
from pytest_aipm.sources.typed import (
    BATCH,
    CODES,
    EXACT,
    Reader,
    Trait,
    batch_rows,
    cast,
    narrow,
    plain,
    scan,
    unmissing,
)

__all__ = ["ArrowFormat", "Columnar", "ParquetFormat"]

_DAMAGED = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What reading a damaged file raises."""

_TEXTS = frozenset({"string", "large_string", "string_view"})


class Format(Protocol):
    """How one columnar format is read."""

    name: str
    part: str
    """What a file consists of."""

    def schema(self, path: Path) -> Any:
        """Return the schema, without reading rows."""
        ...

    def rows(self, path: Path) -> int:
        """Return the number of rows."""
        ...

    def read(
        self, path: Path, names: Sequence[str], coded: Sequence[str], group: int | None
    ) -> Iterator[Any]:
        """Yield record batches that hold at least the columns `names`; `coded` may be codes."""
        ...

    def groups(self, path: Path) -> list[int]:
        """Return the number of rows of each part that can be read by itself."""
        ...

    def known(self, path: Path, kinds: Mapping[str, Any]) -> dict[str, Trait]:
        """Return the traits that the file itself states, without reading rows."""
        ...

    def damaged(self, path: Path, names: Sequence[str]) -> int | None:
        """Return which part of these columns is the first that cannot be read, from 0."""
        ...


class ParquetFormat:
    """Apache Parquet. Row groups are read one after the other, page by page."""

    name, part = "Parquet", "row group"

    def schema(self, path: Path) -> Any:
        """Return the schema, from the footer."""
        return pq.read_schema(path)

    def rows(self, path: Path) -> int:
        """Return the number of rows, from the footer."""
        return int(pq.read_metadata(path).num_rows)

    def groups(self, path: Path) -> list[int]:
        """Return the number of rows of each row group, from the footer."""
        footer = pq.read_metadata(path)
        return [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]

    def read(
        self, path: Path, names: Sequence[str], coded: Sequence[str], group: int | None
    ) -> Iterator[Any]:
        """Yield record batches."""
        # A buffered, not pre-buffered, reader holds a page of each column, not a row group.
        buffered: dict[str, Any] = {"pre_buffer": False, "buffer_size": 1 << 20}
        # Pages that carry a checksum are held to it: a changed byte may well decode to a value.
        buffered["page_checksum_verification"] = True
        # Texts lie in the file as codes, mostly: they need not be written out to be counted.
        with pq.ParquetFile(path, read_dictionary=list(coded), **buffered) as file:
            some, schema = None if group is None else [group], file.schema_arrow
            few = all(name in coded or narrow(schema.field(name).type) for name in names)
            yield from file.iter_batches(
                batch_rows(len(names)) if few else BATCH,
                row_groups=some,
                columns=list(names),
                use_threads=False,
            )

    def known(self, path: Path, kinds: Mapping[str, Any]) -> dict[str, Trait]:
        """Return the traits whose statistics every row group has."""
        footer = pq.read_metadata(path)
        place = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
        found = {}
        for name, kind in kinds.items():
            if name not in place:
                continue
            groups = range(footer.num_row_groups)
            chunks = [footer.row_group(i).column(place[name]).statistics for i in groups]
            if all(chunk is not None and chunk.has_null_count for chunk in chunks) and (
                not pa.types.is_integer(kind) or all(map(_ended, chunks))
            ):
                nulls = any(chunk.null_count for chunk in chunks)
                wide = pa.types.is_integer(kind) and any(map(_wide, chunks))
                found[name] = Trait(kind, nulls, wide)
        return found

    def damaged(self, path: Path, names: Sequence[str]) -> int | None:
        """Return the first row group of these columns that cannot be read."""
        for group in range(len(self.groups(path))):
            try:
                for batch in self.read(path, names, (), group):
                    _refuse_broken(batch)
            except _DAMAGED:
                return group
        return None


class ArrowFormat:
    """Arrow IPC, as a file (Feather 2) or a stream. Memory is bounded by its record batches."""

    name, part = "Arrow", "record batch"

    def schema(self, path: Path) -> Any:
        """Return the schema."""
        with pa.OSFile(str(path)) as source:
            return _reader(source).schema

    def rows(self, path: Path) -> int:
        """Return the number of rows, without decoding a column."""
        return sum(head.rows for head in heads(path))

    def groups(self, path: Path) -> list[int]:
        """Return one number: the file is read as a whole."""
        return [self.rows(path)]

    def read(
        self,
        path: Path,
        names: Sequence[str],
        coded: Sequence[str],  # noqa: ARG002 - texts come as the file holds them
        group: int | None,  # noqa: ARG002 - there is one
    ) -> Iterator[Any]:
        """Yield record batches, as the file holds them."""
        fields = [self.schema(path).get_field_index(name) for name in names]
        options = pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        with pa.OSFile(str(path)) as source:
            reader = _reader(source, options)
            batches = reader
            if isinstance(reader, pa.ipc.RecordBatchFileReader):
                batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            for batch in batches:
                for column in batch.columns:
                    if pa.types.is_dictionary(column.type):
                        column.validate(full=True)  # codes beyond its list, which Parquet refuses
                yield batch

    def known(self, path: Path, kinds: Mapping[str, Any]) -> dict[str, Trait]:
        """Return the traits of columns without gaps; how large numbers are nobody has written."""
        schema = self.schema(path)
        if any(_parts(each.type) for each in schema):  # which have gaps of their own
            return {}
        gaps: dict[int, int] = {}
        for head in heads(path):
            for place, missing in enumerate(head.missing):
                gaps[place] = gaps.get(place, 0) + missing
        places = {name: schema.get_field_index(name) for name in kinds}
        plain_ = {name for name in kinds if not pa.types.is_dictionary(schema.field(name).type)}
        wide = {name: None if pa.types.is_integer(kind) else False for name, kind in kinds.items()}
        return {
            name: Trait(kinds[name], nulls=False, wide=wide[name])
            for name, place in places.items()
            if name in plain_ and not gaps.get(place, 0)
        }

    def damaged(self, path: Path, names: Sequence[str]) -> int | None:
        """Return the first record batch of these columns that cannot be read."""
        sound = 0
        try:
            for batch in self.read(path, names, (), None):
                _refuse_broken(batch)
                sound += 1
        except _DAMAGED:
            return sound
        return None


class Columnar:
    """One Parquet or Arrow file.

    Parameters
    ----------
    path : Path
    ref : str
        The file as messages name it.
    missing : sequence of str
        Words, and numbers, that mean a missing value beside null.
    form : Format

    Raises
    ------
    DataError
        When the file is damaged or of another format.
    """

    def __init__(self, path: Path, ref: str, missing: Sequence[str], form: Format) -> None:
        self._path, self._ref, self._missing, self._format = path, ref, tuple(missing), form
        self._group: int | None = None
        with self._faults():
            self._schema = form.schema(path)
        self.columns: tuple[str, ...] = tuple(self._schema.names)
        self.codes = not self._missing

    def empty(self) -> bool:
        """Return whether there is no row."""
        return self.rows() == 0

    def rows(self) -> int:
        """Return the number of rows."""
        with self._faults(self.columns[:1]):
            if self._group is not None:
                return self._format.groups(self._path)[self._group]
            return self._format.rows(self._path)

    def parts(self) -> list[Reader]:
        """Return a reader of each row group."""
        with self._faults():
            found: list[Reader] = []
            for group in range(len(self._format.groups(self._path))):
                part = copy.copy(self)
                part._group = group  # noqa: SLF001 - of the same class
                found.append(part)
            return found

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return what these columns are, over all rows.

        Rows are looked at only where gaps change a type, and only when the file does not say.
        """
        kinds = {name: self._kind(name) for name in names}
        found = {name: Trait(kind, nulls=True) for name, kind in kinds.items()}
        open_ = {name: kind for name, kind in kinds.items() if _depends_on_gaps(kind)}
        with self._faults():
            known = {} if self._missing else self._format.known(self._path, open_)
        rest = {name: kind for name, kind in open_.items() if name not in known}
        if rest:
            known |= scan(self._tables(list(rest), rest), rest)
        return found | known

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterator[pa.Table]:
        """Yield the rows in order, of these columns and types."""
        return self._tables(names, {name: traits[name].type for name in names})

    def _tables(self, names: Sequence[str], kinds: Mapping[str, Any]) -> Iterator[pa.Table]:
        coded = [name for name in names if kinds[name] == CODES]
        with self._faults(names):
            for batch in self._format.read(self._path, names, coded, self._group):
                _refuse_broken(batch)
                table = pa.Table.from_batches([batch])
                yield pa.table({name: self._column(table, name, kinds[name]) for name in names})

    def _column(self, table: pa.Table, name: str, kind: Any) -> Any:
        if kind == CODES:
            column = table.column(name)
            return column if column.type == CODES else cast(column, pa.string()).dictionary_encode()
        column = cast(table.column(name), self._kind(name))
        return cast(unmissing(column, self._missing), kind)

    def _kind(self, name: str) -> Any:
        kind = plain(self._schema.field(name).type)
        if pa.types.is_nested(kind):
            what = f"column {name!r} holds {kind}"
            fix = "flatten it into columns of their own"
            raise DataError(Problem(what, fix, self._ref))
        return kind

    @contextmanager
    def _faults(self, names: Sequence[str] = ()) -> Iterator[None]:
        """Say what a fault means, and in which part of these columns it is."""
        try:
            yield
        except _DAMAGED as error:
            what = f"cannot be read as {self._format.name} ({first_line(error)})"
            fix = "write the file again; it is damaged, cut short or of another format"
            if "UTF8" in str(error):
                what, fix = "holds texts that are not UTF-8", "write them as UTF-8"
            raise DataError(Problem(what, fix, f"{self._ref}{self._spot(names)}")) from None

    def _spot(self, names: Sequence[str]) -> str:
        """Return where the damage is: all parts are tried, which only a damaged file costs."""
        part = self._group
        if part is None and names:
            with suppress(*_DAMAGED):
                part = self._format.damaged(self._path, names)
        return "" if part is None else f", {self._format.part} {part + 1}"


def _refuse_broken(batch: Any) -> None:
    """Raise ArrowInvalid for texts that are none, and places of texts that do not exist.

    Neither is looked at when they are decoded: it would end somewhere behind, or in a crash.
    """
    batch.validate()
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            column.dictionary.validate(full=True)
        elif str(column.type) in _TEXTS:
            column.validate(full=True)


def _reader(source: Any, options: Any = None) -> Any:
    magic = source.read(6)
    source.seek(0)
    if magic[:4] == b"FEA1":
        raise pa.ArrowInvalid("Feather 1 is no longer supported")
    opened = pa.ipc.open_file if magic == b"ARROW1" else pa.ipc.open_stream
    return opened(source, options=options)


def _parts(kind: Any) -> int:
    """Return of how many others a type consists."""
    if isinstance(kind, pa.BaseExtensionType):
        return _parts(kind.storage_type)
    return int(kind.num_fields)


def _depends_on_gaps(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _ended(statistics: Any) -> bool:
    return bool(statistics.has_min_max) or statistics.num_values == 0


def _wide(statistics: Any) -> bool:
    if not statistics.has_min_max:
        return False
    return bool(statistics.min < -EXACT or statistics.max > EXACT)
