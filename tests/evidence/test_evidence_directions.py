"""What rank correlations with attributions rest on, held against enumeration and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata, spearmanr

from pytest_aipm.attribution import Budget, alone, exact, players_of
from pytest_aipm.attribution.asking import BudgetSpent
from pytest_aipm.evidence.directions import PARTS, _Noisy, reliability, walks_of

COLUMNS = ["a", "b", "c", "d"]


def frame(n: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, 4)), columns=COLUMNS)


def odd(rows: pd.DataFrame) -> np.ndarray:
    a, b, c, d = rows[COLUMNS].to_numpy().T
    return np.asarray(a + a * b * c + np.sin(b * d))


@pytest.mark.parametrize("player", range(4))
def test_one_player_alone_has_the_values_of_enumeration(player: int) -> None:
    rows, background, players = frame(3, 1), frame(5, 2), players_of(COLUMNS)
    start = np.tile(np.arange(5), (3, 800))
    rng = np.random.default_rng(3)
    found = alone(odd, rows, background, players, player, start, rng=rng)
    true = exact(odd, rows, background, players)[0][:, player, 0]
    error = found.std(axis=1) / np.sqrt(found.shape[1])
    assert (np.abs(found.mean(axis=1) - true) <= 4 * error + 1e-12).all()


def test_an_equal_value_adds_nothing_and_is_not_asked_about() -> None:
    def never(rows: pd.DataFrame) -> np.ndarray:
        raise AssertionError(len(rows))

    rows = frame(4, 1)
    found = alone(
        never,
        rows,
        rows,
        players_of(COLUMNS),
        0,
        np.arange(4)[:, None],
        rng=np.random.default_rng(),
    )
    assert not found.any()


def test_time_that_is_over_is_said() -> None:
    now = iter(np.arange(0.0, 100.0, 1.0))
    budget = Budget(2.5, clock=lambda: float(next(now)))
    given = odd, frame(4, 1), frame(4, 2), players_of(COLUMNS), 0, np.zeros((4, 20), dtype=int)
    with pytest.raises(BudgetSpent):
        alone(*given, rng=np.random.default_rng(0), budget=budget)


@pytest.mark.parametrize(("first", "second"), [(10, 10), (9, 10), (3, 8)])
def test_the_reliability_of_all_is_told_by_two_halves(first: int, second: int) -> None:
    rng = np.random.default_rng(4)
    true, noise = rng.normal(size=200_000), rng.normal(size=(2, 200_000))
    halves = true + 2 * noise[0] / np.sqrt(first), true + 2 * noise[1] / np.sqrt(second)
    alike = float(np.corrcoef(*halves)[0, 1])
    every = (first * halves[0] + second * halves[1]) / (first + second)
    told = reliability(alike, first, second)
    assert np.sqrt(told) == pytest.approx(np.corrcoef(true, every)[0, 1], abs=0.01)
    if first == second:
        assert told == pytest.approx(2 * alike / (1 + alike))
    assert reliability(-0.1, first, second) == 0.0


def test_every_part_of_the_background_is_met_as_often() -> None:
    assert [walks_of(4, m) for m in (100, 20, 8, 2)] == [PARTS, PARTS, 24, PARTS]
    assert walks_of(10, 100) == 60


def test_the_order_without_noise_lies_between_both_correlations() -> None:
    rng = np.random.default_rng(5)
    column, n = rng.normal(size=4_000), 4_000
    true = column + rng.normal(size=n)
    part = np.arange(PARTS)
    met = np.column_stack([rng.permutation(np.resize(np.arange(100), n)) for _ in part])
    values = true[:, None] + 5 * rng.normal(size=(n, PARTS))
    noisy = _Noisy(rankdata(column), values, met, part, 100, 0.0, np.ones(n))
    without = spearmanr(column, true).statistic
    (raw, corrected), spread = noisy.jackknifed()
    assert raw == pytest.approx(spearmanr(column, values.mean(axis=1)).statistic, abs=0.01)
    assert raw < without - 0.1
    assert corrected == pytest.approx(without, abs=0.02)
    assert 0 < spread < 0.05
