"""False alarms, power and cost of the attacks on membership, beside the rules of peers.

Nothing is copied of what an audit calls: scores, bounds and verdicts are those of the package.
What peers do is written here from their published rules, as far as a line says so.

    python benchmarks/privacy.py [--write docs/privacy.md] [--quick]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from harness import stream
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from pytest_aipm.evidence.attack import Score, attacks_on, signals_on
from pytest_aipm.evidence.train import Fit
from pytest_aipm.stats.exposure import exposure

__all__ = ["Alarms", "fitted_null", "models", "null", "power", "rows_of"]

LIMITS = {"": 1.0, "auc": 0.60}
NULL = ((100, 3000), (250, 3000), (1000, 2000), (5000, 500))
FITTED = ((250, 500), (1000, 500))


@dataclass
class Alarms:
    """Replicates of a world in which nobody is given away, and what was said of them."""

    runs: int = 0
    signal: int = 0
    fail: int = 0
    fail_auc: int = 0

    def add(self, scores: tuple[Score, ...], seed: int) -> None:
        """Judge one replicate in both units."""
        whole = exposure(attacks_on(scores, "", seed))
        area = exposure(attacks_on(scores, "auc", seed))
        self.runs += 1
        self.signal += whole.lower > 0
        self.fail += whole.lower > LIMITS[""]
        self.fail_auc += area.lower > LIMITS["auc"]


def null(n: int, runs: int, *, levels: int | None) -> Alarms:
    """Return what is said of members and others that are drawn alike, `n` a side.

    Two scores that hang together, as loss and residual do; rounded to `levels` values where told.
    """
    alarms, rng = Alarms(), stream("null", n, levels)
    for seed in range(runs):
        base = rng.normal(size=(2, n))
        both = np.stack([base, 0.6 * base + 0.8 * rng.normal(size=(2, n))])
        if levels is not None:
            both = np.clip(np.round(both), -(levels // 2), levels - levels // 2 - 1)
        scores = tuple(
            Score(name, *each) for name, each in zip(("loss", "rest"), both, strict=True)
        )
        alarms.add(scores, seed)
    return alarms


def fitted_null(n: int, runs: int, *, features: int = 5) -> Alarms:
    """Return the same where the residual is fitted: a fixed model, and fresh rows on both sides."""
    alarms, rng = Alarms(), stream("fitted", n)
    for seed in range(runs):
        sides = []
        for _ in range(2):
            x = rng.normal(size=(n, features))
            right = 1 / (1 + np.exp(-x[:, 0] - rng.normal(size=n)))
            rows = pd.DataFrame(x, columns=[f"x{i}" for i in range(features)])
            sides.append((-np.log(right), rows.assign(truth=(x[:, 1] > 0).astype(float))))
        (members, own), (others, foreign) = sides
        fit = Fit(members, others, "log loss", 0, own, foreign)
        alarms.add(signals_on(fit, seed).scores, seed)
    return alarms


def rows_of(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return `n` rows of 20 features and a label of which one in ten is wrong."""
    x, y = make_classification(n, 20, n_informative=8, n_redundant=4, flip_y=0.2, random_state=seed)
    return pd.DataFrame(x, columns=[f"f{i}" for i in range(20)]), y


def models(seed: int) -> dict[str, Callable[[], object]]:
    """Return the models whose exposure is measured."""
    return {
        "forest of 100 full trees": lambda: RandomForestClassifier(100, random_state=seed),
        "boosting, defaults": lambda: HistGradientBoostingClassifier(random_state=seed),
        "5 nearest neighbours": lambda: KNeighborsClassifier(5),
        "logistic regression, C 0.1": lambda: LogisticRegression(C=0.1, max_iter=1000),
    }


def fit_on(model: object, n: int, seed: int) -> Fit:
    """Return the losses of a model that was fitted on one half of the rows."""
    x, y = rows_of(2 * n, seed)
    model.fit(x[:n], y[:n])  # type: ignore[attr-defined]
    right = model.predict_proba(x)[np.arange(2 * n), y]  # type: ignore[attr-defined]
    losses = -np.log(np.clip(right, np.finfo(float).eps, 1))
    rows = x.assign(truth=y.astype(float))
    return Fit(losses[:n], losses[n:], "log loss", 0, rows[:n], rows[n:])


def power(name: str, n: int, seeds: range) -> dict[str, object]:
    """Return verdicts and areas of a model over seeds."""
    said: dict[str, list[str]] = {"": [], "auc": []}
    areas, seconds, ends = [], [], []
    for seed in seeds:
        fit = fit_on(models(seed)[name](), n, seed)
        start = time.process_time()
        signals = signals_on(fit, seed)
        for unit, limit in LIMITS.items():
            found = exposure(attacks_on(signals.scores, unit, seed))
            word = "fail" if found.lower > limit else "pass" if found.upper <= limit else "open"
            said[unit].append(word)
            if unit == "":
                ends.append(found.lower)
        seconds.append(time.process_time() - start)
        areas.append([_auc(each) for each in signals.scores])
    return {
        "said": said,
        "areas": np.mean(areas, axis=0),
        "seconds": float(np.mean(seconds)),
        "lower": (min(ends), max(ends)),
    }


def _auc(score: Score) -> float:
    is_member = np.repeat([1, 0], [len(score.members), len(score.others)])
    return float(roc_auc_score(is_member, np.concatenate([score.members, score.others])))
