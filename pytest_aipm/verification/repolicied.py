"""The policy's own text against what the record says was asked: nothing was laxer than written."""

from __future__ import annotations

import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_aipm.auditing.asking import asked_of
from pytest_aipm.auditing.header import header_of
from pytest_aipm.auditing.plan import Plan
from pytest_aipm.auditing.settings import BASELINE, REPORT, Settings
from pytest_aipm.errors import AipmError, PolicyError
from pytest_aipm.policy import Node, Policy, load_policy
from pytest_aipm.records import Audit, Docs, Finding, Record, Subject
from pytest_aipm.sources.trust import Trust
from pytest_aipm.verification.alike import different
from pytest_aipm.verification.known import catalog, is_built_in, this_version
from pytest_aipm.verification.line import Line, broken, held, untold

__all__ = ["policy_lines"]

BY_API = "pytest_aipm.audit"
GIVEN: tuple[tuple[str, ...], ...] = ((), ("data",), ("model",), ("model", "data"))
"""What a caller in Python may have brought instead of what the policy names."""

SUBJECT = ("task", "label", "positive", "favorable", "weights", "cluster", "attributes")
DECISION = ("decision", "reading")


def policy_lines(audit: Audit, record: Record, root: Path, given: Sequence[Path]) -> Iterator[Line]:
    """Yield what the policy's text, its hash and its file say about one audit.

    Parameters
    ----------
    audit : Audit
    record : Record
    root : Path
        Where the policy lies, when it is still there.
    given : sequence of Path
        The one policy file that was named for this audit, or none.
    """
    what, info = f"policy {audit.policy.name}", audit.policy
    if not info.sha256 and not info.text:
        yield untold(what, "made in Python: there is no file to compare with")
        return
    if info.sha256 not in _hashes(info.text):
        yield broken(what, "the text in the record is not the file whose sha256 it names")
        return
    yield held(what, f"its text hashes to {info.sha256[:12]}")
    yield from _on_disk(what, audit, root, given)
    yield _asked(what, audit, record, root)


def _hashes(text: str) -> set[str]:
    """Return the hashes that a file of this text may have: with a mark, with other line ends."""
    forms = (text, text.replace("\n", "\r\n"))
    marks = (b"", b"\xef\xbb\xbf")
    return {hashlib.sha256(mark + form.encode()).hexdigest() for form in forms for mark in marks}


def _on_disk(what: str, audit: Audit, root: Path, given: Sequence[Path]) -> Iterator[Line]:
    for path in given:
        same = _sha256(path) == audit.policy.sha256
        said = f"{path.name} is {'the policy' if same else 'another text than the policy'} audited"
        yield (held if same else broken)(what, said)
    place = root / audit.policy.path
    if given or not place.is_file():
        return
    if _sha256(place) == audit.policy.sha256:
        yield held(what, f"{audit.policy.path} is still the same file")
    else:
        said = "was changed since, or the record was: name the right one with --policy=PATH"
        yield untold(what, f"{audit.policy.path} {said}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _asked(what: str, audit: Audit, record: Record, root: Path) -> Line:
    """Return whether every finding was held to what the policy's text asks."""
    policy = _read(audit, record, root)
    if isinstance(policy, str):
        return untold(what, f"what it asks: {policy}")
    faults = list(_faults(policy, audit, record))
    if not faults:
        number = len(audit.findings)
        verb = "finding is" if number == 1 else "findings are"
        return held(what, f"{number} {verb} held to what its text asks")
    if audit.policy.extends:
        return untold(what, f"{faults[0]}; a file that it extends may have changed")
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return broken(what, f"{faults[0]}{more}")


def _read(audit: Audit, record: Record, root: Path) -> Policy | str:
    """Read the policy again, from the record's text or, on top of others, from its file."""
    place, command = root / audit.policy.path, record.run.command
    try:
        if not audit.policy.extends:
            return _from_text(audit.policy.text, command)
        if not place.is_file() or _sha256(place) != audit.policy.sha256:
            return "it extends files that are not here; name their folder with --root=DIR"
        return _loaded(place, root, command)
    except AipmError as fault:
        return f"this installation cannot read it ({fault.problems[0].what})"


@lru_cache(maxsize=8)
def _from_text(text: str, command: str) -> Policy:
    """Read a policy that stands alone from its text."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.aipm.yaml"
        copy.write_text(text, encoding="utf-8", newline="\n")
        return _loaded(copy, Path(folder), command)


def _loaded(path: Path, root: Path, command: str) -> Policy:
    if command != BY_API:
        return load_policy(path, root=root, catalog=catalog(), given=_replaced(command))
    first: PolicyError | None = None
    for names in GIVEN:
        try:
            return load_policy(path, root=root, catalog=catalog(), given=dict.fromkeys(names))
        except PolicyError as fault:
            first = first or fault
    assert first is not None  # noqa: S101 - none of them was read
    raise first


def _replaced(command: str) -> dict[str, str | None]:
    """Return what options of the run put in the place of what the policy names."""
    try:
        words = shlex.split(command)
    except ValueError:
        return {}
    pairs = (word.partition("=") for word in words)
    names = {"--aipm-model": "model", "--aipm-data": "data"}
    return {names[option]: value for option, _, value in pairs if option in names}


def _faults(policy: Policy, audit: Audit, record: Record) -> Iterator[str]:
    nodes = {node.finding_id: node for node in policy.nodes()}
    found = {finding.id: finding for finding in audit.findings}
    for name in found.keys() - nodes.keys():
        yield f"{name} is no finding of this policy"
    if not record.partial:
        for name in nodes.keys() - found.keys():
            yield f"{name} is asked for and has no finding"
    order = [name for name in nodes if name in found]
    if order != [name for name in found if name in nodes]:
        yield "its findings stand in another order than the policy's checks"
    for name, finding in found.items():
        if name in nodes:
            own = this_version(record) and is_built_in(finding.check)
            docs = catalog().docs(finding.check) if own else None
            yield from _finding(policy, finding, nodes[name], docs)
    yield from _head(policy, audit, record)


def _finding(policy: Policy, finding: Finding, node: Node, docs: Docs | None) -> Iterator[str]:
    """Yield where a finding was not held to what its check asks."""
    spec = policy.check(node.check_id)
    own = spec.path in ("", policy.path)
    meant: dict[str, Any] = {
        "check": spec.check,
        "check_id": spec.id,
        "scope": node.scope,
        "severity": spec.severity,
        "kind": spec.kind,
        "unit": spec.unit,
        "limit": spec.limit,
        "warn": spec.warn,
        "decide_on": spec.decide_on,
        "confidence": spec.confidence,
        "asked": asked_of(spec, node.scope),
        "clauses": spec.clauses,
        "policy_line": spec.line if own else None,
    }
    if docs is not None:
        meant["docs"] = docs
    for key, value in meant.items():
        where = different(getattr(finding, key), value, key)
        if where is not None:
            yield f"{finding.id}: {where.at} reads {where.written}, the text {where.again}"


def _head(policy: Policy, audit: Audit, record: Record) -> Iterator[str]:
    """Yield where the head of the audit says other things than the policy."""
    root = Path(tempfile.gettempdir()) / "aipm-nowhere"
    settings = Settings(root=root, policies=(), report=root / REPORT, baseline=root / BASELINE)
    plan = Plan(settings, (policy,), catalog(), Trust())
    head = header_of(plan, policy, None)
    pairs: list[tuple[str, Any, Any]] = [
        ("name", audit.policy.name, policy.name),
        ("context", audit.context, head.context),
        ("min_cell", audit.policy.min_cell, policy.publish.min_cell),
        ("rows", audit.policy.rows or 0, policy.publish.rows),
        ("loosened", audit.policy.loosened, policy.loosened),
        ("extends", audit.policy.extends, policy.extends),
    ]
    if audit.subject is not None and head.subject is not None:
        keys: tuple[str, ...] = SUBJECT  # a caller in Python may have brought others than it names
        own = _named(audit.subject) == _named(head.subject)
        if record.run.command != BY_API or own:
            keys += DECISION
            pairs.append(("model and data", _named(audit.subject), _named(head.subject)))
        pairs += [(key, getattr(audit.subject, key), getattr(head.subject, key)) for key in keys]
    for name, written, again in pairs:
        where = different(written, again, name)
        if where is not None:
            yield f"{where.at} reads {where.written}, the text {where.again}"
    if this_version(record):
        yield from _untested(audit, head)


def _named(subject: Subject) -> list[str]:
    """Return which model and which rows, as one reads their names."""
    train = [] if subject.train is None else [subject.train.ref]
    return [os.path.normpath(ref) for ref in (subject.model.ref, subject.data.ref, *train)]


def _untested(audit: Audit, head: Audit) -> Iterator[str]:
    """Yield checks of this package that are left out in silence."""
    listed, meant = (
        [each for each in told.not_tested if is_built_in(each.check)] for told in (audit, head)
    )
    for each in meant:
        if each not in listed:
            yield f"{each.check} is not asked for, and not listed as not tested"
            return
    if listed != meant:
        yield "what is not tested is listed otherwise than this package has it"
