"""How often the worst of several classes, and rankings, fail although nothing is wrong.

``python benchmarks/classes.py [--runs N]`` prints Markdown tables. The truth lies exactly at the
limit in every class at once, or only in one, so that each run is a chance to cry wolf. At most
``binom.ppf(1 - 0.01 / cells, runs, 0.05)`` runs of a cell may fail.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator

import numpy as np
import scipy
from scipy.stats import binom

from pytest_aipm.checks.ranked import Values
from pytest_aipm.stats.effective import effective_sizes, opposing
from pytest_aipm.stats.part_disparity import part_difference
from pytest_aipm.stats.ranking import Ranking
from pytest_aipm.stats.rate_disparity import rate_difference
from pytest_aipm.stats.worst import worst_disparity

LIMIT = 0.10
SHAPES = {
    "50/50": (0.5, 0.5),
    "90/10": (0.9, 0.1),
    "60/18/13/6/3": (0.6, 0.18, 0.13, 0.06, 0.03),
}
"""Shares of the groups."""
MIXES = {
    "3 even": (1 / 3,) * 3,
    "10 even": (0.1,) * 10,
    "0.90/0.07/0.03": (0.9, 0.07, 0.03),
}
"""Shares of the classes among the labels."""


def worst_class(
    shares: tuple[float, ...], mix: tuple[float, ...], n: int, runs: int, *, every: bool, rate: str
) -> int:
    """Return in how many runs the worst class fails although no true gap is above the limit."""
    rng, fails = np.random.default_rng(0), 0
    groups, classes = len(shares), len(mix)
    for _ in range(runs):
        sizes = rng.multinomial(n, shares)
        labels = np.array([rng.multinomial(size, mix) for size in sizes])
        counts = []
        for c in range(classes):
            # the first half of the groups is served worse, by exactly the limit
            gap = LIMIT if every or c == 0 else 0.0
            low = np.arange(groups) < max(1, groups // 2)
            if rate == "recall":
                counts.append((rng.binomial(labels[:, c], 0.7 - gap * low), labels[:, c]))
        if rate == "share":
            moved = np.tile(np.array(mix), (groups, 1))
            half = max(1, groups // 2)
            moved[:half, 0] -= LIMIT
            moved[:half, 1:] += LIMIT / (classes - 1)
            drawn = np.array([rng.multinomial(s, m) for s, m in zip(sizes, moved, strict=True)])
            counts = [(drawn[:, c], sizes) for c in range(classes)]
        fails += worst_disparity(counts, "difference").lower > LIMIT
    return fails


def ranking(queries: int, rows: int, share: float, runs: int, *, kind: str) -> int:
    """Return in how many runs a fair ranking fails a gap of 0 between two groups.

    Scores know nothing of the group; in half of the queries nearly all rows are of one group.
    """
    rng, fails = np.random.default_rng(0), 0
    for _ in range(runs):
        query = np.repeat(np.arange(queries), rows)
        lean = np.where(np.arange(queries) % 2 == 0, share, 1 - share)
        group = (rng.random(queries * rows) < lean[query]).astype(np.int64)
        found = Ranking(query, rng.normal(size=queries * rows))
        if kind == "exposure":
            seen = found.exposure()
            relative = seen / (found.total(seen) / found.sizes)[query]
            parts = Values(relative, group, query).parts(2, 0.05, np.inf)
            fails += part_difference(parts, confidence=0.95).lower > 0
            continue
        chosen = np.empty(len(query), dtype=bool)
        chosen[found.order] = np.tile(np.arange(rows) < rows // 3, queries)
        fails += _selection(query, group, chosen).lower > 0
    return fails


def _selection(query: np.ndarray, group: np.ndarray, chosen: np.ndarray):  # noqa: ANN202
    n = np.bincount(group)
    mean = np.bincount(group, weights=chosen) / n
    keys, pair = np.unique(query * 2 + group, return_inverse=True)
    z = np.bincount(pair, weights=(chosen - mean[group]) / n[group])
    own = np.bincount(keys % 2, weights=z**2)
    squares = own + opposing(z, keys // 2, keys % 2, 2)
    held = np.bincount(pair)
    kish = n**2 / np.bincount(keys % 2, weights=held**2)
    units = np.bincount(keys % 2)
    sizes = effective_sizes(mean * (1 - mean), squares, n, units, (n, kish), 0.05)
    return rate_difference(mean * sizes, sizes)


def lines(runs: int) -> Iterator[str]:
    """Yield the page."""
    versions = (
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    )
    yield f"{runs:,} runs a cell; {versions}."
    cells = len(SHAPES) * len(MIXES) * 3 * 2 + 12
    most = int(binom.ppf(1 - 0.01 / cells, runs, 0.05))
    yield f"At most {most / runs:.1%} may fail.\n"
    yield f"False fails of the worst class, limit {LIMIT:g}, truth at the limit:\n"
    yield "| groups | classes | rows | recall, every class | recall, one class | share predicted |"
    yield "|---|---|---|---|---|---|"
    for shape, shares in SHAPES.items():
        for mix, of in MIXES.items():
            for n in (1000, 5000):
                found = [
                    worst_class(shares, of, n, runs, every=True, rate="recall"),
                    worst_class(shares, of, n, runs, every=False, rate="recall"),
                    worst_class(shares, of, n, runs, every=False, rate="share"),
                ]
                yield (
                    f"| {shape} | {mix} | {n:,} | "
                    + " | ".join(
                        f"{each / runs:.1%}" + (" !" if each > most else "") for each in found
                    )
                    + " |"
                )
    yield "\nFalse fails of a fair ranking, limit 0:\n"
    yield "| queries | rows of each | first group | exposure | selection |"
    yield "|---|---|---|---|---|"
    for queries, rows in ((30, 10), (100, 10), (300, 10), (100, 50)):
        for share in (0.5, 0.9):
            found = [ranking(queries, rows, share, runs, kind=k) for k in ("exposure", "selection")]
            yield (
                f"| {queries} | {rows} | {share:g} | "
                + " | ".join(f"{each / runs:.1%}" + (" !" if each > most else "") for each in found)
                + " |"
            )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    for line in lines(parser.parse_args().runs):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
