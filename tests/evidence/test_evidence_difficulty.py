"""Rows as numbers, residuals that treat both sides alike, refits that repeat the recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evidence_samples import evidence_of, subject_of
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from pytest_aipm.errors import DataError, ModelError
from pytest_aipm.evidence.attack import fitness
from pytest_aipm.evidence.difficulty import LEAST, encoded, residuals, told_apart
from pytest_aipm.evidence.erased import erased_ids, erased_rows
from pytest_aipm.evidence.guessing import guesses_of
from pytest_aipm.evidence.refit import one_run, reference_scores
from pytest_aipm.evidence.train import fit_of
from pytest_aipm.sources.data import open_data


def test_every_kind_of_column_becomes_numbers_alike_on_both_sides() -> None:
    days = pd.to_datetime(["2020-01-01", None, "2020-01-02"])
    members = pd.DataFrame(
        {
            "number": [1.5, np.inf, np.nan],
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "flag": [True, False, True],
            "text": ["often", None, "often"],
            "kind": pd.Categorical(["a", "b", None]),
            "day": days,
            "mixed": [1, "x", None],
        }
    )
    others = members.iloc[[2, 0]].assign(text=["seldom", "often"])
    one, two = encoded(members, others)
    assert (one.shape, two.shape) == ((3, 7), (2, 7))
    assert np.isnan(one[1, 0]), "infinite reads as missing"
    assert np.isnan([one[2, 0], one[1, 1], one[1, 3], one[2, 4], one[1, 5], one[2, 6]]).all()
    assert one[0, 3] == one[2, 3] == two[1, 3] == 0, "the most frequent text is the first"
    assert two[0, 3] == 1
    assert np.array_equal(two[0, [0, 1, 2, 4, 5, 6]], one[2, [0, 1, 2, 4, 5, 6]], equal_nan=True)


def test_what_is_hard_for_everyone_is_taken_off() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 1500, 2))
    hard = 3 * x[:, :, 0]
    memory = np.array([[0.7], [0.0]])
    fit = -hard + memory + 0.5 * rng.normal(size=(2, 1500))
    found = residuals((x[0], fit[0]), (x[1], fit[1]), 0)
    assert found is not None
    plain = float(np.mean(fit[0][:, None] > fit[1]))
    taken = float(np.mean(found[0][:, None] > found[1]))
    assert plain < 0.58
    assert taken > 0.75


def test_members_and_others_that_are_alike_keep_alike_residuals() -> None:
    rng = np.random.default_rng(1)
    x, fit = rng.normal(size=(2, 1200, 2)), rng.normal(size=(2, 1200))
    found = residuals((x[0], fit[0]), (x[1], fit[1]), 0)
    assert found is not None
    # a regression averaged over folds for one side alone would narrow that side
    assert found[0].std() == pytest.approx(found[1].std(), rel=0.06)
    again = residuals((x[0], fit[0]), (x[1], fit[1]), 0)
    assert np.array_equal(found[0], again[0])


def test_a_column_without_a_value_teaches_nothing_and_breaks_nothing() -> None:
    rng = np.random.default_rng(1)
    x, fit = rng.normal(size=(2, 400, 2)), rng.normal(size=(2, 400))
    blank = np.concatenate([x, np.full((2, 400, 1), np.nan)], axis=2)
    for one, two in zip(
        residuals((x[0], fit[0]), (x[1], fit[1]), 0),
        residuals((blank[0], fit[0]), (blank[1], fit[1]), 0),
        strict=True,
    ):
        assert np.array_equal(one, two)
    assert np.array_equal(told_apart(*x, 0)[0], told_apart(*blank, 0)[0])
    assert told_apart(*blank[:, :, 2:], 0) is None


def test_too_few_rows_teach_nothing() -> None:
    few = np.zeros((LEAST - 1, 2)), np.zeros(LEAST - 1)
    assert residuals(few, few, 0) is None
    assert told_apart(few[0], few[0], 0) is None


@pytest.mark.parametrize(
    ("loss", "losses", "expected"),
    [
        ("log loss", [np.log(2), 0.0, 100.0], [0.0, np.log(9999), -np.log(9999)]),
        ("absolute error", [1.0, np.e, 0.0], [0.0, -1.0, -np.log(1e-3)]),
        ("margin", [-3.0, 2.0], [3.0, -2.0]),
    ],
)
def test_the_fit_is_on_a_scale_without_ends(loss: str, losses: list, expected: list) -> None:
    assert fitness(np.array(losses), loss, 1e-3) == pytest.approx(expected)


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.random(n), "b": rng.random(n), "y": rng.integers(0, 2, n)})


def asked(model, n: int = 400, **changes):
    train, test = rows(n, 0), rows(n, 1)
    fitted = model.fit(train[["a", "b"]], train["y"])
    subject = subject_of(predictions=None, features=("a", "b"), **changes)
    return evidence_of(test, subject, model=fitted, train=open_data(train, root=Path()))


class TestRefits:
    def test_rows_learned_by_heart_stand_out_and_others_do_not(self) -> None:
        evidence = asked(KNeighborsClassifier(1))
        members, others, half = reference_scores(evidence, fit_of(evidence), 4)
        assert half == 400
        assert np.mean(members[:, None] > others) > 0.6
        evidence = asked(LogisticRegression(C=0.01))
        members, others, _ = reference_scores(evidence, fit_of(evidence), 4)
        assert np.mean(members[:, None] > others) == pytest.approx(0.5, abs=0.06)

    def test_one_run_guesses_right_about_who_is_learned_by_heart(self) -> None:
        evidence = asked(KNeighborsClassifier(1))
        run = one_run(evidence, fit_of(evidence), 0.1)
        assert (run.rows, run.guesses, run.right) == (400, 40, 40)
        evidence = asked(LogisticRegression(C=0.01))
        run = one_run(evidence, fit_of(evidence), 0.5)
        assert 70 <= run.right <= 130

    def test_the_model_that_was_given_is_left_as_it_is(self) -> None:
        evidence = asked(KNeighborsClassifier(1))
        before = evidence.model.fitted._fit_X.copy()
        one_run(evidence, fit_of(evidence), 0.1)
        assert np.array_equal(evidence.model.fitted._fit_X, before)

    def test_rows_that_are_all_alike_are_an_error(self) -> None:
        train = pd.DataFrame({"a": [1.0] * 50, "b": [1.0] * 50, "y": [0, 1] * 25})
        model = LogisticRegression().fit(train[["a", "b"]], train["y"])
        subject = subject_of(predictions=None, features=("a", "b"))
        evidence = evidence_of(
            rows(50, 1), subject, model=model, train=open_data(train, root=Path())
        )
        with pytest.raises(ModelError, match="too few to fit on half"):
            one_run(evidence, fit_of(evidence), 0.1)


class TestGuesses:
    def test_a_column_of_many_values_is_refused_and_one_of_one_value_says_nothing(self) -> None:
        evidence = asked(LogisticRegression())
        with pytest.raises(DataError, match="has 800 values; more than 20 are not guessed"):
            guesses_of(evidence, fit_of(evidence), "a")
        train = rows(100, 0).assign(a=1)
        model = LogisticRegression().fit(train[["a", "b"]], train["y"])
        subject = subject_of(predictions=None, features=("a", "b"))
        evidence = evidence_of(
            rows(100, 1).assign(a=1), subject, model=model, train=open_data(train, root=Path())
        )
        found = guesses_of(evidence, fit_of(evidence), "a")
        assert found == "a has one value only, so there is nothing to guess"

    @pytest.mark.parametrize(("side", "who"), [(0, "training"), (1, "evaluation")])
    def test_a_side_without_a_value_says_whose(self, side: int, who: str) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        sides = [rows(100, seed).assign(a=np.resize([0.0, 1.0], 100)) for seed in (0, 1)]
        model = HistGradientBoostingClassifier().fit(sides[0][["a", "b"]], sides[0]["y"])
        sides[side]["a"] = np.nan
        subject = subject_of(predictions=None, features=("a", "b"))
        train = open_data(sides[0], root=Path())
        evidence = evidence_of(sides[1], subject, model=model, train=train)
        found = guesses_of(evidence, fit_of(evidence), "a")
        assert found == f"no {who} row has a value of a, so there is nothing to guess"

    def test_the_positive_control_gives_its_training_rows_away(self) -> None:
        # the label hangs on s and t together, three labels in ten are wrong: only who has learned
        # the wrong ones by heart tells more about those rows
        from sklearn.ensemble import RandomForestClassifier

        rng = np.random.default_rng(0)
        s, t, u = rng.integers(0, 2, 2000), rng.integers(0, 2, 2000), rng.random(2000)
        y = np.where(rng.random(2000) < 0.3, 1 - (s ^ t), s ^ t)
        frame = pd.DataFrame({"s": s, "t": t, "u": u, "y": y})
        train, test = frame[:1000].reset_index(drop=True), frame[1000:].reset_index(drop=True)
        model = RandomForestClassifier(30, random_state=0).fit(train[["s", "t", "u"]], train["y"])
        subject = subject_of(predictions=None, features=("s", "t", "u"))
        evidence = evidence_of(test, subject, model=model, train=open_data(train, root=Path()))
        found = guesses_of(evidence, fit_of(evidence), "s")
        assert not isinstance(found, str)
        right = [hits / tried for hits, tried in (found.members, found.others)]
        assert right[0] - right[1] > 0.1


class TestErased:
    def test_ids_need_a_column_of_ids(self) -> None:
        with pytest.raises(DataError, match="add `id: COLUMN` to the subject"):
            erased_ids(asked(LogisticRegression()), (1, 2))

    def test_a_file_without_the_models_columns_is_an_error(self, tmp_path: Path) -> None:
        evidence = asked(LogisticRegression())
        pd.DataFrame({"a": [1.0]}).to_csv(tmp_path / "gone.csv", index=False)
        evidence.root = tmp_path
        with pytest.raises(DataError, match="holds neither ids nor all of the model's columns"):
            erased_rows(evidence, "gone.csv", 5.0)

    def test_rows_are_found_by_equal_columns_where_there_are_no_ids(self, tmp_path: Path) -> None:
        evidence = asked(LogisticRegression())
        evidence.root = tmp_path
        both = pd.concat([rows(3, 0).iloc[:0], rows(400, 0).iloc[:2], rows(5, 9)])
        both.to_csv(tmp_path / "gone.csv", index=False)
        found = erased_rows(evidence, "gone.csv", 5.0)
        assert (found.rows, found.trained, found.by) == (7, 2, "equal columns")
