"""Withholds small cells: every published view is made from `publishable(record)`.

A rate of three people is close to their personal data. Such a group keeps its count; its rate,
interval and numerator go, and with them whatever else would give them away: other cells of the
same table (`suppression`), the finding's value when the group is part of the pair that makes it,
its interval and its rows needed when the group was judged, charts, and sentences that hold
numbers. The verdict stays. What exceptions of others said goes, too (`foreign`): they quote rows.
"""

from __future__ import annotations

import math
import weakref
from itertools import permutations

from pytest_aipm.records import (
    Audit,
    Finding,
    GroupValue,
    PolicyInfo,
    Record,
    RunVerdict,
    Series,
    Verdict,
)
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.classes import fewest_classes
from pytest_aipm.report.foreign import named_warnings, without_foreign
from pytest_aipm.report.past import published_releases
from pytest_aipm.report.suppression import Withheld, withheld_cells
from pytest_aipm.report.words import DASH, VERDICT_WORDS, WITHHELD, limit_text

__all__ = ["publishable", "published_alone", "withheld_note"]

LINES = ("curve", "reliability", "roc")
"""Kinds of series whose points are measured in both directions."""


def withheld_note(min_cell: int, *, small: bool = True) -> str:
    """Return the note of a withheld cell."""
    if small:
        return f"{WITHHELD}: fewer than {min_cell} people"
    return f"{WITHHELD}: would give away a group of fewer than {min_cell} people"


def publishable(record: Record) -> Record:
    """Return the record without the numbers that would expose fewer than `min_cell` people.

    Parameters
    ----------
    record : Record
        The whole record; `audit.policy.min_cell` says what is small.

    Returns
    -------
    Record
        The same findings, verdicts and group counts. Withheld numbers are None and their notes
        begin with "withheld". A record without small cells is returned as it is. A published
        record once more published shows no more, and may withhold more: publish the whole one.

    Notes
    -----
    Exact recovery by sums and differences across the findings of the record is prevented (see
    `suppression`); what a reader knows from elsewhere about single people is not in our hands.
    """
    global _last  # noqa: PLW0603 - every view of a run asks for the same one
    if _last is not None and _last[0]() is record:
        return _last[1]
    fewer = fewest_classes(record)
    published = _published(fewer, withheld_cells(fewer))
    _last = (weakref.ref(record), published)
    return published


_last: tuple[weakref.ref[Record], Record] | None = None


def published_alone(finding: Finding, *, min_cell: int) -> Finding:
    """Return a finding as it is published beside no other: logs and JUnit see one at a time.

    Its value goes with the first withheld cell, since nobody here knows what other findings tell.
    """
    policy = PolicyInfo(name="", path="", sha256="", text="", min_cell=min_cell)
    audit = Audit(policy=policy, verdict=RunVerdict.UNPROVEN, findings=(finding,))
    record = fewest_classes(Record(verdict=audit.verdict, audits=(audit,)))
    hidden = withheld_cells(record)
    hidden.values |= set(hidden.cells)
    return _published(record, hidden).findings[0]


def _published(record: Record, hidden: Withheld) -> Record:
    audits = tuple(
        _audited(_audit(a, hidden, i), record.run.commit) for i, a in enumerate(record.audits)
    )
    return record if audits == record.audits else record.model_copy(update={"audits": audits})


def _audited(audit: Audit, commit: str | None) -> Audit:
    """Withhold in what an audit holds beside its findings, which are published already."""
    releases, warnings = published_releases(audit, commit), named_warnings(audit.warnings)
    subject = audit.subject
    if subject is not None and (subject.data.salt or (subject.train and subject.train.salt)):
        told = {
            name: None if data is None else data.model_copy(update={"salt": None})
            for name, data in (("data", subject.data), ("train", subject.train))
        }
        subject = subject.model_copy(update=told)
    now = {"releases": releases, "warnings": warnings, "subject": subject}
    same = now == {name: getattr(audit, name) for name in now}
    return audit if same else audit.model_copy(update=now)


def _audit(audit: Audit, hidden: Withheld, at: int) -> Audit:
    audit = _without_rows(_without_lines(audit, hidden), hidden)
    small = audit.policy.min_cell
    groups = tuple(
        g.model_copy(update={"positives": None}) if (at, i) in hidden.positives else g
        for i, g in enumerate(audit.groups)
    )
    findings = tuple(
        _finding(f, hidden.cells.get((at, i), {}), small, told=(at, i) not in hidden.values)
        for i, f in enumerate(audit.findings)
    )
    if groups == audit.groups and findings == audit.findings:
        return audit
    return audit.model_copy(update={"groups": groups, "findings": findings})


def _finding(finding: Finding, cells: dict[int, bool], min_cell: int, *, told: bool) -> Finding:
    """Withhold in one finding; `cells` maps positions of groups to whether they are small.

    Its value is `told` unless one of them makes it, or it says too much of one.
    """
    finding = without_foreign(_thin_series(finding, min_cell))
    if not cells:
        return _few_rows(finding, min_cell)
    groups = tuple(
        _cell(g, min_cell, small=cells[i]) if i in cells else g
        for i, g in enumerate(finding.groups)
    )
    # A group of a few people none of whom counts was not judged: that, too, is a number of theirs.
    gone = [
        g.model_copy(update={"judged": True}) if g.denominator == 0 else g
        for g in (finding.groups[i] for i in cells)
    ]
    pair = Answer(finding).pair
    known = bool(pair)
    in_pair = any(g.judged for g in gone) if not known else any(p == g for p in pair for g in gone)
    in_pair = in_pair or not told or any(_may_make(finding, g) for g in gone)
    update: dict[str, object] = {"groups": groups, "series": (), "sizes": ()}
    if any(g.judged for g in gone):
        # over how many pairs, and by which test of small groups, depends on them
        update["method"] = finding.method.partition(",")[0]
        # The wider end of an interval is the bound of one pair, mostly of the smallest group:
        # with three people there are four possible numerators to try against the printed end.
        update |= {"interval": None, "detectable": None, "rows_needed": None}
    if in_pair:
        update["value"] = None
    if finding.baseline is not None:
        dropped: dict[str, object] = {"note": ""}
        if in_pair or any(g.judged for g in gone):
            # the change has a pair of its own, which may be the small group's
            dropped |= {"value": None, "delta": None, "interval": None, "group": ""}
        update["baseline"] = finding.baseline.model_copy(update=dropped)
    if finding.waiver is not None:
        update["waiver"] = finding.waiver.model_copy(update={"note": ""})
    published = finding.model_copy(update=update)
    return published.model_copy(update=_said(published, min_cell))


def _may_make(finding: Finding, gone: GroupValue) -> bool:
    """Return whether a withheld group could be one of those that make the value.

    A gap to a rate of 0 is the other group's rate, and so is a ratio to a rate of 1: who is in the
    pair cannot always be told by the numbers, so here any way to make it counts.
    """
    value, own = finding.value, gone.value
    if value is None or own is None or not gone.judged:
        return False
    made = {own}
    for other in finding.groups:
        if other.judged and other.part == gone.part and other.value is not None:
            made.add(abs(own - other.value))
            made |= {a / b for a, b in permutations((own, other.value)) if b}
    return any(math.isclose(each, value, rel_tol=1e-9, abs_tol=1e-9) for each in made)


def _cell(group: GroupValue, min_cell: int, *, small: bool) -> GroupValue:
    note = withheld_note(min_cell, small=small)
    return group.model_copy(
        update={
            "numerator": None,
            "denominator": None,
            "counted": None,
            "people": None,
            "value": None,
            "interval": None,
            "judged": group.judged or group.denominator == 0,
            "note": group.note if group.note.startswith(WITHHELD) else note,
        }
    )


def _said(finding: Finding, min_cell: int) -> dict[str, object]:
    """Return reason and notes without the numbers that the full ones may hold."""
    note = f"{WITHHELD}: numbers of groups with fewer than {min_cell} people"
    if finding.verdict is Verdict.ERROR:
        return {"notes": (note,)}
    if finding.value is not None:
        said = Answer(finding).effect
    else:
        asked = limit_text(finding.limit, words=True)
        word = VERDICT_WORDS[finding.verdict]
        said = f"{word}: the value is {WITHHELD}"
        said += "." if asked == DASH else f"; the policy asks for {asked}."
    reason = f"{said} Some numbers are withheld: a group has fewer than {min_cell} people."
    return {"reason": reason, "notes": (note,)}


def _few_rows(finding: Finding, min_cell: int) -> Finding:
    """Withhold the numbers of a finding that rests on fewer than `min_cell` rows in all."""
    if finding.groups or not 0 < finding.n < min_cell or finding.kind == "census":
        return finding
    gone: dict[str, object] = dict.fromkeys(("value", "interval", "detectable", "rows_needed"))
    gone |= {"series": (), "sizes": (), "examples": ()}
    if finding.baseline is not None:
        dropped = {"value": None, "delta": None, "interval": None, "note": ""}
        gone["baseline"] = finding.baseline.model_copy(update=dropped)
    published = finding.model_copy(update=gone)
    return published.model_copy(update=_said(published, min_cell))


def _thin_series(finding: Finding, min_cell: int) -> Finding:
    thinned = tuple(_thin(series, min_cell) for series in finding.series)
    if thinned == finding.series:
        return finding
    return finding.model_copy(update={"series": thinned})


def _without_lines(audit: Audit, hidden: Withheld) -> Audit:
    """Withhold lines that count people, in every finding, once any cell of the record is withheld.

    Selection rates at many thresholds, or positives in bins, add up to numbers that another finding
    withholds, and `suppression` does not add them up.
    """
    if not hidden.cells and not hidden.positives:
        return audit
    note = f"{WITHHELD}: lines, since a group has fewer than {audit.policy.min_cell} people"
    findings = []
    for finding in audit.findings:
        kept = tuple(one for one in finding.series if one.kind not in LINES or not one.counts)
        gone = {"series": kept, "notes": (*finding.notes, note)}
        same = len(kept) == len(finding.series)
        findings.append(finding if same else finding.model_copy(update=gone))
    if tuple(findings) == audit.findings:
        return audit
    return audit.model_copy(update={"findings": tuple(findings)})


def _without_rows(audit: Audit, hidden: Withheld) -> Audit:
    """Leave no row that the policy does not allow, and none at all once any cell is withheld.

    What was changed in a row may name a group, and what the model decided for one of three people
    is one of the numbers that are withheld.
    """
    most = 0 if hidden.cells or hidden.positives else audit.policy.rows or 0
    if all(len(finding.examples) <= most for finding in audit.findings):
        return audit
    note = f"{WITHHELD}: rows, since a group has fewer than {audit.policy.min_cell} people"
    findings = []
    for finding in audit.findings:
        gone: dict[str, object] = {"examples": finding.examples[:most]}
        if finding.examples and audit.policy.rows:
            gone["notes"] = (*finding.notes, note)
        findings.append(finding.model_copy(update=gone))
    return audit.model_copy(update={"findings": tuple(findings)})


def _thin(series: Series, min_cell: int) -> Series:
    """Withhold the points of a series that rest on few people, and one more if only one does."""
    gone = {i for i, n in enumerate(series.counts) if 0 < n < min_cell}
    if not gone:
        return series
    others = sorted((n, i) for i, n in enumerate(series.counts) if n and i not in gone)
    if len(gone) == 1 and others:
        gone.add(others[0][1])

    if series.kind in LINES:
        # where a point of one person lies is what was measured of them: the whole point goes
        kept = [i for i in range(len(series.counts)) if i not in gone]
        names = ("x", "y", "lo", "hi", "counts")
        points = {name: getattr(series, name) for name in names}
        return series.model_copy(
            update={
                name: tuple(each[i] for i in kept) if each else () for name, each in points.items()
            }
        )

    def thin(points: tuple[float | None, ...]) -> tuple[float | None, ...]:
        return tuple(None if i in gone else point for i, point in enumerate(points))

    update = {"y": thin(series.y), "lo": thin(series.lo), "hi": thin(series.hi)}
    return series.model_copy(update=update)
