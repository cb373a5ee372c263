"""What the benchmarks of the verdicts share: cells, their bound, tables."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.stats.estimate import Estimate

__all__ = [
    "SHAPES",
    "Tally",
    "bound",
    "clusters",
    "judged",
    "percent",
    "show",
    "sizes_of",
    "stream",
    "table",
    "versions",
]

Array = NDArray[np.float64]

SHAPES: dict[str, tuple[float, ...]] = {
    "50/50": (0.50, 0.50),
    "90/10": (0.90, 0.10),
    "60/18/13/6/3": (0.60, 0.18, 0.13, 0.06, 0.03),
    "ten groups": (0.28, 0.22, 0.15, 0.11, 0.08, 0.06, 0.04, 0.03, 0.02, 0.01),
    "one group of 5": (),
}
"""Shares of the groups; the last shape is everyone else and five people."""

LEVEL = 0.05


def sizes_of(shape: str, rows: int) -> Array:
    """Return the rows of each group."""
    shares = SHAPES[shape]
    if not shares:
        return np.array([rows - 5.0, 5.0])
    sizes = np.maximum(np.rint(np.array(shares) * rows), 1)
    sizes[0] += rows - sizes.sum()
    return np.asarray(sizes)


def clusters(groups: int, most: int, seed: int) -> list[tuple[bool, ...]]:
    """Return which groups are low, in every split into low and high ones, or in `most` of them."""
    splits = [
        each for each in itertools.product((True, False), repeat=groups) if 0 < sum(each) < groups
    ]
    if len(splits) <= most:
        return splits
    alone = [tuple(place == one for place in range(groups)) for one in range(groups)]
    rest = [each for each in splits if each not in alone]
    chosen = np.random.default_rng(seed).choice(len(rest), most - groups, replace=False)
    return alone + [rest[place] for place in chosen]


def stream(*key: object) -> np.random.Generator:
    """Return random numbers of a cell's own, the same in every run."""
    words = [int.from_bytes(str(each).encode()[:8].ljust(8, b"\0"), "big") for each in key]
    return np.random.default_rng(words)


@dataclass
class Tally:
    """Runs of one cell and what the judge said."""

    runs: int = 0
    breach: int = 0
    holds: int = 0

    def add(self, states: Iterable[str], runs: int) -> Tally:
        """Count verdicts; runs that were not judged one by one are undecided."""
        said = list(states)
        self.runs += runs
        self.breach += said.count("breach")
        self.holds += said.count("holds")
        return self

    def share(self, what: str) -> float:
        """Return the share of ``breach``, ``holds`` or ``open``."""
        if what == "open":
            return 1 - (self.breach + self.holds) / self.runs
        return float(getattr(self, what) / self.runs)


def judged(
    counts: Array, possible: NDArray[np.bool_], limit: Limit, measure: Callable[[Array], Estimate]
) -> list[str]:
    """Return the judge's word on each run that may be decided at all."""
    said = []
    for row in counts[possible]:
        found = measure(row)
        said.append(decide(found.value, found.lower, found.upper, limit, "interval"))
    return said


def bound(runs: int, cells: int) -> int:
    """Return how many of `runs` at a true 5 % stay below the 1 % point over all cells."""
    return int(binom.ppf(1 - 0.01 / cells, runs, LEVEL))


def percent(share: float) -> str:
    """Return a share as tables show it."""
    return f"{100 * share:.1f} %"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def show(text: str, page: Path | None) -> None:
    """Print what was measured, or write it behind the first part of a page."""
    if page is None:
        print(text)
        return
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(old.partition("## As measured")[0] + text, encoding="utf-8")


def versions(*names: str) -> str:
    """Return the versions behind the figures."""
    found = [f"Python {platform.python_version()}"]
    return ", ".join(found + [f"{name} {metadata.version(name)}" for name in names])
