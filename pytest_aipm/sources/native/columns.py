"""Columns of a frame as the numbers that the libraries take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.sources.faults import listed
from pytest_aipm.sources.native.voice import Asked
from pytest_aipm.sources.output import rows_of

__all__ = ["Categories", "codes_of", "is_text", "matrix", "number"]

Categories = Mapping[int, Sequence[Any]]
"""By the place of a column: its categories, in the order of their codes."""

_SHOWN = 3


def matrix(
    frame: pd.DataFrame, asked: Asked, categories: Categories, *, unseen_is_missing: bool
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a frame as numbers: categories as their codes, what is missing as NaN.

    Parameters
    ----------
    frame : DataFrame of shape (n, p)
    asked : Asked
    categories : Categories
        Every other column must hold numbers.
    unseen_is_missing : bool
        Whether a value that is no category counts as missing, as the library has it, with a
        warning; else it is refused.

    Returns
    -------
    ndarray of shape (n, p), dtype float64

    Raises
    ------
    ModelError
        When a column holds text or dates where the model takes numbers, or unknown categories.
    """
    numbers = np.empty(frame.shape)
    for i in range(frame.shape[1]):
        column = frame.iloc[:, i]
        if i in categories:
            numbers[:, i] = codes_of(
                column, categories[i], asked, unseen_is_missing=unseen_is_missing
            )
        else:
            numbers[:, i] = number(column, asked)
    return numbers


def is_text(column: pd.Series[Any]) -> bool:
    """Return whether a column holds anything that is neither a number nor missing."""
    kind = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else None
    if pd.api.types.is_numeric_dtype(kind or column.dtype):
        return False
    known = column.dropna()
    return len(known) > 0 and not all(
        isinstance(each, int | float | np.number | np.bool_) for each in known
    )


def number(column: pd.Series[Any], asked: Asked) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a column as numbers, what is missing as NaN; truth is 1.

    Raises
    ------
    ModelError
        When it holds text or dates.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype if column.notna().all() else object)
    if is_text(column):
        first = column.dropna().iloc[0]
        what = f"model {asked.ref} takes a number in column {column.name!r}, the data hold "
        what += f"{type(first).__name__} there ({rows_of(column.to_frame())})"
        fix = "give it the columns as it was fitted on them, or load it in a factory that does"
        raise asked.error(what, fix)
    if column.dtype == object:
        column = column.map(lambda each: np.nan if pd.isna(each) else float(each))
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def codes_of(
    column: pd.Series[Any], categories: Sequence[Any], asked: Asked, *, unseen_is_missing: bool
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the place of each value among the categories, NaN for what is missing.

    Raises
    ------
    ModelError
        When values are no categories: one of them, or with `unseen_is_missing` all of them.
    """
    values = column.astype(object)
    place = {value: float(i) for i, value in enumerate(categories)}
    codes = values.map(place).to_numpy(dtype=np.float64)
    unseen = np.isnan(codes) & values.notna().to_numpy()
    if not unseen.any():
        return codes
    if unseen_is_missing and unseen.sum() < values.notna().sum():
        said = f"column {column.name!r} holds categories that model {asked.ref} was not fitted on"
        note = f"{said}; it takes them for missing"
        if note not in asked.heard:
            asked.heard.append(note)
        return codes
    strangers = pd.unique(values[unseen])
    what = (
        f"column {column.name!r} holds {listed(map(repr, strangers.tolist()), _SHOWN)}, which "
        f"model {asked.ref} was not fitted on ({rows_of(column.to_frame())})"
    )
    known = f"its categories are {listed(map(repr, categories))}"
    raise asked.error(what, known)
