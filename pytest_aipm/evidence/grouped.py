"""Rows of a scope as they are given, evaluation or training: no model is asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.differing import Differing, differing
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import Grouping, Unknown, grouping
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.weighing import people, weights
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource

__all__ = ["GroupedRows", "Of", "grouped", "grouping_of", "source_of"]

Of = Literal["data", "train"]


@dataclass(frozen=True)
class GroupedRows:
    """All rows of a source, each with its group; equal ones may be one entry of several.

    Attributes
    ----------
    source : DataSource
    grouping : Grouping
    group : int array of shape (m,)
        -1 where it is unknown.
    times : int array of shape (m,)
        How many rows each entry stands for.
    frame : DataFrame of m rows
        The columns asked for.
    weight, person : array of shape (m,) or None
        Sampling weights, and a hash of whose row it is; then each entry is one row.
    what : str
        ``evaluation rows`` or ``training rows``.
    """

    source: DataSource
    grouping: Grouping
    group: np.ndarray
    times: np.ndarray
    frame: pd.DataFrame
    weight: np.ndarray | None
    person: np.ndarray | None
    what: str

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.times.sum())

    @property
    def unknown(self) -> int:
        """How many have no group."""
        return int(self.times[self.group < 0].sum())


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


def grouped(
    evidence: Evidence,
    by: tuple[str, ...],
    unknown: Unknown,
    columns: Sequence[str] = (),
    *,
    of: Of = "data",
    ordered: bool = True,
) -> GroupedRows:
    """Return the rows of a scope with some columns.

    Parameters
    ----------
    evidence : Evidence
    by : tuple of str
        Attributes; empty for all rows as one group.
    unknown : {"report", "group", "fail"}
    columns : sequence of str
        Further columns to keep.
    of : {"data", "train"}
    ordered : bool
        Whether the rows must come in the order of the data, each by itself.

    Raises
    ------
    DataError
        When a column is not there, has too many values for groups, or a declared group is absent.
    """
    subject, source = evidence.subject, source_of(evidence, of)
    _refuse_joined(evidence, by, source)
    wanted = _wanted(subject, by, columns)
    if ordered or subject.designed:
        here = ordered or not evidence.engine.remote
        frame = source.frame(wanted) if here else evidence.content(source, wanted)
        times = np.ones(len(frame), dtype=np.int64)
    else:
        found_apart = evidence.differing(source, wanted)
        frame, times = found_apart.frame, found_apart.counts
    with located(source.ref):
        found = grouping(subject, by, _cells(evidence, by, frame), unknown)
        return GroupedRows(
            source=source,
            grouping=found,
            group=found.members(subject, frame),
            times=times,
            frame=frame[list(dict.fromkeys(columns))],
            weight=weights(subject, frame),
            person=people(subject, frame),
            what="evaluation rows" if of == "data" else "training rows",
        )


def grouping_of(
    evidence: Evidence, by: tuple[str, ...], columns: Sequence[str] = (), *, of: Of = "data"
) -> Iterator[Wish[Differing]]:
    """Yield the wish that `grouped` has of rows in any order."""
    subject, source = evidence.subject, source_of(evidence, of)
    _refuse_joined(evidence, by, source)
    if not subject.designed or evidence.engine.remote:
        yield differing(source, _wanted(subject, by, columns))


def _wanted(subject: Subject, by: tuple[str, ...], columns: Sequence[str]) -> list[str]:
    attributes = [subject.attribute(name).column for name in by]
    design = [each for each in (subject.weights, subject.cluster) if each is not None]
    return list(dict.fromkeys([*columns, *attributes, *design]))


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


def _cells(
    evidence: Evidence, by: tuple[str, ...], frame: pd.DataFrame
) -> set[tuple[str | None, ...]]:
    """Return the combinations of groups that occur; attributes of other scopes are left open."""
    subject = evidence.subject
    joint = np.zeros(len(frame), dtype=np.int64)
    coded: list[tuple[np.ndarray, list[str | None]]] = []
    for name in by:
        attribute = subject.attribute(name)
        column: pd.Series[Any] = frame[attribute.column]
        codes, names = attribute.encode(column)
        attribute.refuse_crowd([each for each in names if each is not None], subject.path)
        coded.append((codes, names))
        joint = joint * len(names) + codes
    _, first = np.unique(joint, return_index=True)
    places = {name: i for i, name in enumerate(by)}
    return {
        tuple(
            coded[places[each.name]][1][coded[places[each.name]][0][row]]
            if each.name in places
            else None
            for each in subject.attributes
        )
        for row in first
    }
