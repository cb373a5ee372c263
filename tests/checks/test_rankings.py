"""Rankings: places within a query, exposure and NDCG by group, queries as sources of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

import pytest_aipm
from pytest_aipm.errors import PolicyError
from pytest_aipm.records import Finding, Record, Verdict
from pytest_aipm.stats.ranking import Ranking, ndcg
from pytest_aipm.verification.rejudged import rejudged
from pytest_aipm.verification.totals import total_faults

PARITY = {"check": "fairness.demographic_parity_difference", "limit": {"max": 0.5}}
EXPOSURE = {"check": "fairness.exposure_ratio", "limit": {"min": 0.1}}


def queries(count: int = 120, seed: int = 0, *, decimals: int = 8) -> pd.DataFrame:
    """Queries of 3 to 12 rows with graded relevances; fewer decimals make ties."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 13, count)
    query = np.repeat(np.arange(count), sizes)
    n = len(query)
    relevance = rng.choice([0, 0, 1, 2], n)
    return pd.DataFrame(
        {
            "q": query,
            "sex": rng.choice(["f", "m"], n),
            "y": relevance,
            "s": np.round(relevance + rng.normal(0, 1.5, n), decimals),
        }
    )


def audit(frame: pd.DataFrame, *checks: dict[str, Any], root: Path, **subject: Any) -> Record:
    whole = {
        "task": "ranking",
        "label": "y",
        "scores": "s",
        "decision": {"top_k": 3, "within": "q"},
        "protected": {"sex": "sex"},
        **subject,
    }
    policy = {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "test", "owner": "tests@example.org"},
        "subject": {key: value for key, value in whole.items() if value is not None},
        "checks": [{"id": f"c{i}", **each} for i, each in enumerate(checks)],
    }
    record = pytest_aipm.audit(policy, root=root, data=frame)
    assert list(total_faults(record)) == []
    for finding in record.findings:
        assert rejudged(finding, record.audits[0], record, None).faults == ()
    return record


def only(frame: pd.DataFrame, check: dict[str, Any], root: Path, **subject: Any) -> Finding:
    (finding,) = audit(frame, check, root=root, **subject).findings
    return finding


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 5, 0.3])
@pytest.mark.parametrize("when", ["above", "below"])
def test_the_best_of_each_query_are_chosen(k: float, when: str, tmp_path: Path) -> None:
    frame = queries()
    finding = only(
        frame, PARITY, tmp_path, decision={"top_k": k, "within": "q", "favorable_when": when}
    )
    place = frame.groupby("q")["s"].rank(ascending=when == "below", method="first")
    sizes = frame.groupby("q")["s"].transform("size")
    wanted = np.maximum(np.round(k * sizes), 1) if k < 1 else k
    share = (place <= wanted).groupby(frame["sex"]).mean()
    assert {g.group["sex"]: g.counted for g in finding.groups} == {
        name: (
            int((place <= wanted)[frame["sex"] == name].sum()),
            int((frame["sex"] == name).sum()),
        )
        for name in ("f", "m")
    }
    assert finding.value == pytest.approx(share.max() - share.min())


@pytest.mark.parametrize("named", [None, "id"])
def test_ties_do_not_hang_on_the_order_of_rows(named: str | None, tmp_path: Path) -> None:
    frame = queries(decimals=0)
    frame["id"] = np.arange(len(frame))
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    checks = (
        PARITY,
        EXPOSURE,
        {"check": "performance.metric", "metric": "ndcg", "limit": {"min": 0.1}},
    )
    one, other = (audit(rows, *checks, root=tmp_path, id=named) for rows in (frame, shuffled))
    for left, right in zip(one.findings, other.findings, strict=True):
        assert left.value == pytest.approx(right.value, abs=1e-12)
        assert [g.counted for g in left.groups] == [g.counted for g in right.groups]
    assert any("drawn by lot" in said for said in one.audits[0].warnings)


def test_the_lot_favors_no_group(tmp_path: Path) -> None:
    frame = queries(count=400).assign(s=0.0)
    finding = only(frame.sort_values(["q", "sex"]).reset_index(drop=True), PARITY, tmp_path)
    assert finding.interval[0] == 0.0


def test_queries_with_fewer_rows_than_places_are_said(tmp_path: Path) -> None:
    frame = queries()
    record = audit(frame, PARITY, root=tmp_path, decision={"top_k": 5, "within": "q"})
    short = int((frame.groupby("q").size() <= 5).sum())
    said = f"`top_k`: {short} of 120 queries have no more than 5 rows, so all of theirs are in"
    assert said in record.audits[0].warnings


def test_a_binary_score_may_be_cut_within_a_query(tmp_path: Path) -> None:
    frame = queries().assign(y=lambda rows: (rows["y"] > 0).astype(int))
    binary = {"task": "binary", "positive": 1, "decision": {"top_k": 3, "within": "q"}}
    rank, cut = only(frame, PARITY, tmp_path), only(frame, PARITY, tmp_path, **binary)
    assert rank.value == cut.value
    assert rank.interval == cut.interval


# --- NDCG and exposure ----------------------------------------------------------------------------


def brute_ndcg(frame: pd.DataFrame, k: int | None = None) -> float:
    """Mean of scikit-learn's score over queries of two rows with something relevant."""
    found = [
        ndcg_score([rows["y"]], [rows["s"]], k=k)
        for _, rows in frame.groupby("q")
        if len(rows) > 1 and rows["y"].sum() > 0
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("decimals", [8, 0])
@pytest.mark.parametrize("k", [None, 1, 4])
def test_ndcg_is_that_of_scikit_learn(decimals: int, k: int | None, tmp_path: Path) -> None:
    frame = queries(decimals=decimals)
    name = "ndcg" if k is None else f"ndcg@{k}"
    check = {"check": "performance.metric", "metric": name, "limit": {"min": 0.1}}
    overall = only(frame, check, tmp_path)
    assert overall.value == pytest.approx(brute_ndcg(frame, k))
    by_group = only(frame, {**check, "by": "sex"}, tmp_path)
    for group in by_group.groups:
        own = frame[frame["sex"] == group.group["sex"]]
        assert group.value == pytest.approx(brute_ndcg(own, k))


def test_a_query_without_anything_relevant_has_no_ndcg() -> None:
    query = np.array([0, 0, 1, 1, 2])
    found = ndcg(query, np.arange(5.0), np.array([0.0, 0, 1, 0, 3]))
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == pytest.approx(1 / np.log2(3))


def test_exposure_is_one_over_the_logarithm_of_the_rank(tmp_path: Path) -> None:
    frame = queries(decimals=1)
    finding = only(frame, EXPOSURE, tmp_path)
    sums = {"f": [0.0, 0], "m": [0.0, 0]}
    for _, rows in frame.groupby("q"):
        if rows["sex"].nunique() < 2:
            continue
        discount = 1 / np.log2(2 + np.arange(len(rows)))
        ordered = rows["s"].rank(ascending=False, method="min").astype(int) - 1
        equal = rows.groupby("s")["s"].transform("size")
        seen = [discount[r : r + e].mean() for r, e in zip(ordered, equal, strict=True)]
        for sex, value in zip(rows["sex"], seen, strict=True):
            sums[sex][0] += value / discount.mean()
            sums[sex][1] += 1
    expected = {sex: total / n for sex, (total, n) in sums.items()}
    assert {g.group["sex"]: g.value for g in finding.groups} == pytest.approx(expected)
    assert finding.value == pytest.approx(min(expected.values()) / max(expected.values()))


def test_only_the_first_positions_are_seen() -> None:
    ranking = Ranking(np.zeros(4, dtype=np.int64), np.array([4.0, 3, 2, 1]), positions=2)
    assert ranking.exposure() == pytest.approx([1, 1 / np.log2(3), 0, 0])


def test_what_one_group_gains_the_other_loses(tmp_path: Path) -> None:
    """Both groups share every query: the bound must be as wide as that of the differences."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"q": np.repeat(np.arange(400), 2), "sex": ["f", "m"] * 400})
    frame["s"] = rng.normal(size=800)
    check = {"check": "fairness.exposure_difference", "limit": {"max": 0.4}}
    finding = only(frame, check, tmp_path, label=None)
    seen = frame.groupby("q")["s"].rank(ascending=False).map({1.0: 1.0, 2.0: 1 / np.log2(3)})
    relative = seen / seen[:2].mean()
    gaps = relative[frame["sex"] == "f"].to_numpy() - relative[frame["sex"] == "m"].to_numpy()
    width = 1.645 * gaps.std(ddof=1) / np.sqrt(400)
    assert finding.interval[1] - finding.value == pytest.approx(width, rel=0.05)


def test_a_fair_ranking_seldom_fails(tmp_path: Path) -> None:
    """Whole queries lean to one group, and scores know nothing of it: 20 runs, limit nearly 0."""
    fails = {"fairness.exposure_difference": 0, "fairness.demographic_parity_difference": 0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        q = np.repeat(np.arange(60), 8)
        lean = np.where(np.arange(60) % 2, 0.8, 0.2)
        sex = np.where(rng.random(480) < lean[q], "f", "m")
        frame = pd.DataFrame({"q": q, "sex": sex, "s": rng.normal(size=480)})
        checks = [{"check": name, "limit": {"max": 0.001}} for name in fails]
        for finding in audit(frame, *checks, root=tmp_path, label=None).findings:
            fails[finding.check] += finding.verdict is Verdict.FAIL
    assert max(fails.values()) <= 4  # binom.ppf(0.99, 20, 0.05) = 4


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decision": {"top_k": 3}}, "a ranking needs `decision: {within: COLUMN}`"),
        ({"decision": None}, "a ranking needs `decision: {within: COLUMN}`"),
        (
            {"decision": {"threshold": 1, "within": "q"}},
            "'threshold' decides on each row by itself",
        ),
        ({"scores": None, "predictions": "s"}, "a ranking orders by stand under 'scores'"),
        ({"positive": 1}, "'positive' names a class, but a ranking orders rows; remove it"),
        ({"cluster": "sex"}, "rows of one query depend on each other"),
        ({"weights": "y"}, "'weights' and 'within' exclude each other"),
        ({"decision": {"within": "q"}}, "needs decisions; add 'top_k', in 'decision',"),
        ({"decision": {"within": "y"}}, "'within' and 'label' are the same column"),
        ({"decision": {"within": "q", "top_k": 2.5}}, "a share between 0 and 1, or a whole number"),
    ],
)
def test_a_ranking_that_does_not_fit_is_refused(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(PolicyError) as caught:
        audit(queries(), PARITY, root=tmp_path, **change)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.assign(q=rows["q"].where(rows["q"] > 0)), "query column 'q' has"),
        (lambda rows: rows.assign(q=7), "rows are of one query ('q' holds one value)"),
        (lambda rows: rows.assign(y=-1), "label 'y' holds relevances below 0"),
        (lambda rows: rows.drop(columns="q"), "'q'"),
    ],
)
def test_queries_and_relevances_that_are_none(change: Any, said: str, tmp_path: Path) -> None:
    check = {"check": "performance.metric", "metric": "ndcg", "limit": {"min": 0.1}}
    finding = only(change(queries()), check, tmp_path)
    assert finding.verdict is Verdict.ERROR
    assert said in finding.reason


class Classifier:
    """A model of classes, asked to rank."""

    classes_ = np.array([0, 1])

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        return np.full((len(frame), 2), 0.5)


class Scorer:
    """A model that gives a number for each row."""

    feature_names_in_ = np.array(["s"], dtype=object)

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return frame["s"].to_numpy()


def test_a_model_ranks_by_its_numbers_not_by_its_classes(tmp_path: Path) -> None:
    policy = {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "test", "owner": "tests@example.org"},
        "subject": {
            "task": "ranking",
            "label": "y",
            "decision": {"within": "q"},
            "protected": {"sex": "sex"},
        },
        "checks": [{"check": "performance.metric", "metric": "ndcg", "limit": {"min": 0.1}}],
    }
    frame = queries()
    said = [
        pytest_aipm.audit(policy, root=tmp_path, data=frame, model=model).findings[0]
        for model in (Scorer(), Classifier())
    ]
    assert said[0].value == pytest.approx(brute_ndcg(frame))
    assert "predicts classes, and a ranking needs a number for each row" in said[1].reason
