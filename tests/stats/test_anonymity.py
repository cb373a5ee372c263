"""Classes of rows that look alike, against examples of the papers and against brute force."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.evidence.anonymity import _classes, _codes
from pytest_aipm.stats.anonymity import diversity, risks

RNG = np.random.default_rng


def coded(values: list) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


class TestPublishedExamples:
    @pytest.mark.parametrize(
        ("classes", "distance"),
        [
            # Li, Li, Venkatasubramanian 2007: salaries of tables 3 and 5, in thousands
            (((3, 4, 5), (6, 8, 11), (7, 9, 10)), 0.375),
            (((3, 5, 9), (6, 8, 11), (4, 7, 10)), 1 / 6),
        ],
    )
    def test_the_earth_movers_distance_by_rank(self, classes: tuple, distance: float) -> None:
        values = coded([value for one in classes for value in one])
        found = diversity(np.repeat([0, 1, 2], 3), values, ordered=True)
        assert found.closeness == pytest.approx(distance)

    def test_nine_against_one_are_ten_two_diverse_but_not_nine_two(self) -> None:
        # Machanavajjhala et al. 2007, definition 4.3: r1 < c (r_l + ... + r_m)
        classes, values = np.zeros(10, dtype=np.int64), coded([0] * 9 + [1])
        assert diversity(classes, values, ordered=False, c=9.0).recursive == 1
        assert diversity(classes, values, ordered=False, c=9.1).recursive == 2

    def test_equally_frequent_values_are_as_many_as_they_are(self) -> None:
        found = diversity(np.zeros(8, dtype=np.int64), np.arange(8) % 4, ordered=False)
        assert found.entropy == pytest.approx(4)
        assert found.distinct == 4
        assert found.closeness == found.disclosure == found.likeness == 0

    def test_k_of_twelve_is_the_first_within_nine_hundredths(self) -> None:
        assert risks(np.zeros(12, dtype=np.int64)).highest <= 0.09
        assert risks(np.zeros(11, dtype=np.int64)).highest > 0.09


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=2, max_size=60),
    st.floats(1.1, 5.0),
)
def test_everything_is_as_counted_by_hand(rows: list[tuple[int, int]], c: float) -> None:
    classes, values = coded([row[0] for row in rows]), coded([row[1] for row in rows])
    found, n = diversity(classes, values, ordered=True, c=c), len(rows)
    named = diversity(classes, values, ordered=False, c=c)
    overall = Counter(values.tolist())
    levels = sorted(overall)
    each: dict[str, list[float]] = {name: [] for name in ("l", "e", "r", "t", "v", "d", "b")}
    for one in set(classes.tolist()):
        own = Counter(values[classes == one].tolist())
        size = sum(own.values())
        q = {value: own[value] / size for value in own}
        p = {value: overall[value] / n for value in levels}
        each["l"].append(len(own))
        each["e"].append(np.exp(-sum(x * np.log(x) for x in q.values())))
        ranked = sorted(own.values(), reverse=True)
        bears = [k for k in range(1, len(ranked) + 1) if ranked[0] < c * sum(ranked[k - 1 :])]
        each["r"].append(max(bears, default=0))
        gaps = np.cumsum([q.get(value, 0) - p[value] for value in levels])
        each["t"].append(np.abs(gaps).sum() / max(1, len(levels) - 1))
        each["v"].append(sum(abs(q.get(value, 0) - p[value]) for value in levels) / 2)
        each["d"].append(max(abs(np.log(q[value] / p[value])) for value in q))
        each["b"].append(max((q[value] - p[value]) / p[value] for value in q))
    assert found.distinct == min(each["l"])
    assert found.entropy == pytest.approx(min(each["e"]))
    assert found.recursive == min(each["r"])
    assert found.closeness == pytest.approx(max(each["t"]))
    assert named.closeness == pytest.approx(max(each["v"]))
    assert found.disclosure == pytest.approx(max(each["d"]))
    assert found.likeness == pytest.approx(max(each["b"]))
    sizes = Counter(classes.tolist()).values()
    assert risks(classes).k == min(sizes)
    assert risks(classes).unique == pytest.approx(sum(size == 1 for size in sizes) / n)
    assert risks(classes).marketer == pytest.approx(len(sizes) / n)


def test_classes_are_those_of_a_group_by_with_missing_values_as_values() -> None:
    rng = RNG(0)
    frame = pd.DataFrame(
        {
            "a": rng.choice([1.0, 2.0, np.nan], 500),
            "b": rng.choice(np.array(["x", "y", None], dtype=object), 500),
            "c": rng.integers(0, 3, 500),
        }
    )
    sizes = frame.groupby(["a", "b", "c"], dropna=False, observed=True).size()
    assert sorted(risks(_classes(frame, ["a", "b", "c"])).sizes) == sorted(sizes)


def test_codes_ascend_with_numbers_and_merge_what_reads_alike() -> None:
    assert _codes(pd.Series([10.0, 2.0, np.nan, 2.0])).tolist() == [1, 0, 2, 0]
    assert _codes(pd.Series([1, "1", "b", None], dtype=object)).tolist() == [0, 0, 1, 2]
    assert _codes(pd.Series([None, None], dtype=object)).tolist() == [0, 0]


def test_many_rows_and_many_values_take_a_moment() -> None:
    import time

    rng = RNG(1)
    frame = pd.DataFrame({name: rng.integers(0, 12, 26_000) for name in "abcdef"})
    frame["s"] = rng.integers(0, 50, 26_000)
    start = time.process_time()
    classes = _classes(frame, list("abcdef"))
    diversity(classes, _codes(frame["s"]), ordered=True)
    assert time.process_time() - start < 1.0, "0.1 s where nothing else runs"
