"""Ranks of values that have an order, whatever their type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, Problem

__all__ = ["ranks_of"]


def ranks_of(values: Any) -> np.ndarray:
    """Return the rank of each value, ties at their middle, nan where one is missing.

    Raises
    ------
    CheckError
        When the values have no order.
    """
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    plain = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column)
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
        column, plain = column.cat.codes.where(column.notna()), True
    if not plain:
        what = f"column {column.name!r} has no order in which it could rise"
        raise CheckError(Problem(what, "name columns of numbers, dates or ordered categories"))
    return np.asarray(column.rank().to_numpy(dtype=float, na_value=np.nan))
