"""Labels of groups beside the columns by which rows are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, DataError, Problem
from pytest_aipm.evidence.classes import refuse_strangers
from pytest_aipm.evidence.decide import matches
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.grouped import GroupedRows, Of, grouped
from pytest_aipm.evidence.groups import Unknown
from pytest_aipm.evidence.neighbours import compared_columns, coordinates
from pytest_aipm.evidence.passes import located
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.strata import Strata, strata_of
from pytest_aipm.stats.matching import Matched, matched_difference

__all__ = ["Labelled", "labelled", "matched_parts", "strata_by_label"]


@dataclass(frozen=True)
class Labelled:
    """Rows of a scope with their labels.

    Attributes
    ----------
    rows : GroupedRows
    columns : tuple of str
        By which rows are alike.
    favorable : bool array of shape (n,)
        Where the label is the favorable one.
    there : bool array of shape (n,)
        Where there is a label and a known group.
    unlabelled : int
        Rows without a label.
    """

    rows: GroupedRows
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

    @cached_property
    def sizes(self) -> np.ndarray:
        """Labelled rows of each group, shape (K,)."""
        group = self.rows.group[self.there]
        return np.bincount(group, minlength=len(self.names)).astype(np.int64)

    @cached_property
    def rates(self) -> list[float]:
        """Rate of the favorable label in each group."""
        group = self.rows.group[self.there & self.favorable]
        hits = np.bincount(group, minlength=len(self.names))
        return [float(each) for each in hits / np.maximum(self.sizes, 1)]

    def of(self, group: int) -> np.ndarray:
        """Return where the labelled rows of a group are, shape (n,)."""
        return np.asarray(self.there & (self.rows.group == group))


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
    rows = grouped(evidence, by, unknown, [label, *compared], of=of)
    column = rows.frame[label]
    there = column.notna().to_numpy()
    with located(rows.source.ref):
        if not there.any():
            what = f"label column {label!r} is empty: none of {rows.n:,} rows has a label"
            raise DataError(Problem(what, "name a column with outcomes, or rows that have them"))
        refuse_strangers(subject, frozenset(pd.unique(column[there]).tolist()), frozenset())
        favorable = matches(column, subject.favorable)
    known = there & (rows.group >= 0)
    return Labelled(rows, tuple(compared), favorable, known, int((~there).sum()))


def strata_by_label(
    evidence: Evidence,
    found: Labelled,
    factors: Sequence[str],
    bins: Mapping[str, tuple[float, ...]],
) -> Strata:
    """Count labels by stratum and group; as `strata_of` counts decisions."""
    frame = found.rows.frame[found.there]
    attributes = [evidence.subject.attribute(name).column for name in found.rows.grouping.by]
    whole = found.rows.source.frame(attributes)[found.there]
    rows = [(frame.join(whole), found.favorable[found.there])]
    with located(found.rows.source.ref):
        return strata_of(evidence, found.rows.grouping, factors, bins, rows=rows)


def matched_parts(
    found: Labelled, reference: int, neighbours: int, *, most: int, seed: int
) -> list[Matched]:
    """Return each group's favorable label rate less that of the most alike rows of the reference.

    Parameters
    ----------
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
    rng = generator(seed, "label bias")
    order = rng.permutation(found.n)
    chosen = [order[found.of(group)[order]][:most] for group in range(len(found.names))]
    with located(found.rows.source.ref):
        together = np.concatenate(chosen)
        frame = found.rows.frame.iloc[together]
        parts = [part for name in found.columns for part in coordinates(frame[name], name)]
    points = np.column_stack(parts) if parts else np.zeros((len(together), 1))
    ends = np.cumsum([len(each) for each in chosen])
    sides = np.split(points, ends[:-1])
    labels = [found.favorable[each].astype(float) for each in chosen]
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
