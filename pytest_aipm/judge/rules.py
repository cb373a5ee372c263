"""What a policy asks, what was approved, what was found; and how a value meets a limit.

Values, no sentences and no order of reasons: those are `verdict` and `sentences`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_aipm.records import (
    BaselineComparison,
    Because,
    Detectable,
    GroupValue,
    Limit,
    RowsNeeded,
    Verdict,
)
from pytest_aipm.stats.estimate import Estimate

__all__ = ["DecideOn", "Entry", "Judgement", "Rules", "State", "decide", "regressed", "uncertain"]

State = Literal["breach", "holds", "open"]
DecideOn = Literal["interval", "point", "proof"]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a policy asks of one check."""

    limit: Limit | None
    warn: Limit | None = None
    decide_on: DecideOn = "interval"
    confidence: float = 0.95
    on_inconclusive: Literal["warn", "fail"] = "warn"
    severity: Literal["error", "advice"] = "error"
    max_change: float | None = None
    max_total_change: float | None = None
    strict: bool = False
    seed: int = 0

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Lower and upper limit, None where there is none."""
        return (None, None) if self.limit is None else (self.limit.min, self.limit.max)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One finding of the approved baseline.

    ``state`` is what its limit said then; ``sizes`` are the denominators of the estimate's parts;
    ``formula`` is what was measured, None where nobody knows; ``conditions`` is on what machine,
    where that matters.
    """

    value: float | None
    interval: tuple[float | None, float | None] | None
    state: State
    change: str | None = None
    sizes: tuple[float, ...] = ()
    part_names: tuple[str, ...] = ()
    groups: Sequence[GroupValue] = ()
    formula: str | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a finding says, and why."""

    verdict: Verdict
    because: Because | None
    reason: str
    state: State = "open"
    detectable: Detectable | None = None
    rows_needed: RowsNeeded | None = None
    comparison: BaselineComparison | None = None
    failing: bool = False


def decide(
    value: float, lower: float, upper: float, limit: Limit | None, decide_on: DecideOn
) -> State:
    """Compare a value and its ends with a limit.

    Parameters
    ----------
    value, lower, upper : float
        Estimate and one-sided ends; NaN is never compliance.
    limit : Limit or None
        Nothing to break, so nothing is broken, when None.
    decide_on : {"interval", "point", "proof"}
        Which of them counts.

    Returns
    -------
    {"breach", "holds", "open"}
    """
    if limit is None:
        return "holds"
    if decide_on == "point":
        if math.isnan(value):
            return "open"
        inside = _at_least(value, limit.min) and _at_most(value, limit.max)
        return "holds" if inside else "breach"
    if _at_least(lower, limit.min) and _at_most(upper, limit.max):
        return "holds"
    if decide_on == "proof":
        return "breach"
    beyond = (limit.max is not None and lower > limit.max) or (
        limit.min is not None and upper < limit.min
    )
    return "breach" if beyond else "open"


def _at_least(value: float, floor: float | None) -> bool:
    return floor is None or value >= floor


def _at_most(value: float, ceiling: float | None) -> bool:
    return ceiling is None or value <= ceiling


def regressed(comparison: BaselineComparison | None) -> bool:
    """Return whether a change is proven worse than the policy allows; without a limit none is."""
    return comparison is not None and comparison.verdict == "worse" and comparison.limit is not None


def uncertain(estimate: Estimate, rules: Rules) -> bool:
    """Return whether the interval alone would not decide."""
    return decide(estimate.value, estimate.lower, estimate.upper, rules.limit, "interval") == "open"
