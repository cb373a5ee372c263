"""The audit as GitHub Markdown, for pull requests and step summaries."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.records import Audit, Finding, Record, WaiverInfo
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.escape import markdown_table, markdown_text
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked, worst
from pytest_aipm.report.sentences import (
    LEGAL,
    headline,
    missing_sentence,
    urgent_waivers,
)
from pytest_aipm.report.sign_offs import signed_of
from pytest_aipm.report.validity import as_of, valid_until
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

__all__ = ["MOST_BYTES", "finding_rows", "summary_md", "waiver_rows"]

MOST_BYTES = 200_000
"""GitHub drops a step summary above 1 MiB and a comment above 65,536 characters is cut by hosts;
200 kB is the budget of the design."""


def summary_md(record: Record) -> str:
    """Return the summary of a run: verdict, sentence, table of checks, waivers.

    Text from data and policies is escaped: it can neither add markup nor mention people, and
    small cells are withheld. Where all checks do not fit into 200 kB, the worst are shown, and how
    many are not.
    """
    shown = publishable(record)
    whole = _summary(shown, {id(finding) for finding in shown.findings})
    if _size(whole) > MOST_BYTES:
        whole = _summary(shown, _fitting(shown, MOST_BYTES - _size(_summary(shown, set()))))
    return _within(whole, _tail(shown))


def _summary(record: Record, kept: set[int]) -> str:
    """Return the summary with the rows of some findings, named by identity."""
    head = [f"## {RUN_WORDS[record.verdict]} · model audit"]
    if record.partial:
        head.append(f"**{markdown_text(missing_sentence(record))}**")
    if len(record.audits) > 1:
        head.append(markdown_text(headline(record.findings, record.verdict)))
    head.append(markdown_text(f"As of {as_of(record)}, valid {valid_until(record)}."))
    signed = signed_of(record).line
    head.append(f"{markdown_text(signed[:1].upper() + signed[1:])}.")
    blocks = [block for audit in record.audits for block in _audit(audit, kept)]
    return "\n\n".join([*head, *blocks, _tail(record)]) + "\n"


def _tail(record: Record) -> str:
    return f"{LEGAL} Record digest `{record.digest or 'none'}`."


def _fitting(record: Record, room: int) -> set[int]:
    """Return the findings, worst first, whose rows fit into `room` bytes."""
    kept = set()
    for finding in ranked(record.findings):
        room -= _size(finding_rows([finding])[-1]) + 1
        if room < 0:
            break
        kept.add(id(finding))
    return kept


def _size(text: str) -> int:
    return len(text.encode())


def finding_rows(findings: Sequence[Finding]) -> list[str]:
    """Return the table of findings, worst first."""
    head = ("Verdict", "Check", "Value", "Interval", "Limit", "Change")
    return markdown_table(head, map(_row, ranked(findings)))


def waiver_rows(waivers: Sequence[WaiverInfo]) -> list[str]:
    """Return the table of waivers."""
    head = ("Waiver", "Check", "State", "Owner", "Until", "Reason")
    return markdown_table(head, map(_waiver, waivers))


def _audit(audit: Audit, kept: set[int]) -> list[str]:
    said = [f"### {markdown_text(audit.policy.name)}: {RUN_WORDS[audit.verdict]}"]
    said.append(markdown_text(headline(audit.findings, audit.verdict)))
    first = worst(audit.findings)
    if first is not None:
        answer = Answer(first)
        named = f"{first.check_id} {answer.where}"
        said.append(f"Worst: {markdown_text(f'{named}: {answer.plain} {answer.change}')}")
    said.append(_identity(audit))
    weak = [*(audit.baseline.weakened if audit.baseline else ())]
    weak += [f"{x.check_id}: {x.what} ({x.reason}; {x.owner})" for x in audit.policy.loosened]
    if weak:
        said.append(
            "**What weakens the gate**\n\n" + "\n".join(f"- {markdown_text(x)}" for x in weak)
        )
    notes = [*audit.warnings, *urgent_waivers(audit)]
    said += [f"**Note:** {markdown_text(note)}" for note in notes]
    blocks = ["\n\n".join(said)]
    rows = [finding for finding in audit.findings if id(finding) in kept]
    blocks.append("\n".join(finding_rows(rows)))
    if len(rows) < len(audit.findings):
        left = plural(len(audit.findings) - len(rows), "check")
        blocks.append(f"Left out here for room, and shown in index.html: {left}.")
    if audit.waivers:
        blocks.append("**Waivers**\n\n" + "\n".join(waiver_rows(audit.waivers)))
    return blocks


def _identity(audit: Audit) -> str:
    subject = audit.subject
    sha256 = audit.policy.sha256[:12]  # a policy made in Python has none
    parts = [f"policy `{sha256}`"] if sha256 else []
    if subject is not None:
        model, data = subject.model, subject.data
        parts.append(f"model {markdown_text(model.ref)}{_hash(model.sha256)}")
        rows = f", {count(data.rows)} rows" if data.rows is not None else ""
        parts.append(f"data {markdown_text(data.ref)}{rows}{_hash(data.sha256)}")
    if audit.context.get("owner"):
        parts.append(f"owner {markdown_text(str(audit.context['owner']))}")
    if audit.baseline is not None:
        approved = audit.baseline.approved
        parts.append(f"compared with the baseline of {markdown_text(day(approved.when))}")
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


def _within(text: str, tail: str) -> str:
    """Return the lines that fit below the budget: a policy may have endless waivers, too."""
    if _size(text) <= MOST_BYTES:
        return text
    left = MOST_BYTES - _size(tail) - 200
    kept: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        left -= _size(line) + 1
        if left < 0:
            kept += ["", f"{count(len(lines) - number)} more lines are in index.html."]
            break
        kept.append(line)
    return "\n".join([*kept, "", tail]) + "\n"
