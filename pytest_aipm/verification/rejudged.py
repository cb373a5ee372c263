"""A finding judged once more: what its counts, limits and comparison make of it.

Where counts are, value, interval, groups, sentence and verdict are derived anew; elsewhere the
verdict is derived from the interval as it is written.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from pytest_aipm.auditing.auditor import NOT_COMPARED, UNCOMPARED
from pytest_aipm.baseline import PolicyBaseline, compare
from pytest_aipm.checks.base import Comparison, Measurement
from pytest_aipm.checks.words import number
from pytest_aipm.errors import AipmError
from pytest_aipm.judge import Entry, Judgement, Rules, decide, judge
from pytest_aipm.policy import finding_id, scope_id
from pytest_aipm.records import (
    Audit,
    BaselineComparison,
    Because,
    Finding,
    Formula,
    Record,
    Verdict,
    WaiverInfo,
)
from pytest_aipm.stats.estimate import Limit, Numbers
from pytest_aipm.verification.alike import different
from pytest_aipm.verification.remeasured import (
    BY_NAME,
    Remeasured,
    breach_of,
    params_of,
    remeasured,
)

__all__ = ["Rejudged", "rejudged"]

Basis = Literal["counts", "interval", "nothing"]
PUBLIC = frozenset({"value", "interval", "method", "n"})
"""What a message may quote where the value is not withheld; groups may be small in any case."""
OPEN = "these rows cannot tell"
"""Behind it stands how many rows would tell, which the interval alone does not say."""


@dataclass(frozen=True)
class Rejudged:
    """What became of one finding.

    Attributes
    ----------
    id : str
    basis : {"counts", "interval", "nothing"}
        What the verdict could be derived from.
    rests_on : str
        What the record does not hold, where the basis is not the counts.
    faults : tuple of str
        What does not hold.
    since : bool
        Whether a comparison with an approved baseline was taken as it is written.
    """

    id: str
    basis: Basis
    rests_on: str = ""
    faults: tuple[str, ...] = ()
    since: bool = False


@dataclass(frozen=True, kw_only=True)
class _Written(Numbers):
    """An interval as it is written; how many rows would do nobody can say of it."""

    def at(self, *_: Any) -> _Written:
        raise ValueError("only its own rows are known")

    def detectable(self, limit: Limit, *, seed: int = 0) -> None:
        del limit, seed

    def rows_needed(self, limit: Limit, *, seed: int = 0) -> None:
        del limit, seed


def rejudged(
    finding: Finding,
    audit: Audit,
    record: Record,
    approved: PolicyBaseline | None,
    *,
    shown: bool = True,
) -> Rejudged:
    """Judge a finding again and compare it with what is written.

    Parameters
    ----------
    finding : Finding
    audit : Audit
    record : Record
    approved : PolicyBaseline or None
        What was approved for the policy, where the baseline of the run is at hand.
    shown : bool
        Whether the finding's value may be published, and may stand in what is said.
    """
    faults = list(_identity(finding, audit))
    if finding.verdict is Verdict.ERROR or finding.because is Because.DISABLED:
        faults += _unmeasured(finding)
        return Rejudged(finding.id, "nothing", "what broke" if not faults else "", tuple(faults))
    try:
        found = remeasured(finding, audit, seed=record.run.seed)
    except Exception as fault:  # noqa: BLE001 - a record that was meddled with breaks anything
        if finding.verdict is Verdict.NOT_JUDGED and not finding.groups and finding.value is None:
            found = "rows that are not there"
        else:
            said = " ".join(str(fault).split())
            return Rejudged(finding.id, "counts", "", (*faults, said))
    if isinstance(found, Remeasured):
        faults += _measured(found, finding, shown=shown)
        measurement, whole = found.measurement, found.whole
    else:
        measurement, whole = _written(finding, audit, record), False
        if finding.value is None:
            basis: Basis = "nothing"
            faults += _unjudged(finding)
            return Rejudged(finding.id, basis, found, tuple(faults))
        faults += _told(finding)
    entry = None if approved is None else approved.entry(finding.id)
    if entry is not None and entry.formula not in (None, measurement.formula.id):
        entry = None
    faults += _compared(measurement, finding, known=isinstance(found, Remeasured))
    faults += _verdicts(measurement, finding, record, entry, words=whole)
    rests_on = found if isinstance(found, str) else ""
    since = approved is None and (audit.baseline is not None or finding.baseline is not None)
    return Rejudged(
        finding.id, "interval" if rests_on else "counts", rests_on, tuple(faults), since
    )


def _identity(finding: Finding, audit: Audit) -> Iterator[str]:
    """Yield what the ids say that the finding does not."""
    meant = finding_id(audit.policy.name, finding.check_id, finding.scope)
    if finding.id != meant:
        yield f"its id should read {meant}"
    node = f"{audit.policy.path}::{finding.check_id}::{scope_id(finding.scope)}"
    if finding.nodeid != node:
        yield f"its node id should read {node}"


def _unmeasured(finding: Finding) -> Iterator[str]:
    """Yield what is wrong with a finding that could not be, or was not to be, measured."""
    error = finding.verdict is Verdict.ERROR
    if error != (finding.because is Because.ERROR) or error != finding.failing:
        yield "an error fails the build, and nothing else is one"
    if finding.value is not None or finding.groups:
        yield "what was not measured has no value"
    if not error and finding.verdict is not Verdict.NOT_JUDGED:
        yield "a disabled check is not judged"


def _unjudged(finding: Finding) -> Iterator[str]:
    """Yield what is wrong with a finding without a value."""
    reasons = {Because.UNKNOWN, Because.EVIDENCE_LOST, Because.REGRESSION}
    judged = finding.verdict is not Verdict.NOT_JUDGED
    if judged and finding.because not in reasons:
        yield f"{finding.verdict.value} without a value"
    if not judged and finding.because not in {Because.NO_EVIDENCE, Because.NOT_APPLICABLE}:
        yield "it is not judged without saying why"
    if finding.verdict is Verdict.NOT_JUDGED and finding.failing:
        yield "what is not judged does not fail the build"


def _measured(found: Remeasured, finding: Finding, *, shown: bool) -> Iterator[str]:
    """Yield where the counts give other numbers than are written; `shown` names public ones."""
    measurement = found.measurement
    estimate = measurement.estimate
    value = None if estimate is None else estimate.value
    known = value is not None and math.isfinite(value)
    ends = (estimate.lower, estimate.upper) if estimate is not None and known else None
    pairs: list[tuple[str, Any, Any]] = [
        ("value", finding.value, value),
        ("interval", finding.interval, ends),
        ("method", finding.method, "" if estimate is None else estimate.method),
        ("sizes", finding.sizes, () if estimate is None else estimate.sizes),
        ("part_names", finding.part_names, measurement.part_names),
    ]
    if found.whole and found.counted:
        pairs += [
            ("n", finding.n, measurement.n),
            ("formula", finding.formula, measurement.formula),
            ("groups", finding.groups, measurement.groups),
        ]
        notes = finding.notes[: len(measurement.notes)]
        pairs.append(("notes", notes, measurement.notes))
    elif found.whole:
        kept = {"group", "part", "numerator", "denominator", "value", "interval", "judged"}
        written = [group.model_dump(include=kept) for group in finding.groups]
        again = [group.model_dump(include=kept) for group in measurement.groups]
        pairs.append(("groups", written, again))
    for name, written_, again_ in pairs:
        where = different(written_, again_)
        if where is None:
            continue
        if name in PUBLIC and shown:
            yield f"{name}{where.at} reads {where.written}, the counts give {where.again}"
        else:
            yield f"{name}{where.at} is not what the counts give"


def _written(finding: Finding, audit: Audit, record: Record) -> Measurement:
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
    if finding.because is Because.UNKNOWN:
        breach = (Because.UNKNOWN, finding.reason)
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


def _told(finding: Finding) -> Iterator[str]:
    """Yield where names and sentence are not those of the numbers as written."""
    names = tuple(" · ".join(group.group.values()) for group in finding.groups)
    parts = {group.part for group in finding.groups}
    if not finding.scope and finding.part_names != ("all rows",):
        yield "its one part is not called all rows"
    elif finding.scope and len(parts) == 1 and finding.part_names not in (names, ("all rows",)):
        yield "its parts are not its groups"
    summed = finding.check in BY_NAME and finding.because is not Because.UNKNOWN
    if summed and finding.value is not None and number(finding.value) not in finding.reason:
        yield "its reason does not tell its value"


def _breach(finding: Finding, audit: Audit, record: Record) -> Any:
    """Return the failure by count where the rows without a group are known."""
    if finding.asked is None or finding.check == "fairness.individual_consistency":
        return None  # its rows are a sample
    try:
        return breach_of(finding, audit, params_of(finding, record.run.seed))
    except (AipmError, ValueError):
        return None


def _compared(measurement: Measurement, finding: Finding, *, known: bool) -> Iterator[str]:
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


def _verdicts(
    measurement: Measurement, finding: Finding, record: Record, entry: Entry | None, *, words: bool
) -> Iterator[str]:
    """Yield where the judge comes to another verdict, reason or power than is written."""
    rules = _rules(finding, record)
    declared = rules.limit is None and finding.baseline is None
    if declared and measurement.not_judged is None:
        measurement = measurement.with_(not_judged=(Because.NO_EVIDENCE, UNCOMPARED))
    judgement = judge(measurement, rules, entry=entry, **_changes(finding.baseline))
    if finding.because is Because.EVIDENCE_LOST and judgement.because is not Because.EVIDENCE_LOST:
        if entry is not None and not _may_hide(finding.baseline):
            yield "the baseline and these counts show no evidence lost"
        judgement = replace(
            judgement,
            verdict=Verdict.WARN if rules.severity == "advice" else Verdict.FAIL,
            because=Because.EVIDENCE_LOST,
            failing=rules.severity != "advice",
            reason="",
            detectable=None,
            rows_needed=None,
        )
        words = False
    asked = finding.asked
    regression = asked is not None and (
        asked.no_worse or asked.max_change is not None or asked.max_total_change is not None
    )
    if regression and finding.baseline is None and judgement.state == "holds":
        judgement = replace(judgement, reason=f"{judgement.reason}; {NOT_COMPARED}")
    yield from _waived(judgement, finding, record, words=words)
    if words:
        for name in ("detectable", "rows_needed"):
            where = different(getattr(finding, name), getattr(judgement, name))
            if where is not None:
                yield f"{name}{where.at} is not what the counts give"


def _waived(
    judgement: Judgement, finding: Finding, record: Record, *, words: bool
) -> Iterator[str]:
    """Yield where verdict, reason or waiver are not what the judge's word and the waiver make."""
    verdict, failing, reason = judgement.verdict, judgement.failing, judgement.reason
    waiver = finding.waiver
    if waiver is not None and waiver.state == "applied":
        yield from _covers(waiver, judgement, finding, record)
        verdict, failing = Verdict.WAIVED, False
    elif waiver is not None and waiver.note and failing:
        reason = f"{reason} ({waiver.note})"
    if (
        waiver is not None
        and waiver.state == "expired"
        and waiver.expires >= record.run.started[:10]
    ):
        yield f"waiver {waiver.id} had not expired on the day of the run"
    if finding.verdict is not verdict:
        yield f"its verdict reads {finding.verdict.value}, it follows {verdict.value}"
    if finding.because is not judgement.because:
        follows = "nothing" if judgement.because is None else judgement.because.value
        reads = "nothing" if finding.because is None else finding.because.value
        yield f"its cause reads {reads}, it follows {follows}"
    if finding.failing != failing:
        yield f"failing reads {str(finding.failing).lower()}, it follows {str(failing).lower()}"
    said = " ".join(reason.split())
    if words and said != finding.reason:
        yield "its reason is not the sentence that its counts give"
    elif said.partition(OPEN)[0] not in finding.reason:
        yield "its reason is not that of its interval and limit"


def _covers(
    waiver: WaiverInfo, judgement: Judgement, finding: Finding, record: Record
) -> Iterator[str]:
    """Yield why a waiver cannot have been applied."""
    if waiver.check != finding.id:
        yield f"waiver {waiver.id} is for {waiver.check}"
    if not judgement.failing:
        yield f"waiver {waiver.id} covers a finding that does not fail"
    if record.run.started and waiver.expires < record.run.started[:10]:
        yield f"waiver {waiver.id} had expired on the day of the run"
    if waiver.floor is not None and finding.value is not None and finding.interval is not None:
        lower, upper = finding.interval
        ends = (-math.inf if lower is None else lower, math.inf if upper is None else upper)
        if decide(finding.value, *ends, waiver.floor, finding.decide_on) == "breach":
            yield f"it lies beyond the floor of waiver {waiver.id}"


def _rules(finding: Finding, record: Record) -> Rules:
    asked = finding.asked
    return Rules(
        limit=finding.limit,
        warn=finding.warn,
        decide_on=finding.decide_on,
        confidence=finding.confidence or 0.95,
        on_inconclusive="warn" if asked is None else asked.on_inconclusive,
        severity=finding.severity,
        strict="--aipm-strict" in _words(record.run.command),
        seed=record.run.seed,
    )


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _changes(then: BaselineComparison | None) -> dict[str, BaselineComparison]:
    """Return the recorded comparison under the name that the judge knows it by."""
    if then is None:
        return {}
    return {"total" if then.against == "anchor" else "comparison": then}


def _may_hide(then: BaselineComparison | None) -> bool:
    """Return whether a change may have been lost that the record does not hold."""
    return then is None or then.verdict == "inconclusive" or then.against == "anchor"
