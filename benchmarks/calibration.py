"""How often the verdict is wrong, and how often it is right: the calibration of the gate.

Every count-level run goes through the functions that an audit uses: counts are drawn, measured,
and handed to the judge. For each cell (family, rows, shape, base rate) every split of the groups
into two clusters that lie exactly at the limit is tried (of many groups, a sample of splits), the
worst one is chosen, and measured anew with fresh runs, so that the worst of many does not look
worse than it is.

    python benchmarks/calibration.py --jobs 2             # about an hour on two cores
    python benchmarks/calibration.py --quick              # a minute
    python benchmarks/calibration.py --write docs/calibration.md
    python benchmarks/calibration.py --keep cells.json    # goes on where it was stopped
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from fairlearn.metrics import MetricFrame, selection_rate
from harness import (
    SHAPES,
    Array,
    Tally,
    bound,
    clusters,
    judged,
    percent,
    sizes_of,
    stream,
    table,
    versions,
)
from numpy.typing import NDArray
from score_calibration import score_tables

from pytest_aipm.records import Limit
from pytest_aipm.stats.contrasts import Contrasts, Kind, against_one, among_all
from pytest_aipm.stats.disparity import equalized_odds_difference, rate_difference, rate_ratio
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import rate_floor
from pytest_aipm.stats.multiplicity import bonferroni, sidak
from pytest_aipm.stats.parts import rate_bounds
from pytest_aipm.stats.score import difference_z, quantile, ratio_z

BASES = (0.02, 0.1, 0.4, 0.9)
SIZES = (200, 1_000, 20_000)
TAU, RHO = 0.10, 0.80
SLACK = 0.3
"""A run whose strongest score statistic at the limit stays this far below the critical value
there cannot fail; an exact test may reject a little earlier than a score does."""


@dataclass(frozen=True)
class Family:
    """One way to compare rates: how the boundary looks, and what the audit calls."""

    name: str
    limit: Limit
    rates: Callable[[float, NDArray[np.bool_]], Array]
    measure: Callable[[Array, Array], Estimate]
    screen: Callable[[Array, Array], Array]
    contrasts: Callable[[Array], Contrasts]
    alpha: float = 0.05
    again: int = 2_000
    """Fresh runs of the worst split of a cell."""

    def critical(self, n: Array, rate: float) -> float:
        """Return the smallest critical value at the limit; `rate` is the highest there is."""
        breach = TAU if self.limit.max is not None else 1 - RHO
        half = n[: n.size // 2] if self.measure is odds else n
        return self.contrasts(half).critical(breach, self.alpha, rate)


def apart(base: float, low: NDArray[np.bool_]) -> Array:
    """Return two clusters of rates, TAU apart."""
    start = base if base + TAU <= 1 else base - TAU
    return np.where(low, start, start + TAU)


def below(base: float, low: NDArray[np.bool_]) -> Array:
    """Return two clusters of rates, one RHO times the other."""
    return np.where(low, RHO * base, base)


def widest(x: Array, n: Array) -> Array:
    """Return each run's strongest statistic of a difference beyond TAU."""
    found = np.full(x.shape[0], -np.inf)
    for i in range(n.size):
        for j in range(n.size):
            if i != j:
                np.maximum(found, difference_z(x[:, i], n[i], x[:, j], n[j], TAU), out=found)
    return found


def lowest(x: Array, n: Array) -> Array:
    """Return each run's strongest statistic of a ratio below RHO."""
    found = np.full(x.shape[0], -np.inf)
    for i in range(n.size):
        for j in range(n.size):
            if i != j:
                np.maximum(found, -ratio_z(x[:, i], n[i], x[:, j], n[j], RHO), out=found)
    return found


def odds(x: Array, n: Array) -> Estimate:
    """Measure equalized odds; the second half of the counts are the negatives'."""
    half = n.size // 2
    return equalized_odds_difference(x[:half], n[:half], x[half:], n[half:])


def odds_screen(x: Array, n: Array) -> Array:
    """Return the stronger statistic of both rates."""
    half = n.size // 2
    return np.maximum(widest(x[:, :half], n[:half]), widest(x[:, half:], n[half:]))


def everyone(kind: Kind) -> Callable[[Array], Contrasts]:
    """Compare all with all."""
    return lambda n: among_all(kind, n, np.ones(n.size, dtype=bool))


def largest(kind: Kind) -> Callable[[Array], Contrasts]:
    """Compare all with the largest group."""
    return lambda n: against_one(kind, n, int(np.argmax(n)))


DIFFERENCE = Family(
    "difference",
    Limit(max=TAU),
    apart,
    rate_difference,
    widest,
    everyone("difference"),
    again=20_000,
)
RATIO = Family("ratio", Limit(min=RHO), below, rate_ratio, lowest, everyone("ratio"), again=20_000)
FAMILIES = (
    DIFFERENCE,
    RATIO,
    Family(
        "equalized odds",
        Limit(max=TAU),
        apart,
        odds,
        odds_screen,
        everyone("difference"),
        sidak(0.05, 2),
    ),
    Family(
        "difference from the largest",
        Limit(max=TAU),
        apart,
        partial(rate_difference, reference="largest"),
        widest,
        largest("difference"),
    ),
    Family(
        "ratio to the largest",
        Limit(min=RHO),
        below,
        partial(rate_ratio, reference="largest"),
        lowest,
        largest("ratio"),
    ),
    Family(
        "ratio to the highest of at least 2 %",
        Limit(min=RHO),
        below,
        partial(rate_ratio, at_least=0.02),
        lowest,
        lambda n: among_all("ratio", n, n >= 0.02 * n.sum()),
    ),
)


def false_fails(
    family: Family, shape: str, rows: int, base: float, runs: tuple[int, int]
) -> tuple[Tally, str, int]:
    """Return the worst split of a cell, measured anew, and how many splits were tried."""
    n = sizes_of(shape, rows)
    tried, again = runs
    splits = clusters(n.size, 24 if n.size > 5 else 30, seed=rows)
    first = [
        _runs(family, n, base, np.array(low), tried, (family.name, shape, rows, base, low))
        for low in splits
    ]
    worst = int(np.argmax([each.breach for each in first]))
    low = np.array(splits[worst])
    found = _runs(family, n, base, low, again, ("again", family.name, shape, rows, base))
    return found, "".join("L" if each else "H" for each in low), len(splits)


def _runs(
    family: Family,
    n: Array,
    base: float,
    low: NDArray[np.bool_],
    runs: int,
    key: tuple[object, ...],
) -> Tally:
    rates = family.rates(base, low)
    if family.measure is odds:  # four in ten are positives
        positives = np.maximum(np.rint(0.4 * n), 1)
        n = np.concatenate([positives, np.maximum(n - positives, 1)])
        rates = np.tile(rates, 2)
    x = stream(*key).binomial(n.astype(int), rates, size=(runs, n.size)).astype(float)
    possible = family.screen(x, n) > family.critical(n, float(rates.max())) - SLACK
    said = judged(x, possible, family.limit, lambda row: family.measure(row, n))
    return Tally().add(said, runs)


def false_passes(
    kind: str, shape: str, rows: int, base: float, runs: tuple[int, int]
) -> tuple[Tally, str]:
    """Return proofs of what is exactly at the limit, for the worst pair, measured anew.

    One pair of groups lies at the limit, all others between; of more than two groups the two
    smallest and the largest are tried.
    """
    n = sizes_of(shape, rows)
    groups = range(n.size)
    if n.size > 2:
        order = np.argsort(n)
        groups = [int(order[0]), int(order[1]), int(order[-1])]
    pairs = [(i, j) for i in groups for j in groups if i != j]
    key = ("proof", kind, shape, rows, base)
    tried = [_proofs(kind, n, base, pair, runs[0], (*key, *pair)) for pair in pairs]
    worst = pairs[int(np.argmax([each.holds for each in tried]))]
    found = _proofs(kind, n, base, worst, runs[1], ("again", *key))
    return found, f"{worst[0] + 1} over {worst[1] + 1}"


def _proofs(
    kind: str, n: Array, base: float, pair: tuple[int, int], runs: int, key: tuple[object, ...]
) -> Tally:
    family = DIFFERENCE if kind == "difference" else RATIO
    high, low = pair
    rates = family.rates(base, np.arange(n.size) == low)
    top, bottom = rates[high], rates[low]
    rates[:] = (top + bottom) / 2
    rates[high], rates[low] = top, bottom
    x = stream(*key).binomial(n.astype(int), rates, size=(runs, n.size)).astype(float)
    sign = family.screen(x[:, [high, low]], n[[high, low]])
    said = judged(x, sign < -0.8, family.limit, lambda row: family.measure(row, n))
    return Tally().add(said, runs)


def fair(shape: str, rows: int, runs: int) -> tuple[Tally, float]:
    """Return the verdicts on a perfectly fair model, and how often a point gate fails it."""
    n = sizes_of(shape, rows)
    x = stream("fair", shape, rows).binomial(n.astype(int), 0.4, size=(runs, n.size)).astype(float)
    rate = x / n
    point = float((rate.max(axis=1) - rate.min(axis=1) > TAU).mean())
    said = judged(x, np.ones(runs, dtype=bool), Limit(max=TAU), lambda row: rate_difference(row, n))
    return Tally().add(said, runs), point


def fairlearn_interval(rows: int, runs: int) -> tuple[int, int]:
    """Return how often fairlearn's interval of a fair model lies above 0, and above TAU."""
    n = sizes_of("60/18/13/6/3", rows).astype(int)
    rng = stream("fairlearn", rows)
    above_zero = above_limit = 0
    for run in range(runs):
        decided = (rng.random(rows) < 0.4).astype(int)
        frame = MetricFrame(
            metrics=selection_rate,
            y_true=decided,
            y_pred=decided,
            sensitive_features=np.repeat(np.arange(n.size), n),
            n_boot=100,
            ci_quantiles=[0.05, 0.95],
            random_state=run,
        )
        lower = float(frame.difference_ci()[0])
        above_zero += lower > 0
        above_limit += lower > TAU
    return above_zero, above_limit


def power(shape: str, rows: int, runs: int, gap: float = 0.20) -> tuple[Tally, float]:
    """Return the verdicts when the second group is `gap` lower; and those of Bonferroni pairs."""
    n = sizes_of(shape, rows)
    rates = np.full(n.size, 0.4)
    rates[1] -= gap
    x = stream("power", shape, rows).binomial(n.astype(int), rates, size=(runs, n.size))
    x = x.astype(float)
    strongest = widest(x, n)
    possible = strongest > DIFFERENCE.critical(n, 0.4) - SLACK
    said = judged(x, possible, DIFFERENCE.limit, lambda row: rate_difference(row, n))
    plain = quantile(bonferroni(0.05, n.size * (n.size - 1)))
    return Tally().add(said, runs), float((strongest > plain).mean())


def floors(shape: str, rows: int, base: float, runs: int) -> Tally:
    """Return how often a floor that every group exactly meets is found broken."""
    n = sizes_of(shape, rows)
    x = stream("floor", shape, rows, base).binomial(n.astype(int), base, size=(runs, n.size))
    _, high = rate_bounds(x.astype(float), n, 0.05 / n.size)
    said = judged(
        x.astype(float),
        (high < base).any(axis=1),
        Limit(min=base),
        lambda row: rate_floor(row, n),
    )
    return Tally().add(said, runs)


Cell = tuple[int, str, int, float, tuple[int, int]]


def worst_of(cell: Cell) -> tuple[float, int, str]:
    """Return the share of false fails of a cell, how many they are, and the worst split."""
    place, shape, size, base, runs = cell
    begun = time.perf_counter()
    found, split, _ = false_fails(FAMILIES[place], shape, size, base, runs)
    share = found.share("breach")
    took = f"{split} ({time.perf_counter() - begun:.0f} s)"
    print(
        FAMILIES[place].name, shape, base, size, percent(share), took, file=sys.stderr, flush=True
    )
    return share, found.breach, split


class Kept:
    """What was measured, cell by cell; with a `path` also for a later call of the same code."""

    def __init__(self, pool: ProcessPoolExecutor, path: Path | None) -> None:
        self.pool, self.path = pool, path
        self.cells: dict[str, Any] = {}
        if path is not None and path.exists():
            self.cells = json.loads(path.read_text(encoding="utf-8"))

    def map(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> list[Any]:
        """Return the result of each task, from before or measured now."""
        names = [f"{work.__name__}{task!r}" for task in tasks]
        waiting = {
            name: self.pool.submit(work, task)
            for name, task in zip(names, tasks, strict=True)
            if name not in self.cells
        }
        for name, result in waiting.items():
            self.cells[name] = result.result()
            if self.path is not None:
                self.path.write_text(json.dumps(self.cells, indent=0), encoding="utf-8")
        return [self.cells[name] for name in names]


def report(*, quick: bool, jobs: int, keep: Path | None = None) -> str:
    """Run everything and return the page."""
    sizes = SIZES[1:3] if quick else SIZES
    bases = (0.1, 0.4) if quick else BASES
    shapes = [each for each in SHAPES if not quick or each != "ten groups"]
    tried, once, floor_runs = (100, 1_000, 2_000) if quick else (150, 4_000, 20_000)
    cells: list[Cell] = [
        (place, shape, size, base, (tried, 1_000 if quick else family.again))
        for place, family in enumerate(FAMILIES)
        for shape in shapes
        for base in bases
        for size in sizes
    ]
    pool = Kept(ProcessPoolExecutor(jobs), keep)
    found = dict(zip(cells, pool.map(worst_of, cells), strict=True))
    beyond = sum(found[cell][1] > bound(cell[4][1], len(cells)) for cell in cells)
    columns = [f"base rate {base:g}" for base in bases]
    rows = []
    for place, family in enumerate(FAMILIES):
        for shape in shapes:
            line = [family.name, shape]
            for base in bases:
                here = {c[2]: found[c] for c in cells if (c[0], c[1], c[3]) == (place, shape, base)}
                size = max(here, key=lambda each: here[each][0])
                line.append(f"{percent(here[size][0])} at {size:,}")
            rows.append(line)
    limits = " and ".join(
        f"{percent(bound(runs, len(cells)) / runs)} of {runs:,} runs"
        for runs in sorted({cell[4][1] for cell in cells}, reverse=True)
    )
    parts = [
        "# Calibration of the verdicts",
        (
            "Made by `python benchmarks/calibration.py --write docs/calibration.md` with "
            f"{versions('pytest-aipm', 'numpy', 'scipy')}. No formula is copied here: counts are "
            "drawn, measured and judged by the functions that an audit calls."
        ),
        "## False fails: how often a model exactly at its limit is failed",
        (
            f"The limit is a difference of {TAU:g} or a ratio of {RHO:g}; the promise is at most "
            "5 %. In every cell each split of the groups into a low and a high cluster was tried "
            f"({tried:,} runs each; 24 splits of ten groups), and the worst was run anew. Shown is "
            f"the worst of the sizes {', '.join(f'{size:,}' for size in sizes)}. Of {len(cells)} "
            f"cells {beyond} lie beyond their bound of {limits}: a grid of true 5 % stays within "
            "it in 99 of 100 cases."
        ),
        table(["family", "groups", *columns], rows),
        "### A floor that every group meets exactly",
        table(["groups", *columns], _floor_rows(pool, shapes, sizes, bases, floor_runs)),
        "## False passes under `decide_on: proof`",
        (
            "One pair of groups lies exactly at the limit, all others between; of more than two "
            "groups the two smallest and the largest are tried (250 runs a pair), and the worst "
            f"pair is run anew {once:,} times. Shown is the worst size; a true 5 % stays within "
            f"{percent(bound(once, 2 * len(shapes) * len(sizes) * len(bases)) / once)} in 99 of "
            "100 such grids."
        ),
        table(["kind", "groups", *columns], _proof_rows(pool, shapes, sizes, bases, (250, once))),
        "## A perfectly fair model",
        (
            "Every group's rate is 0.40 and the limit is a difference of 0.10. A point gate "
            "compares the observed difference with the limit."
        ),
        _fair_table(pool, shapes, sizes, once),
        _beside_fairlearn(runs=10 if quick else 50),
        "## Power: one group's rate is 0.20 lower",
        (
            "The second group has the rate 0.20, all others 0.40; the limit is 0.10. Bonferroni "
            "means score tests of all ordered pairs, each at its share of 5 %."
        ),
        _power_table(pool, shapes, sizes, once),
        *score_tables(quick=quick),
    ]
    return "\n\n".join(parts) + "\n"


Sizes = tuple[int, ...]
Bases = tuple[float, ...]


def _floor_share(task: tuple[str, int, float, int]) -> float:
    return floors(*task).share("breach")


def _floor_rows(
    pool: Kept, shapes: list[str], sizes: Sizes, bases: Bases, runs: int
) -> list[list[str]]:
    tasks = [(shape, size, base, runs) for shape in shapes for base in bases for size in sizes]
    shares = np.reshape(pool.map(_floor_share, tasks), (len(shapes), len(bases), len(sizes)))
    worst = shares.max(axis=2)
    return [[shape, *map(percent, line)] for shape, line in zip(shapes, worst, strict=True)]


def _proof_share(task: tuple[str, str, int, float, tuple[int, int]]) -> float:
    found, pair = false_passes(*task)
    print("proof", *task, percent(found.share("holds")), pair, file=sys.stderr, flush=True)
    return found.share("holds")


def _proof_rows(
    pool: Kept,
    shapes: list[str],
    sizes: Sizes,
    bases: Bases,
    runs: tuple[int, int],
) -> list[list[str]]:
    heads = [(kind, shape) for kind in ("difference", "ratio") for shape in shapes]
    tasks = [(*head, size, base, runs) for head in heads for base in bases for size in sizes]
    shares = np.reshape(pool.map(_proof_share, tasks), (len(heads), len(bases), len(sizes)))
    worst = shares.max(axis=2)
    return [[*head, *map(percent, line)] for head, line in zip(heads, worst, strict=True)]


def _fair_line(task: tuple[str, int, int]) -> list[str]:
    found, point = fair(*task)
    shares = [percent(found.share(each)) for each in ("breach", "holds", "open")]
    return [task[0], f"{task[1]:,}", *shares, percent(point)]


def _fair_table(pool: Kept, shapes: list[str], sizes: Sizes, runs: int) -> str:
    tasks = [(shape, size, runs) for shape in shapes for size in sizes]
    head = ["groups", "rows", "fail", "pass", "inconclusive", "point gate fails"]
    return table(head, pool.map(_fair_line, tasks))


def _power_line(task: tuple[str, int, int]) -> list[str]:
    found, plain = power(*task)
    return [task[0], f"{task[1]:,}", percent(found.share("breach")), percent(plain)]


def _power_table(pool: Kept, shapes: list[str], sizes: Sizes, runs: int) -> str:
    tasks = [(shape, size, runs) for shape in shapes for size in sizes]
    return table(["groups", "rows", "fail", "Bonferroni"], pool.map(_power_line, tasks))


def _beside_fairlearn(runs: int) -> str:
    above_zero, above_limit = fairlearn_interval(1_000, runs)
    return (
        f"Beside it, the 90 % bootstrap interval that fairlearn {metadata.version('fairlearn')} "
        f"gives for the same difference (1,000 rows, 60/18/13/6/3, 100 replicates, {runs} fair "
        f"samples): its lower end lay above the true gap of 0 in {above_zero}, and above the limit "
        f"in {above_limit}."
    )


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    page = report(quick=asked.quick, jobs=asked.jobs, keep=asked.keep)
    if asked.write is None:
        print(page)
    else:
        asked.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
