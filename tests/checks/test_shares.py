"""Who has too small a share of the rows to be compared."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_aipm.checks.shares import too_few
from pytest_aipm.stats.disparity import rate_ratio


def test_a_share_counts_rows_or_what_they_stand_for() -> None:
    sizes = np.array([900, 85, 15])
    assert too_few(0.02, sizes).left_out == (2,)
    assert too_few(None, sizes).left_out == ()
    assert too_few(0.02, sizes, np.array([900.0, 10.0, 90.0])).left_out == (1,)


@pytest.mark.parametrize(("few", "of"), [(7, 100), (2, 100), (14, 350), (1, 50)])
def test_a_group_of_exactly_the_share_is_compared(few: int, of: int) -> None:
    assert too_few(few / of, np.array([of - few, few])).left_out == ()


def test_nobody_is_left_out_of_nothing() -> None:
    found = too_few(0.5, np.array([], dtype=int))
    assert (found.left_out, found.kept(np.array([])).size) == ((), 0)


def test_a_group_left_out_changes_neither_value_nor_ends_nor_what_would_settle_it() -> None:
    x, n = [50, 40, 1], [100, 100, 3]
    with_few = rate_ratio(x, n, left_out=(2,))
    without = rate_ratio(x[:2], n[:2])
    assert with_few.value == without.value == 0.8
    assert (with_few.lower, with_few.upper) == (without.lower, without.upper)
    assert len(with_few.parts) == 3
    bounds = (0.7, None)
    assert with_few.rows_needed(bounds, seed=0) == without.rows_needed(bounds, seed=0)
    assert with_few.detectable(bounds, seed=0) == without.detectable(bounds, seed=0)
    many = with_few.at([size * 100 for size in n])
    assert many.value == pytest.approx(0.8)
