"""Input that is odd but legal: empty, uniform, undefined, of other people. A word, no guess."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.baseline import write_baseline
from pytest_aipm.records import Finding, Record, RunVerdict, Verdict

GAP = {"check": "fairness.demographic_parity_difference", "id": "gap", "limit": {"max": 0.10}}
PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
NO, ERROR = Verdict.NOT_JUDGED, Verdict.ERROR


def people(counts: dict[str, tuple[int, int, int, int]]) -> pd.DataFrame:
    """Rows from {group: (tp, fn, fp, tn)}."""
    return pd.concat(
        [
            pd.DataFrame(
                {"sex": name, "y": np.repeat([1, 1, 0, 0], n), "pred": np.repeat([1, 0, 1, 0], n)}
            )
            for name, n in counts.items()
        ],
        ignore_index=True,
    )


HALF = (500, 500, 500, 500)


@pytest.fixture
def audit(project: Any) -> Callable[..., Record]:
    def run(rows: pd.DataFrame, *checks: dict[str, Any], **subject: Any) -> Record:
        project.checks = list(checks)
        project.policy(**subject)
        return project.audit(data=rows)

    return run


def said(record: Record) -> dict[str, tuple[Verdict, str]]:
    return {each.check_id: (each.verdict, each.reason) for each in record.findings}


# Groups that are empty, or of one kind


def test_a_band_that_nobody_is_in_is_shown_with_no_people_and_compared_with_nobody(
    audit: Any,
) -> None:
    rows = people({"f": HALF, "m": HALF})
    rows = rows.assign(age=30 + np.arange(len(rows)) % 20)
    band = {"column": "age", "bins": [25, 40], "labels": ["young", "middle", "old"]}
    record = audit(rows, GAP, protected={"band": band})
    (only,) = record.audits
    assert {g.group["band"]: g.n for g in only.groups} == {"middle": 2000, "old": 2000, "young": 0}
    assert {g.group["band"] for g in record.findings[0].groups} == {"middle", "old"}


def test_an_optional_group_that_is_absent_is_shown_with_no_people(audit: Any) -> None:
    groups = {"column": "sex", "groups": ["f", "m", "x"], "optional": ["x"]}
    record = audit(people({"f": HALF, "m": HALF}), GAP, protected={"sex": groups})
    assert {g.group["sex"]: g.n for g in record.audits[0].groups} == {"f": 2000, "m": 2000, "x": 0}
    assert record.verdict is RunVerdict.PASS


def test_an_empty_cell_of_an_intersection_is_no_group(audit: Any) -> None:
    rows = people({"f": HALF, "m": HALF})
    rows["area"] = np.where(rows["sex"] == "f", "north", np.where(rows.index % 2, "north", "south"))
    check = {**GAP, "by": [["sex", "area"]]}
    (found,) = audit(rows, check, protected={"sex": "sex", "area": "area"}).findings
    assert {tuple(g.group.values()) for g in found.groups} == {
        ("f", "north"),
        ("m", "north"),
        ("m", "south"),
    }


ONE_KIND = [
    # what one group lacks, by check: verdict, and words of the reason
    (
        "labels of one group all positive",
        {"f": (500, 500, 0, 0), "m": HALF},
        {
            "fairness.false_positive_rate_difference": (NO, "fewer than two groups have a defined"),
            "fairness.equalized_odds_difference": (OPEN, "it has no row for f (false positive"),
            "fairness.equal_opportunity_difference": (PASS, "within the limit"),
            "fairness.predictive_parity_difference": (FAIL, "precision 50 of 100 for m, 100 of 1"),
        },
    ),
    (
        "one group all rejected",
        {"f": (0, 500, 0, 500), "m": HALF},
        {
            "fairness.predictive_parity_difference": (NO, "fewer than two groups have a defined"),
            "fairness.demographic_parity_difference": (FAIL, "0 of 100 for f, 50 of 100 for m"),
            "fairness.demographic_parity_ratio": (FAIL, "ratio 0 (interval 0 to"),
        },
    ),
    (
        "everybody rejected",
        {"f": (0, 500, 0, 500), "m": (0, 500, 0, 500)},
        {
            "fairness.predictive_parity_difference": (NO, "fewer than two groups have a defined"),
            "fairness.demographic_parity_difference": (PASS, "difference 0"),
            "fairness.demographic_parity_ratio": (NO, "the comparator's rate is 0"),
            "fairness.equal_opportunity_ratio": (NO, "the comparator's rate is 0"),
        },
    ),
]


@pytest.mark.parametrize(("what", "counts", "words"), ONE_KIND, ids=[case[0] for case in ONE_KIND])
def test_rates_without_a_denominator_are_said_to_be_undefined(
    audit: Any, what: str, counts: Any, words: dict[str, tuple[Verdict, str]]
) -> None:
    checks = [
        {
            "check": name,
            "id": name.partition(".")[2],
            "limit": {"min": 0.8} if name.endswith("ratio") else {"max": 0.1},
        }
        # the last one reads the label, so that its class without a decision is known
        for name in (*words, "fairness.accuracy_difference")
    ]
    found = said(audit(people(counts), *checks))
    for name, (verdict, text) in words.items():
        assert found[name.partition(".")[2]][0] is verdict, (what, name, found)
        assert text in found[name.partition(".")[2]][1]


def test_decisions_that_are_all_alike_are_not_told_to_be_the_positive_class(audit: Any) -> None:
    record = audit(people({"f": (0, 50, 0, 50), "m": (0, 50, 0, 50)}), GAP)
    (found,) = record.findings
    assert found.verdict is ERROR
    assert (
        "`positive: 1` never occurs in the data (values: 0); all rows are alike: look at the m"
        in (found.reason)
    )


# Scores that are all the same


SAME = {
    "auc": ({"check": "performance.metric", "metric": "roc_auc", "limit": {"min": 0.6}}, FAIL, 0.5),
    "auc-floor": (
        {"check": "performance.metric", "metric": "roc_auc", "by": "sex", "limit": {"min": 0.6}},
        FAIL,
        0.5,
    ),
    "auc-gap": (
        {"check": "fairness.group_metric", "metric": "roc_auc", "limit": {"max": 0.1}},
        PASS,
        0.0,
    ),
    "mean": ({"check": "fairness.score_gap", "limit": {"max": 0.1}}, PASS, 0.0),
    "ks": ({"check": "fairness.score_gap", "measure": "ks", "limit": {"max": 0.1}}, PASS, 0.0),
    "deviations": (
        {"check": "fairness.score_gap", "measure": "standardised", "limit": {"max": 0.1}},
        ERROR,
        None,
    ),
    "median": (
        {"check": "fairness.score_gap", "measure": "above_median", "limit": {"min": 0.8}},
        NO,
        None,
    ),
    "brier": (
        {"check": "performance.metric", "metric": "brier", "limit": {"max": 0.3}},
        PASS,
        0.25,
    ),
}


def test_scores_that_are_all_the_same_rank_nothing_and_divide_by_nothing(audit: Any) -> None:
    rows = people({"f": HALF, "m": HALF}).assign(s=0.5)
    checks = [{**check, "id": name} for name, (check, _, _) in SAME.items()]
    record = audit(rows, *checks, predictions=None, scores="s", decision={"threshold": 0.5})
    found = {each.check_id: each for each in record.findings}
    for name, (_, verdict, value) in SAME.items():
        assert found[name].verdict is verdict, (name, found[name].reason)
        assert found[name].value == (None if value is None else pytest.approx(value))
    assert "all scores within the groups are equal" in found["deviations"].reason


def test_a_share_of_equal_scores_favors_nobody_for_standing_first_in_the_file(audit: Any) -> None:
    rows = people({"f": HALF, "m": HALF}).assign(s=0.5)  # sorted by group
    record = audit(rows, GAP, predictions=None, scores="s", decision={"top_k": 0.2})
    assert record.findings[0].verdict is PASS
    assert record.findings[0].value < 0.02
    (warning,) = record.audits[0].warnings
    assert warning.startswith("`top_k`: 4,000 rows share the score at the cut; the 800 of them tha")


# A baseline of other people


@pytest.fixture
def approved(project: Any, audit: Any) -> Callable[..., Finding]:
    """Approve one frame, then audit another one against it."""

    def run(before: pd.DataFrame, after: pd.DataFrame, **keys: Any) -> tuple[Finding, list[str]]:
        place = project.root / "aipm-baseline.json"
        write_baseline(
            audit(before, {**GAP, **keys}), place, by="someone", reason="a test", when="2026-01-01"
        )
        record = audit(after, {**GAP, **keys, "regression": {"max_change": 0.02}})
        (only,) = record.audits
        return record.findings[0], list(only.baseline.weakened)

    return run


def test_a_group_that_only_the_baseline_knows_is_named_and_its_breach_is_not_forgotten(
    approved: Any,
) -> None:
    two, gone = {"f": HALF, "m": HALF}, "groups of sex no longer present: x"
    found, weakened = approved(people({**two, "x": (100, 900, 100, 900)}), people(two))
    assert (found.verdict, found.because) == (FAIL, "evidence_lost")
    assert "no longer judged: x" in found.reason
    assert gone in weakened
    found, weakened = approved(people({**two, "x": HALF}), people(two))
    assert (found.verdict, found.because) == (PASS, None)
    assert gone in weakened


def test_a_band_that_is_empty_now_is_a_group_that_only_the_baseline_knows(
    project: Any, audit: Any
) -> None:
    rows = people({"f": HALF, "m": HALF})
    subject = {"protected": {"band": {"column": "age", "bins": [40], "labels": ["a", "b"]}}}
    record = audit(rows.assign(age=np.where(rows.index % 2, 30, 50)), GAP, **subject)
    place = project.root / "aipm-baseline.json"
    write_baseline(record, place, by="someone", reason="a test", when="2026-01-01")
    record = audit(rows.assign(age=30), GAP, **subject)
    assert "groups of band no longer present: b" in record.audits[0].baseline.weakened


def test_a_baseline_of_other_people_is_said_to_be_one(approved: Any) -> None:
    before, after = people({"f": HALF, "m": HALF}), people({"A": HALF, "B": HALF})
    found, weakened = approved(before, after)
    assert weakened == ["groups of sex no longer present: f, m", "other groups of sex: A, B"]
    assert found.baseline is not None
    assert not found.baseline.paired
    worse = people({"A": HALF, "B": (100, 900, 100, 900)})
    found, _ = approved(before, worse, limit={"max": 0.9})
    assert (found.verdict, found.because) == (FAIL, "regression")


def test_a_baseline_cut_off_anywhere_is_refused(project: Any) -> None:
    project.checks = [{**GAP, "limit": {"max": 0.9}}]
    project.policy()
    place = project.root / "aipm-baseline.json"
    write_baseline(project.audit(), place, by="someone", reason="a test", when="2026-01-01")
    project.checks = [{**project.checks[0], "regression": {"max_change": 0.02}}]
    project.policy()
    whole = place.read_bytes()
    for kept in (0.0, 0.1, 0.5, 0.9, 0.999):
        place.write_bytes(whole[: int(len(whole) * kept)])
        (line,) = project.refusal()
        assert line.startswith("aipm-baseline.json:"), kept
        assert "this is no readable baseline" in line
    place.write_bytes(whole)
    assert project.audit().verdict is RunVerdict.PASS


# A limit that no sample can prove


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
@pytest.mark.parametrize("decide_on", ["interval", "proof"])
def test_a_limit_of_zero_on_a_sample_is_refused_with_the_reason(
    project: Any, zero: float, decide_on: str
) -> None:
    project.checks = [{**GAP, "limit": {"max": zero}, "decide_on": decide_on}]
    project.policy()
    (line,) = project.refusal()
    assert line.endswith(
        f": 'max: 0' on a sample can never hold under 'decide_on: {decide_on}': no sample proves "
        "that something never happens; write a small limit such as 0.01, or `decide_on: point`"
    )


@pytest.mark.parametrize("decide_on", ["interval", "proof"])
@pytest.mark.parametrize(
    "check",
    [
        {"check": "fairness.demographic_parity_ratio", "by": ["sex"]},
        {"check": "fairness.equalized_odds_ratio", "by": ["sex"], "reference": "overall"},
        {"check": "performance.metric", "metric": "accuracy", "by": ["sex"]},
    ],
)
def test_the_highest_value_of_all_as_a_floor_is_refused_with_the_reason(
    project: Any, check: dict[str, Any], decide_on: str
) -> None:
    project.checks = [{**check, "limit": {"min": 1}, "decide_on": decide_on}]
    project.policy()
    (line,) = project.refusal()
    assert line.endswith(
        f": 'min: 1' on a sample can never hold under 'decide_on: {decide_on}': no value is above "
        "1, and no sample proves that it is reached; write a limit below 1, such as 0.95, or "
        "`decide_on: point`"
    )


def test_a_ratio_to_one_group_may_be_asked_to_be_one(project: Any) -> None:
    ratio = {"check": "fairness.demographic_parity_ratio", "by": ["sex"], "limit": {"min": 1}}
    project.checks = [{**ratio, "reference": "largest"}]
    project.policy()
    assert project.audit().findings[0].verdict is not Verdict.ERROR
    project.checks = [{**ratio, "decide_on": "point"}]
    project.policy()
    assert project.audit().findings[0].verdict is not Verdict.ERROR


def test_a_limit_of_zero_on_a_count_or_by_the_point_is_a_limit(project: Any, audit: Any) -> None:
    rows = people({"f": HALF, "m": HALF})
    (found,) = audit(rows, {**GAP, "limit": {"max": 0}, "decide_on": "point"}).findings
    assert found.verdict is PASS
    assert "not certain" in found.reason
    overlap = {"check": "privacy.train_test_overlap", "id": "overlap", "limit": {"max": 0}}
    train = project.rows(100).assign(id=np.arange(100) + 1000, score=0.123)
    train.to_csv(project.root / "train.csv", index=False)
    project.checks = [overlap]
    project.policy(train="train.csv", features=["id", "score"])
    assert project.audit().findings[0].verdict is PASS


# Two waivers, no check, no date


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"id": "W-2"}, "'W-1' and 'W-2' both waive 'credit::gap::sex' at one time; keep one"),
        ({"check": "credit::accuracy::overall"}, "two waivers have the id 'W-1'"),
        ({"id": "W-2", "expires": "31.12.2026"}, "'31.12.2026' is no date; write YYYY-MM-DD"),
        ({"id": "W-2", "expires": 20261231}, "'expires' must be text, not the number 20261231"),
        ({"id": "W-2", "check": "credit::gone::sex"}, "has no finding 'credit::gone::sex'"),
    ],
    ids=["for one finding", "of one id", "another date", "a number", "an unknown check"],
)
def test_waivers_that_contradict_each_other_or_name_nothing_are_refused(
    project: Any, second: dict[str, Any], said: str
) -> None:
    first = {
        "id": "W-1",
        "check": "credit::gap::sex",
        "reason": "a reason",
        "owner": "risk@example.org",
        "ticket": "T-1",
        "created": "2026-01-01",
        "expires": "2099-01-01",
    }
    project.write("policies/waivers.yaml", json.dumps({"waivers": [first, {**first, **second}]}))
    lines = project.refusal()
    assert any(said in line for line in lines), lines
