"""Waivers: what they cover, and how each stood in a run."""

from __future__ import annotations

from datetime import date

from pytest_aipm.auditing.plan import Plan
from pytest_aipm.clock import today
from pytest_aipm.judge import decide
from pytest_aipm.policy.waivers import Waiver, is_active, notice
from pytest_aipm.records import Because, Finding, Verdict, WaiverInfo

__all__ = ["states", "waive"]


def waive(finding: Finding, plan: Plan, *, model_sha256: str | None) -> Finding:
    """Return a finding as its waiver leaves it: marked, never removed.

    A crash is never waived; what passes needs no waiver.
    """
    own = [each for each in plan.waivers if each.check == finding.id]
    if not own:
        return finding
    active = [each for each in own if is_active(each, today())]
    # they never overlap, so of two that still hold the one that ends first is the one in force
    waiver = min(active, key=_end) if active else max(own, key=_end)
    state, note = _state(waiver, finding, plan, model_sha256)
    info = _info(waiver, state, note)
    if state != "applied":
        reason = f"{finding.reason} ({note})" if note and finding.failing else finding.reason
        return finding.model_copy(update={"waiver": info, "reason": reason})
    return finding.model_copy(update={"waiver": info, "verdict": Verdict.WAIVED, "failing": False})


def _end(waiver: Waiver) -> date:
    return waiver.expires


def _state(  # noqa: PLR0911 - one line a state
    waiver: Waiver, finding: Finding, plan: Plan, model_sha256: str | None
) -> tuple[str, str]:
    if not plan.settings.use_waivers:
        return "ignored", f"waiver {waiver.id} is not used in this run"
    if waiver.created > today():
        return "unused", f"waiver {waiver.id} holds from {waiver.created.isoformat()}"
    if not is_active(waiver, today()):
        return "expired", f"waiver {waiver.id} expired on {waiver.expires.isoformat()}"
    if finding.verdict == Verdict.ERROR or finding.because == Because.DISABLED:
        return "unused", f"waiver {waiver.id} does not cover what could not be measured"
    if not finding.failing:
        return "not_needed", f"waiver {waiver.id} is no longer needed"
    if waiver.model_sha256 is not None and waiver.model_sha256 != model_sha256:
        return "voided", f"waiver {waiver.id} was given for another model and is void"
    if waiver.floor is not None and _below(waiver, finding):
        return "exceeded", f"beyond the floor of waiver {waiver.id}"
    return "applied", notice(waiver, today())


def _below(waiver: Waiver, finding: Finding) -> bool:
    """Return whether the value is proven (or, by the point, seen) beyond the floor."""
    if finding.value is None or finding.interval is None:
        return True
    lower, upper = finding.interval
    ends = (
        float("-inf") if lower is None else lower,
        float("inf") if upper is None else upper,
    )
    return decide(finding.value, *ends, waiver.floor, finding.decide_on) == "breach"


def states(plan: Plan, policy_name: str, findings: tuple[Finding, ...]) -> tuple[WaiverInfo, ...]:
    """Return every waiver of a policy as it stood in this run."""
    by_id = {finding.waiver.id: finding.waiver for finding in findings if finding.waiver}
    found = []
    for waiver in plan.waivers:
        if waiver.check.partition("::")[0] != policy_name:
            continue
        known = by_id.get(waiver.id)
        if known is None and waiver.created > today():
            known = _info(waiver, "unused", f"holds from {waiver.created.isoformat()}")
        if known is None and not is_active(waiver, today()):
            known = _info(waiver, "expired", f"expired on {waiver.expires.isoformat()}")
        found.append(known or _info(waiver, "unused", _unused(waiver, findings)))
    return tuple(found)


def _unused(waiver: Waiver, findings: tuple[Finding, ...]) -> str:
    if any(finding.id == waiver.check for finding in findings):
        return "another waiver of its check is in force"
    return "; ".join(filter(None, ("its check was not run", notice(waiver, today()))))


def _info(waiver: Waiver, state: str, note: str) -> WaiverInfo:
    return WaiverInfo(
        id=waiver.id,
        check=waiver.check,
        reason=waiver.reason,
        owner=waiver.owner,
        ticket=waiver.ticket,
        created=waiver.created.isoformat(),
        expires=waiver.expires.isoformat(),
        floor=waiver.floor,
        model_sha256=waiver.model_sha256,
        state=state,
        note=note,
    )
