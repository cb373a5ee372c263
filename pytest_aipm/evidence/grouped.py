"""Rows of a scope as they are given, evaluation or training: no model is asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.differing import Differing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown, grouping
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.subject import Attribute, Subject
from pytest_aipm.evidence.weighing import beside
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["DECIDED", "CountedRows", "Of", "counted_rows", "counting_of", "source_of"]

Of = Literal["data", "train"]
DECIDED = "aipm::decided"
"""A column beside those of the data: whether the decision is favorable."""
MOST = 5_000_000
"""Rows that differ, at most: what has so many values is no outcome and no group."""


@dataclass(frozen=True)
class CountedRows:
    """Rows of a source that differ in their group or in some columns, with how many there are.

    Attributes
    ----------
    source : DataSource
    grouping : Grouping
    group : int array of shape (m,)
        -1 where it is unknown.
    frame : DataFrame of m rows
        The columns asked for.
    counts : int array of shape (m,)
    what : str
        ``evaluation rows`` or ``training rows``.
    """

    source: DataSource | None
    grouping: Grouping
    group: np.ndarray
    frame: pd.DataFrame
    counts: np.ndarray
    what: str

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.counts.sum())

    @property
    def unknown(self) -> int:
        """How many have no group."""
        return self.many(self.group < 0)

    def many(self, where: np.ndarray) -> int:
        """Return how many rows some of them are; `where` is true for those, shape (m,)."""
        return int(self.counts[where].sum())

    def by_group(self, where: np.ndarray) -> np.ndarray:
        """Return how many rows of each group some of them are, shape (K,)."""
        there = where & (self.group >= 0)
        k = len(self.grouping.keys)
        found = np.bincount(self.group[there], weights=self.counts[there], minlength=k)
        return found.astype(np.int64)


def counted_rows(
    evidence: Evidence,
    by: tuple[str, ...],
    unknown: Unknown,
    columns: Sequence[str] = (),
    *,
    of: Of = "data",
    decisions: bool = False,
) -> CountedRows:
    """Return the rows of a scope that differ, in one pass wherever the rows are.

    Parameters
    ----------
    evidence : Evidence
    by : tuple of str
        Attributes; empty for all rows as one group.
    unknown : {"report", "group", "fail"}
    columns : sequence of str
        Further columns to keep.
    of : {"data", "train"}
    decisions : bool
        Whether the column `DECIDED` says who is decided for.

    Raises
    ------
    DataError
        When a column is not there, has too many values for groups, a declared group is absent, or
        too many rows differ.
    """
    subject, source = evidence.subject, source_of(evidence, of)
    _refuse_joined(evidence, by, source)
    each = _told(subject, by, columns)
    if decisions:
        told = evidence.over_decided(each.read, each, _Differing())
    elif _alike(evidence, columns):
        told = evidence.shared.answer(_wish(source, each))
    else:
        told = each(source.frame(each.read))
    frame = told.found.frame
    shown = [frame[_named(name)] for name in by]
    named = [
        [each if known else None for each, known in zip(column, column.notna(), strict=True)]
        for column in shown
    ]
    held = list(zip(*named, strict=True)) if by else [()] * len(frame)
    places = {name: i for i, name in enumerate(by)}
    cells = [
        tuple(
            row[places[each.name]] if each.name in places else None for each in subject.attributes
        )
        for row in held
    ]
    with located(source.ref):
        found = grouping(subject, by, set(cells), unknown)
    return CountedRows(
        source=source,
        grouping=found,
        group=np.array([found.index(cell) for cell in cells], dtype=np.int64),
        frame=frame.drop(columns=[_named(name) for name in by]),
        counts=told.found.counts,
        what="evaluation rows" if of == "data" else "training rows",
    )


def counting_of(
    evidence: Evidence, by: tuple[str, ...], columns: Sequence[str] = (), *, of: Of = "data"
) -> Iterator[Wish[Any]]:
    """Yield the wish that `counted_rows` has of all rows."""
    source = source_of(evidence, of)
    _refuse_joined(evidence, by, source)
    if _alike(evidence, columns):
        yield _wish(source, _told(evidence.subject, by, columns))


def _alike(evidence: Evidence, columns: Sequence[str]) -> bool:
    """Whether many rows may hold the same: weights and people tell each from the others."""
    return evidence.engine.remote or not set(beside(evidence.subject)).intersection(columns)


def _told(subject: Subject, by: tuple[str, ...], columns: Sequence[str]) -> _Told:
    attributes = tuple(subject.attribute(name) for name in by)
    return _Told(attributes, tuple(dict.fromkeys(columns)), subject.path)


def _wish(source: DataSource, each: _Told) -> Wish[_Differing]:
    by = tuple(attribute.name for attribute in each.attributes)
    key = ("rows that differ", by, each.columns)
    return Wish(key, source, tuple(each.read), each, _Differing())


def _named(attribute: str) -> str:
    return f"aipm::group::{attribute}"


@dataclass(frozen=True, eq=False)
class _Differing:
    """Rows that differ, as long as they are few."""

    found: Differing = field(default_factory=Differing)

    def merge(self, other: _Differing) -> _Differing:
        """Return those of both."""
        merged = self.found.merge(other.found)
        if len(merged.counts) > MOST:
            shown = ", ".join(repr(str(name))[:60] for name in merged.frame.columns[:5])
            what = f"more than {MOST:,} rows differ in {shown}: these are no outcomes and no groups"
            raise DataError(Problem(what, "name columns with few values"))
        return _Differing(merged)


@dataclass(frozen=True)
class _Told:
    """The rows of a batch that differ; with decisions where there are any."""

    attributes: tuple[Attribute, ...]
    columns: tuple[str, ...]
    path: str

    @property
    def read(self) -> list[str]:
        """Columns that are read."""
        return list(dict.fromkeys([*self.columns, *(each.column for each in self.attributes)]))

    def __call__(self, batch: pd.DataFrame, favorable: np.ndarray | None = None) -> _Differing:
        frame = batch[list(self.columns)].reset_index(drop=True)
        for attribute in self.attributes:
            codes, names = attribute.encode(batch[attribute.column])
            attribute.refuse_crowd([each for each in names if each is not None], self.path)
            held = np.empty(len(names), dtype=object)
            held[:] = names
            frame[_named(attribute.name)] = held[codes]
        if favorable is not None:
            frame[DECIDED] = favorable
        if not len(frame.columns):  # nothing tells the rows apart
            frame["aipm::all"] = 0
        return _Differing(Differing.of(frame))


def source_of(evidence: Evidence, of: Of) -> DataSource:
    """Return the evaluation rows or the training rows.

    Raises
    ------
    DataError
        When there are no training rows.
    """
    if of == "data":
        return evidence.data
    if evidence.train is None:
        raise DataError(
            evidence.subject.problem(
                "train", "there are no training rows", "add `train: PATH` to the subject"
            )
        )
    return evidence.train


def _refuse_joined(evidence: Evidence, by: tuple[str, ...], source: DataSource) -> None:
    if source is evidence.data:
        return
    for name in by:
        if evidence.subject.attribute(name).column.startswith("aipm:"):
            raise DataError(
                Problem(
                    f"attribute {name!r} comes from a file that is joined to the evaluation rows, "
                    "so the training rows have none",
                    f"add a column of it to the training rows, or leave {name!r} out of `by`",
                    path=source.ref,
                )
            )
