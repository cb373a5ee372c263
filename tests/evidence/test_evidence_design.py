"""Weights and people in the one pass: against loops over rows, for every split of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Split, evidence_of, subject_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.decide import best_share
from pytest_aipm.evidence.design import PersonUnits, units_of
from pytest_aipm.evidence.subject import Decision

DESIGNS = [{"weights": "w"}, {"cluster": "id"}, {"weights": "w", "cluster": "id"}]
SHAPE = (2, 2, 2)


def people_of(seed: int, n: int = 150) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m", None], n, p=[0.5, 0.4, 0.1]),
            "race": rng.choice(["A", "B", "C"], n),
            "y": rng.integers(0, 2, n),
            "pred": rng.integers(0, 2, n),
            "old": rng.integers(0, 2, n),
            "w": rng.integers(0, 5, n) / 4,
            "id": rng.integers(0, 40, n).astype(str),
        }
    )


def counts_of(data, by=("sex",), **design):
    subject = subject_of("sex", "race", champion_predictions="old", **design)
    return evidence_of(data, subject).counts(by)


def by_hand(frame: pd.DataFrame, a: np.ndarray, b: np.ndarray, design: dict) -> list[float]:
    """Sum over units of z(a) z(b) in the groups f and m."""
    weight = frame["w"] if "weights" in design else pd.Series(1.0, frame.index)
    unit = frame["id"] if "cluster" in design else frame.index.to_series()
    found = []
    for g, name in enumerate(["f", "m"]):
        own = frame[(frame["sex"] == name) & (weight > 0)]
        place = [own[key].to_numpy() for key in ("y", "pred", "old")]
        z = pd.DataFrame(
            {
                "a": a[g][tuple(place)] * weight[own.index],
                "b": b[g][tuple(place)] * weight[own.index],
            }
        )
        summed = z.groupby(unit[own.index]).sum()
        found.append(float(summed["a"] @ summed["b"]))
    return found


@pytest.mark.parametrize("design", DESIGNS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_sums_over_units_are_those_of_a_loop_over_rows(design, seed):
    frame = people_of(seed)
    counts = counts_of(frame, **design)
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, *SHAPE)), rng.normal(size=(2, *SHAPE))
    assert counts.design.product(a, b) == pytest.approx(by_hand(frame, a, b, design))
    kept = frame[frame["w"] > 0] if "weights" in design else frame
    weight = kept["w"] if "weights" in design else pd.Series(1.0, kept.index)
    for g, name in enumerate(["f", "m"]):
        own = kept[kept["sex"] == name]
        positives = own[own["y"] == 1]
        inside = np.zeros(SHAPE, dtype=bool)
        inside[1] = True
        units = positives["id"].nunique() if "cluster" in design else len(positives)
        assert counts.design.units(inside)[g] == units
        assert counts.design.row_squares(inside)[g] == pytest.approx(
            (weight[positives.index] ** 2).sum()
        )
        assert counts.design.weight[g].sum() == pytest.approx(weight[own.index].sum())
        # published rows stay rows
        assert counts.sizes[g] == len(own)


@pytest.mark.parametrize("design", DESIGNS, ids=str)
@settings(max_examples=15)
@given(cuts=st.lists(st.integers(1, 149), max_size=40), by=st.sampled_from([(), ("sex", "race")]))
def test_every_split_of_the_rows_gives_the_same_sums(design, cuts, by):
    frame = people_of(7)
    whole, split = (counts_of(data, by, **design) for data in (frame, Split(frame, cuts)))
    assert (whole.table == split.table).all()
    # weights of quarters add up without rounding, so the sums are the same to the last digit
    a = np.random.default_rng(1).integers(-3, 4, whole.design.weight.shape).astype(float)
    assert (whole.design.weight == split.design.weight).all()
    assert (whole.design.product(a, a) == split.design.product(a, a)).all()
    assert (whole.design.opposed(a) == split.design.opposed(a)).all()


def test_people_take_memory_by_person_and_cell_not_by_row():
    frame = pd.concat([people_of(3)] * 400, ignore_index=True)
    cuts = list(range(0, len(frame), 500))
    evidence = evidence_of(Split(frame, cuts), subject_of("sex", cluster="id"))
    counted = sum(len(part.weight) for part in evidence.tally.people.parts)
    distinct = len(frame.drop_duplicates(["id", "sex", "y", "pred"]))
    # at most sixteen parts wait to be summed
    assert counted <= 16 * distinct
    assert len(evidence.tally.people.parts) < 16


def test_who_decides_opposite_ways_in_two_groups_is_not_taken_for_independent():
    # persons 0 and 1 are in both groups; a is +1 in one and -1 in the other
    group, slot = np.array([0, 1, 0, 1, 0, 1]), np.array([1, 0, 1, 0, 0, 0])
    person = np.array([0, 0, 1, 1, 2, 3])
    design = units_of(group, slot, (2, 2), None, person)
    a = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    assert isinstance(design, PersonUnits)
    assert design.opposed(a).tolist() == [2.0, 2.0]
    assert design.opposed(np.abs(a)).tolist() == [0.0, 0.0]
    alone = units_of(group, slot, (2, 2), None, np.arange(6))
    assert alone.opposed(a).tolist() == [0.0, 0.0]


def test_a_row_without_weight_stands_for_nobody():
    frame = people_of(5)
    with_zero = counts_of(frame, weights="w")
    without = counts_of(frame[frame["w"] > 0].reset_index(drop=True), weights="w")
    assert (with_zero.table == without.table).all()
    assert with_zero.unknown == without.unknown


@pytest.mark.parametrize(
    ("column", "values", "design", "said"),
    [
        ("w", 0.0, {"weights": "w"}, "weights column 'w' holds zeros only; name the column"),
        ("id", "one", {"cluster": "id"}, "all 150 rows are of one person: cluster column 'id'"),
        ("id", None, {"cluster": "id"}, r"cluster column 'id' has 150 missing value\(s\)"),
        ("w", "x", {"weights": "w"}, "weights column 'w' is not numeric; name a column of numbers"),
        ("w", -1.0, {"weights": "w"}, r"weights column 'w' has 150 negative value\(s\)"),
    ],
    ids=["zeros", "one person", "nobody", "text", "negative"],
)
def test_columns_that_say_nothing_are_refused(column, values, design, said):
    frame = people_of(1).assign(**{column: values})
    with pytest.raises(DataError, match=said):
        counts_of(frame, **design)


def test_equal_people_are_equal_whatever_the_type_of_their_ids():
    frame = people_of(2)
    texts, numbers = (
        counts_of(frame.assign(id=frame["id"].astype(kind)), cluster="id") for kind in (float, int)
    )
    a = np.random.default_rng(0).normal(size=texts.design.weight.shape)
    assert texts.design.product(a, a) == pytest.approx(numbers.design.product(a, a))


@pytest.mark.parametrize("highest", [True, False])
def test_the_best_share_of_weighted_rows_is_one_of_weight(highest):
    rng = np.random.default_rng(3)
    scores, weight = rng.permutation(50).astype(float), rng.lognormal(0, 1, 50)
    chosen = best_share(scores, 0.3, highest=highest, weights=weight)
    order = np.argsort(-scores if highest else scores)
    reached = np.cumsum(weight[order])
    k = int(chosen.sum())
    # the rows at the top, and no other number of them comes nearer
    assert set(np.flatnonzero(chosen)) == set(order[:k])
    off = np.abs(reached - 0.3 * weight.sum())
    assert off[k - 1] == off.min()


def test_the_best_share_of_equal_weights_is_that_of_the_rows():
    scores = np.random.default_rng(4).random(37)
    plain = best_share(scores, 0.2, highest=True)
    assert (best_share(scores, 0.2, highest=True, weights=np.full(37, 0.1)) == plain).all()


def test_top_k_heeds_weights_in_the_pass():
    frame = pd.DataFrame(
        {"sex": ["f", "m"] * 5, "y": [0, 1] * 5, "s": np.arange(10) / 10, "w": 1.0}
    )
    frame.loc[9, "w"] = 11.0
    subject = subject_of(
        "sex", predictions=None, scores="s", decision=Decision(None, "above", 0.5), weights="w"
    )
    table = evidence_of(frame, subject).counts(()).table
    # the best row alone stands for 11 of 20
    assert table[0, :, 1].sum() == 1
