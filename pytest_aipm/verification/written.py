"""Findings whose counts the record does not hold: what their numbers, as written, make of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_aipm.checks.base import Measurement
from pytest_aipm.checks.words import number
from pytest_aipm.errors import AipmError
from pytest_aipm.records import Audit, Because, Finding, Formula, Record, Verdict
from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.verification.remeasured import BY_NAME, breach_of, params_of

__all__ = ["as_written", "told", "unjudged", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class _Written(Numbers):
    """An interval as it is written; how many rows would do nobody can say of it."""

    def at(self, *_: Any) -> _Written:
        raise ValueError("only its own rows are known")

    def detectable(self, limit: Limit, *, seed: int = 0) -> None:
        del limit, seed

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> None:
        del limit, seed


def as_written(finding: Finding, audit: Audit, record: Record) -> Measurement:
    """Return the measurement as it is written."""
    value = math.nan if finding.value is None else finding.value
    lower, upper = finding.interval or (None, None)
    low = -math.inf if lower is None else lower
    high = math.inf if upper is None else upper
    estimate = _Written(
        value=value,
        lower=low,
        upper=high,
        pair=(),
        method=finding.method,
        aggregate="one",
        sizes=finding.sizes,
        parts=(),
    )
    breach = None
    if finding.because in (Because.UNKNOWN, Because.UNTRUSTED):
        breach = (finding.because, finding.reason)
    elif finding.check.partition(".")[0] == "fairness" and finding.scope:
        breach = _breach(finding, audit, record)
    return Measurement(
        estimate=estimate,
        formula=finding.formula or Formula(id=""),
        summary="",
        n=finding.n,
        groups=finding.groups,
        part_names=finding.part_names,
        breach=breach,
    )


def told(finding: Finding) -> Iterator[str]:
    """Yield where names and sentence are not those of the numbers as written."""
    names = tuple(" · ".join(group.group.values()) for group in finding.groups)
    parts = {group.part for group in finding.groups}
    if not finding.scope and len(finding.sizes) <= 1 and finding.part_names != ("all rows",):
        yield "its one part is not called all rows"
    elif finding.scope and len(parts) == 1 and finding.part_names not in (names, ("all rows",)):
        yield "its parts are not its groups"
    summed = finding.check in BY_NAME and finding.because is not Because.UNKNOWN
    if summed and finding.value is not None and number(finding.value) not in finding.reason:
        yield "its reason does not tell its value"


def unmeasured(finding: Finding) -> Iterator[str]:
    """Yield what is wrong with a finding that could not be, or was not to be, measured."""
    error = finding.verdict is Verdict.ERROR
    if error != (finding.because is Because.ERROR) or error != finding.failing:
        yield "an error fails the build, and nothing else is one"
    if finding.value is not None or finding.groups:
        yield "what was not measured has no value"
    if not error and finding.verdict is not Verdict.NOT_JUDGED:
        yield "a disabled check is not judged"


def unjudged(finding: Finding) -> Iterator[str]:
    """Yield what is wrong with a finding without a value."""
    reasons = {Because.UNKNOWN, Because.EVIDENCE_LOST, Because.REGRESSION}
    judged = finding.verdict is not Verdict.NOT_JUDGED
    spent = (finding.verdict, finding.because) == (Verdict.INCONCLUSIVE, Because.NO_EVIDENCE)
    if judged and not spent and finding.because not in reasons:
        yield f"{finding.verdict.value} without a value"
    if not judged and finding.because not in {Because.NO_EVIDENCE, Because.NOT_APPLICABLE}:
        yield "it is not judged without saying why"
    if finding.verdict is Verdict.NOT_JUDGED and finding.failing:
        yield "what is not judged does not fail the build"


def _breach(finding: Finding, audit: Audit, record: Record) -> Any:
    """Return the failure by count where the rows without a group are known."""
    if finding.asked is None or finding.check == "fairness.individual_consistency":
        return None  # its rows are a sample
    try:
        return breach_of(finding, audit, params_of(finding, record.run.seed))
    except (AipmError, ValueError):
        return None
