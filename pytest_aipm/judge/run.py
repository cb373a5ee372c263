"""From findings to the verdict of a policy and of a run, out of the record alone.

So the run that writes a record and whoever checks it later come to the same words by one function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_aipm.judge.verdict import roll_up
from pytest_aipm.records import Audit, Finding, RunVerdict, Verdict

__all__ = ["audit_verdict", "run_verdict", "summary_of", "uncompared"]


def audit_verdict(audit: Audit, *, partial: bool) -> RunVerdict:
    """Roll up one policy; a comparison that was not made is no proof, nor is an ended rule kept.

    Nor are the findings of a partial run: what did not run may be of this policy.
    """
    verdict = roll_up(
        {
            finding.id: (finding.verdict, finding.because, finding.failing, finding.severity)
            for finding in audit.findings
        }
    )
    lacking = partial or any(uncompared(finding) for finding in audit.findings)
    lacking |= any(pack.ended for pack in audit.packs)
    return RunVerdict.UNPROVEN if verdict == RunVerdict.PASS and lacking else verdict


def uncompared(finding: Finding) -> bool:
    """Return whether a finding holds without the comparison that its policy declares."""
    asked = finding.asked
    declared = asked is not None and (
        asked.no_worse or asked.max_change is not None or asked.max_total_change is not None
    )
    held = finding.verdict in (Verdict.PASS, Verdict.WARN)
    return declared and held and finding.baseline is None


def run_verdict(audits: Sequence[Audit], *, partial: bool) -> RunVerdict:
    """Return the verdict of a run; a partial one, or one without an audit, proves nothing."""
    verdicts = {audit.verdict for audit in audits}
    if RunVerdict.FAIL in verdicts:
        return RunVerdict.FAIL
    unproven = partial or not audits or RunVerdict.UNPROVEN in verdicts
    return RunVerdict.UNPROVEN if unproven else RunVerdict.PASS


def summary_of(audits: Sequence[Audit]) -> dict[str, int]:
    """Return how many findings there are of each verdict, those with none included."""
    counted = Counter(finding.verdict for audit in audits for finding in audit.findings)
    return {verdict.value: counted.get(verdict, 0) for verdict in Verdict}
