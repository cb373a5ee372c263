"""What can be read as a table of rows: arrays, tensors, sparse matrices, lists, mappings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.walk import MAX_CELLS, MAX_ITEMS

__all__ = ["BLOCKS", "EXTRA", "MAX_BYTES", "tables_in"]

MAX_BYTES = 256 * 2**20
"""Of one array; of a larger one, blocks evenly spread are read."""
BLOCKS = 64
EXTRA = 3
"""Columns beside the row's own that may stand before or behind it: a label, an index."""


def tables_in(value: Any, widths: set[int], names: pd.Index) -> list[tuple[pd.DataFrame, bool]]:
    """Return the tables that a value is or can be read as, and whether each is whole."""
    kind = type(value)
    if issubclass(kind, pd.DataFrame):
        return [(each, True) for each in _named(value, names)]
    if issubclass(kind, np.ndarray):
        one_by_one = value.ndim == 1 and value.dtype == object
        return _of_items(value, widths, names) if one_by_one else _of_array(value, widths)
    if issubclass(kind, dict):
        return _of_mapping(value, widths, names)
    if issubclass(kind, list | tuple | set | frozenset):
        return _of_items(value, widths, names)
    if not _is_array(kind) or issubclass(kind, pd.Series | pd.Index):
        return []
    return _of_foreign(value, widths)


def _is_array(kind: type) -> bool:
    """Return whether values of a type are arrays, as far as a type can say it."""
    return hasattr(kind, "shape") and any(hasattr(kind, name) for name in ("__array__", "toarray"))


def _named(value: pd.DataFrame, names: pd.Index) -> list[pd.DataFrame]:
    """Return the columns that are called as the row's own, else all."""
    if value.columns.is_unique and names.isin(value.columns).all():
        return [value[list(names)]]
    return [value]


def _of_array(value: np.ndarray, widths: set[int]) -> list[tuple[pd.DataFrame, bool]]:
    if value.dtype.names:
        return _of_records(value.ravel())
    if value.ndim < 2 or not value.size or value.dtype.kind not in "biufOUS":
        return []
    if not _near(value.shape[-1], widths):
        return []
    if value.ndim > 2:
        if value.nbytes > MAX_BYTES:
            return [(pd.DataFrame(), False)]
        value = value.reshape(-1, value.shape[-1])
    if value.nbytes <= MAX_BYTES:
        return [(pd.DataFrame(np.asarray(value)), True)]
    blocks = _blocks(value, MAX_BYTES // (value.nbytes // len(value)))
    return [(pd.DataFrame(np.concatenate(blocks)), False)]


def _of_records(value: np.ndarray) -> list[tuple[pd.DataFrame, bool]]:
    """Return an array whose items have fields."""
    some = value[: MAX_BYTES // value.itemsize]
    return [(pd.DataFrame.from_records(some), len(some) == len(value))]


def _near(width: int, widths: set[int]) -> bool:
    return any(0 <= width - each <= EXTRA for each in widths)


def _blocks(value: Any, most: int) -> list[np.ndarray]:
    """Return at most so many rows, in blocks that are evenly spread."""
    each = max(1, most // BLOCKS)
    starts = np.linspace(0, value.shape[0] - each, BLOCKS).astype(int)
    return [_dense(value[int(start) : int(start) + each]) for start in starts]


def _of_mapping(
    value: dict[Any, Any], widths: set[int], names: pd.Index
) -> list[tuple[pd.DataFrame, bool]]:
    """Return rows that are keys or values, and columns that are kept by their names."""
    found = _of_items(value, widths, names) + _of_items(value.values(), widths, names)
    if len(names) and names.isin(list(value)).all():
        columns = {name: _dense(value[name]) for name in names if _length(value[name])}
        if len(columns) == len(names) and len({each.shape for each in columns.values()}) == 1:
            found.append((pd.DataFrame(columns), True))
    return found


def _length(column: Any) -> int:
    """Return how many values a column that can be read has; 0 for what is none."""
    kind = type(column)
    if issubclass(kind, list | tuple):
        return len(column) if len(column) <= MAX_ITEMS and _is_row(column) else 0
    is_array = _is_array(kind) or issubclass(kind, pd.Series | pd.Index)
    shape: tuple[int, ...] = tuple(column.shape) if is_array else ()
    return int(shape[0]) if len(shape) == 1 and shape[0] <= MAX_CELLS else 0


def _of_items(value: Any, widths: set[int], names: pd.Index) -> list[tuple[pd.DataFrame, bool]]:
    """Return rows that are written as a list of tuples, lists, mappings or arrays."""
    items = [item for _, item in zip(range(MAX_ITEMS), value, strict=False)]
    whole = len(items) == len(value)
    found = []
    rows = [each for each in items if isinstance(each, tuple | list)]
    arrays = [each for each in items if _is_array(type(each)) and len(each.shape) == 1]
    for width in widths:
        like = [each for each in rows if len(each) == width and _is_row(each)]
        if like and width >= 2:
            found.append((pd.DataFrame(like), whole))
        same = [_dense(each) for each in arrays if each.shape[0] == width]
        if same and width >= 2:
            found.append((pd.DataFrame(np.stack(same)), whole))
    records = [each for each in items if isinstance(each, dict) and names.isin(list(each)).all()]
    if records:
        found.append(
            (pd.DataFrame([{name: each[name] for name in names} for each in records]), whole)
        )
    return found


def _is_row(values: Any) -> bool:
    return all(
        isinstance(each, str | int | float | bool | np.generic | type(None)) for each in values
    )


def _of_foreign(value: Any, widths: set[int]) -> list[tuple[pd.DataFrame, bool]]:
    """Return a sparse matrix or a tensor as a table."""
    shape = tuple(value.shape)
    if len(shape) < 2 or not math.prod(shape) or not _near(shape[-1], widths):
        return []
    if math.prod(shape) > MAX_CELLS:
        blocks = _blocks(value, MAX_CELLS // shape[-1]) if len(shape) == 2 else []
        return [(pd.DataFrame(np.concatenate(blocks) if blocks else None), False)]
    return [(pd.DataFrame(_dense(value).reshape(-1, shape[-1])), True)]


def _dense(value: Any) -> np.ndarray:
    """Return a sparse matrix or a tensor as an array; one that gradients are kept of, too."""
    for name in ("toarray", "detach", "to_dense", "cpu"):
        if hasattr(type(value), name):
            value = getattr(value, name)()
    return np.asarray(value)
