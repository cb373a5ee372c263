"""False alarms and power of the data checks that estimate something about people.

Nothing is copied of what an audit calls: estimates, ends and verdicts are those of the package. In
a null world the true value is the limit itself, the worst place for a false alarm.

    python benchmarks/data_people.py [--write docs/data-people.md] [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import Array, bound, percent, show, stream, table, versions
from scipy.special import expit

from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.stats.adjusted import against_one_group
from pytest_aipm.stats.disparity import rate_difference
from pytest_aipm.stats.doubling import last_doubling
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.floors import floor
from pytest_aipm.stats.manski import Bounds
from pytest_aipm.stats.mantel_haenszel import mantel_haenszel
from pytest_aipm.stats.matching import Matched, matched_difference
from pytest_aipm.stats.parts import RatePart
from pytest_aipm.stats.representation import represented
from pytest_aipm.stats.single import from_part

__all__ = ["FAULTS", "NULLS", "World", "held", "measure"]

Draw = Callable[[np.random.Generator], tuple[Estimate, Limit]]


@dataclass(frozen=True)
class World:
    """Rows drawn again and again, and the limit they are held against.

    Attributes
    ----------
    check, what, rows : str
        The check; what is true; how many rows there are.
    draw : callable
        From random numbers to the estimate of one sample and its limit.
    runs : int
    """

    check: str
    what: str
    rows: str
    draw: Draw
    runs: int = 2000


def measure(world: World, runs: int) -> dict[str, int]:
    """Return how often each word was said of `runs` samples."""
    rng = stream(world.check, world.what, world.rows)
    said = {"breach": 0, "holds": 0, "open": 0}
    for _ in range(runs):
        found, limit = world.draw(rng)
        said[decide(found.value, found.lower, found.upper, limit, "interval")] += 1
    return said


# -- representation ------------------------------------------------------------------------------


def shares(true: Array, expected: Array, n: int, kind: str, limit: Limit) -> Draw:
    """Return a draw of `n` rows with the true shares."""

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        x = rng.multinomial(n, true).astype(float)
        return represented(x, [float(n)] * len(x), expected, kind), limit  # type: ignore[arg-type]

    return draw


TWO, FIVE = np.array([0.51, 0.49]), np.array([0.60, 0.18, 0.13, 0.06, 0.03])


def short(expected: Array, places: tuple[int, ...], ratio: float) -> Array:
    """Return shares of which some are so much smaller than expected; the first takes the rest."""
    true = expected.copy()
    true[list(places)] *= ratio
    true[0] += 1 - true.sum()
    return np.asarray(true)


# -- label bias ----------------------------------------------------------------------------------


def strata(gap: float, n: int, limit: float) -> Draw:
    """Return a draw of two groups in six strata, whose label rates differ by `gap` in each."""
    rates = np.linspace(0.2, 0.7, 6)
    mix = np.array([np.linspace(2, 1, 6), np.linspace(1, 2, 6)]).T
    mix = mix / mix.sum()

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        rows = rng.multinomial(n, mix.reshape(-1)).reshape(6, 2)
        favorable = rng.binomial(rows, np.column_stack([rates, rates - gap]))
        parts = [mantel_haenszel(favorable, rows, group, 0, "difference") for group in (0, 1)]
        return against_one_group(parts, 0, "difference"), Limit(max=limit)

    return draw


def matched(
    gap: float, n: int, limit: float, *, columns: int, groups: int = 2, coarse: bool = False
) -> Draw:
    """Return a draw of groups whose columns differ, and whose labels differ by `gap` beside."""

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        sides, labels = [], []
        for group in range(groups):
            x = rng.normal(size=(n // groups, columns))
            x[:, 0] += 0.5 * (group > 0)
            if coarse:
                x = np.round(x)
            rate = 0.15 + 0.7 * expit(x[:, 0] + np.sin(2 * x[:, -1])) - gap * (group > 0)
            sides.append(x)
            labels.append((rng.random(len(x)) < rate).astype(float))
        nan = float("nan")
        parts = [Matched(nan, nan, nan, nan, float(len(sides[0])), 0.0)] + [
            matched_difference(sides[group], labels[group], sides[0], labels[0])
            for group in range(1, groups)
        ]
        return against_one_group(parts, 0, "difference"), Limit(max=limit)

    return draw


# -- selective labels ----------------------------------------------------------------------------


def unknown(share: tuple[float, ...], n: int, limit: float) -> Draw:
    """Return a draw of groups in which a share of the outcomes is unknown."""

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        rows = n // len(share)
        parts = [RatePart(float(rng.binomial(rows, each)), float(rows)) for each in share]
        return floor(parts, worst="max"), Limit(max=limit)

    return draw


def unequal(low: float, gap: float, n: int, limit: float) -> Draw:
    """Return a draw of two groups of which outcomes are not known alike."""

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        x = rng.binomial(n // 2, [low, low + gap]).astype(float)
        return rate_difference(x, [n // 2, n // 2]), Limit(max=limit)

    return draw


def worst_error(error: float, share: float, n: int, limit: float) -> Draw:
    """Return a draw of decisions that err so often where the outcome is known."""

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        hidden = rng.random(n) < share
        wrong = rng.random(n) < error
        part = RatePart(float((hidden | wrong).sum()), float(n))
        return from_part(part), Limit(max=limit)

    return draw


def held(runs: int, *, rate: float, taken: float, n: int) -> float:
    """Return how often the interval of Imbens and Manski holds a rate at the end of its bound."""
    rng, inside = stream("held", rate, taken, n), 0
    for _ in range(runs):
        known = rng.random(n) < taken
        event = known & (rng.random(n) < rate)  # no unknown row is one: the truth is the lower end
        bounds = Bounds((float(event.sum()), float(n)), (float((event | ~known).sum()), float(n)))
        low, high = bounds.interval(0.05)
        inside += low <= rate * taken <= high
    return inside / runs


# -- learning curve ------------------------------------------------------------------------------


def learning(n: int, columns: int, asked: int, *, factor: float, share: bool = False) -> Draw:
    """Return a draw of a regression whose risk is known: squared error, normal columns.

    The limit is `factor` times the true gain from a random half of these training rows to all.
    """

    def draw(rng: np.random.Generator) -> tuple[Estimate, Limit]:
        true = rng.normal(size=columns) / np.sqrt(columns)
        x = rng.normal(size=(n, columns))
        y = x @ true + rng.normal(size=n)
        new = rng.normal(size=(asked, columns))
        seen = new @ true + rng.normal(size=asked)
        whole = np.linalg.lstsq(x, y, rcond=None)[0]
        halves, risks = [], []
        for repeat in range(60):  # five are fitted by the check, the others tell the truth
            half = rng.permutation(n)[: n // 2]
            fitted = np.linalg.solve(x[half].T @ x[half], x[half].T @ y[half])
            risks.append(1 + ((fitted - true) ** 2).sum())
            if repeat < 5:
                halves.append((seen - new @ fitted) ** 2)
        after = 1 + ((whole - true) ** 2).sum()
        gain = float(np.mean(risks) - after)
        gain = gain / float(np.mean(risks)) if share else gain
        part = last_doubling(
            np.array(halves), (seen - new @ whole) ** 2, "share" if share else "gain"
        )
        return from_part(part), Limit(max=factor * gain)

    return draw


NULLS = (
    World(
        "data.representation",
        "one of two groups at a ratio of 0.80",
        "200",
        shares(short(TWO, (1,), 0.8), TWO, 200, "ratio", Limit(min=0.8)),
    ),
    World(
        "data.representation",
        "one of two groups at a ratio of 0.80",
        "1,000",
        shares(short(TWO, (1,), 0.8), TWO, 1000, "ratio", Limit(min=0.8)),
    ),
    World(
        "data.representation",
        "four of five groups at a ratio of 0.80",
        "1,000",
        shares(short(FIVE, (1, 2, 3, 4), 0.8), FIVE, 1000, "ratio", Limit(min=0.8)),
    ),
    World(
        "data.representation",
        "four of five groups, 0.03 short each at most",
        "1,000",
        shares(np.array([0.69, 0.15, 0.10, 0.03, 0.03]), FIVE, 1000, "difference", Limit(max=0.03)),
    ),
    World("data.label_bias", "gap 0.05, strata", "300", strata(0.05, 300, 0.05)),
    World("data.label_bias", "gap 0.05, strata", "2,000", strata(0.05, 2000, 0.05)),
    World("data.label_bias", "no gap, limit 0, strata", "1,000", strata(0.0, 1000, 0.0)),
    World(
        "data.label_bias",
        "gap 0.05, matched by 3 numbers",
        "1,000",
        matched(0.05, 1000, 0.05, columns=3),
        1000,
    ),
    World(
        "data.label_bias",
        "gap 0.05, matched by 8 numbers",
        "2,000",
        matched(0.05, 2000, 0.05, columns=8),
        1000,
    ),
    World(
        "data.label_bias",
        "gap 0.05, matched by 3 coarse numbers",
        "1,000",
        matched(0.05, 1000, 0.05, columns=3, coarse=True),
        1000,
    ),
    World(
        "data.label_bias",
        "no gap, limit 0, four groups matched by 3 numbers",
        "1,600",
        matched(0.0, 1600, 0.0, columns=3, groups=4),
        1000,
    ),
    World(
        "data.selective_labels",
        "unknown outcomes at 0.20",
        "500",
        unknown((0.20,), 500, 0.20),
    ),
    World(
        "data.selective_labels",
        "unknown outcomes of four groups at 0.20",
        "1,000",
        unknown((0.20,) * 4, 1000, 0.20),
    ),
    World(
        "data.selective_labels",
        "gap of unknown outcomes at 0.10",
        "1,000",
        unequal(0.2, 0.1, 1000, 0.1),
    ),
    World(
        "data.selective_labels",
        "error rate at worst 0.28",
        "1,000",
        worst_error(0.10, 0.20, 1000, 0.28),
    ),
    World(
        "data.learning_curve",
        "the true gain is the limit, 5 columns",
        "300 and 500",
        learning(300, 5, 500, factor=1.0),
        1000,
    ),
    World(
        "data.learning_curve",
        "the true gain is the limit, 30 columns",
        "300 and 500",
        learning(300, 30, 500, factor=1.0),
        1000,
    ),
    World(
        "data.learning_curve",
        "the true gain is the limit, as a share",
        "300 and 2,000",
        learning(300, 30, 2000, factor=1.0, share=True),
        1000,
    ),
)

FAULTS = (
    World(
        "data.representation",
        "one of two groups at a ratio of 0.60, limit 0.80",
        "500",
        shares(short(TWO, (1,), 0.6), TWO, 500, "ratio", Limit(min=0.8)),
    ),
    World(
        "data.representation",
        "a group of 6 % at a ratio of 0.30, limit 0.80",
        "1,000",
        shares(short(FIVE, (3,), 0.3), FIVE, 1000, "ratio", Limit(min=0.8)),
    ),
    World("data.label_bias", "gap 0.15, limit 0.05, strata", "1,200", strata(0.15, 1200, 0.05)),
    World(
        "data.label_bias",
        "gap 0.15, limit 0.05, matched by 3 numbers",
        "2,000",
        matched(0.15, 2000, 0.05, columns=3),
        1000,
    ),
    World(
        "data.selective_labels",
        "unknown outcomes at 0.27, limit 0.20",
        "500",
        unknown((0.27,), 500, 0.20),
    ),
    World(
        "data.selective_labels",
        "gap of unknown outcomes 0.20, limit 0.10",
        "1,000",
        unequal(0.2, 0.2, 1000, 0.1),
    ),
    World(
        "data.selective_labels",
        "error rate at worst 0.28, limit 0.23",
        "1,000",
        worst_error(0.10, 0.20, 1000, 0.23),
    ),
    World(
        "data.learning_curve",
        "a gain of four times the limit, 30 columns",
        "300 and 2,000",
        learning(300, 30, 2000, factor=0.25),
        1000,
    ),
)


def _rows(worlds: tuple[World, ...], factor: float, *, null: bool) -> list[list[str]]:
    rows = []
    for world in worlds:
        runs = max(20, round(world.runs * factor))
        said = measure(world, runs)
        most = [f"{percent(bound(runs, len(worlds)) / runs)}"] if null else []
        rows.append(
            [
                f"`{world.check}`",
                world.what,
                world.rows,
                f"{runs:,}",
                percent(said["breach"] / runs),
                *most,
            ]
        )
    return rows


def page(factor: float = 1.0) -> str:
    """Return the tables as Markdown."""
    start = time.monotonic()
    nulls = table(
        ["check", "what is true", "rows", "runs", "false fails", "at most, by chance"],
        _rows(NULLS, factor, null=True),
    )
    faults = table(
        ["check", "what is true", "rows", "runs", "caught"], _rows(FAULTS, factor, null=False)
    )
    runs = max(50, round(2000 * factor))
    inside = table(
        ["true rate where known", "share known", "rows", "holds the rate"],
        [
            [rate, taken, f"{n:,}", percent(held(runs, rate=rate, taken=taken, n=n))]
            for rate, taken, n in ((0.1, 0.6, 200), (0.3, 0.6, 1000), (0.1, 0.99, 500))
        ],
    )
    minutes = (time.monotonic() - start) / 60
    made = versions("pytest-aipm", "numpy", "scipy")
    return f"""## As measured

Made by `python benchmarks/data_people.py --write docs/data-people.md` with {made}. Estimates, ends
and verdicts are those of the package; all data are synthetic. It took {minutes:.0f} minutes on two
cores that others shared.

### False alarms

The true value is the limit itself, so that every fail is false; the promise is at most 5 %. The
last column is what a true 5 % stays below in 99 of 100 such tables. Rows of a learning curve are
training and evaluation rows.

{nulls}

### Faults that are caught

{faults}

### The interval of Imbens and Manski

The truth is the lower end of the bound, the worst place for it; the promise is 90 % of {runs:,}
runs.

{inside}
"""


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs")
    asked = parser.parse_args()
    show(page(0.05 if asked.quick else 1.0), asked.write)


if __name__ == "__main__":
    main()
