"""What pages list by hand is complete, and names only what there is."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from docs_pages import PAGES, ROOT
from docs_policies import POLICY_KEYS
from markdown_it import MarkdownIt
from pydantic import BaseModel

from pytest_aipm.catalog import Catalog
from pytest_aipm.policy import grammar
from pytest_aipm.policy.grammar import INTERNAL, CheckKeys, SubjectSpec
from pytest_aipm.policy.waivers import WaiverEntry as WaiverKeys

POLICY = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
SHAPES = sorted(
    (one for one in vars(grammar).values() if isinstance(one, type) and issubclass(one, BaseModel)),
    key=lambda one: one.__name__,
)
UNWRITTEN = INTERNAL | {"ref"}
"""Fields that are filled from a short form and that nobody writes."""


def codes(text: str) -> set[str]:
    """Return the words that stand in code, inside braces and lists, too."""
    return set(re.findall(r"\w+", " ".join(re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL))))


def test_the_policy_page_names_every_key_of_the_grammar() -> None:
    named = codes(POLICY)
    assert {SubjectSpec, CheckKeys} <= set(SHAPES)
    assert len(SHAPES) > 10
    for shape in (*SHAPES, WaiverKeys):
        missing = set(shape.model_fields) - UNWRITTEN - named
        assert not missing, f"{shape.__name__}: {sorted(missing)}"
    assert named >= POLICY_KEYS


def test_a_key_that_the_policy_page_does_not_name_would_be_found() -> None:
    assert not {"no_such_key", "thresholds"} & codes(POLICY)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_checks_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    families = {name.partition(".")[0] for name in Catalog().names()}
    own = {"performance.approval_rate"}  # the check that a reader writes
    for name in re.findall(r"`([a-z]+\.[a-z][a-z_]+)`", text):
        if name.partition(".")[0] in families:
            assert name in {*Catalog().names(), *own}, name


def slugs(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    tokens = MarkdownIt().parse(path.read_text(encoding="utf-8"))
    pairs = [(one.type, below.content) for one, below in pairwise(tokens)]
    heads = [
        re.sub(r"[`*]|\]\([^)]*\)", "", text) for kind, text in pairs if kind == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_lead_to_one_when_read_as_plain_markdown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*\.md)?#([^)\s]+)\)", text):
        place = page.parent / target if target else page
        assert anchor in slugs(place), f"{target}#{anchor}"
