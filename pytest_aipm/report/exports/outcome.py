"""What a finding is for a machine that asks whether something is wrong."""

from __future__ import annotations

from enum import StrEnum

from pytest_aipm.records import Because, Finding, Verdict

__all__ = ["Outcome", "outcome_of"]


class Outcome(StrEnum):
    """How a finding ends, in the words that foreign formats share."""

    FAILED = "failed"
    """Turns the build red."""
    OPEN = "open"
    """The data cannot tell: no fault was shown, and no pass either."""
    WARNED = "warned"
    WAIVED = "waived"
    PASSED = "passed"
    SKIPPED = "skipped"
    """Does not apply, or is switched off."""


_PLAIN = {
    Verdict.WARN: Outcome.WARNED,
    Verdict.WAIVED: Outcome.WAIVED,
    Verdict.PASS: Outcome.PASSED,
    Verdict.INCONCLUSIVE: Outcome.OPEN,
}


def outcome_of(finding: Finding) -> Outcome:
    """Return how a finding ends.

    An inconclusive finding fails where its policy says so; one that is not judged for lack of
    evidence leaves the run unproven, as an inconclusive one does.
    """
    if finding.failing or finding.verdict in (Verdict.FAIL, Verdict.ERROR):
        return Outcome.FAILED
    if finding.verdict is Verdict.NOT_JUDGED and finding.because is Because.NO_EVIDENCE:
        return Outcome.OPEN
    return _PLAIN.get(finding.verdict, Outcome.SKIPPED)
