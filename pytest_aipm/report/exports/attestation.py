"""`test-result.intoto.json` and `test-result.predicate.json`: the run as an attestation says it.

The statement binds the result to the hashes of model and data, in the words of in-toto's predicate
test-result v0.1. The predicate alone is for tools that name the subject themselves and sign;
nothing is signed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pytest_aipm.records import Audit, DataInfo, Record, RunVerdict, canonical_json
from pytest_aipm.report.exports.outcome import Outcome, outcome_of
from pytest_aipm.report.exports.text import SHA256, line
from pytest_aipm.report.publish import publishable

__all__ = ["PREDICATE_TYPE", "lacks_full_run", "lacks_subject", "predicate_json", "statement_json"]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"

_COMMIT = re.compile(r"[0-9a-f]{40}")
_WARNED = (Outcome.WARNED, Outcome.WAIVED, Outcome.OPEN)

Descriptor = dict[str, Any]


def statement_json(record: Record) -> str:
    """Return the statement: subject, kind of predicate, predicate.

    It needs a full run and a subject, see `lacks_subject`.
    """
    shown = publishable(record)
    said = {
        "_type": STATEMENT_TYPE,
        "subject": _subjects(shown),
        "predicateType": PREDICATE_TYPE,
        "predicate": _predicate(shown),
    }
    return canonical_json(said, indent=1) + "\n"


def predicate_json(record: Record) -> str:
    """Return the predicate alone; it needs a full run."""
    return canonical_json(_predicate(publishable(record)), indent=1) + "\n"


def lacks_full_run(record: Record) -> str:
    """Return why nothing may be attested, empty when it may."""
    if record.partial:
        return "the run is partial, and a part attests nothing"
    return "" if record.findings else "no check ran"


def lacks_subject(record: Record) -> str:
    """Return why there is no statement, empty when there is one."""
    if lacks_full_run(record) or _subjects(record):
        return lacks_full_run(record)
    return "neither the model nor the data is a file with a hash, so there is nothing to attest"


def _subjects(record: Record) -> list[Descriptor]:
    """Return models and data that have a hash, each once, in the order of the policies."""
    found = [each for audit in record.audits for each in _tested(audit)]
    return [_descriptor(name, sha256) for name, sha256 in dict.fromkeys(found)]


def _tested(audit: Audit) -> Iterator[tuple[str, str]]:
    if audit.subject is None:
        return
    model, data = audit.subject.model, audit.subject.data
    files = [(model.ref, model.sha256), *_files(data)]
    yield from ((name, sha256) for name, sha256 in files if sha256 and SHA256.fullmatch(sha256))


def _files(data: DataInfo) -> list[tuple[str, str | None]]:
    """Return the file of rows and those that protected columns were joined from."""
    return [(data.ref, data.sha256), *sorted(data.joined.items())]


def _predicate(record: Record) -> dict[str, Any]:
    names: dict[Outcome, list[str]] = {}
    for finding in record.findings:
        names.setdefault(outcome_of(finding), []).append(line(finding.id, empty="check"))
    warned = sorted(name for outcome in _WARNED for name in names.get(outcome, ()))
    failed = sorted(names.get(Outcome.FAILED, ()))
    return {
        "result": _result(record, failed=bool(failed), warned=bool(warned)),
        "configuration": _configuration(record),
        "passedTests": sorted(names.get(Outcome.PASSED, ())),
        "warnedTests": warned,
        "failedTests": failed,
    }


def _result(record: Record, *, failed: bool, warned: bool) -> str:
    if failed or record.verdict is RunVerdict.FAIL:
        return "FAILED"
    return "WARNED" if warned or record.verdict is RunVerdict.UNPROVEN else "PASSED"


def _configuration(record: Record) -> list[Descriptor]:
    """Return what the run went by: policies, training rows, approved baselines, the commit."""
    found: list[tuple[str, str | None]] = []
    for audit in record.audits:
        found.append((audit.policy.path, audit.policy.sha256))
        if audit.subject is not None and audit.subject.train is not None:
            found += _files(audit.subject.train)
        if audit.baseline is not None:
            found.append((audit.baseline.ref, audit.baseline.sha256))
    descriptors = [_descriptor(name, sha256) for name, sha256 in dict.fromkeys(found)]
    commit = record.run.commit or ""
    if _COMMIT.fullmatch(commit):
        descriptors.append({"name": "commit", "digest": {"gitCommit": commit}})
    return descriptors


def _descriptor(name: str, sha256: str | None) -> Descriptor:
    described: Descriptor = {"name": line(name, empty="unnamed")}
    if sha256 and SHA256.fullmatch(sha256):
        described["digest"] = {"sha256": sha256}
    return described
