"""`--aipm-deep` runs the checks that refit the model; without it they say what they wait for."""

from __future__ import annotations

from typing import Any

import pytest

FACTORY = """
import numpy as np, pandas as pd
from sklearn.neighbors import KNeighborsClassifier

def rows(seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.random(400), "b": rng.random(400), "y": rng.integers(0, 2, 400)})

def train():
    return rows(0)

def evaluation():
    return rows(1)

def model():
    return KNeighborsClassifier(1).fit(train()[["a", "b"]], train()["y"])
"""
POLICY = """\
aipm: 1
name: deep
context: {purpose: Refit, owner: owner@example.org}
subject:
  task: binary
  model: {factory: "recipe:model"}
  data: {factory: "recipe:evaluation"}
  train: {factory: "recipe:train"}
  label: y
  positive: 1
checks:
  - {check: privacy.dp_audit, id: claim, guesses: 0.1, limit: {max: 1.0}}
  - {check: privacy.exchangeability, id: alike, limit: {max_auc: 0.9}}
"""


@pytest.fixture
def recipe(project: Any) -> Any:
    (project.path / "recipe.py").write_text(FACTORY)
    folder = project.path / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "deep.aipm.yaml").write_text(POLICY)
    return project


def verdicts(project: Any) -> dict[str, str]:
    (audit,) = project.record("aipm-report")["audits"]
    return {each["check_id"]: each["verdict"] for each in audit["findings"]}


def test_without_it_a_deep_check_is_not_judged_and_says_why(recipe: Any) -> None:
    result = recipe.run("--aipm-audit", "-rs")
    assert result.ret == 0, result.stdout.str()
    assert verdicts(recipe) == {"claim": "not_judged", "alike": "pass"}
    assert "--aipm-deep" in result.stdout.str()


@pytest.mark.parametrize("how", ["option", "ini"])
def test_with_it_the_model_is_refitted_and_the_command_says_so(recipe: Any, how: str) -> None:
    if how == "ini":
        recipe.ini("aipm_deep = true")
    result = recipe.run("--aipm-audit", *(["--aipm-deep"] if how == "option" else []))
    assert result.ret == 1, result.stdout.str()
    assert verdicts(recipe) == {"claim": "fail", "alike": "pass"}
    assert "--aipm-deep" in recipe.record("aipm-report")["run"]["command"]
