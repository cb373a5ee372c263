"""``aipm diff``: two audits side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_aipm.commands.changes import Changes, Key, Pair, audits, by_key, changes
from pytest_aipm.commands.folder import read_record, record_path
from pytest_aipm.commands.say import say
from pytest_aipm.commands.waived import waived
from pytest_aipm.commands.weaker import weaker
from pytest_aipm.records import Audit, Finding, Record
from pytest_aipm.report import publishable
from pytest_aipm.report.escape import markdown_text
from pytest_aipm.report.plain import plain_line
from pytest_aipm.report.words import WITHHELD, figures, limit_text, plural

__all__ = ["diff"]

MOST = 1000
"""Characters of one text in Markdown; a comment is read, not searched."""

_ASCII = str.maketrans({"≥": ">=", "≤": "<=", "\N{EN DASH}": "-", "\N{MINUS SIGN}": "-"})


@dataclass(frozen=True)
class Side:
    """A record as it may be published: a log of a build server is read by many."""

    shown: str
    record: Record
    findings: Mapping[Key, Finding]


@dataclass(frozen=True)
class Row:
    """One finding then and now; `why` is the reason of a new fail."""

    name: str
    verdict: str
    value: str
    limit: str
    note: str = ""
    why: str = ""

    def line(self) -> str:
        """Return the row as a line of text."""
        parts = (self.verdict, self.value, f"limit {self.limit}", self.note)
        return f"{self.name}: {', '.join(filter(None, parts))}"


@dataclass(frozen=True)
class Section:
    """A title, and rows or lines below it."""

    title: str
    rows: Sequence[Row] = ()
    lines: Sequence[str] = ()

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.rows) or len(self.lines)


def diff(old: str, new: str, *, markdown: bool = False) -> int:
    """Print what differs between two records.

    Parameters
    ----------
    old, new : str
        An ``audit.json`` each, or a folder that holds one.
    markdown : bool
        GitHub Markdown instead of plain text.

    Returns
    -------
    int
        0, whatever the difference.

    Raises
    ------
    OptionError
        When one of the two is unreadable.
    """
    before, now = _side(old), _side(new)
    # Of small cells not even that they moved: two of few possible numbers would be left.
    found = changes(before.record, now.record)
    sections = [section for section in _sections(found, before, now) if section.number]
    summed = _summed(sections, found, now)
    lines = (_markdown if markdown else _text)(sections, summed, before, now)
    say("\n".join(lines))
    return 0


def _side(word: str) -> Side:
    record = publishable(read_record(record_path(word), shown=word))
    return Side(word, record, by_key(record))


def _sections(found: Changes, old: Side, new: Side) -> Iterator[Section]:
    """Yield what there is to say, the worst first."""

    def rows(pairs: Iterable[Pair], *, why: bool = False) -> list[Row]:
        return [_row(pair, why=why) for pair in pairs]

    yield Section("New fails", rows(found.fails, why=True))
    yield Section("Fixed", rows(found.fixed))
    yield Section("Other verdicts", rows(found.verdicts))
    yield Section("Same verdict, but moved beyond the old interval", rows(found.moved))
    yield Section("Checks added", rows(found.added))
    yield Section("Checks removed", rows(found.removed))
    yield Section("What weakens the gate", lines=weaker(old.record, new.record))
    yield Section("Waivers", lines=waived(old.record, new.record))
    yield Section("Also different", lines=list(_identity(old.record, new.record)))


def _summed(sections: Sequence[Section], found: Changes, new: Side) -> str:
    """Return how many findings there are of each kind, and how many are as they were."""
    told = {pair.key for pairs in vars(found).values() for pair in pairs}
    same = sum(key not in told for key in new.findings)
    said = [f"{each.number} {_lowered(each.title)}" for each in sections if each.rows]
    unchanged = f"{same} of {plural(len(new.findings), 'check')} as before"
    return ", ".join([*said, unchanged])


def _lowered(title: str) -> str:
    return {"Same verdict, but moved beyond the old interval": "moved"}.get(title, title.lower())


def _row(pair: Pair, *, why: bool = False) -> Row:
    """Return a finding's verdict, value and limit, then and now."""
    notes = [_direction(pair), "decided by other rules than before" * pair.other_rules]
    return Row(
        plain_line(pair.id),
        _arrow(_verdict(pair.old), _verdict(pair.new)),
        _arrow(_value(pair.old), _value(pair.new)),
        _arrow(_limit(pair.old), _limit(pair.new)),
        ", ".join(filter(None, notes)),
        plain_line(pair.new.reason) if why and pair.new is not None else "",
    )


def _direction(pair: Pair) -> str:
    """Return whether a value moved for the better or the worse; limits of one side tell."""
    old, new = pair.old, pair.new
    if old is None or new is None or old.verdict != new.verdict or new.limit is None:
        return ""
    if None in (old.value, new.value) or None not in (new.limit.min, new.limit.max):
        return ""
    rose = new.value > old.value  # type: ignore[operator]
    return "better" if rose == (new.limit.max is None) else "worse"


def _arrow(old: str, new: str) -> str:
    if not old or not new:
        return old or new
    return new if old == new else f"{old} -> {new}"


def _verdict(finding: Finding | None) -> str:
    if finding is None:
        return ""
    forced = finding.failing and finding.verdict.value not in ("fail", "error")
    return finding.verdict.value.replace("_", " ") + (" (fails the build)" if forced else "")


def _value(finding: Finding | None) -> str:
    if finding is None:
        return ""
    if finding.value is None:
        gone = any(note.startswith(WITHHELD) for note in finding.notes)
        return WITHHELD if gone else "no value"
    shown = figures(finding)
    interval = "" if finding.interval is None else f" ({shown.interval(finding.interval)})"
    return f"{shown(finding.value)}{interval}".translate(_ASCII)


def _limit(finding: Finding | None) -> str:
    return "" if finding is None else limit_text(finding.limit).translate(_ASCII)


def _identity(old: Record, new: Record) -> Iterator[str]:
    """Yield what else is not the same: policy, model, data, decision, seed, versions."""
    before = audits(old)
    for name, audit in audits(new).items():
        if name not in before:
            yield f"{plain_line(name)}: not audited before"
            continue
        facts = zip(_facts(before[name]), _facts(audit), strict=True)
        for (word, then), (_, now) in facts:
            if then != now:
                yield plain_line(f"{name}: {word} {then} -> {now}")
    run = [_differs("seed", str(old.run.seed), str(new.run.seed))]
    libraries = sorted({*old.run.versions, *new.run.versions})
    run += [
        _differs(each, old.run.versions.get(each, "none"), new.run.versions.get(each, "none"))
        for each in libraries
    ]
    said = [part for part in run if part]
    if said:
        yield plain_line("; ".join(said))


def _facts(audit: Audit) -> Iterator[tuple[str, str]]:
    subject = audit.subject
    yield "policy", audit.policy.sha256[:12]
    yield "owner", str(audit.context.get("owner") or "unknown")
    yield "decision", "unknown" if subject is None else subject.decision
    yield "reading", "unknown" if subject is None else subject.reading
    for word in ("model", "data", "train"):
        found = None if subject is None else getattr(subject, word)
        digest = f" {found.sha256[:12]}" if found is not None and found.sha256 else ""
        yield word, "unknown" if found is None else f"{found.ref}{digest}"
    rows = None if subject is None else subject.data.rows
    yield "rows", "unknown" if rows is None else f"{rows:,}"
    approved = None if audit.baseline is None else audit.baseline.approved
    yield "baseline", "none" if approved is None else f"of {approved.when} by {approved.by}"


def _differs(word: str, old: str, new: str) -> str:
    return "" if old == new else f"{word} {old} -> {new}"


def _headline(old: Side, new: Side) -> str:
    return _arrow(old.record.verdict.value.upper(), new.record.verdict.value.upper())


def _origin(side: Side) -> str:
    run = side.record.run
    commit = f", commit {run.commit[:12]}" if run.commit else ""
    partial = ", PARTIAL" if side.record.partial else ""
    return plain_line(f"{side.shown}: run of {run.started or 'no date'}{commit}{partial}")


def _text(sections: Sequence[Section], summed: str, old: Side, new: Side) -> Iterator[str]:
    yield _headline(old, new)
    yield f"old {_origin(old)}"
    yield f"new {_origin(new)}"
    if not sections:
        yield ""
        yield "Nothing differs."
        return
    yield summed
    for section in sections:
        yield ""
        yield f"{section.title} ({section.number})"
        for row in section.rows:
            yield f"  {row.line()}"
            if row.why:
                yield f"    {row.why}"
        yield from (f"  {plain_line(line)}" for line in section.lines)


def _markdown(sections: Sequence[Section], summed: str, old: Side, new: Side) -> Iterator[str]:
    yield f"## {_headline(old, new).replace('->', '→')} · two audits compared"
    yield ""
    yield f"- old: {markdown_text(_origin(old))}"
    yield f"- new: {markdown_text(_origin(new))}"
    yield ""
    if not sections:
        yield "Nothing differs."
        return
    yield f"{summed[0].upper()}{summed[1:]}."
    for section in sections:
        yield ""
        yield f"**{section.title} ({section.number})**"
        yield ""
        yield from _table(section.rows)
        yield from (f"- {_cell(line)}" for line in section.lines)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    yield "| Check | Verdict | Value | Limit |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        noted = f", {row.note}" if row.note else ""
        cells = (row.name, row.verdict, f"{row.value}{noted}", row.limit)
        yield f"| {' | '.join(map(_cell, cells))} |"
    reasons = [row for row in rows if row.why]
    if reasons:
        yield ""
        yield from (f"- {_cell(row.name)}: {_cell(row.why)}" for row in reasons)


def _cell(text: str) -> str:
    """Return text as GitHub shows it: names come from data and must neither format nor mention."""
    text = plain_line(text)
    short = text if len(text) <= MOST else f"{text[: MOST - 1]}…"
    return markdown_text(short).replace("-&gt;", "→").replace("&gt;=", "≥").replace("&lt;=", "≤")
