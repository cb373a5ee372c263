"""In which order findings are read: what needs a decision first."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pytest_aipm.records import Finding, Verdict

__all__ = ["ORDER", "breach", "ranked", "worst"]

ORDER = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.INCONCLUSIVE,
    Verdict.WARN,
    Verdict.WAIVED,
    Verdict.PASS,
    Verdict.NOT_JUDGED,
)


def breach(finding: Finding) -> float | None:
    """Return how far the value lies beyond its limit, in widths of its interval.

    Positive beyond the limit, negative inside. Without an interval the unit is the limit's own
    size. None when value or limit is missing.
    """
    value, limit = finding.value, finding.limit
    if value is None or limit is None:
        return None
    beyond = []
    if limit.max is not None:
        beyond.append((value - limit.max, limit.max))
    if limit.min is not None:
        beyond.append((limit.min - value, limit.min))
    if not beyond:
        return None
    low, high = finding.interval or (None, None)
    width = 0.0 if low is None or high is None else high - low
    return max(distance / (width or abs(bound) or 1.0) for distance, bound in beyond)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by verdict, then by distance to the limit, then by id.

    Among equals, what turns the build red comes first.
    """

    def key(finding: Finding) -> tuple[int, bool, float, str]:
        distance = breach(finding)
        rank = ORDER.index(finding.verdict)
        return rank, not finding.failing, math.inf if distance is None else -distance, finding.id

    return sorted(findings, key=key)


def worst(findings: Iterable[Finding]) -> Finding | None:
    """Return the finding to read first, or None when all pass or are not judged."""
    order = ranked(findings)
    needs = order[0] if order else None
    return None if needs is None or needs.verdict in (Verdict.PASS, Verdict.NOT_JUDGED) else needs
