"""The benchmark of the data checks, in small."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from scipy.stats import binom

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name):
    """Import a benchmark: the folder is no package."""
    spec = importlib.util.spec_from_file_location(f"aipm_benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sys.path.insert(0, str(FOLDER))
bench = load("data")
sys.path.remove(str(FOLDER))

WRONG = int(binom.ppf(0.999, 60, 0.05))
"""Of 60 runs, as many may fail by chance."""


@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_a_gap_at_the_limit_rarely_fails_and_a_wide_one_is_found(rate):
    said = bench.missing("50/50", 2000, rate=rate, gap=0.05, columns=3, runs=60)
    assert said.count("breach") <= WRONG
    said = bench.missing("50/50", 2000, rate=rate, gap=0.15, columns=3, runs=10)
    assert said.count("breach") >= 9


def test_a_share_on_the_floor_rarely_fails_and_a_rare_class_is_found():
    said = bench.balance(1000, (0.8, 0.05, 0.05, 0.05, 0.05), runs=60)
    assert said.count("breach") <= WRONG
    assert bench.balance(1000, (0.98, 0.02), runs=20).count("breach") >= 18


@pytest.mark.parametrize(
    ("kind", "auc", "limit"),
    [("order", 0.9, 0.9), ("categories", 0.9, 0.9), ("nothing", 0.5, 0.55)],
)
def test_a_column_at_the_limit_rarely_fails(kind, auc, limit):
    said = bench.leaks(300, auc, limit=limit, kind=kind, runs=60)
    assert said.count("breach") <= WRONG


@pytest.mark.parametrize(
    ("kind", "told"), [("order", 0.99), ("categories", 0.99), ("number", 0.98)]
)
def test_a_column_that_gives_the_answer_away_is_found(kind, told):
    assert bench.leaks(2000, told, limit=0.95, kind=kind, runs=5).count("breach") == 5


def test_the_cost_of_every_check_is_told():
    spent = bench.costs(500)
    assert set(spent) == set(bench.MODEL_FREE)
    assert len(bench.frame(10).columns) == 50
