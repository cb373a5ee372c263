"""CSV and TSV files, gzipped or not, streamed through pyarrow.

Only the empty field is missing, unless the policy names words: "NA", "None" and "null" are values.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.faults import first_line
from pytest_aipm.sources.typed import Reader, Trait, is_wide

__all__ = ["Delimited"]

_BLOCK = 1 << 20
"""Bytes parsed at a time; also the longest row."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What stands between fields, as people call it."""

_TRUE = ["true", "True", "TRUE"]
_FALSE = ["false", "False", "FALSE"]

_UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a damaged gzip file raises."""


@dataclass
class _Evidence:
    """What all values of one column seen so far could be."""

    integer: bool = True
    floating: bool = True
    boolean: bool = True
    fraction: bool = False
    nulls: bool = False
    wide: bool = False
    values: bool = False

    def add(self, column: Any) -> None:
        """Take one block of fields, as texts, into account."""
        self.nulls = self.nulls or column.null_count > 0
        if column.null_count == len(column):
            return
        self.values = True
        if self.boolean:
            self.boolean = pc.all(pc.is_in(column.drop_null(), pa.array(_TRUE + _FALSE))).as_py()
        if not self.floating:
            return
        trimmed = pc.utf8_trim_whitespace(column)  # numbers may stand between blanks
        numbers = _cast(trimmed, pa.int64()) if self.integer else None
        # The parser takes 0x1F for a whole number; in a data file it is a name.
        if numbers is not None and not _any(pc.match_substring(trimmed, "x", ignore_case=True)):
            self.wide = self.wide or is_wide(numbers)
            return
        self.integer = False
        self.floating = _cast(trimmed, pa.float64()) is not None
        if self.floating and not self.fraction:
            whole = pc.match_substring_regex(trimmed, r"^[+-]?[0-9]+$")
            self.fraction = not pc.all(whole).as_py()

    def trait(self) -> Trait:
        """Return the narrowest type that holds every value without changing it."""
        if not self.values:
            return Trait(pa.null(), nulls=True)
        if self.integer:
            return Trait(pa.int64(), self.nulls, self.wide)
        # Whole numbers that no integer holds are identifiers: as floats, two could become one.
        if self.floating and self.fraction:
            return Trait(pa.float64(), self.nulls)
        return Trait(pa.bool_() if self.boolean else pa.string(), self.nulls)


class Delimited:
    """One delimited text file.

    Parameters
    ----------
    path : Path
    ref : str
        The file as messages name it.
    delimiter : str
    missing : sequence of str
        Words that mean a missing value beside the empty field.

    Raises
    ------
    DataError
        When the file is empty, has no header, or ends inside a quoted field.
    """

    def __init__(self, path: Path, ref: str, delimiter: str, missing: Sequence[str]) -> None:
        self._path, self._ref, self._delimiter = path, ref, delimiter
        self._nulls = ["", *missing]
        self._rows: int | None = None
        self._check_quotes()
        self.columns = self._header()

    def _header(self) -> tuple[str, ...]:
        with self._open(None) as stream:
            try:
                names = tuple(stream.schema.names)
            except UnicodeDecodeError as error:
                raise self._fault(error) from None
        self._check_separator(names)
        return names

    def _check_separator(self, header: Sequence[str]) -> None:
        """Refuse a header that is one field only because another character separates its names."""
        if len(header) != 1:
            return
        others = sorted(set(_SEPARATORS) - {self._delimiter})
        found = max(others, key=header[0].count)
        if found not in header[0]:
            return
        suffix = {",": ".csv", "\t": ".tsv"}.get(found)
        what = (
            f"its fields seem to be separated by {_SEPARATORS[found]}, "
            f"not by {_SEPARATORS[self._delimiter]}"
        )
        fix = f"rename it to {suffix}" if suffix else f"write it anew: {self._anew(found)}"
        raise self._problem(what, fix)

    def _anew(self, found: str) -> str:
        """Return the command that writes the file with commas; only a plain name is put into it."""
        plain = re.fullmatch(r"[\w./ -]+", self._ref) is not None
        name = self._ref if plain else "FILE.csv"
        new = f"{self._path.name.partition('.')[0] if plain else 'FILE'}-comma.csv"
        code = f"pandas.read_csv('{name}', sep='{found}', decimal=',').to_csv('{new}', index=False)"
        return f'python -c "import pandas; {code}"'

    codes = True

    def empty(self) -> bool:
        """Return whether there is no row."""
        return not any(batch.num_rows for batch in self._batches({self.columns[0]: pa.string()}))

    def parts(self) -> list[Reader]:
        """Return itself: a text is read from its beginning."""
        return [self]

    def rows(self) -> int:
        """Return the number of rows, counted once."""
        if self._rows is None:
            self.traits(self.columns[:1])
        return self._rows or 0

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return the narrowest types that hold every value of these columns."""
        found = {name: _Evidence() for name in names}
        texts = dict.fromkeys(names, pa.string())
        rows = 0
        for batch in self._batches(texts):
            rows += batch.num_rows
            for name, evidence in found.items():
                evidence.add(batch.column(name))
        self._rows = rows
        return {name: evidence.trait() for name, evidence in found.items()}

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterator[pa.Table]:
        """Yield the rows in order, of these columns and types."""
        kinds = {name: traits[name].type for name in names}
        for batch in self._batches(kinds):
            yield pa.Table.from_batches([batch]).select(list(names))

    def _batches(self, kinds: Mapping[str, Any]) -> Iterator[Any]:
        with self._open(kinds) as stream:
            while True:
                try:
                    batch = stream.read_next_batch()
                except StopIteration:
                    return
                except (pa.ArrowInvalid, OSError) as error:
                    raise self._fault(error) from None
                yield batch

    def _open(self, kinds: Mapping[str, Any] | None) -> Any:
        convert = pcsv.ConvertOptions(
            column_types=dict(kinds or {}),
            include_columns=list(kinds or ()),
            null_values=self._nulls,
            strings_can_be_null=True,
            true_values=_TRUE,
            false_values=_FALSE,
        )
        try:
            return pcsv.open_csv(
                pa.input_stream(str(self._path), compression=self._compression()),
                # One thread parses ten million short rows in a second, and keeps their order.
                read_options=pcsv.ReadOptions(block_size=_BLOCK, use_threads=False),
                parse_options=pcsv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
                convert_options=convert,
            )
        except (pa.ArrowInvalid, OSError) as error:
            raise self._fault(error) from None

    def _compression(self) -> str | None:
        return "gzip" if self._path.suffix.lower() == ".gz" else None

    def _bytes(self) -> IO[bytes] | gzip.GzipFile:
        if self._compression():
            return gzip.open(self._path, "rb")
        return self._path.open("rb")

    def _check_quotes(self) -> None:
        """Refuse a file that ends inside a quoted field: its last field swallowed rows."""
        quotes = 0
        try:
            with self._bytes() as file:
                while block := file.read(1 << 20):
                    quotes += block.count(b'"')
        except _UNREADABLE as error:
            raise self._fault(error) from None
        if quotes % 2 and (line := self._unclosed()):
            raise self._problem("a quote is never closed", "close it, or double it", line)

    def _unclosed(self) -> int | None:
        """Return the line of the row in which the file ends inside quotes, else None."""
        start = 1
        with self._text() as text:
            reader = csv.reader(text, delimiter=self._delimiter, strict=True)
            try:
                for _ in reader:
                    start = reader.line_num + 1
            except csv.Error as error:
                return start if "end of data" in str(error) or "limit" in str(error) else None
        return None

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self._bytes(), "utf-8-sig", errors="replace", newline="")

    def _fault(self, error: Exception) -> DataError:
        """Return what a reader's error means, found again in the file with its line."""
        text = str(error)
        if "Empty CSV file" in text:
            with self._bytes() as file:
                if not file.read(_BLOCK).strip():
                    fix = "write a header and rows into it"
                    return self._problem("the file is empty", fix)
            return self._problem("there is a header, but no row", "name a file with rows")
        if isinstance(error, _UNREADABLE):
            return self._problem(f"cannot be read ({first_line(error)})", "write the file again")
        if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in text:
            return self._not_utf8()
        if text.startswith(("CSV parse error", "straddling")):
            return self._not_utf8() if self._utf16() else self._ragged(error)
        return self._problem(f"cannot be read ({first_line(error)})", "write the file again")

    def _utf16(self) -> bool:
        with self._bytes() as file:
            return file.read(2) in {b"\xff\xfe", b"\xfe\xff"}

    def _not_utf8(self) -> DataError:
        """Return the fault with the offset of the first byte that is not UTF-8."""
        offset, line = 0, 1
        encoding = "UTF-16" if self._utf16() else "CP1252"
        with self._bytes() as file:
            for raw in file:
                try:
                    raw.decode("utf-8")
                except UnicodeDecodeError as error:
                    what = f"byte {offset + error.start} is not UTF-8 text"
                    fix = (
                        f"convert it, for instance: iconv -f {encoding} -t UTF-8 {self._path.name}"
                    )
                    return self._problem(what, fix, line)
                offset, line = offset + len(raw), line + 1
        return self._problem("is not UTF-8 text", "convert it to UTF-8")

    def _ragged(self, error: Exception) -> DataError:
        """Return the fault with the line of the first row that has another number of fields."""
        start, width, row = 1, 0, 0
        with self._text() as text:
            reader = csv.reader(text, delimiter=self._delimiter)
            try:
                for fields in reader:
                    if not width and fields:
                        self._check_separator(fields)
                    lines = 1 + sum(field.count("\n") for field in fields)
                    if fields and width and len(fields) != width:
                        line = reader.line_num - lines + 1
                        what = f"row {row} has {len(fields)} fields, the header has {width}"
                        fix = "quote fields that hold the separator, or fill in the row"
                        if len(fields) < width and next(reader, None) is None:
                            fix = "it is the last: write the file again, or fill in the row"
                        return self._problem(what, fix, line)
                    width, row = width or len(fields), row + bool(fields)
                    start = reader.line_num + 1
            except csv.Error:
                what = f"row {row} holds a field of more than 128 KiB: a quote may never be closed"
                return self._problem(what, "close it, or double it", start)
        if "straddling" in str(error):
            what = f"a row is longer than {_BLOCK >> 20} MiB"
            return self._problem(what, "leave the long column out, or save it as Parquet")
        return self._problem(f"cannot be read ({first_line(error)})", "write the file again")

    def _problem(self, what: str, fix: str, line: int | None = None) -> DataError:
        return DataError(Problem(what, fix, self._ref, line))


def _cast(column: Any, kind: Any) -> Any:
    """Return the column as this type, or None when some value is not of it."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None


def _any(mask: Any) -> bool:
    return bool(pc.any(mask).as_py())
