"""CPU seconds of explanations, beside shap's model-agnostic default in the same run.

A forest and a gradient boosting of 100 trees on 20 columns, 1,000 rows to explain, one thread.

- `costs`. Global: three checks on the same attributions (share, gap between groups, parsimony),
  everything counted but the training. Local: attributions of single rows, sampled until their four
  largest are known. shap's `explainers.Permutation` is timed on a few rows with its defaults (100
  background rows) and scaled up.
- `errors`. Both at the same error of a row: `explain_errors.py`.
- `shortcuts`. Exact values beside sampled ones.

    python benchmarks/explain_cost.py [--only costs errors shortcuts] [--rows 1000]
        [--local-rows 1000] [--shap-rows 3] [--backgrounds 16 32 100] [--kept FILE]
        [--write docs/explainability.md]

``--kept`` is a file in which the curves are kept, and from which `errors` goes on.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from explain import written
from explain_errors import ROWS, K, clock, errors
from harness import table, versions
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from pytest_aipm.attribution import local, players_of
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
    model: Any, plain: Any, frame: pd.DataFrame, *, rows: int, local_rows: int, shap_rows: int
) -> tuple[float, ...]:
    """Return CPU seconds: global, local, shap's for as many rows; and the share that is settled.

    `plain` is the same model, trained on arrays: shap hands it the arrays that it makes.
    """
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
            k=K,
            rng=np.random.default_rng(0),
        )
    )
    masker = shap.maskers.Independent(inputs[-100:].to_numpy(), max_samples=100)
    explainer = shap.explainers.Permutation(lambda x: plain.predict_proba(x)[:, 1], masker, seed=0)
    explainer(inputs[:1].to_numpy())  # what it compiles on its first call is not counted
    theirs, _ = clock(lambda: explainer(inputs[:shap_rows].to_numpy()))
    locally *= rows / local_rows
    return globally, locally, theirs / shap_rows * rows, float(found.settled.mean())


def cost_table(
    models: dict[str, Any], frame: pd.DataFrame, train: tuple[Any, Any], told: argparse.Namespace
) -> str:
    """Return the table of global checks and local reasons."""
    lines = []
    for name, model in models.items():
        ours, single, theirs, settled = costs(
            model,
            clone(model).fit(*train),
            frame,
            rows=told.rows,
            local_rows=min(told.rows, told.local_rows),
            shap_rows=told.shap_rows,
        )
        shown = (f"{ours:.2f}", f"{theirs:.0f}", f"{theirs / ours:.0f}", f"{single:.1f}")
        lines.append((name, *shown, f"{settled:.0%}"))
        print(*lines[-1], file=sys.stderr)
    head = ("model", "global checks", "shap, scaled", "ratio", "local reasons", "settled")
    return table(head, lines)


def short_cuts(x: pd.DataFrame, y: np.ndarray, frame: pd.DataFrame, rows: int) -> str:
    """Return the table of CPU seconds of exact values and of sampled ones, for as many rows."""
    inputs = frame[COLUMNS]
    background = inputs[-16:].reset_index(drop=True)
    few, all_of_them = (inputs[:n].reset_index(drop=True) for n in (min(rows, 100), rows))
    trees = {"n_estimators": 100, "n_jobs": 1}
    models = (
        ("RandomForest(100), probability", RandomForestClassifier(random_state=0, **trees)),
        ("logistic regression, log-odds", LogisticRegression()),
        ("GradientBoosting(100), log-odds", GradientBoostingClassifier(random_state=0)),
        ("HistGradientBoosting(100), log-odds", HistGradientBoostingClassifier(random_state=0)),
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
        print(*lines[-1], file=sys.stderr)
    return table(("what is explained", "short cut", "sampled", "ratio"), lines)


SECTIONS = ("costs", "errors", "shortcuts")


def main() -> None:
    """Print the tables asked for, or write them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--local-rows", type=int, default=1000)
    parser.add_argument("--shap-rows", type=int, default=3)
    parser.add_argument("--backgrounds", nargs="*", type=int, choices=ROWS, default=list(ROWS))
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--write", type=Path)
    told = parser.parse_args()
    x, y, frame = world(3000, told.rows + 400)
    train = x.to_numpy(), y
    models = {
        "RandomForest(100)": RandomForestClassifier(n_estimators=100, random_state=0, n_jobs=1),
        "HistGradientBoosting(100)": HistGradientBoostingClassifier(random_state=0),
    }
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in models.values():
            model.fit(x, y)
        made = {
            "costs": lambda: {"costs": cost_table(models, frame, train, told)},
            "errors": lambda: dict(
                zip(
                    ("equal error", "curves"),
                    errors(models, frame[COLUMNS], train, told.backgrounds, told.kept),
                    strict=True,
                )
            ),
            "shortcuts": lambda: {"short cuts": short_cuts(x, y, frame, told.rows)},
        }
        for section in told.only:
            for name, text in made[section]().items():
                print(f"{name}\n\n{text}\n")
                if told.write is not None:
                    written(told.write, name, text)
    used = versions("numpy", "pandas", "scikit-learn", "shap", "lightgbm")
    # its distribution has several names
    print(f"{used}, xgboost {xgboost.__version__}, CPU seconds of one thread")


if __name__ == "__main__":
    main()
