"""What a verdict says in words; nothing is decided here."""

from __future__ import annotations

import math

from pytest_aipm.checks.answers import few
from pytest_aipm.checks.base import Measurement
from pytest_aipm.checks.words import number
from pytest_aipm.judge.rules import Rules, uncertain
from pytest_aipm.records import BaselineComparison, Detectable, Limit, RowsNeeded
from pytest_aipm.stats.estimate import Estimate

__all__ = ["broken", "cannot_tell", "change_words", "interval_words", "limit_words", "worse_than"]


def limit_words(limit: Limit) -> str:
    """Return a limit as a comparison: ``≥ 0.80 and ≤ 1.25``."""
    parts = []
    if limit.min is not None:
        parts.append(f"≥ {plain(limit.min)}")
    if limit.max is not None:
        parts.append(f"≤ {plain(limit.max)}")
    return " and ".join(parts)


def plain(value: float) -> str:
    """Return a limit as the policy writes it."""
    text = f"{value:g}"
    return f"{value:.2f}" if text.count(".") and len(text.split(".")[1]) < 2 else text


def interval_words(estimate: Estimate) -> str:
    """Return an interval in brackets; nothing where there is none."""
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return ""
    if estimate.lower == estimate.upper:  # a count over all rows has no interval
        return ""
    return f" (interval {number(estimate.lower)} to {number(estimate.upper)})"


def broken(measurement: Measurement, rules: Rules) -> str:
    """Return that the limit is broken, and how sure that is."""
    estimate = measurement.estimate
    assert estimate is not None  # noqa: S101
    assert rules.limit is not None  # noqa: S101
    verb = "not proven to be within" if rules.decide_on == "proof" else "breaks"
    sure = ""
    if rules.decide_on == "point" and uncertain(estimate, rules):
        sure = " (the value alone decides; the interval touches the limit, so this is not certain)"
    seen = f"{measurement.summary}{interval_words(estimate)}"
    return f"{seen}, {verb} the limit {limit_words(rules.limit)}{sure}"


def cannot_tell(
    measurement: Measurement,
    estimate: Estimate,
    rules: Rules,
    detectable: Detectable | None,
    needed: RowsNeeded | None,
) -> str:
    """Return that these rows cannot tell, what they would have shown, and how many would."""
    assert rules.limit is not None  # noqa: S101
    text = (
        f"{measurement.summary}{interval_words(estimate)}, the limit {limit_words(rules.limit)} "
        "lies inside the interval: these rows cannot tell"
    )
    if measurement.undecided:
        return f"{text}; {measurement.undecided}"
    if detectable is not None and detectable.gap is not None:
        group = f" for {detectable.group}" if detectable.group else ""
        what = f"a gap of {number(detectable.gap)}"
        if detectable.beyond:
            what = f"a value {number(detectable.gap)} beyond the limit"
        text += f"; they would have caught {what}{group} in 8 of 10 samples"
    empty = _without_rows(measurement, estimate)
    if needed is not None:
        text += f"; about {_rounded(needed.total):,} rows in all, at the same mix, would settle it"
    elif empty:
        text += f"; it has no row for {few(empty)}, so more of the same mix settle nothing"
    else:
        text += "; no number of rows settles it if these values are the true ones"
    return text


def _without_rows(measurement: Measurement, estimate: Estimate) -> list[str]:
    """Return the groups of which the metric has no row in its denominator."""
    named = zip(measurement.part_names, estimate.sizes, strict=False)
    return list(dict.fromkeys(name for name, size in named if size == 0))


def worse_than(summary: str, worse: BaselineComparison) -> str:
    """Return against what it became worse, where, and by how much."""
    against = {
        "baseline": "the approved baseline",
        "anchor": "the first approved baseline",
        "champion": "the champion on the same rows",
    }[worse.against]
    if worse.paired and worse.against == "baseline":
        against += " on the same rows"
    where = f"between {worse.group} it " if " and " in worse.group else ""
    if worse.group and not where:
        where = f"for {worse.group} it "
    lower, upper = worse.interval or (None, None)
    interval = (
        f" (interval {number(lower)} to {number(upper)})"
        if lower is not None and upper is not None
        else ""
    )
    told = f"{summary}, " if summary else ""
    return (
        f"{told}worse than {against}: {where}changed by {number(worse.delta or 0.0)}{interval}, "
        f"more than the {plain(worse.limit or 0.0)} allowed{_tolerance(worse)}"
    )


def _tolerance(comparison: BaselineComparison) -> str:
    return f" ({comparison.tolerance})" if comparison.tolerance else ""


def change_words(comparison: BaselineComparison | None) -> str:
    """Return what a declared comparison showed; one that nobody asked for is only in the table."""
    if comparison is None or comparison.limit is None:
        return ""
    words = {
        "better": "better than before",
        "same": "unchanged within the tolerance",
        "inconclusive": "change not shown",
        "worse": "worse than before",
    }[comparison.verdict]
    return f"; {words}{_tolerance(comparison)}"


def _rounded(rows: int) -> int:
    """Return a number of rows rounded up to two digits: more would be false precision."""
    step: int = 10 ** max(0, len(str(rows)) - 2)
    return -(-rows // step) * step
