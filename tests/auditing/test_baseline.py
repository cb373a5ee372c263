"""The approved baseline: what it holds, what it refuses, and what is judged against it."""

from __future__ import annotations

import copy
import json

import pytest

from pytest_aipm.baseline import read_baseline, write_baseline
from pytest_aipm.errors import BaselineError
from pytest_aipm.records import Because, RunVerdict, Verdict


def only(record):
    (finding,) = record.findings
    return finding


@pytest.fixture
def approve(tmp_path):
    """Approve a record as the project's baseline."""

    def write(record, when="2026-01-01"):
        write_baseline(
            record, tmp_path / "aipm-baseline.json", by="Release board", reason="v1", when=when
        )

    return write


@pytest.fixture
def compared(policy):
    """The policy with a regression limit."""
    compared = copy.deepcopy(policy)
    compared["checks"][0]["regression"] = {"max_change": 0.02, "max_total_change": 0.04}
    return compared


def test_a_regression_without_a_baseline_is_refused_with_the_command_that_creates_it(
    run, compared, fair
):
    with pytest.raises(BaselineError, match="--aipm-update-baseline"):
        run(compared, fair)


def test_the_baseline_holds_aggregates_and_who_approved_it(run, policy, fair, approve, tmp_path):
    record = run(policy, fair)
    approve(record)
    content = json.loads((tmp_path / "aipm-baseline.json").read_text(encoding="utf-8"))
    stored = content["policies"]["credit"]
    told = {"by": "Release board", "reason": "v1", "when": "2026-01-01"}
    assert stored["approved"] == {**told, "evidence": record.evidence}
    finding = stored["findings"]["credit::gap::sex"]
    assert [group["numerator"] for group in finding["groups"]] == [4000, 4100]
    assert stored["facts"]["rows"] == 20_000


def test_a_widened_gap_fails_as_regression_inside_the_limit(
    run, policy, compared, fair, approve, rows
):
    approve(run(policy, fair))
    worse = rows({"f": (3500, 10_000), "m": (4200, 10_000)})
    finding = only(run(compared, worse))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.REGRESSION)
    assert finding.baseline.verdict == "worse"
    assert finding.baseline.delta == pytest.approx(0.06)
    assert not finding.baseline.paired
    assert "m and f" in finding.reason


def test_the_same_model_is_same_and_passes(run, policy, compared, fair, approve):
    approve(run(policy, fair))
    record = run(compared, fair)
    assert only(record).baseline.verdict in ("same", "inconclusive")
    assert record.verdict == RunVerdict.PASS


def test_slow_drift_is_stopped_by_the_anchor(run, policy, compared, approve, rows):
    steps = [rows({"f": (40_000 - 1700 * i, 100_000), "m": (40_000, 100_000)}) for i in range(4)]
    approve(run(policy, steps[0]))
    for step in steps[1:3]:
        record = run(compared, step)
        assert only(record).verdict == Verdict.PASS
        approve(record, when="2026-02-01")
    finding = only(run(compared, steps[3]))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.REGRESSION)
    assert "first approved baseline" in finding.reason


def test_losing_four_fifths_of_the_rows_against_the_baseline_fails(run, policy, approve, rows):
    policy["checks"][0]["limit"] = {"max": 0.03}
    full = rows({"f": (2000, 5000), "m": (2300, 5000)})
    approve(run(policy, full))
    for seed in range(4):
        few = full.groupby(["sex", "pred"]).sample(frac=0.2, random_state=seed)
        record = run(policy, few)
        assert record.verdict == RunVerdict.FAIL
    assert only(record).because == Because.EVIDENCE_LOST


def test_what_weakens_the_gate_is_listed_and_changes_no_verdict(run, policy, fair, approve):
    approve(run(policy, fair))
    policy["checks"][0]["limit"] = {"max": 0.20}
    record = run(policy, fair.iloc[::2], seed=4)
    weakened = " | ".join(record.audits[0].baseline.weakened)
    assert "fewer rows: 10,000 instead of 20,000" in weakened
    assert "another seed: 4 instead of 0" in weakened
    assert "maximum 0.2 instead of 0.1" in weakened
    assert record.verdict == RunVerdict.PASS


def test_a_check_that_is_new_is_compared_with_nothing_and_unproven(
    run, policy, compared, fair, approve
):
    other = {"check": "performance.metric", "metric": "accuracy", "id": "accuracy"}
    policy["checks"] = [{**other, "limit": {"min": 0.1}}]
    approve(run(policy, fair))
    record = run(compared, fair)
    assert only(record).verdict == Verdict.PASS
    assert record.verdict == RunVerdict.UNPROVEN


def test_a_partial_or_erroneous_run_cannot_be_approved(run, policy, fair, approve):
    record = run(policy, fair)
    with pytest.raises(BaselineError, match="partial"):
        approve(record.model_copy(update={"partial": True}))
    policy["subject"]["predictions"] = "nothing"
    with pytest.raises(BaselineError, match="could not be measured"):
        approve(run(policy, fair))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"aipm_baseline": 2, "policies": {}}',
        '{"aipm_baseline": 1, "policies": {"a": {}}}',
    ],
)
def test_an_unreadable_baseline_is_one_line(tmp_path, text):
    path = tmp_path / "b.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError) as caught:
        read_baseline(path, shown="b.json")
    assert str(caught.value).startswith("b.json:")
    assert "\n" not in str(caught.value)


def test_approving_keeps_other_policies_and_first_anchors(
    run, policy, fair, biased, approve, tmp_path
):
    approve(run(policy, fair))
    approve(run({**policy, "name": "other"}, fair))
    approve(run(policy, biased), when="2026-03-01")
    baseline = read_baseline(tmp_path / "aipm-baseline.json", shown="b")
    assert baseline.policy("other") is not None
    credit = baseline.policy("credit")
    assert credit.entry("credit::gap::sex").value == pytest.approx(0.16)
    assert credit.anchor("credit::gap::sex").value == pytest.approx(0.01)


def test_a_champion_on_the_same_rows_is_compared_pair_by_pair(run, policy, fair):
    policy["subject"]["champion"] = {"predictions": "old"}
    policy["checks"][0]["regression"] = {"max_change": 0.02}
    data = fair.assign(old=fair.pred)
    same = only(run(policy, data))
    assert same.baseline.paired
    assert same.baseline.verdict == "same"
    worse = data.copy()
    chosen = worse.index[(worse.sex == "f") & (worse.pred == 1)][:600]
    worse.loc[chosen, "pred"] = 0
    finding = only(run(policy, worse))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.REGRESSION)
    assert "champion" in finding.reason


def test_thinning_the_rows_does_not_hide_a_regression(run, policy, compared, approve, rows):
    approve(run(policy, rows({"f": (3900, 10_000), "m": (4000, 10_000)})))
    compared["checks"][0]["limit"] = {"max": 0.30}
    worse = rows({"f": (3500, 10_000), "m": (4000, 10_000)})
    assert only(run(compared, worse)).because == Because.REGRESSION
    few = worse.groupby(["sex", "pred"]).sample(frac=0.05, random_state=0)
    finding = only(run(compared, few))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.EVIDENCE_LOST)


def test_thinning_the_rows_does_not_hide_a_slow_drift(run, policy, approve, rows):
    approve(run(policy, rows({"f": (4000, 10_000), "m": (4100, 10_000)})))
    policy["checks"][0] |= {"limit": {"max": 0.30}, "regression": {"max_total_change": 0.02}}
    drifted = run(policy, rows({"f": (3500, 10_000), "m": (4100, 10_000)}))
    assert only(drifted).because == Because.REGRESSION
    finding = only(run(policy, rows({"f": (245, 700), "m": (2870, 7000)})))
    assert (finding.verdict, finding.because) == (Verdict.FAIL, Because.EVIDENCE_LOST)
    assert "since the first approved baseline" in finding.reason


def test_moving_a_cut_point_is_listed_as_another_gate(run, policy, fair, approve):
    policy["subject"]["protected"] = {"band": {"column": "age", "bins": [40], "labels": ["a", "b"]}}
    data = fair.assign(age=[30, 50] * 10_000)
    approve(run(policy, data))
    policy["subject"]["protected"]["band"]["bins"] = [35]
    weakened = run(policy, data).audits[0].baseline.weakened
    assert weakened == ("other bins of band: 35 instead of 40",)


def test_an_intersection_is_compared_pair_by_pair_after_it_went_through_the_file(
    run, policy, approve, rows
):
    policy["subject"]["protected"]["age"] = "age"
    policy["checks"][0]["by"] = [["sex", "age"]]
    policy["checks"][0]["limit"] = {"max": 0.90}
    data = rows({"f": (4000, 10_000), "m": (4000, 10_000)}).assign(age=["young", "old"] * 10_000)
    approve(run(policy, data))
    worse = data.copy()
    worse.loc[(worse.sex == "f") & (worse.age == "old"), "pred"] = 0
    policy["checks"][0]["regression"] = {"max_change": 0.02}
    finding = only(run(policy, worse))
    assert finding.because == Because.REGRESSION
    assert "f · old" in finding.baseline.group


@pytest.mark.parametrize("change", ["min_group_size", "gone", "unknown", "merged"])
@pytest.mark.parametrize("check", ["fairness.demographic_parity_difference", "performance.metric"])
def test_a_failing_group_cannot_be_talked_away(run, policy, approve, rows, check, change):
    data = rows({"a": (500, 1000), "b": (480, 1000), "c": (60, 300)})
    data["y"] = data.pred.where(data.sex != "c", 1 - data.pred)
    if check == "performance.metric":
        asked = {"check": check, "metric": "accuracy", "by": "sex", "limit": {"min": 0.5}}
    else:
        asked = {"check": check, "limit": {"max": 0.20}}
    policy["checks"] = [{**asked, "id": "it"}]
    red = run(policy, data)
    assert only(red).verdict == Verdict.FAIL
    approve(red)
    if change == "min_group_size":
        policy["checks"][0]["min_group_size"] = 400
    elif change == "gone":
        data = data[data.sex != "c"]
    elif change == "unknown":
        policy["checks"][0]["max_unknown"] = 0.5
        data.loc[data.sex == "c", "sex"] = None
    else:
        data.loc[data.sex == "c", "sex"] = "b"
    assert run(policy, data).verdict == RunVerdict.FAIL


def test_a_point_that_failed_does_not_pass_by_thinning(run, policy, approve, rows):
    policy["checks"] = [
        {"check": "performance.metric", "id": "it", "metric": "accuracy", "limit": {"min": 0.52}}
    ]
    data = rows({"f": (1000, 2000), "m": (1000, 2000)})
    red = run(policy, data)
    assert only(red).verdict == Verdict.FAIL
    approve(red)
    for seed in range(8):
        few = data.sample(frac=0.2, random_state=seed)
        assert run(policy, few).verdict == RunVerdict.FAIL


def test_disabling_a_judged_check_is_listed_and_never_reads_pass(run, policy, fair, approve):
    approve(run(policy, fair))
    policy["checks"][0]["enabled"] = False
    record = run(policy, fair)
    assert record.verdict == RunVerdict.UNPROVEN
    assert "credit::gap::sex: disabled" in record.audits[0].baseline.weakened


def test_a_comparison_that_cannot_be_made_is_said(run, policy, rows):
    policy["subject"]["champion"] = {"predictions": "old"}
    policy["checks"] = [
        {
            "check": "fairness.equalized_odds_difference",
            "id": "odds",
            "limit": {"max": 0.10},
            "regression": {"max_change": 0.02},
        }
    ]
    data = rows({"f": (20_000, 50_000), "m": (20_000, 50_000)})
    record = run(policy, data.assign(old=data.pred))
    assert record.verdict == RunVerdict.UNPROVEN
    assert "comparison was not made" in only(record).reason


def test_a_breach_near_its_limit_does_not_become_undecided_by_thinning(run, policy, approve, rows):
    policy["checks"][0]["limit"] = {"max": 0.03}
    full = rows({"f": (2000, 5000), "m": (2260, 5000)})
    red = run(policy, full)
    assert only(red).verdict == Verdict.FAIL
    approve(red)
    for seed in range(10):
        few = full.sample(frac=0.2, random_state=seed)
        assert run(policy, few).verdict == RunVerdict.FAIL


def test_a_model_that_became_unfair_does_not_become_undecided_by_thinning(
    run, policy, approve, rows
):
    policy["checks"][0]["limit"] = {"max": 0.10}
    approve(run(policy, rows({"f": (2200, 5000), "m": (2260, 5000)})))
    worse = rows({"f": (1650, 5000), "m": (2260, 5000)})
    assert only(run(policy, worse)).because == Because.LIMIT
    for seed in range(10):
        few = worse.sample(frac=0.02, random_state=seed)
        assert run(policy, few).verdict == RunVerdict.FAIL


def test_one_row_less_takes_no_decision_back(run, policy, approve, rows):
    full = rows({"f": (2200, 5000), "m": (2260, 5000)})
    approve(run(policy, full))
    assert only(run(policy, full.drop(index=17))).verdict == Verdict.PASS
