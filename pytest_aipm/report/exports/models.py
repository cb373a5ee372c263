"""The audited models of a record, each with all that was measured of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_aipm.records import Audit, Finding, GroupValue, Record
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.exports.text import SHA256, line
from pytest_aipm.report.figure import foremost

__all__ = ["Metric", "Model", "metric_name", "metrics_of", "models_of"]

_GENERIC = frozenset({"metric", "group_metric"})
"""Checks whose name does not say what they measure."""
_COMPARED = ("_difference", "_ratio", "_worst_group")


@dataclass(frozen=True)
class Model:
    """A model and the audits of it; two objects without a hash are two models."""

    name: str
    kind: str
    sha256: str | None
    audits: tuple[Audit, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found of it, in the order of the policies."""
        return tuple(finding for audit in self.audits for finding in audit.findings)


@dataclass(frozen=True)
class Metric:
    """One number: of a finding, or of one of its groups."""

    name: str
    value: float
    interval: tuple[float | None, float | None] | None
    part: str
    """What the number is of; empty for all rows."""
    finding: Finding


def models_of(record: Record) -> list[Model]:
    """Return the models in the order in which the policies first name them."""
    found: dict[tuple[str, ...], list[Audit]] = {}
    for audit in record.audits:
        found.setdefault(_key(audit), []).append(audit)
    return [_model(audits) for audits in found.values()]


def _key(audit: Audit) -> tuple[str, ...]:
    sha256 = _sha256(audit)
    ref = audit.subject.model.ref if audit.subject is not None else ""
    return (ref, sha256) if sha256 else (ref, "", audit.policy.name)


def _sha256(audit: Audit) -> str | None:
    sha256 = audit.subject.model.sha256 if audit.subject is not None else None
    return sha256 if sha256 and SHA256.fullmatch(sha256) else None


def _model(audits: list[Audit]) -> Model:
    subject, name = audits[0].subject, line(audits[0].policy.name, empty="model")
    if subject is None:
        return Model(name, "not opened", None, tuple(audits))
    ref = "" if subject.model.ref == "given" else line(subject.model.ref)
    kind = line(subject.model.kind, empty="unknown")
    return Model(ref or name, kind, _sha256(audits[0]), tuple(audits))


def metric_name(finding: Finding) -> str:
    """Return the name of what a finding measures: ``demographic_parity_ratio``, ``roc_auc``."""
    name = finding.check.rpartition(".")[2]
    if name in _GENERIC:
        asked = finding.asked.params.get("metric") if finding.asked is not None else None
        computed = finding.formula.id if finding.formula is not None else ""
        name = computed or (asked if isinstance(asked, str) else name)
        if finding.scope and not name.endswith(_COMPARED):
            name += _COMPARED[-1]  # the value of one group, which must not read as the model's
    return line(name, 100, empty="metric")


def _uncompared(name: str) -> str:
    return re.sub(f"({'|'.join(_COMPARED)})$", "", name)


def _slice(group: GroupValue, scope: tuple[str, ...]) -> str:
    """Return ``sex=female, race=Black`` in the order of the scope; a file has lost its own."""
    order = scope if set(scope) == set(group.group) else sorted(group.group)
    return line(", ".join(f"{key}={group.group[key]}" for key in order), empty="group")


def metrics_of(finding: Finding, most: int = 0) -> Iterator[Metric]:
    """Yield the number of a finding, then those of its groups; what is withheld is not there.

    Parameters
    ----------
    finding : Finding
    most : int
        How many groups: those that decide, then the largest.
    """
    name = metric_name(finding)
    scope = line(" x ".join(finding.scope))
    if finding.value is not None:
        part = f"by {scope}" if scope else ""
        yield Metric(name, finding.value, finding.interval, part, finding)
    computed = finding.formula.id if finding.formula is not None else ""
    for group in foremost(list(finding.groups), Answer(finding), most) if most else ():
        if group.value is None:
            continue
        yield Metric(
            line(_uncompared(group.part or computed or name), 100, empty=name),
            group.value,
            group.interval,
            _slice(group, finding.scope),
            finding,
        )
