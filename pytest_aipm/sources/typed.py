"""Column types of a whole source, so that no batch has types of its own.

A column of whole numbers that has a gap in its last block, or a word in it, must not be integer in
the first batches and something else in the last. Readers therefore find each column's `Trait` in a
pass of bounded memory, and every batch is brought to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "BATCH",
    "CODES",
    "EXACT",
    "Reader",
    "Trait",
    "batch_rows",
    "is_number",
    "merge",
    "narrow",
    "scan",
    "to_frame",
    "unmissing",
]

EXACT = 2**53
"""Whole numbers beyond this have no exact floating-point value."""

CODES = pa.dictionary(pa.int32(), pa.string())
"""Texts as codes into the list of those that occur."""

_OBJECTS = pd.Series(["text"]).dtype == object
"""Whether this pandas keeps texts as objects, as it did before version 3."""


BATCH = 65_536
"""Rows of a batch, at least."""


def batch_rows(columns: int) -> int:
    """Return how many rows of so many narrow columns are a batch: more of few, as each costs."""
    return max(BATCH, min(4 * BATCH, 1_500_000 // max(columns, 1)))


def narrow(kind: Any) -> bool:
    """Return whether values of a type take a few bytes each, however long a text they stand for."""
    return bool(pa.types.is_primitive(kind) or kind == CODES)


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Trait:
    """What one column is, over all its rows.

    Attributes
    ----------
    type : pyarrow.DataType
        Null (all missing), integer, floating, boolean, string, temporal, or another plain type.
    nulls : bool
        Whether any value is missing.
    wide : bool or None
        Whether an integer column holds a number beyond `EXACT`; None where nobody looked, since
        it has no gap.
    """

    type: Any
    nulls: bool = False
    wide: bool | None = False


class Reader(Protocol):
    """One file, or one format of file, as a stream of tables."""

    columns: tuple[str, ...]
    codes: bool
    """Whether `tables` delivers texts as `CODES` where a trait asks for them."""

    def empty(self) -> bool:
        """Return whether there is no row."""
        ...

    def rows(self) -> int:
        """Return the number of rows."""
        ...

    def traits(self, names: Sequence[str]) -> dict[str, Trait]:
        """Return what these columns are, over all rows."""
        ...

    def tables(self, names: Sequence[str], traits: Mapping[str, Trait]) -> Iterable[pa.Table]:
        """Yield the rows in order, of the columns `names` and the types of `traits`."""
        ...

    def parts(self) -> list[Reader]:
        """Return readers of its rows, in order, that different processes may read."""
        ...


def merge(one: Trait, other: Trait) -> Trait | None:
    """Return what a column is that is `one` in some rows and `other` in the rest.

    Returns
    -------
    Trait or None
        None when the two do not go together.
    """
    nulls = one.nulls or other.nulls
    wide = True if one.wide or other.wide else None if None in (one.wide, other.wide) else False
    for a, b in ((one.type, other.type), (other.type, one.type)):
        if a == b or pa.types.is_null(b):
            return Trait(a, nulls, wide)
        if pa.types.is_floating(a) and (pa.types.is_integer(b) or pa.types.is_floating(b)):
            return Trait(pa.float64(), nulls)
    if pa.types.is_integer(one.type) and pa.types.is_integer(other.type):
        return Trait(pa.int64(), nulls, wide)
    return None


def plain(kind: Any) -> Any:
    """Return the type a column is delivered in: no dictionaries, no large or packed variants."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or str(kind) == "string_view":
        return pa.string()
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return pa.float64()
    return kind


def cast(column: Any, kind: Any) -> Any:
    """Return a chunked array brought to a type of `plain` or of `merge`."""
    if isinstance(column.type, pa.BaseExtensionType):
        storage = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(storage, column.type.storage_type)
    return column if column.type == kind else column.cast(kind, safe=not pa.types.is_floating(kind))


def unmissing(column: Any, missing: Sequence[str]) -> Any:
    """Return a chunked array with the words that mean a missing value turned into nulls."""
    if not missing:
        return column
    if pa.types.is_string(column.type):
        words = pa.array(missing, pa.string())
    elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = [number for word in missing if (number := _number(word, column.type)) is not None]
        words = pa.array(numbers, pa.float64()).cast(column.type)
    else:
        return column
    if not len(words):
        return column
    return pc.if_else(pc.is_in(column, value_set=words), pa.scalar(None, column.type), column)


def _number(word: str, kind: Any) -> float | None:
    """Return a word as a number that a column of this type can hold, else None."""
    try:
        number = float(word)
    except ValueError:
        return None
    if not pa.types.is_integer(kind):
        return number
    if not math.isfinite(number) or not number.is_integer():
        return None
    signed = pa.types.is_signed_integer(kind)
    low, high = (-1, 1 << (kind.bit_width - 1)) if signed else (0, 1 << kind.bit_width)
    return number if low * high <= number < high else None


def scan(tables: Iterable[pa.Table], kinds: Mapping[str, Any]) -> dict[str, Trait]:
    """Return the traits of columns whose types are known, by looking at every row."""
    found = {name: Trait(kind) for name, kind in kinds.items()}
    for table in tables:
        for name, trait in found.items():
            column = table.column(name)
            nulls = trait.nulls or column.null_count > 0
            wide = trait.wide or is_wide(column)
            found[name] = replace(trait, nulls=nulls, wide=wide)
    return found


def is_wide(column: Any) -> bool:
    """Return whether integers reach beyond `EXACT`; other columns never do."""
    if not pa.types.is_integer(column.type):
        return False
    ends = pc.min_max(column)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return low is not None and (low < -EXACT or high > EXACT)


def to_frame(table: pa.Table, traits: Mapping[str, Trait], start: int) -> pd.DataFrame:
    """Return a table as a frame whose dtypes depend on the traits alone.

    Texts are `str` with NaN where missing, as pandas reads them. Integers and booleans with gaps
    anywhere become floats and objects everywhere; integers too wide for a float stay exact, as
    objects. `CODES` become categories, which differ from table to table.

    Parameters
    ----------
    table : pyarrow.Table
    traits : mapping of str to Trait
    start : int
        Number of the first row, the start of the index.
    """
    index = pd.RangeIndex(start, start + table.num_rows)
    if all(map(_simple, traits.values())):  # written once, where models read it
        frame: pd.DataFrame = table.to_pandas()
        frame.index = index
        return frame
    columns = {
        name: _series(table.column(name), traits[name], index) for name in table.column_names
    }
    return pd.DataFrame(columns, index=index, columns=list(table.column_names))


def _simple(trait: Trait) -> bool:
    """Return whether a column is of numbers that need no second look."""
    whole = pa.types.is_integer(trait.type) and not trait.nulls
    return bool(pa.types.is_floating(trait.type) or whole)


def _categories(column: Any) -> pd.Categorical:
    held = column.unify_dictionaries().combine_chunks()
    values = pd.Index(held.dictionary.to_numpy(zero_copy_only=False), dtype=object)
    if not values.is_unique or values.hasnans:  # which a file may hold, and categories may not
        return pd.Categorical(held.cast(pa.string()).to_numpy(zero_copy_only=False))
    codes = held.indices.fill_null(-1) if held.null_count else held.indices
    return pd.Categorical.from_codes(codes.to_numpy(zero_copy_only=False), values)


def _series(column: Any, trait: Trait, index: pd.RangeIndex) -> pd.Series[Any]:
    if trait.type == CODES:
        return pd.Series(_categories(column), index=index)
    if pa.types.is_null(trait.type):
        return pd.Series(np.full(len(column), math.nan), index=index)
    if pa.types.is_integer(trait.type) and trait.nulls:
        if trait.wide:
            return pd.Series(column.to_pylist(), index=index, dtype=object)
        column = column.cast(pa.float64())
    if pa.types.is_boolean(trait.type) and trait.nulls:
        return pd.Series(column.to_pylist(), index=index, dtype=object)
    if pa.types.is_string(trait.type) and _OBJECTS:
        values = column.to_numpy()
        values[column.is_null().to_numpy()] = math.nan
        return pd.Series(values, index=index, dtype=object)
    series: pd.Series[Any] = column.to_pandas()
    return series.set_axis(index)
