"""CPU seconds of explanations, beside shap's model-agnostic default in the same run.

A forest and a gradient boosting of 100 trees on 20 columns, 1,000 rows to explain, one thread.
Global: three checks on the same attributions (share, gap between groups, parsimony), everything
counted but the training. Local: attributions of single rows, sampled until their four largest are
known; on `--local-rows` of them, scaled up. shap's `explainers.Permutation` is timed on a few rows
with its defaults (100 background rows) and scaled up. At equal error a row: shap is given as many
evaluations as it takes to come as near to the exact values of the forest, or to a long run of the
boosting, on the same background. Short cuts: exact values beside sampled ones.

    python benchmarks/explain_cost.py [--rows 1000] [--local-rows 1000] [--shap-rows 3]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from harness import table, versions
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from pytest_aipm.attribution import Budget, local, players_of
from pytest_aipm.attribution.coalitions import Coalitions
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.shortcuts import shortcut
from pytest_aipm.catalog import Catalog
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Attribute, Decision, Subject
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.model import open_model
from pytest_aipm.sources.trust import Trust

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


def costs(
    model: Any, frame: pd.DataFrame, *, rows: int, local_rows: int, shap_rows: int
) -> tuple[float, ...]:
    """Return CPU seconds: global, local, shap's for as many rows; and the share that is settled."""
    import shap  # noqa: PLC0415 - seconds, after the clock of ours

    inputs = frame[COLUMNS]

    def ask(given: pd.DataFrame) -> np.ndarray:
        return np.asarray(model.predict_proba(given)[:, 1])

    globally, _ = clock(lambda: checked(model, frame, rows))
    few, background = inputs[:local_rows].reset_index(drop=True), inputs[rows : rows + 16]
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
    locally *= rows / local_rows
    return globally, locally, theirs / shap_rows * rows, float(found.settled.mean())


def errors(model: Any, frame: pd.DataFrame, rows: int) -> list[tuple[str, float, float]]:
    """Return relative errors a row and CPU seconds a row, ours and shap's, one background."""
    import shap  # noqa: PLC0415 - seconds, after the clock of ours

    inputs, players = frame[COLUMNS], players_of(COLUMNS)
    background = inputs[-32:].reset_index(drop=True)
    few = inputs[:rows].reset_index(drop=True)
    some, everyone = few[: min(rows, 8)], np.arange(rows)

    def ask(given: pd.DataFrame) -> np.ndarray:
        return np.asarray(model.predict_proba(given)[:, 1])

    pool = Pool(few, background, players)
    ends = pool.ends(ask, Budget())[:, 0]

    def sampled(rounds: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        own = Coalitions(ask, pool, ends, most=rounds, rng=rng)
        return own.rounds(everyone, rounds, Budget())

    known, spare = shortcut(ask, model, few, background, players), 0.0
    if known is None:
        long = sampled(48, 9)
        truth = long.mean(axis=(1, 2))
        # what the long run itself is away from the truth, on average
        spare = float((long.var(axis=1, ddof=1).mean(axis=1) / (48 * 32)).sum())
    else:
        truth = known[:, :, 0]

    def error(found: np.ndarray) -> float:
        part = truth[: len(found)]
        square = float(((found - part) ** 2).sum()) - spare * len(found) / rows
        return float(np.sqrt(max(square, 0.0) / (part**2).sum()))

    explainer = shap.explainers.Permutation(
        lambda x: ask(pd.DataFrame(x, columns=COLUMNS)),
        shap.maskers.Independent(background, max_samples=32),
        seed=0,
    )
    default = 10 * (2 * len(COLUMNS) + 1)
    explainer(few[:1])
    lines = []
    for rounds in (1, 2, 4):
        spent, made = clock(lambda rounds=rounds: sampled(rounds, 1))
        how = f"{76 * rounds} mixed rows for each background row"
        lines.append((how, error(made.mean(axis=(1, 2))), spent / rows))
    spent, made = clock(lambda: explainer(some))
    lines.append(("shap Permutation, default", error(made.values), spent / len(some)))
    more = int(np.ceil((lines[-1][1] / lines[1][1]) ** 2))
    spent, made = clock(lambda: explainer(some, max_evals=more * default))
    lines.append((f"shap Permutation, {more} x evaluations", error(made.values), spent / len(some)))
    return lines


def short_cuts(x: pd.DataFrame, y: np.ndarray, frame: pd.DataFrame, rows: int) -> list[Any]:
    """Return CPU seconds of exact values and of sampled ones, for as many rows."""
    inputs = frame[COLUMNS]
    background = inputs[-16:].reset_index(drop=True)
    few, all_of_them = (inputs[:n].reset_index(drop=True) for n in (min(rows, 100), rows))
    trees = {"n_estimators": 100, "n_jobs": 1}
    models = (
        ("RandomForest(100), probability", RandomForestClassifier(random_state=0, **trees)),
        ("logistic regression, log-odds", LogisticRegression()),
        ("GradientBoosting(100), log-odds", GradientBoostingClassifier(random_state=0)),
        ("LightGBM(100), log-odds", lightgbm.LGBMClassifier(verbose=-1, **trees)),
        ("XGBoost(100), log-odds", xgboost.XGBClassifier(**trees)),
    )
    lines = []
    for name, model in models:
        model.fit(x, y)
        margin = "log-odds" in name

        def ask(given: pd.DataFrame, model: Any = model, margin: bool = margin) -> np.ndarray:
            chance = np.asarray(model.predict_proba(given)[:, 1], dtype=float)
            return np.log(chance) - np.log1p(-chance) if margin else chance

        def run(some: pd.DataFrame, known: Any, ask: Any = ask) -> Any:
            rng = np.random.default_rng(0)
            return local(ask, some, background, players_of(COLUMNS), k=4, rng=rng, model=known)

        run(few[:4], model)  # what is loaded on the first call is not counted
        exact, found = clock(lambda model=model: run(all_of_them, model))
        assert found.walks.max() == 0
        sampled, _ = clock(lambda: run(few, None))
        sampled *= rows / len(few)
        lines.append((name, f"{exact:.2f}", f"{sampled:.1f}", f"{sampled / exact:.0f}"))
    return lines


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--local-rows", type=int, default=1000)
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
                model,
                frame,
                rows=told.rows,
                local_rows=min(told.rows, told.local_rows),
                shap_rows=told.shap_rows,
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
        by_row = {name: errors(model, frame, 24) for name, model in models.items()}
        exact = short_cuts(x, y, frame, told.rows)
    head = ("model", "global checks", "shap, scaled", "ratio", "local", "settled")
    print(table(head, lines))
    print()
    shown = [
        (name, how, f"{error:.3f}", f"{1000 * spent:.1f}")
        for name, lines in by_row.items()
        for how, error, spent in lines
    ]
    head = ("32 background rows", "how", "relative error a row", "CPU ms a row")
    print(table(head, shown))
    print()
    print(table(("what is explained", "short cut", "sampled", "ratio"), exact))
    used = versions("numpy", "pandas", "scikit-learn", "shap", "lightgbm", "xgboost")
    print(f"\n{used}, CPU seconds of one thread")


if __name__ == "__main__":
    main()
