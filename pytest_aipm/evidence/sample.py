"""Rows for questions that counts cannot answer: a seeded, hash-chosen sample in one pass."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Drawn", "among", "generator", "hash_rows", "row_keys", "sample_rows"]

_MISSING = "\ue000missing"
"""A text of nobody's; pandas 2.2 takes one that begins with a zero byte for the empty text."""


def row_keys(rows: np.ndarray, seed: int) -> np.ndarray:
    """Return a pseudo-random key for each row number (splitmix64, Steele, Lea, Flood 2014).

    The key depends on the row number and the seed alone, so that every split of the data into
    batches chooses the same rows.

    Parameters
    ----------
    rows : int array of shape (n,)
    seed : int

    Returns
    -------
    uint64 array of shape (n,)
    """
    with np.errstate(over="ignore"):
        z = rows.astype(np.uint64) + np.uint64(seed % 2**63) * np.uint64(0x9E3779B97F4A7C15)
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: np.ndarray = z ^ (z >> np.uint64(31))
    return mixed


def sample_rows(batches: Iterable[pd.DataFrame], k: int, seed: int) -> pd.DataFrame:
    """Return the `k` rows with the smallest keys, in the order of the data.

    Parameters
    ----------
    batches : iterable of DataFrame
        Indexed by global row number.
    k : int
        Fewer rows are returned whole.
    seed : int

    Returns
    -------
    DataFrame of at most `k` rows
    """
    drawn = Drawn(k, seed)
    for batch in batches:
        drawn = drawn.merge(drawn.of(batch))
    return drawn.frame


@dataclass(frozen=True, eq=False)
class Drawn:
    """At most `k` rows: those with the smallest keys, in the order of the data.

    Attributes
    ----------
    k, seed : int
    rows : DataFrame or None
        Indexed by global row number; None before the first batch.
    seen : int
        From how many they were drawn.
    """

    k: int
    seed: int
    rows: pd.DataFrame | None = None
    seen: int = 0

    @property
    def frame(self) -> pd.DataFrame:
        """The rows; an empty frame where there was no batch."""
        return pd.DataFrame() if self.rows is None else self.rows

    def of(self, batch: pd.DataFrame) -> Drawn:
        """Return those of one batch."""
        return replace(self, rows=self._cut(batch), seen=len(batch))

    def holds(self, columns: Sequence[str], k: int) -> bool:
        """Return whether a sample of at most `k` rows of these columns can be cut from it."""
        return k <= self.k and set(columns) <= set(self.frame.columns)

    def cut(self, columns: Sequence[str], k: int) -> Drawn:
        """Return the sample of `k` rows that a pass of its own would have drawn."""
        return replace(replace(self, k=k).of(self.frame[list(columns)]), seen=self.seen)

    def merge(self, other: Drawn) -> Drawn:
        """Return those of both."""
        seen = self.seen + other.seen
        # a frame without columns, which pandas calls empty, has rows all the same
        if self.rows is None or (not len(self.rows) and other.rows is not None):
            return replace(other, seen=seen)
        if other.rows is None or not len(other.rows):
            return replace(self, seen=seen)
        return replace(self, rows=self._cut(pd.concat([self.rows, other.rows])), seen=seen)

    def _cut(self, rows: pd.DataFrame) -> pd.DataFrame:
        if len(rows) <= self.k:
            return rows
        keys = row_keys(rows.index.to_numpy(), self.seed)
        return rows.iloc[np.sort(np.argpartition(keys, self.k - 1)[: self.k])]


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return random numbers of their own for each name, whatever else was drawn before."""
    words = [zlib.crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.PCG64([seed, *words]))


def hash_rows(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return a 64-bit hash of each row's values; equal values hash alike whatever their type.

    Whole numbers and floats of the same value agree, and so do all spellings of "missing".

    Parameters
    ----------
    frame : DataFrame of n rows
    columns : sequence of str

    Returns
    -------
    uint64 array of shape (n,)
    """
    # the way in which pandas joins the hashes of columns (and CPython those of a tuple)
    joined, factor = np.full(len(frame), 0x345678, dtype=np.uint64), 1000003
    for left, name in zip(range(len(columns), 0, -1), columns, strict=True):
        joined ^= _hashed(frame[name])
        joined *= np.uint64(factor)
        factor += 82520 + 2 * left
    joined += np.uint64(97531)
    return joined


def among(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which hashes are in `known`, an ascending array; both of dtype uint64."""
    if not len(known):
        return np.zeros(len(hashes), dtype=bool)
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    found: np.ndarray = known[place] == hashes
    return found


def _hashed(column: pd.Series[Any]) -> np.ndarray:
    """Return a hash of each value; each different text is hashed once."""
    kind = column.dtype
    number = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if number and not pd.api.types.is_bool_dtype(kind):
        return _hash_array(_numbers(column))
    if isinstance(kind, pd.StringDtype) or (
        kind.kind == "O" and pd.api.types.infer_dtype(column, skipna=True) == "string"
    ):
        codes, values = pd.factorize(column)
        texts = np.append(np.asarray(values, dtype=object), _MISSING)
        return _hash_array(texts)[codes]  # -1, of what is missing, is the last
    if pd.api.types.is_datetime64_any_dtype(kind):
        codes, values = pd.factorize(column)
        return _hash_array(np.array([*map(str, values), _MISSING], dtype=object))[codes]
    plain = column.astype(object)
    told = plain.where(plain.notna(), _MISSING).map(str).astype(object)
    return _hash_array(told.to_numpy(), categorize=True)


def _hash_array(values: np.ndarray, *, categorize: bool = False) -> np.ndarray:
    try:
        hashed: np.ndarray = pd.util.hash_array(values, categorize=categorize)
    except UnicodeEncodeError:  # half characters, as a broken file holds, have no bytes
        whole = [text.encode("utf-8", "backslashreplace").decode() for text in values]
        hashed = pd.util.hash_array(np.array(whole, dtype=object), categorize=categorize)
    return hashed


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    plain = isinstance(column.dtype, np.dtype)
    numbers = (column if plain else column.astype("Float64")).to_numpy(dtype=float, na_value=np.nan)
    # 0.0 and -0.0 are equal, and so are all NaN, but their bits, which pandas 2 hashes, differ
    return np.where(np.isnan(numbers), np.nan, numbers + 0.0)
