"""Rows in classes that look alike, from a table and its quasi-identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence, located
from pytest_aipm.sources.data import DataSource, DataSpec, open_data
from pytest_aipm.stats.anonymity import Diversity, Risks, diversity, risks

__all__ = ["Alike", "alike"]


@dataclass(frozen=True)
class Alike:
    """What a table gives away.

    Attributes
    ----------
    rows : int
    risks : Risks
    diversity : dict of str to Diversity
        By sensitive column.
    journalist : float or None
        Highest risk of an attacker who looks a row up in the population; None without one.
    """

    rows: int
    risks: Risks
    diversity: dict[str, Diversity]
    journalist: float | None = None


def alike(
    evidence: Evidence,
    quasi: Sequence[str],
    sensitive: Sequence[str],
    *,
    train: bool,
    c: float,
    population: str | None,
) -> Alike:
    """Sort the rows into classes and look into each.

    Parameters
    ----------
    evidence : Evidence
    quasi, sensitive : sequence of str
        Columns by which somebody may be found, and columns that nobody else should learn.
    train : bool
        Whether the training rows are looked at, rather than the evaluation rows.
    c : float
        Of recursive diversity.
    population : str or None
        A file of the population that the rows are from, with the same quasi-identifiers.

    Raises
    ------
    DataError
        When a column is not there, holds no single values, or the population lacks rows.
    """
    source = evidence.train if train else evidence.data
    if source is None:
        raise DataError(
            evidence.subject.problem(
                "train", "there are no training rows", "add `train: PATH` to the subject"
            )
        )
    frame = source.frame([*quasi, *sensitive])
    with located(source.ref):
        classes = _classes(frame, quasi)
        found = {
            name: diversity(
                classes,
                _codes(frame[name]),
                ordered=_is_number(frame[name]),
                c=c,
            )
            for name in sensitive
        }
    everyone = None
    if population is not None:
        whole = open_data(DataSpec(path=population), root=evidence.root)
        everyone = _journalist(frame[list(quasi)], whole, quasi, source.ref)
    return Alike(len(frame), risks(classes), found, everyone)


def _journalist(
    rows: pd.DataFrame, population: DataSource, quasi: Sequence[str], ref: str
) -> float:
    """Return one over the smallest class of the population that any row falls into."""
    everyone = population.frame(list(quasi))
    both = pd.concat([rows, everyone], ignore_index=True)
    with located(population.ref):
        classes = _classes(both, quasi)
    ours = np.bincount(classes[: len(rows)], minlength=classes.max() + 1)
    theirs = np.bincount(classes[len(rows) :], minlength=classes.max() + 1)
    if (theirs < ours).any():
        short = int((theirs < ours).sum())
        raise DataError(
            Problem(
                f"the population holds fewer rows than {ref} in {short:,} classes, so the rows "
                "are not from it",
                "name the population that they are from, with the same columns written alike",
                path=population.ref,
            )
        )
    return 1 / int(theirs[ours > 0].min())


def _classes(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Return the class of each row, from 0: rows with the same values, missing ones among them."""
    found = np.zeros(len(frame), dtype=np.int64)
    for name in columns:
        codes = _codes(frame[name])
        found = pd.factorize(found * (int(codes.max()) + 1) + codes)[0].astype(np.int64)
    return found


def _codes(column: pd.Series[Any]) -> np.ndarray:
    """Return values coded from 0 in their order; a missing one is a value of its own."""
    try:
        codes, found = pd.factorize(column, use_na_sentinel=True)
    except TypeError:
        what = f"column {str(column.name)[:60]!r} holds lists or mappings"
        raise DataError(Problem(what, "name a column with one value a row")) from None
    values = np.asarray(found, dtype=float if _is_number(column) else str)
    ranks = np.unique(values, return_inverse=True)[1]
    missing = ranks.max() + 1 if len(ranks) else 0
    return np.append(ranks, missing)[codes].astype(np.int64)


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))
