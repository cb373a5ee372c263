"""Which cells of a record to withhold so that the small ones cannot be worked out.

Every count that a record publishes is a sum of elementary counts: people of one group by label
and decision (tp, fp, fn, tn). The counts of a small group are unknowns; what is published, the
totals, and the fact that the cells of an intersection add up to their groups are equations. A
small cell is given away when its count follows from the equations. So counts are told one by one,
those that matter most first, and one that would give a small cell away is withheld as well.

Three more leaks are closed. Totals count as known even where no finding prints them. Withheld
cells that are all empty or all full are given away by their sum alone, so each small cell of a
table must leave at least two possible counts. And slices overlap: the few people by whom one lies
within another group are a small cell that no table lists, so the difference must not follow either.

Last, the whole of it is solved in whole people (`twins`): bounds of several tables together, and a
finding's value that says between which rates all its groups lie, must leave each small cell two
possible counts.

Source: complementary cell suppression, Cox (1980), JASA 75, 377-385; the linear audit is exact.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, permutations, product
from typing import NamedTuple

from pytest_aipm.records import Audit, AuditGroup, GroupValue, Record
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.atoms import ATOMS, atoms_of, is_half, is_slice
from pytest_aipm.report.elimination import Row, Secrets
from pytest_aipm.report.twins import Known, pinned
from pytest_aipm.report.words import WITHHELD

__all__ = ["Withheld", "withheld_cells"]

TOO_MANY = 1500
"""Cells of one population beyond which whole tables are withheld instead of searching."""

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


TINY = 1e-9
FEW_TURNS = 8
"""Counts that are withheld one by one; where that does not help, twice as many a turn."""


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
                for atom in self.above.atoms:
                    key = (self.above.group, atom)
                    row[key] = row.get(key, 0.0) + 1
                yield Known(row, *ends)


@dataclass
class Withheld:
    """What is withheld.

    Attributes
    ----------
    cells : dict
        (audit, finding) to {position of the group: whether it is small itself}.
    positives : set of (audit, position)
        Rows of `audit.groups` whose positives are withheld.
    values : set of (audit, finding)
        Findings whose value would say too much of a group that does not make it.
    """

    cells: dict[tuple[int, int], dict[int, bool]] = field(default_factory=dict)
    positives: set[tuple[int, int]] = field(default_factory=set)
    values: set[tuple[int, int]] = field(default_factory=set)


@dataclass
class _Printed:
    """All places of one count, how many people it is out of, and how many it counts."""

    places: list[Place] = field(default_factory=list)
    size: float = math.inf
    number: float | None = None
    small: bool = False
    gone: bool = False
    deciding: bool = False


def withheld_cells(record: Record) -> Withheld:
    """Return what `publishable` withholds from `record`: small cells and their complements."""
    table = _Table(record)
    if not table.nested and not any(_has_small(audit) for audit in record.audits):
        return Withheld()
    hidden = table.suppressed()
    values = table.kept_apart(hidden)
    found = table.places_of(hidden)
    found.values |= values
    return found


def _has_small(audit: Audit) -> bool:
    small = audit.policy.min_cell
    return any(_few(group, small) for group in audit.groups) or any(
        _is_small(cell, small) for finding in audit.findings for cell in finding.groups
    )


def _is_small(cell: GroupValue, min_cell: int) -> bool:
    base = cell.n if cell.denominator is None else cell.counts[1]
    return _few(cell, min_cell) or 0 < (base or 0) < min_cell


def _few(cell: GroupValue | AuditGroup, min_cell: int) -> bool:
    """Return whether there are few rows, or rows of few people."""
    people = cell.n if cell.people is None else cell.people
    return 0 < cell.n < min_cell or 0 < people < min_cell


class _Table:
    """The counts of a record as unknowns and equations."""

    def __init__(self, record: Record) -> None:
        self.counts: dict[Count, _Printed] = defaultdict(_Printed)
        self.sizes: dict[Group, float] = {}
        self.tables: set[tuple[str, frozenset[str]]] = set()  # complete; slices are a choice
        self.sliced: set[Group] = set()
        self.spans: dict[tuple[int, int], list[Span]] = {}
        self.min_cell = max((audit.policy.min_cell for audit in record.audits), default=0)
        for at, audit in enumerate(record.audits):
            self._read(audit, at)

    def _read(self, audit: Audit, at: int) -> None:
        population, small = _population(audit), audit.policy.min_cell
        for i, group in enumerate(audit.groups):
            key = Group(population, frozenset(group.group.items()))
            self.sizes[key] = group.n
            self.tables.add((population, key.attributes))
            if group.positives is not None and group.n:
                place = Place(at, -1, i, denominator=False)
                count = Count(key, frozenset(("tp", "fn")))
                self._add(count, place, group.n, group.positives, small=_few(group, small))
        for number, finding in enumerate(audit.findings):
            answer = Answer(finding)
            # A value that goes with its small group need not be saved by sparing the other one.
            spared = not any(_is_small(cell, small) for cell in answer.pair)
            self.spans[at, number] = list(_spans(answer, population))
            for i, cell in enumerate(finding.groups):
                half = HALF if is_half(finding, cell.part) else ""
                key = Group(population + half, frozenset(cell.group.items()))
                self.sizes.setdefault(key, cell.n)
                if is_slice(finding):
                    self.sliced.add(key)
                else:
                    self.tables.add((population, key.attributes))
                if not cell.n:
                    continue
                events, rows = cell.counts
                base = cell.n if rows is None else rows
                tiny = _is_small(cell, small)
                above, below = atoms_of(finding, cell.part)
                count = Count(key, above)
                place = Place(at, number, i, denominator=False)
                self._add(count, place, base, events, small=tiny)
                self.counts[count].deciding |= spared and answer.decides(cell)
                self.counts[count].gone |= cell.note.startswith(WITHHELD)
                if rows is not None and below != frozenset(ATOMS):
                    place = Place(at, number, i, denominator=True)
                    few = _few(cell, small)
                    self._add(Count(key, below), place, cell.n, rows, small=few)

    def _add(
        self, count: Count, place: Place, size: float, number: float | None, *, small: bool
    ) -> None:
        printed = self.counts[count]
        printed.places.append(place)
        printed.size = min(printed.size, size)
        printed.number = number if printed.number is None else printed.number
        printed.small |= small

    # Order matters for which proof is found: sets of strings have another one in each process.
    @cached_property
    def groups(self) -> tuple[Group, ...]:
        return tuple(self.sizes)

    @cached_property
    def atoms(self) -> dict[str, list[str]]:
        """Elementary counts of each population that some cell of it uses."""
        used: dict[str, set[str]] = {group.population: set() for group in self.groups}
        for count in self.counts:
            used[count.group.population] |= count.atoms
        return {
            name: sorted(atoms | set(ATOMS) if atoms & set(ATOMS) else atoms)
            for name, atoms in used.items()
        }

    def suppressed(self) -> set[Count]:
        """Return the counts to withhold."""
        small = [count for count, printed in self.counts.items() if printed.small]
        hidden = set(small) | {count for count, printed in self.counts.items() if printed.gone}
        if len(self.counts) > TOO_MANY:
            inner = [inside for _, inside in self.nested]
            tables = {(c.group.population, c.group.attributes) for c in (*small, *inner)}
            return {c for c in self.counts if (c.group.population, c.group.attributes) in tables}
        hidden |= self._widened(small, hidden)
        structure = sorted(self._structure(), key=len)  # short rows first: less fill-in
        between = ({**self._row(out), **self._row(inside, -1)} for out, inside in self.nested)
        secrets = Secrets(structure, (*map(self._row, small), *between))
        # What costs a reader most is told first; what would then give a small cell away is not.
        for count in sorted(self.counts, key=self._cost, reverse=True):
            if count not in hidden and not secrets.tell(self._rows(count)):
                hidden.add(count)
        return hidden | self._widened(small, hidden)

    def _cost(self, count: Count) -> tuple[bool, float, list[tuple[str, str]], list[str]]:
        """Return what withholding costs a reader: most for groups that decide, then by size."""
        printed, group = self.counts[count], count.group
        return printed.deciding, printed.size, sorted(group.values), sorted(count.atoms)

    def _row(self, count: Count, factor: int = 1) -> Row:
        return _sum((count.group,), sorted(count.atoms), factor)

    @cached_property
    def nested(self) -> list[tuple[Count, Count]]:
        """Counts of groups and of slices within them that leave few people between the two."""
        alike: dict[frozenset[str], list[Count]] = defaultdict(list)
        for count in self.counts:
            alike[count.atoms].append(count)
        return [
            (out, inside)
            for counts in alike.values()
            for out, inside in permutations(counts, 2)
            if 0 < self.counts[out].size - self.counts[inside].size < self.min_cell
            and not self.sliced.isdisjoint((out.group, inside.group))
            and out.group.values <= inside.group.values
            and out.group.population in (inside.group.population, _whole(inside.group))
        ]

    def _rows(self, count: Count) -> Iterator[Row]:
        """Yield what a published count tells: itself, and what none or all of a group implies."""
        yield self._row(count)
        number = self.counts[count].number
        if number == 0:
            yield from (_sum((count.group,), (atom,)) for atom in sorted(count.atoms))
        elif number == self.sizes[count.group] and "tp" in self.atoms[count.group.population]:
            yield from (_sum((count.group,), (a,)) for a in ATOMS if a not in count.atoms)

    def _structure(self) -> Iterator[Row]:
        """Yield what holds of all counts: sizes, totals, and cells that add up to their groups."""
        lines: dict[tuple[str, frozenset[str]], list[Group]] = defaultdict(list)
        for group in self.groups:
            lines[group.population, group.attributes].append(group)
        for (population, attributes), members in lines.items():
            atoms = self.atoms[population]
            for group in members:
                if not self.sizes[group]:
                    yield from (_sum((group,), (atom,)) for atom in atoms)
                elif "tp" in atoms:
                    yield _sum((group,), ATOMS)
            if (population, attributes) not in self.tables:
                continue
            yield from (_sum(members, (atom,)) for atom in atoms)
            for parent in self.groups:
                if parent.population == population and parent.attributes < attributes:
                    yield from self._margins(parent, members, atoms)

    def _margins(self, parent: Group, members: list[Group], atoms: list[str]) -> Iterator[Row]:
        """Yield that the cells of a group add up to it, where their sizes do."""
        children = [group for group in members if group.values >= parent.values]
        if children and sum(self.sizes[group] for group in children) == self.sizes[parent]:
            for atom in atoms:
                yield {**_sum(children, (atom,)), (parent, atom): -1}

    def _widened(self, small: list[Count], hidden: set[Count]) -> set[Count]:
        """Return what must go too so that no sum of a line leaves a small cell one value."""
        more: set[Count] = set()
        for line in self._lines():
            while True:
                gone = [c for c in line if c in hidden or c in more]
                rest = [c for c in line if c not in hidden and c not in more]
                if not any(c in small and self._pinned(c, gone) for c in gone):
                    break
                rest = [c for c in rest if self.counts[c].size > 0]
                if not rest:
                    break
                more.add(min(rest, key=self._cost))
        return more

    def _lines(self) -> list[list[Count]]:
        """Return the counts that add up to a total: a whole table, or its part in one group."""
        tables: dict[tuple[str, frozenset[str], frozenset[str]], list[Count]] = defaultdict(list)
        for count in self.counts:
            group = count.group
            if (group.population, group.attributes) not in self.tables:
                continue
            tables[group.population, group.attributes, count.atoms].append(count)
        lines = []
        for members in tables.values():
            lines.append(members)
            attributes = members[0].group.attributes
            if len(attributes) > 1:
                for attribute in sorted(attributes):
                    slices: dict[str, list[Count]] = defaultdict(list)
                    for count in members:
                        slices[dict(count.group.values)[attribute]].append(count)
                    lines += slices.values()
        return lines

    def _pinned(self, count: Count, gone: list[Count]) -> bool:
        """Return whether the sum of the withheld cells leaves `count` a single possible value."""
        others = [c for c in gone if c != count and self.counts[c].size > 0]
        if not others:
            return self.counts[count].size > 0 and bool(count.group.values)
        numbers = [self.counts[c].number for c in (count, *others)]
        if any(x is None for x in numbers):
            return False
        total = sum(x for x in numbers if x is not None)
        low = max(0.0, total - sum(self.counts[c].size for c in others))
        return min(self.counts[count].size, total) - low < 1

    def kept_apart(self, hidden: set[Count]) -> set[tuple[int, int]]:
        """Withhold more until whole people leave each small cell two counts; return values, too."""
        secrets: dict[tuple[Count, ...], Row] = {
            (count,): self._row(count) for count, printed in self.counts.items() if printed.small
        }
        for out, inside in self.nested:
            secrets[out, inside] = {**self._row(out), **self._row(inside, -1)}
        if len(self.counts) > TOO_MANY:
            return set()
        spans = {at: [s for s in own if s.above in hidden] for at, own in self.spans.items()}
        told = [span for own in spans.values() for span in own]
        values: set[tuple[int, int]] = set()
        turns = 0
        while secrets:
            bounds = [known for span in told for known in span.known()]
            open_ = pinned([*self._known(hidden), *bounds], secrets)
            if told and open_ != set():
                values, told = {at for at, own in spans.items() if own and open_}, []
                continue
            if not open_:
                break
            near = [c for c in self.counts if c not in hidden and self._bears_on(c, open_)]
            if not near:
                # sizes and totals alone tell these; nothing that could be withheld would help
                secrets = {key: row for key, row in secrets.items() if key not in open_}
                continue
            first = next(key for key in secrets if key in open_)[0]
            near.sort(key=lambda c: (*_far(c, first), *self._cost(c)))
            hidden.update(near[: 2 ** max(turns - FEW_TURNS, 0)])
            turns += 1
        return values

    def _bears_on(self, count: Count, secrets: Iterable[tuple[Count, ...]]) -> bool:
        printed = self.counts[count]
        populations = {_whole(secret[0].group) for secret in secrets}
        return printed.number is not None and _whole(count.group) in populations

    def _known(self, hidden: set[Count]) -> Iterator[Known]:
        """Yield what a reader knows: sizes, totals, and every count that is not withheld."""
        lines: dict[tuple[str, frozenset[str]], list[Group]] = defaultdict(list)
        for group in self.groups:
            lines[group.population, group.attributes].append(group)
            size = self.sizes[group]
            if "tp" in self.atoms[group.population]:
                yield Known(_sum((group,), ATOMS), size, size)
        whole = {key: members for key, members in lines.items() if key in self.tables}
        for (population, attributes), members in whole.items():
            atoms = self.atoms[population]
            for parent in self.groups:
                if parent.population == population and parent.attributes < attributes:
                    yield from (Known(row, 0, 0) for row in self._margins(parent, members, atoms))
            yield from self._totals(members)
        for (one, first), (other, second) in combinations(whole.items(), 2):
            if one[0] == other[0] and self._size(first) == self._size(second):
                for atom in self.atoms[one[0]]:
                    yield Known({**_sum(first, (atom,)), **_sum(second, (atom,), -1)}, 0, 0)
        for count, printed in self.counts.items():
            number = None if count in hidden else self._number(count)
            ends = (0, printed.size) if number is None else (number, number)
            yield Known(self._row(count), *ends)

    def _totals(self, members: list[Group]) -> Iterator[Known]:
        """Yield the sums of a whole table, which somebody knows even where nobody prints them."""
        for atoms in sorted({count.atoms for count in self.counts}, key=sorted):
            numbers = [self._number(Count(member, atoms)) for member in members]
            known = [number for number in numbers if number is not None]
            if len(known) == len(numbers):
                yield Known(_sum(members, sorted(atoms)), sum(known), sum(known))

    def _size(self, groups: Iterable[Group]) -> float:
        return sum(self.sizes[group] for group in groups)

    def _number(self, count: Count) -> float | None:
        """Return a count of whole people; None where it is unknown, or weighted."""
        if not self.sizes.get(count.group, 1):
            return 0
        number = self.counts[count].number if count in self.counts else None
        return number if number is not None and float(number).is_integer() else None

    def places_of(self, hidden: set[Count]) -> Withheld:
        """Return where the withheld counts are printed."""
        result = Withheld()
        for count in hidden:
            printed = self.counts[count]
            for place in printed.places:
                if place.finding < 0:
                    result.positives.add((place.audit, place.cell))
                else:
                    cells = result.cells.setdefault((place.audit, place.finding), {})
                    cells[place.cell] = cells.get(place.cell, False) or printed.small
        return result


def _far(count: Count, secret: Count) -> tuple[bool, bool]:
    """Return how little a count has to do with a secret: another table, another rate."""
    return count.group.attributes != secret.group.attributes, count.atoms != secret.atoms


def _spans(answer: Answer, population: str) -> Iterator[Span]:
    """Yield between which rates a published value says that each judged group lies.

    Only where it is so: a value against a reference group says nothing of the others.
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
                key = Group(population, frozenset(group.group.items()))
                yield Span(Count(key, above), Count(key, below), low - TINY, high + TINY)


def _between(answer: Answer, rates: list[float], value: float) -> tuple[float, float]:
    """Return the rates that no group can pass without another value."""
    least, most = min(rates), max(rates)
    if answer.kind == "difference":
        return most - value, least + value
    if answer.kind == "ratio":
        return most * value, least / value if value else math.inf
    return (value, math.inf) if value <= least else (-math.inf, value)


def _sum(groups: Iterable[Group], atoms: Iterable[str], factor: int = 1) -> Row:
    return dict.fromkeys(product(groups, atoms), factor)


def _whole(group: Group) -> str:
    return group.population.removesuffix(HALF)


def _population(audit: Audit) -> str:
    """Return which model on which rows: policies over the same ones share their cells."""
    if audit.subject is None:
        return audit.policy.name
    model, data = audit.subject.model, audit.subject.data
    parts = (data.sha256 or data.ref, model.sha256 or model.ref, audit.subject.decision)
    return "\n".join(parts)
