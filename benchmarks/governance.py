"""How often `governance.oversight` is wrong about a log of decisions, and what it catches.

Each run draws another log. A null has its true value at the limit, so that every failure is a false
one: 5 of 100 are allowed. A fault lies beyond the limit by the size that is stated.

    python benchmarks/governance.py [--runs 1000] [--write docs/governance.md]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import bound, percent, show, stream, table, versions
from scipy.stats import gamma

from pytest_aipm.checks.governance import oversight
from pytest_aipm.evidence.decision_log import DecisionLog
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.judge import decide
from pytest_aipm.records import Limit
from pytest_aipm.sources.data import open_data

RUNS = 1000
ROWS = open_data(pd.DataFrame({"y": [0, 1], "p": [0, 1]}), root=Path())
SUBJECT = Subject(task="binary", label="y", positive=1, favorable=1, predictions="p")


@dataclass(frozen=True)
class Cell:
    """A world of logs, and what is asked of them.

    ``shares`` and ``rates`` are those of the groups; ``wait`` draws days to a review.
    """

    name: str
    decisions: int
    limit: float
    rates: tuple[float, ...] = ()
    shares: tuple[float, ...] = (1.0,)
    wait: Callable[[np.random.Generator, int], np.ndarray] | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    def log(self, run: int) -> DecisionLog:
        """Return the log of one run."""
        rng, n = stream(self.name, self.decisions, run), self.decisions
        group = rng.choice(len(self.shares), n, p=self.shares)
        days = event = None
        if self.wait is not None:
            days = self.wait(rng, n)
        else:
            event = rng.random(n) < np.asarray(self.rates)[group]
        return DecisionLog(
            ref="log",
            person=np.arange(n),
            decided_at=np.full(n, np.datetime64("2026-03-01")),
            reviewed=None,
            days=days,
            event=event,
            group=pd.Series(group) if len(self.shares) > 1 else None,
        )

    def fails(self, run: int) -> bool:
        """Return whether the judge calls what the check found in one run a breach."""
        params = oversight.Params(log="log", of="appeals", **self._told())
        evidence = Evidence(SUBJECT, ROWS)
        log = self.log(run)
        evidence.once(("decision log", "log", params.layout()), lambda: log)
        found = oversight.check(evidence, params).estimate
        assert found is not None
        limit = Limit(max=self.limit)
        return decide(found.value, found.lower, found.upper, limit, "interval") == "breach"

    def _told(self) -> dict[str, Any]:
        if self.wait is not None:
            return {"reviewed_at": "reviewed_at", **self.keys}
        return {"group": "group"} if len(self.shares) > 1 else {}


def lognormal(median: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Return waits with this median and a long tail."""
    return lambda rng, n: median * np.exp(1.2 * rng.standard_normal(n))


def gammas(p90: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Return waits in whole hours with this 90 % quantile, many of them equal."""
    scale = p90 / gamma.ppf(0.9, 0.7)
    return lambda rng, n: np.ceil(24 * scale * rng.gamma(0.7, size=n)) / 24


FIVE = (0.60, 0.18, 0.13, 0.06, 0.03)
MEDIAN, P90 = {"unit": "median_days"}, {"unit": "p90_days"}
NULLS = (
    Cell("rate 0.10", 200, 0.10, rates=(0.10,)),
    Cell("rate 0.10", 2000, 0.10, rates=(0.10,)),
    Cell("rate 0.01", 1000, 0.01, rates=(0.01,)),
    Cell("two groups 50/50, rates 0.05 and 0.10", 400, 0.05, (0.05, 0.10), (0.5, 0.5)),
    Cell("two groups 50/50, rates 0.05 and 0.10", 4000, 0.05, (0.05, 0.10), (0.5, 0.5)),
    Cell("two groups 90/10, rates 0.03 and 0.08", 1000, 0.05, (0.03, 0.08), (0.9, 0.1)),
    Cell("five groups, one at 0.10, the others at 0.05", 2000, 0.05, (0.05,) * 4 + (0.10,), FIVE),
    Cell("median of log-normal waits, 2 days", 40, 2.0, wait=lognormal(2.0), keys=MEDIAN),
    Cell("median of log-normal waits, 2 days", 500, 2.0, wait=lognormal(2.0), keys=MEDIAN),
    Cell("90 % quantile of waits in whole hours, 7 days", 200, 7.0, wait=gammas(7.0), keys=P90),
)
FAULTS = (
    Cell("rate 0.15 against 0.10", 1000, 0.10, rates=(0.15,)),
    Cell(
        "two groups 50/50, rates 0.05 and 0.20 against 0.05", 1000, 0.05, (0.05, 0.20), (0.5, 0.5)
    ),
    Cell(
        "two groups 90/10, rates 0.05 and 0.20 against 0.05", 3000, 0.05, (0.05, 0.20), (0.9, 0.1)
    ),
    Cell("five groups, the smallest at 0.30 against 0.05", 4000, 0.05, (0.05,) * 4 + (0.30,), FIVE),
    Cell("median 3 days against 2", 200, 2.0, wait=lognormal(3.0), keys=MEDIAN),
    Cell("90 % quantile 14 days against 7", 200, 7.0, wait=gammas(14.0), keys=P90),
)


def failures(cell: Cell, runs: int) -> int:
    """Return how many runs of a world fail."""
    return sum(cell.fails(run) for run in range(runs))


def page(runs: int) -> str:
    """Return both tables as Markdown."""
    most = bound(runs, len(NULLS))
    head = ["log", "decisions", "limit", "fails"]
    nulls, faults = (
        [
            [cell.name, f"{cell.decisions:,}", f"max {cell.limit:g}", percent(count / runs)]
            for cell in cells
            for count in [failures(cell, runs)]
        ]
        for cells in (NULLS, FAULTS)
    )
    made = versions("numpy", "scipy", "pandas")
    return f"""## As measured

Made by `python benchmarks/governance.py --write docs/governance.md` with {made};
{runs:,} logs a row.

### Failures where the true value is at the limit

Every failure is a false one, and 5 % are allowed; more than {percent(most / runs)} a row would be
more than chance explains.

{table(head, nulls)}

### Failures where a fault was planted

{table(head, faults)}
"""


def main() -> None:
    """Print the tables, or write them behind the first part of a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args()
    show(page(asked.runs), asked.write)


if __name__ == "__main__":
    main()
