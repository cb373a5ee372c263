"""Findings of a multiclass task: which class a number speaks of, and how many classes are shown.

The counts of two classes are counts of different people. So each class, or set of classes, is a
population of its own where small cells are looked for; what adds up over classes, all rows
labelled or all rows decided right, is watched by withholding other classes beside a small one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pytest_aipm.records import Audit, Finding, Record
from pytest_aipm.report.counts import Count, Printed

__all__ = ["CLASS", "beside_small", "fewest_classes", "rate_of", "spoken"]

CLASS = "\nclass "
"""Marks the population of the rows as one class, or some, see them."""

EACH = "_of_each_class"
MOST = 6
"""Rates of classes that are published of a finding that looks at each of them, the worst first."""
PARTNERS = 2


def rate_of(finding: Finding, part: str) -> str:
    """Return the name of a rate without its class: ``recall of gold`` is a recall."""
    of_class = finding.asked is not None and "class" in finding.asked.params
    return part.partition(" of ")[0] if of_class or _looks_at_each(finding) else part


def spoken(audit: Audit, finding: Finding | None, part: str = "") -> str:
    """Return which class a count is of, as the end of a population's name; empty for two classes.

    Without a finding: that of the table of groups.
    """
    subject = audit.subject
    if subject is None or subject.task != "multiclass":
        return ""
    if finding is None:
        return f"{CLASS}{subject.positive or ''}"
    if _looks_at_each(finding):
        return f"{CLASS}{part.partition(' of ')[2]}"
    return f"{CLASS}{'' if finding.formula is None else finding.formula.positive}"


def _looks_at_each(finding: Finding) -> bool:
    return finding.formula is not None and finding.formula.id.endswith(EACH)


def beside_small(counts: Mapping[Count, Printed]) -> Iterable[Count]:
    """Return counts of other classes to withhold beside small ones of the same group.

    The sum over all classes is known: of all rows, or of the rows decided right. Two others that
    could be larger or smaller leave the small one more than one value.
    """
    lines: dict[tuple[object, ...], list[Count]] = defaultdict(list)
    for count in counts:
        base, mark, _ = count.group.population.partition(CLASS)
        if mark:
            lines[base, count.group.values, count.atoms].append(count)
    for line in lines.values():
        if not any(counts[count].small for count in line):
            continue
        others = [count for count in line if not counts[count].small]
        free = [count for count in others if 0 < (counts[count].number or 0) < counts[count].size]
        free.sort(key=lambda count: (counts[count].size, count.group.population))
        yield from free[:PARTNERS] if len(free) >= PARTNERS else others


def fewest_classes(record: Record) -> Record:
    """Return the record with the worst rates alone, where a finding holds those of many classes."""
    audits = tuple(_trimmed(audit) for audit in record.audits)
    return record if audits == record.audits else record.model_copy(update={"audits": audits})


def _trimmed(audit: Audit) -> Audit:
    findings = tuple(_few(finding) for finding in audit.findings)
    return audit if findings == audit.findings else audit.model_copy(update={"findings": findings})


def _few(finding: Finding) -> Finding:
    parts = list(dict.fromkeys(group.part for group in finding.groups))
    if not _looks_at_each(finding) or len(parts) <= MOST:
        return finding
    kept = set(parts[:MOST])
    groups = tuple(group for group in finding.groups if group.part in kept)
    said = f"the {MOST} worst of {len(parts)} rates are shown; the others are nearer to equal"
    return finding.model_copy(
        update={"groups": groups, "notes": (*finding.notes, said), "sizes": (), "part_names": ()}
    )
