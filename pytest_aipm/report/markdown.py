"""The audit as GitHub Markdown, for pull requests and step summaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pytest_aipm.records import Audit, Finding, Record, WaiverInfo
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
from pytest_aipm.report.sign_offs import signed_of
from pytest_aipm.report.words import (
    DASH,
    MARKS,
    RUN_WORDS,
    VERDICT_WORDS,
    count,
    day,
    figures,
    limit_text,
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
    small cells are withheld. Rows beyond the budget of 200 kB are counted, worst first kept.
    """
    shown = publishable(record)
    head = [f"## {RUN_WORDS[shown.verdict]} · model audit"]
    if shown.partial:
        head.append(f"**{_safe(missing_sentence(shown))}**")
    if len(shown.audits) > 1:
        head.append(_safe(headline(shown.findings, shown.verdict)))
    signed = signed_of(record).line
    head.append(f"{_safe(signed[:1].upper() + signed[1:])}.")
    blocks = [block for audit in shown.audits for block in _audit(audit)]
    tail = f"{LEGAL} Record digest `{shown.digest or 'none'}`."
    return _within(["\n\n".join(head), *blocks], tail)


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


def _audit(audit: Audit) -> list[str]:
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
    blocks.append("\n".join(_table(head, map(_row, ranked(audit.findings)))))
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


def _within(blocks: list[str], tail: str) -> str:
    """Join blocks, and lines of the last one that fits, below the budget."""
    left = MOST_BYTES - len(tail.encode()) - 200
    kept: list[str] = []
    lines = "\n\n".join(blocks).split("\n")
    for number, line in enumerate(lines):
        left -= len(line.encode()) + 1
        if left < 0:
            kept += ["", f"{len(lines) - number} more lines are in index.html."]
            break
        kept.append(line)
    return "\n".join([*kept, "", tail]) + "\n"
