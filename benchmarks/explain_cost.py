"""CPU seconds of explanations, beside shap's model-agnostic default in the same run.

A forest and a gradient boosting of 100 trees on 20 columns, 1,000 rows to explain, one thread.
Global: three checks on the same attributions (share, gap between groups, parsimony), everything
counted but the training. Local: attributions of single rows, walked until their four largest are
known. shap's `explainers.Permutation` is timed on a few rows with its defaults (100 background
rows) and scaled up. Errors a row are those against shap's exact trees, for the forest.

    python benchmarks/explain_cost.py [--rows 1000] [--shap-rows 3]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import table, versions
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

from pytest_aipm.attribution import local, players_of, walk
from pytest_aipm.catalog import Catalog
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Decision, Subject
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust
from pytest_aipm.stats.twoway import two_way

COLUMNS = [f"x{i}" for i in range(20)]


def world(train: int, rows: int) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Return training rows, their labels, and rows to explain with a group and a label."""
    x, y = make_classification(
        train + rows, 20, n_informative=10, n_redundant=4, random_state=0, flip_y=0.05
    )
    frame = pd.DataFrame(x, columns=COLUMNS)
    other = frame[train:].reset_index(drop=True).assign(y=y[train:])
    other["group"] = np.where(other["x0"] > 0, "high", "low")
    return frame[:train], y[:train], other


def clock(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of a call, and what it returned."""
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


def checked(model: Any, frame: pd.DataFrame, rows: int) -> None:
    """Run three checks on one set of attributions."""
    subject = Subject(
        task="binary",
        label="y",
        positive=1,
        favorable=1,
        decision=Decision(0.5, "above"),
        attributes=(Attribute("group", "group"),),
        features=tuple(COLUMNS),
    )
    opened = open_model(model, root=Path(), trusted=Trust.read(Path(), ()), positive=1)
    evidence = Evidence(subject, open_data(frame, root=Path()), model=opened, need_label=True)
    for name, keys in (
        ("attribution_share", {"of": ("x0",)}),
        ("gap_decomposition", {"by": ("group",), "of": ("x0",)}),
        ("parsimony", {}),
    ):
        module = Catalog().load(f"explain.{name}")
        found = module.check(evidence, module.Params(rows=rows, **keys))
        assert found.estimate is not None


def costs(model: Any, frame: pd.DataFrame, *, rows: int, shap_rows: int) -> tuple[float, ...]:
    """Return CPU seconds: global, local, and shap's for as many rows."""
    import shap  # noqa: PLC0415 - seconds, after the clock of ours

    inputs = frame[COLUMNS]

    def ask(given: pd.DataFrame) -> np.ndarray:
        return np.asarray(model.predict_proba(given)[:, 1])

    globally, _ = clock(lambda: checked(model, frame, rows))
    few, background = inputs[:rows].reset_index(drop=True), inputs[rows : rows + 16]
    locally, found = clock(
        lambda: local(
            ask,
            few,
            background.reset_index(drop=True),
            players_of(COLUMNS),
            k=4,
            rng=np.random.default_rng(0),
        )
    )
    masker = shap.maskers.Independent(inputs[-100:], max_samples=100)
    explainer = shap.explainers.Permutation(
        lambda x: ask(pd.DataFrame(x, columns=COLUMNS)), masker, seed=0
    )
    explainer(inputs[:1])  # what it compiles on its first call is not counted
    theirs, _ = clock(lambda: explainer(inputs[:shap_rows]))
    return globally, locally, theirs / shap_rows * rows, float(found.settled.mean())


def errors(model: Any, frame: pd.DataFrame, rows: int) -> list[tuple[str, float, float]]:
    """Return relative errors a row and CPU seconds a row, ours and shap's, one background."""
    import shap  # noqa: PLC0415 - seconds, after the clock of ours

    inputs = frame[COLUMNS]
    background = inputs[-32:].reset_index(drop=True)
    few = inputs[:rows].reset_index(drop=True)
    exact = shap.TreeExplainer(model, background, model_output="probability")
    truth = np.asarray(exact.shap_values(few, check_additivity=False))[..., 1]

    def ask(given: pd.DataFrame) -> np.ndarray:
        return np.asarray(model.predict_proba(given)[:, 1])

    def error(found: np.ndarray) -> float:
        return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))

    lines = []
    for walks in (32, 64, 128):
        spent, made = clock(
            lambda walks=walks: walk(
                ask,
                few,
                background,
                players_of(COLUMNS),
                walks=walks,
                rng=np.random.default_rng(1),
            )
        )
        fit = two_way(made.values[..., 0], made.background, 32)
        lines.append((f"{walks} pairs of walks", error(fit.row), spent / rows))
    explainer = shap.explainers.Permutation(
        lambda x: ask(pd.DataFrame(x, columns=COLUMNS)),
        shap.maskers.Independent(background, max_samples=32),
        seed=0,
    )
    some = min(rows, 4)
    spent, made = clock(lambda: explainer(few[:some]))
    theirs = float(np.linalg.norm(made.values - truth[:some]) / np.linalg.norm(truth[:some]))
    lines.append(("shap Permutation, default", theirs, spent / some))
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--shap-rows", type=int, default=3)
    told = parser.parse_args()
    x, y, frame = world(3000, told.rows + 400)
    models = {
        "RandomForest(100)": RandomForestClassifier(n_estimators=100, random_state=0, n_jobs=1),
        "HistGradientBoosting(100)": HistGradientBoostingClassifier(random_state=0),
    }
    lines = []
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, model in models.items():
            model.fit(x, y)
            ours, single, theirs, settled = costs(
                model, frame, rows=told.rows, shap_rows=told.shap_rows
            )
            lines.append(
                (
                    name,
                    f"{ours:.2f}",
                    f"{theirs:.0f}",
                    f"{theirs / ours:.0f}",
                    f"{single:.1f}",
                    f"{settled:.0%}",
                )
            )
        by_row = errors(models["RandomForest(100)"], frame, 40)
    head = ("model", "global checks", "shap, scaled", "ratio", "local", "settled")
    print(table(head, lines))
    print()
    shown = [(how, f"{error:.3f}", f"{1000 * spent:.1f}") for how, error, spent in by_row]
    print(table(("forest, 32 background rows", "relative error a row", "CPU ms a row"), shown))
    print(f"\n{versions('numpy', 'pandas', 'scikit-learn', 'shap')}, CPU seconds of one thread")


if __name__ == "__main__":
    main()
