"""What a name of a rule stands for: a number that another check of the policy found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.stated import Stated
from pytest_aipm.expressions.spans import Span
from pytest_aipm.records import BY_UNIT, Finding, Verdict

__all__ = ["Asked", "asked"]


@dataclass(frozen=True)
class Asked:
    """A name of a rule: which check it asks, and its number.

    ``why_not`` says why that is not known; ``n`` is the fewest rows that it rests on.
    """

    check: str
    span: Span
    n: int
    why_not: str = ""


def asked(stated: Stated, name: str) -> Asked:
    """Return the number that a name stands for.

    Parameters
    ----------
    stated : Stated
    name : str
        ``id``, or ``id.unit``; an id may hold dots itself.

    Raises
    ------
    CheckError
        When the check is broken, does not measure that unit, or does not say which group is worst.
    """
    check_id, unit = name, ""
    if name not in stated.checks and "." in name:
        check_id, _, unit = name.rpartition(".")
    findings = stated.findings(check_id)
    broken = next((each for each in findings if each.verdict is Verdict.ERROR), None)
    if broken is not None:
        what = f"the rule asks {check_id!r}, which could not be measured"
        raise CheckError(Problem(what, "see what that check says, and mend it there"))
    spans = [span for each in findings if (span := _span(each, unit)) is not None]
    n = min((each.n for each in findings if each.n), default=0)
    if len(spans) < len(findings):
        lacking = next(each for each in findings if _span(each, unit) is None)
        said = lacking.verdict.value.replace("_", " ")
        return Asked(check_id, Span.unknown(), n, f"{check_id} is {said}")
    return Asked(check_id, _worst(check_id, findings, spans), n)


def _span(finding: Finding, unit: str) -> Span | None:
    """Return value and ends of a finding in a unit; None where it has none."""
    if not unit or unit == finding.unit:
        return _between(finding.value, *(finding.interval or (finding.value, finding.value)))
    told = next((each for each in finding.series if each.name == BY_UNIT), None)
    if told is None or unit not in told.x:
        if finding.value is None:
            return None
        what = f"check {finding.check_id!r} was not measured in {unit!r}"
        raise CheckError(Problem(what, "set its limit in that unit, or name its own unit"))
    place = told.x.index(unit)
    return _between(told.y[place], told.lo[place], told.hi[place])


def _between(value: float | None, lower: float | None, upper: float | None) -> Span | None:
    if value is None:
        return None
    return Span(value, -math.inf if lower is None else lower, math.inf if upper is None else upper)


def _worst(check_id: str, findings: Sequence[Finding], spans: Sequence[Span]) -> Span:
    """Return the worst of a check's scopes, by the side its limit is on."""
    if len(spans) == 1:
        return spans[0]
    limit = findings[0].limit
    if limit is None or (limit.min is None) == (limit.max is None):
        what = f"the rule asks {check_id!r}, whose limit does not say which group is the worst"
        raise CheckError(Problem(what, "give that check a minimum or a maximum, or one `by`"))
    worst = min if limit.max is None else max
    ends = ((s.value for s in spans), (s.lower for s in spans), (s.upper for s in spans))
    return Span(*(worst(each) for each in ends))
