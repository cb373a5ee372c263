"""`mlbom.cdx.json`: the audited models as a bill of materials with model cards (CycloneDX 1.6)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pytest_aipm.records import Audit, DataInfo, Finding, Record, Verdict, canonical_json
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.classes import rate_of
from pytest_aipm.report.exports.models import Metric, Model, metrics_of, models_of
from pytest_aipm.report.exports.outcome import Outcome, outcome_of
from pytest_aipm.report.exports.text import SHA256, line, number, says
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked
from pytest_aipm.report.sentences import headline, missing_sentence
from pytest_aipm.report.words import RUN_WORDS, count

__all__ = ["mlbom_json"]

_LOW_IS_WORSE = frozenset({"selection rate", "true positive rate", "accuracy", "precision"})
_HIGH_IS_WORSE = frozenset({"false positive rate", "false negative rate"})

MOST_GROUPS = 500
"""Groups of one finding: many programs refuse a bill of some ten megabytes."""

Component = dict[str, Any]


def mlbom_json(record: Record) -> str:
    """Return the bill: a component a model, with its model card, and a component a data set.

    Every number is a string, as the format asks. The serial number follows from the record's
    digest and the time is the run's, so that the same record gives the same bytes.
    """
    shown = publishable(record)
    datasets: dict[tuple[str, str], Component] = {}
    models = [
        _model(model, f"model-{i}", datasets) for i, model in enumerate(models_of(shown), start=1)
    ]
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_serial(record)}",
        "version": 1,
        "metadata": _metadata(shown),
        "components": [*models, *datasets.values()],
    }
    return canonical_json(bom, indent=1) + "\n"


def _serial(record: Record) -> uuid.UUID:
    digest = record.digest or record.with_digest().digest
    return uuid.uuid5(uuid.NAMESPACE_OID, f"pytest-aipm {digest}")


def _metadata(record: Record) -> dict[str, Any]:
    version = line(record.run.versions.get("pytest-aipm", ""))
    tool = {"type": "application", "name": "pytest-aipm"} | (
        {"version": version} if version else {}
    )
    metadata: dict[str, Any] = {
        "tools": {"components": [tool]},
        "properties": _properties(
            verdict=RUN_WORDS[record.verdict],
            partial=missing_sentence(record),
            digest=record.digest,
            commit=record.run.commit or "",
        ),
    }
    try:
        started = datetime.fromisoformat(record.run.started)
    except ValueError:
        return metadata
    if started.utcoffset() is not None:
        stamp = started.astimezone(UTC).isoformat(timespec="seconds")
        metadata["timestamp"] = stamp.replace("+00:00", "Z")
    return metadata


def _properties(**values: str) -> list[dict[str, str]]:
    named = ((f"pytest-aipm:{name}", line(value)) for name, value in values.items())
    return [{"name": name, "value": value} for name, value in named if value]


def _model(model: Model, ref: str, datasets: dict[tuple[str, str], Component]) -> Component:
    subject = next((audit.subject for audit in model.audits if audit.subject is not None), None)
    used = [_dataset(data, role, datasets) for audit in model.audits for data, role in _data(audit)]
    parameters: dict[str, Any] = {"datasets": [{"ref": each} for each in dict.fromkeys(used)]}
    if subject is not None:
        parameters["task"] = "regression" if subject.task == "regression" else "classification"
        if subject.label is not None:
            parameters["approach"] = {"type": "supervised"}
    component: Component = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": model.name,
        "modelCard": {
            "modelParameters": parameters,
            "quantitativeAnalysis": {
                "performanceMetrics": [
                    _metric(metric)
                    for finding in model.findings
                    for metric in metrics_of(finding, MOST_GROUPS)
                ]
            },
            "considerations": _considerations(model),
        },
        "properties": [
            *_properties(kind=model.kind, groups=_left_out(model)),
            *(p for audit in model.audits for p in _properties(policy=audit.policy.path)),
            *(p for audit in model.audits for p in _properties(owner=_context(audit, "owner"))),
        ],
    }
    if model.sha256:
        component["hashes"] = [{"alg": "SHA-256", "content": model.sha256}]
    return component


def _left_out(model: Model) -> str:
    left = sum(max(len(finding.groups) - MOST_GROUPS, 0) for finding in model.findings)
    what = f"{MOST_GROUPS} of a finding, those that decide and the largest"
    return f"{what}; {count(left)} more are in audit.json" if left else ""


def _metric(metric: Metric) -> dict[str, Any]:
    made: dict[str, Any] = {"type": metric.name, "value": number(metric.value)}
    if metric.part:
        made["slice"] = metric.part
    ends = zip(("lowerBound", "upperBound"), metric.interval or (), strict=False)
    interval = {name: number(end) for name, end in ends if end is not None}
    if interval:
        made["confidenceInterval"] = interval
    return made


def _data(audit: Audit) -> Iterator[tuple[DataInfo, str]]:
    if audit.subject is not None:
        yield audit.subject.data, "evaluation"
        if audit.subject.train is not None:
            yield audit.subject.train, "training"


def _dataset(data: DataInfo, role: str, known: dict[tuple[str, str], Component]) -> str:
    """Return the reference of a data set, described at its first use."""
    key = (data.ref, data.sha256 or "")
    if key not in known:
        name = line(data.ref, empty="data")
        rows = "" if data.rows is None else f", {count(data.rows)} rows"
        described = {"type": "dataset", "name": name, "description": f"{role} rows{rows}"}
        known[key] = {
            "type": "data",
            "bom-ref": f"data-{len(known) + 1}",
            "name": name,
            "data": [described],
        }
        if data.sha256 and SHA256.fullmatch(data.sha256):
            known[key]["hashes"] = [{"alg": "SHA-256", "content": data.sha256}]
    return str(known[key]["bom-ref"])


def _context(audit: Audit, key: str) -> str:
    value = audit.context.get(key)
    return line(value) if isinstance(value, str) else ""


def _considerations(model: Model) -> dict[str, Any]:
    """Return what the policies say of the use, what is not known, and who is worse off."""
    limits = [line(headline(audit.findings, audit.verdict)) for audit in model.audits]
    limits += [says(f) for f in ranked(model.findings) if outcome_of(f) is Outcome.OPEN]
    limits += [
        f"Not tested: {line(each.question, empty=line(each.check, empty='a check'))}"
        for audit in model.audits
        for each in audit.not_tested
    ]
    uses = [_context(audit, "purpose") for audit in model.audits]
    return {
        "useCases": list(dict.fromkeys(filter(None, uses))),
        "technicalLimitations": list(dict.fromkeys(limits)),
        "fairnessAssessments": [
            _assessment(finding)
            for finding in ranked(model.findings)
            if finding.scope and finding.verdict in (Verdict.FAIL, Verdict.WAIVED)
        ],
    }


def _assessment(finding: Finding) -> dict[str, str]:
    made = {"groupAtRisk": _at_risk(finding), "harms": says(finding)}
    waiver = finding.waiver
    if finding.verdict is Verdict.WAIVED and waiver is not None:
        said = f"waiver {waiver.id} until {waiver.expires} ({waiver.owner}): {waiver.reason}"
        made["mitigationStrategy"] = line(said)
    return made


def _at_risk(finding: Finding) -> str:
    """Return the group that fares worse, both where that is not known, or what it is split by."""
    answer = Answer(finding)
    names = [answer.name(group) for group in answer.pair]
    rate = rate_of(finding, answer.quantity)
    if len(names) == 2 and rate in _LOW_IS_WORSE:
        names = names[:1]
    elif len(names) == 2 and rate in _HIGH_IS_WORSE:
        names = names[1:]
    return line(" or ".join(names), empty=line(f"a group {answer.where}"))
