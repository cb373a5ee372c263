"""Bounds of one group's number: rates, means, bootstraps."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import root_mean_squared_error

from pytest_aipm.stats.parts import AucPart, BootstrapPart, MeanPart, Part, RatePart
from pytest_aipm.stats.resampled import jackknife_acceleration

values = st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=60)


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def hall(values: np.ndarray, mu: float) -> float:
    """Return Hall's statistic at a candidate mean, as the paper writes it."""
    n, sd, skew = values.size, values.std(ddof=1), stats.skew(values)
    u = (values.mean() - mu) / sd
    return np.sqrt(n) * (u + skew * u**2 / 3 + skew**2 * u**3 / 27 + skew / (6 * n))


def test_mean_bounds_are_where_halls_statistic_meets_students_quantile() -> None:
    sample = generator(1).exponential(size=40)
    lower, upper = MeanPart.from_values(sample).bound(0.05)
    t = stats.t.ppf(0.95, 39)
    assert hall(sample, lower) == pytest.approx(t, rel=1e-9)
    assert hall(sample, upper) == pytest.approx(-t, rel=1e-9)


def test_without_skewness_mean_bounds_are_students() -> None:
    sample = np.concatenate([generator(2).normal(size=50)])
    sample = np.concatenate([sample, -sample])
    lower, upper = MeanPart.from_values(sample).bound(0.05)
    interval = stats.t.interval(0.90, 99, loc=0, scale=stats.sem(sample))
    assert (lower, upper) == pytest.approx(interval, rel=1e-9)


@settings(max_examples=150, deadline=None)
@given(values, st.floats(0.001, 0.2))
def test_the_mean_lies_inside_its_bounds(sample: list[float], alpha: float) -> None:
    part = MeanPart.from_values(sample)
    lower, upper = part.bound(alpha)
    assert lower <= part.value <= upper


def test_skewed_means_keep_their_level_where_students_does_not() -> None:
    """Upper bounds of 100 exponential values; the plain t misses 7.5 %."""
    sample = generator(3).exponential(size=(4000, 100))
    upper = np.array([MeanPart.from_values(row).bound(0.05)[1] for row in sample])
    assert 0.045 < (upper < 1).mean() < 0.066
    t = sample.mean(axis=1) + stats.t.ppf(0.95, 99) * stats.sem(sample, axis=1)
    assert (t < 1).mean() > 0.066


def test_a_root_mean_square_is_the_root_of_a_mean() -> None:
    errors = generator(4).normal(size=80)
    part = MeanPart.from_values(errors**2, transform="sqrt", limits=(0, np.inf))
    plain = MeanPart.from_values(errors**2)
    assert part.value == pytest.approx(root_mean_squared_error(errors, np.zeros(80)))
    assert part.bound(0.05) == pytest.approx(np.sqrt(plain.bound(0.05)))
    assert part.support == (0.0, np.inf)


def test_few_equal_values_say_nothing_and_many_say_their_value() -> None:
    assert MeanPart.from_values([2.0] * 5).bound(0.05) == (-np.inf, np.inf)
    assert MeanPart.from_values([2.0] * 5, limits=(0, 9)).bound(0.05) == (0, 9)
    assert MeanPart.from_values([2.0] * 50).bound(0.05) == (2.0, 2.0)
    assert MeanPart.from_values([2.0]).bound(0.05) == (-np.inf, np.inf)
    assert np.isnan(MeanPart(0, 0, 0, 0).value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-50, 50, width=16), min_size=5, max_size=40), st.floats(-20, 20))
def test_a_moved_mean_keeps_its_spread(sample: list[float], target: float) -> None:
    part = MeanPart.from_values(sample)
    moved = part.scaled(part.n, target)
    assert moved.value == pytest.approx(target, abs=1e-9)
    shift = target - part.value
    if np.ptp(sample) > 0.5:
        assert np.array(moved.bound(0.05)) - shift == pytest.approx(
            np.array(part.bound(0.05)), rel=1e-4, abs=1e-4
        )


def test_bca_bounds_are_close_to_scipys() -> None:
    sample = generator(5).exponential(size=60)
    draws = np.mean(generator(6).choice(sample, size=(20_000, 60)), axis=1)
    jackknife = np.array([np.delete(sample, i).mean() for i in range(60)])
    centred = jackknife.mean() - jackknife
    acceleration = (centred**3).sum() / (6 * (centred**2).sum() ** 1.5)
    part = BootstrapPart(sample.mean(), draws, 60, acceleration=acceleration)
    name = "rng" if "rng" in inspect.signature(stats.bootstrap).parameters else "random_state"
    seeded = {name: generator(7)}
    expected = stats.bootstrap(
        (sample,), np.mean, confidence_level=0.90, n_resamples=20_000, **seeded
    ).confidence_interval
    assert part.bound(0.05) == pytest.approx(tuple(expected), rel=0.01)


def test_an_extreme_bias_falls_back_to_percentiles() -> None:
    draws = generator(8).normal(size=2000)
    part = BootstrapPart(float(np.quantile(draws, 0.9)), draws, 100)
    ends = np.quantile(draws, [0.05, 0.95], method="weibull")
    assert part.bound(0.05) == pytest.approx(tuple(ends))


def test_levels_beyond_the_draws_come_from_a_normal_tail() -> None:
    draws = generator(9).normal(size=500)
    lower, upper = BootstrapPart(0.0, draws, 100).bound(0.0005)
    assert lower <= -3.2
    assert upper >= 3.2


def test_undefined_draws_undo_a_bootstrap_when_there_are_many() -> None:
    draws = generator(10).normal(size=1000)
    draws[:40] = np.nan
    assert BootstrapPart(0.0, draws, 100).proves
    draws[:200] = np.nan
    broken = BootstrapPart(0.0, draws, 100, support=(-9, 9))
    assert broken.bound(0.05) == (-9, 9)
    assert not broken.proves


def test_four_times_the_rows_halve_the_spread_of_the_draws() -> None:
    part = BootstrapPart(1.0, 1 + generator(11).normal(size=4000), 50)
    near = part.scaled(200)
    assert np.array(near.bound(0.05)) - 1 == pytest.approx(
        (np.array(part.bound(0.05)) - 1) / 2, rel=1e-6
    )


def test_an_auc_part_keeps_its_class_mix() -> None:
    part = AucPart.from_scores(generator(12).normal(1, 1, 40), generator(13).normal(0, 1, 120))
    grown = part.scaled(1600)
    assert (grown.m, grown.k, grown.value) == (400, 1200, part.value)
    lower, upper = grown.bound(0.05)
    assert part.bound(0.05)[0] < lower < part.value < upper < part.bound(0.05)[1]
    assert np.isnan(AucPart.from_scores([], [0.1]).value)
    assert AucPart.from_scores([], [0.1]).bound(0.05) == (0.0, 1.0)


@pytest.mark.parametrize(
    "part",
    [
        RatePart(3, 9),
        MeanPart.from_values([1.0, 2.0, 4.0]),
        BootstrapPart(0.5, np.linspace(0, 1, 50), 40),
        AucPart(0.7, 0.01, 10, 20),
    ],
)
def test_no_rows_leave_nothing_defined(part: Part) -> None:
    assert np.isnan(part.scaled(0).value)
    assert part.scaled(0).bound(0.05) == part.support


def test_a_rate_needs_counts() -> None:
    with pytest.raises(ValueError, match="0 <= x <= n"):
        RatePart(5, 3)


def test_the_acceleration_of_counts_is_the_jackknife_over_their_rows() -> None:
    counts = np.array([[40.0, 7.0], [11.0, 30.0]])

    def f1(table: np.ndarray) -> np.ndarray:
        tp = table[..., 1, 1]
        return 2 * tp / (2 * tp + table[..., 0, 1] + table[..., 1, 0])

    left_out = []
    for place, rows in np.ndenumerate(counts):
        without = counts.copy()
        without[place] -= 1
        left_out += [float(f1(without))] * int(rows)
    away = np.mean(left_out) - np.array(left_out)
    expected = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    assert jackknife_acceleration(f1, counts) == pytest.approx(expected, rel=1e-9)


def test_there_is_no_acceleration_where_a_row_less_has_no_value() -> None:
    def precision(table: np.ndarray) -> np.ndarray:
        return table[..., 1, 1] / table[..., :, 1].sum(axis=-1)

    assert jackknife_acceleration(precision, np.array([[5.0, 0.0], [5.0, 1.0]])) == 0.0
