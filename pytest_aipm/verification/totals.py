"""What the parts of a record say of each other: verdicts of policy and run, sums, group sizes."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_aipm.judge import audit_verdict, run_verdict, summary_of
from pytest_aipm.records import NOTICE, SCHEMA, Audit, Finding, Record
from pytest_aipm.verification.recounted import is_designed

__all__ = ["total_faults"]

UNKNOWN = "(unknown)"


def total_faults(record: Record) -> Iterator[str]:
    """Yield where a record contradicts itself beyond single findings."""
    if record.notice != NOTICE:
        yield "the first key is not the notice that every record begins with"
    if record.schema_ != SCHEMA:
        yield f"its schema is not {SCHEMA}"
    for audit in record.audits:
        meant = audit_verdict(audit, partial=record.partial)
        if audit.verdict is not meant:
            reads = audit.verdict.value.upper()
            yield f"{audit.policy.name} reads {reads}, its findings make {meant.value.upper()}"
        yield from _groups(audit)
        yield from _waivers(audit)
    meant = run_verdict(record.audits, partial=record.partial)
    if record.verdict is not meant:
        yield f"the run reads {record.verdict.value.upper()}, it makes {meant.value.upper()}"
    if record.summary != summary_of(record.audits):
        yield "the summary does not count the findings that are there"
    ids = [finding.id for finding in record.findings]
    if len(set(ids)) != len(ids):
        yield "a finding is there twice"
    if record.missing and not record.partial:
        yield "planned checks are missing, and the run is not called partial"
    nodes = {finding.nodeid for finding in record.findings}
    if nodes & set(record.missing):
        yield "a check is called missing and has a finding"


def _groups(audit: Audit) -> Iterator[str]:
    """Yield where group sizes do not add up to the rows, or findings hold other ones."""
    told = audit.subject
    if told is None or is_designed(told):
        return
    if told.data.rows is None:
        if audit.groups:
            yield "its groups were counted, and its rows were not"
        return
    sizes, positives = _tables(audit)
    for name, held in sizes.items():
        total = sum(held.values())
        if total != told.data.rows:
            yield f"the groups by {name} hold {total:,} rows, the data {told.data.rows:,}"
    sums = {sum(n or 0 for n in held.values()) for held in positives.values()}
    if len(sums) > 1:
        yield "the positives of the groups add up to different sums"
    for finding in audit.findings:
        if len(finding.scope) == 1 and finding.scope[0] in sizes and finding.kind == "sample":
            name = finding.scope[0]
            same = finding.formula is None or finding.formula.positive in ("", told.positive)
            # findings of other classes than the favorable ones have positives of their own
            spoken = positives[name] if same or told.task != "multiclass" else {}
            yield from _of_finding(finding, name, sizes[name], spoken)


def _tables(
    audit: Audit,
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int | None]]]:
    """Return rows and positives by attribute and group."""
    sizes: dict[str, dict[str, int]] = {}
    positives: dict[str, dict[str, int | None]] = {}
    for group in audit.groups:
        for name, value in group.group.items():
            sizes.setdefault(name, {})[value] = group.n
            positives.setdefault(name, {})[value] = group.positives
    return sizes, positives


OF_POSITIVES = ("true positive rate", "true_positive_rate", "false_negative_rate")
SAMPLED = (
    "explain.",
    "fairness.individual_consistency",
    "fairness.worst_slice",
    "governance.oversight",
    "privacy.",
)


def _of_finding(
    finding: Finding, name: str, sizes: dict[str, int], positives: dict[str, int | None]
) -> Iterator[str]:
    if finding.check.startswith(SAMPLED):
        return
    formula = "" if finding.formula is None else finding.formula.id
    shown = {group.group.get(name, UNKNOWN) for group in finding.groups}
    named = {key for key, n in sizes.items() if n}
    if finding.groups and shown | {UNKNOWN} != named | {UNKNOWN}:
        yield f"{finding.id}: its groups are not those of the audit"
    for group in finding.groups:
        key = group.group.get(name, UNKNOWN)
        if sizes.get(key, group.n) != group.n:
            yield f"{finding.id}: {key} has {group.n:,} rows here and {sizes[key]:,} in the groups"
        of_positives = group.part in OF_POSITIVES or formula.startswith(OF_POSITIVES)
        known = positives.get(key)
        if of_positives and known is not None and group.denominator not in (None, known):
            yield f"{finding.id}: {key} has other positives here than in the groups"


def _waivers(audit: Audit) -> Iterator[str]:
    listed = {waiver.id: waiver for waiver in audit.waivers}
    for finding in audit.findings:
        if finding.waiver is not None and listed.get(finding.waiver.id) != finding.waiver:
            yield f"{finding.id}: waiver {finding.waiver.id} is not the one that is listed"
