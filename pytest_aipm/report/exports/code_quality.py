"""`gl-code-quality.json`: what must be looked at, as a merge request of GitLab shows it."""

from __future__ import annotations

from typing import Any

from pytest_aipm.records import Audit, Finding, Record, Verdict, canonical_json
from pytest_aipm.report.exports.outcome import Outcome, outcome_of
from pytest_aipm.report.exports.place import fingerprint, line_of, path_of
from pytest_aipm.report.exports.text import line, says
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked

__all__ = ["code_quality_json"]


def code_quality_json(record: Record) -> str:
    """Return GitLab's list of issues: the same findings as the SARIF log holds, worst first."""
    shown = publishable(record)
    owner = {id(finding): audit for audit in shown.audits for finding in audit.findings}
    issues = [
        _issue(owner[id(finding)], finding, severity)
        for finding in ranked(shown.findings)
        if (severity := _severity(finding))
    ]
    return canonical_json(issues, indent=1) + "\n"


def _severity(finding: Finding) -> str:
    """Return one of GitLab's five words, empty for what is no issue."""
    advice = finding.severity == "advice"
    match outcome_of(finding):
        case Outcome.FAILED:
            return "blocker" if finding.verdict is Verdict.ERROR else "critical"
        case Outcome.WARNED:
            return "info" if advice else "minor"
        case Outcome.OPEN if not advice:
            return "info"
        case _:
            return ""


def _issue(audit: Audit, finding: Finding, severity: str) -> dict[str, Any]:
    name = line(finding.id, empty="check")
    return {
        "description": f"{name}: {finding.verdict.value.replace('_', ' ')}. {says(finding)}",
        "check_name": line(finding.check, empty="check"),
        "fingerprint": fingerprint(audit, finding),
        "severity": severity,
        "location": {"path": path_of(audit), "lines": {"begin": line_of(finding)}},
    }
