"""YAML of the documentation that speaks to pytest-aipm: policies, packs, waivers, sign-offs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docs_project import Project
from ruamel.yaml import YAML

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.policy import load_policy
from pytest_aipm.policy.grammar import CheckKeys, SubjectSpec
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.load import policy_from
from pytest_aipm.policy.sign_offs import load_sign_offs
from pytest_aipm.policy.waivers import load_waivers
from pytest_aipm.records import Verdict

__all__ = ["POLICY_KEYS", "fragment", "listed", "pack", "parsed", "whole_policy"]

POLICY_KEYS = {"aipm", "name", "extends", "pack", "context", "subject", "defaults", "publish"}
POLICY_KEYS |= {"checks"}
MINIMAL = """\
aipm: 1
name: fragment
context: {purpose: Complete a fragment, owner: reader@example.org}
subject:
  task: binary
  model: {factory: "pytest_aipm.demo.lending:fair_model"}
  data: {factory: "pytest_aipm.demo.lending:evaluation"}
  train: {factory: "pytest_aipm.demo.lending:training"}
  label: defaulted
  positive: 1
  favorable: 0
  decision: {threshold: 0.35, favorable_when: below}
  protected: {sex: sex, race: race}
checks:
  - {check: fairness.demographic_parity_ratio, id: selection-rate, limit: {min: 0.80}}
  - {check: fairness.equalized_odds_difference, id: odds, limit: {max: 0.10}}
"""
"""What a fragment is laid over; only the keys that it names change."""


def parsed(text: str) -> Any:
    """Return YAML as plain values."""
    return YAML(typ="safe").load(text)


def whole_policy(text: str, project: Project, place: Path | None) -> None:
    """Write a policy into the project, validate it and run it: everything can be measured."""
    path = place or project.path / "policies" / f"{parsed(text)['name']}.aipm.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    record = pytest_aipm.audit(path.relative_to(project.path), root=project.path)
    errors = [one.reason for one in record.findings if one.verdict is Verdict.ERROR]
    assert not errors, errors
    assert record.findings


def pack(text: str, project: Project, place: Path | None) -> None:
    """Write a pack and take it into a policy of its own."""
    path = place or project.path / "rules" / "house.aipm.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    value = parsed(MINIMAL) | {"extends": f"pack:{path.name.partition('.')[0]}", "checks": []}
    policy_from(
        value,
        path="policy",
        root=project.path,
        catalog=Catalog(),
        packs=Library(path.parent),
    )


def fragment(value: Any, project: Project) -> None:
    """Lay a part of a policy over a whole one, and read that."""
    whole = parsed(MINIMAL)
    if isinstance(value, list):
        value = {"checks": value}
    elif set(value) <= set(SubjectSpec.model_fields):
        value = {"subject": value}
    elif set(value) <= {*CheckKeys.model_fields, "limit", "warn", "regression", "by", "metric"}:
        value = {"checks": [whole["checks"][0] | value]}
    assert set(value) <= POLICY_KEYS, f"nobody knows what {sorted(value)} is a part of"
    _lay(value, whole)
    policy_from(value=whole, path="fragment", root=project.path, catalog=Catalog())


def _lay(upper: dict[str, Any], lower: dict[str, Any]) -> None:
    if {"predictions", "scores"} & upper.keys() and "task" not in upper and "model" in lower:
        del lower["model"]
        lower.pop("decision", None)
    if "task" in upper:  # a subject of its own
        lower.clear()
    for key, value in upper.items():
        below = lower.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and key != "protected":
            _lay(value, below)
        else:
            lower[key] = value


def listed(text: str, value: dict[str, Any], project: Project) -> None:
    """Write waivers or sign-offs where they belong, and read them with the project's policies."""
    if "waivers" in value:
        path = project.path / "policies" / "waivers.yaml"
        path.write_text(text, encoding="utf-8")
        policies = [
            load_policy(one, root=project.path, catalog=Catalog())
            for one in sorted((project.path / "policies").glob("*.aipm.yaml"))
        ]
        assert load_waivers(path, policies, root=project.path)
        return
    path = project.path / "policies" / "sign_offs.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_sign_offs(path, root=project.path)
