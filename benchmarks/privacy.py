"""False alarms, power and cost of the attacks on membership, beside the rules of peers.

Nothing is copied of what an audit calls: scores, bounds and verdicts are those of the package.
What peers do is written here from their published rules, as far as a line says so.

    python benchmarks/privacy.py [--write docs/privacy.md] [--quick]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, stream, table, versions
from scipy.special import softmax
from scipy.stats import ks_2samp, mannwhitneyu
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from pytest_aipm.evidence.attack import Score, attacks_on, signals_on
from pytest_aipm.evidence.train import Fit
from pytest_aipm.stats.exposure import exposure
from pytest_aipm.stats.parts import rate_bounds

__all__ = ["Alarms", "fitted_null", "models", "null", "power", "rows_of"]

LIMITS = {"": 1.0, "auc": 0.60}
SEEDS = {"5 nearest neighbours": 5}
"""Of a model; 20 of all others."""
NULL = ((100, 3000), (250, 3000), (1000, 2000), (5000, 500))
FITTED = ((250, 1000, 2, 0), (250, 300, 5, 0), (1000, 500, 2, 0), (1000, 500, 2, 1))
"""Rows a side, runs, classes and number of the draw of the null in which the residual is fitted."""


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


def fitted_null(n: int, runs: int, *, features: int = 5, classes: int = 2, draw: int = 0) -> Alarms:
    """Return the same where the residual is fitted: a fixed model, and fresh rows on both sides."""
    named = (*((classes,) if classes > 2 else ()), *((f"draw {draw}",) if draw else ()))
    alarms, rng = Alarms(), stream("fitted", n, *named)
    for seed in range(draw * 10_000, draw * 10_000 + runs):
        sides = []
        for _ in range(2):
            x = rng.normal(size=(n, features))
            rows = pd.DataFrame(x, columns=[f"x{i}" for i in range(features)])
            if classes == 2:
                right = 1 / (1 + np.exp(-x[:, 0] - rng.normal(size=n)))
                truth = (x[:, 1] > 0).astype(float)
            else:
                said = softmax(x[:, :classes] + rng.normal(size=(n, classes)), axis=1)
                truth = x[:, :classes].argmax(axis=1).astype(float)
                right = said[np.arange(n), truth.astype(int)]
            sides.append((-np.log(right), rows.assign(truth=truth)))
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


# what peers decide by, each in a few lines from its published rule


def auc_point(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm at an area above 0.52."""
    return _auc(Score("", members, others)) > 0.52


def sacro_auc(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as SACRO-ML: the area's p-value below 0.05."""
    return float(mannwhitneyu(members, others, alternative="greater").pvalue) < 0.05


def sacro_ks(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as SACRO-ML: Kolmogorov and Smirnov's p-value below 0.05."""
    return float(ks_2samp(members, others).pvalue) < 0.05


def tpr_point(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm at twice as many members as others beyond the 1 % point of the others."""
    cut = np.quantile(others, 0.99)
    return float((members > cut).mean()) > 0.02


def tf_epsilon(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as TF Privacy: the lower bound of epsilon at the best of all thresholds is above 0."""
    cuts = np.sort(np.concatenate([members, others]))
    m, k = len(members), len(others)
    x = m - np.searchsorted(np.sort(members), cuts)
    y = k - np.searchsorted(np.sort(others), cuts)
    low, high = rate_bounds(x, m, 0.025)[0], rate_bounds(y, k, 0.025)[1]
    none_low, none_high = rate_bounds(k - y, k, 0.025)[0], rate_bounds(m - x, m, 0.025)[1]
    return bool((low > high).any() or (none_low > none_high).any())


def meter_epsilon(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm as Privacy Meter: the best number of guesses shows an epsilon above 0 (grid of 40)."""
    score = np.concatenate([members, others])
    is_member = np.repeat([1, 0], [len(members), len(others)])[np.argsort(-score, kind="stable")]
    right_top = np.concatenate([[0], np.cumsum(is_member)])
    right_low = np.concatenate([[0], np.cumsum(1 - is_member[::-1])])
    tried = np.unique(np.linspace(0, len(score) // 2, 40).astype(int))
    one, two = np.meshgrid(tried, tried)
    r, v = one + two, right_top[one] + right_low[two]
    some = r > 0
    return bool((rate_bounds(v[some], r[some], 0.05)[0] > 0.5).any())


def ours(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm where the lower end of the implied epsilon is above 0."""
    return exposure(attacks_on((Score("loss", members, others),), "", 0)).lower > 0


def ours_fail(members: np.ndarray, others: np.ndarray) -> bool:
    """Alarm where the lower end is above the limit."""
    return exposure(attacks_on((Score("loss", members, others),), "", 0)).lower > LIMITS[""]


RULES: dict[str, Callable[[np.ndarray, np.ndarray], bool]] = {
    "AUC > 0.52, point": auc_point,
    "SACRO-ML, AUC p < 0.05": sacro_auc,
    "SACRO-ML, KS p < 0.05": sacro_ks,
    "TPR at 1 % FPR > 2 %, point": tpr_point,
    "TF Privacy, epsilon bound at the best threshold > 0": tf_epsilon,
    "Privacy Meter, epsilon at the best number of guesses > 0": meter_epsilon,
    "pytest-aipm, any signal (loss alone)": ours,
    "pytest-aipm, fail (loss alone)": ours_fail,
}


def peers(n: int, runs: int) -> Iterator[tuple[str, float]]:
    """Yield how often each rule alarms where members and others are drawn alike."""
    rng = stream("peers", n)
    samples = rng.normal(size=(runs, 2, n))
    for name, rule in RULES.items():
        yield name, sum(rule(*each) for each in samples) / runs


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


# the page


def _nulls(factor: float) -> str:
    rows = []
    for n, runs in NULL:
        for levels in (None, 6):
            found = null(n, max(20, int(runs * factor)), levels=levels)
            rows.append(_null_row(n, "6 values" if levels else "continuous", found))
    for n, runs, classes, draw in FITTED:
        found = fitted_null(n, max(5, int(runs * factor)), classes=classes, draw=draw)
        kind = f"fitted residual, {classes} classes{', drawn again' if draw else ''}"
        rows.append(_null_row(n, kind, found))
    head = ["rows a side", "scores", "runs", "any signal", "fail at 1.0", "fail at AUC 0.60"]
    return table(head, rows)


def _null_row(n: int, kind: str, found: Alarms) -> list[object]:
    beyond = (
        " (beyond its bound)"
        if found.signal > bound(found.runs, len(NULL) * 2 + len(FITTED))
        else ""
    )
    return [
        f"{n:,}",
        kind,
        f"{found.runs:,}",
        percent(found.signal / found.runs) + beyond,
        found.fail,
        found.fail_auc,
    ]


def _peers(factor: float) -> str:
    runs = max(20, int(300 * factor))
    by_size = {n: dict(peers(n, runs)) for n in (250, 1000)}
    rows = [[name, *(percent(by_size[n][name]) for n in by_size)] for name in RULES]
    return table(["rule", "250 rows a side", "1,000 rows a side"], rows)


def _power(factor: float) -> str:
    n = 5000 if factor == 1 else 1000
    rows = []
    for name in models(0):
        seeds = range(max(2, int(SEEDS.get(name, 20) * factor)))
        found = power(name, n, seeds)
        said, (low, high) = found["said"], found["lower"]  # type: ignore[misc]
        words = [
            f"{each.count('fail')} fail, {each.count('pass')} pass, {each.count('open')} open"
            for each in said.values()  # type: ignore[attr-defined]
        ]
        loss, residual = found["areas"]  # type: ignore[misc]
        other = black_box(name, n, 0)
        rows.append(
            [
                f"{name} ({len(seeds)} seeds)",
                f"{loss:.3f}",
                f"{residual:.3f}",
                f"{other[0]:.3f} ({other[1]:.1f} s)",
                f"{low:.2f} to {high:.2f}",
                *words,
                f"{found['seconds']:.1f} s",
            ]
        )
    head = [
        "model",
        "AUC, loss",
        "AUC, residual",
        f"AUC, black box of ART {ART}" if ART else "AUC, black box (forest)",
        "lower end of epsilon",
        "limit 1.0",
        "limit AUC 0.60",
        "CPU, both limits",
    ]
    return f"{n:,} rows a side.\n\n{table(head, rows)}"


def _gap(factor: float) -> str:
    n = 5000 if factor == 1 else 1000
    rows = []
    for name in list(models(0))[:1]:
        fit = fit_on(models(0)[name](), n, 0)
        start = time.process_time()
        loss, residual = (_auc(each) for each in signals_on(fit, 0).scores)
        spent = time.process_time() - start
        best, seconds = references(name, n, 0, 16)
        closed = (residual - loss) / (best - loss)
        rows.append(
            [
                name,
                f"{loss:.3f}",
                f"{residual:.3f} ({spent:.1f} s)",
                f"{best:.3f} ({seconds:.0f} s)",
                percent(closed),
            ]
        )
    head = ["model", "AUC, loss", "AUC, residual", "AUC, RMIA with 16 refits", "gap closed"]
    return f"One seed, {n:,} rows a side.\n\n{table(head, rows)}"


def page(factor: float = 1.0) -> str:
    """Return the tables as Markdown."""
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = (_nulls(factor), _peers(factor), _power(factor), _gap(factor))
    minutes = (time.monotonic() - start) / 60
    made = versions("pytest-aipm", "numpy", "scipy", "scikit-learn", "pandas")
    ran = f"of their packages ART {ART} alone was run" if ART else "their packages were not run"
    return f"""## As measured

Made by `python benchmarks/privacy.py --write docs/privacy.md` with {made}. Scores, bounds and
verdicts are those of the package; the rules of peers are written from what they publish, and {ran}.
All data are synthetic: 20 features, two classes, one label in ten wrong. It took {minutes:.0f}
minutes on two cores that others shared.

### Alarms where nobody is given away

Members and others are drawn alike, so that every alarm is false. The promise is no failure, and a
signal (a lower end above 0) in at most 5 % of runs.

{parts[0]}

### Alarms of other rules in the same world

{parts[1]}

### Power

{parts[2]}

### What refits would add

{parts[3]}
"""


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs")
    asked = parser.parse_args()
    text = page(0.05 if asked.quick else 1.0)
    if asked.write is None:
        print(text)
        return
    old = asked.write.read_text(encoding="utf-8") if asked.write.exists() else ""
    asked.write.write_text(old.partition("## As measured")[0] + text, encoding="utf-8")


if __name__ == "__main__":
    main()
