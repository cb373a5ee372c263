"""What became of the promises of a policy's context."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pytest_aipm.judge.rules import decide
from pytest_aipm.records import Because, Claim, Finding, Verdict

__all__ = ["judge_claim"]

Standing = Literal["kept", "broken", "unproven", "untested"]

_ORDER: tuple[Standing, ...] = ("broken", "unproven", "untested", "kept")
_FACTS = (Because.EVIDENCE_LOST, Because.REGRESSION, Because.UNKNOWN)
"""Reasons that no interval takes back."""
_MOST = 3
"""Findings that a reason names."""


def judge_claim(
    text: str,
    checks: Sequence[str],
    findings: Sequence[Finding],
    *,
    missing: Mapping[str, Sequence[tuple[str, ...]]],
    uncompared: Collection[str] = (),
) -> Claim:
    """Return a claim with the worst that the findings of its checks say.

    A waiver accepts what was found and makes nothing true: what it covers breaks the promise just
    as it would without it, and is named as waived.

    Parameters
    ----------
    text : str
    checks : sequence of str
        Ids of the checks that show it.
    findings : sequence of Finding
        All of the audit.
    missing : mapping of check id to sequence of tuple of str
        Scopes that were planned and did not run.
    uncompared : collection of str
        Findings that hold, but whose declared comparison was not made.
    """
    told: dict[Standing, list[str]] = {state: [] for state in _ORDER}
    for check in checks:
        own = [finding for finding in findings if finding.check_id == check]
        asked = [f for f in own if f.because != Because.NOT_APPLICABLE] or own
        for finding in asked:
            state = _standing(finding, uncompared)
            told[state].append(_words(finding, state, uncompared=finding.id in uncompared))
        gone = missing.get(check, ())
        told["untested"] += [f"{check} {_where(scope)} did not run" for scope in gone]
        if not own and not gone:
            told["untested"].append(f"{check} did not run")
    state = next((each for each in _ORDER if told[each]), "untested")
    return Claim(text=text, checks=tuple(checks), state=state, reason=_reason(state, told[state]))


def _standing(finding: Finding, uncompared: Collection[str]) -> Standing:  # noqa: PLR0911 - a table
    verdict = finding.verdict
    if verdict in (Verdict.FAIL, Verdict.ERROR):
        return "broken"
    if verdict in (Verdict.WAIVED, Verdict.WARN):
        if finding.because in _FACTS:
            return "broken"
        found = _limit(finding)
        if found == "breach":
            return "broken"
        if found == "open" or verdict == Verdict.WAIVED:
            return "unproven"
    if verdict == Verdict.INCONCLUSIVE:
        return "unproven"
    if verdict == Verdict.NOT_JUDGED:
        return "unproven" if finding.because == Because.NO_EVIDENCE else "untested"
    return "unproven" if finding.failing or finding.id in uncompared else "kept"


def _limit(finding: Finding) -> str:
    """Return how the value stands to its limit: verdicts that warn or are waived do not say."""
    value, (lower, upper) = finding.value, finding.interval or (None, None)
    if value is None:
        return "open"
    low, high = (math.nan if end is None else end for end in (lower, upper))
    return decide(value, low, high, finding.limit, finding.decide_on)


def _words(finding: Finding, state: Standing, *, uncompared: bool) -> str:
    name = f"{finding.check_id} {_where(finding.scope)}"
    if state == "kept":
        return name
    if finding.verdict == Verdict.WAIVED:
        broken = "breaks its limit" if state == "broken" else "is not shown to hold"
        return f"{name} {broken} and is waived"
    if finding.verdict == Verdict.WARN:
        return f"{name} breaks its limit, which is advice"
    if finding.verdict == Verdict.NOT_JUDGED:
        why = {Because.NO_EVIDENCE: "could not be judged", Because.DISABLED: "is disabled"}
        return f"{name} {why.get(finding.because or Because.NOT_APPLICABLE, 'does not apply')}"
    if uncompared or (state == "unproven" and finding.verdict != Verdict.INCONCLUSIVE):
        return f"{name} was not compared as it should"
    said = {Verdict.ERROR: "could not be measured", Verdict.INCONCLUSIVE: "is inconclusive"}
    return f"{name} {said.get(finding.verdict, 'fails')}"


def _where(scope: Sequence[str]) -> str:
    return f"by {' and '.join(scope)}" if scope else "overall"


def _reason(state: Standing, told: Sequence[str]) -> str:
    if state == "kept":
        if len(told) == 1:
            return f"its check holds: {told[0]}"
        return f"all {len(told)} of its findings hold"
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return f"{'; '.join(told[:_MOST])}{more}"
