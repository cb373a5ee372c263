"""What a run tells GitHub: annotations at the lines of the policy, and the step's summary."""

from __future__ import annotations

import posixpath
from pathlib import Path

from pytest_aipm.records import Audit, Because, Finding, Record, Verdict
from pytest_aipm.report.answer import Answer, stopped
from pytest_aipm.report.markdown import summary_md
from pytest_aipm.report.plain import clip, plain_line
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked
from pytest_aipm.report.words import VERDICT_WORDS, count

__all__ = ["MOST", "SUMMARY_BYTES", "append_step_summary", "github_annotations"]

MOST = 9
"""GitHub shows ten errors and ten warnings of a step and drops the others without a word; the
tenth line says how many there are."""
SUMMARY_BYTES = 1024 * 1024
"""GitHub drops the whole summary of a step that is longer than this."""
MOST_MESSAGE = 1_000
MOST_TITLE = 200


def github_annotations(
    record: Record, *, prefix: str = "", fails: bool = True, lost: str = ""
) -> list[str]:
    """Return workflow commands that mark findings at the lines of their policies, worst first.

    Parameters
    ----------
    record : Record
        The record of the run; small cells are withheld here.
    prefix : str
        Folder of pytest's rootdir inside the repository, with slashes; empty when they are one.
    fails : bool
        False leaves out what fails, for runs in which another plugin marks failed tests.
    lost : str
        Why the report of the run is not there; empty when it is. A warning, before all others.

    Returns
    -------
    list of str
        At most `MOST` lines and one that counts the rest. Each must be printed at column 0. What
        fails or could not be measured is an error; what warns, is inconclusive or lacks the rows
        to be judged is a warning; waived findings have none.
    """
    shown = publishable(record)
    audit_of = {id(finding): audit for audit in shown.audits for finding in audit.findings}
    marked = [(level, f) for f in ranked(shown.findings) if (level := _level(f))]
    if not fails:
        marked = [each for each in marked if each[0] != "error" or each[1].verdict is Verdict.ERROR]
    lines = [f"::warning title=pytest-aipm::{_data(plain_line(lost))}"] if lost else []
    room = MOST - len(lines)
    lines += [_line(level, f, _place(f, audit_of[id(f)], prefix)) for level, f in marked[:room]]
    rest = marked[room:]
    if rest:
        lines.append(
            f"::{rest[0][0]} title=pytest-aipm::and {count(len(rest))} more, see the report"
        )
    return lines


def _level(finding: Finding) -> str:
    """Return the command that marks a finding, empty for none."""
    if finding.failing or finding.verdict in (Verdict.FAIL, Verdict.ERROR):
        return "error"
    unjudged = finding.verdict is Verdict.NOT_JUDGED and finding.because is Because.NO_EVIDENCE
    if unjudged or finding.verdict in (Verdict.INCONCLUSIVE, Verdict.WARN):
        return "warning"
    return ""


def _line(level: str, finding: Finding, place: dict[str, str]) -> str:
    title = f"{VERDICT_WORDS[finding.verdict]}: {plain_line(finding.id)}"
    properties = place | {"title": clip(title, MOST_TITLE)}
    said = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    untold = Answer(finding).untold
    message = plain_line(f"{stopped(finding.reason)} {untold}" if untold else finding.reason)
    return f"::{level} {said}::{_data(clip(message, MOST_MESSAGE))}"


def _place(finding: Finding, audit: Audit, prefix: str) -> dict[str, str]:
    """Return file, line and column as the repository knows them; nothing when it does not."""
    path = posixpath.normpath(posixpath.join(prefix, plain_line(finding.nodeid.partition("::")[0])))
    if path.startswith(("/", "../")) or path in (".", ".."):
        return {}
    place, line = {"file": path}, finding.policy_line
    if line is not None:
        place["line"] = str(line)
        lines = audit.policy.text.split("\n")
        if 0 < line <= len(lines):
            text = lines[line - 1]
            place["col"] = str(len(text) - len(text.lstrip(" \t-")) + 1)
    return place


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def append_step_summary(record: Record, path: Path) -> str:
    """Append `summary.md` to the summary of a step.

    Parameters
    ----------
    record : Record
        The record of the run; small cells are withheld.
    path : Path
        The file that ``GITHUB_STEP_SUMMARY`` names. What it holds already stays.

    Returns
    -------
    str
        Why nothing was written; empty when it was. A summary is no reason to fail a run.
    """
    text = summary_md(record).encode("utf-8", "replace")
    try:
        held = path.stat().st_size if path.exists() else 0
        if held:
            text = b"\n" + text
        if held + len(text) > SUMMARY_BYTES:
            return f"the step summary is full ({count(held)} bytes); summary.md is not added to it"
        with path.open("ab") as file:
            file.write(text)
    except (OSError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or fault
        return f"the step summary cannot be written ({why}); summary.md has the same text"
    return ""
