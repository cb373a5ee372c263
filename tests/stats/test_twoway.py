"""The fit of rows and background rows, and the errors of what is made of it, by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.stats.dyadic import dyadic_part
from pytest_aipm.stats.effects import EffectPart, group_mean, magnitudes, share, shares
from pytest_aipm.stats.twoway import two_way


def drawn(rng, n=200, m=40, r=4, noise=0.3):
    """Values of two players: additive, plus noise of single cells; the second is weaker."""
    rows, background = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    rounds = -(-n * r // m)
    met = rng.random((rounds, m)).argsort(axis=1).reshape(-1)[: n * r].reshape(n, r)
    values = rows[:, None] - background[met] + noise * rng.normal(size=(n, r, 2))
    return values * np.array([1.0, 0.3]), met, rows * np.array([1.0, 0.3])


def test_the_fit_is_least_squares() -> None:
    rng = np.random.default_rng(0)
    values, met, _ = drawn(rng, n=30, m=8, r=3)
    fit = two_way(values, met, 8)
    design = np.zeros((90, 38))
    for cell, (row, background) in enumerate(
        zip(np.repeat(np.arange(30), 3), met.ravel(), strict=True)
    ):
        design[cell, row] = design[cell, 30 + background] = 1.0
    for player in range(2):
        best, *_ = np.linalg.lstsq(design, values[..., player].ravel(), rcond=None)
        made = fit.row[:, player, None] + fit.background[met, player]
        assert made.ravel() == pytest.approx(design @ best, abs=1e-7)
    assert fit.background.mean(axis=0) == pytest.approx(0.0, abs=1e-12)
    again = fit.row[:, None] + fit.background[met] + fit.rest
    assert again == pytest.approx(values)


def test_a_single_walk_leaves_the_background_in() -> None:
    values, met, _ = drawn(np.random.default_rng(1), r=1)
    fit = two_way(values, met, 40)
    assert fit.row == pytest.approx(values[:, 0])


def both(values, met, m):
    halves = [
        two_way(values[:, part], met[:, part], m) for part in (slice(0, None, 2), slice(1, None, 2))
    ]
    return magnitudes(two_way(values, met, m), *halves)


def test_sizes_are_bracketed_and_shares_covered() -> None:
    rng = np.random.default_rng(2)
    truth = 0.3 / 1.3
    below, above, low, high = 0, 0, [], []
    for _ in range(200):
        values, met, _ = drawn(rng, n=150, noise=1.0)
        sizes = both(values, met, 40)
        part = share(sizes, [1])
        lower, upper = part.bound(0.05)
        below += truth < lower
        above += truth > upper
        low.append(sizes.low / np.array([1.0, 0.3]))
        high.append(sizes.high / np.array([1.0, 0.3]))
        assert shares(sizes).value[1] == pytest.approx(part.value, abs=0.06)
    expected = np.sqrt(2 / np.pi)
    assert (np.mean(low, axis=0) < expected).all()
    assert (np.mean(high, axis=0) > expected).all()
    # 18 of 200 is the 99th percentile of a true 5 %
    assert max(below, above) <= 18


def test_the_gap_between_groups_is_covered() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(200):
        values, met, _ = drawn(rng, n=160, noise=1.0)
        inside = np.arange(160) < 60
        values[inside, :, 1] += 0.5
        fit = two_way(values, met, 40)
        parts = [group_mean(fit, own, [1]) for own in (inside, ~inside)]
        error = np.hypot(parts[0].error_low, parts[1].error_low)
        missed += parts[0].value - parts[1].value - 1.645 * error > 0.5
    assert missed <= 18


def test_a_share_of_nothing_and_a_group_of_nobody_are_undefined() -> None:
    met = np.zeros((5, 2), dtype=int)
    sizes = both(np.zeros((5, 2, 2)), met, 1)
    part = share(sizes, [0])
    assert np.isnan(part.value)
    assert part.bound(0.05) == (0.0, 1.0)
    fit = two_way(np.zeros((5, 2, 2)), met, 1)
    nobody = group_mean(fit, np.zeros(5, dtype=bool), [0])
    assert np.isnan(nobody.value)
    assert nobody.n == 0


def test_a_part_moves_and_shrinks_with_its_rows() -> None:
    part = EffectPart(0.1, 0.2, 0.01, 0.02, 100.0, 50.0, (0.0, 1.0))
    assert part.value == pytest.approx(0.15)
    more = part.scaled(400.0, 0.35)
    assert (more.low, more.high) == pytest.approx((0.3, 0.4))
    assert (more.error_low, more.error_high) == pytest.approx((0.005, 0.01))
    assert not part.scaled(10.0).proves
    assert np.isnan(part.scaled(0.0).value)
    low, high = EffectPart(0.001, 0.99, 0.1, 0.1, 100.0, 50.0, (0.0, 1.0)).bound(0.05)
    assert (low, high) == (0.0, 1.0)


def test_pairs_that_share_a_row_are_no_independent_pairs() -> None:
    rng = np.random.default_rng(4)
    n, means, told, plain = 60, [], [], []
    for _ in range(600):
        x = rng.normal(size=n)
        ring = np.roll(np.arange(n), -1)
        each = x + x[ring]
        means.append(each.mean())
        told.append(dyadic_part(0.0, (each - each.mean()) / n, np.arange(n), ring).error)
        plain.append(each.std() / np.sqrt(n))
    assert np.mean(told) == pytest.approx(np.std(means), rel=0.08)
    assert np.mean(plain) < 0.8 * np.std(means)
