"""The baseline file: read whole or refused, written atomically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_aipm.baseline.changes import changes
from pytest_aipm.baseline.shape import FORMAT, StoredFile
from pytest_aipm.baseline.stored import digest_of, entry_of, facts_of, stored_of
from pytest_aipm.baseline.weakening import weakened
from pytest_aipm.drafts import drafted
from pytest_aipm.errors import BaselineError, Problem
from pytest_aipm.judge import Entry
from pytest_aipm.records import (
    Approval,
    Audit,
    BaselineChanges,
    BaselineRef,
    Record,
    Verdict,
    canonical_json,
)

__all__ = ["Baseline", "PolicyBaseline", "Retraining", "read_baseline", "write_baseline"]

MEND = "restore it from version control or approve a run anew"


@dataclass(frozen=True)
class Retraining:
    """How much a finding changes between honest retrains of one recipe.

    ``spread`` bounds the change for the worse of one retrain against another, as `retrains`
    measured it from ``n`` of them.
    """

    n: int
    spread: float


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
        findings = {finding.id: stored_of(finding, None, "") for finding in audit.findings}
        return cls(ref, {**facts_of(audit), "seed": seed}, findings)

    def entry(self, finding_id: str) -> Entry | None:
        """Return a finding as it was approved."""
        stored = self.findings.get(finding_id)
        return None if stored is None else entry_of(stored)

    def anchor(self, finding_id: str) -> Entry | None:
        """Return a finding as it was first approved."""
        stored = self.findings.get(finding_id)
        if stored is None or stored.get("anchor") is None:
            return None
        return entry_of(stored["anchor"])

    def retraining(self, finding_id: str) -> Retraining | None:
        """Return what retrains of the approved recipe changed, None when nobody measured it."""
        stored = self.findings.get(finding_id, {}).get("retraining")
        return None if stored is None else Retraining(stored["n"], stored["spread"])

    def weakened(self, audit: Audit, *, seed: int) -> tuple[str, ...]:
        """Return the ways in which this run's gate asks for less than the approved one did."""
        return weakened(self.facts, self.findings, audit, seed=seed)

    def changes(self, audit: Audit) -> BaselineChanges:
        """Return which findings stand otherwise than they were approved."""
        return changes(self.findings, audit.findings)


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
        When the file is missing, cut off, not a baseline, or was changed by hand.
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
        StoredFile.model_validate(content)
    except ValidationError as error:
        place = " > ".join(map(str, error.errors()[0]["loc"]))
        what = "this is no readable baseline" + (f" (see {place})" if place else "")
        raise BaselineError(Problem(what, MEND, path=shown)) from None
    for name, section in content["policies"].items():
        if section.get("digest") != _digest(section):
            what = f"policy {name!r} was changed by hand after it was approved"
            if "digest" not in section:
                what = f"policy {name!r} has no digest, so nobody can tell whether it was changed"
            raise BaselineError(Problem(what, MEND, path=shown))
    return Baseline(shown, hashlib.sha256(raw).hexdigest(), content)


def _digest(section: Mapping[str, Any]) -> str:
    try:
        return digest_of(section)
    except ValueError:  # 1e999, which no run ever wrote
        return ""


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _parsed(raw: bytes, shown: str) -> Any:
    try:
        return json.loads(raw, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        what = f"this is no readable baseline ({error.msg})"
        raise BaselineError(Problem(what, MEND, shown, error.lineno, error.colno)) from None
    except (ValueError, RecursionError):
        raise BaselineError(Problem("this is no readable baseline", MEND, path=shown)) from None


def write_baseline(
    record: Record,
    path: Path,
    *,
    by: str,
    reason: str,
    when: str,
    retraining: Mapping[str, Retraining] | None = None,
    pairing: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Approve a run: write its aggregates, keeping other policies and first anchors.

    What retrains showed earlier is kept where nothing newer is given.

    Parameters
    ----------
    record : Record
        A full run.
    path : Path
        The file to write, atomically.
    by, reason, when : str
        Who approves, why, and the UTC date.
    retraining : mapping of finding id to Retraining, optional
        How much honest retrains change each finding.
    pairing : mapping of policy name to mapping, optional
        Tag and number of rows of the pairing file of this approval.

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
    if record.evidence:  # what sign-offs of this run name
        approved["evidence"] = record.evidence
    for audit in record.audits:
        if "::" in audit.policy.path:
            continue  # made inside an ordinary test, which carries its own limits
        old = policies.get(audit.policy.name, {}).get("findings", {})
        findings = {
            finding.id: stored_of(finding, old.get(finding.id), when) for finding in audit.findings
        }
        for finding_id, one in (retraining or {}).items():
            if finding_id in findings:
                measured = {"n": one.n, "spread": one.spread, "when": when}
                findings[finding_id]["retraining"] = measured
        section = {
            "approved": approved,
            "facts": {
                **facts_of(audit),
                "seed": record.run.seed,
                "versions": record.run.versions,
                "pairing": (pairing or {}).get(audit.policy.name),
            },
            "findings": findings,
        }
        policies[audit.policy.name] = {**section, "digest": digest_of(section)}
    text = canonical_json({"aipm_baseline": FORMAT, "policies": policies}, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with drafted(path) as draft:
        draft.write_text(text, encoding="utf-8")
