"""The diabetes rows are real, split once, and their groups are named honestly."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score

from pytest_aipm.demo import diabetes


def test_the_halves_are_the_442_patients_each_once() -> None:
    data, target = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    both = pd.concat([diabetes.training(), diabetes.evaluation()])

    assert len(diabetes.training()) == len(diabetes.evaluation()) == 221
    numbers = [name for name in diabetes.FEATURES if name != "sex"]
    expected = data[numbers].assign(progression=target).sort_values([*numbers])
    found = both[[*numbers, "progression"]].sort_values([*numbers])
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())


def test_the_groups_of_sex_say_no_more_than_the_source() -> None:
    assert set(diabetes.evaluation()["sex"]) == {"sex 1", "sex 2"}


def test_the_model_explains_a_good_part_of_patients_it_has_not_seen() -> None:
    rows = diabetes.evaluation()
    predicted = diabetes.model().predict(rows[list(diabetes.FEATURES)])

    assert 0.40 < r2_score(rows["progression"], predicted) < 0.60


def test_a_caller_who_changes_the_rows_does_not_change_them_for_the_next() -> None:
    mine = diabetes.training()
    mine["progression"] = 0.0

    assert diabetes.training()["progression"].min() > 0
