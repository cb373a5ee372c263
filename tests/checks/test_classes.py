"""Checks of a multiclass task, held against scikit-learn and fairlearn on the one-vs-rest rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fairlearn.metrics as fair
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as sk
from sklearn.linear_model import LogisticRegression

import pytest_aipm
from pytest_aipm.errors import PolicyError
from pytest_aipm.records import Finding, Record, Verdict
from pytest_aipm.verification.rejudged import rejudged

CLASSES = ("bronze", "gold", "silver")


def people(n: int = 900, seed: int = 0, classes: tuple[Any, ...] = CLASSES) -> pd.DataFrame:
    """Rows of two groups with a label, a prediction and a probability of each class."""
    rng = np.random.default_rng(seed)
    code = rng.choice(3, n, p=[0.5, 0.2, 0.3])
    scores = rng.gamma(2, 1, (n, 3))
    scores[np.arange(n), code] *= 3
    scores /= scores.sum(axis=1, keepdims=True)
    named = np.array(classes, dtype=object)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["f", "m", "x"], n, p=[0.5, 0.4, 0.1]),
            "y": pd.Series(named[code]).infer_objects(),
            "pred": pd.Series(named[scores.argmax(axis=1)]).infer_objects(),
        }
    )
    return frame.assign(**{f"p{i}": scores[:, i] for i in range(3)})


def audit(
    frame: pd.DataFrame, *checks: dict[str, Any], root: Path, model: Any = None, **subject: Any
) -> Record:
    whole = {"task": "multiclass", "label": "y", "protected": {"sex": "sex"}, **subject}
    if model is None and "scores" not in subject:
        whole = {"predictions": "pred", **whole}
    policy = {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "test", "owner": "tests@example.org"},
        "subject": {key: value for key, value in whole.items() if value is not None},
        "checks": [{"id": f"c{i}", "limit": {"max": 2}, **each} for i, each in enumerate(checks)],
    }
    objects = {"data": frame} if model is None else {"data": frame, "model": model}
    return pytest_aipm.audit(policy, root=root, **objects)


def only(frame: pd.DataFrame, check: dict[str, Any], root: Path, **more: Any) -> Finding:
    record = audit(frame, {"limit": {"max": 0.3}, **check}, root=root, **more)
    (finding,) = record.findings
    assert rejudged(finding, record.audits[0], record, None).faults == ()
    return finding


def metric(name: str, **more: Any) -> dict[str, Any]:
    return {"check": "performance.metric", "metric": name, "limit": {"min": 0.01}, **more}


SCORES = {"scores": {"bronze": "p0", "gold": "p1", "silver": "p2"}}
FRAME = people()
P = FRAME[["p0", "p1", "p2"]].to_numpy()
Y, HAT = FRAME["y"], FRAME["pred"]

OVERALL = [
    (metric("accuracy"), sk.accuracy_score(Y, HAT)),
    (metric("balanced_accuracy"), sk.balanced_accuracy_score(Y, HAT)),
    (metric("recall", average="macro"), sk.recall_score(Y, HAT, average="macro")),
    (metric("precision", average="macro"), sk.precision_score(Y, HAT, average="macro")),
    (metric("f1", average="macro"), sk.f1_score(Y, HAT, average="macro")),
    (metric("matthews_corrcoef"), sk.matthews_corrcoef(Y, HAT)),
    (metric("jaccard_macro"), sk.jaccard_score(Y, HAT, average="macro")),
    (metric("roc_auc", average="macro"), sk.roc_auc_score(Y, P, multi_class="ovr")),
    (metric("log_loss", limit={"max": 2}), sk.log_loss(Y, P)),
    (
        metric("brier", limit={"max": 1.5}),
        float((np.square(P - np.eye(3)[pd.factorize(Y, sort=True)[0]])).sum(axis=1).mean()),
    ),
    (metric("top_k_accuracy", k=2), sk.top_k_accuracy_score(Y, P, k=2)),
    *(
        case
        for name in CLASSES
        for case in (
            (metric("recall", **{"class": name}), sk.recall_score(name == Y, name == HAT)),
            (metric("precision", **{"class": name}), sk.precision_score(name == Y, name == HAT)),
            (metric("f1", **{"class": name}), sk.f1_score(name == Y, name == HAT)),
            (
                metric("roc_auc", **{"class": name}),
                sk.roc_auc_score(name == Y, P[:, CLASSES.index(name)]),
            ),
            (
                metric("average_precision", **{"class": name}),
                sk.average_precision_score(name == Y, P[:, CLASSES.index(name)]),
            ),
        )
    ),
]


@pytest.mark.parametrize(("check", "value"), OVERALL, ids=str)
def test_a_metric_of_classes_is_that_of_scikit_learn(
    check: dict[str, Any], value: float, tmp_path: Path
) -> None:
    finding = only(FRAME, check, tmp_path, predictions="pred", **SCORES)
    assert finding.verdict is Verdict.PASS, finding.reason
    assert finding.value == pytest.approx(value, abs=1e-12)
    lower, upper = finding.interval
    assert lower <= finding.value <= upper


@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "f1", "precision", "roc_auc", "log_loss", "brier"]
)
def test_groups_have_the_metric_of_their_own_rows(name: str, tmp_path: Path) -> None:
    average = {"average": "macro"} if name in ("f1", "precision", "roc_auc") else {}
    check = {"check": "fairness.group_metric", "metric": name, **average, "limit": {"max": 0.5}}
    finding = only(FRAME, check, tmp_path, predictions="pred", **SCORES)
    for group in finding.groups:
        own = FRAME[FRAME["sex"] == group.group["sex"]]
        again = only(
            own.reset_index(drop=True),
            metric(name, limit={"max": 1.5}, **average)
            if name in ("log_loss", "brier")
            else metric(name, **average),
            tmp_path,
            predictions="pred",
            **SCORES,
        )
        assert group.value == pytest.approx(again.value, abs=1e-12)
    values = [group.value for group in finding.groups]
    assert finding.value == pytest.approx(max(values) - min(values))


RATES = {
    "demographic_parity": fair.selection_rate,
    "equal_opportunity": fair.true_positive_rate,
    "false_positive_rate": fair.false_positive_rate,
    "false_negative_rate": fair.false_negative_rate,
    "predictive_parity": sk.precision_score,
}


def disparity(rate: Any, classes: tuple[str, ...], kind: str) -> float:
    frame = fair.MetricFrame(
        metrics=rate,
        y_true=Y.isin(classes),
        y_pred=HAT.isin(classes),
        sensitive_features=FRAME["sex"],
    )
    return float(frame.difference() if kind == "difference" else frame.ratio())


@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("name", RATES)
def test_a_rate_is_that_of_the_one_vs_rest_rows(name: str, kind: str, tmp_path: Path) -> None:
    check = f"fairness.{name}_{kind}"
    limit = {"limit": {"max": 0.5} if kind == "difference" else {"min": 0.1}}
    one = only(FRAME, {"check": check, "class": "gold", **limit}, tmp_path)
    assert one.value == pytest.approx(disparity(RATES[name], ("gold",), kind))
    pair = only(FRAME, {"check": check, "class": ["gold", "silver"], **limit}, tmp_path)
    assert pair.value == pytest.approx(disparity(RATES[name], ("gold", "silver"), kind))
    good = only(FRAME, {"check": check, **limit}, tmp_path, favorable=["gold", "silver"])
    assert good.value == pair.value
    assert good.interval == pair.interval
    worst = only(FRAME, {"check": check, **limit}, tmp_path)
    each = [disparity(RATES[name], (other,), kind) for other in CLASSES]
    assert worst.value == pytest.approx(max(each) if kind == "difference" else min(each))
    assert len(worst.groups) == 9


def test_equalized_odds_of_classes_is_the_worst_rate_of_any(tmp_path: Path) -> None:
    check = {"check": "fairness.equalized_odds_difference"}
    each = [
        disparity(RATES[rate], (name,), "difference")
        for name in CLASSES
        for rate in ("equal_opportunity", "false_positive_rate")
    ]
    assert only(FRAME, check, tmp_path).value == pytest.approx(max(each))


def test_the_worst_class_is_corrected_for_how_many_there_are(tmp_path: Path) -> None:
    one = only(
        FRAME, {"check": "fairness.demographic_parity_difference", "class": "gold"}, tmp_path
    )
    worst = only(FRAME, {"check": "fairness.demographic_parity_difference"}, tmp_path)
    if worst.groups[0].part == "selection rate of gold":
        assert worst.interval[0] <= one.interval[0]
    assert "the worst of 3 rates" in worst.method


@pytest.mark.parametrize("names", [(1, 2, 3), (1.0, 2.0, 3.5), (True, False, 7), ("a", "b b", "ü")])
def test_classes_are_of_any_kind(names: tuple[Any, ...], tmp_path: Path) -> None:
    frame = people(classes=names)
    finding = only(frame, metric("recall", **{"class": names[0]}), tmp_path)
    mask = np.array([value == names[0] for value in frame["y"]])
    hit = np.array([value == names[0] for value in frame["pred"]])
    assert finding.value == pytest.approx((mask & hit).sum() / mask.sum())


def test_a_model_says_in_which_order_its_classes_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"x": rng.normal(size=600), "z": rng.normal(size=600)})
    rows["y"] = np.select([rows.x > 0.5, rows.z > 0.3], ["z-last", "a-first"], "m")
    rows["sex"] = rng.choice(["f", "m"], 600)
    model = LogisticRegression().fit(rows[["x", "z"]], rows["y"])
    record = audit(
        rows,
        metric("roc_auc", average="macro"),
        metric("log_loss", limit={"max": 3}),
        metric("accuracy"),
        {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.5}},
        root=tmp_path,
        model=model,
        favorable="z-last",
    )
    proba = model.predict_proba(rows[["x", "z"]])
    area, loss, right, parity = record.findings
    assert area.value == pytest.approx(sk.roc_auc_score(rows["y"], proba, multi_class="ovr"))
    assert loss.value == pytest.approx(sk.log_loss(rows["y"], proba))
    assert right.value == pytest.approx(model.score(rows[["x", "z"]], rows["y"]))
    assert parity.formula.numerator == "rows decided z-last (favorable)"


def test_scores_alone_predict_the_highest_class(tmp_path: Path) -> None:
    alone = only(FRAME, metric("accuracy"), tmp_path, **SCORES)
    assert alone.value == pytest.approx(sk.accuracy_score(Y, HAT))


def test_weights_and_clusters_are_heeded_for_a_class(tmp_path: Path) -> None:
    frame = FRAME.assign(w=np.random.default_rng(2).uniform(0.5, 2, len(FRAME)))
    finding = only(frame, metric("recall", **{"class": "gold"}), tmp_path, weights="w")
    value = sk.recall_score(Y == "gold", HAT == "gold", sample_weight=frame["w"])
    assert finding.value == pytest.approx(value)
    right = only(frame, metric("accuracy"), tmp_path, weights="w")
    assert right.value == pytest.approx(sk.accuracy_score(Y, HAT, sample_weight=frame["w"]))
    loss = only(frame, metric("log_loss", limit={"max": 3}), tmp_path, weights="w", **SCORES)
    assert loss.value == pytest.approx(sk.log_loss(Y, P, sample_weight=frame["w"]))
    (each,) = audit(
        frame,
        {"check": "fairness.demographic_parity_difference"} | {"limit": {"max": 0.3}},
        root=tmp_path,
        weights="w",
    ).findings
    assert each.verdict is Verdict.ERROR
    assert "name one class as `class`" in each.reason


def test_a_champion_is_compared_by_its_classes(tmp_path: Path) -> None:
    frame = FRAME.assign(old=Y)
    finding = only(
        frame,
        {**metric("accuracy"), "regression": {"max_change": 0.02}},
        tmp_path,
        champion={"predictions": "old"},
    )
    assert finding.verdict is Verdict.FAIL
    assert finding.baseline.value == 1.0
    assert finding.baseline.paired


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"favorable": ["gold", "platinum"]}, ""),
        ({"favorable": ["glod"]}, 'favorable class "glod" never occurs in the data'),
        ({"favorable": ["Gold", "silver"]}, 'did you mean "gold"?'),
        ({"favorable": ["gold", "silver", "bronze"]}, "is favorable, so nothing is decided"),
    ],
)
def test_favorable_classes_that_do_not_fit(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    check = {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.5}}
    record = audit(FRAME, check, metric("accuracy"), root=tmp_path, **change)
    if said:
        assert said in record.findings[0].reason
        assert record.findings[0].verdict is Verdict.ERROR
    else:
        never = 'favorable class "platinum" never occurs in these rows'
        assert never in record.audits[0].warnings
        assert record.findings[0].verdict is Verdict.PASS


def test_one_class_in_two_spellings_is_refused(tmp_path: Path) -> None:
    frame = people(classes=(1, 2, 3))
    frame["pred"] = frame["pred"].astype(str)
    (finding,) = audit(frame, metric("accuracy"), root=tmp_path).findings
    assert finding.verdict is Verdict.ERROR
    assert "class 1 is written in two ways" in finding.reason
    frame["pred"] = people(classes=(1.0, 2.0, 3.0))["pred"]
    (finding,) = audit(frame, metric("accuracy"), root=tmp_path).findings
    assert finding.verdict is Verdict.PASS


def test_missing_labels_are_counted(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[[3, 8], "y"] = None
    (finding,) = audit(frame, metric("accuracy"), root=tmp_path).findings
    assert "label column 'y' has 2 missing value(s), the first in data row 4" in finding.reason


def test_a_class_that_is_never_predicted_or_never_labelled(tmp_path: Path) -> None:
    frame = FRAME.copy()
    frame.loc[frame["pred"] == "gold", "pred"] = "tin"
    found = audit(
        frame,
        metric("accuracy"),
        metric("precision", average="macro"),
        metric("f1", average="macro"),
        metric("recall", average="macro"),
        metric("recall", **{"class": "tin"}),
        root=tmp_path,
    )
    right, precision, f1, recall, tin = found.findings
    assert set(found.audits[0].warnings) >= {
        'predicted class "tin" never occurs as a label',
        'label "gold" is never predicted',
    }
    assert right.value == pytest.approx((frame["y"] == frame["pred"]).mean())
    assert "is never predicted, so its precision is undefined" in precision.reason
    assert f1.value == pytest.approx(sk.f1_score(frame["y"], frame["pred"], average="macro"))
    each = [(frame["pred"][name == Y] == name).mean() for name in CLASSES]
    assert recall.value == pytest.approx(np.mean(each))
    assert "no row is labelled tin" in tin.reason


def test_a_class_of_three_rows_blocks_proof_and_breaks_nothing(tmp_path: Path) -> None:
    frame = pd.concat([FRAME, FRAME.head(3).assign(y="rare", pred="rare", sex="f")])
    frame = frame.reset_index(drop=True)
    check = {"check": "fairness.equal_opportunity_difference", "limit": {"max": 0.5}}
    (finding,) = audit(frame, check, root=tmp_path).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.interval[1] == 1.0
    assert any("defined rate of rare: so compliance is not proven" in n for n in finding.notes)
    (finding,) = audit(frame, {**check, "min_group_size": 10}, root=tmp_path).findings
    assert finding.verdict is Verdict.PASS
    assert any("defined rate of rare: left out" in note for note in finding.notes)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (
            metric("recall"),
            "'recall' speaks of one class, and there are several; add `class: NAME`",
        ),
        (metric("ece"), "metric 'ece' speaks of one class"),
        (metric("average_precision"), "takes one score a row, and there are several classes"),
        (metric("jaccard"), "write jaccard_macro, or add `class: NAME`"),
        (metric("mae"), "metric 'mae' is for numbers, not for classes"),
        (metric("ndcg"), "judges a ranking, but the task is multiclass"),
        (metric("top_k_accuracy"), "needs `k`"),
        (metric("accuracy", average="macro"), "'accuracy' has no macro mean"),
        (metric("recall", average="macro", **{"class": "gold"}), "exclude each other"),
        ({"check": "fairness.calibration_gap"}, "add `class: NAME`"),
        ({"check": "fairness.exposure_ratio"}, "is for ranking, but the task is multiclass"),
        (
            {"check": "fairness.demographic_parity_ratio", "at_least": 0.02, "limit": {"min": 0.8}},
            "'at_least' speaks of one selection rate",
        ),
    ],
)
def test_what_several_classes_cannot_answer_is_refused_at_its_line(
    check: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        audit(FRAME, {"limit": {"max": 0.3}, **check}, root=tmp_path, predictions="pred", **SCORES)
    assert said in str(caught.value)


def test_a_class_belongs_to_several_classes(tmp_path: Path) -> None:
    frame = FRAME.assign(y=(Y == "gold").astype(int), pred=(HAT == "gold").astype(int))
    check = {"check": "fairness.demographic_parity_difference", "class": 1, "limit": {"max": 0.3}}
    with pytest.raises(PolicyError, match="'class' chooses among several classes"):
        audit(frame, check, root=tmp_path, task="binary", positive=1)


def test_many_labels_are_numbers(tmp_path: Path) -> None:
    n = 3000
    frame = pd.DataFrame({"sex": ["f", "m"] * (n // 2), "y": np.arange(n), "pred": np.arange(n)})
    (finding,) = audit(frame, metric("accuracy"), root=tmp_path).findings
    assert "more than 1,000 values; those are no classes" in finding.reason


class TwoOutputs:
    """A model of two outputs at once."""

    classes_ = (np.array(["a", "b"]), np.array(["c", "d"]))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return np.full((len(frame), 2), "a", dtype=object)


def test_several_outputs_are_refused_in_one_sentence(tmp_path: Path) -> None:
    (finding,) = audit(FRAME, metric("accuracy"), root=tmp_path, model=TwoOutputs()).findings
    assert finding.verdict is Verdict.ERROR
    assert "returned 2 values for each row, but one output is audited at a time" in finding.reason
    lists = FRAME.assign(y=[["a", "b"]] * len(FRAME))
    (finding,) = audit(lists, metric("accuracy"), root=tmp_path).findings
    assert "column 'y' holds lists or mappings; one output is audited at a time" in finding.reason
    with pytest.raises(PolicyError, match="'label' lists 2 columns, but one output is audited"):
        audit(FRAME, metric("accuracy"), root=tmp_path, label=["y", "pred"])
