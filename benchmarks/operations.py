"""Wrong verdicts on times, rates and rules where the truth lies on the limit, and what is caught.

Times are drawn from worlds whose percentiles are known; estimates, ends and verdicts are those of
the package.

    python benchmarks/operations.py [--write docs/operations.md] [--runs 2000]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from harness import Tally, bound, percent, show, stream, table, versions
from scipy.signal import lfilter
from scipy.stats import norm

from pytest_aipm.expressions import parse
from pytest_aipm.expressions.spans import Span, between
from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.means import MeanPart, PerUnit
from pytest_aipm.stats.quantiles import quantile_of
from pytest_aipm.stats.single import from_part, rate

__all__ = ["WORLDS", "World", "latency", "rates", "rules", "throughput"]

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
CALLS = (60, 500, 2000)
LEAST = {"p50": 5, "p95": 59, "p99": 299}
MANY = 4_000_000
"""Draws that say what the truth of a world is, where no formula does."""


@dataclass(frozen=True)
class World:
    """How long calls take: ``draw(rng, n)`` returns milliseconds of `n` calls in a row."""

    said: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    coarse: bool = False
    """Whether many calls take exactly as long as the limit allows: a pass is right then."""

    def truth(self, p: float | None) -> float:
        """Return its p-quantile; None asks for its mean."""
        return _truths(self)[p]


@cache
def _truths(world: World) -> dict[float | None, float]:
    """Return what many draws say, once."""
    drawn = world.draw(stream("truth", world.said), MANY)
    return {None: float(drawn.mean()), **{p: float(np.quantile(drawn, p)) for p in SHARES.values()}}


def _together(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return lognormal times each of which hangs on the one before (0.6), as on a busy machine."""
    noise = rng.normal(size=n + 50)
    return np.exp(2 + 0.5 * lfilter([0.8], [1, -0.6], noise)[50:])


WORLDS = (
    World("light tail (lognormal, 0.3)", lambda rng, n: rng.lognormal(2, 0.3, n)),
    World("heavy tail (lognormal, 1.0)", lambda rng, n: rng.lognormal(2, 1.0, n)),
    World(
        "9 of 10 calls answered from a cache",
        lambda rng, n: np.where(rng.random(n) < 0.9, 1.0, 30.0) * rng.lognormal(0, 0.2, n),
    ),
    World("a clock of 1 ms", lambda rng, n: np.ceil(rng.lognormal(2, 0.5, n)), coarse=True),
    World("calls hang together (0.6)", _together),
)


def _judged(tally: Tally, point: list[int], found: Estimate, limit: Limit) -> None:
    tally.add([decide(found.value, found.lower, found.upper, limit, "interval")], 1)
    point[0] += decide(found.value, found.lower, found.upper, limit, "point") == "breach"


def latency(
    world: World, name: str, calls: int, runs: int, factor: float = 1.0
) -> tuple[Tally, float]:
    """Return verdicts on a percentile whose limit is its truth over `factor`.

    Returns
    -------
    tally : Tally
    point : float
        Share of failures when the value alone decides.
    """
    p, rng = SHARES[name], stream("latency", world.said, name, calls, factor)
    limit, tally, point = Limit(max=world.truth(p) / factor), Tally(), [0]
    for _ in range(runs):
        _judged(tally, point, quantile_of(world.draw(rng, calls), p, in_order=True), limit)
    return tally, point[0] / runs


def throughput(world: World, calls: int, runs: int, factor: float = 1.0) -> tuple[Tally, float]:
    """Return verdicts on rows a second whose limit is the truth times `factor`."""
    rng = stream("throughput", world.said, calls, factor)
    limit, tally, point = Limit(min=1000 / world.truth(None) * factor), Tally(), [0]
    for _ in range(runs):
        part = PerUnit(MeanPart.from_series(world.draw(rng, calls), (0, np.inf)), 1000)
        _judged(tally, point, from_part(part), limit)
    return tally, point[0] / runs


def rates(truth: float, limit: float, rows: int, runs: int) -> tuple[Tally, float]:
    """Return verdicts on the share of rows without an answer."""
    rng, tally, point = stream("rates", truth, limit, rows), Tally(), [0]
    for lost in rng.binomial(rows, truth, runs):
        _judged(tally, point, rate(float(lost), rows), Limit(max=limit))
    return tally, point[0] / runs


RULE = parse("accuracy >= 0.80 and p95 <= 1 and errors <= 0.05")


def rules(on_limit: int, runs: int, rows: int = 1000) -> Tally:
    """Return verdicts on a rule of three conditions, of which `on_limit` are just kept."""
    rng, tally = stream("rules", on_limit, rows), Tally()
    right = 0.80 if on_limit > 0 else 0.86
    spread, errors = 0.3, 0.05 if on_limit > 2 else 0.02
    middle = -norm.ppf(0.95) * spread - (0.0 if on_limit > 1 else 0.2)
    for _ in range(runs):
        parts = {
            "accuracy": rate(float(rng.binomial(rows, right)), rows),
            "p95": quantile_of(rng.lognormal(middle, spread, rows), 0.95),
            "errors": rate(float(rng.binomial(rows, errors)), rows),
        }
        spans = {name: Span(each.value, each.lower, each.upper) for name, each in parts.items()}
        sure = between(RULE, spans)
        tally.add(["open" if sure is None else "holds" if sure else "breach"], 1)
    return tally


def _null(runs: int) -> Iterator[tuple[str, ...]]:
    lines = [
        (world, name, calls)
        for world in WORLDS
        for name in SHARES
        for calls in CALLS
        if calls >= LEAST[name]
    ]
    most = bound(runs, 2 * len(lines))
    for world, name, calls in lines:
        found, point = latency(world, name, calls, runs)
        yield _line(f"{world.said}, {name}", f"{calls:,} calls", found, point, most, world)


def _rest(runs: int) -> Iterator[tuple[str, ...]]:
    cells = [(world, calls) for world in WORLDS for calls in (30, 100, 500)]
    shares = [(limit, rows) for limit in (0.01, 0.05) for rows in (100, 1000, 10_000)]
    most = bound(runs, 2 * (len(cells) + len(shares)))
    for world, calls in cells:
        found, point = throughput(world, calls, runs)
        yield _line(f"throughput: {world.said}", f"{calls:,} calls", found, point, most, world)
    for limit, rows in shares:
        found, point = rates(limit, limit, rows, runs)
        yield _line(f"error rate of {limit:g}", f"{rows:,} rows", found, point, most)


def _line(
    what: str, size: str, found: Tally, point: float, most: int, world: World | None = None
) -> tuple[str, ...]:
    coarse = world is not None and world.coarse and "throughput" not in what
    passes = "right" if coarse else percent(found.share("holds"))
    worst = found.breach if coarse else max(found.breach, found.holds)
    told = (percent(found.share("breach")), passes, percent(point))
    return (what, size, *told, "yes" if worst <= most else "NO")


def _power(runs: int) -> Iterator[tuple[str, ...]]:
    plain = WORLDS[0]
    for name, calls, factor in (
        ("p50", 500, 1.10),
        ("p95", 500, 1.20),
        ("p95", 2000, 1.10),
        ("p99", 500, 1.50),
        ("p99", 2000, 1.25),
    ):
        slow, _ = latency(plain, name, calls, runs, factor)
        fast, _ = latency(plain, name, calls, runs, 1 / factor)
        yield (
            f"{name}",
            f"{calls:,} calls",
            f"{percent(factor - 1)} slower",
            percent(slow.share("breach")),
            percent(fast.share("holds")),
        )
    for calls, factor in ((100, 1.10), (500, 1.05)):
        slow, _ = throughput(plain, calls, runs, factor)
        fast, _ = throughput(plain, calls, runs, 1 / factor)
        yield (
            "throughput",
            f"{calls:,} calls",
            f"{percent(factor - 1)} too few rows a second",
            percent(slow.share("breach")),
            percent(fast.share("holds")),
        )
    for rows, truth, good in ((1000, 0.025, 0.002), (10_000, 0.014, 0.007)):
        bad, _ = rates(truth, 0.01, rows, runs)
        well, _ = rates(good, 0.01, rows, runs)
        yield (
            "error rate, limit 0.01",
            f"{rows:,} rows",
            f"{percent(truth)} of the rows (passes: {percent(good)})",
            percent(bad.share("breach")),
            percent(well.share("holds")),
        )


def page(runs: int) -> str:
    """Return the tables as Markdown."""
    begun = time.monotonic()
    head = ("what", "size", "false fails", "false passes", "value alone fails", "within")
    null = table(head, _null(runs))
    rest = table(head, _rest(runs))
    power = table(
        ("what", "size", "truth beyond the limit by", "failed", "as far inside: passed"),
        _power(max(runs // 2, 20)),
    )
    kept = ("none", "one", "two", "all three")
    joint = table(
        ("conditions that are just kept", "false fails", "passes", "undecided"),
        (
            (kept[n], *(percent(each.share(word)) for word in ("breach", "holds", "open")))
            for n, each in ((n, rules(n, runs)) for n in range(4))
        ),
    )
    made = versions("pytest-aipm", "numpy", "scipy")
    minutes = (time.monotonic() - begun) / 60
    return f"""## As measured

Made by `python benchmarks/operations.py --write docs/operations.md` with {made}, in {minutes:.0f}
minutes on cores that others shared. Every run draws other times; {runs:,} runs a line. The limit is
the truth itself, so every failure is a false one, and every pass, too; "within" says whether both
stay below the 1 % point of a true 5 % over all lines of the table.

### Latency

{null}

Where many calls take exactly as long as the limit allows, a pass is right. Calls that hang together
(each lognormal time has a correlation of 0.6 with the one before) count as fewer.

### Throughput and error rate

{rest}

Of 30 or 100 calls with a heavy tail, a slow mean passes in up to one of ten samples: the rarest
calls, which make the mean, are not among so few. Ask for 500.

### What is caught

{max(runs // 2, 20):,} runs a line, in the first world.

{power}

### A rule of three conditions

`{RULE.text}` on 1,000 rows and calls. A rule that
is just kept in several conditions breaks in more samples than one condition would.

{joint}
"""


def main() -> None:
    """Print the page, or write it behind the first part of a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--runs", type=int, default=2000)
    asked = parser.parse_args()
    show(page(asked.runs), asked.write)


if __name__ == "__main__":
    main()
