"""What each column of a table holds, tallied in one streamed pass over its rows.

Tallies add up: the batches may be cut anywhere and come in any order. A source is read once for
all checks that ask (`columns_of`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.spread import Spread, spread_of
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.evidence.words_of_missing import WORDS, missing_number
from pytest_aipm.sources.data import DataSource

__all__ = [
    "DATES",
    "KINDS",
    "Cells",
    "as_texts",
    "columns_of",
    "date_form",
    "kinds_in",
    "rows_of",
    "tally_of",
    "tell",
]

KEPT = 5_000
"""Distinct texts of a column that are kept; of more, those with the smallest hash."""
KINDS = ("integer", "number", "text", "boolean", "date", "other")
"""Kinds that a value can be of: whole numbers, other numbers, and so on."""

DATES = {
    "YYYY-MM-DD": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "YYYY-MM-DD and a time": re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.{0,30}"),
    "YYYYMMDD": re.compile(r"(19|20)\d{6}"),
    "YYYY/MM/DD": re.compile(r"\d{4}/\d{1,2}/\d{1,2}( .{1,30})?"),
    "DD.MM.YYYY": re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}( .{1,30})?"),
    "DD/MM/YYYY or MM/DD/YYYY": re.compile(r"\d{1,2}/\d{1,2}/\d{2,4}( .{1,30})?"),
    "DD-MM-YYYY": re.compile(r"\d{1,2}-\d{1,2}-\d{4}( .{1,30})?"),
    "day, name of the month, year": re.compile(r"\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}"),
}
"""The ways in which dates are written."""


def date_form(text: str) -> str:
    """Return the way in which a text writes a date; nothing for one that does not."""
    text = text.strip()
    if not 6 <= len(text) <= 45:
        return ""
    return next((name for name, form in DATES.items() if form.fullmatch(text)), "")


def tell(name: str) -> str:
    """Return a column's name as a sentence can hold it: short, one line, never empty."""
    shown = "".join(each if each.isprintable() else "�" for each in name).strip()
    if not shown:
        return "(a column without a name)"
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts with counts: all of them while few differ, else those with the smallest hash.

    Attributes
    ----------
    values, counts : array of shape (m,)
    hashes : uint64 array of shape (m,) or None
        None where all texts were kept.
    ceiling : int or None
        Texts of a larger hash were let go; None where none were.
    longest : int
        Characters of the longest.
    """

    values: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=object))
    counts: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    hashes: np.ndarray | None = None
    ceiling: int | None = None
    longest: int = 0

    def __add__(self, other: Texts) -> Texts:
        """Return the texts of both."""
        ceilings = [each.ceiling for each in (self, other) if each.ceiling is not None]
        values = np.concatenate([self.values, other.values])
        codes, values = pd.factorize(values)
        counts = np.bincount(codes, weights=np.concatenate([self.counts, other.counts]))
        hashes = None
        if ceilings or len(values) > KEPT:
            hashes = pd.util.hash_array(values, categorize=False)
        return _kept(
            values,
            counts.astype(np.int64),
            hashes,
            min(ceilings, default=None),
            max(self.longest, other.longest),
        )

    @property
    def distinct(self) -> int:
        """How many different texts there are; an estimate where not all were kept.

        Bar-Yossef and others (2002): k - 1 of the smallest hashes over the largest of them.
        """
        if self.ceiling is None:
            return len(self.values)
        return round((len(self.values) - 1) * 2.0**64 / max(self.ceiling, 1))


def _kept(
    values: np.ndarray,
    counts: np.ndarray,
    hashes: np.ndarray | None,
    ceiling: int | None,
    longest: int,
) -> Texts:
    if hashes is None:
        return Texts(values, counts, None, None, longest)
    if ceiling is not None:
        inside = hashes <= np.uint64(ceiling)
        values, counts, hashes = values[inside], counts[inside], hashes[inside]
    if len(values) > KEPT:
        order = np.argpartition(hashes, KEPT - 1)[:KEPT]
        values, counts, hashes = values[order], counts[order], hashes[order]
        ceiling = int(hashes.max())
    return Texts(values, counts, hashes if ceiling is not None else None, ceiling, longest)


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """One column, tallied.

    Attributes
    ----------
    rows, missing : int
        Rows, and those without a value.
    kinds : mapping of str to int
        Values of each of `KINDS`; texts that read as numbers or dates are texts.
    numbers : Spread
        Finite numbers of all kinds, also true and false.
    infinite : int
        Numbers that are not finite.
    texts : Texts
    codes : mapping of str to int
        Values that look like "nobody knows": words, here; numbers are found in `numbers`.
    first, last : Timestamp or None
        Of dates.
    """

    rows: int = 0
    missing: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    numbers: Spread = field(default_factory=Spread)
    infinite: int = 0
    texts: Texts = field(default_factory=Texts)
    words: Counter[str] = field(default_factory=Counter)
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None

    def __add__(self, other: Cells) -> Cells:
        """Return the tally of the rows of both."""
        days = [each for each in (self.first, self.last, other.first, other.last) if each]
        return Cells(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            kinds=self.kinds + other.kinds,
            numbers=self.numbers + other.numbers,
            infinite=self.infinite + other.infinite,
            texts=self.texts + other.texts,
            words=self.words + other.words,
            first=min(days, default=None),
            last=max(days, default=None),
        )

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def numeric(self) -> bool:
        """Whether all values are numbers, true and false left aside."""
        return set(self.kinds) <= {"integer", "number"} and self.known > 0

    @property
    def distinct(self) -> int:
        """How many different values there are; an estimate where there are very many."""
        return len(self.numbers.values) + self.texts.distinct

    @cached_property
    def codes(self) -> dict[str, int]:
        """Values that are there but look like "nobody knows", and how many rows hold them."""
        found = dict(self.words)
        if self.numeric and self.numbers.exponent is None:
            code = missing_number(self.numbers.values, self.numbers.counts)
            found |= {} if code is None else {f"{code[0]:g}": code[1]}
        return found


def rows_of(evidence: Evidence, of: str) -> DataSource:
    """Return the rows that a check looks at: ``data`` or ``train``.

    Raises
    ------
    DataError
        When there are no training rows.
    """
    if of != "train":
        return evidence.data
    if evidence.train is None:
        what, fix = "there are no training rows", "add `train: PATH` to the subject"
        raise DataError(evidence.subject.problem("train", what, fix))
    return evidence.train


def columns_of(evidence: Evidence, of: str = "data") -> dict[str, Cells]:
    """Return the tally of every column, read once for all checks."""
    source = rows_of(evidence, of)

    def read() -> dict[str, Cells]:
        found = evidence.shared.answer(tally_of(source)).found
        if not found:
            raise DataError(Problem("there are no rows", "name a table with rows"))
        return found

    return evidence.once(("columns", source.ref, of), read)


def tally_of(source: DataSource) -> Wish[Columns]:
    """Return the wish for the tally of every column."""
    return Wish(("columns",), source, source.columns, Columns.of, Columns())


@dataclass(frozen=True, eq=False)
class Columns:
    """The tally of every column of some rows."""

    found: dict[str, Cells] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: pd.DataFrame) -> Columns:
        """Return that of one batch."""
        return cls({name: _cells(batch.iloc[:, i]) for i, name in enumerate(batch.columns)})

    def merge(self, other: Columns) -> Columns:
        """Return that of the rows of both."""
        if not (self.found and other.found):
            return self if self.found else other
        return Columns({name: cells + other.found[name] for name, cells in self.found.items()})


def _cells(column: pd.Series[Any]) -> Cells:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        column = (
            column.astype(kind.categories.dtype)
            if not column.isna().any()
            else (column.astype(object))
        )
        kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) and kind.kind != "O":
        return _numbered(column.to_numpy(dtype=float), "boolean")
    if pd.api.types.is_integer_dtype(kind):
        return _numbered(column.to_numpy(dtype=float), "integer")
    if pd.api.types.is_float_dtype(kind):
        return _numbered(column.to_numpy(dtype=float, na_value=np.nan), "number")
    if pd.api.types.is_datetime64_any_dtype(kind):
        return _dated(column)
    return _objects(column)


def _numbered(values: np.ndarray, kind: str) -> Cells:
    known = values[~np.isnan(values)]
    finite = known[np.isfinite(known)]
    spread = spread_of(finite)
    kinds: Counter[str] = Counter()
    if kind == "number":
        # 1.0 is written where whole numbers have gaps
        whole = int(spread.counts[spread.values == np.floor(spread.values)].sum())
        exact = spread.exponent is None
        whole = whole if exact else int((finite == np.floor(finite)).sum())
        kinds.update({"integer": whole, "number": len(known) - whole})
    else:
        kinds[kind] = len(known)
    return Cells(
        rows=len(values),
        missing=len(values) - len(known),
        kinds=+kinds,
        numbers=spread,
        infinite=len(known) - len(finite),
    )


def _dated(column: pd.Series[Any]) -> Cells:
    known = column.dropna()
    day = known.dt.tz_localize(None) if known.dt.tz is not None else known
    return Cells(
        rows=len(column),
        missing=len(column) - len(known),
        kinds=+Counter(date=len(known)),
        first=None if known.empty else day.min(),
        last=None if known.empty else day.max(),
    )


def kinds_in(values: Iterable[Any]) -> list[str]:
    """Return of which of `KINDS` each value is."""
    return [_kind(value) for value in values]


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | np.integer):
        return "integer"
    if isinstance(value, float | np.floating):
        return "integer" if float(value).is_integer() else "number"
    return "date" if hasattr(value, "year") and hasattr(value, "month") else "other"


def _objects(column: pd.Series[Any]) -> Cells:
    """Return the tally of texts, or of values of several kinds."""
    missing = column.isna().to_numpy()
    known = column[~missing] if missing.any() else column
    base = Cells(rows=len(column), missing=int(missing.sum()))
    if known.empty:
        return base
    if known.dtype.kind == "O" and pd.api.types.infer_dtype(known, skipna=False) != "string":
        kinds = Counter(kinds_in(known))
        if len(kinds) == 1 and "text" not in kinds:
            return _of_one(known, next(iter(kinds)), base)
        texts = known.map(lambda value: value if isinstance(value, str) else _told(value))
        cells = _of_texts(texts, base)
        return replace(base, kinds=kinds, texts=cells.texts, words=cells.words)
    return _of_texts(known, base)


def _told(value: Any) -> str:
    return f"{type(value).__name__} {value!s}"[:1000]


def _of_one(known: pd.Series[Any], kind: str, base: Cells) -> Cells:
    """Return the tally of objects that are all of one kind that is no text."""
    if kind in ("boolean", "integer", "number"):
        numbers = known.to_numpy(dtype=float)
        finite = numbers[np.isfinite(numbers)]
        return replace(
            base,
            kinds=Counter({kind: len(known)}),
            numbers=spread_of(finite),
            infinite=len(numbers) - len(finite),
        )
    if kind == "date":
        days = pd.to_datetime(known, errors="coerce", utc=True).dt.tz_localize(None).dropna()
        ends = (days.min(), days.max()) if len(days) else (None, None)
        return replace(base, kinds=Counter(date=len(known)), first=ends[0], last=ends[1])
    told = known.map(_told)
    return replace(base, kinds=Counter({kind: len(known)}), texts=_of_texts(told, base).texts)


def _of_texts(known: pd.Series[Any], base: Cells) -> Cells:
    counted = pc.value_counts(as_texts(known))
    values, counts = counted.field("values"), counted.field("counts")
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(values, 0, 24)))
    coded = pc.is_in(plain, value_set=pa.array(sorted(WORDS), pa.large_string()))
    words = dict(
        zip(values.filter(coded).to_pylist(), counts.filter(coded).to_pylist(), strict=True)
    )
    longest = pc.max(pc.utf8_length(values)).as_py()
    names = values.to_numpy(zero_copy_only=False)
    hashes = None
    if len(names) > KEPT:
        hashes = pd.util.hash_array(names, categorize=False)
    return replace(
        base,
        kinds=Counter(text=len(known)),
        texts=_kept(names, counts.to_numpy(), hashes, None, longest),
        words=Counter(words),
    )


def as_texts(known: pd.Series[Any]) -> pa.Array:
    """Return texts as Arrow holds them; half characters, which it does not, by their number."""
    try:
        made = pa.array(known, type=pa.large_string(), from_pandas=True)
    except (UnicodeEncodeError, pa.ArrowInvalid):
        whole = known.map(lambda text: text.encode("utf-8", "backslashreplace").decode())
        made = pa.array(whole, type=pa.large_string(), from_pandas=True)
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
