"""Training rows beside evaluation rows: equal rows are found, and the attack sees the same loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Scored, Split, evidence_of, subject_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from pytest_aipm.errors import DataError
from pytest_aipm.evidence import train
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import among, generator, hash_rows, row_keys, sample_rows
from pytest_aipm.evidence.train import coarse, fit_of, overlap_of
from pytest_aipm.sources.data import open_data

VALUES = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([0.5, -0.0, 1.0]))


def hashes(*columns: object) -> list[int]:
    frame = pd.DataFrame({str(i): column for i, column in enumerate(columns)})
    return hash_rows(frame, list(frame.columns)).tolist()


class TestRowHashes:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ([1, 2], [1.0, 2.0]),
            ([0.0, 1.0], [-0.0, 1.0]),
            ([1, 2], pd.array([1, 2], dtype="Int8")),
            ([1.0, None], [1.0, np.nan]),
            ([1.0, np.nan], pd.array([1.0, pd.NA], dtype="Float64")),
            (["a", None], ["a", np.nan]),
            (["a", "b"], pd.Categorical(["a", "b"])),
            (["a", None], pd.array(["a", pd.NA], dtype="string")),
            ([True, False], pd.array([True, False], dtype="boolean")),
        ],
    )
    def test_equal_values_of_other_types_hash_alike(self, one: object, other: object) -> None:
        assert hashes(one) == hashes(other)

    def test_a_value_moved_to_another_column_is_another_row(self) -> None:
        assert hashes([1], [2]) != hashes([2], [1])
        assert hashes(["a"], [""]) != hashes([""], ["a"])

    def test_a_missing_text_is_not_the_word_missing(self) -> None:
        assert hashes(["missing", "nan", "None", ""]) != hashes([None] * 4)
        assert len(set(hashes(["missing", "nan", "None", "", None]))) == 5

    @settings(max_examples=50, deadline=None, derandomize=True)
    @given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=20))
    def test_rows_hash_alike_exactly_when_they_are_equal(self, rows: list) -> None:
        found = hash_rows(pd.DataFrame(rows, columns=["a", "b"], dtype=float), ["a", "b"]).tolist()
        for i, one in enumerate(rows):
            for j, other in enumerate(rows):
                same = all(a == b for a, b in zip(one, other, strict=True))
                assert (found[i] == found[j]) == same

    @settings(max_examples=50, deadline=None, derandomize=True)
    @given(st.sets(st.integers(0, 50)), st.lists(st.integers(0, 50)))
    def test_membership_is_that_of_sets(self, known: set, asked: list) -> None:
        ascending = np.array(sorted(known), dtype=np.uint64)
        found = among(np.array(asked, dtype=np.uint64), ascending)
        assert found.tolist() == [each in known for each in asked]


class TestSamples:
    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(st.integers(1, 120), st.lists(st.integers(1, 99), max_size=6), st.integers(0, 3))
    def test_any_split_chooses_the_same_rows_in_the_same_order(self, k, cuts, seed) -> None:
        frame = pd.DataFrame({"a": np.arange(100)})
        whole = sample_rows(open_data(frame, root=Path()).batches(["a"]), k, seed)
        parts = sample_rows(Split(frame, cuts).batches(["a"]), k, seed)
        assert whole["a"].tolist() == parts["a"].tolist() == sorted(whole["a"])
        assert len(whole) == min(k, 100)

    def test_every_row_is_chosen_about_equally_often(self) -> None:
        frame = pd.DataFrame({"a": np.arange(50)})
        seen = np.zeros(50)
        for seed in range(400):
            seen[sample_rows([frame], 10, seed)["a"]] += 1
        # binomial(400, 0.2): 80 on average, five standard deviations of 8
        assert (np.abs(seen - 80) < 40).all()

    def test_keys_of_different_rows_differ(self) -> None:
        assert len(np.unique(row_keys(np.arange(100_000), 0))) == 100_000

    def test_each_name_has_random_numbers_of_its_own(self) -> None:
        first = generator(0, "f").random(3).tolist()
        assert first == generator(0, "f").random(3).tolist()
        assert first != generator(0, "m").random(3).tolist()
        assert first != generator(1, "f").random(3).tolist()


def evidence(test: pd.DataFrame, training: pd.DataFrame, model=None, **changes) -> Evidence:
    subject = subject_of(predictions=None, **changes)
    return evidence_of(test, subject, model=model, train=open_data(training, root=Path()))


def rows_of(rng: np.random.Generator, n: int) -> pd.DataFrame:
    return pd.DataFrame({"s": rng.uniform(0, 1, n), "y": rng.integers(0, 2, n)})


class TestOverlap:
    def test_counts_rows_conflicts_and_columns(self) -> None:
        test = pd.DataFrame({"a": [1, 2, 3, 9], "b": ["x", "y", "z", "z"], "y": [0, 0, 1, 1]})
        training = pd.DataFrame({"b": ["x", "y", "z"], "a": [1.0, 2.0, 3.0], "y": [0, 0, 0]})
        found = overlap_of(evidence(test, training))
        assert (found.rows, found.shared, found.conflicting) == (4, 3, 1)
        assert found.columns == ("a", "b")

    def test_without_a_label_in_training_nothing_conflicts(self) -> None:
        test = pd.DataFrame({"a": [1, 2], "y": [0, 1]})
        found = overlap_of(evidence(test, pd.DataFrame({"a": [2, 3]})))
        assert (found.shared, found.conflicting) == (1, 0)

    def test_a_feature_that_training_rows_lack_is_an_error(self) -> None:
        with pytest.raises(DataError, match="frame: training rows lack the feature column 'a'"):
            overlap_of(evidence(pd.DataFrame({"a": [1], "y": [0]}), pd.DataFrame({"b": [1]})))

    def test_no_features_at_all_are_an_error(self) -> None:
        with pytest.raises(DataError, match="there are no feature columns to compare"):
            overlap_of(evidence(pd.DataFrame({"y": [0]}), pd.DataFrame({"y": [1]})))

    def test_no_training_rows_are_an_error(self) -> None:
        alone = evidence_of(pd.DataFrame({"a": [1], "y": [0]}), subject_of(predictions=None))
        with pytest.raises(DataError, match="needs the training rows; add `train: PATH`"):
            overlap_of(alone)


class TestTheLossOfTheAttack:
    def test_is_the_log_loss_where_scores_are_probabilities(self) -> None:
        rng = np.random.default_rng(2)
        test, training = rows_of(rng, 300), rows_of(rng, 400)
        fit = fit_of(evidence(test, training, Scored()))
        assert fit.loss == "log loss"
        assert (len(fit.members), len(fit.others), fit.dropped) == (400, 300, 0)
        right = np.where(training["y"] == 1, training["s"], 1 - training["s"])
        assert fit.members == pytest.approx(-np.log(right))

    def test_its_auc_is_that_of_scikit_learn(self) -> None:
        from pytest_aipm.stats.parts import AucPart

        rng = np.random.default_rng(3)
        training = rows_of(rng, 500)
        training["s"] = np.clip(training["s"] * 0.6 + 0.4 * training["y"], 0.01, 0.99)
        fit = fit_of(evidence(rows_of(rng, 500), training, Scored()))
        is_member = np.repeat([1, 0], [len(fit.members), len(fit.others)])
        expected = roc_auc_score(is_member, -np.concatenate([fit.members, fit.others]))
        assert AucPart.from_scores(-fit.members, -fit.others).value == pytest.approx(expected)

    def test_is_one_loss_for_both_sides_also_when_one_looks_like_probabilities(self) -> None:
        class Margins:
            classes_ = np.array([0, 1])
            feature_names_in_ = np.array(["s"], dtype=object)

            def decision_function(self, frame: pd.DataFrame) -> np.ndarray:
                return frame["s"].to_numpy()

        training = pd.DataFrame({"s": [0.1, 0.9], "y": [0, 1]})
        test = pd.DataFrame({"s": [-4.0, 5.0], "y": [0, 1]})
        fit = fit_of(evidence(test, training, Margins()))
        assert fit.loss == "margin"
        assert fit.members.tolist() == [0.1, -0.9]
        assert fit.others.tolist() == [-4.0, -5.0]

    def test_is_right_or_wrong_where_the_model_gives_no_scores(self) -> None:
        class Labels:
            feature_names_in_ = np.array(["s"], dtype=object)

            def predict(self, frame: pd.DataFrame) -> np.ndarray:
                return (frame["s"] >= 0.5).astype(int).to_numpy()

        training = pd.DataFrame({"s": [0.1, 0.9], "y": [0, 0]})
        fit = fit_of(evidence(pd.DataFrame({"s": [0.2], "y": [1]}), training, Labels()))
        assert fit.loss.startswith("error (0 or 1")
        assert (fit.members.tolist(), fit.others.tolist()) == ([0.0, 1.0], [1.0])

    def test_leaves_out_evaluation_rows_that_are_training_rows(self) -> None:
        training = pd.DataFrame({"s": [0.1, 0.9], "y": [0, 1]})
        test = pd.DataFrame({"s": [0.9, 0.3, 0.1], "y": [1, 1, 0]})
        fit = fit_of(evidence(test, training, Scored()))
        assert fit.dropped == 2
        assert fit.others == pytest.approx([-np.log(0.3)])

    def test_is_of_a_seeded_sample_beyond_a_hundred_thousand_rows(self, monkeypatch) -> None:
        monkeypatch.setattr(train, "MAX_ROWS", 50)
        rng = np.random.default_rng(4)
        model = Scored()
        fit = fit_of(evidence(rows_of(rng, 80), rows_of(rng, 200), model))
        assert (len(fit.members), len(fit.others), model.asked) == (50, 50, 100)

    def test_names_the_file_whose_label_is_missing(self) -> None:
        rng = np.random.default_rng(5)
        training = rows_of(rng, 10).assign(y=[None, *[1.0] * 9])
        with pytest.raises(DataError, match="frame: label column 'y' has 1 missing"):
            fit_of(evidence(rows_of(rng, 10), training, Scored()))


def test_rows_are_left_alone_when_near_copies_are_sought() -> None:
    rows = pd.DataFrame({"x": [1.23456789, 2.3456789], "n": [1, 2], "text": [" a  B", "c"]})
    before = rows.copy(deep=True)
    assert coarse(rows, ["x", "n", "text"], 3)["x"].tolist() == [1.23, 2.35]
    assert rows["x"].tolist() == before["x"].tolist() == [1.23456789, 2.3456789]
