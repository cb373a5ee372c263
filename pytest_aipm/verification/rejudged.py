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
from pytest_aipm.baseline import PolicyBaseline
from pytest_aipm.checks.base import Measurement
from pytest_aipm.judge import Rules, judge
from pytest_aipm.policy import finding_id, scope_id
from pytest_aipm.records import (
    Audit,
    BaselineComparison,
    Because,
    Finding,
    Record,
    Verdict,
)
from pytest_aipm.verification.alike import different
from pytest_aipm.verification.outcome import outcome_faults
from pytest_aipm.verification.remeasured import Remeasured, remeasured
from pytest_aipm.verification.since import Since, change_faults, since
from pytest_aipm.verification.written import as_written, told, unjudged, unmeasured

__all__ = ["Rejudged", "rejudged"]

Basis = Literal["counts", "interval", "nothing"]
PUBLIC = frozenset({"value", "interval", "method", "n"})
"""What a message may quote where the value is not withheld; groups may be small in any case."""


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
        faults += unmeasured(finding)
        rests_on = "what broke" if finding.verdict is Verdict.ERROR else "what is disabled"
        return Rejudged(finding.id, "nothing", "" if faults else rests_on, tuple(faults))
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
        measurement, whole = as_written(finding, audit, record), False
        if finding.value is None:
            faults += unjudged(finding)
            return Rejudged(finding.id, "nothing", found, tuple(faults))
        faults += told(finding)
    counted = isinstance(found, Remeasured)
    # without counts nobody can say what these rates would show at the baseline's sizes
    known = since(finding, measurement, approved if counted else None)
    faults += change_faults(measurement, finding, known=counted)
    faults += _verdicts(measurement, finding, record, known, words=whole)
    rests_on = found if isinstance(found, str) else ""
    taken = counted and (audit.baseline or finding.baseline) is not None and not known.known
    basis: Basis = "counts" if counted else "interval"
    return Rejudged(finding.id, basis, rests_on, tuple(faults), taken)


def _identity(finding: Finding, audit: Audit) -> Iterator[str]:
    """Yield what the ids say that the finding does not."""
    meant = finding_id(audit.policy.name, finding.check_id, finding.scope)
    if finding.id != meant:
        yield f"its id should read {meant}"
    node = f"{audit.policy.path}::{finding.check_id}::{scope_id(finding.scope)}"
    if finding.nodeid != node:
        yield f"its node id should read {node}"


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


def _verdicts(
    measurement: Measurement, finding: Finding, record: Record, known: Since, *, words: bool
) -> Iterator[str]:
    """Yield where the judge comes to another verdict, reason or power than is written."""
    rules = _rules(finding, record)
    nothing = rules.limit is None and known.change is None and known.total is None
    if nothing and measurement.not_judged is None:
        measurement = measurement.with_(not_judged=(Because.NO_EVIDENCE, UNCOMPARED))
    judgement = judge(
        measurement,
        rules,
        entry=known.entry,
        comparison=known.change,
        total=known.total,
        comparison_then=known.change_then,
        total_then=known.total_then,
    )
    if known.known:
        where = different(_bare(finding.baseline), _bare(judgement.comparison))
        if where is not None:
            yield f"the change since the baseline{where.at} is not what both counts give"
    if finding.because is Because.EVIDENCE_LOST and judgement.because is not Because.EVIDENCE_LOST:
        if known.known:
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
    if regression and known.change is None and judgement.state == "holds":
        judgement = replace(judgement, reason=f"{judgement.reason}; {NOT_COMPARED}")
    yield from outcome_faults(judgement, finding, record, words=words)
    if words:
        for name in ("detectable", "rows_needed"):
            where = different(getattr(finding, name), getattr(judgement, name))
            if where is not None:
                yield f"{name}{where.at} is not what the counts give"


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


def _bare(then: BaselineComparison | None) -> BaselineComparison | None:
    """Return a comparison without the words beside its numbers."""
    return None if then is None else then.model_copy(update={"note": "", "tolerance": ""})
