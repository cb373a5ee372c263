"""One policy's part of a run: who, what, against what, and its findings."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from pytest_aipm.records.context import (
    BaselineChanges,
    Claim,
    Missing,
    NotTested,
    Period,
    Undeclared,
)
from pytest_aipm.records.finding import Finding, WaiverInfo
from pytest_aipm.records.history import Release
from pytest_aipm.records.packs import ClauseInfo, PackInfo
from pytest_aipm.records.plain import Frozen, Sparse
from pytest_aipm.records.verdicts import RunVerdict

__all__ = [
    "Approval",
    "AttributeInfo",
    "Audit",
    "AuditGroup",
    "BaselineRef",
    "DataInfo",
    "Loosening",
    "ModelInfo",
    "PairingInfo",
    "PolicyInfo",
    "Subject",
]


class Loosening(Frozen):
    """A child policy that asks for less than its base, with the reason it gives."""

    check_id: str
    what: str
    reason: str
    owner: str
    line: int | None = None


class PolicyInfo(Sparse):
    """The policy as it was read.

    ``rows`` is how many rows of a finding it allows to show, as values changed in them.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"rows"})

    name: str
    path: str
    sha256: str
    text: str
    extends: tuple[str, ...] = ()
    loosened: tuple[Loosening, ...] = ()
    min_cell: int = 5
    rows: int | None = None


class ModelInfo(Frozen):
    """Which model was audited, and why it was allowed to be opened."""

    ref: str
    kind: str
    sha256: str | None = None
    trusted_by: str | None = None


class DataInfo(Sparse):
    """Which rows the audit saw.

    ``salt`` is a hash of rows and never published. The digest of a record is: without a salt in it,
    whoever tries the few counts that a small cell can have would see which one gives the digest.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"period", "salt"})

    ref: str
    rows: int | None = None
    sha256: str | None = None
    joined: dict[str, str | None] = Field(default_factory=dict)
    """Files that protected columns were joined from, with their sha256."""
    period: Period | None = None
    """None where the policy names no column of dates."""
    salt: str | None = None


class AttributeInfo(Frozen):
    """A protected attribute as the policy declares it."""

    name: str
    column: str
    bins: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Subject(Sparse):
    """What was audited."""

    SPARSE: ClassVar[frozenset[str]] = frozenset({"weights", "cluster"})

    task: str
    label: str | None = None
    positive: str | None = None
    favorable: str | None = None
    decision: str
    reading: str
    """The reading of positive, favorable and decision as one sentence."""
    model: ModelInfo
    data: DataInfo
    train: DataInfo | None = None
    features: tuple[str, ...] = ()
    attributes: tuple[AttributeInfo, ...] = ()
    weights: str | None = None
    """Kind and column of the weights: ``sampling weights in column w``."""
    cluster: str | None = None
    """Column that says whose row it is."""


class Approval(Sparse):
    """Who approved the baseline, when and why.

    ``evidence`` is that of the record which was approved; None where nobody wrote it down.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"evidence"})

    by: str
    when: str
    reason: str
    evidence: str | None = None


class BaselineRef(Sparse):
    """The approved baseline this run was compared with."""

    SPARSE: ClassVar[frozenset[str]] = frozenset({"changes"})

    ref: str
    sha256: str
    approved: Approval
    weakened: tuple[str, ...] = ()
    changes: BaselineChanges | None = None
    """None for a partial run, which cannot tell what is gone."""


class PairingInfo(Frozen):
    """Whether the rows were paired with the approved ones, and how, or why not."""

    paired: bool
    said: str


class AuditGroup(Sparse):
    """How many rows one group has; unknown values are a group named ``(unknown)``.

    ``people`` is written where people have several rows.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"people"})

    group: dict[str, str]
    n: int
    positives: int | None = None
    people: int | None = None


class Audit(Sparse):
    """One policy's part of a run."""

    SPARSE: ClassVar[frozenset[str]] = frozenset({"claims", "missing", "undeclared"})

    policy: PolicyInfo
    context: dict[str, Any] = Field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    """The promises of the context, each with what became of it."""
    verdict: RunVerdict
    subject: Subject | None = None
    baseline: BaselineRef | None = None
    pairing: PairingInfo | None = None
    """None where the policy does not ask for it."""
    waivers: tuple[WaiverInfo, ...] = ()
    groups: tuple[AuditGroup, ...] = ()
    missing: Missing | None = None
    """None where no model was given features."""
    not_tested: tuple[NotTested, ...] = ()
    undeclared: tuple[Undeclared, ...] = ()
    warnings: tuple[str, ...] = ()
    """What opening the model gave cause to say: a library version that differs, for example; and
    which packs are out of date."""
    packs: tuple[PackInfo, ...] = ()
    clauses: tuple[ClauseInfo, ...] = ()
    """Of the checks that name some, in the policy's order."""
    findings: tuple[Finding, ...] = ()
    releases: tuple[Release, ...] = ()
    """Earlier runs of this policy, the oldest first, as `aipm_history` holds them."""
