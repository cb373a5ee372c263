"""Point values equal fairlearn's wherever fairlearn defines them; undefined stays undefined."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import fairlearn.metrics as fl
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from measuring import from_counts, measure
from sklearn.metrics import (
    accuracy_score,
    median_absolute_error,
    precision_score,
    r2_score,
    roc_auc_score,
)

QUICK = settings(max_examples=12, deadline=None, derandomize=True)
CELL = st.integers(0, 9)
COUNTS = st.lists(
    st.tuples(CELL, CELL, CELL, CELL).filter(lambda cells: sum(cells) > 0),
    min_size=2,
    max_size=4,
).map(lambda groups: {f"g{i}": cells for i, cells in enumerate(groups)})

RATES: dict[str, tuple[str, Callable[..., float], tuple[int, ...]]] = {
    # our metric, fairlearn's function, which of (tp, fn, fp, tn) make the denominator
    "selection_rate": ("demographic_parity_difference", fl.selection_rate, (0, 1, 2, 3)),
    "true_positive_rate": ("equal_opportunity_difference", fl.true_positive_rate, (0, 1)),
    "false_negative_rate": ("false_negative_rate_difference", fl.false_negative_rate, (0, 1)),
    "false_positive_rate": ("false_positive_rate_difference", fl.false_positive_rate, (2, 3)),
    "precision": ("predictive_parity_difference", precision_score, (0, 2)),
    "accuracy": ("accuracy_difference", accuracy_score, (0, 1, 2, 3)),
}

DISPARITIES: dict[str, Callable[..., float]] = {
    "demographic_parity_difference": fl.demographic_parity_difference,
    "demographic_parity_ratio": fl.demographic_parity_ratio,
    "equal_opportunity_difference": fl.equal_opportunity_difference,
    "equal_opportunity_ratio": fl.equal_opportunity_ratio,
    "equalized_odds_difference": fl.equalized_odds_difference,
    "false_positive_rate_difference": fl.false_positive_rate_difference,
    "false_positive_rate_ratio": fl.false_positive_rate_ratio,
    "false_negative_rate_difference": fl.false_negative_rate_difference,
    "false_negative_rate_ratio": fl.false_negative_rate_ratio,
    "accuracy_difference": fl.accuracy_score_difference,
    "accuracy_ratio": fl.accuracy_score_ratio,
}


def both_classes(frame: pd.DataFrame) -> bool:
    """Whether rows have both labels, and the positive class is decided for: else all is refused."""
    return frame["y"].nunique() == 2 and bool(frame["pred"].any())


def theirs(function: Callable[..., float], frame: pd.DataFrame, **options: object) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fairlearn and scikit-learn warn where they say 0
        return float(function(frame["y"], frame["pred"], **options))


@pytest.mark.parametrize("rate", RATES)
@QUICK
@given(counts=COUNTS)
def test_each_groups_rate_is_fairlearns_or_undefined_where_fairlearn_says_0(rate, counts) -> None:
    frame = from_counts(counts)
    assume(both_classes(frame))
    check, function, denominator = RATES[rate]
    measured = measure(f"fairness.{check}", frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = fl.MetricFrame(
            metrics=function,
            y_true=frame["y"],
            y_pred=frame["pred"],
            sensitive_features=frame["sex"],
        ).by_group
    for group in measured.groups:
        name = group.group["sex"]
        rows = sum(counts[name][cell] for cell in denominator)
        assert group.denominator == rows
        if rows:
            assert group.value == pytest.approx(expected[name], abs=1e-12)
        else:
            assert group.value is None
            assert expected[name] == 0


@pytest.mark.parametrize("name", DISPARITIES)
@QUICK
@given(counts=COUNTS)
def test_a_disparity_is_fairlearns_where_every_group_has_the_rate(name, counts) -> None:
    assume(all(tp + fn and fp + tn for tp, fn, fp, tn in counts.values()))
    frame = from_counts(counts)
    assume(both_classes(frame))
    expected = theirs(DISPARITIES[name], frame, sensitive_features=frame["sex"])
    value = measure(f"fairness.{name}", frame).estimate.value
    if math.isnan(expected) or math.isnan(value):
        # 0 over 0: fairlearn says nan or 0, here it is undefined
        assert math.isnan(value)
        assert math.isnan(expected) or expected == 0
    else:
        assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@QUICK
@given(counts=COUNTS)
def test_predictive_parity_is_the_gap_of_scikit_learns_precision(kind, counts) -> None:
    assume(all(tp + fp for tp, _, fp, _ in counts.values()))
    frame = from_counts(counts)
    assume(both_classes(frame))
    frames = fl.MetricFrame(
        metrics=precision_score,
        y_true=frame["y"],
        y_pred=frame["pred"],
        sensitive_features=frame["sex"],
    )
    value = measure(f"fairness.predictive_parity_{kind}", frame).estimate.value
    expected = getattr(frames, kind)()
    assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


@QUICK
@given(counts=COUNTS)
def test_a_favorable_class_that_is_not_positive_is_fairlearns_with_both_flipped(counts) -> None:
    frame = from_counts(counts)
    assume(both_classes(frame))
    subject = {"positive": 1, "favorable": 0}
    flipped = frame.assign(pred=1 - frame["pred"])
    for name in ("demographic_parity_difference", "demographic_parity_ratio"):
        expected = theirs(DISPARITIES[name], flipped, sensitive_features=frame["sex"])
        value = measure(f"fairness.{name}", frame, subject=subject).estimate.value
        assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


@QUICK
@given(counts=COUNTS)
def test_error_rates_speak_of_the_positive_class_whatever_is_favorable(counts) -> None:
    frame = from_counts(counts)
    assume(both_classes(frame))
    for check in ("false_positive_rate_difference", "predictive_parity_ratio"):
        one = measure(f"fairness.{check}", frame)
        other = measure(f"fairness.{check}", frame, subject={"positive": 1, "favorable": 0})
        assert one.groups == other.groups
        assert one.estimate.value == pytest.approx(other.estimate.value, nan_ok=True)


@QUICK
@given(counts=COUNTS)
def test_everyone_as_comparator_is_fairlearns_to_overall(counts) -> None:
    frame = from_counts(counts)
    assume(both_classes(frame))
    expected = theirs(
        fl.demographic_parity_difference,
        frame,
        sensitive_features=frame["sex"],
        method="to_overall",
    )
    measured = measure("fairness.demographic_parity_difference", frame, reference="overall")
    assert measured.estimate.value == pytest.approx(expected, abs=1e-12)


@QUICK
@given(
    codes=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)),
        min_size=4,
        max_size=40,
    )
)
def test_intersections_are_fairlearns_by_two_sensitive_features(codes) -> None:
    frame = pd.DataFrame(codes, columns=["sex", "race", "y", "pred"]).astype({"sex": str})
    assume(frame["pred"].any())
    expected = fl.MetricFrame(
        metrics={"rate": fl.selection_rate, "n": fl.count},
        y_true=frame["y"],
        y_pred=frame["pred"],
        sensitive_features=frame[["sex", "race"]],
    ).by_group.dropna()
    measured = measure("fairness.demographic_parity_difference", frame, by=("sex", "race"))
    found = {
        (each.group["sex"], int(each.group["race"])): (each.value, each.n)
        for each in measured.groups
    }
    assert found == {
        key: (pytest.approx(row["rate"]), row["n"]) for key, row in expected.iterrows()
    }


@pytest.mark.parametrize("metric", ["r2", "median_absolute_error"])
@pytest.mark.parametrize("compare", ["difference", "ratio"])
def test_a_metric_of_rows_has_fairlearns_values_and_disparities(metric, compare) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m", "x"], 300), "y": rng.normal(10, 3, 300)})
    frame["pred"] = frame["y"] + rng.normal(0, 1 + (frame["sex"] == "f"), 300)
    function = {"r2": r2_score, "median_absolute_error": median_absolute_error}[metric]
    frames = fl.MetricFrame(
        metrics=function,
        y_true=frame["y"],
        y_pred=frame["pred"],
        sensitive_features=frame["sex"],
    )
    measured = measure(
        "fairness.group_metric",
        frame,
        subject={"task": "regression"},
        metric=metric,
        compare=compare,
    )
    shown = {each.group["sex"]: each.value for each in measured.groups}
    assert shown == pytest.approx(frames.by_group.to_dict())
    assert measured.estimate.value == pytest.approx(getattr(frames, compare)())


def test_the_area_under_the_curve_has_fairlearns_values_by_group() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], 400), "y": rng.integers(0, 2, 400)})
    frame["s"] = np.round(0.3 * frame["y"] + rng.uniform(0, 0.7, 400), 2)
    frames = fl.MetricFrame(
        metrics=roc_auc_score,
        y_true=frame["y"],
        y_pred=frame["s"],
        sensitive_features=frame["sex"],
    )
    measured = measure(
        "fairness.group_metric",
        frame,
        subject={"predictions": None, "scores": "s"},
        metric="roc_auc",
    )
    assert measured.estimate.value == pytest.approx(frames.difference())
