"""Operations and the joint rule beyond their cases: models that fail, files, charts, words."""

from __future__ import annotations

import threading
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import BaselineError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.frontier import METRICS, frontier
from pytest_aipm.evidence.subject import Decision, Subject
from pytest_aipm.records import BY_UNIT, Finding, Record
from pytest_aipm.report.publish import publishable
from pytest_aipm.sources.data import open_data
from pytest_aipm.sources.files import sha256_of

HERE = Path(__file__).parent
SUBJECT = {"task": "binary", "label": "y", "positive": 1, "features": ["x"]}


def frame(n: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"x": np.linspace(0, 1, n), "y": np.arange(n) % 2})


def audit(
    tmp_path: Path,
    *checks: dict,
    model: object = None,
    file: dict | None = None,
    data: pd.DataFrame | None = None,
    **subject: object,
) -> Record:
    policy = {
        "aipm": 1,
        "name": "small",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {**SUBJECT, **subject, **({} if file is None else {"model": file})},
        "checks": list(checks),
    }
    objects = {"data": frame() if data is None else data}
    objects |= {} if model is None else {"model": model}
    return pytest_aipm.audit(policy, root=tmp_path, **objects)


def audited(tmp_path: Path, *checks: dict, **told: object) -> list[Finding]:
    return list(audit(tmp_path, *checks, **told).findings)


class Raising:
    """Answers batches, and raises on single rows beyond one half."""

    classes_ = np.array([0, 1])

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        if len(rows) == 1 and rows["x"].iloc[0] > 0.5:
            raise ValueError(f"cannot answer for {rows['x'].iloc[0]}")
        return np.column_stack([1 - rows["x"], rows["x"]])

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return (self.predict_proba(rows)[:, 1] > 0.5).astype(int)


ERRORS = {"check": "operations.error_rate", "limit": {"max": 0.1}}
SIZE = {"check": "operations.model_size", "limit": {"max_mb": 1}}


class TestErrors:
    def test_rows_that_raise_alone_are_counted_and_no_row_is_quoted(self, tmp_path) -> None:
        (found,) = audited(tmp_path, ERRORS, model=Raising())
        assert (found.verdict, found.value, found.n) == ("fail", 0.5, 60)
        assert "30 rows: the model raises ValueError" in found.notes
        assert "cannot answer" not in found.model_dump_json()

    def test_a_column_that_is_not_there_is_an_error_and_no_rate(self, tmp_path) -> None:
        fitted = LogisticRegression().fit(frame()[["x"]].rename(columns={"x": "z"}), frame()["y"])
        (found,) = audited(tmp_path, ERRORS, model=fitted)
        assert found.verdict == "error"
        assert "needs columns the data lack" in found.reason

    def test_a_class_can_stand_for_no_answer(self, tmp_path) -> None:
        class Shy:
            def predict(self, rows: pd.DataFrame) -> np.ndarray:
                return np.where(rows["x"] < 0.25, "unsure", "yes")

        check = {**ERRORS, "fallback": ["unsure"]}
        (found,) = audited(tmp_path, check, model=Shy(), positive="yes", favorable="yes")
        assert found.value == pytest.approx(15 / 60)


class TestSize:
    def test_of_a_file_it_is_the_bytes_of_the_file(self, tmp_path) -> None:
        joblib.dump(LogisticRegression().fit(frame()[["x"]], frame()["y"]), tmp_path / "m.joblib")
        path = tmp_path / "m.joblib"
        model = {"path": "m.joblib", "sha256": sha256_of(path)}
        (found,) = audited(tmp_path, SIZE, file=model)
        assert found.value == path.stat().st_size / 1e6
        assert "the file m.joblib takes" in found.reason

    def test_words_of_what_cannot_be_pickled_stay_with_it(self, tmp_path) -> None:
        class Held(Raising):
            def __init__(self) -> None:
                self.lock = threading.Lock()

        (found,) = audited(tmp_path, SIZE, model=Held())
        assert found.verdict == "not_judged"
        assert "name a file or a factory" in found.reason


LATENCY = {
    "check": "operations.latency",
    "id": "latency",
    "calls": 300,
    "warm_up": 0,
    "limit": {"max_p95_ms": 60_000},
}


class Half:
    classes_ = np.array([0, 1])

    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        return np.column_stack([1 - rows["x"], rows["x"]])

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return (rows["x"] > 0.5).astype(int).to_numpy()


class TestLatency:
    def test_every_unit_is_told_and_percentiles_rise(self, tmp_path) -> None:
        (found,) = audited(tmp_path, LATENCY, model=Half())
        told = next(each for each in found.series if each.name == BY_UNIT)
        values = dict(zip(told.x, told.y, strict=True))
        assert set(values) == set(Catalog().load("operations.latency").UNITS)
        assert 0 < values["p50_ms"] <= values["p95_ms"] <= values["p99_ms"]
        assert found.value == values["p95_ms"]
        assert found.conditions["python"].startswith("CPython")

    def test_it_is_published_as_it_is(self, tmp_path) -> None:
        record = audit(tmp_path, LATENCY, model=Half())
        assert publishable(record).findings[0].value == record.findings[0].value

    def test_a_change_alone_is_judged_in_the_first_unit(self, tmp_path) -> None:
        check = {**LATENCY, "regression": {"max_change": 5}}
        del check["limit"]
        with pytest.raises(BaselineError):
            audited(tmp_path, check, model=Half())


class TestTradeoff:
    def rule(self, text: str, **keys: object) -> dict:
        return {"check": "framing.tradeoff", "id": "both", "rule": text, **keys}

    def test_a_unit_may_be_named_where_it_is_the_only_one(self, tmp_path) -> None:
        size = {"check": "operations.model_size", "id": "size", "limit": {"max_mb": 1}}
        found = audited(tmp_path, size, self.rule("size.mb < 1"), model=Half())
        assert found[-1].verdict == "pass"

    def test_rules_that_ask_for_each_other_are_errors(self, tmp_path) -> None:
        one = {**self.rule("two == 1"), "id": "one"}
        two = {**self.rule("one == 1"), "id": "two"}
        found = audited(tmp_path, one, two, model=Half())
        assert {each.verdict for each in found} == {"error"}

    def test_a_group_check_without_a_side_does_not_say_who_is_worst(self, tmp_path) -> None:
        check = {"check": "performance.metric", "id": "m", "metric": "accuracy"}
        found = audited(
            tmp_path,
            {**check, "by": ["sex", "age"], "limit": {"min": 0.1, "max": 0.9}},
            self.rule("m > 0.2"),
            model=Half(),
            data=frame().assign(sex=["f", "m"] * 30, age=["a"] * 30 + ["b"] * 30),
            protected={"sex": "sex", "age": "age"},
        )[-1]
        assert found.verdict == "error"
        assert "does not say which group is the worst" in found.reason

    def test_the_chart_shows_the_metric_at_other_thresholds(self, tmp_path) -> None:
        metric = {"check": "performance.metric", "id": "m", "metric": "accuracy"}
        decision = {"threshold": 0.5}
        found = audited(
            tmp_path,
            {**metric, "limit": {"min": 0.1}},
            self.rule("m > 0.2", metric="recall"),
            model=Half(),
            decision=decision,
        )[-1]
        (line,) = found.series
        assert (line.kind, line.y_label) == ("curve", "recall")
        assert line.mark == pytest.approx(0.5)
        assert line.x == tuple(sorted(line.x))
        assert min(line.counts) > 0


@pytest.mark.parametrize("when", ["above", "below"])
@pytest.mark.parametrize("favorable", [0, 1])
@pytest.mark.parametrize("metric", METRICS)
def test_the_frontier_is_that_of_scikit_learn(when: str, favorable: int, metric: str) -> None:
    rng = np.random.default_rng(8)
    score = rng.random(500).round(1)
    rows = pd.DataFrame({"s": score, "y": (rng.random(500) < score).astype(int)})
    subject = Subject(
        task="binary",
        label="y",
        positive=1,
        favorable=favorable,
        scores="s",
        decision=Decision(threshold=0.37, favorable_when=when),
    )
    found = frontier(Evidence(subject, open_data(rows, root=HERE)), metric)
    assert len(found.selected) > 8
    assert found.between.sum() == round(500 * found.selected[-1])
    told = {
        "accuracy": accuracy_score,
        "precision": precision_score,
        "recall": recall_score,
        "f1": f1_score,
        "balanced_accuracy": lambda y, said: (
            (recall_score(y, said) + recall_score(1 - y, 1 - said)) / 2
        ),
    }[metric]
    seen = {}
    for cut in np.union1d(rows["s"], [0.37]):
        favored = rows["s"] >= cut if when == "above" else rows["s"] < cut
        said = favored if favorable == 1 else ~favored
        if said.any() and not said.all():
            seen[round(float(favored.mean()), 9)] = told(rows["y"], said.astype(int))
    for share, value in zip(found.selected, found.metric, strict=True):
        if 0 < share < 1:
            assert value == pytest.approx(seen[round(float(share), 9)], abs=1e-9)
    favored = rows["s"] >= 0.37 if when == "above" else rows["s"] < 0.37
    assert found.chosen == pytest.approx(favored.mean())
