"""Small sibling of the cost of explanations: the same code on a small model, fixed seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from test_benchmarks_paired import load
from threadpoolctl import threadpool_limits

PAGE = Path(__file__).parents[2] / "docs/explainability.md"


@pytest.fixture(scope="module")
def bench():
    return load("explain_errors")


def world() -> tuple[pd.DataFrame, np.ndarray]:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 9)), columns=list("abcdefghi"))
    return frame, (frame["a"] * frame["b"] * frame["c"] + frame["d"] > 0).to_numpy(dtype=int)


def test_a_curve_is_straight_on_logarithmic_scales_and_ends_where_it_ends(bench) -> None:
    curve = bench.Curve(["few", "many"], [0.4, 0.1], [1.0, 16.0])
    assert curve.cost(0.4) == pytest.approx(1)
    assert curve.cost(0.2) == pytest.approx(4), "half the error, four times the work"
    assert curve.cost(0.5) is None
    assert curve.cost(0.09) is None


@pytest.mark.parametrize(
    "model", [HistGradientBoostingClassifier(max_iter=10), RandomForestClassifier(10)]
)
@pytest.mark.filterwarnings("ignore")  # what shap imports for its plots warns
@threadpool_limits.wrap(limits=1)
def test_more_work_comes_nearer_to_the_truth_for_both(bench, monkeypatch, model) -> None:
    monkeypatch.setattr(bench, "ROWS", {16: 6})
    monkeypatch.setattr(bench, "LONG", {16: 24})
    frame, y = world()
    model.set_params(random_state=0).fit(frame, y)
    target = bench.Target(model, frame, 16)
    assert (target.spare > 0) == isinstance(model, HistGradientBoostingClassifier)
    few, much, more = (
        target.measured(way, 3)[0]
        for way in (
            lambda seed: target.walked(4, seed),
            lambda seed: target.chosen(1, seed).mean(axis=(1, 2)),
            lambda seed: target.chosen(4, seed).mean(axis=(1, 2)),
        )
    )
    assert few > much > more > 0
    plain = type(model)(**model.get_params()).fit(frame.to_numpy(), y)
    explain, before = bench.permutation(plain, target), np.random.get_state()  # noqa: NPY002
    short, long = (
        target.measured(lambda seed, c=c: explain(seed, target.rows, c), 3)[0] for c in (1, 16)
    )
    assert short > long
    assert long < 0.3, "both explain the same"
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_every_table_has_its_place_on_the_page(tmp_path) -> None:
    cost = load("explain_cost")
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("costs", "equal error", "curves", "short cuts"):
        cost.written(page, name, f"| the table of {name} |")
    text = page.read_text(encoding="utf-8")
    assert text.count("| the table of ") == 4
    assert "<!-- false fails -->" in text
