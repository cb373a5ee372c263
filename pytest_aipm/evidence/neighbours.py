"""Rows as points: what the model is told about people, without their protected attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.subject import MAX_LEVELS, group_name

__all__ = ["Points", "compared_columns", "coordinates", "points_of"]

FAVORABLE = "aipm::favorable"
"""A column beside those of the data and those joined to it, which are called ``aipm:name``."""


@dataclass(frozen=True)
class Points:
    """A sample of rows as points in which distances mean unlikeness.

    Attributes
    ----------
    points : float array of shape (n, d)
        Numbers in standard deviations; two different categories lie 1 apart.
    favorable : bool array of shape (n,)
    group : int array of shape (n,)
        -1 when unknown.
    columns : tuple of str
        The columns compared.
    rows : int
        Rows there are.
    """

    points: np.ndarray
    favorable: np.ndarray
    group: np.ndarray
    columns: tuple[str, ...]
    rows: int


def points_of(evidence: Evidence, groups: Grouping, *, columns: Sequence[str], rows: int) -> Points:
    """Return at most `rows` rows, chosen by the seed.

    Parameters
    ----------
    evidence : Evidence
    groups : Grouping
    columns : sequence of str
        What makes people alike; empty for the model's inputs without protected attributes.
    rows : int

    Raises
    ------
    CheckError
        When no column is left, or one is a protected attribute.
    DataError
        When a column is not there or holds more categories than can be compared.
    """
    compared = compared_columns(evidence, columns)
    by = [evidence.subject.attribute(name).column for name in groups.by]
    wanted = [*compared, *by]
    evidence.data.require(wanted)
    frame = evidence.drawn_decided(wanted, rows, FAVORABLE).frame
    parts = [part for name in compared for part in coordinates(frame[name], name)]
    return Points(
        points=np.column_stack(parts) if parts else np.zeros((len(frame), 1)),
        favorable=frame[FAVORABLE].to_numpy(dtype=bool),
        group=groups.members(evidence.subject, frame),
        columns=tuple(compared),
        rows=evidence.n,
    )


def compared_columns(evidence: Evidence, columns: Sequence[str]) -> list[str]:
    """Return the columns that make people alike: those named, else inputs that are not protected.

    Raises
    ------
    CheckError
        When no column is left, or one is a protected attribute.
    """
    protected = {each.column for each in evidence.subject.attributes}
    named = next((name for name in columns if name in protected), None)
    if named is not None:
        what = f"column {named!r} is a protected attribute, and must not make people unlike"
        raise CheckError(Problem(what, "leave it out of `columns`"))
    compared = list(columns) or [
        name for name in evidence.feature_columns() if name not in protected
    ]
    if not compared:
        what = "there is no column by which people could be alike"
        raise CheckError(Problem(what, "name some under `columns:`"))
    return compared


def coordinates(column: pd.Series[Any], name: str) -> list[np.ndarray]:
    """Return the axes of one column: a number and whether it is missing, or its categories."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return _number(column.to_numpy(dtype=float, na_value=np.nan))
    try:
        codes, uniques = pd.factorize(column, use_na_sentinel=True)
    except TypeError:
        what = f"column {name!r} holds lists or mappings, which cannot be compared"
        raise DataError(Problem(what, "name other columns under `columns:`")) from None
    if len(uniques) > MAX_LEVELS:
        what = f"column {name!r} has more than {MAX_LEVELS} categories: everybody is unlike there"
        raise DataError(Problem(what, "name the columns that matter under `columns:`"))
    names = [group_name(value) for value in uniques]
    levels = sorted(set(names))
    place = np.array([*(levels.index(each) for each in names), -1])
    # one axis a category: two different ones are the root of 2 apart, hence the factor
    return [(place[codes] == i) / np.sqrt(2) for i in ([-1] if -1 in codes else [])] + [
        (place[codes] == i) / np.sqrt(2) for i in range(len(levels))
    ]


def _number(values: np.ndarray) -> list[np.ndarray]:
    known = np.isfinite(values)
    if not known.any():
        return []
    spread = float(values[known].std())
    centred = np.where(known, values - values[known].mean(), 0.0)
    axes = [centred / spread] if spread > 0 else []
    return axes if known.all() else [*axes, (~known).astype(float)]
