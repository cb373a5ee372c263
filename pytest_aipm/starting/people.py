"""Protected attributes: which columns say who a person is, and which groups they make."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.policy.ids import OVERALL, is_id
from pytest_aipm.starting.shown import listing, number, share, short
from pytest_aipm.starting.table import Column, Table
from pytest_aipm.starting.words import UNKNOWN, attribute_by_name, attribute_by_values, plain

__all__ = ["Attribute", "attribute_of", "find_attributes"]

GROUPS = 12
"""More groups than this are compared in a column of fewer, not one by one."""
CUTS = (18, 25, 40, 60)
"""Ages at which laws and statistics draw lines; those are kept that leave people on both sides."""
SMALLEST = 0.05
"""Share of the rows that an age group must have."""
FEWEST = 5
"""Rows below which shares of groups are not written into a file."""
OLDEST = 120


@dataclass(frozen=True)
class Attribute:
    """A protected attribute as it is proposed.

    Attributes
    ----------
    name : str
        What findings call it; fits a node id.
    column : str
    why : str
    groups, sizes : tuple
        The groups and their rows, in the rows looked at, without unknown ones.
    unknown : int
        Rows without a group.
    bins, labels : tuple
        Cut points of a number, and what the groups are called.
    left_out : str
        Why it is written as a comment; empty where it is proposed.
    """

    name: str
    column: str
    why: str
    groups: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    unknown: int = 0
    bins: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    left_out: str = ""

    @property
    def described(self) -> str:
        """The groups with their shares, or their names alone where one of them is very small."""
        rows = sum(self.sizes)
        if not self.sizes or min(self.sizes) < FEWEST:
            few = f"; the smallest has fewer than {FEWEST} rows" if self.sizes else ""
            return listing(self.groups) + few
        pairs = zip(self.groups, self.sizes, strict=True)
        return listing((f"{short(group, 24)} {share(size, rows)}" for group, size in pairs), GROUPS)


def find_attributes(table: Table, taken: Collection[str]) -> list[Attribute]:
    """Return every column that speaks of a protected attribute; one of each is proposed.

    Of several columns for the same attribute the one with ready groups is proposed, and of those
    the one whose smallest group is the largest.

    Parameters
    ----------
    table : Table
    taken : collection of str
        Columns with another role.
    """
    kinds: dict[str, list[Attribute]] = {}
    for column in table.columns:
        if column.name in taken or column.kind in {"empty", "date"}:
            continue
        kind = attribute_by_name(column.name)
        why = f"its name speaks of {kind}"
        if not kind:
            kind = attribute_by_values(column.classes)
            why = f"its values speak of {kind}"
        if kind:
            kinds.setdefault(kind, []).append(_attribute(column, kind, why))
    found = [each for attributes in kinds.values() for each in _one(attributes)]
    found.sort(key=lambda each: (bool(each.left_out), table[each.column].place))
    return _named(found)


def attribute_of(table: Table, name: str) -> Attribute:
    """Return the attribute of a column that a person named.

    Raises
    ------
    DataError
        When there is no such column.
    """
    column = table[name]
    if column.kind == "number" and column.distinct > GROUPS and attribute_by_name(name) != "age":
        made = _cut(Attribute(_id(name), name, "you named it"), column, _middle(column))
    else:
        made = _attribute(column, attribute_by_name(name), "you named it")
    if made.left_out:
        raise DataError(Problem(f"'{short(name)}': {made.left_out}", "name another column"))
    return made


def _one(attributes: Sequence[Attribute]) -> list[Attribute]:
    """Keep the best column of one attribute and say of the others that it holds the same."""
    usable = [each for each in attributes if not each.left_out]
    if len(usable) < 2:
        return list(attributes)

    def rank(each: Attribute) -> tuple[bool, bool, int]:
        return not each.bins, min(each.sizes) >= FEWEST, min(each.sizes)

    best = max(usable, key=rank)
    said = f"speaks of the same as '{short(best.column)}'; add it to compare its groups, too"
    return [
        replace(each, left_out=said) if each in usable and each is not best else each
        for each in attributes
    ]


def _attribute(column: Column, kind: str, why: str) -> Attribute:
    made = Attribute(_id(column.name), column.name, why)
    counts = [(value, n) for value, n in column.counts if plain(value) not in UNKNOWN]
    unknown = column.missing + sum(n for value, n in column.counts if plain(value) in UNKNOWN)
    made = replace(made, unknown=unknown)
    if column.kind == "number" and (kind == "age" or column.distinct > GROUPS):
        return _ages(made, column) if kind == "age" else _many(made, column)
    if column.distinct > GROUPS:
        return _many(made, column)
    groups = tuple(_shown(value) for value, _ in counts)
    made = replace(made, groups=groups, sizes=tuple(n for _, n in counts))
    if len(groups) < 2:
        only = f" ('{short(groups[0])}')" if groups else ""
        return replace(made, left_out=f"it has one group only{only}: nothing to compare")
    return made


def _many(made: Attribute, column: Column) -> Attribute:
    why = (
        f"it has {column.distinct:,} groups; put them into a few in a column of its own "
        "(which ones is a decision that somebody answers for), and name that column"
    )
    return replace(made, left_out=why)


def _ages(made: Attribute, column: Column) -> Attribute:
    """Cut ages where laws do, as far as there are people on both sides."""
    values = column.values.dropna().to_numpy(dtype=np.float64)
    if not len(values) or column.low < 0 or column.high > OLDEST:
        why = f"its numbers ({number(column.low)} to {number(column.high)}) are no ages in years"
        return replace(made, left_out=f"{why}; make a column of groups from them")
    if column.whole and column.distinct <= 4 and column.high < 10:
        counts = [(_shown(value), n) for value, n in column.counts]
        groups, sizes = zip(*counts, strict=True)
        return replace(made, groups=groups, sizes=sizes)
    cuts: list[int] = []
    least = max(SMALLEST * len(values), 1)
    for cut in CUTS:
        below = values < cut
        since_last = (below & (values >= cuts[-1])).sum() if cuts else below.sum()
        if since_last >= least and (~below).sum() >= least:
            cuts.append(cut)
    return _cut(made, column, cuts or _middle(column))


def _cut(made: Attribute, column: Column, cuts: Sequence[int]) -> Attribute:
    if not cuts:
        return replace(made, left_out="its numbers are nearly all the same: nothing to compare")
    places = np.digitize(column.values.dropna().to_numpy(dtype=np.float64), cuts)
    sizes = tuple(int((places == place).sum()) for place in range(len(cuts) + 1))
    labels = _labels(cuts)
    bins = tuple(float(cut) for cut in cuts)
    return replace(made, bins=bins, labels=labels, groups=labels, sizes=sizes)


def _middle(column: Column) -> list[int]:
    """Return the median as the one cut, where it leaves people on both sides."""
    values = column.values.dropna().to_numpy(dtype=np.float64)
    cut = int(np.ceil(np.median(values))) if np.isfinite(values).all() and len(values) else 0
    return [cut] if (values < cut).any() and (values >= cut).any() else []


def _labels(cuts: Sequence[int]) -> tuple[str, ...]:
    between = [f"{low} to {high - 1}" for low, high in pairwise(cuts)]
    return (f"under {cuts[0]}", *between, f"{cuts[-1]} and over")


def _shown(value: object) -> str:
    """Return a group as reports write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id(name: str) -> str:
    made = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "attribute"
    return made[:60] if made != OVERALL and is_id(made[:60]) else "attribute"


def _named(found: Iterable[Attribute]) -> list[Attribute]:
    """Give each its own name: attributes of one policy must differ."""
    made: list[Attribute] = []
    taken: set[str] = set()
    for each in found:
        name, count = each.name, 2
        while name in taken:
            name, count = f"{each.name}-{count}", count + 1
        taken.add(name)
        made.append(replace(each, name=name))
    return made
