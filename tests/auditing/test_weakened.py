"""A gate that asks for less than the approved one is listed, in words, and changes no verdict."""

from __future__ import annotations

import copy
import json

import pytest

from pytest_aipm.baseline import write_baseline
from pytest_aipm.errors import BaselineError
from pytest_aipm.records import RunVerdict

ASKED = {
    "warn": {"max": 0.05},
    "regression": {"max_change": 0.02, "max_total_change": 0.04},
    "on_inconclusive": "fail",
    "min_group_size": 10,
    "unknown": "group",
    "max_unknown": 0.02,
}

GATE = "credit::gap::sex"


@pytest.fixture
def weakened(run, policy, fair, tmp_path):
    """Return what is listed when one check changes after its run was approved."""

    def of(change, asked=ASKED):
        before = copy.deepcopy(policy)
        before["checks"][0] |= asked
        approved = run(before, fair)
        write_baseline(approved, tmp_path / "aipm-baseline.json", by="b", reason="r", when="w")
        after = copy.deepcopy(before)
        check = after["checks"][0]
        for key, value in change.items():
            if value is None:
                del check[key]
            else:
                check[key] = value
        record = run(after, fair)
        assert record.verdict == RunVerdict.PASS
        return list(record.audits[0].baseline.weakened)

    return of


@pytest.fixture(autouse=True)
def first(run, policy, fair, tmp_path):
    """Approve a first run, since a policy with `regression` is refused without a baseline."""
    write_baseline(run(policy, fair), tmp_path / "aipm-baseline.json", by="b", reason="r", when="w")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"warn": None}, ["warning maximum none instead of 0.05"]),
        ({"warn": {"max": 0.08}}, ["warning maximum 0.08 instead of 0.05"]),
        (
            {"regression": {"max_change": 0.03, "max_total_change": 0.05}},
            ["change allowed 0.03 instead of 0.02", "total change allowed 0.05 instead of 0.04"],
        ),
        (
            {"regression": None},
            ["change allowed any instead of 0.02", "total change allowed any instead of 0.04"],
        ),
        ({"on_inconclusive": "warn"}, ["on_inconclusive warn instead of fail"]),
        ({"min_group_size": 30}, ["min_group_size 30 instead of 10"]),
        ({"unknown": "report"}, ["unknown report instead of group"]),
        ({"max_unknown": 0.5}, ["max_unknown 0.5 instead of 0.02"]),
    ],
    ids=str,
)
def test_asking_for_less_is_listed(weakened, change, said):
    assert weakened(change) == [f"{GATE}: {line}" for line in said]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"warn": {"max": 0.04}},
        {"regression": {"max_change": 0.01, "max_total_change": 0.03}},
        {"min_group_size": 1},
        {"unknown": "fail"},
        {"max_unknown": 0.0},
    ],
    ids=str,
)
def test_asking_for_the_same_or_more_is_not(weakened, change):
    assert weakened(change) == []


def test_a_gate_is_listed_by_the_tolerance_it_stands_for(weakened):
    gate = {"gate": "no-worse"}
    assert weakened({"gate": None, "regression": {"max_change": 0.02}}, gate) == []
    assert weakened({"gate": None, "regression": {"max_change": 0.03}}, gate) == [
        f"{GATE}: change allowed 0.03 instead of 0.02"
    ]
    assert weakened({"gate": None}, gate) == [f"{GATE}: change allowed any instead of 0.02"]
    strict = {"regression": {"max_change": 0.01}}
    assert weakened({"regression": None} | gate, strict) == [
        f"{GATE}: change allowed 0.02 instead of 0.01"
    ]


def test_fewer_groups_are_listed_as_checks_that_are_gone(run, policy, fair, tmp_path):
    policy["subject"]["protected"]["band"] = "band"
    data = fair.assign(band=["young", "old"] * 10_000)
    policy["checks"][0]["by"] = ["sex", "band"]
    approved = run(policy, data)
    write_baseline(approved, tmp_path / "aipm-baseline.json", by="b", reason="r", when="w")
    policy["checks"][0]["by"] = "sex"
    record = run(policy, data)
    assert record.audits[0].baseline.weakened == ("no longer checked: credit::gap::band",)


def test_another_question_under_the_same_name_is_listed_and_not_compared(
    run, policy, fair, tmp_path
):
    policy["checks"] = [{"check": "performance.metric", "id": "m", "metric": "selection_rate"}]
    policy["checks"][0]["limit"] = {"min": 0.1}
    path = tmp_path / "aipm-baseline.json"
    write_baseline(run(policy, fair), path, by="b", reason="r", when="first")
    policy["checks"][0] |= {"metric": "accuracy", "regression": {"max_change": 0.02}}
    record = run(policy, fair)
    (finding,) = record.findings
    assert finding.baseline is None
    assert record.verdict == RunVerdict.UNPROVEN
    assert record.audits[0].baseline.weakened == (
        "credit::m::overall: metric accuracy instead of selection_rate",
    )
    write_baseline(record, path, by="b", reason="r", when="second")
    stored = json.loads(path.read_text(encoding="utf-8"))["policies"]["credit"]["findings"]
    assert stored["credit::m::overall"]["anchor"]["when"] == "second"


def test_a_check_that_is_off_for_a_while_keeps_its_anchor(run, policy, fair, tmp_path):
    path = tmp_path / "aipm-baseline.json"
    for enabled in (True, False, True):
        policy["checks"][0]["enabled"] = enabled
        write_baseline(run(policy, fair), path, by="b", reason="r", when=str(enabled))
    stored = json.loads(path.read_text(encoding="utf-8"))["policies"]["credit"]["findings"][GATE]
    assert stored["anchor"]["when"] == "w"
    assert stored["formula"] == "selection_rate_difference"


def test_another_comparator_is_listed(weakened):
    assert weakened({"reference": "m"}) == [f"{GATE}: reference m instead of none"]


def test_a_baseline_without_its_digest_is_refused(run, policy, fair, tmp_path):
    path = tmp_path / "aipm-baseline.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["policies"]["credit"]["digest"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(BaselineError, match="'credit' has no digest"):
        run(policy, fair)


def test_a_champion_that_takes_the_place_of_the_baseline_is_listed(run, policy, fair, tmp_path):
    policy["checks"][0]["regression"] = {"max_change": 0.02}
    path = tmp_path / "aipm-baseline.json"
    write_baseline(run(policy, fair), path, by="b", reason="r", when="w")
    policy["subject"]["champion"] = {"predictions": "old"}
    copied = fair.assign(old=fair.pred)
    record = run(policy, copied)
    assert record.audits[0].baseline.weakened == (
        f"{GATE}: compared with a champion instead of the approved baseline",
    )
    assert any("champion decides every row" in each for each in record.audits[0].warnings)
    write_baseline(record, path, by="b", reason="r", when="w")
    other = run(policy, copied.assign(old=1 - copied.old))
    assert other.audits[0].baseline.weakened == ()
    assert not any("champion decides" in each for each in other.audits[0].warnings)


def test_rows_without_weight_are_fewer_rows(run, policy, fair, tmp_path):
    policy["subject"]["weights"] = {"column": "w", "kind": "sampling"}
    path = tmp_path / "aipm-baseline.json"
    write_baseline(run(policy, fair.assign(w=1.0)), path, by="b", reason="r", when="w")
    record = run(policy, fair.assign(w=1.0 * (fair.index % 4 > 0)))
    assert record.audits[0].baseline.weakened == ("fewer rows: 15,000 instead of 20,000",)
