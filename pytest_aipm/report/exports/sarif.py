"""`audit.sarif`: what must be looked at, as alerts at the policy's lines (SARIF 2.1.0)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_aipm.records import Audit, Because, Docs, Finding, Limit, Record, canonical_json
from pytest_aipm.report.exports.outcome import Outcome, outcome_of
from pytest_aipm.report.exports.place import fingerprint, in_tests, line_of, uri_of
from pytest_aipm.report.exports.text import line, says
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.ranking import ranked
from pytest_aipm.report.sentences import headline, missing_sentence
from pytest_aipm.report.words import DASH, RUN_WORDS, limit_text, plural

__all__ = ["MOST_RESULTS", "MOST_RUNS", "MOST_TAGS", "audit_sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# Limits that GitHub publishes for code scanning; a file beyond one of them is refused as a whole.
MOST_RUNS = 20
MOST_RESULTS = 5_000
"""GitHub takes 25,000 and keeps the 5,000 most severe."""
MOST_TAGS = 10
"""GitHub takes 20 and shows 10."""
MOST_WORDS = 1_000
"""Characters of a description; GitHub's limit is 1,024."""
MOST_HELP = 8_000
MOST_CATEGORY = 100
ROOT = "%SRCROOT%"

_SEMANTIC = re.compile(r"\d+\.\d+\.\d+")


def audit_sarif(record: Record) -> str:
    """Return the log of a record: one run a policy, whose name is the category of its alerts.

    Results are what fails or warns. What is waived is left out, because hosts ignore suppressions
    and would raise an alert; what passes is no result. What the data cannot decide is told in the
    notifications of the run: GitHub makes an alert of every result, whatever its kind.
    """
    shown = publishable(record)
    runs = [_run(shown, name, audits) for name, audits in _categories(shown.audits)]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return canonical_json(log, indent=1) + "\n"


def _categories(audits: Sequence[Audit]) -> Iterator[tuple[str, list[Audit]]]:
    """Yield audits by category: one a policy, one for tests, one for more policies than fit."""
    files = sorted((a for a in audits if not in_tests(a)), key=lambda audit: audit.policy.name)
    tests = [a for a in audits if in_tests(a)]
    alone = MOST_RUNS - bool(tests)
    if len(files) > alone:
        alone -= 1
    for audit in files[:alone]:
        yield f"aipm/{_category(audit.policy.name)}/", [audit]
    if files[alone:]:
        yield "aipm-more/", files[alone:]
    if tests or not audits:
        yield "aipm-tests/", tests


def _category(name: str) -> str:
    """Return a policy's name as a category; a long one is told apart by its hash."""
    plain = line(name, empty="policy").replace("/", "-")
    if len(plain) <= MOST_CATEGORY and plain == name:
        return plain
    mark = hashlib.sha256(canonical_json([name]).encode()).hexdigest()
    return f"{plain[:MOST_CATEGORY]}-{mark[:12]}"


def _run(record: Record, name: str, audits: Sequence[Audit]) -> dict[str, Any]:
    findings = [finding for audit in audits for finding in audit.findings]
    owner = {id(finding): audit for audit in audits for finding in audit.findings}
    rules = _rules(findings)
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    order = ranked(findings)
    found = [(finding, level) for finding in order if (level := _level(finding))]
    undecided = [f for f in order if outcome_of(f) is Outcome.OPEN and f.severity != "advice"]
    properties: dict[str, Any] = {
        "verdict": RUN_WORDS[record.verdict],
        "summary": [line(headline(a.findings, a.verdict)) for a in audits],
        "digest": record.digest,
    }
    if record.partial:
        properties["partial"] = line(missing_sentence(record))
    if found[MOST_RESULTS:]:
        properties["leftOut"] = plural(len(found) - MOST_RESULTS, "result")
    results = [
        _result(owner[id(finding)], finding, places[line(finding.check, empty="check")])
        | {"kind": "fail", "level": level}
        for finding, level in found[:MOST_RESULTS]
    ]
    notes = [
        _note(owner[id(finding)], finding, places[line(finding.check, empty="check")])
        for finding in undecided[:MOST_RESULTS]
    ]
    version = line(record.run.versions.get("pytest-aipm", ""))
    driver: dict[str, Any] = {"name": "pytest-aipm", "rules": rules}
    if version:
        driver["semanticVersion" if _SEMANTIC.fullmatch(version) else "version"] = version
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": name},
        "invocations": [
            {"executionSuccessful": not record.partial, "toolExecutionNotifications": notes}
        ],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder of the project."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": properties,
    }


def _level(finding: Finding) -> str:
    """Return the level of a result, empty for what is none."""
    match outcome_of(finding):
        case Outcome.FAILED:
            return "error"
        case Outcome.WARNED:
            return "note" if finding.severity == "advice" else "warning"
        case _:
            return ""


def _rules(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return one rule a check, in the order of the names, with the words of the check itself."""
    asked: dict[str, list[Finding]] = {}
    for finding in findings:
        asked.setdefault(line(finding.check, empty="check"), []).append(finding)
    return [_rule(name, asked[name]) for name in sorted(asked)]


def _rule(name: str, findings: Sequence[Finding]) -> dict[str, Any]:
    docs = next((f.docs for f in findings if f.docs is not None), None) or Docs(title=name)
    title = line(docs.title, MOST_WORDS, empty=name)
    tags = [name.partition(".")[0], *sorted({line(c) for f in findings for c in f.clauses} - {""})]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in re.split(r"[._]", name))[:255],
        "shortDescription": {"text": title},
        "fullDescription": {"text": line(docs.question, MOST_WORDS, empty=title)},
        "help": {"text": _help(docs, title)},
        "properties": {"tags": list(dict.fromkeys(tags))[:MOST_TAGS]},
    }


def _help(docs: Docs, title: str) -> str:
    """Return the check's own words, section by section."""
    sections = (
        ("", title),
        ("How it is measured", docs.how),
        ("When it misleads", docs.misleads),
        ("What to do", docs.todo),
        ("Sources", docs.sources),
    )
    said = []
    for head, words in sections:
        lines = [plain for each in words.splitlines() if (plain := line(each, MOST_WORDS))]
        if lines:
            said.append("\n".join([f"{head}:", *lines] if head else lines))
    return "\n\n".join(said)[:MOST_HELP]


def _result(audit: Audit, finding: Finding, rule: int) -> dict[str, Any]:
    mark = fingerprint(audit, finding)
    result: dict[str, Any] = {
        "ruleId": line(finding.check, empty="check"),
        "ruleIndex": rule,
        "message": {"text": says(finding)},
        "locations": [_location(audit, finding)],
        # GitHub reads the second alone, and would hash the policy's line where it is missing: all
        # scopes of one check stand on one line, and would become one alert.
        "partialFingerprints": {"aipm/v1": mark, "primaryLocationLineHash": mark},
        "properties": _numbers(finding),
    }
    state = _since(finding)
    if state:
        result["baselineState"] = state
    return result


def _note(audit: Audit, finding: Finding, rule: int) -> dict[str, Any]:
    return {
        "associatedRule": {"id": line(finding.check, empty="check"), "index": rule},
        "level": "note",
        "message": {"text": f"{finding.verdict.value.replace('_', ' ')}: {says(finding)}"},
        "locations": [_location(audit, finding)],
        "properties": _numbers(finding),
    }


def _location(audit: Audit, finding: Finding) -> dict[str, Any]:
    uri, relative = uri_of(audit)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, **({"uriBaseId": ROOT} if relative else {})},
            "region": {"startLine": line_of(finding), "startColumn": 1},
        },
        "logicalLocations": [{"fullyQualifiedName": line(finding.id, MOST_WORDS)}],
    }


def _numbers(finding: Finding) -> dict[str, Any]:
    low, high = finding.interval or (None, None)
    limit = limit_text(finding.limit)
    numbers = {
        "verdict": finding.verdict.value,
        "because": None if finding.because is None else finding.because.value,
        "value": finding.value,
        "lower": low,
        "upper": high,
        "confidence": finding.confidence,
        "limit": None if limit == DASH else limit,
    }
    return {key: value for key, value in numbers.items() if value is not None}


def _since(finding: Finding) -> str:
    """Return how a failure stands to the approved baseline; empty where that does not tell."""
    old = finding.baseline
    if outcome_of(finding) is not Outcome.FAILED or old is None or old.against != "baseline":
        return ""
    if finding.because in (Because.REGRESSION, Because.EVIDENCE_LOST):
        return "new"
    if finding.because is not Because.LIMIT or old.value is None or finding.limit is None:
        return ""
    if not _beyond(old.value, finding.limit):
        return "new"
    return "unchanged" if old.verdict == "same" else "updated"


def _beyond(value: float, limit: Limit) -> bool:
    low, high = limit.min, limit.max
    return (low is not None and value < low) or (high is not None and value > high)
