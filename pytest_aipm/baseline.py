"""The approved baseline: aggregates of an approved run, who approved it, and what changed since.

The file holds values, counts and intervals of findings, group counts and hashes; never a row. It
is sorted and indented, so that a review reads its diff.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from pytest_aipm.checks.base import Measurement
from pytest_aipm.errors import BaselineError, Problem
from pytest_aipm.judge import Entry, State, decide
from pytest_aipm.records import (
    Approval,
    Audit,
    BaselineComparison,
    BaselineRef,
    Because,
    Finding,
    GroupValue,
    Limit,
    Record,
    Subject,
    Verdict,
    canonical_json,
)
from pytest_aipm.stats.contrasts import Kind
from pytest_aipm.stats.paired import change, widened

__all__ = ["Baseline", "PolicyBaseline", "compare", "read_baseline", "write_baseline"]

FORMAT = 1
MEND = "restore it from version control or approve a run anew"


@dataclass(frozen=True)
class PolicyBaseline:
    """What was approved for one policy."""

    ref: BaselineRef
    facts: Mapping[str, Any]
    findings: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, audit: Audit, *, seed: int) -> PolicyBaseline:
        """Return an audit as it would be approved, to compare two records with each other."""
        ref = BaselineRef(ref="", sha256="", approved=Approval(by="", when="", reason=""))
        findings = {finding.id: _stored(finding, None, "") for finding in audit.findings}
        return cls(ref, {**_facts(audit), "seed": seed}, findings)

    def entry(self, finding_id: str) -> Entry | None:
        """Return a finding as it was approved."""
        stored = self.findings.get(finding_id)
        return None if stored is None else _entry(stored)

    def anchor(self, finding_id: str) -> Entry | None:
        """Return a finding as it was first approved."""
        stored = self.findings.get(finding_id)
        if stored is None or stored.get("anchor") is None:
            return None
        return _entry(stored["anchor"])

    def weakened(self, audit: Audit, *, seed: int) -> tuple[str, ...]:
        """Return the ways in which this run's gate asks for less than the approved one did."""
        then, now = self.facts, {**_facts(audit), "seed": seed}
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
        found += _weakened_groups(then, now)
        found += self._weakened_checks(audit)
        return tuple(found)

    def _weakened_checks(self, audit: Audit) -> list[str]:
        found = []
        present = {finding.id: finding for finding in audit.findings}
        for finding_id, then in self.findings.items():
            finding = present.get(finding_id)
            if finding is None:
                found.append(f"no longer checked: {finding_id}")
                continue
            found += _weakened_finding(finding, then)
        return found


def _weakened_groups(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
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


def _weakened_finding(finding: Finding, then: Mapping[str, Any]) -> list[str]:
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
        _key(GroupValue(**each)) for each in then.get("groups", ()) if each.get("judged", True)
    }
    unjudged = [group for group in finding.groups if not group.judged and _key(group) in judged]
    if unjudged:
        names = ", ".join(" · ".join(group.group.values()) for group in unjudged)
        found.append(f"{finding.id}: no longer judged: {names}")
    if then.get("severity", "error") == "error" and finding.severity == "advice":
        found.append(f"{finding.id}: severity advice instead of error")
    return found


def _show(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


@dataclass(frozen=True)
class Baseline:
    """The baseline file as read."""

    path: str
    sha256: str
    content: Mapping[str, Any]

    def policy(self, name: str) -> PolicyBaseline | None:
        """Return what was approved for a policy, None when it is not in the file."""
        stored = self.content["policies"].get(name)
        if stored is None:
            return None
        ref = BaselineRef(
            ref=self.path, sha256=self.sha256, approved=Approval(**stored["approved"])
        )
        return PolicyBaseline(ref, stored["facts"], stored["findings"])


def read_baseline(path: Path, *, shown: str) -> Baseline:
    """Read the approved baseline.

    Parameters
    ----------
    path : Path
    shown : str
        The path as messages print it.

    Raises
    ------
    BaselineError
        When the file is missing, cut off, or not a baseline.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BaselineError(
            Problem(f"baseline cannot be read ({error.strerror})", MEND, path=shown)
        ) from None
    content = _parsed(raw, shown)
    if isinstance(content, dict) and content.get("aipm_baseline", FORMAT) != FORMAT:
        what = f"baseline format {content['aipm_baseline']!r} is not {FORMAT}"
        raise BaselineError(Problem(what, "approve it anew with this version", path=shown))
    try:
        _File.model_validate(content)
    except ValidationError as error:
        place = " > ".join(map(str, error.errors()[0]["loc"]))
        what = "this is no readable baseline" + (f" (see {place})" if place else "")
        raise BaselineError(Problem(what, MEND, path=shown)) from None
    return Baseline(shown, hashlib.sha256(raw).hexdigest(), content)


def _parsed(raw: bytes, shown: str) -> Any:
    try:
        return json.loads(raw)
    except json.JSONDecodeError as error:
        what = f"this is no readable baseline ({error.msg})"
        raise BaselineError(Problem(what, MEND, shown, error.lineno, error.colno)) from None
    except (UnicodeDecodeError, RecursionError):
        raise BaselineError(Problem("this is no readable baseline", MEND, path=shown)) from None


class _Shape(BaseModel):
    """What a baseline must hold; other keys are for readers."""

    model_config = ConfigDict(strict=True)


class _StoredEntry(_Shape):
    value: FiniteFloat | None
    interval: Annotated[list[FiniteFloat | None], Field(min_length=2, max_length=2)] | None = None
    state: State
    sizes: list[FiniteFloat]
    part_names: list[str]
    groups: list[GroupValue]

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if self.sizes and len(self.sizes) != len(self.part_names):
            raise ValueError("a size for each part")
        return self


class _StoredFinding(_StoredEntry):
    limit: Limit | None = None
    confidence: float | None = None
    decide_on: str | None = None
    severity: str = "error"
    anchor: _StoredEntry | None = None


class _StoredFacts(_Shape):
    rows: int | None = None
    unknown: dict[str, FiniteFloat] = Field(default_factory=dict)
    groups: dict[str, dict[str, int]] = Field(default_factory=dict)
    bins: dict[str, list[FiniteFloat]] = Field(default_factory=dict)
    decision: str | None = None
    positive: str | None = None
    favorable: str | None = None
    weights: str | None = None
    cluster: str | None = None
    seed: int = 0


class _StoredPolicy(_Shape):
    approved: Approval
    facts: _StoredFacts
    findings: dict[str, _StoredFinding]


class _File(_Shape):
    aipm_baseline: int
    policies: dict[str, _StoredPolicy]


def _entry(stored: Mapping[str, Any]) -> Entry:
    interval = stored.get("interval")
    return Entry(
        value=stored["value"],
        interval=None if interval is None else (interval[0], interval[1]),
        state=stored["state"],
        sizes=tuple(stored["sizes"]),
        part_names=tuple(stored["part_names"]),
        groups=tuple(GroupValue(**each) for each in stored["groups"]),
    )


def write_baseline(record: Record, path: Path, *, by: str, reason: str, when: str) -> None:
    """Approve a run: write its aggregates, keeping other policies and first anchors.

    Parameters
    ----------
    record : Record
        A full run.
    path : Path
        The file to write, atomically.
    by, reason, when : str
        Who approves, why, and the UTC date.

    Raises
    ------
    BaselineError
        For a partial run, a run with errors, or an unreadable earlier baseline.
    """
    if record.partial:
        raise BaselineError(
            Problem("a partial run cannot be approved", "run the whole policy without a selection")
        )
    errors = [finding.id for finding in record.findings if finding.verdict == Verdict.ERROR]
    if errors:
        raise BaselineError(
            Problem(
                f"a run in which {errors[0]} could not be measured cannot be approved",
                "mend the error first",
            )
        )
    policies: dict[str, Any] = {}
    if path.exists():
        policies = dict(read_baseline(path, shown=str(path)).content["policies"])
    approved = {"by": by, "reason": reason, "when": when}
    for audit in record.audits:
        if "::" in audit.policy.path:
            continue  # made inside an ordinary test, which carries its own limits
        old = policies.get(audit.policy.name, {}).get("findings", {})
        policies[audit.policy.name] = {
            "approved": approved,
            "facts": {**_facts(audit), "seed": record.run.seed, "versions": record.run.versions},
            "findings": {
                finding.id: _stored(finding, old.get(finding.id), when)
                for finding in audit.findings
            },
        }
    text = canonical_json({"aipm_baseline": FORMAT, "policies": policies}, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _stored(finding: Finding, old: Mapping[str, Any] | None, when: str) -> dict[str, Any]:
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
        "by": list(finding.scope),
        "value": finding.value,
        "interval": None if finding.interval is None else list(finding.interval),
        "confidence": finding.confidence,
        "decide_on": finding.decide_on,
        "severity": finding.severity,
        "limit": None if finding.limit is None else finding.limit.model_dump(mode="json"),
        "verdict": finding.verdict.value,
        "state": state,
        "n": finding.n,
        "sizes": list(finding.sizes),
        "part_names": list(finding.part_names),
        "groups": groups,
    }
    anchor = (old or {}).get("anchor")
    stored["anchor"] = anchor or {
        "value": stored["value"],
        "interval": stored["interval"],
        "state": state,
        "sizes": stored["sizes"],
        "part_names": stored["part_names"],
        "groups": groups,
        "when": when,
    }
    return stored


def _facts(audit: Audit) -> dict[str, Any]:
    subject = audit.subject
    groups: dict[str, dict[str, int]] = {}
    unknown: dict[str, float] = {}
    for group in audit.groups:
        (name, value), *rest = group.group.items()
        if rest:
            continue
        if value == "(unknown)":
            unknown[name] = float(group.n)
        else:
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


def compare(
    measurement: Measurement,
    entry: Entry | None,
    *,
    allowed: float | None,
    confidence: float,
    point: bool,
    against: str,
) -> BaselineComparison | None:
    """Compare a measurement with an earlier one, or with the champion it carries.

    Parameters
    ----------
    measurement : Measurement
    entry : Entry or None
        The earlier finding; ignored where the measurement carries a paired comparison and
        `against` is ``champion``.
    allowed : float or None
        Largest harmful change; None only reports.
    confidence : float
    point : bool
        Whether the point estimate decides.
    against : {"baseline", "anchor", "champion"}

    Returns
    -------
    BaselineComparison or None
        None when there is nothing to compare with.
    """
    found = (
        _champion_change(measurement)
        if against == "champion"
        else _change_since(measurement, entry, confidence)
    )
    if found is None:
        return None
    value, delta, lower, upper, paired, group = found
    harmful = (lower, upper, delta) if measurement.harm == "up" else (-upper, -lower, -delta)
    return BaselineComparison(
        value=value,
        delta=delta,
        interval=(lower, upper),
        verdict=_direction(*harmful, allowed=allowed, point=point),
        paired=paired,
        limit=allowed,
        against=against,
        group=group,
        note="" if paired else "two samples: the earlier rows are not paired with these",
    )


UNCHANGED = 0.02
"""Where a policy sets no tolerance, a change that lies within this is reported as "same"."""


def _direction(
    lower: float, upper: float, delta: float, *, allowed: float | None, point: bool
) -> str:
    """Return what a change in the harmful direction is, given its ends."""
    if any(math.isnan(each) for each in (lower, upper, delta)):
        return "inconclusive"
    if point:
        lower = upper = delta
    if lower > (0.0 if allowed is None else allowed):
        return "worse"
    if upper < 0:
        return "better"
    tolerance = UNCHANGED if allowed is None else allowed
    return "same" if upper <= tolerance and lower >= -tolerance else "inconclusive"


Change = tuple[float, float, float, float, bool, str]


def _champion_change(measurement: Measurement) -> Change | None:
    found = measurement.champion
    if found is None:
        return None
    return found.value, found.delta, found.lower, found.upper, found.paired, found.group


def _change_since(
    measurement: Measurement, entry: Entry | None, confidence: float
) -> Change | None:
    estimate = measurement.estimate
    if entry is None or entry.value is None or estimate is None or math.isnan(estimate.value):
        return None
    pairs = _same_pairs(measurement, entry)
    if pairs is not None:
        x_new, n_new, x_old, n_old, names = pairs
        kind: Kind = "ratio" if measurement.harm == "down" else "difference"
        found = widened(x_new, n_new, x_old, n_old, kind=kind, confidence=confidence)
        if found.pair:
            group = " and ".join(names[i] for i in found.pair)
            if kind == "ratio":
                # the ratio falls by as much as its gap grows
                return entry.value, -found.delta, -found.upper, -found.lower, False, group
            return entry.value, found.delta, found.lower, found.upper, False, group
    lower, upper = entry.interval or (None, None)
    delta, low, high = change(
        estimate,
        entry.value,
        entry.value if lower is None else lower,
        entry.value if upper is None else upper,
    )
    return entry.value, delta, low, high, False, ""


def _same_pairs(
    measurement: Measurement, entry: Entry
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[str]] | None:
    """Return the counts of the groups that both runs have, for rate disparities."""
    if not measurement.formula.id.endswith(("_difference", "_ratio")):
        return None
    new = {_key(group): group for group in measurement.groups if group.numerator is not None}
    old = {_key(group): group for group in entry.groups if group.numerator is not None}
    common = [key for key in new if key in old and not key[0]]
    if len(common) < 2:
        return None

    def column(groups: Mapping[Any, GroupValue], name: str) -> np.ndarray:
        return np.array([float(getattr(groups[key], name)) for key in common])

    names = [" · ".join(new[key].group.values()) for key in common]
    return (
        column(new, "numerator"),
        column(new, "denominator"),
        column(old, "numerator"),
        column(old, "denominator"),
        names,
    )


def _key(group: GroupValue) -> tuple[str, tuple[tuple[str, str], ...]]:
    return group.part, tuple(sorted(group.group.items()))
