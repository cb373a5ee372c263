"""Ranking and losses are compared with a champion's scores on the same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, mean_absolute_error, roc_auc_score

from pytest_aipm.records import Because, Verdict


def only(record):
    (finding,) = record.findings
    return finding


@pytest.fixture
def data():
    """1,000 rows; scores of two models that make mostly the same errors."""
    rng = np.random.default_rng(11)
    y = rng.integers(0, 2, 1000)
    shared = 0.8 * y + rng.normal(size=1000)
    old, new = (1 / (1 + np.exp(-shared - 0.1 * rng.normal(size=1000))) for _ in range(2))
    sex = np.repeat(["f", "m"], 500)
    return pd.DataFrame({"y": y, "sex": sex, "old": old, "score": new})


@pytest.fixture
def scored(policy):
    """The policy with scores, a champion's scores, and one metric without a limit."""
    subject = policy["subject"]
    del subject["predictions"]
    subject |= {"scores": "score", "champion": {"scores": "old"}, "decision": {"threshold": 0.5}}

    def of(metric, **keys):
        check = {"check": "performance.metric", "id": "it", "metric": metric}
        policy["checks"] = [{**check, "regression": {"max_change": 0.02}, **keys}]
        return policy

    return of


OF = {"roc_auc": roc_auc_score, "brier": brier_score_loss, "log_loss": None}


@pytest.mark.parametrize("metric", ["roc_auc", "brier"])
def test_the_change_is_that_of_scikit_learn_and_paired(run, scored, data, metric):
    found = only(run(scored(metric, by="sex"), data)).baseline
    of = OF[metric]
    each = {sex: of(rows.y, rows.score) - of(rows.y, rows.old) for sex, rows in data.groupby("sex")}
    worst = min(each, key=each.get) if metric == "roc_auc" else max(each, key=each.get)
    assert found.paired
    assert (found.group, found.against) == (worst, "champion")
    assert found.delta == pytest.approx(each[worst])
    rows = data[data.sex == worst]
    assert found.value == pytest.approx(of(rows.y, rows.old))
    assert found.verdict == "same"


@pytest.mark.parametrize("metric", ["roc_auc", "brier", "log_loss"])
def test_a_group_that_is_ranked_or_scored_worse_is_named(run, scored, data, metric):
    rng = np.random.default_rng(1)
    noisy = np.clip(data.score + rng.normal(0, 0.35, 1000), 0.01, 0.99)
    worse = data.assign(score=data.score.where(data.sex == "m", noisy))
    finding = only(run(scored(metric, by="sex"), worse))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.REGRESSION)
    assert finding.baseline.group == "f"
    assert "worse than the champion on the same rows: for f it changed by" in finding.reason


def test_an_overall_value_is_compared_by_the_point(run, scored, data):
    finding = only(run(scored("roc_auc"), data.assign(score=1 - data.score)))
    assert finding.because == Because.REGRESSION
    auc = roc_auc_score(data.y, 1 - data.score) - roc_auc_score(data.y, data.old)
    assert finding.baseline.delta == pytest.approx(auc)


def test_errors_of_a_regression_are_paired(run, policy, data):
    rng = np.random.default_rng(5)
    rows = data.assign(y=rng.normal(10, 3, 1000))
    rows["old"] = rows.y + rng.normal(0, 1, 1000)
    rows["pred"] = rows.old + rng.normal(0, 0.2, 1000) + np.where(rows.sex == "m", 1.0, 0.0)
    subject = policy["subject"]
    del subject["positive"]
    subject |= {"task": "regression", "champion": {"predictions": "old"}}
    check = {"check": "performance.metric", "id": "it", "metric": "mae", "by": "sex"}
    policy["checks"] = [{**check, "regression": {"max_change": 0.1}}]
    finding = only(run(policy, rows))
    of_m = rows[rows.sex == "m"]
    delta = mean_absolute_error(of_m.y, of_m.pred) - mean_absolute_error(of_m.y, of_m.old)
    assert (finding.because, finding.baseline.group) == (Because.REGRESSION, "m")
    assert finding.baseline.delta == pytest.approx(delta)
    assert finding.baseline.paired


def test_a_champion_that_gives_no_probabilities_is_an_error_in_one_line(run, scored, data):
    finding = only(run(scored("brier"), data.assign(old=data.old * 4 - 1)))
    assert finding.verdict == Verdict.ERROR
    assert "scores lie" in finding.reason
