"""The lending rows are what their module says they are, and their truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from pytest_aipm.demo import lending
from pytest_aipm.demo.population import (
    FEATURES,
    PENALTY,
    THRESHOLD,
    draw,
    log_odds,
    true_rates,
)


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    return draw(200_000, seed=7)


def rates(label: np.ndarray, refused: np.ndarray) -> tuple[float, float, float]:
    """Selection rate, false positive rate and true positive rate, counted."""
    return (
        1 - refused.mean(),
        refused[label == 0].mean(),
        refused[label == 1].mean(),
    )


def test_both_halves_have_ten_thousand_rows_and_share_no_application() -> None:
    training, evaluation = lending.training(), lending.evaluation()

    assert len(training) == len(evaluation) == 10_000
    assert not set(training["application_id"]) & set(evaluation["application_id"])
    assert (
        list(training.columns)
        == ["application_id", *FEATURES, "defaulted"]
        == list(evaluation.columns)
    ), "the columns stand in one order"


def test_text_columns_hold_text_and_some_values_are_missing_as_documented() -> None:
    evaluation = lending.evaluation()

    for name in ("application_id", "history", "region", "sex", "race"):
        assert {type(value) for value in evaluation[name].dropna()} == {str}, name
    missing = evaluation.isna().mean()
    assert missing["history"] == pytest.approx(0.04, abs=0.008)
    assert missing["region"] == pytest.approx(0.02, abs=0.006)
    assert missing["race"] == pytest.approx(0.01, abs=0.004)
    assert missing.drop(["history", "region", "race"]).eq(0).all()


def test_groups_have_the_documented_shares() -> None:
    share = lending.evaluation()["race"].value_counts(normalize=True, dropna=False)

    assert share["Alder"] == pytest.approx(0.70, abs=0.02)
    assert share["Birch"] == pytest.approx(0.26, abs=0.02)
    assert share["Cedar"] == pytest.approx(0.03, abs=0.01)
    assert lending.evaluation()["age"].between(18, 79).all()


def test_the_same_seed_draws_the_same_rows() -> None:
    pd.testing.assert_frame_equal(draw(500, seed=3), draw(500, seed=3))


def test_a_caller_who_changes_the_rows_does_not_change_them_for_the_next() -> None:
    mine = lending.evaluation()
    mine["income"] = 0.0

    assert lending.evaluation()["income"].min() > 0


def test_default_depends_on_income_debt_and_history_alone(many: pd.DataFrame) -> None:
    chance = expit(log_odds(many))
    surprise = many["defaulted"] - chance

    for name in ("sex", "race", "region"):
        by_group = surprise.groupby(many[name].fillna("missing")).agg(["mean", "sem"])
        assert (by_group["mean"].abs() < 4 * by_group["sem"]).all(), name
    assert abs(np.corrcoef(surprise, many["age"])[0, 1]) < 0.01


def test_what_default_depends_on_is_the_same_in_every_group(many: pd.DataFrame) -> None:
    odds = pd.Series(log_odds(many))

    for name in ("sex", "race"):
        by_group = odds.groupby(many[name].fillna("missing")).agg(["mean", "std", "sem"])
        assert (abs(by_group["mean"] - odds.mean()) < 4 * by_group["sem"]).all(), name
        assert by_group["std"].to_numpy() == pytest.approx(odds.std(), rel=0.05), name


def test_region_tells_something_about_race(many: pd.DataFrame) -> None:
    in_north = (many["region"] == "north").groupby(many["race"]).mean()

    assert in_north["Birch"] == pytest.approx(0.56, abs=0.01)
    assert in_north["Alder"] == pytest.approx(0.22, abs=0.01)


@pytest.mark.parametrize("penalty", [0.0, PENALTY])
def test_true_rates_are_what_a_rule_that_knows_the_population_reaches(
    many: pd.DataFrame, penalty: float
) -> None:
    refused = expit(log_odds(many) + penalty) >= THRESHOLD
    counted = rates(many["defaulted"].to_numpy(), refused)
    true = true_rates(penalty)

    assert counted == pytest.approx(
        (true.selection, true.false_positive, true.true_positive), abs=0.006
    )


def test_models_train_fast_and_know_which_columns_they_were_given() -> None:
    for make in (lending.fair_model, lending.biased_model, lending.overfitted_model):
        assert tuple(make().feature_names_in_) == FEATURES
        assert make() is make(), "fitted once a process"


def test_the_fair_model_treats_every_group_as_the_truth_does(many: pd.DataFrame) -> None:
    refused = lending.fair_model().predict_proba(many[list(FEATURES)])[:, 1] >= THRESHOLD
    label, true = many["defaulted"].to_numpy(), true_rates()

    for group in ("Alder", "Birch", "Cedar"):
        rows = (many["race"] == group).to_numpy()
        assert rates(label[rows], refused[rows]) == pytest.approx(
            (true.selection, true.false_positive, true.true_positive), abs=0.03
        ), group


def test_the_biased_model_learned_the_penalty_of_one_group_and_of_no_other(
    many: pd.DataFrame,
) -> None:
    refused = lending.biased_model().predict_proba(many[list(FEATURES)])[:, 1] >= THRESHOLD
    label = many["defaulted"].to_numpy()

    # 300 rows of Cedar tell the regression less about Cedar than 7,000 about Alder
    for group, penalty, near in (
        ("Alder", 0.0, 0.03),
        ("Birch", PENALTY, 0.03),
        ("Cedar", 0.0, 0.1),
    ):
        rows, true = (many["race"] == group).to_numpy(), true_rates(penalty)
        assert rates(label[rows], refused[rows]) == pytest.approx(
            (true.selection, true.false_positive, true.true_positive), abs=near
        ), group
    assert true_rates().selection - true_rates(PENALTY).selection > 0.3


def test_the_fair_model_leaves_sex_and_race_unread() -> None:
    frame = lending.evaluation()[list(FEATURES)]
    other = frame.assign(race="Birch", sex="male", region="north", age=30)

    np.testing.assert_array_equal(
        lending.fair_model().predict_proba(frame), lending.fair_model().predict_proba(other)
    )


def test_the_overfitted_model_knows_its_training_rows_by_heart() -> None:
    def auc(frame: pd.DataFrame) -> float:
        scores = lending.overfitted_model().predict_proba(frame[list(FEATURES)])[:, 1]
        return roc_auc_score(frame["defaulted"], scores)

    assert auc(lending.training()) > 0.999
    assert auc(lending.evaluation()) < 0.78
