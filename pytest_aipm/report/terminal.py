"""The audit in a terminal: one line a check, worst first, and the verdict last."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aipm.records import Audit, Finding, Record, RunVerdict, Verdict
from pytest_aipm.report.answer import Answer, stopped
from pytest_aipm.report.plain import clip, clip_middle, columns_of, inert, plain_line
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ORDER, ranked
from pytest_aipm.report.sentences import (
    missing_sentence,
    tally,
    voided_waivers,
)
from pytest_aipm.report.words import (
    DASH,
    MINUS,
    RUN_WORDS,
    VERDICT_WORDS,
    figures,
    limit_text,
    plural,
)

__all__ = ["LETTERS", "terminal_lines"]

LETTERS = {
    Verdict.PASS: ".",
    Verdict.FAIL: "F",
    Verdict.WARN: "w",
    Verdict.INCONCLUSIVE: "i",
    Verdict.WAIVED: "x",
    Verdict.NOT_JUDGED: "s",
    Verdict.ERROR: "E",
}
RED, GREEN, YELLOW, MAGENTA, DIM, BOLD = "31", "32", "33", "35", "2", "1"
COLORS = {
    Verdict.PASS: GREEN,
    Verdict.FAIL: RED,
    Verdict.ERROR: RED,
    Verdict.WARN: YELLOW,
    Verdict.INCONCLUSIVE: YELLOW,
    Verdict.WAIVED: MAGENTA,
    Verdict.NOT_JUDGED: DIM,
}
RUN_COLORS = {RunVerdict.FAIL: RED, RunVerdict.UNPROVEN: YELLOW, RunVerdict.PASS: GREEN}
EXPLAINED = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.WARN)
GAP = "  "
WIDEST = 40
NARROWEST = 12
"""Columns that an id or a scope keeps."""


def terminal_lines(
    record: Record,
    *,
    width: int = 80,
    color: bool = False,
    report_path: str = "",
    public: bool = True,
) -> list[str]:
    """Return the lines of the terminal section, without line ends.

    Parameters
    ----------
    record : Record
        The record of the run.
    width : int
        Columns of the terminal. Tables are cut to it; sentences are left to the terminal to wrap.
    color : bool
        Whether to use ANSI colours. UNPROVEN is yellow, never green.
    report_path : str
        Where the page is, named in the last line; left out when empty.
    public : bool
        Withhold small cells. A log of a build server is a published view, so this is the default.

    Returns
    -------
    list of str
        No line holds a control character that came from data, or a command to a build server.
    """
    shown = publishable(record) if public else record
    lines: list[str] = []
    for audit in shown.audits:
        if lines:
            lines.append("")
        lines += _audit_lines(audit, max(width, 40), color=color)
    lines += _last_lines(shown, report_path, color=color)
    return [inert(line) for line in lines]


def _paint(text: str, *codes: str, color: bool) -> str:
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if color and text else text


def _audit_lines(audit: Audit, width: int, *, color: bool) -> list[str]:
    findings = ranked(audit.findings)
    rows = [_cells(finding) for finding in findings]
    widths = [max((columns_of(row[i]) for row in rows), default=0) for i in range(6)]
    widths = [min(wide, WIDEST) for wide in widths]
    for column in (1, 2):  # ids and scopes give way, so that the numbers and the reason stay
        beyond = sum(widths[1:]) + len(GAP) * sum(map(bool, widths[2:])) - (width - 3)
        widths[column] = max(widths[column] - max(beyond, 0), min(widths[column], NARROWEST))
    head = f"{plain_line(audit.policy.name)}  {plain_line(audit.policy.path)}"
    word = RUN_WORDS[audit.verdict]
    space = " " * max(width - columns_of(head) - len(word), 2)
    lines = [f"{head}{space}{_paint(word, BOLD, RUN_COLORS[audit.verdict], color=color)}"]
    for finding, row in zip(findings, rows, strict=True):
        cells = (row[0], *map(clip_middle, row[1:3], widths[1:3]), *row[3:])
        padded = [_pad(clip(cell, wide), wide) for cell, wide in zip(cells, widths, strict=True)]
        rest = clip(GAP.join(cell for cell in padded[1:] if cell).rstrip(), width - 3)
        lines.append(f"{_paint(row[0], BOLD, COLORS[finding.verdict], color=color)}{GAP}{rest}")
        if finding.verdict in EXPLAINED:
            lines.append(_paint(f"   - {_explained(finding)}", DIM, color=color))
    lines += [_paint(f"!  {line}", YELLOW, color=color) for line in _warnings(audit)]
    return lines


def _pad(text: str, wide: int) -> str:
    return text + " " * (wide - columns_of(text))


def _cells(finding: Finding) -> tuple[str, str, str, str, str, str]:
    shown = figures(finding)
    answer = Answer(finding)
    value = answer.value
    low, high = finding.interval or (None, None)
    if not answer.exact and (low is not None or high is not None):
        value += f" [{shown(low)}, {shown(high)}]"
    limit = limit_text(finding.limit).replace("≥", ">=").replace("≤", "<=").replace(DASH, "-")
    return (
        LETTERS[finding.verdict],
        plain_line(finding.check_id),
        plain_line("-x-".join(finding.scope) or "overall"),
        value.replace(DASH, "-").replace(MINUS, "-"),
        limit,
        answer.because,
    )


def _explained(finding: Finding) -> str:
    untold = Answer(finding).untold
    return plain_line(f"{stopped(finding.reason)} {untold}" if untold else finding.reason)


def _warnings(audit: Audit) -> list[str]:
    said = list(audit.warnings)
    said += filter(None, [voided_waivers(audit)])
    for waiver in audit.waivers:
        if waiver.state == "applied" and waiver.note:
            said.append(f"waiver {waiver.id} {waiver.note}")
        elif waiver.state not in ("applied", "voided"):
            note = f": {waiver.note}" if waiver.note else ""
            said.append(f"waiver {waiver.id} {waiver.state.replace('_', ' ')}{note}")
    if audit.baseline is not None:
        said += [f"weaker than the baseline: {what}" for what in audit.baseline.weakened]
    return [plain_line(text) for text in said]


def _last_lines(record: Record, report_path: str, *, color: bool) -> list[str]:
    findings: Sequence[Finding] = record.findings
    found = tally(findings)
    order = (Verdict.PASS, *(v for v in ORDER if v is not Verdict.PASS))
    counts = [f"{found[v]} {VERDICT_WORDS[v].lower()}" for v in order if found.get(v)]
    last = _paint(RUN_WORDS[record.verdict], BOLD, RUN_COLORS[record.verdict], color=color)
    if record.partial:
        last += " · PARTIAL"
    if report_path:
        last += f" · report: {plain_line(report_path)}"
    lines = ["", f"{plural(len(findings), 'check')}: {', '.join(counts) or 'nothing measured'}"]
    missing = missing_sentence(record)
    return [*lines, *([missing] if missing else []), last]
