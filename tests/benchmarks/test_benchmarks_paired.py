"""Small siblings of the benchmarks of paired comparisons: fixed seeds, the same code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def load(name):
    """Import a benchmark: the folder is no package."""
    path = Path(__file__).parents[2] / f"benchmarks/{name}.py"
    spec = importlib.util.spec_from_file_location(f"aipm_benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_harmed_group_and_a_doubled_gap_are_proven():
    paired = load("paired")
    harmed, _, doubled, _ = paired.POWER
    group, disparity, _ = paired.shares(harmed, 120)
    assert group >= 0.85
    assert disparity < 0.5  # equal before: which way the gap turned is not known so well
    _, disparity, unpaired = paired.shares(doubled, 80)
    assert disparity >= 0.95
    assert unpaired < 0.4


@pytest.mark.parametrize("number", range(6))
def test_changes_within_the_tolerance_are_seldom_proven_worse(number):
    paired = load("paired")
    # 9 of 100 and fewer: the 99th percentile of a true rate of 5 %, which is 10 of 100
    assert max(paired.shares(paired.HARMLESS[number], 100)) <= 0.10


def test_honest_retrains_seldom_turn_a_policy_red(monkeypatch):
    retrains = load("retrains")
    monkeypatch.setattr(retrains, "HOLDOUTS", (1800,))
    result = retrains.run("LogisticRegression", 30, training=2000)[1800]
    assert result.red[0.02] <= 0.10
    assert result.red[0.0] > result.red[0.02]
    assert 0 < result.churn < 0.10
    assert 0 < result.spread < 0.15


def test_a_retrain_that_forgets_a_group_turns_the_policy_red():
    """The same comparison does see harm: the new model refuses a third more of one group."""
    import numpy as np

    retrains = load("retrains")
    block = retrains.Holdout.drawn(20_000, 5)
    model = retrains.fitted("LogisticRegression", 1, 3000)
    old = retrains.refuses(model, block)
    codes, names = block.groups["race"]
    birch = codes == names.index("Birch")
    new = old | (birch & (np.arange(20_000) % 10 == 0))
    red = [retrains.worse(*each, 0.02) for each in retrains.changes(block, new, old, paired=True)]
    assert len(red) == 12
    assert sum(red) >= 4
