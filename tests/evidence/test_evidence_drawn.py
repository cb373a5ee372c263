"""Samples are cut from the widest one drawn so far, and are what a pass of their own would draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
from evidence_samples import Split, evidence_of, subject_of
from hypothesis import given
from hypothesis import strategies as st

from pytest_aipm.evidence import passes as module
from pytest_aipm.evidence.sample import sample_rows

NAMES = ["sex", "y", "pred", "text", "x"]


def people(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "y": rng.integers(0, 2, n),
            "pred": rng.integers(0, 2, n),
            "text": [f"text {i}" for i in range(n)],
            "x": rng.normal(size=n),
        }
    )


class Counting(Split):
    """Rows that know how often they were read."""

    passes = 0

    def batches(self, *args, **keys):
        self.passes += 1
        return super().batches(*args, **keys)


ASKED = st.lists(
    st.tuples(st.lists(st.sampled_from(NAMES), min_size=1), st.integers(1, 90)),
    min_size=1,
    max_size=6,
)


@given(asked=ASKED, cuts=st.lists(st.integers(1, 79), max_size=5), seed=st.integers(0, 3))
def test_whatever_was_drawn_before_a_sample_is_the_same(asked, cuts, seed) -> None:
    frame = people(80)
    evidence = evidence_of(Split(frame, cuts), subject_of("sex"), seed=seed)
    for columns, k in asked:
        names = list(dict.fromkeys(columns))
        found = evidence.drawn(evidence.data, columns, k)
        pd.testing.assert_frame_equal(found, sample_rows([frame[names]], k, seed))


@given(ks=st.lists(st.integers(1, 90), min_size=1, max_size=4), against=st.booleans())
def test_decided_rows_are_cut_from_decided_rows(ks, against) -> None:
    frame = people(80)
    evidence = evidence_of(Split(frame, [30]), subject_of("sex"))
    favorable = frame["pred"] == 1
    own = frame.loc[~favorable] if against else frame
    for k in ks:
        found = evidence.drawn_decided(["x"], k, "good", against=against)
        told = own[["x"]].assign(good=favorable[own.index])
        pd.testing.assert_frame_equal(found.frame, sample_rows([told], k, 0))
        assert found.seen == len(own)


def test_rows_are_read_once_for_checks_that_want_the_usual_columns() -> None:
    data = Counting(people(80), [])
    evidence = evidence_of(data, subject_of("sex"))
    for columns, k in ((["sex"], 10), (["sex", "y"], 80), (["y"], 3000)):
        evidence.drawn(data, columns, k)
    assert data.passes == 1
    evidence.drawn(data, ["text"], 10)  # no check is expected to want it
    evidence.drawn(data, ["text", "sex"], module.USUAL_ROWS)
    assert data.passes == 2
    evidence.drawn(data, ["sex"], module.USUAL_ROWS + 1)
    assert data.passes == 3


def test_a_sample_of_very_many_columns_stays_small() -> None:
    wide = pd.DataFrame(np.zeros((40, 50)), columns=[f"c{i}" for i in range(50)])
    evidence = evidence_of(wide, subject_of(label=None, predictions="c0"))
    before = module.USUAL_VALUES
    try:
        module.USUAL_VALUES = 100
        evidence.drawn(evidence.data, list(wide.columns), 7)
    finally:
        module.USUAL_VALUES = before
    (held,) = evidence._drawn.values()
    assert len(held.frame) == 7


def test_other_rows_have_samples_of_their_own() -> None:
    evidence, other = evidence_of(people(80), subject_of("sex")), people(40)
    evidence.drawn_decided(["x"], 5)
    source = Split(other, [])
    about = evidence.about(evidence.subject, source, model=None, champion=None)
    found = about.drawn_decided(["x"], 5).frame
    pd.testing.assert_frame_equal(found, sample_rows([other[["x"]]], 5, 0))
