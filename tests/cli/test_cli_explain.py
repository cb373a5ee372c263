"""``aipm explain``: what is written down about checks."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest

from pytest_aipm.catalog import Catalog

CHECKS = Catalog().names()


def test_every_check_is_listed_with_its_title(aipm):
    said = aipm("explain")
    catalog = Catalog()
    assert said.code == 0
    for name in CHECKS:
        (line,) = (line for line in said.out.splitlines() if line.split()[:1] == [name])
        assert line.endswith(catalog.docs(name).title)
    families = [line for line in said.out.splitlines() if line and not line.startswith(" ")]
    assert families[:-1] == sorted({name.partition(".")[0] for name in CHECKS})
    assert families[-1] == f"{len(CHECKS)} checks; `aipm explain CHECK` shows one."


def test_a_check_is_explained_in_its_own_words(aipm):
    said = aipm("explain", "fairness.demographic_parity_ratio")
    docs = Catalog().docs("fairness.demographic_parity_ratio")
    titles = [line for line in said.out.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "fairness.demographic_parity_ratio",
        docs.title,
        "Question",
        "How it is measured",
        "When it misleads",
        "What to do",
        "In a policy",
        "Groups and limit",
        "Parameters",
        "Every check also takes",
        "Sources",
    ]
    for text in (docs.question, docs.how, docs.misleads, docs.todo, docs.sources):
        assert all(line in said.out for line in text.splitlines())
    assert (
        "  limit: {min, max}; default {min: 0.80} (four-fifths rule, 29 CFR 1607.4(D))" in said.out
    )
    assert "  at_least: number above 0 and below 1; optional\n      Smallest share" in said.out
    assert "  confidence: number above 0.5 and below 1; default 0.95\n      Level of" in said.out


def test_parameters_are_said_as_a_policy_writes_them(aipm):
    said = aipm("explain", "fairness.group_metric")
    assert "  metric: text; required\n" in said.out
    assert "  compare: difference | ratio | worst_group; default difference\n" in said.out
    assert "limit: {min, max}; no default: the policy says what is good enough" in said.out
    assert (
        "- {check: fairness.group_metric, metric: ..., by: ATTRIBUTE, limit: {max: ...}}"
        in said.out
    )


def test_another_unit_and_no_groups_are_said(aipm):
    said = aipm("explain", "privacy.membership_inference")
    assert "limit: {min, max, min_auc, max_auc}; default {max: 1}" in said.out
    assert "by: takes none" in said.out
    assert "Parameters\n  None of its own.\n" in said.out


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_can_be_explained(aipm, name):
    said = aipm("explain", name)
    assert (said.code, said.err) == (0, "")
    assert "any value" not in said.out


def test_an_unknown_check_names_its_nearest_neighbour(aipm):
    said = aipm("explain", "fairness.equal_opportunity_diff")
    assert said.code == 4
    assert said.err == (
        "unknown check 'fairness.equal_opportunity_diff'; "
        "did you mean 'fairness.equal_opportunity_difference'?\n"
    )


OWN = """\
'''Share of decisions that a person took back.

## Question
Are people heard?
'''
from enum import Enum

from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Needs

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"


class Where(Enum):
    HERE = "here"
    THERE = "there"


class Base(CheckParams):
    column: str = Field(default="back", description="Column that says so.")


class Params(Base):
    where: Where = Where.HERE
    within: int = Field(default=7, ge=1, alias="days")


def check(evidence, params): ...
"""


def test_a_check_of_ones_own_needs_no_optional_constant(aipm, tmp_path, monkeypatch):
    (tmp_path / "overrides.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = SimpleNamespace(name="oversight.overrides", value="overrides")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    said = aipm("explain")
    assert "oversight\n  oversight.overrides " in said.out
    said = aipm("explain", "oversight.overrides")
    assert (said.code, said.err) == (0, "")
    assert "  tasks: binary\n  limit: {min, max}; no default" in said.out
    assert "  column: text; default back\n      Column that says so.\n" in said.out
    assert "  where: here | there; default here\n" in said.out
    assert "  days: whole number at least 1; default 7\n" in said.out
    assert "- {check: oversight.overrides, limit: {max: ...}}" in said.out


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("fairness.equalized_odds_ratio", "min"),
        ("fairness.individual_consistency", "min"),
        ("explain.recourse", "min"),
        ("explain.surrogate_fidelity", "min"),
        ("explain.stability", "max"),
        ("fairness.calibration_gap", "max"),
        ("fairness.equalized_odds_difference", "max"),
    ],
)
def test_the_line_to_copy_limits_the_end_that_is_bad(aipm, name, end):
    line = next(x for x in aipm("explain", name).out.splitlines() if "- {check" in x)
    assert f"limit: {{{end}:" in line
