"""XGBoost, LightGBM and CatBoost files say what their library says of the same rows."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys

import catboost
import lightgbm
import native_samples as samples
import numpy as np
import pandas as pd
import pytest
import xgboost
from numpy.testing import assert_allclose, assert_array_equal

from pytest_aipm.errors import ModelError

ROWS = samples.rows()
NUMBERS = ROWS[samples.FEATURES]
KEEPS_CATEGORIES = tuple(map(int, xgboost.__version__.split(".")[:2])) >= (3, 1)
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, while they train


def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns in another order, with more of them and with rows numbered from 0."""
    return frame[frame.columns[::-1]].assign(other="x")


def saved(model, path):
    """Save a model of any of the libraries in the format of the suffix."""
    if path.suffix == ".txt":
        model.save_model(path)
    elif path.name.startswith("cat") and path.suffix == ".json":
        model.save_model(str(path), format="json")
    else:
        model.save_model(str(path))
    return path.name


TRAINED = [
    ("xgb.json", samples.in_xgboost, "binary:logistic"),
    ("xgb.ubj", samples.in_xgboost, "binary:logistic"),
    ("xgb-dart.ubj", lambda *how: samples.in_xgboost(*how, booster="dart"), "binary:logistic"),
    (
        "xgb-linear.json",
        lambda *how: samples.in_xgboost(*how, booster="gblinear"),
        "binary:logistic",
    ),
    ("light.txt", samples.in_lightgbm, "binary"),
    ("light-linear.txt", lambda *how: samples.in_lightgbm(*how, linear_tree=True), "binary"),
    ("cat.cbm", samples.in_catboost, "Logloss"),
    ("cat.json", samples.in_catboost, "Logloss"),
]


def library_says(model, frame):
    """Return the library's own answer."""
    if isinstance(model, xgboost.Booster):
        return model.predict(xgboost.DMatrix(frame, enable_categorical=True))
    if isinstance(model, lightgbm.Booster):
        return model.predict(frame)
    if isinstance(model, catboost.CatBoostClassifier):
        said = model.predict_proba(frame)
        return said[:, 1] if said.shape[1] == 2 else said
    return model.predict(frame)


@pytest.mark.parametrize(("name", "train", "objective"), TRAINED)
def test_a_classifier_of_two_classes_says_the_same_from_its_file(tmp_path, name, train, objective):
    trained = train(NUMBERS, ROWS["repaid"], objective)
    model = samples.opened(tmp_path, saved(trained, tmp_path / name), positive=1)
    said = model.predict(shuffled(ROWS))
    expected = library_says(trained, NUMBERS)

    assert_allclose(said.scores, expected, atol=1e-6)
    assert_array_equal(said.labels, (expected > 0.5).astype(int))
    assert model.classes == (0, 1)
    assert model.score_kind == "probability"
    assert model.warnings == []
    assert model.trusted_by == "data only: opening it runs no code"
    assert model.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    other = samples.opened(tmp_path, name, positive=0).predict(ROWS).scores
    assert_allclose(other, 1 - expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "train", "objective"),
    [
        ("xgb.json", samples.in_xgboost, "reg:squarederror"),
        ("xgb-poisson.ubj", samples.in_xgboost, "count:poisson"),
        ("xgb-share.ubj", samples.in_xgboost, "reg:gamma"),
        ("light.txt", samples.in_lightgbm, "regression"),
        ("light-poisson.txt", samples.in_lightgbm, "poisson"),
        ("light-quantile.txt", samples.in_lightgbm, "quantile"),
        ("cat.cbm", samples.in_catboost, "RMSE"),
        ("cat-poisson.json", samples.in_catboost, "Poisson"),
        ("cat-tweedie.cbm", samples.in_catboost, "Tweedie:variance_power=1.5"),
    ],
)
def test_a_regression_says_the_same_from_its_file(tmp_path, name, train, objective):
    trained = train(NUMBERS, ROWS["amount"], objective)
    model = samples.opened(tmp_path, saved(trained, tmp_path / name), task="regression")

    assert_allclose(model.predict(shuffled(ROWS)).scores, library_says(trained, NUMBERS), atol=1e-6)
    assert (model.score_kind, model.classes) == ("value", None)


@pytest.mark.parametrize(
    ("name", "train", "objective", "more"),
    [
        ("xgb.json", samples.in_xgboost, "multi:softprob", {"num_class": 3}),
        ("light.txt", samples.in_lightgbm, "multiclass", {"num_class": 3}),
        ("light-ova.txt", samples.in_lightgbm, "multiclassova", {"num_class": 3}),
        ("cat.cbm", samples.in_catboost, "MultiClass", {}),
    ],
)
def test_several_classes_keep_their_order(tmp_path, name, train, objective, more):
    trained = train(NUMBERS, ROWS["grade"], objective, **more)
    opened = read_native(tmp_path, saved(trained, tmp_path / name), ("low", "mid", "top"))
    expected = library_says(trained, NUMBERS)

    assert opened.classes_ == ["low", "mid", "top"]
    assert_allclose(opened.predict_proba(NUMBERS), expected, atol=1e-6)
    names = np.array(["low", "mid", "top"])[expected.argmax(axis=1)]
    assert_array_equal(opened.predict(NUMBERS), names)


def read_native(folder, name, classes=()):
    """Return the opened model as the library's, before a task is asked of it."""
    from pytest_aipm.sources.artifact import open_artifact
    from pytest_aipm.sources.spec import ModelSpec
    from pytest_aipm.sources.trust import Trust

    spec = ModelSpec(path=name, classes=classes)
    return open_artifact(spec, folder, Trust(), [], None, task="multiclass").model


def test_the_most_probable_class_of_softmax_keeps_its_probability(tmp_path):
    trained = samples.in_xgboost(NUMBERS, ROWS["grade"], "multi:softmax", num_class=3)
    opened = read_native(tmp_path, saved(trained, tmp_path / "m.json"))
    said = opened.predict_proba(NUMBERS)
    margins = trained.predict(xgboost.DMatrix(NUMBERS), output_margin=True)

    assert_array_equal(opened.predict(NUMBERS), trained.predict(xgboost.DMatrix(NUMBERS)))
    assert_allclose(said.sum(axis=1), 1)
    ratios = np.exp(margins[:, 1] - margins[:, 0])
    assert_allclose(said[:, 1] / said[:, 0], ratios, rtol=1e-5)


class TestCategories:
    @pytest.mark.parametrize("name", ["m.json", "m.ubj"])
    @pytest.mark.skipif(not KEEPS_CATEGORIES, reason="XGBoost keeps them in the file from 3.1 on")
    def test_xgboost_s_are_found_by_their_names(self, tmp_path, name):
        frame = samples.categorical(ROWS).assign(code=pd.Categorical(ROWS["kids"] * 3))
        trained = samples.in_xgboost(frame, ROWS["repaid"], "binary:logistic")
        model = samples.opened(tmp_path, saved(trained, tmp_path / name), positive=1)
        data = ROWS.assign(code=ROWS["kids"] * 3.0, region=ROWS["region"].where(ROWS.index > 9))
        known = frame.assign(region=frame["region"].where(ROWS.index > 9))

        assert_allclose(
            model.predict(shuffled(data)).scores, library_says(trained, known), atol=1e-6
        )
        with pytest.raises(
            ModelError, match=r"'region' holds 'moon', which model .* not fitted on"
        ):
            model.predict(data.assign(region="moon"))

    @pytest.mark.skipif(not KEEPS_CATEGORIES, reason="XGBoost keeps them in the file from 3.1 on")
    def test_names_that_xgboost_does_not_keep_whole_are_refused(self, tmp_path):
        frame = NUMBERS.assign(town=pd.Categorical(np.where(ROWS["kids"] > 1, "Zürich", "Bern")))
        trained = samples.in_xgboost(frame, ROWS["repaid"], "binary:logistic")
        saved(trained, tmp_path / "m.json")
        with pytest.raises(ModelError, match=r"does not keep whole; use categories of ASCII"):
            samples.opened(tmp_path, "m.json", positive=1)

    def test_names_that_an_old_xgboost_never_kept_are_no_guess(self, tmp_path):
        frame = samples.categorical(ROWS)
        saved(samples.in_xgboost(frame, ROWS["repaid"], "binary:logistic"), tmp_path / "m.json")

        def forget(content):
            content["learner"]["gradient_booster"]["model"].pop("cats", None)

        samples.rewritten(tmp_path / "m.json", forget)
        model = samples.opened(tmp_path, "m.json", positive=1)
        with pytest.raises(ModelError, match=r"'region' is categorical, but .* XGBoost before 3.1"):
            model.predict(ROWS)
        codes = frame.assign(**{name: frame[name].cat.codes for name in samples.WORDS})
        assert model.predict(codes).scores.shape == (len(ROWS),)

    def in_lightgbm(self, frame):
        """Train a model whose answers hang on the categories."""
        y = (ROWS["region"] == "south") ^ (ROWS["size"] == "big")
        more = {"min_data_per_group": 5, "cat_smooth": 1, "min_data_in_leaf": 5}
        trained = samples.in_lightgbm(frame, y.astype(int), "binary", **more)
        assert re.search(r"^num_cat=[1-9]", trained.model_to_string(), re.MULTILINE)
        return trained

    def test_lightgbm_s_are_found_though_the_file_does_not_name_their_columns(self, tmp_path):
        frame = samples.categorical(ROWS).assign(code=pd.Categorical(ROWS["kids"] * 3))
        trained = self.in_lightgbm(frame)
        model = samples.opened(tmp_path, saved(trained, tmp_path / "m.txt"), positive=1)
        data = ROWS.assign(code=ROWS["kids"] * 3, region=ROWS["region"].where(ROWS.index > 9))
        known = frame.assign(region=frame["region"].where(ROWS.index > 9))

        assert model.features == ("in_come", "debt", "kids", "region", "size", "code")
        assert_allclose(model.predict(data).scores, library_says(trained, known), atol=1e-6)

    def test_what_lightgbm_was_not_fitted_on_is_missing_to_it_and_said(self, tmp_path):
        frame = samples.categorical(ROWS)
        trained = self.in_lightgbm(frame)
        model = samples.opened(tmp_path, saved(trained, tmp_path / "m.txt"), positive=1)
        data = ROWS.assign(region=ROWS["region"].where(ROWS.index > 9, "moon"))
        known = frame.assign(region=frame["region"].where(ROWS.index > 9))

        assert_allclose(model.predict(data).scores, library_says(trained, known), atol=1e-6)
        assert model.warnings == [
            (
                "column 'region' holds categories that model m.txt was not fitted on; it takes "
                "them for missing"
            )
        ]
        with pytest.raises(ModelError, match=r"'region' holds 'moon', which model m.txt was not"):
            model.predict(ROWS.assign(region="moon"))

    def test_lightgbm_s_categories_must_fit_the_columns_of_text(self, tmp_path):
        trained = samples.in_lightgbm(samples.categorical(ROWS), ROWS["repaid"], "binary")
        model = samples.opened(tmp_path, saved(trained, tmp_path / "m.txt"), positive=1)
        with pytest.raises(ModelError, match=r"the categories of 2 columns without their names"):
            model.predict(ROWS.assign(kids="many"))

    @pytest.mark.parametrize("name", ["cat.cbm", "cat.json"])
    def test_catboost_s_are_words_and_whole_numbers(self, tmp_path, name):
        frame = ROWS[samples.FEATURES + samples.WORDS].assign(zip=ROWS["kids"])
        y = (ROWS["kids"] % 2) ^ (ROWS["region"] == "south")
        pool = catboost.Pool(frame, y.astype(int), cat_features=[*samples.WORDS, "zip"])
        trained = catboost.CatBoostClassifier(
            iterations=5, depth=3, allow_writing_files=False, verbose=False
        ).fit(pool)
        model = samples.opened(tmp_path, saved(trained, tmp_path / name), positive=1)
        expected = trained.predict_proba(frame)[:, 1]

        as_decimals = shuffled(frame.assign(zip=ROWS["kids"].astype(float)))
        assert_allclose(model.predict(as_decimals).scores, expected, atol=1e-6)
        as_texts = frame.assign(zip=ROWS["kids"].astype(str))
        assert_allclose(model.predict(as_texts).scores, expected, atol=1e-6)
        strange = frame.assign(region="moon")
        assert_allclose(
            model.predict(strange).scores, trained.predict_proba(strange)[:, 1], atol=1e-6
        )
        lacking = frame.assign(region=frame["region"].where(frame.index > 0))
        with pytest.raises(ModelError, match=r"'region' of model .* categories, and a value is"):
            model.predict(lacking)


class TestClasses:
    @pytest.mark.parametrize(
        ("name", "train", "objective"), [TRAINED[0], TRAINED[4]], ids=["xgboost", "lightgbm"]
    )
    def test_the_policy_names_what_the_file_only_numbers(self, tmp_path, name, train, objective):
        trained = train(NUMBERS, ROWS["repaid"], objective)
        saved(trained, tmp_path / name)
        with pytest.raises(ModelError) as caught:
            samples.opened(tmp_path, name, positive="repaid")
        assert str(caught.value) == (
            f"model {name} knows its classes only as 0, 1; the positive class is 'repaid'; name "
            "them in that order under subject.model: classes: [NAME OF 0, NAME OF 1]"
        )
        model = samples.opened(tmp_path, name, positive="repaid", classes=("defaulted", "repaid"))
        said = model.predict(ROWS)
        expected = library_says(trained, NUMBERS)

        assert_allclose(said.scores, expected, atol=1e-6)
        assert_array_equal(said.labels, np.where(expected > 0.5, "repaid", "defaulted"))

    def test_catboost_s_file_holds_names_and_no_others_are_taken(self, tmp_path):
        words = ROWS["repaid"].map({0: "defaulted", 1: "repaid"})
        trained = samples.in_catboost(NUMBERS, words, "Logloss")
        saved(trained, tmp_path / "m.cbm")
        model = samples.opened(tmp_path, "m.cbm", positive="repaid")

        assert model.classes == ("defaulted", "repaid")
        assert_array_equal(model.predict(ROWS).labels, trained.predict(NUMBERS))
        with pytest.raises(
            ModelError, match=r"names its classes itself: 'defaulted', 'repaid'; the"
        ):
            samples.opened(tmp_path, "m.cbm", positive="repaid", classes=("repaid", "defaulted"))

    def test_catboost_s_own_threshold_makes_its_labels(self, tmp_path):
        trained = samples.in_catboost(NUMBERS, ROWS["repaid"], "Logloss")
        trained.set_probability_threshold(0.7)
        saved(trained, tmp_path / "m.cbm")
        said = samples.opened(tmp_path, "m.cbm", positive=1).predict(ROWS)

        assert_array_equal(said.labels, trained.predict(NUMBERS))
        assert (said.labels != (said.scores > 0.5)).sum() > 0

    def test_too_few_names_are_refused(self, tmp_path):
        saved(samples.in_xgboost(NUMBERS, ROWS["repaid"], "binary:logistic"), tmp_path / "m.json")
        with pytest.raises(ModelError, match=r"has 2 classes, the policy names 3"):
            samples.opened(tmp_path, "m.json", positive="a", classes=("a", "b", "c"))


class TestObjectives:
    def test_a_raw_margin_is_a_decision_function_and_makes_no_labels(self, tmp_path):
        trained = samples.in_xgboost(NUMBERS, ROWS["repaid"], "binary:logitraw")
        model = samples.opened(tmp_path, saved(trained, tmp_path / "m.json"), positive=1)
        said = model.predict(ROWS)

        assert (model.score_kind, said.labels) == ("decision_function", None)
        assert_allclose(said.scores, library_says(trained, NUMBERS), atol=1e-6)

    def test_a_hinge_makes_labels_alone(self, tmp_path):
        trained = samples.in_xgboost(NUMBERS, ROWS["repaid"], "binary:hinge")
        said = samples.opened(tmp_path, saved(trained, tmp_path / "m.json"), positive=1)

        assert said.predict(ROWS).scores is None
        assert_array_equal(said.predict(ROWS).labels, library_says(trained, NUMBERS))

    @pytest.mark.parametrize(
        ("name", "train", "objective", "what"),
        [
            ("m.json", samples.in_xgboost, "reg:squarederror", "a number (objective reg:"),
            ("m.ubj", samples.in_xgboost, "rank:ndcg", "a score that only orders rows"),
            ("m.txt", samples.in_lightgbm, "lambdarank", "a score that only orders rows"),
            ("m.txt", samples.in_lightgbm, "regression", "a number (objective regression)"),
            ("m.cbm", samples.in_catboost, "RMSE", "a number (loss RMSE)"),
        ],
    )
    def test_a_number_is_no_class_until_the_policy_says_what_it_means(
        self, tmp_path, name, train, objective, what
    ):
        trained = train(NUMBERS, ROWS["repaid"], objective)
        saved(trained, tmp_path / name)
        with pytest.raises(ModelError) as caught:
            samples.opened(tmp_path, name, positive=1)
        assert f"model {name} predicts {what}" in str(caught.value)
        assert "subject.model: classes: [LOW, HIGH]" in str(caught.value)
        model = samples.opened(tmp_path, name, positive=1, classes=(0, 1))

        assert model.score_kind == "decision_function"
        assert_allclose(model.predict(ROWS).scores, library_says(trained, NUMBERS), atol=1e-6)
        turned = samples.opened(tmp_path, name, positive=1, classes=(1, 0))
        assert_allclose(turned.predict(ROWS).scores, -library_says(trained, NUMBERS), atol=1e-6)

    def test_a_class_is_no_number(self, tmp_path):
        saved(samples.in_xgboost(NUMBERS, ROWS["repaid"], "binary:logistic"), tmp_path / "m.json")
        with pytest.raises(ModelError, match=r"predicts classes .*, but the task is regression"):
            samples.opened(tmp_path, "m.json", task="regression")

    def test_an_objective_of_one_s_own_gives_a_raw_score(self, tmp_path):
        def own(said, data):
            return said - data.get_label(), np.ones_like(said)

        trained = samples.in_lightgbm(NUMBERS, ROWS["amount"], own)
        saved(trained, tmp_path / "m.txt")
        with pytest.raises(ModelError, match=r"a score that only orders rows .an objective of its"):
            samples.opened(tmp_path, "m.txt", task="regression")

    def test_several_numbers_a_row_are_refused(self, tmp_path):
        trained = samples.in_xgboost(NUMBERS, ROWS[["amount", "kids"]], "reg:squarederror")
        saved(trained, tmp_path / "m.json")
        with pytest.raises(
            ModelError, match=r"predicts 2 numbers a row; audit a model of one outp"
        ):
            samples.opened(tmp_path, "m.json", task="regression")

    def test_training_that_stopped_early_is_read_as_scikit_learn_s_interface_does(self, tmp_path):
        fitted = xgboost.XGBClassifier(n_estimators=40, early_stopping_rounds=2, n_jobs=1)
        half = ROWS.index % 2 == 0
        fitted.fit(
            NUMBERS[half],
            ROWS["repaid"][half],
            eval_set=[(NUMBERS[~half], ROWS["repaid"][~half])],
            verbose=False,
        )
        fitted.save_model(tmp_path / "m.json")
        model = samples.opened(tmp_path, "m.json", positive=1)
        used, made = fitted.best_iteration + 1, fitted.get_booster().num_boosted_rounds()

        assert used < made
        assert_allclose(model.predict(ROWS).scores, fitted.predict_proba(NUMBERS)[:, 1], atol=1e-6)
        assert model.warnings == [
            (
                f"model m.json stopped early: the first {used} of its {made} rounds are used, as "
                "XGBoost's scikit-learn interface does"
            )
        ]


class TestColumns:
    @pytest.mark.parametrize(("name", "train", "objective"), TRAINED)
    def test_a_model_without_names_counts_its_columns(self, tmp_path, name, train, objective):
        unnamed = NUMBERS.to_numpy()
        if train is samples.in_catboost:
            trained = train(pd.DataFrame(unnamed), ROWS["repaid"], objective)
        else:
            trained = train(unnamed, ROWS["repaid"], objective)
        model = samples.opened(tmp_path, saved(trained, tmp_path / name), positive=1)

        assert model.features is None
        assert model.predict(NUMBERS).scores.shape == (len(ROWS),)
        with pytest.raises(
            ModelError, match=r"was fitted on 3 columns without names; it would get 2"
        ):
            model.predict(NUMBERS[["debt", "kids"]])

    @pytest.mark.parametrize(("name", "train", "objective"), TRAINED)
    def test_missing_columns_are_named_and_those_that_are_there(
        self, tmp_path, name, train, objective
    ):
        saved(train(NUMBERS, ROWS["repaid"], objective), tmp_path / name)
        model = samples.opened(tmp_path, name, positive=1)
        with pytest.raises(ModelError) as caught:
            model.predict(NUMBERS[["in come"]].assign(wage=1, zzz=2))
        assert str(caught.value) == (
            f"model {name} needs columns the data lack: 'debt', 'kids'; the data have wage, zzz"
        )

    @pytest.mark.parametrize(("name", "train", "objective"), TRAINED)
    def test_text_where_a_number_belongs_is_refused(self, tmp_path, name, train, objective):
        saved(train(NUMBERS, ROWS["repaid"], objective), tmp_path / name)
        model = samples.opened(tmp_path, name, positive=1)
        with pytest.raises(ModelError, match=r"'debt'.* \(rows 1 to 240\)|of 0 columns"):
            model.predict(ROWS.assign(debt="much"))

    @pytest.mark.parametrize(("name", "train", "objective"), TRAINED)
    def test_numbers_come_in_every_type_that_data_have(self, tmp_path, name, train, objective):
        trained = train(NUMBERS, ROWS["repaid"], objective)
        model = samples.opened(tmp_path, saved(trained, tmp_path / name), positive=1)
        typed = ROWS.assign(
            kids=ROWS["kids"].astype("Int64"),
            debt=ROWS["debt"].astype(object).where(ROWS["debt"].notna(), None),
        )

        assert_allclose(model.predict(typed).scores, library_says(trained, NUMBERS), atol=1e-6)


def test_libraries_write_nothing_to_the_terminal_and_no_folders(tmp_path):
    names = []
    for name, train, objective in TRAINED:
        names.append(saved(train(NUMBERS, ROWS["repaid"], objective), tmp_path / name))
    ROWS.to_parquet(tmp_path / "rows.parquet")
    script = (
        "import sys, pandas as pd\n"
        "from pathlib import Path\n"
        "from pytest_aipm.sources.model import ModelSpec, open_model\n"
        "from pytest_aipm.sources.trust import Trust\n"
        "for name in sys.argv[1:]:\n"
        "    spec = ModelSpec(path=name)\n"
        "    model = open_model(spec, root=Path(), trusted=Trust(), positive=1)\n"
        "    model.predict(pd.read_parquet('rows.parquet'))\n"
    )
    before = sorted(tmp_path.iterdir())
    ran = subprocess.run(
        [sys.executable, "-c", script, *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert sorted(tmp_path.iterdir()) == before
