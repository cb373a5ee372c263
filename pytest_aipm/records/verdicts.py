"""The words that findings and runs are judged with."""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "Because",
    "RunVerdict",
    "Verdict",
]


class Verdict(StrEnum):
    """What one finding says."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    WAIVED = "waived"
    NOT_JUDGED = "not_judged"
    ERROR = "error"


class RunVerdict(StrEnum):
    """What a whole run, or one policy of it, says."""

    FAIL = "fail"
    UNPROVEN = "unproven"
    PASS = "pass"  # noqa: S105


class Because(StrEnum):
    """Why a finding is not a plain pass: the first of these that holds."""

    EVIDENCE_LOST = "evidence_lost"
    LIMIT = "limit"
    REGRESSION = "regression"
    UNTRUSTED = "untrusted"
    """What explains the model cannot be trusted: it hides what is decided on, or is not stable."""
    UNKNOWN = "unknown"
    NO_EVIDENCE = "no_evidence"
    NOT_APPLICABLE = "not_applicable"
    DISABLED = "disabled"
    ERROR = "error"
