"""Withholds until whole people leave each small cell two possible counts.

The last step of `suppression`. What is known is solved in whole numbers (`twins`). First the values
go that say between which rates all groups lie (`spans`), then counts, the nearest and cheapest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_aipm.report.atoms import ATOMS
from pytest_aipm.report.counts import Count, Group, sum_of, whole_of
from pytest_aipm.report.elimination import Row
from pytest_aipm.report.twins import Known, pinned

if TYPE_CHECKING:
    from pytest_aipm.report.suppression import Table

__all__ = ["TOO_MANY", "keep_apart"]

TOO_MANY = 1500
"""Cells of one population beyond which whole tables are withheld instead of searching."""
FEW_TURNS = 8
"""Counts that are withheld one by one; where that does not help, twice as many a turn."""


def keep_apart(table: Table, hidden: set[Count]) -> set[tuple[int, int]]:
    """Withhold more until whole people leave each small cell two counts; return values, too."""
    secrets: dict[tuple[Count, ...], Row] = {
        (count,): table.row(count) for count, printed in table.counts.items() if printed.small
    }
    for out, inside in table.nested:
        secrets[out, inside] = {**table.row(out), **table.row(inside, -1)}
    if len(table.counts) > TOO_MANY:
        return set()
    spans = {at: [s for s in own if s.above in hidden] for at, own in table.spans.items()}
    told = [span for own in spans.values() for span in own]
    values: set[tuple[int, int]] = set()
    lost: set[tuple[Count, ...]] | None = None
    turns = 0
    while secrets:
        bounds = [known for span in told for known in span.known()]
        open_ = pinned([*_known(table, hidden), *bounds], secrets)
        if told and open_ != set():
            values, told = {at for at, own in spans.items() if own and open_}, []
            continue
        if not open_:
            break
        if lost is None:  # what sizes and totals alone tell: to withhold counts would hide nothing
            lost = pinned(_known(table, set(table.counts)), secrets, doubt=False) or set()
            secrets = {key: row for key, row in secrets.items() if key not in lost}
            continue
        near = [c for c in table.counts if c not in hidden and _bears_on(table, c, open_)]
        if not near:
            # sizes and totals alone tell these; nothing that could be withheld would help
            secrets = {key: row for key, row in secrets.items() if key not in open_}
            continue
        first = next(key for key in secrets if key in open_)[0]
        near.sort(key=lambda c: (*_far(c, first), *table.cost(c)))
        hidden.update(near[: 2 ** max(turns - FEW_TURNS, 0)])
        turns += 1
    return values


def _bears_on(table: Table, count: Count, secrets: Iterable[tuple[Count, ...]]) -> bool:
    printed = table.counts[count]
    populations = {whole_of(secret[0].group) for secret in secrets}
    return printed.number is not None and whole_of(count.group) in populations


def _known(table: Table, hidden: set[Count]) -> Iterator[Known]:
    """Yield what a reader knows: sizes, totals, and every count that is not withheld."""
    lines: dict[tuple[str, frozenset[str]], list[Group]] = defaultdict(list)
    for group in table.groups:
        lines[group.population, group.attributes].append(group)
        size = table.sizes[group]
        if "tp" in table.atoms[group.population]:
            yield Known(sum_of((group,), ATOMS), size, size)
    whole = {key: members for key, members in lines.items() if key in table.tables}
    for (population, attributes), members in whole.items():
        atoms = table.atoms[population]
        for parent in table.groups:
            if parent.population == population and parent.attributes < attributes:
                yield from (Known(row, 0, 0) for row in table.margins(parent, members, atoms))
        yield from _totals(table, members)
    for (one, first), (other, second) in combinations(whole.items(), 2):
        if one[0] == other[0] and _size(table, first) == _size(table, second):
            for atom in table.atoms[one[0]]:
                yield Known({**sum_of(first, (atom,)), **sum_of(second, (atom,), -1)}, 0, 0)
    for count, printed in table.counts.items():
        number = None if count in hidden else _number(table, count)
        ends = (0, printed.size) if number is None else (number, number)
        yield Known(table.row(count), *ends)


def _totals(table: Table, members: list[Group]) -> Iterator[Known]:
    """Yield the sums of a whole table, which somebody knows even where nobody prints them."""
    for atoms in sorted({count.atoms for count in table.counts}, key=sorted):
        numbers = [_number(table, Count(member, atoms)) for member in members]
        known = [number for number in numbers if number is not None]
        if len(known) == len(numbers):
            yield Known(sum_of(members, sorted(atoms)), sum(known), sum(known))


def _size(table: Table, groups: Iterable[Group]) -> float:
    return sum(table.sizes[group] for group in groups)


def _number(table: Table, count: Count) -> float | None:
    """Return a count of whole people; None where it is unknown, or weighted."""
    if not table.sizes.get(count.group, 1):
        return 0
    number = table.counts[count].number if count in table.counts else None
    return number if number is not None and float(number).is_integer() else None


def _far(count: Count, secret: Count) -> tuple[bool, bool]:
    """Return how little a count has to do with a secret: another table, another rate."""
    return count.group.attributes != secret.group.attributes, count.atoms != secret.atoms
