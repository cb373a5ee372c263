"""Logistic regression and its contrasts: against statsmodels and simulation."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from scipy.stats import binom

from pytest_aipm.stats.adjusted import against_one_group
from pytest_aipm.stats.logistic import Collinear, Separated, fit_logistic

RUNS = 2000
BOUND = binom.ppf(0.99, RUNS, 0.05) / RUNS


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def design_of(seed: int, rows: int = 600) -> np.ndarray:
    rng = generator(seed)
    numbers = rng.normal(50, 20, rows) * 1000
    return np.column_stack([np.ones(rows), rng.integers(0, 2, (rows, 3)), numbers])


@pytest.mark.parametrize("seed", range(4))
def test_coefficients_and_standard_errors_are_those_of_statsmodels(seed: int) -> None:
    x = design_of(seed)
    n = generator(seed + 100).integers(1, 6, len(x))
    chance = expit(x @ [-1, 0.5, -0.7, 0.2, 1e-5])
    y = generator(seed + 200).binomial(n, chance)
    theirs = sm.GLM(np.column_stack([y, n - y]), x, family=sm.families.Binomial()).fit(tol=1e-12)
    ours = fit_logistic(x, y, n)
    assert ours.coefficients == pytest.approx(theirs.params, rel=1e-7, abs=1e-12)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-6)


def test_counts_of_patterns_and_single_rows_fit_alike() -> None:
    x, n = design_of(1, 40), generator(2).integers(1, 9, 40)
    y = generator(3).binomial(n, 0.4)
    single = np.repeat(x, n, axis=0)
    events = np.concatenate([[1] * a + [0] * (b - a) for a, b in zip(y, n, strict=True)])
    one, two = fit_logistic(x, y, n), fit_logistic(single, events, np.ones(len(events)))
    assert one.coefficients == pytest.approx(two.coefficients)
    assert one.covariance == pytest.approx(two.covariance)


def test_the_ratio_is_that_of_the_formula_and_its_error_that_of_the_delta_method() -> None:
    x = design_of(5)[:, :4]
    y = generator(6).binomial(1, expit(x @ [-0.5, 0.8, 0.3, -0.2]))
    fit = fit_logistic(x, y, np.ones(len(x)))
    part = fit.contrast(1, "ratio", 300)
    theirs = sm.Logit(y, x).fit(disp=0)
    b0, b = theirs.params[:2]
    c = expit(b0)
    assert part.value == pytest.approx(np.exp(b) / (1 - c + c * np.exp(b)))

    def log_ratio(params: np.ndarray) -> float:
        return np.log(expit(params[0] + params[1]) / expit(params[0]))

    gradient = [
        (log_ratio(theirs.params + step) - log_ratio(theirs.params - step)) / 2e-5
        for step in 1e-5 * np.eye(4)
    ]
    se = np.sqrt(gradient @ theirs.cov_params() @ gradient)
    # near the estimate the path along the logits is the delta method
    lower, upper = part.bound(0.48)
    z = 0.0501536
    assert np.log(upper / part.value) == pytest.approx(z * se, rel=0.01)
    assert np.log(part.value / lower) == pytest.approx(z * se, rel=0.01)
    gap = fit.contrast(1, "difference", 300)
    assert gap.value == pytest.approx(expit(b0 + b) - c)


def test_a_column_that_others_make_up_is_named() -> None:
    x = design_of(7)
    x = np.column_stack([x, x[:, 1] + x[:, 2]])
    with pytest.raises(Collinear) as caught:
        fit_logistic(x, generator(1).binomial(1, 0.4, len(x)), np.ones(len(x)))
    assert caught.value.column == 5


@pytest.mark.parametrize("kind", ["complete", "quasi", "constant", "by a number"])
def test_separated_decisions_raise_and_never_return_a_number(kind: str) -> None:
    x = design_of(8)
    y = generator(9).binomial(1, 0.4, len(x))
    y = {
        "complete": x[:, 1],
        "quasi": np.where(x[:, 1] == 1, 1, y),
        "constant": np.ones(len(x)),
        "by a number": x[:, 4] > 40_000,
    }[kind]
    with pytest.raises(Separated):
        fit_logistic(x, y, np.ones(len(x)))


def test_strong_effects_that_are_not_separated_still_fit() -> None:
    x = np.column_stack([np.ones(4), [0, 0, 1, 1], [0, 1, 0, 1]])
    y, n = np.array([1, 4999, 3, 5000 - 1]), np.full(4, 5000)
    theirs = sm.GLM(np.column_stack([y, n - y]), x, family=sm.families.Binomial()).fit(tol=1e-12)
    assert fit_logistic(x, y, n).coefficients == pytest.approx(theirs.params, rel=1e-6)


@pytest.mark.parametrize(
    ("shares", "rows", "base"),
    [((0.5, 0.5), 200, 0.9), ((0.9, 0.1), 300, 0.5), ((0.6, 0.25, 0.15), 800, 0.3)],
)
def test_an_adjusted_ratio_at_its_limit_fails_at_most_one_time_in_twenty(
    shares: tuple[float, ...], rows: int, base: float
) -> None:
    rng, strata, k = generator(rows), 4, len(shares)
    n = rng.multinomial(rows, np.tile(np.array(shares) / strata, strata)).reshape(strata, k)
    effect = logit(0.8 * base) - logit(base)
    eta = logit(base) + np.r_[0, rng.normal(0, 0.6, strata - 1)][:, None]
    eta = eta + effect * (np.arange(k) > 0)
    stratum, group = np.nonzero(n)
    x = np.column_stack(
        [np.ones(len(stratum))]
        + [group == j for j in range(1, k)]
        + [stratum == j for j in range(1, strata)]
    )
    failed = held = 0
    for y in rng.binomial(n, expit(eta), size=(RUNS, strata, k)):
        try:
            fit = fit_logistic(x, y[stratum, group], n[stratum, group])
        except Separated:
            continue
        parts = [fit.contrast(max(j, 1), "ratio", n[:, j].sum()) for j in range(k)]
        found = against_one_group(parts, 0, "ratio")
        failed += found.upper < 0.8
        held += found.lower > 0.8
    assert failed / RUNS <= BOUND
    assert held / RUNS <= 0.07


def test_a_scaled_contrast_keeps_its_value_and_shrinks_with_the_root_of_the_rows() -> None:
    x = design_of(5)[:, :4]
    y = generator(6).binomial(1, expit(x @ [-0.5, 0.8, 0.3, -0.2]))
    part = fit_logistic(x, y, np.ones(len(x))).contrast(1, "ratio", 300)
    larger = part.scaled(1200)
    assert larger.value == pytest.approx(part.value)
    assert np.subtract(*larger.bound(0.4)) == pytest.approx(
        np.subtract(*part.bound(0.4)) / 2, rel=0.02
    )
    assert part.scaled(300, 0.9).value == pytest.approx(0.9)
    assert np.isnan(part.scaled(0).value)
