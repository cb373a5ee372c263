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

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import permutations

from pytest_aipm.records import Audit, AuditGroup, Finding, GroupValue, Record
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.apart import TOO_MANY, keep_apart
from pytest_aipm.report.atoms import ATOMS, atoms_of, is_half, is_slice
from pytest_aipm.report.classes import beside_small, spoken
from pytest_aipm.report.counts import HALF, Count, Group, Place, Printed, sum_of, whole_of
from pytest_aipm.report.elimination import Row, Secrets
from pytest_aipm.report.spans import Span, spans_of
from pytest_aipm.report.words import WITHHELD

__all__ = ["Withheld", "withheld_cells"]


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


def withheld_cells(record: Record) -> Withheld:
    """Return what `publishable` withholds from `record`: small cells and their complements."""
    sliced = any(is_slice(finding) for finding in record.findings)
    small = any(_has_small(audit) for audit in record.audits)
    if not sliced and not small:
        return Withheld()
    table = Table(record)
    if not small and not table.nested:
        return Withheld()
    hidden = table.suppressed()
    values = keep_apart(table, hidden)
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


@dataclass(frozen=True)
class _Populations:
    """Names the population of each part of a finding."""

    everyone: str
    audit: Audit
    finding: Finding

    def __call__(self, part: str) -> str:
        return self.everyone + spoken(self.audit, self.finding, part)


class Table:
    """The counts of a record as unknowns and equations."""

    def __init__(self, record: Record) -> None:
        self.counts: dict[Count, Printed] = defaultdict(Printed)
        self.sizes: dict[Group, float] = {}
        self.tables: set[tuple[str, frozenset[str]]] = set()  # complete; slices are a choice
        self.sliced: set[Group] = set()
        self.spans: dict[tuple[int, int], list[Span]] = {}
        self.min_cell = max((audit.policy.min_cell for audit in record.audits), default=0)
        for at, audit in enumerate(record.audits):
            self._read(audit, at)
        for count in list(beside_small(self.counts)):
            self.counts[count].gone = True

    def _read(self, audit: Audit, at: int) -> None:
        everyone, small = _population(audit), audit.policy.min_cell
        population = everyone + spoken(audit, None)
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
            self.spans[at, number] = list(spans_of(answer, _Populations(everyone, audit, finding)))
            # A share of all rows has the group's size below the line, which is no secret.
            shared = {c.part for c in finding.groups if c.counts[1] not in (None, c.n)}
            parts = {cell.part for cell in finding.groups}
            halves = {part: HALF if is_half(finding, part) else "" for part in parts}
            populations = {part: everyone + spoken(audit, finding, part) for part in parts}
            atoms = {part: atoms_of(finding, part) for part in parts}
            for i, cell in enumerate(finding.groups):
                half, population = halves[cell.part], populations[cell.part]
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
                above, below = atoms[cell.part]
                count = Count(key, above)
                place = Place(at, number, i, denominator=False)
                self._add(count, place, base, events, small=tiny)
                self.counts[count].deciding |= spared and answer.decides(cell)
                self.counts[count].gone |= cell.note.startswith(WITHHELD)
                sized = below.isdisjoint(ATOMS) and cell.part not in shared
                if rows is not None and below != frozenset(ATOMS) and not sized:
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
        between = ({**self.row(out), **self.row(inside, -1)} for out, inside in self.nested)
        secrets = Secrets(structure, (*map(self.row, small), *between))
        # What costs a reader most is told first; what would then give a small cell away is not.
        for count in sorted(self.counts, key=self.cost, reverse=True):
            if count not in hidden and not secrets.tell(self._rows(count)):
                hidden.add(count)
        return hidden | self._widened(small, hidden)

    def cost(self, count: Count) -> tuple[bool, float, list[tuple[str, str]], list[str]]:
        """Return what withholding costs a reader: most for groups that decide, then by size."""
        printed, group = self.counts[count], count.group
        return printed.deciding, printed.size, sorted(group.values), sorted(count.atoms)

    def row(self, count: Count, factor: int = 1) -> Row:
        return sum_of((count.group,), sorted(count.atoms), factor)

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
            and out.group.population in (inside.group.population, whole_of(inside.group))
        ]

    def _rows(self, count: Count) -> Iterator[Row]:
        """Yield what a published count tells: itself, and what none or all of a group implies."""
        yield self.row(count)
        number = self.counts[count].number
        if number == 0:
            yield from (sum_of((count.group,), (atom,)) for atom in sorted(count.atoms))
        elif number == self.sizes[count.group] and "tp" in self.atoms[count.group.population]:
            yield from (sum_of((count.group,), (a,)) for a in ATOMS if a not in count.atoms)

    def _structure(self) -> Iterator[Row]:
        """Yield what holds of all counts: sizes, totals, and cells that add up to their groups."""
        lines: dict[tuple[str, frozenset[str]], list[Group]] = defaultdict(list)
        for group in self.groups:
            lines[group.population, group.attributes].append(group)
        for (population, attributes), members in lines.items():
            atoms = self.atoms[population]
            for group in members:
                if not self.sizes[group]:
                    yield from (sum_of((group,), (atom,)) for atom in atoms)
                elif "tp" in atoms:
                    yield sum_of((group,), ATOMS)
            if (population, attributes) not in self.tables:
                continue
            yield from (sum_of(members, (atom,)) for atom in atoms)
            for parent in self.groups:
                if parent.population == population and parent.attributes < attributes:
                    yield from self.margins(parent, members, atoms)

    def margins(self, parent: Group, members: list[Group], atoms: list[str]) -> Iterator[Row]:
        """Yield that the cells of a group add up to it, where their sizes do."""
        children = [group for group in members if group.values >= parent.values]
        if children and sum(self.sizes[group] for group in children) == self.sizes[parent]:
            for atom in atoms:
                yield {**sum_of(children, (atom,)), (parent, atom): -1}

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
                more.add(min(rest, key=self.cost))
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


def _population(audit: Audit) -> str:
    """Return which model on which rows: policies over the same ones share their cells."""
    if audit.subject is None:
        return audit.policy.name
    model, data = audit.subject.model, audit.subject.data
    parts = (data.sha256 or data.ref, model.sha256 or model.ref, audit.subject.decision)
    return "\n".join(parts)
