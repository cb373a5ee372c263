"""Rows to audit, as restartable streams of batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.columnar import ArrowFormat, Columnar, ParquetFormat
from pytest_aipm.sources.delimited import Delimited
from pytest_aipm.sources.factory import call_factory
from pytest_aipm.sources.faults import did_you_mean, listed, problem, relative, unknown_columns
from pytest_aipm.sources.files import (
    SALT,
    check_pin,
    folder_digest,
    resolve,
    salt_of,
    sha256_of,
    suffix_of,
)
from pytest_aipm.sources.folder import Folder
from pytest_aipm.sources.frames import as_frame, content_hash, tidy
from pytest_aipm.sources.jsonlines import JsonLines
from pytest_aipm.sources.spec import DataSpec, Where
from pytest_aipm.sources.steady import Steady
from pytest_aipm.sources.typed import (
    BATCH,
    CODES,
    Reader,
    Trait,
    batch_rows,
    narrow,
    to_frame,
)

__all__ = [
    "AFAR",
    "BATCH",
    "DataSource",
    "DataSpec",
    "FileData",
    "FrameData",
    "Part",
    "digest_of",
    "open_data",
]

NONE: frozenset[str] = frozenset()
AFAR = (
    "it looks at single rows, and with the engine spark rows stay where they are",
    "audit it on a sample with aipm_engine = local",
)
"""What is said where a check asks for rows that stay where they are."""
FEW, KEPT = 100_000, 8_000_000
"""Rows and values of a file that is kept decoded, some 64 MB: memory grows no further with rows."""


@dataclass(frozen=True)
class Part:
    """Some rows of a source, on their way to another process.

    Attributes
    ----------
    reader : Reader
    names : tuple of str
    traits : dict of str to Trait
        Of the whole source.
    start : int
        Number of the first row.
    """

    reader: Reader | _Held
    names: tuple[str, ...]
    traits: dict[str, Trait]
    start: int

    def batches(self, size: int = BATCH) -> Iterator[pd.DataFrame]:
        """Yield the rows as `DataSource.batches` does."""
        start = self.start
        for table in _resized(self.reader.tables(self.names, self.traits), size):
            yield to_frame(table, self.traits, start)
            start += table.num_rows


class DataSource(ABC):
    """A table that can be read any number of times, always in the same order.

    Attributes
    ----------
    ref : str
        The source as the policy names it; paths are relative to the root folder.
    kind : str
        ``csv``, ``tsv``, ``parquet``, ``arrow``, ``jsonl``, ``folder``, ``factory`` or ``frame``.
    columns : tuple of str
    sha256 : str or None
        Of the file's bytes; of a folder, of the sorted (name, sha256) of its files; of a table in
        memory, of its content.
    salt : str
        A hash of some rows that nobody can work out who does not have them; see `DataInfo`.
    missing : tuple of str
        Words of a file that were read as missing values.
    where : Where or None
        Place in the policy, for messages about columns.
    warnings : tuple of str
        What libraries warned about while the source was opened.
    placed : bool
        Whether each row has the same number whichever columns are read.
    afar : bool
        Whether the rows stay where they are: this process is given none but `head`.
    """

    ref: str
    kind: str
    columns: tuple[str, ...]
    sha256: str | None
    salt: str = ""
    missing: tuple[str, ...] = ()
    where: Where | None = None
    warnings: tuple[str, ...] = ()
    placed: bool = True
    afar: bool = False

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of rows."""

    @property
    def held(self) -> bool:
        """Whether the rows are in memory, decoded at most once, whoever asks for them."""
        return False

    def learn(self, columns: Sequence[str]) -> None:
        """Find out what these columns are, where that takes a look at all rows, in one look."""
        del columns  # what is in memory, or states it, is known

    @abstractmethod
    def _batches(
        self, names: list[str], size: int, coded: frozenset[str] = NONE
    ) -> Iterator[pd.DataFrame]:
        """Yield frames of these columns; the names are known and there is at least one."""

    def batches(
        self,
        columns: Sequence[str] | None = None,
        size: int | None = None,
        *,
        coded: frozenset[str] = NONE,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows in batches, in the same order each time.

        Each column has one dtype in all batches, that of the whole column. Texts of files are `str`
        with NaN where missing; tables in memory keep what they hold. The index is the number of
        the row, from 0.

        Parameters
        ----------
        columns : sequence of str, optional
            Which columns, in this order; default all of them.
        size : int, optional
            Rows of each batch but the last; default 65,536, and more of few columns without texts.
        coded : frozenset of str
            Columns whose texts are only told apart: they may come as categories, other ones in each
            batch, which costs a fraction of the texts.

        Raises
        ------
        DataError
            When a column is not there, the rows cannot be read, or they stay where they are.
        """
        names = list(dict.fromkeys(self.columns if columns is None else columns))
        self.require(names)
        if self.afar:
            raise DataError(Problem(*AFAR, self.ref))
        size = self._size(names or list(self.columns[:1]), coded) if size is None else size
        if size < 1:
            raise DataError(Problem(f"a batch of {size} rows is none", "use 1 or more", self.ref))
        if names:
            return self._batches(names, size, coded)
        # A frame without columns still says how many rows there are.
        return (batch[[]] for batch in self._batches(list(self.columns[:1]), size))

    def head(self, columns: Sequence[str]) -> pd.DataFrame:
        """Return the first batch of some columns, also of rows that stay where they are."""
        self.require(columns)
        return next(self._batches(list(dict.fromkeys(columns)), BATCH))

    def _size(self, names: list[str], coded: frozenset[str]) -> int:  # noqa: ARG002 - see FileData
        """Return how many rows a batch has, unless said otherwise."""
        return BATCH

    def parts(self, columns: Sequence[str], *, coded: frozenset[str] = NONE) -> list[Part] | None:
        """Return the rows in parts that other processes can read; None where only this one can."""
        del columns, coded
        return None

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return all rows at once: memory grows with them."""
        parts = list(self.batches(columns))
        return parts[0] if len(parts) == 1 else pd.concat(parts)

    def require(self, columns: Sequence[str], where: Where | None = None) -> None:
        """Raise DataError, with "did you mean", when a column is not there.

        Parameters
        ----------
        columns : sequence of str
        where : Where, optional
            The line that names the columns; default the line that names the source.
        """
        known = set(self.columns)
        missing = [name for name in columns if name not in known]
        if missing:
            what, fix = unknown_columns(missing, self.columns)
            place = where or self.where
            raise DataError(problem(f"{what} in {self.ref}", fix, where=place))


class _Held:
    """A small file, each column of which is decoded once, whichever checks ask for it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._columns: dict[tuple[str, bool], Any] = {}

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterator[pa.Table]:
        """Yield all rows at once."""
        keys = [(name, traits[name].type == CODES) for name in names]
        new = [key[0] for key in keys if key not in self._columns]
        if new:
            read = pa.concat_tables(self._reader.tables(new, traits))
            for name in new:
                self._columns[name, traits[name].type == CODES] = read.column(name)
        yield pa.table([self._columns[key] for key in keys], names=list(names))


class FileData(DataSource):
    """A file, or a folder of files."""

    def __init__(
        self, ref: str, kind: str, digest: str, reader: Reader, where: Where | None
    ) -> None:
        self.ref, self.kind, self.sha256, self.where = ref, kind, digest, where
        self._reader, self._kept = reader, _Held(reader)
        self._traits: dict[str, Trait] = {}
        self.columns = tuple(reader.columns)
        if reader.empty():
            what = "there is a header, but no row" if kind in {"csv", "tsv"} else "there is no row"
            raise DataError(Problem(what, "name a file with rows", ref))
        _check_columns(self.columns, ref)

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return self._reader.rows()

    @property
    def held(self) -> bool:
        """Whether there are so few rows that they are kept."""
        return self.rows <= FEW and self.rows * len(self.columns) <= KEPT

    def learn(self, columns: Sequence[str]) -> None:
        """Find out the types of these columns."""
        self._traits_of(columns, NONE)

    def _batches(
        self, names: list[str], size: int, coded: frozenset[str] = NONE
    ) -> Iterator[pd.DataFrame]:
        # Now, not at the first batch: a thread that reads ahead cannot be interrupted, and this
        # may take a pass of its own.
        traits = self._traits_of(names, coded)
        reader = self._kept if self.held else self._reader
        return Part(reader, tuple(names), traits, 0).batches(size)

    def _size(self, names: list[str], coded: frozenset[str]) -> int:
        traits = self._traits_of(names, coded).values()
        return batch_rows(len(names)) if all(narrow(each.type) for each in traits) else BATCH

    def parts(self, columns: Sequence[str], *, coded: frozenset[str] = NONE) -> list[Part] | None:
        """Return the rows in parts: row groups of Parquet, else whole files."""
        names = tuple(dict.fromkeys(columns))
        self.require(names)
        traits, start = self._traits_of(names, coded), 0
        found = []
        for reader in self._reader.parts():
            found.append(Part(reader, names, traits, start))
            start += reader.rows()
        return found

    def _traits_of(self, names: Sequence[str], coded: frozenset[str]) -> dict[str, Trait]:
        unknown = [name for name in names if name not in self._traits]
        if unknown:
            self._traits |= self._reader.traits(unknown)
        traits = {name: self._traits[name] for name in names}
        for name in coded & set(names) if self._reader.codes else NONE:
            if pa.types.is_string(traits[name].type):
                traits[name] = replace(traits[name], type=CODES)
        return traits


class FrameData(DataSource):
    """A table in memory. It is copied, so that nobody's table is ever changed."""

    def __init__(self, table: pd.DataFrame, ref: str, kind: str, spec: DataSpec) -> None:
        self.ref, self.kind = ref, kind
        self._frame = tidy(table, ref, spec.missing)
        self.columns = tuple(self._frame.columns)
        _check_columns(self.columns, ref)
        if self._frame.empty:
            raise DataError(Problem("there is no row", "give a table with rows", ref))
        self.sha256 = content_hash(self._frame)
        self.salt = content_hash(self._frame.head(SALTING), SALT)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self._frame)

    held = True

    def _size(self, names: list[str], coded: frozenset[str]) -> int:  # noqa: ARG002 - as above
        return batch_rows(len(names))

    def _batches(
        self,
        names: list[str],
        size: int,
        coded: frozenset[str] = NONE,  # noqa: ARG002 - what is in memory costs nothing more
    ) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self._frame), size):
            yield self._frame.iloc[start : start + size][names]  # some columns are a copy


def open_data(spec: DataSpec | Any, *, root: Path, where: Where | None = None) -> DataSource:
    """Open data by its path or factory, or take a table that is in memory.

    Parameters
    ----------
    spec : DataSpec, DataFrame or other table
    root : Path
        Root folder: paths are relative to it, factories are found in it.
    where : Where, optional
        Place in the policy that names the data, for messages.

    Returns
    -------
    DataSource

    Raises
    ------
    DataError
        When there is nothing of that name, it is of an unknown format, damaged, empty, or differs
        from its pin.
    """
    if not isinstance(spec, DataSpec):
        return FrameData(as_frame(spec, "the data"), "frame", "frame", DataSpec())
    if (spec.path is None) == (spec.factory is None):
        fix = "give one of path and factory"
        raise DataError(problem("the data need one source", fix, where=where))
    source: DataSource
    if spec.factory is not None:
        heard: list[str] = []
        made = call_factory(spec.factory, root, heard, where=where, error=DataError)
        table = as_frame(made, spec.factory)
        source = FrameData(table, spec.factory, "factory", spec)
        source.warnings = tuple(heard)
    else:
        source = _open_path(spec, root, where)
        source.missing = tuple(spec.missing)
    source.where = where
    check_pin(spec.sha256, source.sha256 or "", source.ref, where=where, error=DataError)
    return source


def digest_of(path: Path, ref: str) -> str:
    """Return the sha256 that records hold of a file, or of a folder of data files.

    Raises
    ------
    DataError
        When the folder is none of data files of one format.
    OSError
        When one of them cannot be read.
    """
    if not path.is_dir():
        return sha256_of(path)
    return folder_digest({each.name: sha256_of(each) for each in _files_of(path, ref)})


SALTING = 2000
"""Rows of a table that its salt is made of."""


_Opener = Callable[[Path, str, Sequence[str]], Reader]

_PARQUET, _ARROW = ParquetFormat(), ArrowFormat()

_FORMATS: dict[str, tuple[str, _Opener]] = {
    ".csv": ("csv", lambda path, ref, missing: Delimited(path, ref, ",", missing)),
    ".tsv": ("tsv", lambda path, ref, missing: Delimited(path, ref, "\t", missing)),
    ".jsonl": ("jsonl", JsonLines),
    ".ndjson": ("jsonl", JsonLines),
    ".parquet": ("parquet", lambda path, ref, missing: Columnar(path, ref, missing, _PARQUET)),
    ".feather": ("arrow", lambda path, ref, missing: Columnar(path, ref, missing, _ARROW)),
    ".arrow": ("arrow", lambda path, ref, missing: Columnar(path, ref, missing, _ARROW)),
    ".arrows": ("arrow", lambda path, ref, missing: Columnar(path, ref, missing, _ARROW)),
    ".ipc": ("arrow", lambda path, ref, missing: Columnar(path, ref, missing, _ARROW)),
}
_FORMATS |= {".pq": _FORMATS[".parquet"]}
_FORMATS |= {f"{each}.gz": _FORMATS[each] for each in (".csv", ".tsv", ".jsonl", ".ndjson")}


def _open_path(spec: DataSpec, root: Path, where: Where | None) -> DataSource:
    path = resolve(spec.path or "", root, where=where, error=DataError)
    ref = relative(path, root)
    files = _files_of(path, ref) if path.is_dir() else [path]
    suffix = suffix_of(files[0])
    if suffix not in _FORMATS:
        what = f"{ref!r} is of no format that can be read" + (f" ({suffix})" if suffix else "")
        fix = did_you_mean(suffix, _FORMATS) or f"known suffixes are {listed(_FORMATS, 99)}"
        raise DataError(problem(what, fix, where=where))
    kind, opener = _FORMATS[suffix]
    names = {f"{ref}/{each.name}": each for each in files} if path.is_dir() else {ref: path}
    try:
        salt = salt_of(files[0])
        readers = {
            name: Steady(each, name, partial(opener, each, name, spec.missing))
            for name, each in names.items()
        }
    except OSError as error:
        name = Path(error.filename or path).name
        what = f"{name!r} cannot be read ({error.strerror or error})"
        raise DataError(problem(what, "make it readable", where=where)) from None
    if path.is_dir():
        hashes = {names[name].name: reader.sha256 for name, reader in readers.items()}
        folder = Folder(readers, untyped=kind in {"csv", "tsv", "jsonl"})
        source = FileData(ref, "folder", folder_digest(hashes), folder, where)
    else:
        source = FileData(ref, kind, readers[ref].sha256, readers[ref], where)
    source.salt = salt
    return source


def _files_of(path: Path, ref: str) -> list[Path]:
    """Return the files of a folder by name; hidden ones, and markers such as _SUCCESS, are left."""
    inside = sorted(path.iterdir(), key=lambda each: each.name)
    seen = [each for each in inside if not each.name.startswith((".", "_"))]
    if not seen:
        raise DataError(Problem("the folder is empty", "put data files into it", ref))
    folders = [each.name for each in seen if each.is_dir()]
    if folders:
        what = f"the folder holds folders ({listed(folders, 3)})"
        raise DataError(Problem(what, "keep data files only, side by side", ref))
    found = Counter(suffix_of(each) for each in seen)
    if len(found) > 1:
        rarest = min(found, key=lambda suffix: (found[suffix], suffix in _FORMATS, suffix))
        odd = next(each.name for each in seen if suffix_of(each) == rarest)
        what = f"the folder mixes formats ({listed(sorted(each or 'none' for each in found))})"
        fix = f"keep files of one suffix; {odd!r} is one of another"
        raise DataError(Problem(what, fix, ref))
    return seen


def _check_columns(columns: Sequence[str], ref: str) -> None:
    if not columns:
        raise DataError(Problem("there is no column", "name a table with columns", ref))
    (name, count), *_ = Counter(columns).most_common(1)
    if count > 1:
        what = f"the column name {name!r} occurs {count} times"
        raise DataError(Problem(what, "rename one of them", ref))


def _resized(tables: Any, size: int) -> Iterator[pa.Table]:
    """Yield the same rows in tables of exactly `size` rows, but the last."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count < size:
            continue
        whole = pa.concat_tables(held)
        cut = count - count % size
        for start in range(0, cut, size):
            yield whole.slice(start, size)
        held, count = [whole.slice(cut)], count - cut
    if count:
        yield pa.concat_tables(held)
