"""What a finding's value says of the groups that do not make it: between which rates they lie.

A gap of 0.22 between the highest and the lowest rate puts all others between the two. Of three
people that can be a single count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from itertools import product
from typing import NamedTuple

from pytest_aipm.report.answer import Answer
from pytest_aipm.report.atoms import atoms_of
from pytest_aipm.report.counts import Count, Group
from pytest_aipm.report.twins import Known

__all__ = ["Span", "spans_of"]

TINY = 1e-9


class Span(NamedTuple):
    """What a finding's value says of one of its groups: its rate lies between two others."""

    above: Count
    below: Count
    low: float
    high: float

    def known(self) -> Iterator[Known]:
        """Yield it as sums: events less the bound times rows."""
        for bound, ends in ((self.low, (0.0, math.inf)), (self.high, (-math.inf, 0.0))):
            if math.isfinite(bound):
                row: dict[Hashable, float] = dict.fromkeys(
                    product((self.below.group,), sorted(self.below.atoms)), -bound
                )
                for atom in sorted(self.above.atoms):
                    key = (self.above.group, atom)
                    row[key] = row.get(key, 0.0) + 1
                yield Known(row, *ends)


def spans_of(answer: Answer, population: Callable[[str], str]) -> Iterator[Span]:
    """Yield between which rates a published value says that each judged group lies.

    `population` names the population of a part. Only where it is so: a value against a reference
    group says nothing of the others.
    """
    finding, value = answer.finding, answer.finding.value
    judged = [group for group in finding.groups if group.judged and group.n]
    if not answer.pair or value is None or any(group.value is None for group in judged):
        return
    for part in dict.fromkeys(group.part for group in judged):
        rates = [group.value or 0.0 for group in judged if group.part == part]
        low, high = _between(answer, rates, value)
        if not all(low - TINY <= rate <= high + TINY for rate in rates):
            continue
        above, below = atoms_of(finding, part)
        for group in judged:
            if group.part == part:
                key = Group(population(part), frozenset(group.group.items()))
                yield Span(Count(key, above), Count(key, below), low - TINY, high + TINY)


def _between(answer: Answer, rates: list[float], value: float) -> tuple[float, float]:
    """Return the rates that no group can pass without another value."""
    least, most = min(rates), max(rates)
    if answer.kind == "difference":
        return most - value, least + value
    if answer.kind == "ratio":
        return most * value, least / value if value else math.inf
    return (value, math.inf) if value <= least else (-math.inf, value)
