"""The record of an audit: `audit.json`, and the only thing that reports may read.

Everything here is frozen and made of plain JSON types. Numbers that are not finite become null;
the finding's ``note`` or ``reason`` then says why.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import CoreSchema

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NOTICE",
    "NO_WORSE",
    "SCHEMA",
    "Approval",
    "Asked",
    "AttributeInfo",
    "Audit",
    "AuditGroup",
    "BaselineComparison",
    "BaselineRef",
    "Because",
    "DataInfo",
    "Detectable",
    "Docs",
    "Finding",
    "Formula",
    "GroupValue",
    "Interval",
    "Limit",
    "Loosening",
    "ModelInfo",
    "NotTested",
    "Number",
    "PairingInfo",
    "PolicyInfo",
    "Record",
    "RowsNeeded",
    "RunInfo",
    "RunVerdict",
    "Series",
    "Subject",
    "Verdict",
    "WaiverInfo",
    "canonical_json",
]

SCHEMA = "aipm-audit/1"
NOTICE = (
    "This file holds the counts that verdicts are derived from. It is the project's own file, "
    "not for publication; index.html, summary.md and the exports are the published views."
)

NO_WORSE = 0.02
"""Change for the worse that ``gate: no-worse`` allows where no retrains were measured.

A tolerance of 0 turns honest retrains red; see `benchmarks/retrains.py` for how often.
"""


class Verdict(StrEnum):
    """What one finding says."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    WAIVED = "waived"
    NOT_JUDGED = "not_judged"
    ERROR = "error"


class RunVerdict(StrEnum):
    """What a whole run, or one policy of it, says."""

    FAIL = "fail"
    UNPROVEN = "unproven"
    PASS = "pass"  # noqa: S105


class Because(StrEnum):
    """Why a finding is not a plain pass: the first of these that holds."""

    EVIDENCE_LOST = "evidence_lost"
    LIMIT = "limit"
    REGRESSION = "regression"
    UNKNOWN = "unknown"
    NO_EVIDENCE = "no_evidence"
    NOT_APPLICABLE = "not_applicable"
    DISABLED = "disabled"
    ERROR = "error"


def _finite(value: object) -> object:
    """Turn NaN, infinities and numpy scalars into plain JSON numbers or None."""
    if value is None or isinstance(value, bool | str):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


Number = Annotated[float | None, BeforeValidator(_finite)]
Count = Annotated[int | float | None, BeforeValidator(_finite)]


def _pair(value: Sequence[object] | None) -> object:
    return None if value is None else tuple(_finite(end) for end in value)


Interval = Annotated[tuple[float | None, float | None] | None, BeforeValidator(_pair)]


class Frozen(BaseModel):
    """Base of all records: closed, immutable, compared by value."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )


class _Sparse(Frozen):
    """A record of which some fields are written only where they say something.

    An audit of single rows of the same weight reads as it did before there were others.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _written(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = written(self)
        for name in self.SPARSE:
            if fields.get(name, "") is None:
                del fields[name]
        return fields

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the fields, not the mapping that they are written through."""
        described: Any = {key: value for key, value in schema.items() if key != "serialization"}
        return handler(described)


class Limit(Frozen):
    """A lower limit, an upper limit, or both; at least one."""

    min: Number = None
    max: Number = None


class Detectable(Frozen):
    """The smallest gap these rows would have caught at 80 % power, and for which group."""

    gap: Number
    group: str | None = None


class RowsNeeded(Frozen):
    """How many rows in all, at the same group mix, would settle it, and the pair that binds."""

    total: int
    pair: tuple[str, ...] = ()


class Formula(Frozen):
    """What was computed, in words a reader can check."""

    id: str
    numerator: str = ""
    denominator: str = ""
    positive: str = ""
    population: str = ""
    reference: str = ""


class GroupValue(_Sparse):
    """One group's part of a finding.

    ``part`` names the rate where a finding shows several (equalized odds). Counts are exact; under
    weights or with several rows of one person, numerator and denominator are the effective ones
    that verdicts rest on, ``counted`` holds events and rows, and ``people`` whose rows those are.
    The interval holds the one-sided bounds at the finding's confidence.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"counted", "people"})

    group: dict[str, str]
    part: str = ""
    n: int
    numerator: Count = None
    denominator: Count = None
    counted: tuple[int, int] | None = None
    people: int | None = None
    value: Number = None
    interval: Interval = None
    judged: bool = True
    note: str = ""

    @property
    def counts(self) -> tuple[float | None, float | None]:
        """Events and rows as they were counted, never effective ones."""
        return (self.numerator, self.denominator) if self.counted is None else self.counted


class Series(Frozen):
    """Points a chart draws: a curve, bins, shares or strips.

    ``kind`` is one of ``curve``, ``bars``, ``strip``; ``x`` holds numbers or labels.
    """

    name: str
    kind: str
    x: tuple[float | str, ...] = ()
    y: tuple[Number, ...] = ()
    lo: tuple[Number, ...] = ()
    hi: tuple[Number, ...] = ()
    x_label: str = ""
    y_label: str = ""
    counts: tuple[int, ...] = ()


class BaselineComparison(Frozen):
    """The finding beside the approved one. ``delta`` is new minus old."""

    value: Number = None
    delta: Number = None
    interval: Interval = None
    verdict: Literal["better", "same", "worse", "inconclusive"]
    paired: bool = False
    limit: Number = None
    against: Literal["baseline", "anchor", "champion"] = "baseline"
    group: str = ""
    note: str = ""
    tolerance: str = ""
    """Where ``limit`` comes from, when ``gate: no-worse`` chose it."""


class WaiverInfo(Frozen):
    """A waiver as it stood in this run."""

    id: str
    check: str
    reason: str
    owner: str
    ticket: str = ""
    created: str = ""
    expires: str
    floor: Limit | None = None
    model_sha256: str | None = None
    state: Literal["applied", "expired", "unused", "not_needed", "voided", "exceeded", "ignored"]
    note: str = ""


class Docs(Frozen):
    """A check's own words, from its docstring."""

    title: str
    question: str = ""
    how: str = ""
    misleads: str = ""
    todo: str = ""
    sources: str = ""


class Asked(Frozen):
    """What the policy asked beside limits, so that a laxer gate is noticed later."""

    max_change: Number = None
    max_total_change: Number = None
    no_worse: bool = False
    on_inconclusive: Literal["warn", "fail"] = "warn"
    min_group_size: int = 1
    unknown: Literal["report", "group", "fail"] = "report"
    max_unknown: Number = None
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Keys of the check itself, such as ``metric``, and the comparator."""


class Finding(Frozen):
    """One check on one scope: what was measured and what it means."""

    id: str
    nodeid: str
    check: str
    check_id: str
    scope: tuple[str, ...] = ()
    verdict: Verdict
    because: Because | None = None
    reason: str
    severity: Literal["error", "advice"] = "error"
    kind: Literal["sample", "census"] = "sample"
    value: Number = None
    interval: Interval = None
    confidence: Number = None
    method: str = ""
    unit: str = ""
    limit: Limit | None = None
    warn: Limit | None = None
    decide_on: Literal["interval", "point", "proof"] = "interval"
    asked: Asked | None = None
    detectable: Detectable | None = None
    rows_needed: RowsNeeded | None = None
    formula: Formula | None = None
    n: int = 0
    groups: tuple[GroupValue, ...] = ()
    sizes: tuple[float, ...] = ()
    """Denominators of the estimate's parts, for "evidence lost"."""
    part_names: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()
    baseline: BaselineComparison | None = None
    waiver: WaiverInfo | None = None
    clauses: tuple[str, ...] = ()
    policy_line: int | None = None
    docs: Docs | None = None
    failing: bool = False
    """Whether this finding alone turns the build red."""


class Loosening(Frozen):
    """A child policy that asks for less than its base, with the reason it gives."""

    check_id: str
    what: str
    reason: str
    owner: str
    line: int | None = None


class PolicyInfo(Frozen):
    """The policy as it was read."""

    name: str
    path: str
    sha256: str
    text: str
    extends: tuple[str, ...] = ()
    loosened: tuple[Loosening, ...] = ()
    min_cell: int = 5


class ModelInfo(Frozen):
    """Which model was audited, and why it was allowed to be opened."""

    ref: str
    kind: str
    sha256: str | None = None
    trusted_by: str | None = None


class DataInfo(Frozen):
    """Which rows the audit saw."""

    ref: str
    rows: int | None = None
    sha256: str | None = None
    joined: dict[str, str | None] = Field(default_factory=dict)
    """Files that protected columns were joined from, with their sha256."""


class AttributeInfo(Frozen):
    """A protected attribute as the policy declares it."""

    name: str
    column: str
    bins: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Subject(_Sparse):
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


class Approval(Frozen):
    """Who approved the baseline, when and why."""

    by: str
    when: str
    reason: str


class BaselineRef(Frozen):
    """The approved baseline this run was compared with."""

    ref: str
    sha256: str
    approved: Approval
    weakened: tuple[str, ...] = ()


class PairingInfo(Frozen):
    """Whether the rows were paired with the approved ones, and how, or why not."""

    paired: bool
    said: str


class AuditGroup(_Sparse):
    """How many rows one group has; unknown values are a group named ``(unknown)``.

    ``people`` is written where people have several rows.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"people"})

    group: dict[str, str]
    n: int
    positives: int | None = None
    people: int | None = None


class NotTested(Frozen):
    """A check of the catalogue that the policy leaves out, and what that leaves open."""

    check: str
    question: str


class Audit(Frozen):
    """One policy's part of a run."""

    policy: PolicyInfo
    context: dict[str, Any] = Field(default_factory=dict)
    verdict: RunVerdict
    subject: Subject | None = None
    baseline: BaselineRef | None = None
    pairing: PairingInfo | None = None
    """None where the policy does not ask for it."""
    waivers: tuple[WaiverInfo, ...] = ()
    groups: tuple[AuditGroup, ...] = ()
    not_tested: tuple[NotTested, ...] = ()
    warnings: tuple[str, ...] = ()
    """What opening the model gave cause to say: a library version that differs, for example."""
    findings: tuple[Finding, ...] = ()


class RunInfo(Frozen):
    """How the run was made."""

    seed: int = 0
    commit: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    command: str = ""
    started: str = ""


class Record(Frozen):
    """The file `audit.json`: one run over one or more policies."""

    notice: str = Field(default=NOTICE, alias="_notice")
    schema_: str = Field(default=SCHEMA, alias="schema")
    verdict: RunVerdict
    partial: bool = False
    missing: tuple[str, ...] = ()
    """Planned node ids that have no finding."""
    summary: dict[str, int] = Field(default_factory=dict)
    audits: tuple[Audit, ...] = ()
    run: RunInfo = Field(default_factory=RunInfo)
    timing: dict[str, float] | None = None
    digest: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings of all policies, in the order of the plan."""
        return tuple(finding for audit in self.audits for finding in audit.findings)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding: id, check, scope, verdict, value, interval, limit, reason."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only for those who ask

        rows = [
            {
                "id": finding.id,
                "check": finding.check,
                "scope": " x ".join(finding.scope) or "overall",
                "verdict": finding.verdict.value,
                "because": None if finding.because is None else finding.because.value,
                "value": finding.value,
                "lower": None if finding.interval is None else finding.interval[0],
                "upper": None if finding.interval is None else finding.interval[1],
                "min": None if finding.limit is None else finding.limit.min,
                "max": None if finding.limit is None else finding.limit.max,
                "n": finding.n,
                "reason": finding.reason,
            }
            for finding in self.findings
        ]
        return pd.DataFrame(rows)

    def write(self, folder: str | Path) -> None:
        """Write `audit.json`, the HTML report and its companions into a folder."""
        # the one way up: a record knows how to ask for its own report
        from pytest_aipm.report import write_reports  # noqa: PLC0415

        write_reports(self, Path(folder))

    def raise_if_failed(self) -> None:
        """Raise CheckViolation for the first finding that turns the build red, if there is one.

        Raises
        ------
        CheckViolation
            An AssertionError with one readable message.
        CheckError
            When it could not be measured.
        """
        from pytest_aipm.violation import raise_for  # noqa: PLC0415 - as in `write`

        for finding in self.findings:
            raise_for(finding)

    def to_json(self) -> str:
        """Return the record as `audit.json` holds it."""
        return canonical_json(self.model_dump(mode="json", by_alias=True), indent=1) + "\n"

    def with_digest(self) -> Record:
        """Return the record with the sha256 of everything but timing and digest itself."""
        plain = self.model_dump(mode="json", by_alias=True, exclude={"timing", "digest"})
        digest = hashlib.sha256(canonical_json(plain).encode()).hexdigest()
        return self.model_copy(update={"digest": digest})

    @classmethod
    def from_json(cls, text: str | bytes) -> Record:
        """Read a record back from `audit.json`."""
        return cls.model_validate_json(text)


_HALF = re.compile("[\ud800-\udfff]")


def canonical_json(value: Mapping[str, Any] | list[Any], indent: int | None = None) -> str:
    """Return JSON with sorted keys and no NaN: the same value, the same bytes.

    Half a character, as the name of a file can bring one along, is written out by its number: no
    file could hold it.
    """
    separators = (",", ": ") if indent is not None else (",", ":")
    text = json.dumps(
        value,
        sort_keys=True,
        indent=indent,
        separators=separators,
        ensure_ascii=False,
        allow_nan=False,
    )
    return _HALF.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text)
