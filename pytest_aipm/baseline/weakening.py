"""In which ways a run's gate asks for less than the approved one did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_aipm.baseline.stored import facts_of, group_key
from pytest_aipm.records import Audit, Because, Finding, GroupValue, Verdict

__all__ = ["weakened"]


def weakened(
    then: Mapping[str, Any], findings: Mapping[str, Mapping[str, Any]], audit: Audit, *, seed: int
) -> tuple[str, ...]:
    """Return one line for each way.

    Parameters
    ----------
    then : mapping
        Facts of the approved run.
    findings : mapping of finding id to mapping
        Its findings, as the baseline stores them.
    audit : Audit
        This run's.
    seed : int
        This run's.
    """
    now = {**facts_of(audit), "seed": seed}
    found = [*_facts(then, now), *_groups(then, now)]
    present = {finding.id: finding for finding in audit.findings}
    for finding_id, before in findings.items():
        finding = present.get(finding_id)
        if finding is None:
            found.append(f"no longer checked: {finding_id}")
        else:
            found += _finding(finding, before)
    return tuple(found)


def _facts(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what the subject lost: rows, known groups, the approved rule."""
    found = []
    if now["rows"] and then.get("rows") and now["rows"] < then["rows"]:
        found.append(f"fewer rows: {now['rows']:,} instead of {then['rows']:,}")
    for name, share in now["unknown"].items():
        before = then.get("unknown", {}).get(name, 0.0)
        if share > before:
            found.append(f"more unknown {name}: {share:.1%} instead of {before:.1%}")
    for key, words in (
        ("decision", "another decision rule"),
        ("positive", "another positive class"),
        ("favorable", "another favorable class"),
        ("seed", "another seed"),
    ):
        if key in then and then[key] != now.get(key):
            found.append(f"{words}: {now.get(key)} instead of {then[key]}")
    return found


def _groups(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return groups that are cut otherwise, gone, or called something else."""
    found = []
    for name, bins in then.get("bins", {}).items():
        cuts = now["bins"].get(name, [])
        if cuts != bins:
            found.append(f"other bins of {name}: {_cuts(cuts)} instead of {_cuts(bins)}")
    for name, groups in then.get("groups", {}).items():
        present = set(now["groups"].get(name, {}))
        gone, added = sorted(set(groups) - present), sorted(present - set(groups))
        if gone:
            found.append(f"groups of {name} no longer present: {', '.join(gone)}")
        if gone and added:
            found.append(f"other groups of {name}: {', '.join(added)}")
    return found


def _cuts(cuts: Sequence[float]) -> str:
    return ", ".join(f"{cut:g}" for cut in cuts) or "none"


def _finding(finding: Finding, then: Mapping[str, Any]) -> list[str]:
    found = []
    limit, before = finding.limit, then.get("limit") or {}
    low, high = (None, None) if limit is None else (limit.min, limit.max)
    if before.get("min") is not None and (low is None or low < before["min"]):
        found.append(f"{finding.id}: minimum {_show(low)} instead of {before['min']:g}")
    if before.get("max") is not None and (high is None or high > before["max"]):
        found.append(f"{finding.id}: maximum {_show(high)} instead of {before['max']:g}")
    if then.get("confidence") is not None and finding.confidence != then["confidence"]:
        found.append(
            f"{finding.id}: confidence {_show(finding.confidence)} instead of "
            f"{then['confidence']:g}"
        )
    if then.get("decide_on", finding.decide_on) != finding.decide_on:
        found.append(f"{finding.id}: decided on {finding.decide_on} instead of {then['decide_on']}")
    if finding.because == Because.DISABLED and then.get("verdict") != Verdict.NOT_JUDGED.value:
        found.append(f"{finding.id}: disabled")
    judged = {
        group_key(GroupValue(**each)) for each in then.get("groups", ()) if each.get("judged", True)
    }
    unjudged = [
        group for group in finding.groups if not group.judged and group_key(group) in judged
    ]
    if unjudged:
        names = ", ".join(" · ".join(group.group.values()) for group in unjudged)
        found.append(f"{finding.id}: no longer judged: {names}")
    if then.get("severity", "error") == "error" and finding.severity == "advice":
        found.append(f"{finding.id}: severity advice instead of error")
    return found


def _show(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
