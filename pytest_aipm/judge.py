"""From a measurement to a verdict: the only place that decides.

The two ends of the interval were computed without knowing the limit; here they are compared with
it, so verdict and printed interval can never disagree. No rounded number is ever read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_aipm.checks.base import Measurement
from pytest_aipm.checks.words import number
from pytest_aipm.records import (
    BaselineComparison,
    Because,
    Detectable,
    GroupValue,
    Limit,
    RowsNeeded,
    RunVerdict,
    Verdict,
)
from pytest_aipm.stats.estimate import Estimate

__all__ = [
    "Entry",
    "Judgement",
    "Rules",
    "State",
    "at_baseline_sizes",
    "decide",
    "judge",
    "roll_up",
]

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

    ``state`` is what its limit said then; ``sizes`` are the denominators of the estimate's parts.
    """

    value: float | None
    interval: tuple[float | None, float | None] | None
    state: State
    change: str | None = None
    sizes: tuple[float, ...] = ()
    part_names: tuple[str, ...] = ()
    groups: tuple[GroupValue, ...] = ()


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


def judge(
    measurement: Measurement,
    rules: Rules,
    *,
    entry: Entry | None = None,
    comparison: BaselineComparison | None = None,
    total: BaselineComparison | None = None,
    comparison_then: BaselineComparison | None = None,
) -> Judgement:
    """Decide one finding.

    Parameters
    ----------
    measurement : Measurement
        Value, ends and counts.
    rules : Rules
        Limits and how they are read.
    entry : Entry, optional
        The same finding in the approved baseline.
    comparison, total : BaselineComparison, optional
        The change against the baseline (or champion) and against the anchor.
    comparison_then : BaselineComparison, optional
        The change as it would be at the baseline's group sizes with the rates observed now.

    Returns
    -------
    Judgement
        Waivers come later: they change no fact.
    """
    estimate = measurement.estimate
    unjudged = measurement.not_judged is not None or estimate is None
    state: State = "open"
    if not unjudged:
        assert estimate is not None  # noqa: S101
        state = decide(estimate.value, estimate.lower, estimate.upper, rules.limit, rules.decide_on)
    worse = next((each for each in (comparison, total) if _regressed(each)), None)
    lost = _evidence_lost(measurement, rules, entry, state, unjudged=unjudged)
    if not lost and _hidden(comparison, comparison_then):
        lost = (
            "evidence lost: these rows no longer show the change since the approved baseline; at "
            f"the baseline's group sizes it would be a regression; {measurement.summary}"
        )
    reasons: list[tuple[Because, str]] = []
    if lost:
        reasons.append((Because.EVIDENCE_LOST, lost))
    if state == "breach":
        reasons.append((Because.LIMIT, _broken(measurement, rules)))
    if worse is not None:
        told = measurement.summary if not reasons else ""
        reasons.append((Because.REGRESSION, _worse_sentence(told, worse)))
    if measurement.breach is not None:
        reasons.append(measurement.breach)
    if reasons:
        return _failed(rules, reasons, state, worse or comparison)
    if unjudged:
        because, why = measurement.not_judged or (Because.NO_EVIDENCE, measurement.summary)
        return Judgement(
            verdict=Verdict.NOT_JUDGED, because=because, reason=why, comparison=comparison
        )
    assert estimate is not None  # noqa: S101
    if state == "open":
        return _undecided(measurement, estimate, rules, comparison)
    return _held(measurement, estimate, rules, comparison)


def _regressed(comparison: BaselineComparison | None) -> bool:
    """Return whether a change is proven worse than the policy allows; without a limit none is."""
    return comparison is not None and comparison.verdict == "worse" and comparison.limit is not None


def _failed(
    rules: Rules,
    reasons: list[tuple[Because, str]],
    state: State,
    comparison: BaselineComparison | None,
) -> Judgement:
    because, why = reasons[0]
    others = [sentence for _, sentence in reasons[1:]]
    advice = rules.severity == "advice"
    return Judgement(
        verdict=Verdict.WARN if advice else Verdict.FAIL,
        because=because,
        reason="; ".join([why, *others]),
        state=state,
        detectable=None,
        comparison=comparison,
        failing=not advice,
    )


def _undecided(
    measurement: Measurement,
    estimate: Estimate,
    rules: Rules,
    comparison: BaselineComparison | None,
) -> Judgement:
    detectable = _detectable(measurement, estimate, rules)
    needed = _rows_needed(measurement, estimate, rules)
    fails = rules.severity == "error" and (rules.on_inconclusive == "fail" or rules.strict)
    return Judgement(
        verdict=Verdict.INCONCLUSIVE,
        because=Because.LIMIT,
        reason=_open_sentence(measurement, estimate, rules, detectable, needed)
        + _change_sentence(comparison),
        state="open",
        detectable=detectable,
        rows_needed=needed,
        comparison=comparison,
        failing=fails,
    )


def _held(
    measurement: Measurement,
    estimate: Estimate,
    rules: Rules,
    comparison: BaselineComparison | None,
) -> Judgement:
    warned = rules.warn is not None and _beyond_warn(estimate, rules)
    unshown = (
        rules.strict
        and comparison is not None
        and comparison.verdict == "inconclusive"
        and comparison.limit is not None
    )
    within = "" if rules.limit is None else f"within the limit {_limit(rules.limit)}"
    if warned:
        assert rules.warn is not None  # noqa: S101
        within += f" but beyond the warning level {_limit(rules.warn)}"
    note = (
        " (the point estimate decides; the interval is not within the limit, so this is not "
        "certain)"
        if rules.decide_on == "point" and _uncertain(estimate, rules)
        else ""
    )
    sentence = f"{measurement.summary}{_interval(estimate)}"
    if within:
        sentence += f", {within}"
    return Judgement(
        verdict=Verdict.WARN if warned else Verdict.PASS,
        because=Because.LIMIT if warned else None,
        reason=sentence + note + _change_sentence(comparison),
        state="holds",
        detectable=None,
        comparison=comparison,
        failing=unshown and rules.severity == "error",
    )


def _beyond_warn(estimate: Estimate, rules: Rules) -> bool:
    state = decide(estimate.value, estimate.lower, estimate.upper, rules.warn, rules.decide_on)
    return state == "breach"


def _uncertain(estimate: Estimate, rules: Rules) -> bool:
    return decide(estimate.value, estimate.lower, estimate.upper, rules.limit, "interval") == "open"


def _evidence_lost(
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
    thinned = _thinned(measurement, rules, entry)
    if state == "holds" and not unjudged and not dropped and not thinned:
        return ""
    then = _at_baseline_sizes(measurement, entry)
    if entry.state == "breach" and (thinned or _unjudged_on_purpose(measurement, dropped)):
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


def _thinned(measurement: Measurement, rules: Rules, entry: Entry) -> bool:
    """Return whether a breach of the baseline is gone with at least half of its rows.

    With few rows a point estimate crosses its limit by chance, and a breach that lay near the
    limit would be undecided even at the baseline's sizes. It stays broken until the rows that
    are left prove that the limit holds.
    """
    estimate = measurement.estimate
    if entry.state != "breach" or estimate is None:
        return False
    if sum(estimate.sizes) > sum(entry.sizes) / 2:
        return False
    ends = (estimate.value, estimate.lower, estimate.upper)
    return decide(*ends, rules.limit, "interval") != "holds"


def _unjudged_on_purpose(measurement: Measurement, dropped: Sequence[str]) -> bool:
    """Return whether a group that the baseline judged is there, but under `min_group_size`."""
    return any(name in measurement.part_names for name in dropped)


def _hidden(now: BaselineComparison | None, then: BaselineComparison | None) -> bool:
    """Return whether fewer rows alone keep a regression from being shown."""
    return now is not None and now.verdict == "inconclusive" and _regressed(then)


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


# -- sentences ---------------------------------------------------------------------------------


def _limit(limit: Limit) -> str:
    parts = []
    if limit.min is not None:
        parts.append(f"≥ {_plain(limit.min)}")
    if limit.max is not None:
        parts.append(f"≤ {_plain(limit.max)}")
    return " and ".join(parts)


def _plain(value: float) -> str:
    """Return a limit as the policy writes it."""
    text = f"{value:g}"
    return f"{value:.2f}" if text.count(".") and len(text.split(".")[1]) < 2 else text


def _interval(estimate: Estimate) -> str:
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return ""
    if estimate.lower == estimate.upper:  # a count over all rows has no interval
        return ""
    return f" (interval {number(estimate.lower)} to {number(estimate.upper)})"


def _broken(measurement: Measurement, rules: Rules) -> str:
    estimate = measurement.estimate
    assert estimate is not None  # noqa: S101
    assert rules.limit is not None  # noqa: S101
    verb = "not proven to be within" if rules.decide_on == "proof" else "breaks"
    sure = ""
    if rules.decide_on == "point" and _uncertain(estimate, rules):
        sure = " (the point estimate decides; the interval touches the limit, so not certain)"
    return (
        f"{measurement.summary}{_interval(estimate)}, {verb} the limit {_limit(rules.limit)}{sure}"
    )


def _open_sentence(
    measurement: Measurement,
    estimate: Estimate,
    rules: Rules,
    detectable: Detectable | None,
    needed: RowsNeeded | None,
) -> str:
    assert rules.limit is not None  # noqa: S101
    text = (
        f"{measurement.summary}{_interval(estimate)}, the limit {_limit(rules.limit)} lies "
        "inside the interval: these rows cannot tell"
    )
    if detectable is not None and detectable.gap is not None:
        group = f" for {detectable.group}" if detectable.group else ""
        text += (
            f"; they would have caught a gap of {number(detectable.gap)}{group} in 8 of 10 samples"
        )
    empty = _without_rows(measurement, estimate)
    if needed is not None:
        text += f"; about {_rounded(needed.total):,} rows in all, at the same mix, would settle it"
    elif empty:
        text += f"; it has no row for {', '.join(empty)}, so more of the same mix settle nothing"
    else:
        text += "; no number of rows settles it if these values are the true ones"
    return text


def _without_rows(measurement: Measurement, estimate: Estimate) -> list[str]:
    """Return the groups of which the metric has no row in its denominator."""
    named = zip(measurement.part_names, estimate.sizes, strict=False)
    return list(dict.fromkeys(name for name, size in named if size == 0))


def _worse_sentence(summary: str, worse: BaselineComparison) -> str:
    against = {
        "baseline": "the approved baseline",
        "anchor": "the first approved baseline",
        "champion": "the champion on the same rows",
    }[worse.against]
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
        f"more than the {_plain(worse.limit or 0.0)} allowed"
    )


def _change_sentence(comparison: BaselineComparison | None) -> str:
    """Return what a declared comparison showed; one that nobody asked for is only in the table."""
    if comparison is None or comparison.limit is None:
        return ""
    words = {
        "better": "better than before",
        "same": "unchanged within the tolerance",
        "inconclusive": "change not shown",
        "worse": "worse than before",
    }[comparison.verdict]
    return f"; {words}"


def _rounded(rows: int) -> int:
    """Return a number of rows rounded up to two digits: more would be false precision."""
    step: int = 10 ** max(0, len(str(rows)) - 2)
    return -(-rows // step) * step


def _detectable(measurement: Measurement, estimate: Estimate, rules: Rules) -> Detectable | None:
    found = estimate.detectable(rules.bounds, seed=rules.seed)
    if found is None:
        return None
    gap, part = found
    names = measurement.part_names
    group = names[part] if len(names) > 1 and part < len(names) else None
    return Detectable(gap=gap, group=group)


def _rows_needed(measurement: Measurement, estimate: Estimate, rules: Rules) -> RowsNeeded | None:
    found = estimate.rows_needed(rules.bounds, seed=rules.seed)
    if found is None:
        return None
    factor, pair = found
    names = measurement.part_names
    total = math.ceil(factor * measurement.n)
    return RowsNeeded(
        total=total, pair=tuple(names[i] for i in pair if len(names) > 1 and i < len(names))
    )


def roll_up(verdicts: Mapping[str, tuple[Verdict, Because | None, bool, str]]) -> RunVerdict:
    """Return FAIL, UNPROVEN or PASS for a set of findings.

    Parameters
    ----------
    verdicts : mapping of id to (verdict, because, failing, severity)
        ``failing`` is whether the finding alone turns the build red.

    Returns
    -------
    RunVerdict
        Nothing judged is unproven, never a pass.
    """
    judged = [each for each in verdicts.values() if each[0] != Verdict.NOT_JUDGED]
    unproven = not judged
    for verdict, because, failing, severity in verdicts.values():
        if failing or verdict in (Verdict.FAIL, Verdict.ERROR):
            return RunVerdict.FAIL
        lacking = verdict == Verdict.NOT_JUDGED and because == Because.NO_EVIDENCE
        if severity == "error" and (verdict == Verdict.INCONCLUSIVE or lacking):
            unproven = True
    return RunVerdict.UNPROVEN if unproven else RunVerdict.PASS
