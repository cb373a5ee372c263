"""Framing checks in detail: numbers by hand, other libraries and brute force; words and places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from measuring import measure
from scipy import stats
from sklearn import metrics

import pytest_aipm
from pytest_aipm.checks.framing._metrics import METRICS, value_of
from pytest_aipm.checks.framing._thresholds import swept
from pytest_aipm.commands.validate import validate
from pytest_aipm.errors import PolicyError
from pytest_aipm.evidence.baselines import Said
from pytest_aipm.evidence.subject import Decision

VALUES = {"true_positive": 3, "false_positive": -8, "false_negative": -20, "true_negative": 6}
HIDDEN = "<script>alert('x')</script>\u202e"


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    s = rng.beta(2, 3, n)
    return pd.DataFrame(
        {
            "sex": rng.choice(["f", "m"], n),
            "s": s,
            "pred": (s > 0.5).astype(int),
            "y": (rng.random(n) < s).astype(int),
            "amount": rng.lognormal(4, 1, n),
            "w": rng.uniform(0.5, 2, n),
        }
    )


SKLEARN = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "f1": metrics.f1_score,
    "matthews_corrcoef": metrics.matthews_corrcoef,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "specificity": lambda y, p: metrics.recall_score(y, p, pos_label=0),
    "brier": metrics.brier_score_loss,
    "log_loss": metrics.log_loss,
    "roc_auc": metrics.roc_auc_score,
    "mae": metrics.mean_absolute_error,
    "mse": metrics.mean_squared_error,
    "rmse": lambda y, p: metrics.mean_squared_error(y, p) ** 0.5,
    "r2": metrics.r2_score,
}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_scikit_learns(name: Any) -> None:
    frame = people()
    y, said = frame["y"].to_numpy(), Said("", frame["pred"].to_numpy() > 0, frame["s"].to_numpy())
    told = said.positive if METRICS[name].asks == "decisions" else said.score
    assert value_of(name, y.astype(float), said) == pytest.approx(SKLEARN[name](y, told), abs=1e-12)


def worth_of(frame: pd.DataFrame, values: dict[str, float] | None = None) -> np.ndarray:
    told = values or VALUES
    names = {(1, 1): "true_positive", (0, 1): "false_positive"}
    names |= {(1, 0): "false_negative", (0, 0): "true_negative"}
    return np.array([told[names[each]] for each in zip(frame["y"], frame["pred"], strict=True)])


def test_the_value_is_the_mean_by_hand_and_its_interval_nearly_scipys() -> None:
    frame = people(4000)
    found = measure("framing.business_value", frame, by=(), values=VALUES)
    own = 1000 * worth_of(frame)
    assert found.estimate.value == pytest.approx(own.mean(), rel=1e-12)
    theirs = stats.ttest_1samp(own, 0).confidence_interval(0.90)
    width = theirs.high - theirs.low
    # Hall's transformation moves Student's ends by what the skewness says: little at 4,000 rows
    ends = (found.estimate.lower, found.estimate.upper)
    assert ends == pytest.approx((theirs.low, theirs.high), abs=0.02 * width)


def test_steps_add_up_to_the_whole() -> None:
    frame = people()
    (steps,) = measure("framing.business_value", frame, by=(), values=VALUES).series
    assert steps.x[0] == "true positive"
    assert steps.y[0] == pytest.approx(3000 * np.mean((frame["y"] == 1) & (frame["pred"] == 1)))
    assert sum(steps.y[:-1]) == pytest.approx(steps.y[-1])
    assert sum(steps.counts[:-1]) == steps.counts[-1] == 400


def test_amounts_and_groups_are_those_of_the_rows() -> None:
    frame = people()
    values = {**VALUES, "true_positive": 0, "false_negative": "-amount / 10"}
    found = measure("framing.business_value", frame, values=values)
    own = worth_of(frame, {**VALUES, "true_positive": 0})
    lost = (frame["y"] == 1) & (frame["pred"] == 0)
    own = np.where(lost, -frame["amount"] / 10, own)
    means = pd.Series(1000 * own).groupby(frame["sex"]).mean()
    assert {g.group["sex"]: g.value for g in found.groups} == pytest.approx(means.to_dict())
    assert found.estimate.value == pytest.approx(means.min())
    worst = means.idxmin()
    assert f"worth least for {worst}" in found.summary


def test_weights_count_people() -> None:
    frame = people()
    found = measure("framing.business_value", frame, by=(), subject={"weights": "w"}, values=VALUES)
    expected = 1000 * np.average(worth_of(frame), weights=frame["w"])
    assert found.estimate.value == pytest.approx(expected)
    assert "weighted by w" in found.notes[0]


@pytest.mark.parametrize("high", [True, False])
def test_the_value_at_a_threshold_is_what_deciding_there_brings(high: bool) -> None:
    frame = people()
    frame["s"] = frame["s"].round(2)
    s, y = frame["s"].to_numpy(), frame["y"].to_numpy() > 0
    yes, no = np.where(y, 3.0, -8.0), np.where(y, -20.0, 6.0)
    group = (frame["sex"] == "m").to_numpy().astype(int)
    w = frame["w"].to_numpy()
    found = swept(
        s, (yes, no), group, groups=2, weight=w, person=None, high_is_positive=high,
        chosen=0.5, seed=0,
    )  # fmt: skip
    assert 0.5 in found.thresholds
    for g in (0, 1):
        mine = group == g
        for t, value in zip(found.thresholds, found.values[g], strict=True):
            positive = (s >= t) == high
            expected = np.average(np.where(positive, yes, no)[mine], weights=w[mine])
            assert value == pytest.approx(expected)
        counts = np.histogram(s[mine], bins=[-np.inf, *found.thresholds])[0]
        counts[-1] -= int(np.sum(s[mine] == found.thresholds[-1]))
        assert found.counts[g].tolist() == counts.tolist()
    whole = [np.average(np.where((s >= t) == high, yes, no), weights=w) for t in found.thresholds]
    assert found.best.value == pytest.approx(max(whole))
    assert found.best.threshold == found.thresholds[int(np.argmax(whole))]
    # chosen on half of the rows and tried on the other, it can only look worse on average
    assert found.best.honest < found.best.value


def test_the_curve_marks_the_threshold_and_says_where_it_would_be_worth_most() -> None:
    subject = {"predictions": None, "scores": "s", "decision": Decision(0.5, "above")}
    found = measure("framing.business_value", people(), subject=subject, values=VALUES)
    assert [(each.kind, each.name, each.mark) for each in found.series] == [
        ("curve", "f", 0.5),
        ("curve", "m", 0.5),
    ]
    assert any("would be worth most on these rows" in note for note in found.notes)
    assert any("deciding favorably for everybody" in note for note in found.notes)


def test_amounts_known_only_where_they_count_draw_no_curve() -> None:
    frame = people()
    frame["amount"] = frame["amount"].where((frame["y"] == 1) & (frame["pred"] == 0))
    subject = {"predictions": None, "scores": "s", "decision": Decision(0.5, "above")}
    values = {**VALUES, "false_negative": "-amount"}
    found = measure("framing.business_value", frame, by=(), subject=subject, values=values)
    assert [each.kind for each in found.series] == ["waterfall"]
    assert not found.notes


POLICY = """\
aipm: 1
name: small
context: {{purpose: Choose, owner: team@example.org}}
subject: {{task: {task}, data: rows.csv, label: y, {more}}}
checks:
  - {check}
"""
BINARY = "predictions: pred, positive: 1, features: [amount]"


def valued(one: object, rest: object) -> str:
    cells = f"true_positive: {one}, false_positive: {rest}, false_negative: {rest}"
    return f"{{check: framing.business_value, values: {{{cells}, true_negative: {rest}}}}}"


def written(tmp_path: Path, check: str, task: str = "binary", more: str = BINARY) -> Path:
    people().to_csv(tmp_path / "rows.csv", index=False)
    path = tmp_path / "p.aipm.yaml"
    path.write_text(POLICY.format(task=task, more=more, check=check))
    return path


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("{check: framing.beats_baseline, rule: 'amount >'}", "'rule', column 9 of \"amount >\""),
        ("{check: framing.beats_baseline, rule: amount + 1}", "gives a number, not true or false"),
        ("{check: framing.beats_baseline, against: rule}", "add `rule: EXPRESSION`"),
        ("{check: framing.beats_baseline, against: line}", "did you mean 'linear'?"),
        ("{check: framing.beats_baseline, against: linear}", "needs training rows"),
        (
            "{check: framing.beats_baseline, against: [majority, majority]}",
            "names a baseline twice",
        ),
        (
            "{check: framing.beats_baseline, against: majority, rule: amount > 3}",
            "add rule to `against`",
        ),
        ("{check: framing.beats_baseline, metric: mae}", "does not fit the task binary"),
        ("{check: framing.beats_baseline, metric: roc_auc}", "needs scores"),
        (
            "{check: framing.beats_baseline, rule: amount > 3, metric: log_loss}",
            "log loss is infinite",
        ),
        ("{check: framing.business_value}", "'values' is missing"),
        ("{check: framing.business_value, values: {true_positive: 1}}", "'false_negative' is mis"),
        (valued(".inf", 0), "inf is not a finite number"),
        (valued("a > 3", 0), "'true_positive' gives true or false"),
        (valued("-amount +", 0), "'true_positive' column 10"),
        (valued(1, 1), "no decision matters"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_line(tmp_path: Path, check: str, said: str) -> None:
    path = written(tmp_path, check)
    with pytest.raises(PolicyError) as caught:
        pytest_aipm.audit(path, root=tmp_path)
    assert said in str(caught.value)
    assert "p.aipm.yaml:6:" in str(caught.value)


def test_a_rule_of_a_regression_is_arithmetic(tmp_path: Path) -> None:
    check = "{check: framing.beats_baseline, rule: amount > 3}"
    path = written(tmp_path, check, task="regression", more="predictions: s")
    with pytest.raises(PolicyError, match="must give the predicted number"):
        pytest_aipm.audit(path, root=tmp_path)


def test_validate_finds_unknown_columns_of_expressions(tmp_path: Path, capsys) -> None:
    path = written(tmp_path, "{check: framing.beats_baseline, rule: s < amoun and zzz > 1}")
    assert validate([str(path)], root=str(tmp_path)) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == (
        "p.aipm.yaml:6: 'rule', column 5 of \"s < amoun and zzz > 1\": there is no column "
        "'amoun'; did you mean 'amount'?"
    )
    assert "column 15" in said[1]
    path = written(tmp_path, valued("-amout", 0))
    assert validate([str(path)], root=str(tmp_path)) == 1
    assert "'values.true_positive', column 2" in capsys.readouterr().err


def test_one_policy_asks_both_and_its_report_escapes_what_the_rule_holds(tmp_path: Path) -> None:
    people().assign(region="a").to_csv(tmp_path / "rows.csv", index=False)
    policy = {
        "aipm": 1,
        "name": "hostile",
        "context": {"purpose": "Choose", "owner": "team@example.org"},
        "subject": {
            "task": "binary",
            "data": "rows.csv",
            "label": "y",
            "scores": "s",
            "positive": 1,
            "decision": {"threshold": 0.5},
        },
        "checks": [
            {"check": "framing.beats_baseline", "rule": f"amount > 50 or region == {HIDDEN!r}"},
            {"check": "framing.business_value", "values": VALUES, "currency": "<b>EUR</b>"},
        ],
    }
    # a doubled quote stands for one
    policy["checks"][0]["rule"] = f'amount > 50 or region == "{HIDDEN}"'
    record = pytest_aipm.audit(policy, root=tmp_path)
    record.write(tmp_path / "out")
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert('x')" not in html
    assert "<b>EUR</b>" not in html
    assert "\u202e" not in html
    assert "the rule" in html


@pytest.mark.parametrize(
    ("check", "keys"),
    [
        ("framing.beats_baseline", {"rule": "amount > 60", "metric": "f1"}),
        ("framing.business_value", {"values": VALUES}),
    ],
)
def test_the_same_rows_give_the_same_finding(check: str, keys: dict[str, Any]) -> None:
    subject = {"predictions": None, "scores": "s", "decision": Decision(0.5, "above")}
    first, again = (measure(check, people(), by=(), subject=subject, **keys) for _ in range(2))
    ends = [
        (each.estimate.lower, each.estimate.value, each.estimate.upper) for each in (first, again)
    ]
    assert ends[0] == ends[1]
    assert (first.series, first.notes) == (again.series, again.notes)
