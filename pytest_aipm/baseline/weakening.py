"""In which ways a run's gate asks for less than the approved one did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_aipm.baseline.stored import facts_of, group_key
from pytest_aipm.checks.answers import few
from pytest_aipm.records import NO_WORSE, Asked, Audit, Because, Finding, GroupValue, Limit, Verdict

__all__ = ["weakened"]

_STRICT = ("report", "group", "fail")
"""What an unknown group means, from lax to strict."""


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
    if then.get("pairing") and (audit.pairing is None or not audit.pairing.paired):
        why = "" if audit.pairing is None else f": {audit.pairing.said}"
        found.append(f"no longer compared on the same rows{why}")
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
    for key, words in (("weights", "other weights"), ("cluster", "another column of people")):
        if then.get(key) != now.get(key):
            found.append(f"{words}: {now.get(key, 'none')} instead of {then.get(key, 'none')}")
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
    found = [
        *_ends(finding.id, "", finding.limit, then.get("limit") or {}),
        *_ends(finding.id, "warning ", finding.warn, then.get("warn") or {}),
        *_asked(finding, then),
        *_otherwise(finding, then),
    ]
    if then.get("confidence") is not None and finding.confidence != then["confidence"]:
        found.append(
            f"{finding.id}: confidence {_show(finding.confidence)} instead of "
            f"{then['confidence']:g}"
        )
    if then.get("decide_on", finding.decide_on) != finding.decide_on:
        found.append(f"{finding.id}: decided on {finding.decide_on} instead of {then['decide_on']}")
    if then.get("verdict") != Verdict.NOT_JUDGED.value:
        if finding.because == Because.DISABLED:
            found.append(f"{finding.id}: disabled")
        if finding.because == Because.NOT_APPLICABLE and finding.formula is None:
            found.append(f"{finding.id}: left out, because {finding.reason}")
    judged = {
        group_key(GroupValue(**each)) for each in then.get("groups", ()) if each.get("judged", True)
    }
    unjudged = [
        group for group in finding.groups if not group.judged and group_key(group) in judged
    ]
    if unjudged:
        names = [" · ".join(group.group.values()) for group in unjudged]
        found.append(f"{finding.id}: no longer judged: {few(names)}")
    if then.get("severity", "error") == "error" and finding.severity == "advice":
        found.append(f"{finding.id}: severity advice instead of error")
    return found


def _ends(
    finding_id: str, which: str, now: Limit | None, then: Mapping[str, float | None]
) -> Iterator[str]:
    """Yield the ends of a limit that are gone or lie further out."""
    low, high = (None, None) if now is None else (now.min, now.max)
    floor, ceiling = then.get("min"), then.get("max")
    if floor is not None and (low is None or low < floor):
        yield f"{finding_id}: {which}minimum {_show(low)} instead of {floor:g}"
    if ceiling is not None and (high is None or high > ceiling):
        yield f"{finding_id}: {which}maximum {_show(high)} instead of {ceiling:g}"


def _asked(finding: Finding, then: Mapping[str, Any]) -> Iterator[str]:
    """Yield what else the policy asked for and no longer does."""
    if finding.asked is None or then.get("asked") is None:
        return
    now, before = finding.asked, Asked(**then["asked"])
    retraining = then.get("retraining")
    no_worse = NO_WORSE if retraining is None else retraining["spread"]
    for what, was, allowed in (
        ("change", _allowed(before, no_worse), _allowed(now, no_worse)),
        ("total change", before.max_total_change, now.max_total_change),
    ):
        if was is not None and (allowed is None or allowed > was):
            tolerance = "any" if allowed is None else f"{allowed:g}"
            yield f"{finding.id}: {what} allowed {tolerance} instead of {was:g}"
    if now.min_group_size > before.min_group_size:
        sizes = f"{now.min_group_size} instead of {before.min_group_size}"
        yield f"{finding.id}: min_group_size {sizes}"
    if (now.max_unknown or 0.0) > (before.max_unknown or 0.0):
        shares = f"{_show(now.max_unknown)} instead of {_show(before.max_unknown)}"
        yield f"{finding.id}: max_unknown {shares}"
    if _STRICT.index(now.unknown) < _STRICT.index(before.unknown):
        yield f"{finding.id}: unknown {now.unknown} instead of {before.unknown}"
    if now.on_inconclusive == "warn" and before.on_inconclusive == "fail":
        yield f"{finding.id}: on_inconclusive warn instead of fail"


def _otherwise(finding: Finding, then: Mapping[str, Any]) -> Iterator[str]:
    """Yield where another question is asked, or compared with somebody else's answer."""
    if finding.asked is None or then.get("asked") is None:
        return
    before = Asked(**then["asked"])
    compared = before.no_worse or before.max_change is not None
    against = None if finding.baseline is None else finding.baseline.against
    if compared and against == "champion" != then.get("against"):
        yield f"{finding.id}: compared with a champion instead of the approved baseline"
    if "params" not in then["asked"]:
        return  # approved before they were kept
    params, earlier = finding.asked.params, before.params
    for key in sorted(params.keys() | earlier.keys()):
        if params.get(key) != earlier.get(key):
            said = f"{_value(params.get(key))} instead of {_value(earlier.get(key))}"
            yield f"{finding.id}: {key} {said}"


def _value(value: object) -> str:
    return "none" if value is None else str(value)


def _allowed(asked: Asked, no_worse: float) -> float | None:
    return no_worse if asked.no_worse else asked.max_change


def _show(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
