"""Failures and skips of policy nodes, in words and at the policy's line.

Nodes raise from inside this package; summaries, JUnit files and annotations should point at the
line that a person can change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_aipm.records import Finding, Verdict
from pytest_aipm.violation import sentence

__all__ = ["locate"]


@dataclass(frozen=True)
class Place:
    """Where a failure is and what it says, as pytest's summaries and annotations ask for it."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        """Return the one line of ``--tb=line``."""
        return f"{self.path}:{self.lineno}: {self.message}"


@dataclass(frozen=True)
class Words:
    """A failure in words, located at the policy's line instead of in this package."""

    text: str
    reprcrash: Place

    def toterminal(self, writer: Any) -> None:
        """Write the failure."""
        writer.line(self.text)

    def __str__(self) -> str:
        """Return the failure, as JUnit's file holds it."""
        return self.text


def locate(report: pytest.TestReport, finding: Finding) -> None:
    """Point a failure or a skip at the policy's line; items raise from inside this package."""
    path, line, _ = report.location
    lineno = (line or 0) + 1
    said: Any = report.longrepr
    if report.when == "setup" and report.failed and finding.verdict is Verdict.ERROR:
        said = sentence(finding)
    if report.failed and isinstance(said, str):
        first = said.partition("\n")[0]
        # An error that names its own line is shown there, and its place is not said twice.
        own = re.match(rf"{re.escape(path)}:(\d+)(?::\d+)?: ", first)
        if own:
            lineno, first = int(own[1]), first[own.end() :]
        said = Words(said, Place(path, lineno, first))
    elif report.skipped and isinstance(said, tuple):
        said = (path, lineno, said[2])
    report.longrepr = said
