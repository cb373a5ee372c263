"""Every metric by name has scikit-learn's value; what it cannot define is undefined, not 0."""

from __future__ import annotations

import math
import random

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from measuring import from_counts, measure

from pytest_aipm.checks.metric_names import ALIASES, BUILT_IN, MetricParams, needs_of_metric
from pytest_aipm.errors import CheckError, DataError
from pytest_aipm.evidence import callables

N = 400
SCORED = {"predictions": None, "scores": "s"}
BOTH = {"scores": "s"}
NUMBERS = {"task": "regression"}
OWN = "own_metrics:share_found"


@pytest.fixture(autouse=True)
def few_draws(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values do not depend on how often rows are resampled; only the intervals do."""
    if request.cls is not TestTheBootstrapOfRows:
        monkeypatch.setattr(callables, "DRAWS", (20, 20))


def classified() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], N), "y": rng.integers(0, 2, N)})
    # two digits, so that scores tie
    frame["s"] = np.round(np.clip(0.3 * frame["y"] + rng.normal(0.35, 0.2, N), 0, 1), 2)
    return frame.assign(pred=(frame["s"] >= 0.5).astype(int))


def predicted() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], N), "y": rng.gamma(3, 2, N) + 0.1})
    return frame.assign(pred=np.abs(frame["y"] + rng.normal(0, 1, N)) + 0.1)


class Said:
    """A fitted model that says what stands in the columns."""

    classes_ = np.array([0, 1])
    _estimator_type = "classifier"

    def __init__(self, frame: pd.DataFrame, kind: str) -> None:
        self.frame, self._estimator_type = frame, kind

    def __sklearn_tags__(self):
        tags = sk_tags()
        tags.estimator_type = self._estimator_type
        return tags

    def fit(self, *_: object) -> Said:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, _: pd.DataFrame) -> np.ndarray:
        return self.frame["pred"].to_numpy()

    def predict_proba(self, _: pd.DataFrame) -> np.ndarray:
        return np.column_stack([1 - self.frame["s"], self.frame["s"]])


class SaidNumbers(Said):
    predict_proba = None


def sk_tags():
    from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

    return Tags(
        estimator_type=None,
        target_tags=TargetTags(required=True),
        classifier_tags=ClassifierTags(),
        regressor_tags=RegressorTags(),
    )


def value(metric: str, frame: pd.DataFrame, subject: dict | None = None) -> float:
    measured = measure("performance.metric", frame, by=(), metric=metric, subject=subject)
    return measured.estimate.value


CLASSES = {
    "accuracy": (sk.accuracy_score, "pred"),
    "balanced_accuracy": (sk.balanced_accuracy_score, "pred"),
    "precision": (sk.precision_score, "pred"),
    "recall": (sk.recall_score, "pred"),
    "sensitivity": (sk.recall_score, "pred"),
    "specificity": (lambda y, p: sk.recall_score(y, p, pos_label=0), "pred"),
    "f1": (sk.f1_score, "pred"),
    "matthews_corrcoef": (sk.matthews_corrcoef, "pred"),
    "jaccard": (sk.jaccard_score, "pred"),
    "f1_macro": (lambda y, p: sk.f1_score(y, p, average="macro"), "pred"),
    "precision_weighted": (lambda y, p: sk.precision_score(y, p, average="weighted"), "pred"),
    "zero_one_loss": (sk.zero_one_loss, "pred"),
    "roc_auc": (sk.roc_auc_score, "s"),
    "average_precision": (sk.average_precision_score, "s"),
    "log_loss": (sk.log_loss, "s"),
    "neg_log_loss": (lambda y, s: -sk.log_loss(y, s), "s"),
    "brier": (sk.brier_score_loss, "s"),
    "neg_brier_score": (lambda y, s: -sk.brier_score_loss(y, s), "s"),
    "d2_log_loss_score": (sk.d2_log_loss_score, "s"),
}


@pytest.mark.parametrize("metric", CLASSES)
def test_a_metric_of_classes_is_scikit_learns(metric: str) -> None:
    frame = classified()
    function, column = CLASSES[metric]
    expected = function(frame["y"], frame[column])
    subject = SCORED if column == "s" else None
    assert value(metric, frame, subject) == pytest.approx(expected, abs=1e-12)


NUMERIC = {
    "mae": sk.mean_absolute_error,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "max_error": sk.max_error,
    "median_absolute_error": sk.median_absolute_error,
    "mean_poisson_deviance": sk.mean_poisson_deviance,
    "neg_mean_absolute_error": lambda y, p: -sk.mean_absolute_error(y, p),
    "neg_root_mean_squared_error": lambda y, p: -sk.root_mean_squared_error(y, p),
}


@pytest.mark.parametrize("metric", NUMERIC)
def test_a_metric_of_numbers_is_scikit_learns(metric: str) -> None:
    frame = predicted()
    expected = NUMERIC[metric](frame["y"], frame["pred"])
    assert value(metric, frame, NUMBERS) == pytest.approx(expected, rel=1e-12)


def test_a_true_value_of_zero_is_guarded_in_mape_as_in_scikit_learn() -> None:
    frame = pd.DataFrame({"sex": "f", "y": [0.0, 2.0], "pred": [1.0, 1.0]})
    expected = sk.mean_absolute_percentage_error(frame["y"], frame["pred"])
    assert value("mape", frame, NUMBERS) == pytest.approx(expected)


def test_certainty_that_is_wrong_has_scikit_learns_finite_log_loss() -> None:
    frame = pd.DataFrame({"sex": "f", "y": [0, 1, 1], "s": [1.0, 0.0, 0.9]})
    expected = sk.log_loss(frame["y"], frame["s"])
    assert value("log_loss", frame, SCORED) == pytest.approx(expected, rel=1e-9)


NOT_OURS = ("adjusted", "completeness", "fowlkes", "homogeneity", "mutual", "rand", "v_measure")
"""Scorers of clusterings."""
NOT_BINARY = ("_samples", "_ovr", "_ovo", "top_k", "likelihood")
"""Scorers of several classes, and of two numbers at once."""
SIGNED = {"max_error"}
"""A scorer of scikit-learn before 1.6 whose sign its name does not tell."""


def scorers() -> list[str]:
    names = sk.get_scorer_names()
    left_out = (*NOT_OURS, *NOT_BINARY)
    return [n for n in names if n not in SIGNED and not any(word in n for word in left_out)]


@pytest.mark.parametrize("name", scorers())
def test_every_scorer_of_scikit_learn_by_name_gives_the_scorers_value(name: str) -> None:
    if any(word in name for word in ("error", "r2", "explained", "deviance", "d2_absolute")):
        frame, subject, kind = predicted(), NUMBERS, "regressor"
    else:
        frame, subject, kind = classified(), BOTH, "classifier"
    model = (SaidNumbers if kind == "regressor" else Said)(frame, kind)
    expected = sk.get_scorer(name)(model, frame, frame["y"])
    assert value(name, frame, subject) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "name", ["f1_samples", "rand_score", "confusion", "roc_auc_ovr", "acuracy"]
)
def test_a_name_that_is_no_metric_is_refused_when_the_policy_is_read(name: str) -> None:
    with pytest.raises(ValueError, match=f"unknown metric '{name}'"):
        MetricParams(metric=name)


@pytest.mark.parametrize("metric", sorted(ALIASES))
def test_scikit_learns_function_names_are_measured_like_the_short_ones(metric: str) -> None:
    assert ALIASES[metric] in BUILT_IN
    assert callable(getattr(sk, metric))
    assert needs_of_metric(metric) == needs_of_metric(ALIASES[metric])


class TestUndefinedIsNotZero:
    """Where scikit-learn returns 0 with a warning, here is no value."""

    @pytest.mark.parametrize("metric", ["precision", "f1", "matthews_corrcoef", "jaccard"])
    def test_a_model_that_never_says_yes_to_rows_without_a_yes(self, metric: str) -> None:
        frame = from_counts({"f": (0, 0, 0, 50), "m": (10, 10, 10, 10)})
        measured = measure("performance.metric", frame, metric=metric)
        value_of = {each.group["sex"]: each.value for each in measured.groups}
        assert value_of["f"] is None
        assert value_of["m"] is not None

    @pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
    def test_a_ranking_without_positives(self, metric: str) -> None:
        frame = pd.DataFrame(
            {"sex": ["f"] * 10 + ["m"] * 10, "y": [0] * 10 + [0, 1] * 5, "s": np.linspace(0, 1, 20)}
        )
        measured = measure("performance.metric", frame, metric=metric, subject=SCORED)
        assert [each.value is None for each in measured.groups] == [True, False]

    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(st.tuples(*[st.integers(0, 6)] * 4))
    def test_functions_of_counts_are_scikit_learns_or_undefined(self, counts) -> None:
        tp, fn, fp, tn = counts
        assume(tp + fn and fp + tn)
        frame = from_counts({"f": counts})
        y, pred = frame["y"], frame["pred"]
        assert value("balanced_accuracy", frame) == pytest.approx(
            sk.balanced_accuracy_score(y, pred)
        )
        assert value("f1", frame) == pytest.approx(sk.f1_score(y, pred))
        matthews = value("matthews_corrcoef", frame)
        if tp + fp and tn + fn:
            assert matthews == pytest.approx(sk.matthews_corrcoef(y, pred))
        else:
            assert math.isnan(matthews)


class TestAMetricOfTheProjectsOwn:
    def test_it_is_found_from_the_root_folder_and_gets_labels_and_predictions(self) -> None:
        frame = classified()
        expected = sk.recall_score(frame["y"], frame["pred"])
        assert value("own_metrics:share_found", frame) == pytest.approx(expected)

    def test_it_gets_scores_when_its_second_parameter_is_called_so(self) -> None:
        frame = classified()
        expected = frame.loc[frame["y"] == 1, "s"].mean()
        assert value("own_metrics:mean_of_positives", frame, SCORED) == pytest.approx(expected)

    def test_it_is_not_imported_to_plan_the_run(self) -> None:
        needs = needs_of_metric("nowhere.at_all:metric")
        assert needs.rows
        assert needs.label
        assert not needs.scores

    def test_labels_are_1_for_the_positive_class_whatever_the_data_call_it(self) -> None:
        frame = classified()
        named = frame.assign(
            y=frame["y"].map({0: "no", 1: "yes"}), pred=frame["pred"].map({0: "no", 1: "yes"})
        )
        subject = {"positive": "yes", "favorable": "no"}
        assert value("own_metrics:share_found", named, subject) == value(
            "own_metrics:share_found", frame
        )

    @pytest.mark.parametrize(
        ("metric", "said"),
        [
            ("own_metrics:broken", "cannot be computed (KeyError: '400 rows are"),
            ("own_metrics:a_pair", "cannot be computed (TypeError"),
            ("own_metrics:leaves", "cannot be computed (SystemExit: 800)"),
            ("own_metrics:skips", "cannot be computed (Skipped: 400 and 400 rows)"),
            ("own_metrics:NUMBER", "is not callable"),
            ("own_metrics:absent", "cannot be imported (AttributeError"),
            ("no_such_module:metric", "cannot be imported (ModuleNotFoundError"),
        ],
    )
    def test_what_is_wrong_with_it_is_one_line(self, metric: str, said: str) -> None:
        with pytest.raises(CheckError) as caught:
            value(metric, classified())
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_without_what_it_asks_for_the_missing_thing_is_named(self) -> None:
        with pytest.raises(CheckError, match="needs labels and scores"):
            value("own_metrics:mean_of_positives", classified())
        with pytest.raises(CheckError, match="needs labels and predictions"):
            value("own_metrics:share_found", classified(), SCORED)

    def test_a_group_of_one_class_may_be_beyond_it(self) -> None:
        frame = from_counts({"f": (5, 5, 0, 0), "m": (10, 5, 5, 10)})
        measured = measure("performance.metric", frame, metric="own_metrics:one_class_only")
        assert [each.value is None for each in measured.groups] == [True, False]

    def test_for_a_regression_it_gets_the_predicted_numbers_also_under_a_decision(self) -> None:
        from pytest_aipm.evidence.subject import Decision

        frame = predicted()
        decided = {**NUMBERS, "decision": Decision(threshold=5.0, favorable_when="above")}
        assert value("r2", frame, decided) == pytest.approx(sk.r2_score(frame["y"], frame["pred"]))


class TestTheBootstrapOfRows:
    def test_its_spread_is_that_of_the_mean_where_theory_knows_it(self) -> None:
        frame = classified()
        found = frame.loc[frame["y"] == 1, "pred"]
        measured = measure("performance.metric", frame, by=(), metric="own_metrics:share_found")
        rate, half = found.mean(), 1.645 * found.std(ddof=0) / math.sqrt(len(found))
        assert measured.estimate.lower == pytest.approx(rate - half, abs=0.25 * half)
        assert measured.estimate.upper == pytest.approx(rate + half, abs=0.25 * half)

    def test_it_depends_on_the_rows_not_on_their_order_or_on_other_groups(self) -> None:
        frame = classified()
        shuffled = frame.sample(frac=1, random_state=3)
        alone = frame[frame["sex"] == "f"]
        ends = [
            measure("performance.metric", each, metric=OWN).groups[0].interval
            for each in (frame, shuffled, alone)
        ]
        assert ends[0] == ends[1] == ends[2]

    def test_another_seed_draws_other_rows(self) -> None:
        frame = classified()
        one, two = (
            measure("performance.metric", frame, by=(), metric=OWN, seed=seed).estimate.lower
            for seed in (0, 1)
        )
        assert one != two

    def test_many_rows_are_resampled_in_part_with_the_spread_of_the_whole(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frame = classified()
        whole = measure("performance.metric", frame, by=(), metric=OWN).estimate
        monkeypatch.setattr(callables, "RESAMPLED", 100)
        part = measure("performance.metric", frame, by=(), metric=OWN).estimate
        assert part.value == whole.value
        assert part.upper - part.lower == pytest.approx(whole.upper - whole.lower, rel=0.2)

    def test_the_global_random_states_are_left_alone(self) -> None:
        np.random.seed(4)  # noqa: NPY002 - the global state is what this is about
        random.seed(4)
        before = (np.random.get_state()[1].tolist(), random.getstate())  # noqa: NPY002
        value(OWN, classified())
        value("f1", classified())
        assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002


def test_scores_are_asked_for_by_name_when_there_are_only_classes() -> None:
    with pytest.raises(DataError, match="there are no scores, only predicted classes"):
        value("roc_auc", classified())
