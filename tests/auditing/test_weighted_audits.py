"""Whole audits with weights and repeated people, from the policy to the record."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pytest_aipm
from pytest_aipm.baseline import PolicyBaseline, read_baseline, write_baseline
from pytest_aipm.records import Record, Verdict
from pytest_aipm.stats.disparity import rate_difference

GAP = "fairness.demographic_parity_difference"
LIMIT = {"limit": {"max": 0.3}}


class Scored:
    """Scores people by income, and women a little lower."""

    classes_ = np.array([0, 1])
    feature_names_in_ = np.array(["sex", "income"], dtype=object)

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        score = np.clip(frame["income"].to_numpy() - 0.2 * (frame["sex"] == "f"), 0, 1)
        return np.column_stack([1 - score, score])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        return (self.predict_proba(frame)[:, 1] >= 0.5).astype(int)


def people(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    income = rng.random(n).round(2)
    return pd.DataFrame(
        {
            "sex": np.array(["f", "m"])[rng.permutation(np.arange(n) % 2)],
            "income": income,
            "old": rng.random(n).round(2),
            "y": np.where(np.arange(n) < 2, np.arange(n) % 2, rng.random(n) < income).astype(int),
            "w": rng.lognormal(0, 0.7, n),
            "k": np.where(np.arange(n) < 4, 1, rng.integers(0, 4, n)),
            "id": rng.integers(0, max(n // 4, 2), n),
        }
    )


CHECKS = [
    {"check": GAP, "id": "gap", **LIMIT},
    {"check": "fairness.equalized_odds_difference", "id": "odds", **LIMIT},
    {"check": "fairness.score_gap", "id": "scores", **LIMIT},
    {"check": "fairness.score_gap", "id": "ks", "measure": "ks", **LIMIT},
    {"check": "performance.metric", "id": "auc", "metric": "roc_auc", "limit": {"min": 0.6}},
    {"check": "performance.metric", "id": "f1", "metric": "f1", "by": "sex", "limit": {"min": 0.5}},
    {"check": "performance.metric", "id": "brier", "metric": "brier", "limit": {"max": 0.3}},
    {"check": "explain.protected_flip", "id": "flip", "rows": 40, **LIMIT},
    {"check": "privacy.membership_inference", "id": "members", "limit": {"max_auc": 0.9}},
    {"check": "privacy.train_test_overlap", "id": "overlap", "limit": {"max": 0.5}},
]


JACCARD = {
    "check": "performance.metric",
    "id": "jaccard",
    "metric": "jaccard",
    "by": "sex",
    "limit": {"min": 0.2},
}


def audit(frame: pd.DataFrame, checks=None, model=None, train=None, **subject) -> Record:
    policy = {
        "aipm": 1,
        "name": "audited",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "label": "y",
            "positive": 1,
            "protected": {"sex": "sex"},
            **subject,
        },
        # rows needed, which only an undecided finding asks for, take a simulation each
        "defaults": {"decide_on": "point" if checks is None else "interval"},
        "checks": CHECKS if checks is None else checks,
    }
    return pytest_aipm.audit(policy, model=model, data=frame, train=train)


PLAIN = {"model": Scored(), "train": people(99, 60), "champion": {"scores": "old"}}
RULE = {"threshold": 0.5}


@settings(max_examples=4)
@given(st.integers(0, 10**6), st.sampled_from([RULE, {"top_k": 0.3}]))
def test_frequencies_are_the_rows_written_out(seed, decision):
    frame = people(seed, 80)
    written = frame.loc[np.repeat(frame.index, frame["k"])].reset_index(drop=True)
    counted = audit(frame, **PLAIN, decision=decision, weights={"column": "k", "kind": "frequency"})
    # the column of counts is none of the features in either
    single = audit(written, **PLAIN, decision=decision)
    assert counted.findings == single.findings
    assert not any(each.verdict is Verdict.ERROR for each in counted.findings)
    # but for the hash of the data, and what says that there are frequencies, records are the same
    heads = [
        each.audits[0].model_dump(
            exclude={"policy": True, "subject": {"data", "reading", "weights"}}
        )
        for each in (counted, single)
    ]
    assert heads[0] == heads[1]
    assert counted.audits[0].subject.weights == "frequencies in column k"
    assert counted.audits[0].subject.data.rows == len(written)


def test_frequencies_are_the_rows_written_out_for_functions_of_rows_too():
    frame = people(12, 60)
    written = frame.loc[np.repeat(frame.index, frame["k"])].reset_index(drop=True)
    weights = {"column": "k", "kind": "frequency"}
    counted, single = (
        audit(rows, checks=[JACCARD], model=Scored(), decision=RULE, **told)
        for rows, told in ((frame, {"weights": weights}), (written, {}))
    )
    assert counted.findings == single.findings


def test_an_unweighted_record_says_nothing_of_weights():
    found = audit(people(1, 200), checks=CHECKS[:2], model=Scored(), decision=RULE)
    text = found.to_json()
    for word in ("weight", "cluster", "counted", '"people"', "effective"):
        assert word not in text
    groups = json.loads(text)["audits"][0]["findings"][0]["groups"]
    assert {type(each[key]) for each in groups for key in ("numerator", "denominator")} == {int}


@pytest.mark.parametrize(
    "design",
    [{"weights": "w"}, {"cluster": "id"}, {"weights": "w", "cluster": "id"}],
    ids=str,
)
def test_a_weighted_record_is_read_back_and_verdicts_follow_from_it(design):
    found = audit(people(2, 600), checks=CHECKS[:2], model=Scored(), decision=RULE, **design)
    assert Record.from_json(found.to_json()) == found
    subject = found.audits[0].subject
    said = "sampling weights in column w" if "weights" in design else None
    assert (subject.weights, subject.cluster) == (said, design.get("cluster"))
    gap = found.findings[0]
    x, n = (np.array([getattr(g, key) for g in gap.groups]) for key in ("numerator", "denominator"))
    again = rate_difference(x, n)
    assert (again.lower, again.upper) == pytest.approx(gap.interval)
    assert all(isinstance(each, int) for g in gap.groups for each in g.counted)
    assert sum(g.n for g in gap.groups) == gap.n == 600
    assert "effective rows" in gap.notes[0]


def test_a_weighted_record_keeps_to_its_schema():
    schema = Record.model_json_schema(by_alias=True, mode="serialization")
    assert "counted" in schema["$defs"]["GroupValue"]["properties"]
    for design in ({}, {"weights": "w", "cluster": "id"}):
        found = audit(people(2, 200), checks=CHECKS[:2], model=Scored(), decision=RULE, **design)
        jsonschema.validate(json.loads(found.to_json()), schema)


def test_frequencies_in_a_file_meet_an_attribute_from_another(tmp_path):
    frame = people(14, 60).assign(key=np.arange(60))
    frame.drop(columns="sex").to_csv(tmp_path / "data.csv", index=False)
    frame[["key", "sex"]].to_csv(tmp_path / "sex.csv", index=False)
    policy = {
        "aipm": 1,
        "name": "audited",
        "context": {"purpose": "a test", "owner": "tests@example.org"},
        "subject": {
            "task": "binary",
            "predictions": "y",
            "positive": 1,
            "data": "data.csv",
            "id": "key",
            "protected": {"sex": {"file": "sex.csv"}},
            "weights": {"column": "k", "kind": "frequency"},
        },
        "checks": CHECKS[:1],
    }
    found = pytest_aipm.audit(policy, root=tmp_path)
    counted = {group.group["sex"]: group.n for group in found.findings[0].groups}
    assert counted == frame.groupby("sex")["k"].sum().to_dict()
    assert list(found.audits[0].subject.data.joined) == ["sex.csv"]
    # a gap in the file is a person without weight, told by its row
    (tmp_path / "data.csv").write_text("key,y,k\n0,1,2\n1,0,\n2,1,1\n", encoding="utf-8")
    reason = pytest_aipm.audit(policy, root=tmp_path).findings[0].reason
    assert (
        "weights column 'k' has 1 missing or infinite value(s), the first in data row 2" in reason
    )


def test_the_reading_says_which_kind_of_weights_there_is():
    frame = people(3, 200)
    read = [
        audit(frame, checks=CHECKS[:1], model=Scored(), decision=rule, weights=weights)
        .audits[0]
        .subject.reading.partition("; column ")[2]
        for rule, weights in (
            (RULE, "w"),
            ({"top_k": 0.2}, {"column": "w", "kind": "sampling"}),
            (RULE, {"column": "k", "kind": "frequency"}),
        )
    ]
    assert read[0] == (
        "'w' holds sampling weights: a row is one person, who stands for that many "
        "(`kind: frequency` would count them)"
    )
    assert read[1] == f"{read[0]}; the share that is decided for is one of all weight"
    assert read[2] == (
        "'k' holds frequencies: a row counts as that many rows (`kind: sampling` would let one "
        "person stand for them)"
    )


def test_a_weight_is_never_a_feature_by_default():
    class Any:
        def predict(self, frame: pd.DataFrame) -> np.ndarray:
            assert list(frame.columns) == ["income", "old"]
            return (frame["income"] > 0.5).astype(int)

    for design in (
        {"weights": "w", "cluster": "id", "date": "k"},
        {"weights": {"column": "k", "kind": "frequency"}, "cluster": "id", "date": "w"},
    ):
        found = audit(people(4, 100), checks=CHECKS[:1], model=Any(), **design)
        assert found.findings[0].verdict is not Verdict.ERROR, found.findings[0].reason


@pytest.mark.parametrize("key", ["weights", "cluster"])
def test_a_model_that_is_given_the_column_is_told(key):
    found = audit(
        people(5, 100), checks=CHECKS[:1], model=Scored(), decision=RULE, **{key: "income"}
    )
    assert found.findings[0].verdict is Verdict.ERROR
    assert (
        f"the column of `{key}`, 'income', is an input of the model, too; "
        in found.findings[0].reason
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"k": -1}, "weights column 'k' has 100 negative value(s), the first in data row 1"),
        ({"k": 0.5}, "weights column 'k' has 100 fractional value(s), the first in data row 1"),
        ({"k": np.nan}, "weights column 'k' has 100 missing or infinite value(s)"),
        ({"k": 0}, "weights column 'k' holds zeros only; name the column that counts people"),
        ({"k": "two"}, "weights column 'k' is not numeric; name a column of numbers"),
    ],
    ids=["negative", "fractional", "missing", "zeros", "text"],
)
def test_frequencies_that_are_none_are_errors_of_every_check(change, said):
    weights = {"column": "k", "kind": "frequency"}
    found = audit(
        people(6, 100).assign(**change), checks=CHECKS[:2], model=Scored(), weights=weights
    )
    for finding in found.findings:
        assert finding.verdict is Verdict.ERROR
        assert said in finding.reason


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cluster", [{}, {"cluster": "id"}], ids=["rows", "people"])
def test_few_rows_and_wild_weights_end_in_numbers_that_are_some(seed, cluster):
    rng = np.random.default_rng(seed)
    frame = people(seed, 9).assign(w=rng.choice([0, 1e-9, 1.0, 1e9], 9))
    frame.loc[:1, "w"] = 1.0
    frame.loc[:1, "id"] = [901, 902]
    checks = [each for each in CHECKS[:7] if each["id"] != "ks"]
    for finding in audit(
        frame, checks=checks, **PLAIN, decision=RULE, weights="w", **cluster
    ).findings:
        assert finding.verdict is not Verdict.ERROR, finding.reason
        # warnings of libraries are written into the notes
        assert not [note for note in finding.notes if "Warning" in note]
        for group in finding.groups:
            if group.counted is not None and group.counted[1]:
                assert 1 <= group.denominator <= group.counted[1]
                assert 0 <= group.value <= 1


@pytest.mark.parametrize("design", [{"weights": "w"}, {"cluster": "id"}], ids=str)
def test_a_check_that_does_not_heed_weights_is_refused(design):
    checks = [each for each in CHECKS if each["id"] in ("members", "overlap", "flip")]
    flip, members, overlap = audit(
        people(10, 200), checks=checks, **PLAIN, decision=RULE, **design
    ).findings
    assert members.verdict is Verdict.ERROR
    assert members.reason.endswith(
        "privacy.membership_inference heeds neither `weights` nor `cluster`, and would take every "
        "row for one person; audit it in a policy without them"
    )
    # a count over the given rows is what it was, and says so
    assert overlap.notes[-1] == "a count of rows: weights, and whose rows they are, do not enter"
    assert "effective rows" in flip.notes[0]


def test_flips_are_weighted_and_counted_by_person():
    frame = people(11, 400)
    checks = [{"check": "explain.protected_flip", "id": "flip", **LIMIT}]
    # decisions of women at the border turn when they are taken for men, and the other way round
    turns = (frame["income"] >= 0.5) != (frame["income"] - 0.2 >= 0.5)
    (found,) = audit(frame, checks=checks, model=Scored(), decision=RULE, weights="w").findings
    assert found.value == pytest.approx(np.average(turns, weights=frame["w"]))
    for group in found.groups:
        own = frame["sex"] == group.group["sex"]
        assert group.value == pytest.approx(np.average(turns[own], weights=frame["w"][own]))
        assert group.counted == (int(turns[own].sum()), int(own.sum()))
    (by_person,) = audit(frame, checks=checks, model=Scored(), decision=RULE, cluster="id").findings
    (plain,) = audit(frame, checks=checks, model=Scored(), decision=RULE).findings
    assert by_person.value == pytest.approx(plain.value)
    assert by_person.groups[0].people == frame[frame["sex"] == "f"]["id"].nunique()


def test_the_fixture_takes_weights_and_people(tmp_path):
    from pytest_aipm.api import check

    frame = people(13, 300)
    _, finding = check(
        GAP,
        nodeid="test_it.py::test_it",
        seed=0,
        root=tmp_path,
        data=frame.assign(pred=frame["y"]),
        label="y",
        positive=1,
        predictions="pred",
        by="sex",
        limit={"max": 0.5},
        weights="w",
        cluster="id",
    )
    assert finding.notes[0].startswith("weighted by w, rows of one id taken together; effective")


def test_a_fault_among_frequencies_is_told_by_the_row_of_the_file():
    frame = people(7, 50).assign(k=3)
    frame["y"] = frame["y"].astype(object)
    frame.loc[11, "y"] = None
    weights = {"column": "k", "kind": "frequency"}
    found = audit(frame, checks=CHECKS[1:2], model=Scored(), decision=RULE, weights=weights)
    assert (
        "label column 'y' has 1 missing value(s), the first in data row 12; "
        in found.findings[0].reason
    )


def test_other_weights_than_those_approved_are_listed(tmp_path):
    frame = people(8, 300)
    records = [
        audit(frame, checks=CHECKS[:1], model=Scored(), decision=RULE, **design)
        for design in ({}, {"weights": "w"}, {"weights": "w", "cluster": "id"})
    ]
    audits = [each.audits[0] for each in records]
    before = PolicyBaseline.of(audits[0], seed=0)
    assert before.weakened(audits[0], seed=0) == ()
    assert "weights" not in before.facts
    said = "other weights: sampling weights in column w instead of none"
    assert said in before.weakened(audits[1], seed=0)
    assert "another column of people: id instead of none" in before.weakened(audits[2], seed=0)
    # an approved run with weights is read back and compared by its effective counts
    path = tmp_path / "aipm-baseline.json"
    write_baseline(records[1], path, by="me", reason="first", when="2026-01-01")
    approved = read_baseline(path, shown="baseline").policy("audited")
    assert approved.weakened(audits[1], seed=0) == ()
    entry = approved.entry(records[1].findings[0].id)
    assert entry.groups == records[1].findings[0].groups
