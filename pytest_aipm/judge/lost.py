"""Evidence lost: what the approved baseline decided and these rows no longer can."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_aipm.checks.base import Measurement
from pytest_aipm.judge.rules import Entry, Rules, State, decide, regressed
from pytest_aipm.records import BaselineComparison
from pytest_aipm.stats.estimate import Estimate

__all__ = ["at_baseline_sizes", "evidence_lost", "hidden"]


def evidence_lost(
    measurement: Measurement,
    rules: Rules,
    entry: Entry | None,
    state: State,
    *,
    unjudged: bool,
) -> str:
    """Return why a decision of the baseline was lost with its rows, or an empty text."""
    if entry is None or entry.state == "open" or state == "breach":
        return ""
    dropped = _dropped(measurement, entry)
    thinned = _thinned(measurement, rules, entry, state)
    if state == "holds" and not unjudged and not dropped and not thinned:
        return ""
    then = _at_baseline_sizes(measurement, entry)
    talked_away = entry.state == "breach" and _unjudged_on_purpose(measurement, dropped)
    if thinned or talked_away:
        lost = True
    elif then is None:
        # nobody can say what the missing group would have shown: a breach is not taken back
        lost = unjudged or entry.state == "breach"
    else:
        state_then = decide(then.value, then.lower, then.upper, rules.limit, rules.decide_on)
        # a limit that holds only because a group is gone was not kept
        lost = state_then == "breach" if state == "holds" else state_then != "open"
    if not lost:
        return ""
    before, now = (
        int(sum(entry.sizes)),
        int(sum(measurement.estimate.sizes)) if (measurement.estimate is not None) else 0,
    )
    sizes = f" ({before:,} rows then, {now:,} now)" if before != now else ""
    gone = f"; no longer judged: {', '.join(dropped)}" if dropped else ""
    return (
        f"evidence lost: the approved baseline decided this and these rows no longer can{sizes}"
        f"{gone}; {measurement.summary}"
    )


def _thinned(measurement: Measurement, rules: Rules, entry: Entry, state: State) -> bool:
    """Return whether a decision of the baseline is gone with at least half of its rows.

    The rates of few rows are far off by chance, so that what they would say at the baseline's
    sizes is no help: a breach that lay near the limit, or a new one, would look undecided there,
    too. And a point estimate crosses its limit by chance: a breach stays broken until the rows
    that are left prove that the limit holds.
    """
    estimate = measurement.estimate
    if estimate is None or sum(estimate.sizes) > sum(entry.sizes) / 2:
        return False
    if entry.state == "holds":
        return state == "open"
    ends = (estimate.value, estimate.lower, estimate.upper)
    return decide(*ends, rules.limit, "interval") != "holds"


def _unjudged_on_purpose(measurement: Measurement, dropped: Sequence[str]) -> bool:
    """Return whether a group that the baseline judged is there, but under `min_group_size`."""
    return any(name in measurement.part_names for name in dropped)


def hidden(now: BaselineComparison | None, then: BaselineComparison | None) -> bool:
    """Return whether fewer rows alone keep a regression from being shown."""
    return now is not None and now.verdict == "inconclusive" and regressed(then)


def at_baseline_sizes(measurement: Measurement, entry: Entry) -> Measurement | None:
    """Return a measurement as it would be at the baseline's sizes with the rates observed now."""
    estimate = _at_baseline_sizes(measurement, entry)
    if estimate is None:
        return None
    sizes = dict(zip(entry.part_names, entry.sizes, strict=True))
    groups = tuple(
        group.model_copy(
            update={"numerator": (group.value or 0.0) * sizes[name], "denominator": sizes[name]}
        )
        for name, group in zip(measurement.part_names, measurement.groups, strict=False)
        if name in sizes and group.numerator is not None
    )
    return measurement.with_(estimate=estimate, groups=groups, champion=None)


def _dropped(measurement: Measurement, entry: Entry) -> list[str]:
    """Return the groups that the baseline judged and this run cannot."""
    judged = {
        name
        for name, group in zip(measurement.part_names, measurement.groups, strict=False)
        if group.judged
    }
    return [
        name
        for name, group in zip(entry.part_names, entry.groups, strict=False)
        if group.judged and name not in judged
    ]


def _at_baseline_sizes(measurement: Measurement, entry: Entry) -> Estimate | None:
    """Return the estimate at the baseline's denominators with the rates observed now.

    A group that is gone keeps the rate it had, because nothing newer is known of it.
    """
    estimate = measurement.estimate
    if estimate is None or not entry.sizes:
        return None
    sizes = dict(zip(entry.part_names, entry.sizes, strict=True))
    before = dict(zip(entry.part_names, (each.value for each in entry.groups), strict=False))
    now = dict(zip(measurement.part_names, (part[0] for part in estimate.parts), strict=True))
    names = [*now, *(name for name in sizes if name not in now)]
    values = [_rate(now.get(name), before.get(name)) for name in names]
    try:
        return estimate.at([sizes.get(name, 0.0) for name in names], values)
    except ValueError:
        # this estimator cannot add a part it has never seen
        return None


def _rate(now: float | None, before: float | None) -> float:
    if now is not None and math.isfinite(now):
        return now
    return math.nan if before is None else before
