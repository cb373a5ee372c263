"""Bounds of rates with unknown outcomes: held to brute force and to the published constants."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from pytest_aipm.evidence.grouped import CountedRows
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.evidence.selective import Selective
from pytest_aipm.stats.manski import Bounds, imbens_manski


def test_far_ends_need_the_one_sided_and_equal_ends_the_two_sided_constant() -> None:
    far = imbens_manski(0.2, 0.6, 0.01, 0.01, 0.05)
    assert far == pytest.approx(
        (0.2 - 0.01 * norm.ppf(0.95), 0.6 + 0.01 * norm.ppf(0.95)), abs=1e-9
    )
    near = imbens_manski(0.3, 0.3, 0.01, 0.02, 0.05)
    assert near == pytest.approx(
        (0.3 - 0.01 * norm.ppf(0.975), 0.3 + 0.02 * norm.ppf(0.975)), abs=1e-9
    )


def test_between_them_the_constant_solves_their_equation() -> None:
    low, high = imbens_manski(0.30, 0.31, 0.01, 0.02, 0.05)
    c = (0.30 - low) / 0.01
    assert (high - 0.31) / 0.02 == pytest.approx(c)
    assert norm.cdf(c + 0.01 / 0.02) - norm.cdf(-c) == pytest.approx(0.95, abs=1e-10)
    assert norm.ppf(0.95) < c < norm.ppf(0.975)


def test_without_errors_the_ends_are_what_they_are() -> None:
    assert imbens_manski(0.1, 0.4, 0.0, 0.0, 0.05) == (0.1, 0.4)


def test_few_rows_are_no_narrower_than_exact_ends() -> None:
    low, high = Bounds((0.0, 20.0), (5.0, 20.0)).interval(0.05)
    assert low == 0.0
    assert high >= proportion_confint(5, 20, alpha=0.10, method="beta")[1] - 1e-12
    assert Bounds((0.0, 0.0), (0.0, 0.0)).interval(0.05) == (0.0, 1.0)


def _selective(known, event, decided) -> Selective:
    rows = CountedRows(
        None, Grouping((), ((),), (), keep_unknown=False), np.zeros(len(known), dtype=int),
        pd.DataFrame(index=range(len(known))), np.ones(len(known), dtype=int), "rows",
    )  # fmt: skip
    return Selective(rows, known, event & known, decided, 0, 0)


def _rates(event: np.ndarray, decided: np.ndarray) -> dict[str, float]:
    with np.errstate(invalid="ignore"):
        return {
            "outcome": event.mean(),
            "error": (event != decided).mean(),
            "false_positive": decided[~event].mean() if (~event).any() else np.nan,
            "false_negative": (~decided)[event].mean() if event.any() else np.nan,
        }


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_bounds_are_the_extremes_over_every_outcome_of_the_unknown_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, event, decided = rng.random(10) < 0.5, rng.random(10) < 0.4, rng.random(10) < 0.5
    known[:2], event[:2] = True, [True, False]  # a rate of nobody is none
    found = _selective(known, event, decided)
    tried = []
    for guess in itertools.product((False, True), repeat=int((~known).sum())):
        whole = event.copy()
        whole[~known] = guess
        tried.append(_rates(whole, decided))
    for rate in tried[0]:
        (bounds,) = found.bounds(rate)
        values = [each[rate] for each in tried]
        assert (bounds.lower, bounds.upper) == pytest.approx((min(values), max(values))), rate
