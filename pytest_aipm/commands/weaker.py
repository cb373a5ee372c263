"""In which ways a record's gate asks for less than an earlier record's did.

`baseline` says it as if the old record had been approved. Added here is what a baseline does not
hold: waivers, loosened bases, and what was left unjudged.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aipm.baseline import PolicyBaseline
from pytest_aipm.commands.changes import audits
from pytest_aipm.records import Audit, Finding, Limit, Record, Verdict, WaiverInfo
from pytest_aipm.report.words import limit_text

__all__ = ["weaker"]


def weaker(old: Record, new: Record) -> tuple[str, ...]:
    """Return one line for each way, policy by policy."""
    then, now = audits(old), audits(new)
    found = []
    if new.partial and not old.partial:
        found.append(f"the new run is partial: {len(new.missing)} planned checks have no finding")
    for name, before in then.items():
        if name not in now:
            found.append(f"{name}: this policy is no longer audited")
            continue
        approved = PolicyBaseline.of(before, seed=old.run.seed)
        said = approved.weakened(now[name], seed=new.run.seed)
        lines = [*said, *_audit(before, now[name])]
        found += [line if line.startswith(f"{name}::") else f"{name}: {line}" for line in lines]
    return tuple(dict.fromkeys(found))


def _audit(old: Audit, new: Audit) -> Iterator[str]:
    if old.baseline is not None and new.baseline is None:
        yield "no longer compared with an approved baseline"
    if _paired(old) and not _paired(new):
        why = f": {new.pairing.said}" if new.pairing is not None else ""
        yield f"no longer compared on the same rows{why}"
    applied = {each.id: each for each in old.waivers if each.state == "applied"}
    for waiver in new.waivers:
        if waiver.state == "applied":
            yield from _waiver(applied.get(waiver.id), waiver)
    before = {(each.check_id, each.what) for each in old.policy.loosened}
    for loosened in new.policy.loosened:
        if (loosened.check_id, loosened.what) not in before:
            yield f"loosened now: {loosened.check_id}: {loosened.what}"
    present = {finding.id: finding for finding in new.findings}
    for finding in old.findings:
        if finding.id in present:
            yield from _finding(finding, present[finding.id])


def _paired(audit: Audit) -> bool:
    return audit.pairing is not None and audit.pairing.paired


def _waiver(old: WaiverInfo | None, new: WaiverInfo) -> Iterator[str]:
    """Yield that a waiver is new, or covers more than it did."""
    if old is None:
        yield f"waived now: {new.check} by {new.id} ({new.owner}), {new.expires}"
        return
    if new.expires > old.expires:
        yield f"{new.check}: waived by {new.id} until {new.expires} instead of {old.expires}"
    if _wider(old.floor, new.floor):
        floor = "none" if new.floor is None else limit_text(new.floor, words=True)
        floors = f"{floor} instead of {limit_text(old.floor, words=True)}"
        yield f"{new.check}: floor of waiver {new.id} {floors}"
    if old.model_sha256 is not None and new.model_sha256 != old.model_sha256:
        model = "any model" if new.model_sha256 is None else f"model {new.model_sha256[:12]}"
        yield f"{new.check}: waived by {new.id} for {model} instead of {old.model_sha256[:12]}"


def _wider(old: Limit | None, new: Limit | None) -> bool:
    """Return whether a floor lies further out than it did, or is gone."""
    before, now = old or Limit(), new or Limit()
    lower = before.min is not None and (now.min is None or now.min < before.min)
    upper = before.max is not None and (now.max is None or now.max > before.max)
    return lower or upper


def _finding(old: Finding, new: Finding) -> Iterator[str]:
    if new.verdict == Verdict.NOT_JUDGED and old.verdict != Verdict.NOT_JUDGED:
        why = f" ({new.because.value.replace('_', ' ')})" if new.because else ""
        yield f"{new.id}: no longer judged{why}"
    if old.verdict == new.verdict == Verdict.INCONCLUSIVE and old.failing and not new.failing:
        yield f"{new.id}: inconclusive no longer fails"
    judged = {_group(g.group): g.judged for g in old.groups}
    lost = [_group(g.group) for g in new.groups if not g.judged and judged.get(_group(g.group))]
    if lost:
        yield f"{new.id}: groups no longer judged: {', '.join(dict.fromkeys(lost))}"


def _group(group: dict[str, str]) -> str:
    return ", ".join(group.values())
