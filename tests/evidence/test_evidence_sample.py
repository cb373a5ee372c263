"""The sample of rows: the same for every split of them, and however parts are merged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.evidence.sample import Drawn, row_keys


@pytest.mark.parametrize("k", [1, 7, 40, 100])
@pytest.mark.parametrize("cuts", [(), (1,), (0, 3, 3, 17, 40), tuple(range(1, 40))])
@pytest.mark.parametrize("columns", [["a"], []])
def test_every_split_draws_the_rows_with_the_smallest_keys(
    cuts: tuple[int, ...], k: int, columns: list[str]
) -> None:
    frame = pd.DataFrame({"a": np.arange(40) * 3}, index=np.arange(40) + 5)[columns]
    keys = row_keys(frame.index.to_numpy(), seed=2)
    smallest = frame.iloc[np.sort(np.argsort(keys)[:k])]
    none = Drawn(k, seed=2)
    parts = [
        none.of(frame.iloc[start:end]) for start, end in zip((0, *cuts), (*cuts, 40), strict=True)
    ]
    one = none
    for part in parts:
        one = one.merge(part)
    halves = [none, none]
    for i, part in enumerate(parts):
        halves[2 * i >= len(parts)] = halves[2 * i >= len(parts)].merge(part)
    for found in (one, halves[0].merge(halves[1])):
        pd.testing.assert_frame_equal(found.frame, smallest)
        assert found.seen == 40
