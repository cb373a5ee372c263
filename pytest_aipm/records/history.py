"""Earlier releases: one line of the history file, and what a record keeps of such lines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_aipm.records.finding import Limit
from pytest_aipm.records.plain import Frozen, Interval, Number
from pytest_aipm.records.verdicts import RunVerdict, Verdict

__all__ = ["HISTORY", "HistoryLine", "PastAudit", "PastFinding", "Release"]

HISTORY = "aipm-history/1"


class PastFinding(Frozen):
    """A finding as an earlier run published it; a number that was withheld is null."""

    id: str
    verdict: Verdict
    value: Number = None
    interval: Interval = None
    limit: Limit | None = None
    unit: str = ""


class PastAudit(Frozen):
    """One policy's part of an earlier run.

    ``policy``, ``model`` and ``data`` are sha256; a model without one is known by ``ref``.
    """

    name: str
    policy: str
    verdict: RunVerdict
    ref: str = ""
    model: str | None = None
    data: str | None = None
    rows: int | None = None
    decision: str = ""
    findings: tuple[PastFinding, ...] = ()


class HistoryLine(Frozen):
    """One run in the history file: published numbers only, since that file is committed."""

    schema_: Literal["aipm-history/1"] = Field(default="aipm-history/1", alias="schema")
    digest: str
    started: str = ""
    commit: str | None = None
    label: str
    version: str = ""
    policies: tuple[PastAudit, ...]

    def same_run(self, other: HistoryLine) -> bool:
        """Return whether the other line tells of the same run: same commit, same outcome."""
        return self.commit == other.commit and self.policies == other.policies


class Release(Frozen):
    """What a record keeps of an earlier run: when, called what, and one policy's part of it."""

    label: str
    when: str = ""
    commit: str | None = None
    audit: PastAudit
