"""Columns tallied in one pass: what they hold, however the rows are cut."""

from __future__ import annotations

import datetime as dt
from functools import reduce
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aipm.evidence import columns as columns_module
from pytest_aipm.evidence import spread as spread_module
from pytest_aipm.evidence.columns import Cells, Columns, date_form, tell
from pytest_aipm.evidence.spread import Spread, spread_of


def cut(frame: pd.DataFrame, places: list[int]) -> list[pd.DataFrame]:
    ends = [0, *sorted({each for each in places if 0 < each < len(frame)}), len(frame)]
    return [frame.iloc[start:stop] for start, stop in pairwise(ends)]


def tallied(batches: list[pd.DataFrame]) -> dict[str, Cells]:
    return reduce(Columns.merge, map(Columns.of, batches)).found


def one(values: object) -> Cells:
    frame = pd.DataFrame({"c": values})
    return tallied([frame])["c"]


def alike(a: Cells, b: Cells) -> bool:
    texts = [dict(zip(each.texts.values, each.texts.counts, strict=True)) for each in (a, b)]
    return (
        (a.rows, a.missing, a.kinds, a.infinite, a.words, a.first, a.last, a.texts.ceiling)
        == (b.rows, b.missing, b.kinds, b.infinite, b.words, b.first, b.last, b.texts.ceiling)
        and a.numbers.exponent == b.numbers.exponent
        and np.array_equal(a.numbers.values, b.numbers.values)
        and np.array_equal(a.numbers.counts, b.numbers.counts)
        and texts[0] == texts[1]
    )


@pytest.mark.parametrize("places", [[], [1], [10, 11, 600], [333, 777]])
def test_a_tally_does_not_depend_on_where_the_rows_are_cut(places, monkeypatch):
    monkeypatch.setattr(spread_module, "MOST", 64)
    monkeypatch.setattr(columns_module, "KEPT", 30)
    rng = np.random.default_rng(0)
    n = 1000
    frame = pd.DataFrame(
        {
            "x": rng.lognormal(size=n),
            "few": rng.integers(0, 5, n),
            "name": [f"n{each}" for each in rng.integers(0, 200, n)],
            "day": pd.date_range("2026-01-01", periods=n),
            "gap": np.where(rng.random(n) < 0.3, np.nan, 1.5),
        }
    )
    whole = tallied([frame])
    parts = tallied(cut(frame, places))
    assert whole["x"].numbers.exponent is not None
    assert whole["name"].texts.ceiling is not None
    for name in frame:
        assert alike(whole[name], parts[name]), name


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_quantiles_are_those_of_numpy(values, share):
    found = spread_of(np.array(values)).quantile(share)
    with np.errstate(all="ignore"):
        expected = np.quantile(np.array(values), share)
    if np.isfinite(expected):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), min_size=3, max_size=60))
def test_on_a_grid_every_number_is_off_by_less_than_a_step(values):
    before, spread_module.MOST = spread_module.MOST, 8
    try:
        found = spread_of(np.array(values))
    finally:
        spread_module.MOST = before
    assert found.n == len(values)
    assert found.values.size <= 8
    place = np.searchsorted(found.values, values, side="right") - 1
    assert (place >= 0).all()
    off = np.array(values) - found.values[place]
    assert (off <= found.step).all()


def test_nothing_added_is_nothing():
    numbers = spread_of(np.array([1.0, 2.0, 2.0]))
    assert (Spread() + numbers).n == (numbers + Spread()).n == 3
    assert np.isnan(Spread().quantile(0.5))
    assert numbers.between(2, 9) == 2


def test_distinct_texts_are_estimated_beyond_those_that_are_kept():
    texts = [f"person {each}" for each in range(40_000)]
    found = tallied(cut(pd.DataFrame({"c": texts}), [10_000]))["c"]
    assert len(found.texts.values) == columns_module.KEPT
    assert found.distinct == pytest.approx(40_000, rel=0.05)


@pytest.mark.parametrize(
    ("values", "kinds", "missing"),
    [
        ([1, 2, 3], {"integer": 3}, 0),
        ([1.0, 2.5, np.nan], {"integer": 1, "number": 1}, 1),
        ([True, False, True], {"boolean": 3}, 0),
        (pd.Series([True, None, False], dtype=object), {"boolean": 2}, 1),
        (["a", None, "b"], {"text": 2}, 1),
        (pd.Series([1, "a", 2.5, None, True], dtype=object), None, 1),
        (pd.Categorical(["a", None, "b"]), {"text": 2}, 1),
        (pd.Categorical([1, 2, 1]), {"integer": 3}, 0),
        (pd.to_datetime(["2026-01-31", None]), {"date": 1}, 1),
        (pd.to_datetime(["2026-01-31"]).tz_localize("Europe/Rome"), {"date": 1}, 0),
        (pd.Series([dt.date(2026, 1, 31), None], dtype=object), {"date": 1}, 1),
        (pd.Series([[1], [2, 3]], dtype=object), {"other": 2}, 0),
        ([None, None], {}, 2),
        ([np.inf, 1.0], {"integer": 1, "number": 1}, 0),
    ],
)
def test_each_kind_of_value_is_counted(values, kinds, missing):
    found = one(values)
    assert found.missing == missing
    if kinds is None:
        assert dict(found.kinds) == {"integer": 1, "text": 1, "number": 1, "boolean": 1}
    else:
        assert dict(found.kinds) == kinds
    assert sum(found.kinds.values()) == found.known


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (["a"] * 9 + ["?"], {"?": 1}),
        (["a"] * 9 + [" N/A "], {" N/A ": 1}),
        (["name", "native", "nanny"], {}),
        ([*range(20, 60), -999, -999], {"-999": 2}),
        ([*range(20, 60), 999, 999], {"999": 2}),
        ([*range(60), 99, 99], {}),
        ([*range(20, 60), -1, -1], {"-1": 2}),
        ([*range(-60, 60), -1, -1], {}),
        ([*range(20, 60), -999], {}),
    ],
)
def test_what_looks_like_nobody_knows_is_told(values, codes):
    assert one(values).codes == codes


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-01-31", "YYYY-MM-DD"),
        ("2026-01-31 10:00", "YYYY-MM-DD and a time"),
        ("31.01.2026", "DD.MM.YYYY"),
        ("01/31/2026", "DD/MM/YYYY or MM/DD/YYYY"),
        ("31 January 2026", "day, name of the month, year"),
        ("20260131", "YYYYMMDD"),
        ("hello", ""),
        ("1" * 10_000, ""),
    ],
)
def test_the_way_a_date_is_written_is_told(text, form):
    assert date_form(text) == form


@pytest.mark.parametrize("name", ["", "   ", "\x00\x1b[31m", "\u202egnp.", "x" * 10_000])
def test_a_name_is_told_short_in_one_line_and_never_empty(name):
    shown = tell(name)
    assert shown
    assert len(shown) <= 60
    assert shown.isprintable()


def test_half_characters_and_very_long_cells_are_counted():
    found = one(pd.Series(["\ud800x", "y" * 10_000, None], dtype=object))
    assert found.known == 2
    assert found.texts.longest == 10_000
