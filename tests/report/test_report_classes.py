"""Findings of several classes in every published view: hostile names, many classes, small cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.records import Record
from pytest_aipm.report.publish import publishable
from pytest_aipm.report.words import WITHHELD

HOSTILE = ("<script>alert(1)</script>", "a\u202egpj|*_`[x](y)", "\x1b[31mred " + "x" * 10_000, " ")
TPR = {"check": "fairness.equal_opportunity_difference", "limit": {"max": 0.9}}
PARITY = {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.9}}


def audit(frame: pd.DataFrame, *checks: dict[str, Any], root: Path, **subject: Any) -> Record:
    whole = {"task": "multiclass", "label": "y", "predictions": "pred", "protected": {"sex": "sex"}}
    policy = {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "test", "owner": "tests@example.org"},
        "subject": {**whole, **subject},
        "checks": [{"id": f"c{i}", **each} for i, each in enumerate(checks)],
    }
    return pytest_aipm.audit(policy, root=root, data=frame)


def rows(classes: tuple[Any, ...], n: int = 800, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(classes), n)
    wrong = rng.random(n) < 0.3
    predicted = np.where(wrong, rng.integers(0, len(classes), n), label)
    named = np.array(classes, dtype=object)
    return pd.DataFrame(
        {"sex": rng.choice(["f", "m"], n), "y": named[label], "pred": named[predicted]}
    )


def test_hostile_names_of_classes_are_escaped_or_shortened(tmp_path: Path) -> None:
    record = audit(rows(HOSTILE), TPR, PARITY, root=tmp_path)
    record.write(tmp_path / "report")
    for path in (tmp_path / "report").iterdir():
        text = path.read_text(encoding="utf-8")
        if path.name == "audit.json":
            continue
        assert "<script>alert" not in text or path.suffix != ".html"
        assert "\x1b" not in text, path.name
        assert "\u202e" not in text, path.name
        assert "x" * 1000 not in text, path.name
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert len(page) < 200_000


def test_many_classes_leave_the_page_small(tmp_path: Path) -> None:
    classes = tuple(f"c{i:03d}" for i in range(200))
    record = audit(rows(classes, 6000), TPR, PARITY, root=tmp_path)
    assert len(record.findings[0].groups) == 400
    shown = publishable(record).findings[0]
    assert len({group.part for group in shown.groups}) == 6
    assert "the 6 worst of 200 rates are shown; the others are nearer to equal" in shown.notes
    record.write(tmp_path / "report")
    assert (tmp_path / "report" / "index.html").stat().st_size < 120_000


@pytest.fixture
def few() -> pd.DataFrame:
    """Three women are labelled gold; everything else is plenty."""
    blocks = [
        ("f", "gold", "gold", 2),
        ("f", "gold", "tin", 1),
        ("f", "silver", "silver", 40),
        ("f", "silver", "tin", 20),
        ("f", "tin", "tin", 70),
        ("f", "tin", "silver", 30),
        ("m", "gold", "gold", 40),
        ("m", "gold", "tin", 30),
        ("m", "silver", "silver", 50),
        ("m", "silver", "gold", 20),
        ("m", "tin", "tin", 60),
        ("m", "tin", "gold", 30),
    ]
    return pd.concat(
        [
            pd.DataFrame({"sex": [sex] * n, "y": [y] * n, "pred": [pred] * n})
            for sex, y, pred, n in blocks
        ],
        ignore_index=True,
    )


def test_a_small_cell_of_a_class_takes_two_others_with_it(
    few: pd.DataFrame, tmp_path: Path
) -> None:
    """Rows decided right, of all classes, are published: one class less would be a difference."""
    right = {"check": "fairness.accuracy_difference", "limit": {"max": 0.9}}
    each = [{**TPR, "class": name} for name in ("gold", "silver", "tin")]
    record = publishable(audit(few, TPR, right, *each, root=tmp_path))
    women = {group.part: group for group in record.findings[0].groups if group.group["sex"] == "f"}
    for part, group in women.items():
        assert group.numerator is None, part
        assert group.note.startswith(WITHHELD)
    for finding in record.findings[2:]:
        woman = next(group for group in finding.groups if group.group["sex"] == "f")
        assert woman.numerator is None
    known = [group.numerator for group in record.findings[1].groups]
    assert None not in known


def test_the_small_cell_keeps_more_than_one_value(few: pd.DataFrame, tmp_path: Path) -> None:
    """Whatever is published of women, two and one of the three could both be decided gold."""
    record = publishable(audit(few, TPR, {**PARITY}, root=tmp_path))
    for finding in record.findings:
        shown = [g for g in finding.groups if g.group["sex"] == "f" and g.numerator is not None]
        parts = {g.part for g in finding.groups}
        if finding.check == TPR["check"]:
            assert len(parts) - len(shown) >= 3
