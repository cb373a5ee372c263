"""``aipm diff``: two audits side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_aipm.commands.changes import Changes, Key, Pair, audits, by_key, changes
from pytest_aipm.commands.folder import read_record, record_path
from pytest_aipm.commands.say import say
from pytest_aipm.commands.spans import code_span
from pytest_aipm.commands.weaker import weaker
from pytest_aipm.records import Audit, Finding, Record
from pytest_aipm.report import publishable
from pytest_aipm.report.plain import plain_line
from pytest_aipm.report.words import figures, limit_text

__all__ = ["diff"]

Section = tuple[str, Sequence[str]]
"""A title and its lines."""

_ASCII = str.maketrans({"≥": ">=", "≤": "<=", "\N{EN DASH}": "-", "\N{MINUS SIGN}": "-"})


@dataclass(frozen=True)
class Side:
    """A record, and what of it may be published: a log of a build server is read by many."""

    shown: str
    record: Record
    public: dict[Key, Finding]


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
    sides = _side(old), _side(new)
    found = changes(sides[0].record, sides[1].record)
    sections = list(_sections(found, weaker(sides[0].record, sides[1].record), *sides))
    lines = _markdown(sections, *sides) if markdown else _text(sections, *sides)
    say("\n".join(lines))
    return 0


def _side(word: str) -> Side:
    record = read_record(record_path(word), shown=word)
    return Side(word, record, by_key(publishable(record)))


def _sections(found: Changes, weakened: Sequence[str], old: Side, new: Side) -> Iterator[Section]:
    """Yield what there is to say, the worst first."""

    def lines(pairs: Iterable[Pair]) -> list[str]:
        return [_line(pair, old, new) for pair in pairs]

    yield "New fails", [line for pair in found.fails for line in _fail(pair, old, new)]
    yield "Fixed", lines(found.fixed)
    yield "Other verdicts", lines(found.verdicts)
    yield "Same verdict, but moved beyond the old interval", lines(found.moved)
    yield "Checks added", lines(found.added)
    yield "Checks removed", lines(found.removed)
    yield "What weakens the gate", [plain_line(line) for line in weakened]
    yield "Also different", list(_identity(old.record, new.record))


def _fail(pair: Pair, old: Side, new: Side) -> Iterator[str]:
    yield _line(pair, old, new)
    assert pair.new is not None  # noqa: S101 - it fails now
    yield f"  {plain_line(new.public[pair.key].reason)}"


def _line(pair: Pair, old: Side, new: Side) -> str:
    """Return a finding's verdict, value and limit, then and now."""
    parts = [
        _arrow(_verdict(pair.old), _verdict(pair.new)),
        _arrow(_value(pair.key, pair.old, old), _value(pair.key, pair.new, new)),
        f"limit {_arrow(_limit(pair.old), _limit(pair.new))}",
    ]
    if pair.other_rules:
        parts.append("decided by other rules than before")
    return f"{plain_line(pair.id)}: {', '.join(parts)}"


def _arrow(old: str, new: str) -> str:
    if not old or not new:
        return old or new
    return new if old == new else f"{old} -> {new}"


def _verdict(finding: Finding | None) -> str:
    if finding is None:
        return ""
    forced = finding.failing and finding.verdict.value not in ("fail", "error")
    return finding.verdict.value.replace("_", " ") + (" (fails the build)" if forced else "")


def _value(key: Key, finding: Finding | None, side: Side) -> str:
    if finding is None:
        return ""
    if finding.value is None:
        return "no value"
    public = side.public[key]
    if public.value is None:
        return "withheld"
    shown = figures(public)
    interval = "" if public.interval is None else f" ({shown.interval(public.interval)})"
    return f"{shown(public.value)}{interval}".translate(_ASCII)


def _limit(finding: Finding | None) -> str:
    return "" if finding is None else limit_text(finding.limit).translate(_ASCII)


def _identity(old: Record, new: Record) -> Iterator[str]:
    """Yield what else is not the same: policy, model, data, decision, seed, versions."""
    before = audits(old)
    for name, audit in audits(new).items():
        if name not in before:
            yield f"{plain_line(name)}: not audited before"
            continue
        parts = [
            _differs(word, then, now)
            for (word, then), (_, now) in zip(_facts(before[name]), _facts(audit), strict=True)
        ]
        differing = [part for part in parts if part]
        if differing:
            yield plain_line(f"{name}: {'; '.join(differing)}")
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
    yield "decision", "unknown" if subject is None else subject.decision
    yield "reading", "unknown" if subject is None else subject.reading
    for word in ("model", "data"):
        found = None if subject is None else getattr(subject, word)
        digest = found.sha256[:12] if found is not None and found.sha256 else "no hash"
        yield word, "unknown" if found is None else f"{found.ref} {digest}"
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


def _text(sections: Sequence[Section], old: Side, new: Side) -> Iterator[str]:
    yield _headline(old, new)
    yield f"old {_origin(old)}"
    yield f"new {_origin(new)}"
    for title, lines in sections:
        if lines:
            yield ""
            yield f"{title} ({_number(lines)})"
            yield from (f"  {line}" for line in lines)
    if not any(lines for _, lines in sections):
        yield ""
        yield "Nothing differs."


def _markdown(sections: Sequence[Section], old: Side, new: Side) -> Iterator[str]:
    yield f"## {_headline(old, new).replace('->', '→')} · two audits compared"
    yield ""
    yield f"- old: {code_span(_origin(old))}"
    yield f"- new: {code_span(_origin(new))}"
    for title, lines in sections:
        if lines:
            yield ""
            yield f"**{title} ({_number(lines)})**"
            yield ""
            yield from (_item(line) for line in lines)
    if not any(lines for _, lines in sections):
        yield ""
        yield "Nothing differs."


def _number(lines: Sequence[str]) -> int:
    """Return how many lines are no continuation of the one before."""
    return sum(not line.startswith(" ") for line in lines)


def _item(line: str) -> str:
    return f"  - {code_span(line.strip())}" if line.startswith(" ") else f"- {code_span(line)}"
