"""Models whose exposure is measured, and what attacks find: ours, ART's, RMIA with refits."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from pytest_aipm.evidence.attack import Score, attacks_on, signals_on
from pytest_aipm.evidence.train import Fit
from pytest_aipm.stats.exposure import exposure

__all__ = [
    "ART",
    "LIMITS",
    "area",
    "black_box",
    "fit_on",
    "models",
    "power",
    "references",
    "rows_of",
]

LIMITS = {"": 1.0, "auc": 0.60}


def rows_of(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return `n` rows of 20 features and a label of which one in ten is wrong."""
    x, y = make_classification(n, 20, n_informative=8, n_redundant=4, flip_y=0.2, random_state=seed)
    return pd.DataFrame(x, columns=[f"f{i}" for i in range(20)]), y


def models(seed: int) -> dict[str, Callable[[], object]]:
    """Return the models whose exposure is measured."""
    return {
        "forest of 50 full trees": lambda: RandomForestClassifier(50, random_state=seed),
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
        areas.append([area(each) for each in signals.scores])
    return {
        "said": said,
        "areas": np.mean(areas, axis=0),
        "seconds": float(np.mean(seconds)),
        "lower": (min(ends), max(ends)),
    }


def area(score: Score) -> float:
    """Return the area under the ROC curve, by scikit-learn."""
    is_member = np.repeat([1, 0], [len(score.members), len(score.others)])
    return float(roc_auc_score(is_member, np.concatenate([score.members, score.others])))


def black_box(name: str, n: int, seed: int) -> tuple[float, float]:
    """Return area and seconds of a black-box attack: a forest on what the model says and the truth.

    ART's own where it is installed, else one written from what it publishes. It learns from half of
    the members and half of the others, and is asked about the rest.
    """
    x, y = rows_of(2 * n, seed)
    model = models(seed)[name]().fit(x[:n], y[:n])  # type: ignore[attr-defined]
    start = time.process_time()
    said = model.predict_proba(x)
    is_member = np.repeat([1, 0], n)
    half = np.random.default_rng(seed).permutation(2 * n) < n
    attack = _art(model, seed) if ART else None
    if attack is not None:
        sides = [half & (is_member == each) for each in (1, 0)]
        inside, outside = ((said[each], y[each]) for each in sides)
        attack.fit(pred=inside[0], y=inside[1], test_pred=outside[0], test_y=outside[1])
        # without rows it asks for none: what the model says of them is given
        scores = attack.infer(None, y[~half], pred=said[~half], probabilities=True)
        scores = np.asarray(scores).reshape(len(is_member[~half]), -1)[:, -1]
    else:
        seen = np.column_stack([said, y])
        forest = RandomForestClassifier(100, random_state=seed).fit(seen[half], is_member[half])
        scores = forest.predict_proba(seen[~half])[:, 1]
    return float(roc_auc_score(is_member[~half], scores)), time.process_time() - start


def _art_version() -> str:
    try:
        return metadata.version("adversarial-robustness-toolbox")
    except metadata.PackageNotFoundError:
        return ""


ART = _art_version()
"""Version of ART, where it is installed; nothing here needs it."""


def _art(model: object, seed: int) -> Any:
    from art.attacks.inference.membership_inference import MembershipInferenceBlackBox  # noqa: PLC0415
    from art.estimators.classification.scikitlearn import SklearnClassifier  # noqa: PLC0415

    attack = MembershipInferenceBlackBox(SklearnClassifier(model), attack_model_type="rf")
    attack.attack_model.set_params(random_state=seed)
    return attack


def references(name: str, n: int, seed: int, k: int) -> tuple[float, float]:
    """Return area and seconds of RMIA with `k` refits, each on a random half of all rows."""
    x, y = rows_of(2 * n, seed)
    model = models(seed)[name]().fit(x[:n], y[:n])  # type: ignore[attr-defined]
    start = time.process_time()
    rng = np.random.default_rng(seed + 1)
    target = model.predict_proba(x)[np.arange(2 * n), y]
    sums = np.zeros((2, 2 * n))
    counts = np.zeros((2, 2 * n))
    for _ in range(k):
        inside = rng.permutation(2 * n) < n
        other = models(seed)[name]().fit(x[inside], y[inside])  # type: ignore[attr-defined]
        right = other.predict_proba(x)[np.arange(2 * n), y]
        for side, rows in ((0, inside), (1, ~inside)):
            sums[side, rows] += right[rows]
            counts[side, rows] += 1
    # a share of a population that a row's ratio exceeds is in the order of the ratio itself
    mean = (sums / np.maximum(counts, 1)).sum(axis=0) / (counts > 0).sum(axis=0)
    ratio = target / np.maximum(mean, 1e-12)
    area = float(roc_auc_score(np.repeat([1, 0], n), ratio))
    return area, time.process_time() - start
