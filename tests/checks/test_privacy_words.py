"""What the privacy checks may say of what they did not find: no evidence of it, and no more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = sorted((ROOT / "pytest_aipm/checks/privacy").glob("*.py"))
PROMISE = re.compile(r"\b(?:safe(?:ly|ty)?|secure(?:ly)?|anonymous|anonymi[sz]ed)\b", re.IGNORECASE)
DENIED = re.compile(r"\b(?:no|not|none|never|meant to be)\b", re.IGNORECASE)


def sentences(text: str) -> Iterator[str]:
    for each in re.split(r"(?<=[.:;?])\s+|\n\s*\n|\n- |\|", text):
        yield " ".join(each.split())


def promises(text: str) -> list[str]:
    """Return the sentences that call something safe without denying it."""
    return [each for each in sentences(text) if PROMISE.search(each) and not DENIED.search(each)]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("The model is safe.", 1),
        ("No evidence was found. It is safe to publish.", 1),
        ("- Not shown is not safe from it.", 0),
        ("The table is anonymous", 1),
        ("no evidence of training rows inside the model", 0),
    ],
)
def test_a_promise_would_be_found(text: str, made: int) -> None:
    assert len(promises(text)) == made


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_no_reason_and_no_page_of_a_check_promises_safety(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = [
        each.value
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    assert said
    assert [found for text in said for found in promises(text)] == []


def test_nor_does_the_page_of_the_family() -> None:
    page = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    assert promises(page) == []
    assert 'a pass reads "no evidence of"' in " ".join(page.split())
