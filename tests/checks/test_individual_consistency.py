"""How rows become points, and what a sample of them is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from measuring import evidence_of, measure

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import DataError
from pytest_aipm.evidence.neighbours import Points, points_of

CHECK = "fairness.individual_consistency"


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "income": rng.normal(50, 10, n),
            "job": rng.choice(["a", "b", "c"], n),
            "owner": rng.choice([True, False], n),
            "y": 0,
        }
    )
    return frame.assign(pred=(frame["income"] + rng.normal(0, 4, n) > 50).astype(int))


def points(frame: pd.DataFrame, rows: int = 5000, columns: tuple[str, ...] = ()) -> Points:
    module = Catalog().load(CHECK)
    evidence = evidence_of(frame, module, module.Params(by=("sex",)), by=("sex",))
    grouping = evidence.counts(("sex",)).grouping
    return points_of(evidence, grouping, columns=columns, rows=rows)


def test_numbers_are_in_standard_deviations_and_categories_one_apart() -> None:
    frame = people()
    found = points(frame)
    assert found.columns == ("income", "job", "owner")
    assert found.points[:, 0].std() == pytest.approx(1)

    def apart(i: int, j: int, axes: slice) -> float:
        return float(np.linalg.norm(found.points[i, axes] - found.points[j, axes]))

    for j in range(1, 50):
        assert apart(0, j, slice(1, 4)) == pytest.approx(float(frame.job[0] != frame.job[j]))
        assert apart(0, j, slice(4, 6)) == pytest.approx(float(frame.owner[0] != frame.owner[j]))
    assert found.favorable.tolist() == (frame["pred"] == 1).tolist()
    assert found.group.tolist() == (frame["sex"] == "m").astype(int).tolist()


def test_missing_values_are_alike_among_themselves_and_unlike_the_rest() -> None:
    frame = people(20)
    frame.loc[:1, "income"] = np.nan
    frame.loc[:1, "job"] = None
    found = points(frame, columns=("income", "job")).points
    assert found[0].tolist() == found[1].tolist()
    gaps = np.linalg.norm(found[2:] - found[0], axis=1)
    assert gaps.min() >= np.sqrt(2) - 1e-9


def test_a_column_without_spread_counts_for_nothing() -> None:
    frame = people(50).assign(same=3, empty=np.nan)
    assert points(frame, columns=("same", "empty")).points.tolist() == [[0.0]] * 50


def test_a_sample_is_that_of_the_seed_with_its_own_decisions() -> None:
    frame = people(1000)
    found = points(frame, rows=100)
    assert len(found.favorable) == len(found.group) == 100
    assert found.rows == 1000
    again = points(frame, rows=100)
    assert found.points.tolist() == again.points.tolist()
    # decided as in the data, by the one column that decides
    frame = frame.assign(pred=(frame["income"] > 50).astype(int))
    decided = points(frame, rows=100)
    assert decided.points.tolist() == found.points.tolist()
    low, high = (decided.points[decided.favorable == each, 0] for each in (False, True))
    assert low.max() < high.min()


def test_groups_are_judged_by_their_own_rows_among_neighbours_of_all() -> None:
    frame = people(600)
    frame.loc[frame["sex"] == "f", "pred"] = np.random.default_rng(1).integers(
        0, 2, int((frame["sex"] == "f").sum())
    )
    found = measure(CHECK, frame, columns=("income",))
    by_hand = {}
    z = frame["income"].to_numpy()
    y = frame["pred"].to_numpy()
    for sex in "fm":
        same = []
        for i in np.flatnonzero(frame["sex"] == sex):
            order = np.argsort(np.abs(z - z[i]), kind="stable")
            same.append(np.mean(y[order[order != i][:5]] == y[i]))
        by_hand[sex] = np.mean(same)
    assert {each.group["sex"]: each.value for each in found.groups} == pytest.approx(by_hand)
    assert found.estimate.value == pytest.approx(by_hand["f"])
    assert found.harm == "down"


def test_rows_without_a_group_are_neighbours_but_judged_in_none() -> None:
    frame = people(500)
    frame.loc[:9, "sex"] = None
    found = measure(CHECK, frame)
    assert found.unknown == 10
    assert found.n == 490


def test_small_groups_are_left_out_by_their_rows() -> None:
    frame = people(400)
    frame.loc[:34, "sex"] = "x"
    found = measure(CHECK, frame, min_group_size=36)
    assert [each.judged for each in found.groups] == [True, True, False]
    assert found.estimate.sizes == tuple(float(each.n) for each in found.groups)
    found = measure(CHECK, frame, min_group_size=35)
    assert [each.judged for each in found.groups] == [True, True, True]


def test_a_column_with_too_many_categories_is_refused() -> None:
    frame = people(400).assign(name=[f"n{i}" for i in range(400)])
    with pytest.raises(DataError, match="'name' has more than 200 categories"):
        measure(CHECK, frame)


def test_columns_that_hold_lists_are_refused() -> None:
    frame = people(50).assign(tags=[[1]] * 50)
    with pytest.raises(DataError, match="lists or mappings"):
        measure(CHECK, frame)
