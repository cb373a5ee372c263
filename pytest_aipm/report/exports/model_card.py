"""`model-card.md`: a Hugging Face model card, its numbers as a model index in the front matter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_aipm.records import Audit, Record
from pytest_aipm.report.escape import markdown_table, markdown_text
from pytest_aipm.report.exports.models import Metric, Model, metrics_of, models_of
from pytest_aipm.report.exports.text import SHA256, line
from pytest_aipm.report.markdown import finding_rows, waiver_rows
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.sentences import LEGAL, headline, missing_sentence
from pytest_aipm.report.words import RUN_WORDS, count, day, group_name

__all__ = ["model_card_md"]

MOST_ROWS = 500
"""Rows of one table; a card is read by people, and the page holds the rest."""


def model_card_md(record: Record) -> str:
    """Return the card: front matter that the Hub reads, then what a person reads."""
    shown = publishable(record)
    models = models_of(shown)
    blocks = [f"# {markdown_text(_title(models))}", *_verdict(shown)]
    for audit in shown.audits:
        blocks += _audit(audit)
    blocks.append(f"{LEGAL} Record digest `{shown.digest or 'none'}`.")
    front = "\n".join(_yaml(_front(shown, models)))
    return f"---\n{front}\n---\n\n" + "\n\n".join(filter(None, blocks)) + "\n"


def _title(models: Sequence[Model]) -> str:
    names = list(dict.fromkeys(model.name for model in models))
    return f"Model card: {', '.join(names[:3])}{' …' if names[3:] else ''}"


# Front matter


def _front(record: Record, models: Sequence[Model]) -> dict[str, Any]:
    families = {line(f.check.partition(".")[0], 50) for f in record.findings} - {""}
    front: dict[str, Any] = {"tags": ["pytest-aipm", *sorted(families)]}
    index = [entry for model in models if (entry := _entry(model))["results"]]
    if index:
        front["model-index"] = index
    return front


def _entry(model: Model) -> dict[str, Any]:
    """Return a model's place in the index: its numbers, by the data they were measured on."""
    results = []
    for audit in model.audits:
        metrics = [_metric(m) for f in audit.findings for m in metrics_of(f)]
        if metrics and audit.subject is not None:
            task = "regression" if audit.subject.task == "regression" else "classification"
            dataset = {"type": _slug(audit), "name": line(audit.subject.data.ref, empty="data")}
            sha256 = audit.subject.data.sha256
            if sha256 and SHA256.fullmatch(sha256):
                dataset["revision"] = sha256
            results.append(
                {"task": {"type": f"tabular-{task}"}, "dataset": dataset, "metrics": metrics}
            )
    return {"name": model.name, "results": results}


def _slug(audit: Audit) -> str:
    ref = "" if audit.subject is None else line(audit.subject.data.ref, 100)
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", ref).strip("-.") or "data"


def _metric(metric: Metric) -> dict[str, Any]:
    low, high = metric.interval or (None, None)
    made: dict[str, Any] = {
        "type": metric.name,
        "name": line(metric.finding.id, empty=metric.name),
        "value": metric.value,
    }
    ends = {"lower": low, "upper": high, "confidence": metric.finding.confidence}
    if low is not None or high is not None:
        made["args"] = {name: end for name, end in ends.items() if end is not None}
    return made


def _yaml(value: Mapping[str, Any] | Sequence[Any], indent: str = "") -> Iterator[str]:
    """Yield block YAML whose texts are JSON strings, so that none is read as anything else.

    Keys are this module's own. Versions of YAML differ in which plain words are numbers, dates
    and truth values; in what a quoted text says, they do not.
    """
    items = value.items() if isinstance(value, Mapping) else (("-", each) for each in value)
    for key, each in items:
        lead = "-" if key == "-" else f"{key}:"
        if not isinstance(each, Mapping | list):
            yield f"{indent}{lead} {_scalar(each)}"
        elif key == "-":
            first, *rest = _yaml(each, f"{indent}  ")
            yield f"{indent}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield f"{indent}{lead}"
            yield from _yaml(each, f"{indent}  ")


def _scalar(value: str | float) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")  # a number to YAML 1.1 too
    return text


# Body


def _verdict(record: Record) -> Iterator[str]:
    yield f"**{RUN_WORDS[record.verdict]}** as of {day(line(record.run.started)) or 'no date'}"
    yield f"**{markdown_text(missing_sentence(record))}**" if record.partial else ""


def _audit(audit: Audit) -> Iterator[str]:
    yield f"## {markdown_text(line(audit.policy.name, empty='policy'))}: {RUN_WORDS[audit.verdict]}"
    yield markdown_text(headline(audit.findings, audit.verdict))
    yield _said("Purpose", audit.context.get("purpose"))
    yield _said("Owner", audit.context.get("owner"))
    yield from _subject(audit)
    yield _section("What was tested", _cut(finding_rows(audit.findings)))
    yield _section("Groups", _groups(audit))
    yield _section("Limits of this evidence", _list(_limits(audit)))
    yield _section("Not tested", _list(each.question or each.check for each in audit.not_tested))
    yield _section("Waivers", _cut(waiver_rows(audit.waivers)) if audit.waivers else [])


def _said(name: str, text: object) -> str:
    said = line(text, 1000) if isinstance(text, str) else ""
    return f"{name}: {markdown_text(said)}" if said else ""


def _subject(audit: Audit) -> Iterator[str]:
    if audit.subject is None:
        return
    model, data = audit.subject.model, audit.subject.data
    rows = "" if data.rows is None else f", {count(data.rows)} rows"
    yield _said("Reading", audit.subject.reading)
    yield f"Model: {markdown_text(line(f'{model.ref} ({model.kind})'))}{_hash(model.sha256)}"
    yield f"Evaluated on: {markdown_text(line(data.ref))}{rows}{_hash(data.sha256)}"


def _hash(sha256: str | None) -> str:
    return f" `sha256:{sha256}`" if sha256 and SHA256.fullmatch(sha256) else ""


def _groups(audit: Audit) -> list[str]:
    rows = [
        (", ".join(names), group_name(each.group, names), count(each.n))
        for each in audit.groups
        for names in [sorted(each.group)]
    ]
    return _cut(markdown_table(("Attribute", "Group", "Rows"), rows)) if rows else []


def _limits(audit: Audit) -> Iterator[str]:
    small = audit.policy.min_cell
    yield f"Numbers of groups with fewer than {small} people are withheld."
    if audit.baseline is not None:
        yield from (f"Weaker than the approved run: {each}" for each in audit.baseline.weakened)
    for each in audit.policy.loosened:
        yield f"{each.check_id}: {each.what} ({each.reason}; {each.owner})"
    yield from audit.warnings


def _list(texts: Iterable[str]) -> list[str]:
    return _cut([f"- {markdown_text(said)}" for text in texts if (said := line(text))])


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_ROWS:
        return lines
    return [*lines[:MOST_ROWS], "", f"{count(len(lines) - MOST_ROWS)} more are in index.html."]


def _section(head: str, lines: list[str]) -> str:
    return "\n".join([f"### {head}", "", *lines]) if lines else ""
