"""Tiny slices beside everyone else: every outcome enumerated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from pytest_aipm.stats.guard import guarded, split_bounds


@pytest.mark.parametrize("n", [(300, 5), (300, 12), (80, 19)])
@pytest.mark.parametrize("tau", [0.0, 0.1, 0.3])
def test_both_bounds_hold_at_once(n: tuple[int, int], tau: float) -> None:
    x = np.array([(a, b) for a in range(n[0] + 1) for b in range(n[1] + 1)], dtype=float)
    for order in ((0, 1), (1, 0)):
        high, low = ((x[:, k], np.full(len(x), float(n[k]))) for k in order)
        least, most = split_bounds(high, low, 0.05)
        rejected = least - most > tau
        for rate in np.linspace(tau, 1.0, 60):
            at = dict(zip(order, (rate, rate - tau), strict=True))
            each = [binom.pmf(x[:, k], n[k], at[k]) for k in (0, 1)]
            assert (each[0] * each[1])[rejected].sum() <= 0.05


def test_the_choice_rests_on_denominators_only() -> None:
    pairs = [(5, 995), (19, 76), (19, 75), (20, 5000), (25, 25), (600, 5)]
    n1, n2 = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    assert guarded(n1, n2).tolist() == [True, True, False, False, False, True]
