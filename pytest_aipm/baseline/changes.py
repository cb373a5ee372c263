"""Which findings stand otherwise than in the approved baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_aipm.records import BaselineChanges, Finding, Limit, Turned, Verdict

__all__ = ["changes"]

_HELD = (Verdict.PASS, Verdict.WARN)
_RED = (Verdict.FAIL, Verdict.ERROR)


def changes(then: Mapping[str, Mapping[str, Any]], now: tuple[Finding, ...]) -> BaselineChanges:
    """Return what differs, in the order of this run.

    Fixed is what turned the build red and holds now by the same rules: a finding that is waived,
    undecided or held to another limit is not fixed.

    Parameters
    ----------
    then : mapping of finding id to mapping
        Findings as the baseline stores them.
    now : tuple of Finding
        All of this run.
    """
    found: dict[str, list[Turned]] = {name: [] for name in BaselineChanges.model_fields}
    unchanged = 0
    for finding in now:
        stored = then.get(finding.id)
        before = None if stored is None else Verdict(stored["verdict"])
        kind = _kind(finding, before, stored)
        if kind:
            turned = Turned(id=finding.id, then=before, now=finding.verdict)
            found[kind].append(turned)
        else:
            unchanged += 1
        if kind == "added" and finding.failing:
            found["fails"].append(turned)
    here = {finding.id for finding in now}
    found["removed"] = [
        Turned(id=each, then=Verdict(stored["verdict"]))
        for each, stored in then.items()
        if each not in here
    ]
    lists = {name: tuple(each) for name, each in found.items() if name != "unchanged"}
    return BaselineChanges(**lists, unchanged=unchanged)


def _kind(finding: Finding, before: Verdict | None, stored: Mapping[str, Any] | None) -> str:
    """Return the list that a finding belongs to; empty for none."""
    if stored is None or before is None:
        return "added"
    red = before in _RED or (before == Verdict.INCONCLUSIVE and _forced(stored))
    if finding.failing and not red:
        return "fails"
    if red and finding.verdict in _HELD and not finding.failing and _same_rules(finding, stored):
        return "fixed"
    if finding.verdict != before:
        return "verdicts"
    return "moved" if _moved(finding, stored) else ""


def _forced(stored: Mapping[str, Any]) -> bool:
    """Return whether rows that could not tell turned the build red."""
    asked = stored.get("asked") or {}
    error = stored.get("severity", "error") == "error"
    return error and asked.get("on_inconclusive") == "fail"


def _same_rules(finding: Finding, stored: Mapping[str, Any]) -> bool:
    limit = stored.get("limit")
    return (
        (None if limit is None else Limit(**limit)) == finding.limit
        and stored.get("decide_on", finding.decide_on) == finding.decide_on
        and stored.get("confidence", finding.confidence) == finding.confidence
        and stored.get("severity", finding.severity) == finding.severity
    )


def _moved(finding: Finding, stored: Mapping[str, Any]) -> bool:
    """Return whether the value lies outside the interval that was approved."""
    if (stored.get("conditions") or {}) != finding.conditions:
        return False  # on another machine it is another value
    value, before = finding.value, stored["value"]
    if value is None or before is None:
        return (value is None) != (before is None)
    low, high = stored.get("interval") or (before, before)
    return (low is not None and value < low) or (high is not None and value > high)
