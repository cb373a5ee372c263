"""Shares of attribution: what the lower and the upper estimate are made of, and their errors."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.stats.effects import Magnitudes, share, shares


def sized(low: list[float], high: list[float], seed: int = 0, n: int = 40, m: int = 30):
    rng = np.random.default_rng(seed)
    rows, background = rng.normal(size=(n, len(low))), rng.normal(size=(m, len(low)))
    return Magnitudes(
        np.array(low),
        np.array(high),
        rows - rows.mean(axis=0),
        background - background.mean(axis=0),
    )


def test_the_lower_estimate_is_the_least_that_can_be_of_the_most_there_can_be() -> None:
    part = share(sized([1.0, 2.0, 0.5], [2.0, 4.0, 1.0]), [0])
    assert part.low == pytest.approx(1.0 / (1.0 + 4.0 + 1.0))  # by hand
    assert part.high == pytest.approx(2.0 / (2.0 + 2.0 + 0.5))


def test_several_players_count_together_and_all_of_them_are_everything() -> None:
    sizes = sized([1.0, 2.0, 0.5], [2.0, 4.0, 1.0])
    part = share(sizes, [0, 2])
    assert (part.low, part.high) == pytest.approx((1.5 / (1.5 + 4.0), 3.0 / (3.0 + 2.0)))
    whole = share(sizes, [0, 1, 2])
    assert (whole.low, whole.high) == pytest.approx((1.0, 1.0))


def test_the_error_is_that_of_the_share_when_each_row_is_nudged() -> None:
    """Against numerical derivatives, where both estimates are one number."""
    sizes = sized([1.0, 2.0, 0.5], [1.0, 2.0, 0.5])

    def value(moved: np.ndarray) -> float:
        return float((sizes.high + moved)[1] / (sizes.high + moved).sum())

    step = 1e-6
    variance = 0.0
    for moves in (sizes.by_row, sizes.by_background):
        slopes = [(value(step * move) - value(-step * move)) / (2 * step) for move in moves]
        variance += float(np.var(slopes, ddof=1)) / len(moves)
    part = share(sizes, [1])
    assert part.error_low == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert part.error_high == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_shares_of_all_players_agree_with_those_of_each_where_both_estimates_are_one() -> None:
    sizes = sized([1.0, 2.0, 0.5], [1.0, 2.0, 0.5])
    found = shares(sizes)
    assert found.value == pytest.approx([share(sizes, [i]).low for i in range(3)])
