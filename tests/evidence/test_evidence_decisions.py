"""Who gets the favorable decision, by every rule, for labels of every type; faults in one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_samples import Scored, Split, evidence_of, subject_of
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.errors import DataError, ModelError
from pytest_aipm.evidence.subject import Decision

ABOVE = Decision(threshold=0.5, favorable_when="above")
BELOW = Decision(threshold=0.5, favorable_when="below")


def frame_of(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"sex": "f", **columns})


def decided(frame: pd.DataFrame, **subject: object) -> np.ndarray:
    """Rows by label (negative, positive) and decision (other, positive)."""
    (table,) = evidence_of(frame, subject_of("sex", **subject)).counts(("sex",)).table
    return table[:, :, 0]


class TestThresholds:
    FRAME = frame_of(s=[0.2, 0.5, 0.5, 0.8], y=[0, 1, 0, 1])

    def test_above_includes_the_threshold(self) -> None:
        subject = {"predictions": None, "scores": "s", "decision": ABOVE}
        assert decided(self.FRAME, **subject).tolist() == [[1, 1], [0, 2]]

    def test_below_excludes_it(self) -> None:
        # the favorable class is 0 and taken below: at 0.5 the decision is the positive class
        subject = {"predictions": None, "scores": "s", "decision": BELOW, "favorable": 0}
        assert decided(self.FRAME, **subject).tolist() == [[1, 1], [0, 2]]

    @pytest.mark.parametrize("threshold", [0.2, 0.35, 0.8])
    def test_directions_are_mirror_images(self, threshold: float) -> None:
        above = decided(
            self.FRAME, predictions=None, scores="s", decision=Decision(threshold, "above")
        )
        below = decided(
            self.FRAME,
            predictions=None,
            scores="s",
            favorable=0,
            decision=Decision(threshold, "below"),
        )
        assert (above == below).all()

    @pytest.mark.parametrize("scores", [[-0.1, 0.5], [0.5, 1.2]])
    def test_a_probability_threshold_on_other_scores_is_refused(self, scores: list) -> None:
        with pytest.raises(DataError, match=r"scores lie outside \[0, 1\] \(from .* is a prob"):
            decided(frame_of(s=scores, y=[0, 1]), predictions=None, scores="s", decision=ABOVE)

    @pytest.mark.parametrize("threshold", [50.0, -0.5])
    def test_a_threshold_that_no_probability_reaches_is_refused(self, threshold: float) -> None:
        rule = Decision(threshold=threshold, favorable_when="above")
        with pytest.raises(DataError, match="is no probability, but all scores lie in"):
            decided(self.FRAME, predictions=None, scores="s", decision=rule)

    @pytest.mark.parametrize("threshold", [0.0, 1.0])
    def test_everyone_or_nobody_by_a_threshold_of_0_or_1_is_a_choice(self, threshold) -> None:
        rule = Decision(threshold=threshold, favorable_when="above")
        table = decided(self.FRAME, predictions=None, scores="s", decision=rule)
        assert table[:, 1].sum() == (4 if threshold == 0 else 0)

    def test_a_threshold_on_the_scale_of_the_scores_is_fine(self) -> None:
        rule = Decision(threshold=0.0, favorable_when="above")
        frame = frame_of(s=[-2.0, 3.0], y=[0, 1])
        table = decided(frame, predictions=None, scores="s", decision=rule)
        assert table.tolist() == [[1, 0], [0, 1]]


class TestTopK:
    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(
        scores=st.lists(st.integers(0, 4), min_size=4, max_size=40),
        share=st.floats(0.01, 0.99),
        when=st.sampled_from(["above", "below"]),
        cuts=st.lists(st.integers(1, 39), max_size=4),
    )
    def test_exactly_k_rows_are_chosen_whatever_the_ties_and_the_split(
        self, scores, share, when, cuts
    ) -> None:
        frame = frame_of(s=np.array(scores) / 4, y=np.arange(len(scores)) % 2)
        rule = Decision(threshold=None, favorable_when=when, top_k=share)
        favorable = 1 if when == "above" else 0
        subject = subject_of(
            "sex", predictions=None, scores="s", decision=rule, favorable=favorable
        )
        evidence = evidence_of(Split(frame, cuts), subject, keep_rows=True)
        chosen = evidence.rows(()).predicted == (favorable == 1)
        assert chosen.sum() == max(1, round(share * len(scores)))
        inside, outside = frame["s"][chosen], frame["s"][~chosen]
        if len(outside):
            worst, best = (
                (inside.min(), outside.max())
                if when == "above"
                else (
                    -inside.max(),
                    -outside.min(),
                )
            )
            assert worst >= best

    def test_a_lot_that_never_changes_decides_ties_and_not_the_order_of_the_file(self) -> None:
        # sorted by group, as files often are: the earlier half would all be one group
        frame = frame_of(s=[0.5] * 2000, y=[0, 1] * 1000, sex=["f"] * 1000 + ["m"] * 1000)
        rule = Decision(threshold=None, favorable_when="above", top_k=0.5)
        subject = subject_of("sex", predictions=None, scores="s", decision=rule)
        once, again = evidence_of(frame, subject), evidence_of(frame, subject)
        chosen = once.counts(("sex",)).table[:, :, 1].sum(axis=1)
        assert chosen.sum() == 1000
        assert abs(chosen[0] - 500) < 50  # a lot gives 500 with a standard deviation of 16
        assert (chosen == again.counts(("sex",)).table[:, :, 1].sum(axis=1)).all()
        assert once.warnings[0].startswith("`top_k`: 2,000 rows share the score at the cut; the 1,")

    def test_where_no_row_is_tied_at_the_cut_no_lot_is_drawn(self) -> None:
        frame = frame_of(s=[0.9, 0.9, 0.1, 0.1], y=[0, 1] * 2)
        rule = Decision(threshold=None, favorable_when="above", top_k=0.5)
        subject = subject_of("sex", predictions=None, scores="s", decision=rule)
        evidence = evidence_of(frame, subject, keep_rows=True)
        assert evidence.rows(()).predicted.tolist() == [True, True, False, False]
        assert evidence.warnings == ()

    def test_a_model_chooses_other_rows_by_the_cut_of_the_evaluation_rows(self) -> None:
        frame = frame_of(s=np.linspace(0, 1, 11), y=[0, 1] * 5 + [0])
        rule = Decision(threshold=None, favorable_when="above", top_k=0.3)
        subject = subject_of("sex", predictions=None, decision=rule)
        evidence = evidence_of(frame, subject, model=Scored())
        # three of eleven rows: 0.8, 0.9 and 1.0
        others = pd.DataFrame({"s": [0.79, 0.8, 0.95]})
        assert evidence.decide(others).tolist() == [False, True, True]

    def test_it_needs_scores(self) -> None:
        rule = Decision(threshold=None, favorable_when="above", top_k=0.3)
        with pytest.raises(DataError, match="needs scores, but there are only predicted classes"):
            decided(frame_of(y=[0, 1], pred=[0, 1]), decision=rule)


TYPES = {
    "whole numbers": ([0, 1, 1, 0], 1, 0),
    "floats": ([0.0, 1.0, 1.0, 0.0], 1, 0),
    "truths": ([False, True, True, False], True, False),
    "texts": (["no", "yes", "yes", "no"], "yes", "no"),
    "categories": (pd.Categorical(["no", "yes", "yes", "no"]), "yes", "no"),
    "numbers in texts": (["0", "1", "1", "0"], "1", "0"),
    "nullable numbers": (pd.array([0, 1, 1, 0], dtype="Int64"), 1, 0),
    "nullable truths": (pd.array([False, True, True, False], dtype="boolean"), True, False),
}


class TestLabelsOfEveryType:
    @pytest.mark.parametrize("kind", TYPES)
    @pytest.mark.parametrize("same", [True, False], ids=["favorable", "not favorable"])
    def test_the_same_rows_give_the_same_counts(self, kind: str, same: bool) -> None:
        values, positive, other = TYPES[kind]
        predicted = pd.Series(values).iloc[[0, 1, 0, 1]].reset_index(drop=True)
        frame = frame_of(y=values, pred=predicted)
        favorable = positive if same else other
        table = decided(frame, positive=positive, favorable=favorable)
        assert table.tolist() == [[1, 1], [1, 1]]

    @pytest.mark.parametrize("classes", [(0, 1), ("no", "yes"), (False, True), (1.0, 2.0)])
    def test_a_models_own_classes_are_understood(self, classes: tuple) -> None:
        frame = frame_of(s=[0.1, 0.9, 0.2, 0.8], y=[classes[i] for i in (0, 1, 1, 0)])
        subject = subject_of("sex", predictions=None, positive=classes[1], favorable=classes[1])
        evidence = evidence_of(frame, subject, model=Scored(classes=classes))
        assert evidence.counts(("sex",)).table[0, :, :, 0].tolist() == [[1, 1], [1, 1]]

    def test_classes_held_as_objects_keep_their_type(self) -> None:
        class Objects(Scored):
            def predict(self, frame: pd.DataFrame) -> np.ndarray:
                return super().predict(frame).astype(object)

        frame = frame_of(s=[0.1, 0.9], y=[0, 1])
        evidence = evidence_of(frame, subject_of("sex", predictions=None), model=Objects())
        assert evidence.counts(()).table[0, :, :, 0].tolist() == [[1, 0], [0, 1]]

    def test_classes_of_mixed_types_are_refused(self) -> None:
        class Mixed(Scored):
            def predict(self, frame: pd.DataFrame) -> np.ndarray:
                return np.array([1, "no"] * (len(frame) // 2), dtype=object)

        frame = frame_of(s=[0.1, 0.9], y=[0, 1])
        evidence = evidence_of(frame, subject_of("sex", predictions=None), model=Mixed())
        with pytest.raises(ModelError, match="cannot be compared"):
            evidence.counts(())


class TestFaults:
    """Each is one line that says where, what and how to mend it."""

    @pytest.mark.parametrize(
        ("columns", "subject", "said"),
        [
            (
                {"y": [0, 1, None, 1], "pred": [0, 1, 1, 1]},
                {},
                "frame: label column 'y' has 1 missing value(s), the first in data row 3; a row",
            ),
            (
                {"y": [0, 1], "pred": [None, 1.0]},
                {},
                "frame: predictions column 'pred' has 1 missing value(s), the first in data row 1",
            ),
            (
                {"y": [0, 1, 0], "s": [0.1, np.nan, np.inf]},
                {"predictions": None, "scores": "s", "decision": ABOVE},
                "frame: scores column 's' has 2 missing or infinite value(s), the first in data ",
            ),
            (
                {"y": [0, 1], "s": ["0.1", "high"]},
                {"predictions": None, "scores": "s", "decision": ABOVE},
                "frame: scores column 's' is not numeric; it holds 'high'; name a numeric column",
            ),
            (
                {"y": [0, 1], "s": pd.to_datetime(["2024-01-01", "2024-01-02"])},
                {"predictions": None, "scores": "s", "decision": ABOVE},
                "frame: scores column 's' is not numeric; it holds no numbers",
            ),
            (
                {"y": [0, 1, 2], "pred": [0, 1, 1]},
                {},
                "policy.yaml: the label has 3 or more values (0, 1, 2); a binary task has two; ",
            ),
            (
                {"y": [0, 1, 0], "pred": [0, 1, 2]},
                {},
                "policy.yaml: the prediction has 3 or more values (0, 1, 2)",
            ),
            (
                {"y": ["0", "1"], "pred": ["0", "1"]},
                {},
                'policy.yaml: `positive: 1` never occurs in the data (values: "0", "1"); write ',
            ),
            (
                {"y": ["No", "Yes"], "pred": ["No", "Yes"]},
                {"positive": "yes", "favorable": "yes"},
                'policy.yaml: `positive: "yes"` never occurs in the data (values: "No", "Yes"); ',
            ),
            (
                {"y": [0, 1], "pred": [0, 1]},
                {"favorable": 2},
                "policy.yaml: `favorable: 2` never occurs in the data (values: 0, 1); name one of",
            ),
            (
                {"y": [0, 1], "pred": ["0", "1"]},
                {},
                'policy.yaml: label (0, 1) and predictions ("0", "1") are written differently; ',
            ),
            (
                {"y": [0, 1], "pred": [0, 0], "old": ["0", "1"]},
                {"champion_predictions": "old"},
                'policy.yaml: the prediction has 3 or more values ("0", "1", 0)',
            ),
        ],
    )
    def test_of_the_rows(self, columns: dict, subject: dict, said: str) -> None:
        with pytest.raises(DataError) as caught:
            decided(frame_of(**columns), **subject)
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value)

    def test_a_class_of_another_type_is_shown_as_the_policy_should_write_it(self) -> None:
        with pytest.raises(DataError, match=r'write `positive: "1"`$'):
            decided(frame_of(y=["0", "1"], pred=["0", "1"]))
        with pytest.raises(DataError, match=r'write `positive: "Yes"`$'):
            decided(frame_of(y=["No", "Yes"], pred="No"), positive="yes", favorable="yes")

    def test_numbers_whose_cubes_cannot_be_summed_are_refused(self) -> None:
        frame = frame_of(y=[0, 1], s=[0.5, 1e60])
        with pytest.raises(DataError, match=r"1 astronomic value\(s\), the first in data row 2"):
            decided(frame, predictions=None, scores="s", decision=ABOVE)

    def test_the_line_of_the_policy_is_named_where_it_is_known(self) -> None:
        with pytest.raises(DataError, match=r"^base\.aipm\.yaml:7: `favorable: 2` never occurs"):
            decided(
                frame_of(y=[0, 1], pred=[0, 1]),
                favorable=2,
                places={"favorable": ("base.aipm.yaml", 7)},
            )

    def test_an_absent_label_column_is_named_with_its_likely_spelling(self) -> None:
        with pytest.raises(DataError, match=r"defaulted.*did you mean 'default'"):
            decided(frame_of(default=[0, 1], pred=[0, 1]), label="defaulted")

    def test_a_label_of_one_class_is_said_when_error_rates_are_asked_for(self) -> None:
        evidence = evidence_of(frame_of(y=[1, 1], pred=[0, 1]), subject_of("sex"))
        assert evidence.counts(()).n == 2
        with pytest.raises(DataError, match=r"label 'y' holds one class only \(1\) in 2 rows"):
            evidence.require_both_classes()

    def test_a_long_text_among_scores_is_not_repeated(self) -> None:
        frame = frame_of(y=[0, 1], s=["0.1", "a sentence about somebody"])
        with pytest.raises(DataError, match="it holds text; name a numeric column"):
            decided(frame, predictions=None, scores="s", decision=ABOVE)

    def test_scores_without_a_rule_decide_nothing(self) -> None:
        with pytest.raises(DataError, match="scores alone do not say who gets the favorable"):
            decided(frame_of(y=[0, 1], s=[0.1, 0.9]), predictions=None, scores="s")

    def test_classes_that_do_not_decide_need_not_fit(self) -> None:
        class Odd(Scored):
            def predict(self, frame: pd.DataFrame) -> np.ndarray:
                return np.array(["a", "b"] * (len(frame) // 2))

        frame = frame_of(s=[0.1, 0.9], y=[0, 1])
        subject = subject_of("sex", predictions=None, decision=ABOVE)
        table = evidence_of(frame, subject, model=Odd()).counts(()).table
        assert table[0, :, :, 0].tolist() == [[1, 0], [0, 1]]

    def test_everyone_refused_is_a_fact_where_the_two_classes_have_names(self) -> None:
        frame = frame_of(pred=[0, 0, 0], y=[0, 1, 0])
        evidence = evidence_of(frame, subject_of("sex", favorable=0), need_label=False)
        assert evidence.counts(()).table[0, 0, :, 0].tolist() == [3, 0]

    def test_a_fault_is_found_once_and_kept(self) -> None:
        model = Scored()
        frame = frame_of(s=[0.1, 0.9], y=[0, None])
        evidence = evidence_of(frame, subject_of("sex", predictions=None), model=model)
        for _ in range(3):
            with pytest.raises(DataError, match="1 missing"):
                evidence.counts(())
        assert not evidence.counted
        assert model.asked <= 2 * len(frame)


class TestAChampion:
    def test_a_model_and_a_column_of_its_predictions_are_the_same_champion(
        self, people: pd.DataFrame
    ) -> None:
        column = people.assign(old=(people["s"] >= 0.5).astype(int))
        by_column = evidence_of(column, subject_of("sex", champion_predictions="old"))
        by_model = evidence_of(people, subject_of("sex"), champion=Scored())
        assert (by_column.counts(("sex",)).table == by_model.counts(("sex",)).table).all()

    def test_its_scores_are_decided_on_by_the_same_rule(self, people: pd.DataFrame) -> None:
        frame = people.assign(old=1 - people["s"])
        subject = subject_of(
            "sex", predictions=None, scores="s", champion_scores="old", decision=ABOVE
        )
        table = evidence_of(frame, subject).counts(()).table.sum(axis=(0, 1))
        assert table[1, 1] == (people["s"] == 0.5).sum()

    def test_swapping_the_two_transposes_the_table(self, people: pd.DataFrame) -> None:
        frame = people.assign(old=np.roll(people["pred"], 1))
        there = evidence_of(frame, subject_of("sex", champion_predictions="old"))
        back = evidence_of(frame, subject_of("sex", predictions="old", champion_predictions="pred"))
        ahead = there.counts(("sex",)).table
        assert (ahead == back.counts(("sex",)).table.swapaxes(2, 3)).all()
        alone = evidence_of(frame, subject_of("sex")).counts(("sex",)).table
        assert (ahead.sum(axis=3) == alone[..., 0]).all()
