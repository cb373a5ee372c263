"""An audit as the baseline keeps it: aggregates of its findings, and facts of its subject."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from pytest_aipm.judge import Entry, decide
from pytest_aipm.records import Audit, Finding, GroupValue, Subject, canonical_json

__all__ = ["digest_of", "entry_of", "facts_of", "group_key", "stored_of"]


def entry_of(stored: Mapping[str, Any]) -> Entry:
    """Return a stored finding as the judge reads it."""
    interval = stored.get("interval")
    return Entry(
        value=stored["value"],
        interval=None if interval is None else (interval[0], interval[1]),
        state=stored["state"],
        sizes=tuple(stored["sizes"]),
        part_names=tuple(stored["part_names"]),
        groups=tuple(GroupValue(**each) for each in stored["groups"]),
        formula=stored.get("formula"),
        conditions=stored.get("conditions") or {},
    )


def stored_of(finding: Finding, old: Mapping[str, Any] | None, when: str) -> dict[str, Any]:
    """Return a finding as it is stored; an older anchor, and what retrains showed, stay.

    Both speak of one question, so a finding that asks another one starts anew.
    """
    formula = None if finding.formula is None else finding.formula.id
    kept = old if old is not None and _same_question(old, finding, formula) else None
    value = math.nan if finding.value is None else finding.value
    lower, upper = finding.interval or (None, None)
    state = (
        "open"
        if finding.value is None
        else decide(
            value,
            math.nan if lower is None else lower,
            math.nan if upper is None else upper,
            finding.limit,
            finding.decide_on,
        )
    )
    groups = [group.model_dump(mode="json", exclude_defaults=True) for group in finding.groups]
    stored: dict[str, Any] = {
        "check": finding.check,
        "formula": formula or (kept or {}).get("formula"),
        "by": list(finding.scope),
        "value": finding.value,
        "interval": None if finding.interval is None else list(finding.interval),
        "confidence": finding.confidence,
        "decide_on": finding.decide_on,
        "severity": finding.severity,
        "limit": None if finding.limit is None else finding.limit.model_dump(mode="json"),
        "warn": None if finding.warn is None else finding.warn.model_dump(mode="json"),
        "asked": None if finding.asked is None else finding.asked.model_dump(mode="json"),
        "verdict": finding.verdict.value,
        "state": state,
        "against": None if finding.baseline is None else finding.baseline.against,
        "n": finding.n,
        "sizes": list(finding.sizes),
        "part_names": list(finding.part_names),
        "groups": groups,
    }
    if finding.conditions:
        stored["conditions"] = dict(finding.conditions)
    stored["anchor"] = (kept or {}).get("anchor") or {
        "value": stored["value"],
        "interval": stored["interval"],
        "state": state,
        "sizes": stored["sizes"],
        "part_names": stored["part_names"],
        "groups": groups,
        "when": when,
    }
    stored["retraining"] = (kept or {}).get("retraining")
    return stored


def _same_question(old: Mapping[str, Any], finding: Finding, formula: str | None) -> bool:
    """Return whether two findings of one id measure the same; what was not measured tells not.

    On another machine a time answers another question.
    """
    if (old.get("check"), old.get("by")) != (finding.check, list(finding.scope)):
        return False
    if None in (old.get("formula"), formula):
        return True
    return old["formula"] == formula and (old.get("conditions") or {}) == finding.conditions


def digest_of(section: Mapping[str, Any]) -> str:
    """Return the hash of all that one policy's part of the file says; a slip of hand shows.

    It stands with the policy, so that two branches that approve different policies still merge.
    """
    told = {key: value for key, value in section.items() if key != "digest"}
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()


def facts_of(audit: Audit) -> dict[str, Any]:
    """Return what is stored of an audit's subject: hashes, rule, group sizes, bins."""
    subject = audit.subject
    groups: dict[str, dict[str, int]] = {}
    unknown: dict[str, float] = {}
    for group in audit.groups:
        (name, value), *rest = group.group.items()
        if rest:
            continue
        if value == "(unknown)":
            unknown[name] = float(group.n)
        elif group.n:
            groups.setdefault(name, {})[value] = group.n
    for name, count in unknown.items():
        unknown[name] = count / (count + sum(groups.get(name, {}).values()))
    return {
        "policy_sha256": audit.policy.sha256,
        "rows": None if subject is None else subject.data.rows,
        "data_sha256": None if subject is None else subject.data.sha256,
        "model_sha256": None if subject is None else subject.model.sha256,
        "decision": None if subject is None else subject.decision,
        "positive": None if subject is None else subject.positive,
        "favorable": None if subject is None else subject.favorable,
        **_design(subject),
        "groups": groups,
        "unknown": unknown,
        "bins": {}
        if subject is None
        else {each.name: list(each.bins) for each in subject.attributes if each.bins},
    }


def _design(subject: Subject | None) -> dict[str, str]:
    """Return how rows are weighted and whose they are, as far as the policy says so."""
    said = {} if subject is None else {"weights": subject.weights, "cluster": subject.cluster}
    return {key: value for key, value in said.items() if value is not None}


def group_key(group: GroupValue) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what makes two group records of one finding the same group."""
    return group.part, tuple(sorted(group.group.items()))
