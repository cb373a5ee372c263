"""The same rows from two ends of a pipeline, and from two reads of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import Of, source_of
from pytest_aipm.evidence.sample import hash_rows
from pytest_aipm.evidence.subject import group_name
from pytest_aipm.sources.data import DataSource, DataSpec, open_data
from pytest_aipm.sources.frames import content_hash

__all__ = ["Reread", "Skew", "reread", "skew"]


@dataclass(frozen=True)
class Skew:
    """Cells that differ between the rows and what is served for the same ids.

    Attributes
    ----------
    columns : tuple of str
    differing : int array of shape (columns,)
        Rows in which each column differs.
    matched, rows, extra : int
        Ids in both; rows looked at; ids that only the served rows have.
    absent : tuple of str
        Columns that are not served at all.
    retyped : tuple of str
        Columns that hold numbers on one side and texts on the other.
    """

    columns: tuple[str, ...]
    differing: np.ndarray
    matched: int
    rows: int
    extra: int
    absent: tuple[str, ...]
    retyped: tuple[str, ...]

    @property
    def shares(self) -> np.ndarray:
        """Share of the matched rows in which each column differs."""
        return np.asarray(self.differing / self.matched)


def skew(
    evidence: Evidence,
    *,
    of: Of,
    serving: str,
    key: str | None,
    columns: Sequence[str],
    tolerance: float,
) -> Skew:
    """Compare rows with those that are served, joined by key.

    Parameters
    ----------
    evidence : Evidence
    of : {"data", "train"}
    serving : str
        A file, or ``package.module:function``.
    key : str or None
        Column of ids of both; default the subject's.
    columns : sequence of str
        Empty for the model's inputs.
    tolerance : float
        Numbers are alike when they differ by at most this share of the larger.

    Raises
    ------
    CheckError
        Without a key.
    DataError
        When the served rows cannot be read, ids are missing, occur twice or never meet.
    """
    source = source_of(evidence, of)
    key = key or evidence.subject.id
    if key is None:
        what = "rows are compared by their ids, and no column of them is named"
        raise CheckError(Problem(what, "add `key: COLUMN`, or `id: COLUMN` to the subject"))
    served = open_data(DataSpec.parse(serving, evidence.root), root=evidence.root)
    wanted = list(columns) or [
        name for name in evidence.feature_columns() if name in source.columns
    ]
    wanted = [name for name in dict.fromkeys(wanted) if name != key]
    if not wanted:
        raise CheckError(Problem("there is no column to compare", "name some under `columns`"))
    present = [name for name in wanted if name in served.columns]
    ours, theirs = source.frame([key, *wanted]), served.frame([key, *present])
    own, other = _ids(ours[key], theirs[key], key, source, served)
    place = other.get_indexer(own)
    both = place >= 0
    if not both.any():
        what = f"no id of {source.ref} ({key!r}) occurs in {served.ref}"
        raise DataError(Problem(what, "name rows of the same people, with ids written alike"))
    here = ours[both].reset_index(drop=True)
    there = theirs.iloc[place[both]].reset_index(drop=True)
    matched = int(both.sum())
    differing, retyped = [], []
    for name in wanted:
        if name not in present:
            differing.append(matched)
            continue
        differs, typed = _differs(here[name], there[name], tolerance)
        differing.append(int(differs.sum()))
        retyped += [name] * typed
    return Skew(
        columns=tuple(wanted),
        differing=np.array(differing),
        matched=matched,
        rows=len(ours),
        extra=len(theirs) - matched,
        absent=tuple(name for name in wanted if name not in present),
        retyped=tuple(retyped),
    )


def _ids(
    ours: pd.Series[Any], theirs: pd.Series[Any], key: str, source: DataSource, served: DataSource
) -> tuple[pd.Index[Any], pd.Index[Any]]:
    numbers = all(pd.api.types.is_numeric_dtype(each) for each in (ours, theirs))
    found = []
    for ids, where in ((ours, source), (theirs, served)):
        if ids.isna().any():
            what = f"id column {key!r} is empty in {int(ids.isna().sum()):,} rows"
            raise DataError(Problem(what, "give every row its id", where.ref))
        index = pd.Index(ids if numbers else ids.map(group_name))
        if not index.is_unique:
            twice = int(index.duplicated().sum())
            what = f"id column {key!r} repeats an id in {twice:,} rows"
            raise DataError(Problem(what, "keep one row for each id", where.ref))
        found.append(index)
    return found[0], found[1]


def _differs(
    ours: pd.Series[Any], theirs: pd.Series[Any], tolerance: float
) -> tuple[np.ndarray, bool]:
    """Return where two columns differ, and whether one holds numbers and the other does not."""
    kinds = [
        pd.api.types.is_numeric_dtype(each) and not pd.api.types.is_bool_dtype(each)
        for each in (ours, theirs)
    ]
    lost = ours.isna().to_numpy() | theirs.isna().to_numpy()
    one_lost = ours.isna().to_numpy() != theirs.isna().to_numpy()
    if all(kinds):
        a, b = (each.to_numpy(dtype=float, na_value=np.nan) for each in (ours, theirs))
        with np.errstate(invalid="ignore", over="ignore"):
            far = np.abs(a - b) > tolerance * np.maximum(np.abs(a), np.abs(b))
        far |= (np.isinf(a) | np.isinf(b)) & (a != b)
        return np.where(lost, one_lost, far), False
    codes, _ = pd.factorize(pd.concat([_written(ours), _written(theirs)], ignore_index=True))
    texts = codes[: len(ours)] != codes[len(ours) :]
    return np.where(lost, one_lost, texts), kinds[0] != kinds[1] and not bool(lost.all())


def _written(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return values as they read, each distinct one written once."""
    codes, found = pd.factorize(column, use_na_sentinel=True)
    names = np.array([*(group_name(each) for each in found), ""], dtype=object)
    return pd.Series(names[codes])


@dataclass(frozen=True)
class Reread:
    """What two reads of one source have in common.

    Attributes
    ----------
    columns : tuple of str
        Of both.
    differing : tuple of str
        Those that do not hold the same, or are in one of the reads alone.
    rows : (int, int)
    reordered : bool
        Whether the same rows came in another order.
    """

    columns: tuple[str, ...]
    differing: tuple[str, ...]
    rows: tuple[int, int]
    reordered: bool


def reread(evidence: Evidence, of: Of) -> Reread | None:
    """Read a source twice more; None for rows that were handed over in memory."""
    source = source_of(evidence, of)
    if source.kind == "frame":
        return None
    spec = DataSpec.parse(source.ref, evidence.root)
    first, second = (_whole(open_data(spec, root=evidence.root)) for _ in range(2))
    names = tuple(dict.fromkeys([*first.columns, *second.columns]))
    differing = tuple(
        name
        for name in names
        if name not in first.columns
        or name not in second.columns
        or content_hash(first[[name]]) != content_hash(second[[name]])
    )
    reordered = False
    if differing and len(first) == len(second) and set(first.columns) == set(second.columns):
        hashes = [np.sort(hash_rows(each, list(first.columns))) for each in (first, second)]
        reordered = bool((hashes[0] == hashes[1]).all())
    return Reread(names, differing, (len(first), len(second)), reordered)


def _whole(source: DataSource) -> pd.DataFrame:
    return source.frame()
