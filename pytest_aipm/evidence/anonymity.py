"""Rows in classes that look alike, from a table and its quasi-identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.passes import located
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
    missing : int
        Rows that miss a quasi-identifier.
    unknown : dict of str to int
        Rows that miss the sensitive value, by column, where there are any.
    fractions : tuple of str
        Quasi-identifiers that hold fractions, most of them different.
    """

    rows: int
    risks: Risks
    diversity: dict[str, Diversity]
    journalist: float | None = None
    missing: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    fractions: tuple[str, ...] = ()


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
    frame = evidence.content(source, [*quasi, *sensitive])
    with located(source.ref):
        classes = _classes(frame, quasi)
        found = {name: _secrets(classes, frame[name], name, c) for name in sensitive}
    missing = int(frame[list(quasi)].isna().any(axis=1).sum())
    everyone = None
    if population is not None:
        whole = open_data(DataSpec(path=population), root=evidence.root)
        everyone = _journalist(frame[list(quasi)], whole, quasi, source.ref)
    return Alike(
        rows=len(frame),
        risks=risks(classes),
        diversity={name: each for name, (each, _) in found.items()},
        journalist=everyone,
        missing=missing,
        unknown={name: lost for name, (_, lost) in found.items() if lost},
        fractions=tuple(name for name in quasi if _fractions(frame[name])),
    )


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
    if _is_number(column):
        ranks = np.unique(np.asarray(found, dtype=float), return_inverse=True)[1]
    else:  # as objects: an array of texts is as wide as its longest one for every row
        ranks = pd.factorize(pd.Series([str(each) for each in found], dtype=object), sort=True)[0]
    missing = ranks.max() + 1 if len(ranks) else 0
    return np.append(ranks, missing)[codes].astype(np.int64)


def _is_number(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    return bool(
        pd.api.types.is_numeric_dtype(kind)
        and not pd.api.types.is_bool_dtype(kind)
        and not pd.api.types.is_complex_dtype(kind)
    )


def _secrets(
    classes: np.ndarray, column: pd.Series[Any], name: str, c: float
) -> tuple[Diversity, int]:
    """Return what the classes tell of the rows whose value is known, and how many are not.

    A missing value hides nobody: were it one of the values, it would make classes look diverse.
    """
    known = column.notna().to_numpy()
    if not known.any():
        what = f"the sensitive column {name[:60]!r} holds no value"
        raise DataError(Problem(what, "name one that does, or leave it out"))
    inside = np.unique(classes[known], return_inverse=True)[1]
    found = diversity(inside, _codes(column[known]), ordered=_is_number(column), c=c)
    return found, int((~known).sum())


def _fractions(column: pd.Series[Any]) -> bool:
    """Return whether it holds fractions, most of them different: nobody is alike in it."""
    known = column.dropna()
    if not _is_number(known) or known.empty:
        return False
    numbers = known.to_numpy(dtype=float)
    return bool((numbers != np.floor(numbers)).any() and 2 * len(np.unique(numbers)) > len(numbers))
