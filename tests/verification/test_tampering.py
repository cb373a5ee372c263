"""One field changed anywhere is found; what follows from other fields even when all hashes fit."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tampering import Tampered, places, tampered

from pytest_aipm.records import Audit, Finding, Record
from pytest_aipm.verification import Asked, State, rejudged, verified
from pytest_aipm.verification.folder import Folder
from pytest_aipm.verification.remeasured import remeasured
from pytest_aipm.verification.verify import record_lines

FREE = (
    "run",  # when, from what, with which libraries; only a signature vouches for these
    "timing",
    "partial",  # a run that was interrupted at its last check is partial, too
    "audits.subject.model.sha256",
    "audits.subject.model.trusted_by",
    "audits.subject.model.kind",
    "audits.subject.data.sha256",
    "audits.subject.data.joined",
    "audits.findings.notes",
    "audits.warnings",
)
"""Fields that nothing else in the record tells; `--model` and `--data` tell the hashes."""

OF_SCORES = ("value", "interval", "reason", "sizes", "n", "formula", "method", "series")
"""What a finding that rests on scores or resampled rows alone knows."""


@pytest.fixture
def meddle(record: Record) -> Iterator[Any]:
    content = json.loads(record.to_json())
    spots = list(places(content))

    def some(number: int, seed: int) -> Iterator[Tampered]:
        rng = random.Random(seed)
        for _ in range(number):
            yield tampered(content, spots, rng)

    return some


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure each finding again once: only one of them was changed."""
    known: dict[str, Any] = {}

    def once(finding: Finding, audit: Audit, *, seed: int) -> Any:
        told = "" if audit.subject is None else audit.subject.model_dump_json()
        key = f"{finding.model_dump_json()}{told}{seed}"
        if key not in known:
            known[key] = remeasured(finding, audit, seed=seed)
        return known[key]

    monkeypatch.setattr(rejudged, "remeasured", once)


def broken(lines: Any) -> list[str]:
    return [line.what for line in lines if line.state is State.BROKEN]


def test_as_it_was_written_all_of_it_holds(asked: Asked) -> None:
    assert broken(verified(asked)) == []
    said = {line.what: line.said for line in verified(asked) if line.state is State.HELD}
    assert said["verdicts"] == "5 of 6 verdicts re-derived from counts"
    assert said["sign-offs"] == "1 sign-off as in policies/sign_offs.yaml, 1 of this record"


def test_a_thousand_single_changes_of_a_record_are_all_found(
    meddle: Any, folder: Path, tmp_path: Path
) -> None:
    for name in ("manifest.json", "index.html", "audit.css", "summary.md"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    looked = Folder(tmp_path, "report")
    for changed in meddle(1000, seed=1):
        (tmp_path / "audit.json").write_text(json.dumps(changed.content), encoding="utf-8")
        assert "audit.json" in broken(looked.lines()), changed.path


def test_the_whole_verification_finds_them_too_and_never_breaks_down(
    meddle: Any, folder: Path, tmp_path: Path, asked: Asked
) -> None:
    for name in ("manifest.json", "index.html", "audit.css", "summary.md"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    for changed in meddle(20, seed=2):
        (tmp_path / "audit.json").write_text(json.dumps(changed.content), encoding="utf-8")
        lines = verified(Asked(folder=tmp_path, shown="report", root=asked.root))
        assert "audit.json" in broken(lines), changed.path


@pytest.mark.usefixtures("remembered")
def test_what_can_be_derived_is_found_although_every_hash_and_page_was_made_anew(
    meddle: Any, record: Record, asked: Asked
) -> None:
    """The hardest case: whoever changed a field wrote the folder anew by this very package."""
    found, missed, total = 0, [], 0
    for changed in meddle(250, seed=3):
        try:
            made = Record.from_json(json.dumps(changed.content))
        except ValueError:  # what is no record of this version cannot be written
            found, total = found + 1, total + 1
            continue
        made = made.with_digest()
        if made == record:  # a hash that was changed is made anew, too
            continue
        total += 1
        if broken(record_lines(made, asked)):
            found += 1
        else:
            missed.append(changed)
    assert [each.path for each in missed if not free(each, record)] == []
    assert found / total > 0.95  # see the docs for the share of 1,000


def free(changed: Tampered, record: Record) -> bool:
    """Whether nothing else in the record tells this field."""
    if changed.field.startswith(FREE):
        return True
    if changed.path == ("sign_offs",):  # left out: it may be younger than the report
        return True
    if changed.field.startswith("audits.findings."):
        finding = record.audits[0].findings[changed.path[3]]  # type: ignore[index]
        return finding.check_id == "f1" and changed.field.split(".")[2] in OF_SCORES
    return False
