"""The audit as GitHub Markdown, for pull requests and step summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_aipm.records import Audit, Finding, Record, Verdict, WaiverInfo
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.plain import plain_line
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked, worst
from pytest_aipm.report.sentences import (
    LEGAL,
    headline,
    missing_sentence,
    urgent_waivers,
)
from pytest_aipm.report.words import (
    DASH,
    MARKS,
    RUN_WORDS,
    VERDICT_WORDS,
    count,
    day,
    figures,
    limit_text,
    plural,
    scope_name,
)

__all__ = ["MOST_BYTES", "summary_md"]

MOST_BYTES = 200_000
"""GitHub drops a step summary above 1 MiB and a comment above 65,536 characters is cut by hosts;
200 kB is the budget of the design."""
MOST_CELL = 240


def summary_md(record: Record) -> str:
    """Return the summary of a run: verdict, sentence, table of checks, waivers.

    Text from data and policies is escaped: it can neither add markup nor mention people, and
    small cells are withheld. Beyond the budget of 200 kB the checks that pass go first, of all
    policies, then what stands last; both are counted.
    """
    shown = publishable(record)
    text = _whole(shown, [list(audit.findings) for audit in shown.audits])
    if len(text.encode()) > MOST_BYTES:
        kept = [[f for f in a.findings if f.verdict is not Verdict.PASS] for a in shown.audits]
        text = _within(_whole(shown, kept))
    return text


def _whole(shown: Record, rows: Sequence[Sequence[Finding]]) -> str:
    """Return the summary with the given rows of each policy's table."""
    head = [f"## {RUN_WORDS[shown.verdict]} · model audit"]
    if shown.partial:
        head.append(f"**{_safe(missing_sentence(shown))}**")
    if len(shown.audits) > 1:
        head.append(_safe(headline(shown.findings, shown.verdict)))
    blocks = [
        b for audit, kept in zip(shown.audits, rows, strict=True) for b in _audit(audit, kept)
    ]
    tail = f"{LEGAL} Record digest `{shown.digest or 'none'}`."
    return "\n\n".join(["\n\n".join(head), *blocks, tail]) + "\n"


def _safe(text: str) -> str:
    """Return text that GitHub shows as it is written."""
    line = plain_line(text)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", line)
    # A zero-width space keeps names from becoming mentions, issue links and addresses.
    return _LINKS.sub("\\1\N{ZERO WIDTH SPACE}", line)


_LINKS = re.compile(r"(@|://|#(?=\d)|\bGH-(?=\d)|\bwww(?=\.))", re.IGNORECASE)


def _cell(text: str) -> str:
    clipped = text if len(text) <= MOST_CELL else f"{text[: MOST_CELL - 1]}…"
    return _safe(clipped) or DASH


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return lines + [f"| {' | '.join(map(_cell, row))} |" for row in rows]


def _audit(audit: Audit, kept: Sequence[Finding]) -> list[str]:
    said = [f"### {_safe(audit.policy.name)}: {RUN_WORDS[audit.verdict]}"]
    said.append(_safe(headline(audit.findings, audit.verdict)))
    first = worst(audit.findings)
    if first is not None:
        answer = Answer(first)
        said.append(f"Worst: {_safe(f'{answer.plain} {answer.change}')}")
    said.append(_identity(audit))
    weak = [*(audit.baseline.weakened if audit.baseline else ())]
    weak += [f"{x.check_id}: {x.what} ({x.reason}; {x.owner})" for x in audit.policy.loosened]
    if weak:
        said.append("**What weakens the gate**\n\n" + "\n".join(f"- {_safe(x)}" for x in weak))
    notes = [*audit.warnings, *urgent_waivers(audit)]
    said += [f"**Note:** {_safe(note)}" for note in notes]
    blocks = ["\n\n".join(said)]
    head = ("Verdict", "Check", "Value", "Interval", "Limit", "Change")
    if kept or not audit.findings:
        blocks.append("\n".join(_table(head, map(_row, ranked(kept)))))
    gone = len(audit.findings) - len(kept)
    if gone:
        left_out = plural(gone, "check that passes is", "checks that pass are")
        blocks.append(f"{left_out} left out here; index.html has all.")
    if audit.waivers:
        head = ("Waiver", "Check", "State", "Owner", "Until", "Reason")
        table = _table(head, map(_waiver, audit.waivers))
        blocks.append("**Waivers**\n\n" + "\n".join(table))
    return blocks


def _identity(audit: Audit) -> str:
    subject = audit.subject
    parts = [f"policy `{audit.policy.sha256[:12]}`"]
    if subject is not None:
        model, data = subject.model, subject.data
        parts.append(f"model {_safe(model.ref)}{_hash(model.sha256)}")
        rows = f", {count(data.rows)} rows" if data.rows is not None else ""
        parts.append(f"data {_safe(data.ref)}{rows}{_hash(data.sha256)}")
    if audit.context.get("owner"):
        parts.append(f"owner {_safe(str(audit.context['owner']))}")
    if audit.baseline is not None:
        approved = audit.baseline.approved
        parts.append(f"compared with the baseline of {_safe(day(approved.when))}")
    return " · ".join(parts)


def _hash(sha256: str | None) -> str:
    return f" `{sha256[:12]}`" if sha256 else ""


def _row(finding: Finding) -> tuple[str, ...]:
    answer, shown = Answer(finding), figures(finding)
    old = finding.baseline
    return (
        f"{MARKS[finding.verdict]} {VERDICT_WORDS[finding.verdict]}",
        f"{finding.check_id} {scope_name(finding.scope)}",
        answer.value,
        answer.interval,
        limit_text(finding.limit),
        DASH if old is None else f"{shown(old.delta, signed=True)} {old.verdict}",
    )


def _waiver(waiver: WaiverInfo) -> tuple[str, ...]:
    state = waiver.state.replace("_", " ") + (f": {waiver.note}" if waiver.note else "")
    return (waiver.id, waiver.check, state, waiver.owner, day(waiver.expires), waiver.reason)


def _within(text: str) -> str:
    """Return the lines that fit the budget, how many do not, and the last line."""
    if len(text.encode()) <= MOST_BYTES:
        return text
    *lines, tail = text.rstrip("\n").split("\n")
    left = MOST_BYTES - len(tail.encode()) - 200
    kept: list[str] = []
    for line in lines:
        left -= len(line.encode()) + 1
        if left < 0:
            break
        kept.append(line)
    gone = f"{len(lines) - len(kept)} more lines are in index.html."
    return "\n".join([*kept, "", gone, "", tail]) + "\n"
