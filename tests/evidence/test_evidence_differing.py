"""Rows that differ, with their number: any split of the rows gives the same table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.evidence.differing import Differing


@pytest.mark.parametrize("cuts", [(), (1,), (0, 3, 3, 17), tuple(range(1, 60))])
def test_every_split_of_the_rows_gives_what_counting_all_gives(cuts: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "text": rng.choice(np.array(["a", "b", None], dtype=object), 60),
            "number": rng.choice([1.5, np.nan, -0.0], 60),
            "whole": pd.array(rng.choice(np.array([1, 2, None], dtype=object), 60), "Int64"),
        }
    )
    found = Differing()
    for start, end in zip((0, *cuts), (*cuts, 60), strict=True):
        found = found.merge(Differing.of(frame.iloc[start:end]))
    whole = frame.groupby(list(frame.columns), dropna=False, sort=False).size().reset_index()
    # older versions of pandas tell None from NaN
    told, wanted = (
        each.astype(object).where(each.notna(), None)
        for each in (found.frame, whole[list(frame.columns)])
    )
    assert told.to_numpy().tolist() == wanted.to_numpy().tolist()
    assert found.counts.tolist() == whole[0].tolist()
    assert found.counts.sum() == 60
