"""How often honest retrains of two recipes turn a policy red.

``python benchmarks/retrains.py [--retrains N] [--quick]`` prints a Markdown table. Each retrain is
fitted on fresh rows of the demo's population and compared with the retrain before it, which stands
for the model in use: nothing is wrong, so every red policy is a false alarm. The population is fair
and the models are not given sex or race.

The policy has twelve nodes: the difference and the ratio of selection rates, the differences of
true positive rate, false positive rate and accuracy, each by sex and by race, and accuracy as a
floor by race and overall. Comparisons are those of an audit: the checks' own paired comparison, and
`compare` as the judge is given it. A policy is red when one of its nodes is proven worse.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from pytest_aipm.baseline import compare
from pytest_aipm.checks.base import Measurement
from pytest_aipm.checks.paired import paired_disparity, paired_worst
from pytest_aipm.checks.rates import RATES
from pytest_aipm.demo.population import HISTORY, THRESHOLD, draw
from pytest_aipm.evidence.groups import GroupCounts, Grouping
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.records import Formula
from pytest_aipm.stats.disparity import rate_difference, rate_ratio
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.retraining import retrain_bound, widenings

TRAINING = 5_000
HOLDOUTS = (1_800, 20_000)
TOLERANCES = (0.0, 0.02)
PER_HOLDOUT = 50
"""So many retrains are compared on one holdout; then fresh rows are drawn for the next."""
SEED = 20_260_201
EVIDENCE: Any = SimpleNamespace(subject=Subject(task="binary", positive=1, favorable=0))

RECIPES: dict[str, Callable[[], Any]] = {
    "LogisticRegression": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "HistGradientBoosting": lambda: HistGradientBoostingClassifier(random_state=0),
}

Ends = Callable[..., Estimate]
DISPARITIES: tuple[tuple[str, Any, Ends], ...] = (
    ("selection_rate", "difference", rate_difference),
    ("selection_rate", "ratio", rate_ratio),
    ("true_positive_rate", "difference", rate_difference),
    ("false_positive_rate", "difference", rate_difference),
    ("accuracy", "difference", rate_difference),
)


def features(frame: pd.DataFrame) -> np.ndarray:
    """Return what a model is given, shape (n, 10): income, debt, age, history and region."""
    columns = [np.log(frame["income"]), np.log(frame["debt"]), frame["age"]]
    columns += [frame["history"] == name for name in HISTORY if name is not None]
    columns += [frame["region"] == name for name in ("north", "east", "south", "west")]
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


@dataclass(frozen=True)
class Holdout:
    """Evaluation rows in codes.

    Attributes
    ----------
    features : float array of shape (n, 10)
    label : int array of shape (n,)
    groups : dict of attribute to (codes of shape (n,), names)
        Rows without a group have the code -1.
    """

    features: np.ndarray
    label: np.ndarray
    groups: dict[str, tuple[np.ndarray, tuple[str, ...]]]

    @classmethod
    def drawn(cls, rows: int, seed: int) -> Holdout:
        """Return fresh rows of the population."""
        frame = draw(rows, seed)
        groups = {"": (np.zeros(rows, dtype=np.int64), ("all rows",))}
        for name in ("sex", "race"):
            codes, names = pd.factorize(frame[name], sort=True)
            groups[name] = (codes, tuple(map(str, names)))
        return cls(features(frame), frame["defaulted"].to_numpy(), groups)

    def counts(self, by: str, new: np.ndarray, old: np.ndarray) -> GroupCounts:
        """Return rows by group, label, decision and earlier decision."""
        codes, names = self.groups[by]
        known = codes >= 0
        flat = ((codes * 2 + self.label) * 2 + new) * 2 + old
        table = np.bincount(flat[known], minlength=8 * len(names)).reshape(-1, 2, 2, 2)
        keys = tuple((name,) for name in names) if by else ((),)
        scope = (by,) if by else ()
        return GroupCounts(Grouping(scope, keys, (0,) * len(scope), keep_unknown=False), table, 0)


def changes(
    holdout: Holdout, new: np.ndarray, old: np.ndarray, *, paired: bool
) -> Iterator[tuple[Any, str, bool]]:
    """Yield the comparison of every node, which direction is worse, and whether the point decides.

    Parameters
    ----------
    holdout : Holdout
    new, old : bool array of shape (n,)
        Who is refused by the new model and by the one before it.
    paired : bool
        False forgets which rows are the same, as a baseline without pairing has to.
    """
    for by in ("sex", "race"):
        counts = holdout.counts(by, new, old)
        for rate, kind, ends in DISPARITIES:
            one = RATES[rate] if paired else _unpaired(rate)
            found = paired_disparity(EVIDENCE, counts, one, kind, ends, 0.95)
            yield found, "down" if kind == "ratio" else "up", False
    for by in ("race", ""):
        counts = holdout.counts(by, new, old)
        yield paired_worst(EVIDENCE, counts, RATES["accuracy"], 0.95), "down", by == ""


def _unpaired(rate: str) -> Any:
    return type(RATES[rate])(**{**vars(RATES[rate]), "fixed_denominator": False})


def worse(found: Any, harm: Any, point: bool, allowed: float) -> bool:
    """Return whether a comparison is proven worse, as the judge reads it."""
    measurement = Measurement(
        estimate=None, formula=Formula(id=""), summary="", n=0, champion=found, harm=harm
    )
    said = compare(
        measurement, None, allowed=allowed, confidence=0.95, point=point, against="champion"
    )
    return said is not None and said.verdict == "worse"


@dataclass(frozen=True)
class Result:
    """Red policies of a recipe at one size of holdout, as shares of its retrains.

    Attributes
    ----------
    red : dict of tolerance to float
    unpaired : float
        At the second tolerance, were the rows not known to be the same.
    churn : float
        Share of decisions that differ from one retrain to the next.
    spread : float
        Bound on the gap in selection rates by race from 20 retrains, as ``--retrains`` gives it.
    """

    red: dict[float, float]
    unpaired: float
    churn: float
    spread: float


def run(
    recipe: str, retrains: int, seed: int = SEED, training: int = TRAINING
) -> dict[int, Result]:
    """Fit, compare, count.

    Parameters
    ----------
    recipe : str
        Key of `RECIPES`.
    retrains : int
        Comparisons; each block of `PER_HOLDOUT` needs one fit more.
    seed, training : int

    Returns
    -------
    mapping of holdout rows to Result
    """
    totals = {rows: np.zeros(len(TOLERANCES) + 2) for rows in HOLDOUTS}
    spreads: dict[int, float] = {}
    for first in range(0, retrains, PER_HOLDOUT):
        blocks = {rows: Holdout.drawn(rows, seed + first + rows) for rows in HOLDOUTS}
        wanted = min(PER_HOLDOUT, retrains - first) + 1
        models = [fitted(recipe, seed * 3 + 2 * first + i, training) for i in range(wanted)]
        for rows, block in blocks.items():
            refused = [refuses(model, block) for model in models]
            for old, new in itertools.pairwise(refused):
                totals[rows] += _counted(block, new, old)
            spreads.setdefault(rows, _spread(block, refused[:20]))
    return {
        rows: Result(
            dict(zip(TOLERANCES, total / retrains, strict=False)),
            *(total[-2:] / retrains),
            spreads[rows],
        )
        for rows, total in totals.items()
    }


def fitted(recipe: str, seed: int, training: int) -> Any:
    """Return a model fitted on fresh rows, on one thread."""
    frame = draw(training, seed)
    with threadpool_limits(limits=1):
        return RECIPES[recipe]().fit(features(frame), frame["defaulted"])


def refuses(model: Any, holdout: Holdout) -> np.ndarray:
    """Return whom a model refuses, bool of shape (n,)."""
    with threadpool_limits(limits=1):
        return np.asarray(model.predict_proba(holdout.features)[:, 1] >= THRESHOLD)


def _counted(block: Holdout, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Return whether the policy is red at each tolerance, as two samples, and the churn."""
    found = list(changes(block, new, old, paired=True))
    apart = list(changes(block, new, old, paired=False))
    red = [any(worse(*each, allowed) for each in found) for allowed in TOLERANCES]
    return np.array(
        [*red, any(worse(*each, TOLERANCES[-1]) for each in apart), (new != old).mean()]
    )


def _spread(holdout: Holdout, refused: list[np.ndarray]) -> float:
    codes, names = holdout.groups["race"]
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    granted = [np.bincount(codes[(codes >= 0) & ~each], minlength=len(names)) for each in refused]
    return retrain_bound(widenings(granted, np.tile(sizes, (len(refused), 1))))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--retrains", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="50 retrains")
    options = parser.parse_args()
    retrains = 50 if options.quick else options.retrains
    print(f"{retrains} retrains of each recipe on {TRAINING:,} fresh training rows, 12 nodes.")
    print("Share of retrains after which the policy is red:\n")
    print(
        "| recipe | holdout | decisions that differ | `max_change: 0` | `max_change: 0.02` "
        "| 0.02, two samples | retraining spread, gap by race |"
    )
    print("|---|---|---|---|---|---|---|")
    for recipe in RECIPES:
        for rows, result in run(recipe, retrains).items():
            cells = [result.churn, result.red[0.0], result.red[0.02], result.unpaired]
            shown = " | ".join(f"{100 * cell:.1f} %" for cell in cells)
            print(f"| {recipe} | {rows:,} | {shown} | {result.spread:.4f} |", flush=True)


if __name__ == "__main__":
    main()
