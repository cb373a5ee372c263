"""The worst of several rates, and means over classes: held to enumeration and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from pytest_aipm.stats.macro import MacroAucPart, MacroRatePart
from pytest_aipm.stats.parts import AucPart
from pytest_aipm.stats.rate_disparity import rate_difference, rate_ratio
from pytest_aipm.stats.worst import worst_disparity

COUNTS = [
    (np.array([30, 50, 4]), np.array([100, 120, 20])),
    (np.array([60, 90, 19]), np.array([100, 130, 30])),
    (np.array([5, 8, 1]), np.array([90, 80, 15])),
]


@pytest.mark.parametrize(("kind", "one"), [("difference", rate_difference), ("ratio", rate_ratio)])
def test_value_and_ends_are_those_of_the_worst_one(kind: str, one: object) -> None:
    found = worst_disparity(COUNTS, kind)  # type: ignore[arg-type]
    each = [one(*counts, breach_confidence=1 - 0.05 / 3) for counts in COUNTS]  # type: ignore[operator]
    worst = max if kind == "difference" else min
    assert found.value == worst(side.value for side in each)
    assert found.lower == worst(side.lower for side in each)
    assert found.upper == worst(side.upper for side in each)
    assert len(found.parts) == len(found.sizes) == 9
    place = found.order[0]
    assert found.pair == tuple(group + 3 * place for group in each[place].pair)


def test_other_sizes_keep_the_rates() -> None:
    found = worst_disparity(COUNTS, "difference")
    again = found.at([10 * size for size in found.sizes])
    assert again.value == pytest.approx(found.value)
    assert again.lower > found.lower


def test_a_class_without_rows_blocks_proof_unless_small_groups_are_left_out() -> None:
    rare = (np.array([1, 0, 0]), np.array([2, 0, 0]))
    assert worst_disparity([*COUNTS, rare], "difference").upper == 1.0
    left = worst_disparity([*COUNTS, rare], "difference", min_size=10)
    assert left.upper == worst_disparity(COUNTS, "difference", min_size=10).upper


def test_the_worst_class_seldom_fails_when_every_gap_is_the_limit() -> None:
    rng, runs, fails = np.random.default_rng(0), 120, 0
    for _ in range(runs):
        labels = rng.multinomial(500, [0.6, 0.3, 0.1], size=2)
        counts = [(rng.binomial(labels[:, c], [0.6, 0.7]), labels[:, c]) for c in range(3)]
        fails += worst_disparity(counts, "difference").lower > 0.10
    assert fails <= binom.ppf(0.99, runs, 0.05)


def test_a_clear_gap_in_one_class_is_caught() -> None:
    rng, caught = np.random.default_rng(1), 0
    for _ in range(40):
        labels = np.full((2, 5), 200)
        counts = [
            (rng.binomial(labels[:, c], [0.5 if c == 3 else 0.8, 0.8]), labels[:, c])
            for c in range(5)
        ]
        caught += worst_disparity(counts, "difference").lower > 0.10
    assert caught >= 36


def test_a_mean_of_recalls_covers_although_a_class_is_tiny() -> None:
    """800 rows, 40 rows, 4 rows: each end misses the truth at most 5 % of the time."""
    rng, runs = np.random.default_rng(2), 2000
    n, rates = np.array([800, 40, 4]), np.array([0.9, 0.7, 0.6])
    truth = rates.mean()
    missed = np.zeros(2)
    for _ in range(runs):
        part = MacroRatePart(tuple(rng.binomial(n, rates).tolist()), tuple(n.tolist()))
        lower, upper = part.bound(0.05)
        missed += [lower > truth, upper < truth]
    assert (missed <= binom.ppf(0.99, runs, 0.05)).all()


def test_a_mean_of_recalls_of_other_sizes() -> None:
    part = MacroRatePart((8.0, 3.0), (10.0, 6.0))
    assert part.value == pytest.approx(0.65)
    assert part.scaled(32).n_of == pytest.approx((20.0, 12.0))
    assert part.scaled(16, 0.9).value == pytest.approx(0.9)
    assert part.scaled(16, 0.1).value == pytest.approx(0.1)
    assert np.isnan(MacroRatePart((1.0, 0.0), (2.0, 0.0)).value)
    assert MacroRatePart((1.0, 0.0), (2.0, 0.0)).bound(0.05) == (0.0, 1.0)


def test_the_mean_area_of_two_classes_is_the_area() -> None:
    """One score and its complement: both areas are the same, and so is their mean's variance."""
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 200)
    score = label + rng.normal(0, 1.5, 200)
    one = AucPart.from_scores(score[label == 1], score[label == 0])
    both = MacroAucPart.of(np.column_stack([-score, score]), label, (0, 1))
    assert both.value == pytest.approx(one.value)
    assert both.variance == pytest.approx(one.variance)
    assert both.bound(0.05) == pytest.approx(one.bound(0.05), abs=2e-3)


def test_the_mean_area_covers() -> None:
    rng, runs, missed = np.random.default_rng(4), 600, np.zeros(2)
    shift = np.array([1.0, 0.5, 0.0])

    def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
        label = rng.choice(3, n, p=[0.6, 0.3, 0.1])
        scores = rng.normal(size=(n, 3))
        scores[np.arange(n), label] += shift[label]
        return scores, label

    truth = MacroAucPart.of(*drawn(400_000), (0, 1, 2)).value
    for _ in range(runs):
        lower, upper = MacroAucPart.of(*drawn(150), (0, 1, 2)).bound(0.05)
        missed += [lower > truth, upper < truth]
    assert (missed <= binom.ppf(0.99, runs, 0.05)).all()
