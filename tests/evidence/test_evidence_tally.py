"""One pass counts everything, and neither the split of the rows nor their order matters."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Split, evidence_of, subject_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.evidence import scores, tally
from pytest_aipm.evidence.subject import UNKNOWN, Attribute
from pytest_aipm.evidence.tally import Coded, Tally
from pytest_aipm.sources.data import DataSpec, open_data

SCOPES = [(), ("sex",), ("race",), ("sex", "race"), ("race", "sex")]
QUICK = settings(max_examples=40, deadline=None, derandomize=True)

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]),
        st.sampled_from(["A", "B", "C", None]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.integers(0, 20).map(lambda k: k / 20),
    ),
    min_size=2,
    max_size=60,
).filter(lambda rows: {row[3] for row in rows} == {0, 1})
CUTS = st.lists(st.integers(1, 59), max_size=8)


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["sex", "race", "y", "pred", "s"])


def everything(data) -> dict:
    """All that checks may ask, as plain values."""
    evidence = evidence_of(
        data,
        subject_of("sex", "race", scores="s"),
        losses=frozenset({"score", "absolute_error"}),
        keep_scores=True,
        keep_rows=True,
    )
    found = {}
    for by, unknown in itertools.product(SCOPES, ("report", "group")):
        counts = evidence.counts(by, unknown)
        bags = evidence.scores(by, unknown)
        rows = evidence.rows(by, unknown)
        found[by, unknown] = {
            "groups": counts.grouping.keys,
            "counts": counts.table.tolist(),
            "unknown": (counts.unknown, bags.unknown, rows.unknown),
            "scores": [
                [(bag.values.tolist(), bag.counts.tolist()) for bag in pair] for pair in bags.bags
            ],
            "rows": [
                each.tolist() for each in (rows.group, rows.label, rows.predicted, rows.score)
            ],
            "moments": np.round(evidence.moments("score", by, unknown).table, 9).tolist(),
        }
    return found


@QUICK
@given(rows=ROWS, cuts=CUTS)
def test_any_split_into_batches_gives_the_same_evidence(rows, cuts) -> None:
    frame = frame_of(rows)
    assert everything(Split(frame, cuts)) == everything(frame)


@QUICK
@given(rows=ROWS)
def test_cells_are_the_same_whether_rows_are_sorted_or_counted(rows) -> None:
    coded = Coded(
        n=len(rows),
        attributes=[Attribute(name, name).encode(frame_of(rows)[name]) for name in ("sex", "race")],
        label=None,
        predicted=None,
        score=None,
        champion=None,
        binary=True,
    )
    many, named = tally.cells_of(coded)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tally, "FEW", 0)
        sorted_, also = tally.cells_of(coded)
    assert [named[i] for i in many] == [also[i] for i in sorted_]
    assert set(named) == set(also)


def test_a_file_of_codes_gives_the_evidence_of_the_rows(people, tmp_path) -> None:
    rows = people[["sex", "race", "y", "pred", "s"]]
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=70)
    source = open_data(DataSpec(path="rows.parquet"), root=tmp_path)
    assert everything(source) == everything(rows)


@QUICK
@given(rows=ROWS)
def test_intersections_sum_to_margins_and_margins_to_all_rows(rows) -> None:
    found = everything(frame_of(rows))
    both, sex, whole = (
        np.array(found[by, "group"]["counts"]) for by in (("sex", "race"), ("sex",), ())
    )
    cells = found[("sex", "race"), "group"]["groups"]
    for i, (name,) in enumerate(found[("sex",), "group"]["groups"]):
        mine = [j for j, (own, _) in enumerate(cells) if own == name]
        assert (both[mine].sum(axis=0) == sex[i]).all()
    assert (sex.sum(axis=0) == whole[0]).all()
    assert whole.sum() == len(rows)


def test_only_intersections_that_occur_are_groups(people: pd.DataFrame) -> None:
    counts = evidence_of(people, subject_of("sex", "race")).counts(("sex", "race"))
    expected = people.dropna(subset=["sex", "race"]).groupby(["sex", "race"]).size()
    assert dict(zip(counts.grouping.keys, counts.sizes, strict=True)) == expected.to_dict()


@QUICK
@given(rows=ROWS)
def test_the_order_of_rows_does_not_matter_to_counts_and_scores(rows) -> None:
    one, other = everything(frame_of(rows)), everything(frame_of(rows[::-1]))
    for scope, found in one.items():
        for what in ("groups", "counts", "unknown", "scores"):
            assert found[what] == other[scope][what]


def test_counts_are_label_by_decision_by_champion(people: pd.DataFrame) -> None:
    frame = people.assign(old=np.roll(people["pred"], 1))
    counts = evidence_of(frame, subject_of("sex", champion_predictions="old")).counts(("sex",))
    for name, table in zip(counts.grouping.names, counts.table, strict=True):
        rows = frame[frame["sex"] == name]
        for label, decision, earlier in itertools.product((0, 1), repeat=3):
            same = (rows["y"] == label) & (rows["pred"] == decision) & (rows["old"] == earlier)
            assert table[label, decision, earlier] == same.sum()


def test_moments_are_power_sums(people: pd.DataFrame) -> None:
    subject = subject_of("sex", scores="s")
    evidence = evidence_of(people, subject, losses=frozenset({"absolute_error"}))
    moments = evidence.moments("absolute_error", ("sex",))
    for name, row in zip(moments.grouping.names, moments.table, strict=True):
        error = (people["s"] - people["y"]).abs()[people["sex"] == name]
        assert row == pytest.approx([len(error), *((error**k).sum() for k in (1, 2, 3))])


class TestUnknownGroups:
    def test_they_are_counted_apart(self, people: pd.DataFrame) -> None:
        counts = evidence_of(people, subject_of("sex", "race")).counts(("sex", "race"))
        assert counts.unknown == people[["sex", "race"]].isna().any(axis=1).sum()
        assert counts.n + counts.unknown == len(people)
        assert not any(UNKNOWN in key for key in counts.grouping.keys)

    def test_or_are_a_group_of_their_own_that_comes_last(self, people: pd.DataFrame) -> None:
        counts = evidence_of(people, subject_of("sex")).counts(("sex",), "group")
        assert counts.grouping.keys[-1] == (UNKNOWN,)
        assert counts.sizes[-1] == people["sex"].isna().sum()
        assert counts.unknown == 0

    def test_all_unknown_leaves_no_group(self, people: pd.DataFrame) -> None:
        counts = evidence_of(people.assign(sex=None), subject_of("sex")).counts(("sex",))
        assert counts.grouping.keys == ()
        assert counts.unknown == len(people)


class TestValuesThatReadTheSame:
    def test_1_and_the_text_1_are_one_group_and_no_row_is_lost(self) -> None:
        sex = pd.Series([1, "1", 1.0, "2", " ", ""], dtype=object)
        frame = pd.DataFrame({"sex": sex, "y": [0, 1] * 3, "pred": 1})
        counts = evidence_of(frame, subject_of("sex")).counts(("sex",))
        sizes = dict(zip(counts.grouping.names, counts.sizes.tolist(), strict=True))
        assert sizes == {"1": 3, "2": 1, "(empty)": 2}

    def test_more_cells_than_a_whole_number_can_count_do_not_collide(self) -> None:
        # 127 values and the missing one, in ten attributes: two to the seventieth
        own, other = np.arange(127), np.zeros(127, dtype=int)
        names = [f"a{i}" for i in range(10)]
        frame = pd.DataFrame({name: np.concatenate([own, other]) for name in names})
        frame["a0"] = np.concatenate([own, own])
        n = len(frame)
        frame = frame.assign(y=np.arange(n) % 2, pred=1)
        evidence = evidence_of(frame, subject_of(*names))
        expected = frame.groupby(names).size()
        assert len(evidence.tally.counts) == len(expected)
        assert sum(int(each.sum()) for each in evidence.tally.counts.values()) == n


class TestScoresBeyondTheCap:
    def auc(self, data) -> tuple[float, bool]:
        subject = subject_of("sex", scores="s")
        bags = evidence_of(data, subject, keep_scores=True).scores(()).bags
        ((neg, pos),) = bags
        below = np.searchsorted(neg.values, pos.values)
        upto = np.searchsorted(neg.values, pos.values, side="right")
        total = np.concatenate([[0], np.cumsum(neg.counts)])
        wins = (total[below] + total[upto]) / 2
        return float(pos.counts @ wins / (pos.n * neg.n)), neg.exact and pos.exact

    def frame(self, n: int = 40_000) -> pd.DataFrame:
        rng = np.random.default_rng(7)
        y = rng.integers(0, 2, n)
        return pd.DataFrame({"sex": "f", "y": y, "pred": y, "s": rng.normal(y, 1)})

    def test_they_keep_the_area_under_the_curve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        frame = self.frame()
        exact, whole = self.auc(frame)
        assert whole
        monkeypatch.setattr(scores, "MAX_DISTINCT", 1000)
        rounded, whole = self.auc(frame)
        assert not whole
        assert rounded == pytest.approx(exact, abs=2e-6)

    def test_whatever_the_split(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scores, "MAX_DISTINCT", 1000)
        monkeypatch.setattr(tally, "_PENDING", 3)
        frame = self.frame(5000)
        cuts = list(range(100, 5000, 170))
        assert self.auc(Split(frame, cuts)) == self.auc(frame)

    def test_so_the_memory_of_a_bag_is_bounded(self) -> None:
        bag = scores.ScoreBag.of(np.random.default_rng(1).normal(0.5, 0.1, 1_000_000))
        merged = scores.merge_bags([bag])
        assert len(bag.values) > scores.MAX_DISTINCT >= len(merged.values)
        assert merged.n == bag.n


def test_no_rows_are_the_empty_tally() -> None:
    assert (
        tally.tally_rows(
            tally.Coded(0, [], None, None, None, None, binary=True),
            losses=frozenset(),
            keep_scores=False,
            keep_rows=False,
        )
        == Tally()
    )


def test_cells_are_counted_across_the_stretches_that_are_counted_at_once(monkeypatch) -> None:
    monkeypatch.setattr(tally, "AT_ONCE", 1)  # then four times the possible cells
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "sex": np.repeat(["f", "m"], 500),  # sorted, so that no two stretches are alike
            "race": np.sort(rng.choice(["A", "B", "C"], 1000)),
            "y": rng.integers(0, 2, 1000),
            "pred": rng.integers(0, 2, 1000),
        }
    )
    evidence = evidence_of(frame, subject_of("sex", "race"))
    counts = evidence.counts(("sex", "race"))
    assert len(frame) > 4 * 2 * 3 * 4  # several stretches
    found = {
        (*key, label, decided): int(counts.table[i, label, decided].sum())
        for i, key in enumerate(counts.grouping.keys)
        for label in (0, 1)
        for decided in (0, 1)
    }
    known = frame.groupby(["sex", "race", "y", "pred"]).size()
    assert {key: n for key, n in found.items() if n} == known.to_dict()
