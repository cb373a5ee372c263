"""What a comparison on the same rows proves: power, and how seldom it is wrong.

``python benchmarks/paired.py [--runs N] [--quick]`` prints a Markdown table. Decisions are drawn at
the level of counts: in each group so many rows are selected by the approved model, so many of them
are not by the new one, and the other way round. What judges them is what judges an audit:
`group_changes` (floors of each group), `widened` (disparities), and for two samples `widened`
without the pairing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.stats.paired import group_changes, widened

TOLERANCE = 0.02
SEED = 20_260_101
FIVE = (900, 400, 300, 200, 200)
USUAL = (1200, 360, 260, 120, 60)


@dataclass(frozen=True)
class Case:
    """What a new model changes.

    Attributes
    ----------
    name : str
    sizes : sequence of int
        Rows of each group.
    rates : sequence of float
        Selection rate of each group under the approved model.
    lost, gained : sequence of float
        Shares of each group's rows that lose and that gain the decision.
    """

    name: str
    sizes: Sequence[int]
    rates: Sequence[float]
    lost: Sequence[float]
    gained: Sequence[float]


def _but(usual: float, other: float, place: int = 4) -> list[float]:
    """Return the same number for five groups but one."""
    return [other if i == place else usual for i in range(5)]


POWER = (
    Case("-0.10 in 200 rows, 1 % of them back", FIVE, _but(0.4, 0.4), _but(0, 0.11), _but(0, 0.01)),
    Case(
        "the same, 2 % changed evenly elsewhere",
        FIVE,
        _but(0.4, 0.4),
        _but(0.01, 0.11),
        _but(0.01, 0.01),
    ),
    Case(
        "gap 0.10 to 0.20, by 360 rows",
        USUAL,
        _but(0.4, 0.3, 1),
        _but(0.01, 0.11, 1),
        _but(0.01, 0.01),
    ),
    Case("gap 0.10 to 0.20, by 200 rows", FIVE, _but(0.4, 0.3), _but(0.01, 0.11), _but(0.01, 0.01)),
)
HARMLESS = (
    Case("2 % changed evenly", FIVE, _but(0.4, 0.4), _but(0.01, 0.01), _but(0.01, 0.01)),
    Case(
        "2 % changed evenly, one group lower",
        FIVE,
        _but(0.4, 0.3),
        _but(0.01, 0.01),
        _but(0.01, 0.01),
    ),
    Case("-0.02 in one group", FIVE, _but(0.4, 0.3), _but(0.01, 0.03), _but(0.01, 0.01)),
    Case(
        "-0.02 between three groups and two",
        FIVE,
        (0.4, 0.4, 0.4, 0.3, 0.3),
        (0.01, 0.01, 0.01, 0.03, 0.03),
        _but(0.01, 0.01),
    ),
    Case("-0.02 between two groups", (1000, 1000), (0.5, 0.4), (0.01, 0.03), (0.01, 0.01)),
    Case(
        "-0.02 between ten groups",
        (200,) * 10,
        tuple(0.5 - 0.02 * i for i in range(10)),
        (0.01,) * 5 + (0.03,) * 5,
        (0.01,) * 10,
    ),
)
"""No gap and no rate gets worse by more than is allowed; the last four lie exactly on it."""


def shares(case: Case, runs: int, seed: int = SEED) -> tuple[float, float, float]:
    """Return how often the change is proven worse than the tolerance.

    Returns
    -------
    group, disparity, unpaired : float
        Share of runs in which the floor of each group, the disparity, and the disparity of two
        samples prove it.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    sizes, rates = np.array(case.sizes), np.array(case.rates)
    lost, gained = np.array(case.lost), np.array(case.gained)
    proven = np.zeros(3)
    for _ in range(runs):
        old = rng.binomial(sizes, rates)
        gone = rng.binomial(old, lost / rates)
        new = old - gone + rng.binomial(sizes - old, gained / (1 - rates))
        both = (old - gone) / sizes
        covariance = (both - old / sizes * new / sizes) / sizes
        proven += [
            group_changes(new - (old - gone), gone, sizes).lower > TOLERANCE,
            widened(new, sizes, old, sizes, covariance=covariance).lower > TOLERANCE,
            widened(new, sizes, old, sizes).lower > TOLERANCE,
        ]
    group, disparity, unpaired = (proven / runs).tolist()
    return group, disparity, unpaired


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--quick", action="store_true", help="200 runs")
    options = parser.parse_args()
    runs = 200 if options.quick else options.runs
    print(
        f"2,000 rows, `max_change: {TOLERANCE}`, {runs:,} runs a line. Share of runs in which the"
    )
    print("change is proven worse:\n")
    print("| what the new model changes | groups | floor of each group | disparity | two samples |")
    print("|---|---|---|---|---|")
    for case in (*POWER, *HARMLESS):
        cells = " | ".join(f"{100 * share:.1f} %" for share in shares(case, runs))
        sizes = "/".join(map(str, dict.fromkeys(case.sizes))) if len(case.sizes) > 9 else ""
        named = f"10 of {sizes}" if sizes else "/".join(map(str, case.sizes))
        print(f"| {case.name} | {named} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
