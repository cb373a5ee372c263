"""The epsilon of one run: its closed form, its promise, and what delta costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom

from pytest_aipm.stats.one_run import HIGHEST, Coins, epsilon_of, p_value
from pytest_aipm.stats.parts import rate_bounds


def test_a_hundred_right_guesses_of_a_hundred_show_the_cap() -> None:
    # closed form without delta: logit(0.05 ** (1 / 100)) = 3.492965
    assert epsilon_of(100, 100, 100, 0.0, 0.05) == pytest.approx(3.492965, abs=1e-5)


@pytest.mark.parametrize(("guesses", "right"), [(100, 80), (40, 30), (10, 10), (1000, 560)])
def test_without_delta_it_is_the_logit_of_clopper_and_pearsons_bound(
    guesses: int, right: int
) -> None:
    lower = float(rate_bounds(right, guesses, 0.05)[0])
    found = epsilon_of(10 * guesses, guesses, right, 0.0, 0.05)
    assert found == pytest.approx(max(0.0, float(logit(lower))), abs=1e-5)


def test_half_of_the_guesses_show_nothing() -> None:
    assert epsilon_of(100, 100, 50, 0.0, 0.05) == 0.0


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0])
def test_randomized_response_is_refuted_at_most_as_often_as_promised(epsilon: float) -> None:
    # it is epsilon-differentially private, and its guesses are right with this very chance
    v = np.arange(201)
    chance = binom.pmf(v, 200, expit(epsilon))
    wrong = [epsilon_of(200, 200, int(each), 0.0, 0.05) > epsilon + 1e-5 for each in v]
    assert float(chance[np.array(wrong)].sum()) <= 0.05


def test_delta_costs_what_the_theorem_says() -> None:
    rows, guesses, right, epsilon, delta = 1000, 50, 45, 1.0, 1e-4
    w = binom(guesses, float(expit(epsilon)))
    worst = max(sum(w.pmf(right - j) for j in range(1, i + 1)) / i for i in range(1, right + 1))
    expected = w.sf(right - 1) + 2 * rows * delta * worst
    assert p_value(rows, guesses, right, epsilon, delta) == pytest.approx(expected)
    shown = [epsilon_of(rows, guesses, right, each, 0.05) for each in (0.0, 1e-5, 1e-3)]
    assert shown == sorted(shown, reverse=True)
    assert math.isclose(p_value(rows, guesses, 0, 1.0, 0.1), 1.0)


def test_guesses_that_are_all_right_have_no_upper_end() -> None:
    coins = Coins(100, 8, 8, 0.0, "guesses")
    assert coins.bound(0.05) == (pytest.approx(epsilon_of(100, 8, 8, 0.0, 0.05)), HIGHEST)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
def test_both_ends_of_guesses_miss_no_more_often_than_promised(share: float) -> None:
    v = np.arange(41)
    chance = binom.pmf(v, 40, share)
    ends = [Coins(400, 40, float(each), 0.0, "guesses").bound(0.05) for each in v]
    true = max(0.0, float(logit(share)))
    assert chance[[low > true + 1e-5 for low, _ in ends]].sum() <= 0.05
    assert chance[[high < true for _, high in ends]].sum() <= 0.05


def test_more_guesses_of_the_same_share_keep_the_value_and_narrow_the_ends() -> None:
    few = Coins(400, 40, 30, 0.0, "guesses")
    many = few.scaled(4000)
    assert many.value == pytest.approx(few.value, abs=0.06)
    assert many.error(settling=True) < few.error(settling=True) / 5
    assert few.scaled(4000, 2.0).right / 4000 == pytest.approx(expit(2.0))
