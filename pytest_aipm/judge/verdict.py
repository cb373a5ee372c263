"""From a measurement to a verdict.

The two ends of the interval were computed without knowing the limit; here they are compared with
it, so verdict and printed interval can never disagree. No rounded number is ever read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pytest_aipm.checks.base import Measurement
from pytest_aipm.judge.lost import evidence_lost, hidden
from pytest_aipm.judge.rules import Entry, Judgement, Rules, State, decide, regressed, uncertain
from pytest_aipm.judge.sentences import (
    broken,
    cannot_tell,
    change_words,
    interval_words,
    limit_words,
    worse_than,
)
from pytest_aipm.records import (
    BaselineComparison,
    Because,
    Detectable,
    RowsNeeded,
    RunVerdict,
    Verdict,
)
from pytest_aipm.stats.estimate import Estimate

__all__ = ["judge", "roll_up"]


def judge(
    measurement: Measurement,
    rules: Rules,
    *,
    entry: Entry | None = None,
    comparison: BaselineComparison | None = None,
    total: BaselineComparison | None = None,
    comparison_then: BaselineComparison | None = None,
    total_then: BaselineComparison | None = None,
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
    comparison_then, total_then : BaselineComparison, optional
        Both changes as they would be at the baseline's group sizes with the rates observed now.

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
    worse = next((each for each in (comparison, total) if regressed(each)), None)
    lost = evidence_lost(measurement, rules, entry, state, unjudged=unjudged)
    thin = ((comparison, comparison_then), (total, total_then))
    unseen = next((now for now, then in thin if hidden(now, then)), None)
    if not lost and unseen is not None:
        since = "first approved" if unseen.against == "anchor" else "approved"
        lost = (
            f"evidence lost: these rows no longer show the change since the {since} baseline; at "
            f"the baseline's group sizes it would be a regression; {measurement.summary}"
        )
    reasons: list[tuple[Because, str]] = []
    if lost:
        reasons.append((Because.EVIDENCE_LOST, lost))
    if state == "breach":
        reasons.append((Because.LIMIT, broken(measurement, rules)))
    if worse is not None:
        told = measurement.summary if not reasons else ""
        reasons.append((Because.REGRESSION, worse_than(told, worse)))
    if measurement.breach is not None:
        reasons.append(measurement.breach)
    if reasons:
        return _failed(rules, reasons, state, worse or comparison)
    if unjudged:
        return _without_estimate(measurement, rules, comparison)
    assert estimate is not None  # noqa: S101
    if state == "open":
        return _undecided(measurement, estimate, rules, comparison)
    return _held(measurement, estimate, rules, comparison)


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


def _without_estimate(
    measurement: Measurement, rules: Rules, comparison: BaselineComparison | None
) -> Judgement:
    because, why = measurement.not_judged or (Because.NO_EVIDENCE, measurement.summary)
    verdict, fails = Verdict.NOT_JUDGED, False
    if measurement.undecided:
        because, why = Because.NO_EVIDENCE, measurement.undecided
        verdict, fails = Verdict.INCONCLUSIVE, _open_fails(rules)
    return Judgement(
        verdict=verdict, because=because, reason=why, comparison=comparison, failing=fails
    )


def _open_fails(rules: Rules) -> bool:
    return rules.severity == "error" and (rules.on_inconclusive == "fail" or rules.strict)


def _undecided(
    measurement: Measurement,
    estimate: Estimate,
    rules: Rules,
    comparison: BaselineComparison | None,
) -> Judgement:
    detectable = _detectable(measurement, estimate, rules)
    needed = _rows_needed(measurement, estimate, rules)
    return Judgement(
        verdict=Verdict.INCONCLUSIVE,
        because=Because.LIMIT,
        reason=cannot_tell(measurement, estimate, rules, detectable, needed)
        + change_words(comparison),
        state="open",
        detectable=detectable,
        rows_needed=needed,
        comparison=comparison,
        failing=_open_fails(rules),
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
    within = "" if rules.limit is None else f"within the limit {limit_words(rules.limit)}"
    if warned:
        assert rules.warn is not None  # noqa: S101
        within += f" but beyond the warning level {limit_words(rules.warn)}"
    note = (
        " (the value alone decides; the interval is not within the limit, so this is not certain)"
        if rules.decide_on == "point" and uncertain(estimate, rules)
        else ""
    )
    sentence = f"{measurement.summary}{interval_words(estimate)}"
    if within:
        sentence += f", {within}"
    return Judgement(
        verdict=Verdict.WARN if warned else Verdict.PASS,
        because=Because.LIMIT if warned else None,
        reason=sentence + note + change_words(comparison),
        state="holds",
        detectable=None,
        comparison=comparison,
        failing=unshown and rules.severity == "error",
    )


def _beyond_warn(estimate: Estimate, rules: Rules) -> bool:
    state = decide(estimate.value, estimate.lower, estimate.upper, rules.warn, rules.decide_on)
    return state == "breach"


def _detectable(measurement: Measurement, estimate: Estimate, rules: Rules) -> Detectable | None:
    found = estimate.detectable(rules.bounds, seed=rules.seed)
    if found is None:
        return None
    gap, part = found
    names = measurement.part_names
    group = names[part] if len(names) > 1 and part < len(names) else None
    return Detectable(gap=gap, group=group, beyond=estimate.beyond or None)


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
