"""Counts of rates as the tests take them: rows, or effective rows under weights and clusters.

Where each row is one person of the same weight these are the counts themselves. Else a rate is
weighted, and it stands on as many rows as would give its linearised variance (`stats.effective`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pytest_aipm.checks.compare import PartReference, Reference
from pytest_aipm.checks.rates import Rate
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.design import Design, units_of
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.groups import GroupCounts
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.stats.effective import effective_sizes

__all__ = [
    "Counted",
    "Linear",
    "comparator",
    "counted",
    "counts_of",
    "design_note",
    "finite",
    "level_of",
    "part_comparator",
    "refuse_design",
    "rows_counted",
    "shown_counts",
]


@dataclass(frozen=True)
class Counted:
    """Events and rows of a rate in K groups.

    Attributes
    ----------
    x, n : arrays of shape (K,)
        What tests take: whole counts, or effective ones.
    events, rows : int arrays of shape (K,)
        What was counted in the data.
    people : int array of shape (K,) or None
        Whose rows they are, where people have several.
    weight : array of shape (K,) or None
        Weight of the denominator, where rows are weighted.
    """

    x: np.ndarray
    n: np.ndarray
    events: np.ndarray
    rows: np.ndarray
    people: np.ndarray | None = None
    weight: np.ndarray | None = None

    @property
    def designed(self) -> bool:
        """Whether counts are effective ones."""
        return self.weight is not None

    def shown(self, i: int) -> dict[str, object]:
        """Return the fields of a group's record that hold counts."""
        raw = None
        if self.designed:
            raw = (int(self.events[i]), int(self.rows[i]))
        return {
            **shown_counts(self.x[i], self.n[i]),
            "counted": raw,
            "people": None if self.people is None else int(self.people[i]),
        }

    def columns(self) -> dict[str, list[Any]]:
        """Return the same of all groups, field by field."""
        counts = {"numerator": finite(self.x.tolist()), "denominator": finite(self.n.tolist())}
        if self.designed:
            pair = (each.astype(int).tolist() for each in (self.events, self.rows))
            counts["counted"] = list(zip(*pair, strict=True))
        if self.people is not None:
            counts["people"] = self.people.astype(int).tolist()
        return counts


def finite(values: Iterable[float]) -> list[Any]:
    """Return numbers as records hold them: None for what is none."""
    return [each if math.isfinite(each) else None for each in values]


def shown_counts(x: float, n: float) -> dict[str, int | float]:
    """Return numerator and denominator as records hold them: whole numbers where counts are."""
    pair = {"numerator": x, "denominator": n}
    return {
        name: int(value) if isinstance(value, np.integer | int) else float(value)
        for name, value in pair.items()
    }


def comparator(
    reference: Reference, weight: np.ndarray | None, *, at_least: float | None = None
) -> Reference:
    """Return the comparator of effective counts: the largest group is that of most weight.

    Parameters
    ----------
    reference : {"highest", "largest", "overall"} or int
    weight : array of shape (K,) or None
        What each group stands for; None leaves the comparator as it is.
    at_least : float, optional
        Share of the rows that a group needs in order to be one.

    Raises
    ------
    CheckError
        For shares of all people: effective rows are not shares of them.
    """
    if weight is None:
        return reference
    if reference == "overall" or at_least is not None:
        key = "at_least" if at_least is not None else "reference: overall"
        what = f"`{key}` speaks of shares of all rows, which effective rows are not"
        raise CheckError(Problem(what, "name a group, `largest` or `highest` as `reference`"))
    return int(np.argmax(weight)) if reference == "largest" else reference


def part_comparator(reference: PartReference, weight: np.ndarray | None) -> PartReference:
    """Return the comparator of numbers that are no rates; see `comparator`."""
    largest = reference == "largest" and weight is not None
    return int(np.argmax(weight)) if largest else reference  # type: ignore[arg-type]


def level_of(confidence: float, groups: int) -> float:
    """Return the level that few people are corrected for: nearly that of a test of one pair."""
    return (1 - confidence) / max(1, groups**2 // 4)


def counted(evidence: Evidence, counts: GroupCounts, rate: Rate, confidence: float) -> Counted:
    """Return the counts of a rate in every group of a scope."""
    events, rows = rate.counts(counts.table, evidence.subject)
    if counts.design is None:
        return Counted(events, rows, events, rows)
    inside, hit = rate.cells(counts.table.shape[1:], evidence.subject)
    return counts_of(counts.design, inside, hit, events, rows, confidence)


def counts_of(
    design: Design,
    inside: np.ndarray,
    hit: np.ndarray,
    events: np.ndarray,
    rows: np.ndarray,
    confidence: float,
) -> Counted:
    """Return the effective counts of a rate: the weight of `hit` over the weight `inside`.

    Parameters
    ----------
    design : Design
    inside, hit : bool arrays of shape S
        Cells of the denominator, and those of them that are events.
    events, rows : int arrays of shape (K,)
    confidence : float
    """
    linear = Linear(design, inside, hit.astype(float))
    variance = np.maximum(linear.mean * (1 - linear.mean), 0.0)
    size = linear.sizes(variance, rows, level_of(confidence, int((rows > 0).sum())))
    return Counted(
        np.clip(linear.mean, 0, 1) * size,
        size,
        events,
        rows,
        linear.units if design.clustered else None,
        linear.weight,
    )


def rows_counted(
    group: np.ndarray,
    event: np.ndarray,
    groups: int,
    design: tuple[np.ndarray | None, np.ndarray | None],
    confidence: float,
) -> Counted:
    """Return the effective counts of n rows that are at hand.

    Parameters
    ----------
    group : int array of shape (n,)
    event : bool array of shape (n,)
    groups : int
        How many there are.
    design : (weights or None, people or None)
        Arrays of shape (n,); with neither the counts are the rows themselves.
    confidence : float
    """
    slot = event.astype(np.int64)
    table = np.bincount(group * 2 + slot, minlength=2 * groups).reshape(groups, 2)
    events, rows = table[:, 1], table.sum(axis=1)
    if all(each is None for each in design):
        return Counted(events, rows, events, rows)
    inside, hit = np.array([True, True]), np.array([False, True])
    units = units_of(group, slot, (groups, 2), *design)
    return counts_of(units, inside, hit, events, rows, confidence)


@dataclass(frozen=True)
class Linear:
    """A weighted mean over the cells `inside` of what each counts for, with its influence.

    Attributes
    ----------
    design : Design
    inside : bool array of shape S
    values : float array of shape S
        What a row in each cell counts for.
    """

    design: Design
    inside: np.ndarray
    values: np.ndarray

    @cached_property
    def weight(self) -> np.ndarray:
        """Weight of all rows inside, shape (K,)."""
        return self._sum(self.inside)

    @cached_property
    def mean(self) -> np.ndarray:
        """The weighted mean, 0 without rows."""
        return np.asarray(self._sum(self.inside * self.values) / self._positive)

    @cached_property
    def units(self) -> np.ndarray:
        """Rows or people inside."""
        return self.design.units(self.inside)

    @cached_property
    def influence(self) -> np.ndarray:
        """What a weight in each cell moves the mean by, shape (K, *S)."""
        off = self.values - self.mean.reshape(self._column)
        return np.asarray(self.inside * off / self._positive.reshape(self._column))

    @property
    def _column(self) -> tuple[int, ...]:
        return (-1, *[1] * self.inside.ndim)

    @cached_property
    def _positive(self) -> np.ndarray:
        return np.where(self.weight > 0, self.weight, 1.0)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        summed: np.ndarray = (
            (self.design.weight * values).reshape(len(self.design.weight), -1).sum(axis=1)
        )
        return summed

    @cached_property
    def own(self) -> np.ndarray:
        """Sum of squares of the influence of units."""
        return np.asarray(self.design.product(self.influence, self.influence))

    @cached_property
    def squares(self) -> np.ndarray:
        """The same, and what people who are in two groups add."""
        return np.asarray(self.own + self.design.opposed(self.influence))

    def sizes(self, variance: np.ndarray, rows: np.ndarray, alpha: float) -> np.ndarray:
        """Return the effective rows, given the variance of a single one."""
        flat = np.broadcast_to(self.inside, self.design.weight.shape)
        of_rows, of_units = (
            self.weight**2 / np.where(alike > 0, alike, 1.0)
            for alike in (self.design.row_squares(self.inside), self.design.product(flat, flat))
        )
        kish = of_rows, of_units
        return effective_sizes(variance, self.squares, rows, self.units, kish, alpha)


def design_note(
    subject: Subject, rows: np.ndarray | Sequence[float], sizes: np.ndarray | Sequence[float]
) -> tuple[str, ...]:
    """Return how many rows these tell as much as; nothing without weights and clusters."""
    if not subject.designed:
        return ()
    said = []
    if subject.weights is not None:
        said.append(f"weighted by {subject.weights}")
    if subject.cluster is not None:
        said.append(f"rows of one {subject.cluster} taken together")
    total, effective = int(np.sum(rows)), round(float(np.sum(sizes)))
    return (f"{', '.join(said)}; effective rows {effective:,} of {total:,}",)


def refuse_design(evidence: Evidence, what: str, fix: str) -> None:
    """Refuse what has no honest interval under weights or with repeated people.

    Raises
    ------
    CheckError
    """
    if evidence.subject.designed:
        keys = [
            key
            for key, column in (
                ("weights", evidence.subject.weights),
                ("cluster", evidence.subject.cluster),
            )
            if column is not None
        ]
        raise CheckError(Problem(f"{what} has no honest form under `{'` and `'.join(keys)}`", fix))
