"""Labels of groups beside the columns by which rows are alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from pytest_aipm.engine.local import Mergeable
from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.classes import refuse_strangers
from pytest_aipm.evidence.decide import matches
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import CountedRows, Of, counted_rows, source_of
from pytest_aipm.evidence.groups import Grouping, Unknown
from pytest_aipm.evidence.neighbours import compared_columns, coordinates
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.sample import Drawn
from pytest_aipm.evidence.strata import Strata, strata_of
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.sources.data import DataSource
from pytest_aipm.stats.matching import Matched, matched_difference

__all__ = ["Labelled", "labelled", "matched_parts", "strata_by_label"]

_Part = TypeVar("_Part", bound=Mergeable)


@dataclass(frozen=True)
class Labelled:
    """Rows of a scope with their labels.

    Attributes
    ----------
    rows : CountedRows
        Those m that differ in group and label.
    columns : tuple of str
        By which rows are alike.
    favorable : bool array of shape (m,)
        Where the label is the favorable one.
    there : bool array of shape (m,)
        Where there is a label and a known group.
    unlabelled : int
        Rows without a label.
    """

    rows: CountedRows
    columns: tuple[str, ...]
    favorable: np.ndarray
    there: np.ndarray
    unlabelled: int

    @property
    def names(self) -> tuple[str, ...]:
        """The groups."""
        return self.rows.grouping.names

    @property
    def n(self) -> int:
        """All rows."""
        return self.rows.n

    @property
    def unknown(self) -> int:
        """Rows without a group."""
        return self.rows.unknown

    @property
    def what(self) -> str:
        """Which rows they are."""
        return self.rows.what

    @property
    def source(self) -> DataSource:
        """Where they are."""
        assert self.rows.source is not None  # noqa: S101 - they were read
        return self.rows.source

    @cached_property
    def sizes(self) -> np.ndarray:
        """Labelled rows of each group, shape (K,)."""
        return self.rows.by_group(self.there)

    @cached_property
    def rates(self) -> list[float]:
        """Rate of the favorable label in each group."""
        hits = self.rows.by_group(self.there & self.favorable)
        return [float(each) for each in hits / np.maximum(self.sizes, 1)]


def labelled(
    evidence: Evidence, by: tuple[str, ...], unknown: Unknown, columns: Sequence[str], of: Of
) -> Labelled:
    """Return the rows with labels, groups and columns by which they are alike.

    Parameters
    ----------
    evidence : Evidence
    by : tuple of str
    unknown : {"report", "group", "fail"}
    columns : sequence of str
        Empty for the model's inputs without protected attributes.
    of : {"data", "train"}

    Raises
    ------
    CheckError
        When a column is the label, or a protected attribute.
    DataError
        When there is no label, or no row has one.
    """
    subject = evidence.subject
    label = subject.label
    if label is None:
        fix = "name the column of what really happened as `label`"
        raise DataError(subject.problem("label", "there is no label to look at", fix))
    compared = compared_columns(evidence, columns)
    if label in compared:
        what = f"column {label!r} is the label, and rows with equal labels cannot differ in it"
        raise CheckError(Problem(what, "name other columns"))
    source_of(evidence, of).require([label, *compared])
    rows = counted_rows(evidence, by, unknown, [label], of=of)
    column = rows.frame[label]
    there = column.notna().to_numpy()
    with located(source_of(evidence, of).ref):
        if not there.any():
            what = f"label column {label!r} is empty: none of {rows.n:,} rows has a label"
            raise DataError(Problem(what, "name a column with outcomes, or rows that have them"))
        refuse_strangers(subject, frozenset(pd.unique(column[there]).tolist()), frozenset())
        favorable = matches(column, subject.favorable)
    known = there & (rows.group >= 0)
    return Labelled(rows, tuple(compared), favorable, known, rows.many(~there))


def strata_by_label(
    evidence: Evidence,
    found: Labelled,
    factors: Sequence[str],
    bins: Mapping[str, tuple[float, ...]],
) -> Strata:
    """Count labels by stratum and group; as `strata_of` counts decisions."""
    label = evidence.subject.label
    assert label is not None  # noqa: S101 - `labelled` asked for it

    def over(columns: Sequence[str], one: Callable[..., _Part], empty: _Part) -> _Part:
        each = _Labels(label, evidence.subject.favorable, one)
        return evidence.over(found.source, [label, *columns], each, empty)

    with located(found.source.ref):
        return strata_of(evidence, found.rows.grouping, factors, bins, over=over)


@dataclass(frozen=True)
class _Labels:
    """A function of rows and of what counts as favorable, as one of a batch with labels."""

    label: str
    favorable: object
    one: Callable[[pd.DataFrame, np.ndarray], Any]

    def __call__(self, batch: pd.DataFrame) -> Any:
        there = batch[batch[self.label].notna().to_numpy()]
        return self.one(there, matches(there[self.label], self.favorable))


@dataclass(frozen=True)
class _Sides:
    """At most so many labelled rows of each group."""

    groups: tuple[Drawn, ...]

    def merge(self, other: _Sides) -> _Sides:
        """Return those of both."""
        pairs = zip(self.groups, other.groups, strict=True)
        return _Sides(tuple(one.merge(two) for one, two in pairs))


@dataclass(frozen=True)
class _Sided:
    """Draws from one batch."""

    subject: Subject
    grouping: Grouping
    columns: list[str]
    empty: _Sides

    def __call__(self, batch: pd.DataFrame) -> _Sides:
        group = self.grouping.members(self.subject, batch)
        group[batch[self.subject.label].isna().to_numpy()] = -1
        own = batch[self.columns]
        return _Sides(tuple(each.of(own[group == i]) for i, each in enumerate(self.empty.groups)))


def matched_parts(
    evidence: Evidence, found: Labelled, reference: int, neighbours: int, *, most: int, seed: int
) -> list[Matched]:
    """Return each group's favorable label rate less that of the most alike rows of the reference.

    Parameters
    ----------
    evidence : Evidence
    found : Labelled
    reference : int
    neighbours : int
    most : int
        Rows of a group that are looked at.
    seed : int
        Chooses them.

    Raises
    ------
    DataError
        When a column holds more categories than can be compared.
    """
    subject, groups = evidence.subject, found.rows.grouping
    label = subject.label
    assert label is not None  # noqa: S101 - `labelled` asked for it
    empty = _Sides(tuple(Drawn(most, seed) for _ in found.names))
    columns = list(dict.fromkeys([label, *found.columns]))
    by = [subject.attribute(name).column for name in groups.by]
    names = list(dict.fromkeys([*columns, *by]))
    each = _Sided(subject, groups, columns, empty)
    chosen = evidence.over(found.source, names, each, empty, numbered=True).groups
    with located(found.source.ref):
        frame = pd.concat([side.frame for side in chosen], ignore_index=True)
        parts = [part for name in found.columns for part in coordinates(frame[name], name)]
        favorable = matches(frame[label], subject.favorable).astype(float)
    points = np.column_stack(parts) if parts else np.zeros((len(frame), 1))
    ends = np.cumsum([len(side.frame) for side in chosen])[:-1]
    sides, labels = np.split(points, ends), np.split(favorable, ends)
    nothing = np.zeros((0, points.shape[1]))
    return [
        matched_difference(
            sides[group],
            labels[group],
            sides[reference] if group != reference else nothing,
            labels[reference] if group != reference else nothing[:, 0],
            neighbours=neighbours,
        )
        for group in range(len(found.names))
    ]
