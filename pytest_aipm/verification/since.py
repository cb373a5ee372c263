"""Changes since the approved baseline: made again where it is at hand, else taken as written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_aipm.baseline import PolicyBaseline, comparable, compare
from pytest_aipm.checks.base import Comparison, Measurement
from pytest_aipm.judge import Entry, at_baseline_sizes
from pytest_aipm.records import NO_WORSE, BaselineComparison, Finding

__all__ = ["Since", "change_faults", "since"]


@dataclass(frozen=True)
class Since:
    """What is known of the changes of one finding.

    Attributes
    ----------
    entry : Entry or None
        The finding as it was approved.
    change, total : BaselineComparison or None
        Against the baseline or champion, and against the first approved baseline.
    change_then, total_then : BaselineComparison or None
        Both as they would be at the baseline's group sizes.
    known : bool
        Whether they were made again, rather than taken from the record.
    """

    entry: Entry | None = None
    change: BaselineComparison | None = None
    total: BaselineComparison | None = None
    change_then: BaselineComparison | None = None
    total_then: BaselineComparison | None = None
    known: bool = False


def since(finding: Finding, measurement: Measurement, approved: PolicyBaseline | None) -> Since:
    """Return the changes of a finding.

    Parameters
    ----------
    finding : Finding
    measurement : Measurement
        From its counts.
    approved : PolicyBaseline or None
        What was approved, where the baseline of the run is at hand.
    """
    then = finding.baseline
    entry = None if approved is None else approved.entry(finding.id)
    entry, _ = comparable(entry, measurement.formula.id, finding.conditions)
    if approved is None or (then is not None and (then.paired or then.against == "champion")):
        return _as_written(then, entry)
    change, total = _changes(finding, measurement, approved, entry)
    change_then = total_then = None
    scaled = None if entry is None else at_baseline_sizes(measurement, entry)
    if scaled is not None:
        change_then, total_then = _changes(finding, scaled, approved, entry)
    return Since(entry, change, total, change_then, total_then, known=True)


def _as_written(then: BaselineComparison | None, entry: Entry | None) -> Since:
    """Return the comparison of the record under the name that the judge knows it by."""
    if then is not None and then.against == "anchor":
        return Since(entry, total=then)
    return Since(entry, change=then)


def _changes(
    finding: Finding, measurement: Measurement, approved: PolicyBaseline, entry: Entry | None
) -> tuple[BaselineComparison | None, BaselineComparison | None]:
    asked, confidence = finding.asked, finding.confidence or 0.95
    if asked is None:
        return None, None
    allowed = asked.max_change
    if asked.no_worse:
        retraining = approved.retraining(finding.id)
        allowed = NO_WORSE if retraining is None else retraining.spread
    point = finding.decide_on == "point"
    change = compare(
        measurement, entry, allowed=allowed, confidence=confidence, point=point, against="baseline"
    )
    then = finding.baseline
    if change is not None and then is not None and then.against == "baseline":
        # where the tolerance comes from is told in words, and enters the sentence
        change = change.model_copy(update={"tolerance": then.tolerance, "note": then.note})
    if asked.max_total_change is None or entry is None:
        return change, None
    total = compare(
        measurement,
        approved.anchor(finding.id),
        allowed=asked.max_total_change,
        confidence=confidence,
        point=point,
        against="anchor",
    )
    return change, total


def change_faults(measurement: Measurement, finding: Finding, *, known: bool) -> Iterator[str]:
    """Yield where a comparison says another word than its own numbers do."""
    then, asked = finding.baseline, finding.asked
    if then is None or asked is None:
        return
    allowed = asked.max_total_change if then.against == "anchor" else asked.max_change
    free = asked.no_worse and then.against != "anchor"
    if not free and then.limit != allowed:
        yield f"the change is held to {then.limit}, the policy allows {allowed}"
    if then.delta is None or then.interval is None or None in then.interval:
        return
    harms = (measurement.harm,) if known and measurement.harm else ("up", "down")
    lower, upper = (math.nan if end is None else end for end in then.interval)
    champion = Comparison(
        value=math.nan if then.value is None else then.value,
        delta=then.delta,
        lower=lower,
        upper=upper,
    )
    words = {
        again.verdict
        for harm in harms
        if (
            again := compare(
                measurement.with_(champion=champion, harm=harm),
                None,
                allowed=then.limit,
                confidence=finding.confidence or 0.95,
                point=finding.decide_on == "point",
                against="champion",
            )
        )
        is not None
    }
    if then.verdict not in words:
        yield f"the change reads {then.verdict}, its interval says {' or '.join(sorted(words))}"
