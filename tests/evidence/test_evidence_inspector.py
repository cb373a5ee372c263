"""The inspector's AUC where there is nothing to be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_aipm.evidence.inspector import SHARED, inspected


def test_halves_that_try_what_the_other_showed_by_chance_are_not_independent() -> None:
    rng = np.random.default_rng(3)
    runs, heeded, blind = 250, 0, 0
    for seed in range(runs):
        group = rng.integers(0, 2, 120)
        (part, _) = inspected(rng.normal(size=(120, 1)), group, 2, seed)
        heeded += part.bound(0.05)[0] > 0.5
        blind += replace(part, variance=part.variance / (1 + SHARED)).bound(0.05)[0] > 0.5
    # 21 of 250 is the 99th percentile of a true 5 %
    assert heeded <= 21
    assert blind > heeded


def test_what_is_there_is_told_all_the_same() -> None:
    rng = np.random.default_rng(4)
    group = rng.integers(0, 2, 300)
    (part, _) = inspected(rng.normal(size=(300, 3)) + 0.8 * group[:, None], group, 2, 0)
    assert part.auc > 0.75
    assert part.bound(0.05)[0] > 0.65
