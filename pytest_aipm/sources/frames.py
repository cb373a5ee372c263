"""Tables that are in memory already: what counts as one, and a hash of what it holds."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.sources.faults import describe
from pytest_aipm.sources.typed import EXACT

__all__ = ["as_frame", "content_hash", "tidy"]

_BLOCK = 65_536
"""Numbers hashed at a time, where they lie in the cache."""


def as_frame(value: Any, ref: str) -> pd.DataFrame:
    """Return a table of any maker as a frame: pandas, pyarrow, anything Arrow can read, a mapping.

    Raises
    ------
    DataError
        When it is no table.
    """
    if isinstance(value, pd.DataFrame):
        return value
    problem = Problem(
        f"of type {type(value).__name__}, which is no table",
        "give a pandas DataFrame, an Arrow table, or a mapping of columns",
        ref,
    )
    try:
        if hasattr(value, "__arrow_c_stream__") and not isinstance(value, pd.Series):
            value = pa.RecordBatchReader.from_stream(value).read_all()
        if isinstance(value, pa.Table | pa.RecordBatch):
            return value.to_pandas()  # type: ignore[no-any-return]
        if callable(getattr(value, "to_pandas", None)):
            value = value.to_pandas()
            if isinstance(value, pd.DataFrame):
                return value
            raise DataError(problem)
        if _is_table(value):
            return pd.DataFrame(value)
    except (ValueError, TypeError, pa.ArrowException) as error:
        what = f"the table cannot be built ({describe(error)})"
        fix = "give every column the same length and one type"
        raise DataError(Problem(what, fix, ref)) from None
    raise DataError(problem)


def _is_table(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.names is not None
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def tidy(frame: pd.DataFrame, ref: str, missing: Sequence[str]) -> pd.DataFrame:
    """Return a copy with text column names, rows numbered from 0, and plain column types.

    Nullable and Arrow-backed columns become what a file gives: floats where integers have gaps,
    `str` objects with None for texts. Categorical columns stay as they are, since a model may have
    been fitted on them.

    Parameters
    ----------
    frame : DataFrame
    ref : str
        Name of the table, for messages.
    missing : sequence of str
        Words, and numbers, that mean a missing value.

    Raises
    ------
    DataError
        When columns have several levels of names.
    """
    if frame.columns.nlevels > 1:
        what = "the columns have names of several levels"
        raise DataError(Problem(what, "flatten them to one name each", ref))
    names = [str(name) for name in frame.columns]
    columns = [_tidy_column(frame.iloc[:, i], missing) for i in range(frame.shape[1])]
    index = pd.RangeIndex(len(frame))
    if len(set(names)) < len(names):  # refused by the caller, which says which
        return frame.set_axis(names, axis=1)
    values = {name: column.set_axis(index) for name, column in zip(names, columns, strict=True)}
    return pd.DataFrame(values, index=index, columns=names, copy=True)


def _tidy_column(column: pd.Series[Any], missing: Sequence[str]) -> pd.Series[Any]:
    if missing:
        column = column.mask(column.isin(_words(column, missing)))
    kind = column.dtype
    if isinstance(kind, pd.StringDtype):
        return _objects(column) if kind.na_value is pd.NA else column
    if isinstance(kind, pd.ArrowDtype) or hasattr(kind, "numpy_dtype"):
        return _plain_column(column)
    return column  # numpy's own types, categorical, dates with a zone


def _plain_column(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a nullable column as a file would give it."""
    kind = column.dtype
    gaps = bool(column.isna().any())
    if pd.api.types.is_float_dtype(kind):
        return pd.Series(column.to_numpy("float64", na_value=np.nan), column.index)
    if pd.api.types.is_integer_dtype(kind) and gaps and _exact(column):
        return pd.Series(column.to_numpy("float64", na_value=np.nan), column.index)
    if pd.api.types.is_integer_dtype(kind) and not gaps:
        return column.astype(getattr(kind, "numpy_dtype", np.dtype("int64")))
    if pd.api.types.is_bool_dtype(kind) and not gaps:
        return column.astype(bool)
    return _objects(column)


def _exact(column: pd.Series[Any]) -> bool:
    low, high = column.min(), column.max()
    return low is pd.NA or bool(low >= -EXACT and high <= EXACT)


def _words(column: pd.Series[Any], missing: Sequence[str]) -> list[Any]:
    """Return the words as values of this column's kind."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return list(missing)
    numbers = []
    for word in missing:
        try:
            numbers.append(float(word))
        except ValueError:
            continue
    return numbers


def _objects(column: pd.Series[Any]) -> pd.Series[Any]:
    plain = column.astype(object)
    return plain.where(column.notna(), None)


def content_hash(frame: pd.DataFrame, kind: bytes = b"aipm-frame/1") -> str:
    """Return the sha256 of a frame's column names and values.

    The same table gives the same digits whatever its index, the width and byte order of its
    numbers, and the library version; another order of rows or columns gives others.
    """
    digest = hashlib.sha256(kind)
    digest.update(struct.pack("<q", len(frame)))
    for name in frame.columns:
        _hash_text(digest.update, str(name))
        _hash_column(digest.update, frame[name])
    return digest.hexdigest()


def _hash_column(update: Callable[[Any], Any], column: pd.Series[Any]) -> None:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_bool_dtype(column.dtype) and column.dtype != object:
        _hash_array(update, b"b", column.to_numpy(dtype="u1"))
    elif pd.api.types.is_integer_dtype(column.dtype):
        unsigned = pd.api.types.is_unsigned_integer_dtype(column.dtype)
        _hash_array(update, b"i", column.to_numpy(dtype="<u8" if unsigned else "<i8"))
    elif pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype="<f8")
        update(b"f")
        for start in range(0, len(values), _BLOCK):
            part = values[start : start + _BLOCK] + 0.0  # 0.0 equals -0.0
            part[np.isnan(part)] = np.nan  # not every NaN has the same bits
            update(part.data)
    else:
        _hash_objects(update, column)


def _hash_array(update: Callable[[Any], Any], kind: bytes, values: np.ndarray[Any, Any]) -> None:
    update(kind)
    update(np.ascontiguousarray(values).data)


def _hash_objects(update: Callable[[Any], Any], column: pd.Series[Any]) -> None:
    """Hash which rows share a value, and then each distinct value once."""
    rows, values = _coded(column)
    _hash_array(update, b"o", rows.astype("<i8", copy=False))
    for value in values:
        _hash_text(update, type(value).__name__)
        _hash_text(update, str(value))


def _coded(column: pd.Series[Any]) -> tuple[np.ndarray[Any, Any], list[Any]]:
    """Return each row's code, -1 where missing, and the values in the order of first sight."""
    try:
        codes, found = pd.factorize(column)
    except TypeError:  # lists and other values that have no hash
        pass
    else:
        if column.dtype != object or all(isinstance(value, str) for value in found):
            return codes, list(found)
    # Mixed objects: 1, 1.0 and True are equal, yet not the same content.
    seen: dict[tuple[str, str], int] = {}
    values: list[Any] = []
    rows = np.full(len(column), -1)
    for row, value in enumerate(column):
        if _missing(value):
            continue
        key = (type(value).__name__, str(value))
        if key not in seen:
            seen[key] = len(values)
            values.append(value)
        rows[row] = seen[key]
    return rows, values


def _missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _hash_text(update: Callable[[Any], Any], text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    update(struct.pack("<q", len(raw)) + raw)
