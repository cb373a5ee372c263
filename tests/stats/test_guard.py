"""Tiny groups beside large ones: every outcome enumerated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from pytest_aipm.stats.contrasts import Kind, among_all
from pytest_aipm.stats.disparity import rate_difference, rate_ratio
from pytest_aipm.stats.guard import guarded


def sizes_of_the_test(
    kind: Kind, n: tuple[int, int], breach: float, *, second_opinion: bool
) -> list[float]:
    """Return P(false fail) at either group being the lower one and base rates across (0, 1)."""
    size = np.array(n, dtype=float)
    contrasts = among_all(kind, size, np.ones(2, dtype=bool))
    x = np.array([(a, b) for a in range(n[0] + 1) for b in range(n[1] + 1)], dtype=float)
    found = []
    for high in np.linspace(0.02, 1.0, 50):
        low = high - breach if kind == "difference" else high * (1 - breach)
        if low < 0:
            continue
        for rates in ((high, low), (low, high)):
            pooled = float(np.array(rates) @ size / size.sum())
            critical = contrasts.critical(breach, 0.05, pooled)
            if second_opinion:
                rejected = contrasts.beyond(x, breach, critical)
            else:
                rejected = (contrasts.z(x, breach) > critical).any(axis=1)
            each = [binom.pmf(x[:, k], n[k], rates[k]) for k in (0, 1)]
            found.append(float((each[0] * each[1])[rejected].sum()))
    return found


@pytest.mark.parametrize("n", [(300, 5), (300, 12), (80, 19)])
@pytest.mark.parametrize(("kind", "breach"), [("difference", 0.10), ("ratio", 0.20)])
def test_exact_bounds_hold_the_level_where_scores_do_not(
    n: tuple[int, int], kind: Kind, breach: float
) -> None:
    assert max(sizes_of_the_test(kind, n, breach, second_opinion=True)) <= 0.05
    assert max(sizes_of_the_test(kind, n, breach, second_opinion=False)) > 0.05


def test_the_choice_rests_on_denominators_only() -> None:
    pairs = [(5, 995), (19, 76), (19, 75), (20, 5000), (25, 25), (600, 5)]
    n1, n2 = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    assert guarded(n1, n2).tolist() == [True, True, False, False, False, True]


def test_a_clear_breach_in_a_tiny_group_is_still_a_breach() -> None:
    difference, ratio = rate_difference([900, 0], [1000, 8]), rate_ratio([900, 0], [1000, 8])
    assert difference.lower > 0.4
    assert ratio.upper < 0.6
    assert "exact bounds" in difference.method
    assert "exact bounds" not in rate_difference([900, 0], [1000, 80]).method


def test_the_end_is_where_both_opinions_agree() -> None:
    """Without the second opinion five of five against 40 % would be .2 or more."""
    lower = rate_difference([400, 5], [1000, 5]).lower
    contrasts = among_all("difference", np.array([1000.0, 5.0]), np.ones(2, dtype=bool))
    x = np.array([400.0, 5.0])

    def excess(tau: float) -> float:
        return float(contrasts.excess(x, tau, contrasts.critical(tau, 0.05, 0.4)).max())

    assert excess(lower - 1e-4) > 0
    assert excess(lower + 1e-4) < 0
    named = rate_ratio([400, 0], [1000, 8], reference=0).upper
    fixed = among_all("ratio", np.array([1000.0, 8.0]), np.array([True, False]))
    y = np.array([400.0, 0.0])
    assert float(fixed.excess(y, 1 - named - 1e-4, fixed.critical(0.5, 0.05, 0.4)).max()) > 0
    assert float(fixed.excess(y, 1 - named + 1e-4, fixed.critical(0.5, 0.05, 0.4)).max()) < 0
