"""The counts that a record prints, as sums of elementary counts of groups."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from pytest_aipm.report.elimination import Row

__all__ = ["HALF", "Count", "Group", "Place", "Printed", "sum_of", "whole_of"]

HALF = "\nconfirming half"
"""Marks the population of the rows on which a search of slices confirms what it found."""


class Group(NamedTuple):
    """One group of one population: which model on which rows, by which attributes."""

    population: str
    values: frozenset[tuple[str, str]]

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes whose values name the group."""
        return frozenset(attribute for attribute, _ in self.values)


class Count(NamedTuple):
    """A published or withheld count: a sum of elementary counts of one group."""

    group: Group
    atoms: frozenset[str]


class Place(NamedTuple):
    """Where a count is printed: audit, finding (-1: the audit's table of groups), group, which."""

    audit: int
    finding: int
    cell: int
    denominator: bool


@dataclass
class Printed:
    """All places of one count, how many people it is out of, and how many it counts."""

    places: list[Place] = field(default_factory=list)
    size: float = math.inf
    number: float | None = None
    small: bool = False
    gone: bool = False
    deciding: bool = False


def sum_of(groups: Iterable[Group], atoms: Iterable[str], factor: int = 1) -> Row:
    """Return the sum of some elementary counts of some groups."""
    return dict.fromkeys(product(groups, atoms), factor)


def whole_of(group: Group) -> str:
    """Return the population of all rows that a group's belongs to."""
    return group.population.removesuffix(HALF)
