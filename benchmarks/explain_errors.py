"""How near attributions of single rows come to the truth for the CPU they take, beside shap.

Both explain the same rows against the same background rows. The truth is exact for a forest's
probability (a short cut) and a long run of another seed for a boosting's, whose own error is taken
off. Ours is the sampler, without any short cut to the values: dealt walks where each row cannot
meet all background rows, chosen coalitions beyond. shap is `explainers.Permutation`, which is
handed the rows as the array it makes of them, by a copy of the model that was trained on arrays:
nothing is wrapped, and it asks for a whole permutation at a time.

Each curve is a few budgets, error and CPU of each the mean over rows and seeds. Between two budgets
that no cheaper one beats it is a straight line on logarithmic scales; nothing is said beyond their
ends.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import table
from sklearn.base import clone

from pytest_aipm.attribution import Budget, local, players_of, walk
from pytest_aipm.attribution.hybrids import Pool
from pytest_aipm.attribution.local import Chosen
from pytest_aipm.attribution.shortcuts import shortcut
from pytest_aipm.stats.twoway import two_way

__all__ = ["Curve", "Target", "clock", "curves", "errors", "permutation"]

LONG = {16: 128, 32: 64, 100: 24}
"""Rounds of the long run, by background rows."""
ROWS = {16: 32, 32: 24, 100: 16}
"""Rows that are explained, by background rows."""
WALKS = {16: (4, 8, 16), 32: (16, 32), 100: (32, 64, 128)}
SEEDS = 4
PERMUTATIONS = {16: (3, 6, 24, 48, 96), 32: (6, 24, 48, 96), 100: (6, 24, 96, 192)}
"""Of shap, beside its default of 500 evaluations: 12 permutations of 20 columns."""
K = 4


def clock(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of a call, and what it returned."""
    start = time.process_time()
    found = call()
    return time.process_time() - start, found


@dataclass(frozen=True)
class Curve:
    """Budgets of one way, cheapest first.

    Attributes
    ----------
    said : list of str
    error, spent : list of float
        Relative error of a row, and CPU seconds a row.
    """

    said: list[str]
    error: list[float]
    spent: list[float]

    def cost(self, error: float) -> float | None:
        """Return CPU seconds at an error, or None where no two budgets lie around it.

        Nobody takes a budget that a cheaper one comes nearer than.
        """
        points = list(zip(self.error, self.spent, strict=True))
        best = [one for one in points if not any(e <= one[0] and s < one[1] for e, s in points)]
        known = tuple(np.log(each) for each in zip(*sorted(best), strict=True))
        if not min(self.error) <= error <= max(self.error):
            return None
        return float(np.exp(np.interp(np.log(error), *known)))


class Target:
    """Rows to explain, background rows, and the true attributions.

    Parameters
    ----------
    model : fitted classifier
    inputs : DataFrame
        The first of these rows are explained, the last ones are the background.
    m : int
        Background rows.
    """

    def __init__(self, model: Any, inputs: pd.DataFrame, m: int) -> None:
        self.rows = inputs[: ROWS[m]].reset_index(drop=True)
        self.background = inputs[-m:].reset_index(drop=True)
        self.players, self.m, self.n = players_of(list(inputs.columns)), m, ROWS[m]
        self.ask: Callable[[pd.DataFrame], np.ndarray] = lambda frame: np.asarray(
            model.predict_proba(frame)[:, 1]
        )
        known = shortcut(self.ask, model, self.rows, self.background, self.players)
        # a forest's values would not be sampled; the leaves of a boosting answer for mixed rows
        self.model = model if known is None else None
        self.spare = 0.0
        if known is not None:
            self.truth = known[:, :, 0]
            return
        long = self.chosen(LONG[m], 99)
        self.truth = long.mean(axis=(1, 2))
        spread = long.var(axis=1, ddof=1).mean(axis=1) / (LONG[m] * m)
        self.spare = float(spread.sum() / (self.truth**2).sum())

    def chosen(self, rounds: int, seed: int) -> np.ndarray:
        """Return rounds of chosen coalitions, shape (n, rounds, m, p)."""
        pool = Pool(self.rows, self.background, self.players)
        ends = pool.ends(self.ask, Budget())[:, 0]
        rng = np.random.default_rng(seed)
        games = Chosen(self.ask, pool, ends, most=rounds, rng=rng, model=self.model)
        return games.rounds(np.arange(self.n), rounds, Budget())

    def square(self, found: np.ndarray) -> float:
        """Return the squared relative error of attributions, shape (n, p)."""
        whole = float(((found - self.truth) ** 2).sum() / (self.truth**2).sum())
        return max(whole - self.spare, 1e-12)

    def measured(self, way: Callable[[int], np.ndarray], seeds: int) -> tuple[float, float]:
        """Return error and CPU seconds of a row, over seeds."""
        squares, spent = [], []
        for seed in range(seeds):
            seconds, found = clock(lambda seed=seed: way(seed))
            squares.append(self.square(found))
            spent.append(seconds / self.n)
        return float(np.sqrt(np.mean(squares))), float(np.median(spent))

    def walked(self, walks: int, seed: int) -> np.ndarray:
        """Return attributions by dealt walks, what background rows do taken out."""
        rng = np.random.default_rng(seed)
        found = walk(self.ask, self.rows, self.background, self.players, walks=walks, rng=rng)
        return two_way(found.values[..., 0], found.background, self.m).row

    def told(self, seed: int) -> np.ndarray:
        """Return attributions as reason codes have them, until the largest are settled."""
        rng = np.random.default_rng(seed)
        given = self.ask, self.rows, self.background, self.players
        return local(*given, k=K, rng=rng, model=self.model).values


def curves(model: Any, target: Target, train: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """Return the curves of both ways, and the points of both defaults."""
    ours, theirs = Curve([], [], []), Curve([], [], [])

    def add(curve: Curve, said: str, way: Callable[[int], np.ndarray], seeds: int) -> None:
        error, spent = target.measured(way, seeds)
        curve.said.append(said)
        curve.error.append(error)
        curve.spent.append(spent)
        print(f"{target.m} background rows, {said}: {error:.4f}, {spent:.4f} s", file=sys.stderr)

    for walks in WALKS[target.m]:
        add(ours, f"{walks} pairs of walks", lambda seed, w=walks: target.walked(w, seed), SEEDS)
    for rounds in (1, 2, 4):
        said = f"{rounds} rounds of 76 mixed rows for each background row"
        way = lambda seed, r=rounds: target.chosen(r, seed).mean(axis=(1, 2))  # noqa: E731
        add(ours, said.replace("1 rounds", "1 round"), way, SEEDS)
    default = target.measured(target.told, SEEDS)
    explain = permutation(clone(model).fit(*train), target)
    explain(0, target.rows[:1], 3)  # what it compiles on its first call is not counted
    standard = target.measured(lambda seed: explain(seed, target.rows, None), SEEDS)
    for count in PERMUTATIONS[target.m]:
        seeds = max(1, min(SEEDS, 48 // count))
        if count > 12 and "default" not in theirs.said:
            theirs.said.append("default")
            theirs.error.append(standard[0])
            theirs.spent.append(standard[1])
        way = lambda seed, c=count: explain(seed, target.rows, c)  # noqa: E731
        add(theirs, f"{count} permutations", way, seeds)
    return {
        "ours": asdict(ours),
        "shap": asdict(theirs),
        "our default": default,
        "its default": standard,
    }


def permutation(model: Any, target: Target) -> Callable[..., np.ndarray]:
    """Return what asks shap, of a model that takes arrays."""
    import shap  # noqa: PLC0415 - seconds

    columns = target.background.shape[1]
    masker = shap.maskers.Independent(target.background.to_numpy(), max_samples=target.m)

    def explain(seed: int, rows: pd.DataFrame, permutations: int | None) -> np.ndarray:
        # it starts the random numbers of everybody anew
        kept = np.random.get_state()  # noqa: NPY002
        try:
            made = shap.explainers.Permutation(
                lambda x: model.predict_proba(x)[:, 1], masker, seed=seed
            )
            told = {} if permutations is None else {"max_evals": permutations * (2 * columns + 1)}
            return np.asarray(made(rows.to_numpy(), silent=True, **told).values)
        finally:
            np.random.set_state(kept)  # noqa: NPY002

    return explain


def errors(
    models: dict[str, Any],
    inputs: pd.DataFrame,
    train: tuple[np.ndarray, np.ndarray],
    backgrounds: Sequence[int],
    file: Path | None,
) -> tuple[str, str]:
    """Return the table of the ratios, and that of the curves; a file keeps what was measured."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file and file.exists() else {}
    ratios, lines = [], []
    for m, (name, model) in itertools.product(backgrounds, models.items()):
        key = f"{name}, {m}"
        if key not in kept:
            kept[key] = curves(model, Target(model, inputs, m), train)
        if file is not None:
            file.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        found = kept[key]
        ours, theirs = Curve(**found["ours"]), Curve(**found["shap"])
        points = (("shap's default", "its default", ours), ("our default", "our default", theirs))
        for said, which, other in points:
            error, spent = found[which]
            pair = [other.cost(error), spent]
            pair = pair if other is ours else pair[::-1]
            shown = ["beyond" if each is None else f"{1000 * each:.1f}" for each in pair]
            ratio = "" if None in pair else f"{pair[1] / pair[0]:.1f}"
            ratios.append((name, m, said, f"{error:.3f}", *shown, ratio))
        lines += [
            (name, m, who, said, f"{error:.3f}", f"{1000 * spent:.1f}")
            for who, curve in (("ours", ours), ("shap", theirs))
            for said, error, spent in zip(curve.said, curve.error, curve.spent, strict=True)
        ]
    head = ("model", "background rows", "at the error of", "relative error")
    first = table((*head, "ours, CPU ms a row", "shap, CPU ms a row", "ratio"), ratios)
    head = ("model", "background rows", "who", "budget", "relative error", "CPU ms a row")
    return first, table(head, lines)
