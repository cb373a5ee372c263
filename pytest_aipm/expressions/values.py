"""Columns as the language sees them: numbers, texts or truth values, and which are missing."""

from __future__ import annotations

import decimal
import numbers
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

__all__ = ["Kind", "Values", "values_of"]

Kind = Literal["number", "text", "truth", "nothing", "other"]
"""``nothing``: every value is missing, so it fits any other. ``other``: dates, lists, mixtures."""


@dataclass(frozen=True)
class Values:
    """Values of one kind, shape () or (n,).

    Attributes
    ----------
    kind : str
    data : array
        Float or int for numbers, object for texts, bool for truth; anything where not `known`.
    known : bool array
        False where the value is missing, or the answer unknown.
    about : str
        What they are, for errors: "numbers", "dates", "text and numbers (first: 'n/a')".
    """

    kind: Kind
    data: np.ndarray
    known: np.ndarray
    about: str


def values_of(given: Any) -> Values:
    """Return an array, a column or a single value as the language sees it.

    Parameters
    ----------
    given : array-like of shape (n,), or scalar
        ``None``, NaN, NaT and ``pd.NA`` are missing; an infinity is a number.
    """
    raw = given
    if not isinstance(given, np.ndarray):
        if pd.api.types.is_list_like(given):
            series = given if isinstance(given, pd.Series) else pd.Series(list(given))
            plain = isinstance(series.dtype, np.dtype)
            raw = series.to_numpy() if plain else series.astype(object).to_numpy()
        else:
            raw = np.empty((), dtype=object)
            raw[()] = given
    kind = raw.dtype.kind
    if kind == "b":
        return Values("truth", raw, np.ones(raw.shape, dtype=bool), "truth values")
    if kind in "iu":
        exact = raw.dtype.itemsize < 8 or kind == "i"
        known = np.ones(raw.shape, dtype=bool)
        return Values("number", raw.astype(np.int64 if exact else float), known, "numbers")
    if kind == "f":
        data = raw.astype(float)
        known = ~np.isnan(data)
        return Values("number" if known.any() else "nothing", data, known, "numbers")
    if kind in "mM":
        known = ~np.isnat(raw)
        about = "dates" if kind == "M" else "times"
        return Values("other" if known.any() else "nothing", raw, known, about)
    return _objects(raw.astype(object))


def _objects(data: np.ndarray) -> Values:
    known = np.asarray(~pd.isna(_no_lists(data)), dtype=bool).reshape(data.shape)
    seen = data[known]
    kinds = dict.fromkeys(map(_kind_of, seen.ravel()))
    if not kinds:
        return Values("nothing", np.zeros(data.shape), known, "nothing")
    if len(kinds) > 1 or "other" in kinds:
        return Values("other", data, known, _mixture(seen, list(kinds)))
    kind: Kind = next(iter(kinds))
    if kind == "text":
        return Values("text", data, known, "text")
    filled = np.zeros(data.shape, dtype=bool if kind == "truth" else float)
    whole = kind == "number" and all(map(_is_small_int, seen.ravel()))
    if whole:
        filled = filled.astype(np.int64)
    filled[known] = seen
    if kind == "number" and not whole:
        known = known & ~np.isnan(filled)
    return Values(kind, filled, known, "truth values" if kind == "truth" else "numbers")


def _no_lists(data: np.ndarray) -> np.ndarray:
    """Return the same with lists and arrays replaced: pandas would look into them."""
    flat = [0 if pd.api.types.is_list_like(each) else each for each in data.ravel()]
    return np.array([*flat, None], dtype=object)[:-1]


def _kind_of(value: Any) -> Kind:
    if isinstance(value, bool | np.bool_):
        return "truth"
    if isinstance(value, str):
        return "text"
    if isinstance(value, numbers.Real | decimal.Decimal):
        return "number"
    return "other"


def _is_small_int(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and abs(int(value)) < 2**63


def _mixture(seen: np.ndarray, kinds: list[Kind]) -> str:
    names = {"text": "text", "number": "numbers", "truth": "truth values", "other": "other things"}
    if len(kinds) == 1:
        return f"values of type {type(seen.ravel()[0]).__name__}"
    return "a mixture of " + " and ".join(names[kind] for kind in sorted(kinds))
