"""What a record says around its findings: promises, change, columns, gaps and days."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime

import pandas as pd
import pytest

import pytest_aipm
from pytest_aipm.baseline import write_baseline
from pytest_aipm.errors import PolicyError
from pytest_aipm.records import Record, Verdict


@pytest.fixture
def approve(tmp_path):
    """Approve a record as the baseline of the folder."""

    def approved(record):
        write_baseline(record, tmp_path / "aipm-baseline.json", by="b", reason="r", when="w")

    return approved


@pytest.fixture
def few(rows):
    """Two hundred rows."""
    return rows({"f": (40, 100), "m": (41, 100)})


@pytest.fixture
def lax(policy):
    """A policy that any rows keep."""
    policy["checks"][0]["limit"] = {"max": 0.9}
    return policy


def promise(policy, *checks):
    changed = copy.deepcopy(policy)
    changed["context"]["claims"] = [{"text": "All alike", "checks": list(checks)}]
    return changed


def changes_of(record):
    return record.audits[0].baseline.changes


def ids(turned):
    return [each.id for each in turned]


# -- claims


def test_a_promise_is_kept_or_broken_by_what_was_found(run, policy, fair, biased) -> None:
    asked = promise(policy, "gap")
    (kept,) = run(asked, fair).audits[0].claims
    assert (kept.state, kept.text, kept.checks) == ("kept", "All alike", ("gap",))
    record = run(asked, biased)
    assert record.audits[0].claims[0].state == "broken"
    assert record.audits[0].claims[0].reason == "gap by sex fails"


def test_a_promise_that_nothing_shows_is_untested(run, lax, few) -> None:
    asked = promise(lax, "gap")
    asked["checks"][0]["enabled"] = False
    asked["checks"].append(
        {"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0}}
    )
    assert run(asked, few).audits[0].claims[0].state == "untested"


def test_a_policy_without_promises_writes_none(run, lax, few) -> None:
    record = run(lax, few)
    assert record.audits[0].claims == ()
    assert '"claims"' not in record.to_json()
    assert Record.from_json(record.to_json()) == record


def test_a_promise_of_an_unknown_check_is_refused(run, policy, fair) -> None:
    with pytest.raises(PolicyError, match="the claim names the check 'gpa'"):
        run(promise(policy, "gpa"), fair)


# -- change since the baseline


def test_without_a_baseline_there_are_no_changes(run, policy, fair) -> None:
    assert run(policy, fair).audits[0].baseline is None


def test_an_unchanged_run_has_no_changes(run, policy, fair, approve) -> None:
    approve(run(policy, fair))
    found = changes_of(run(policy, fair))
    assert found.unchanged == 1
    assert not any(value for name, value in vars(found).items() if name != "unchanged")


def test_a_new_fail_is_one_and_its_way_back_is_fixed(run, policy, fair, biased, approve) -> None:
    approve(run(policy, fair))
    (turned,) = changes_of(run(policy, biased)).fails
    assert (turned.id, turned.then, turned.now) == ("credit::gap::sex", "pass", "fail")
    approve(run(policy, biased))
    found = changes_of(run(policy, fair))
    assert ids(found.fixed) == ["credit::gap::sex"]
    assert found.fails == found.verdicts == found.moved == ()


def test_a_limit_that_was_moved_fixes_nothing(run, policy, biased, approve) -> None:
    approve(run(policy, biased))
    laxer = copy.deepcopy(policy)
    laxer["checks"][0]["limit"] = {"max": 0.5}
    found = changes_of(run(laxer, biased))
    assert found.fixed == ()
    assert [(each.then, each.now) for each in found.verdicts] == [(Verdict.FAIL, Verdict.PASS)]


def test_a_value_beyond_the_approved_interval_has_moved(run, policy, rows, approve) -> None:
    approve(run(policy, rows({"f": (4000, 10_000), "m": (4100, 10_000)})))
    found = changes_of(run(policy, rows({"f": (3700, 10_000), "m": (4100, 10_000)})))
    assert ids(found.moved) == ["credit::gap::sex"]
    assert found.moved[0].then == found.moved[0].now == Verdict.PASS


def test_checks_that_come_and_go_are_told(run, policy, fair, biased, approve) -> None:
    approve(run(policy, fair))
    other = copy.deepcopy(policy)
    other["checks"] = [{**policy["checks"][0], "id": "renamed"}]
    found = changes_of(run(other, fair))
    assert ids(found.added) == ["credit::renamed::sex"]
    assert [(each.id, each.then, each.now) for each in found.removed] == [
        ("credit::gap::sex", "pass", None)
    ]
    assert found.fails == ()
    failing = changes_of(run(other, biased))
    assert ids(failing.fails) == ids(failing.added) == ["credit::renamed::sex"]


def test_inconclusive_that_failed_the_build_was_no_pass(run, policy, rows, approve) -> None:
    policy["checks"][0]["on_inconclusive"] = "fail"
    few = rows({"f": (20, 50), "m": (24, 50)})
    approve(run(policy, few))
    assert changes_of(run(policy, few)).fails == ()
    assert changes_of(run(policy, few)).unchanged == 1
    many = rows({"f": (4000, 10_000), "m": (4100, 10_000)})
    assert ids(changes_of(run(policy, many)).fixed) == ["credit::gap::sex"]


# -- what was not asked


def test_every_check_left_out_says_what_that_leaves_open(run, lax, few) -> None:
    left = {each.check: each for each in run(lax, few).audits[0].not_tested}
    assert "fairness.demographic_parity_difference" not in left
    assert all(each.leaves_open.endswith(".") for each in left.values())
    ratio = left["fairness.demographic_parity_ratio"]
    assert ratio.sibling == "fairness.demographic_parity_difference"
    assert left["privacy.membership_inference"].sibling == ""
    assert "fairness.exposure_ratio" not in left  # no task of two classes can ask for it


def test_columns_that_look_protected_and_are_not_declared_are_named(run, lax, few) -> None:
    few["Ethnic_Group"], few["mileage"], few["age"] = "x", 1, 30
    record = run(lax, few)
    found = {each.column: each.looks_like for each in record.audits[0].undeclared}
    assert found == {"Ethnic_Group": "race", "age": "age"}
    lax["subject"]["protected"]["age_band"] = {"column": "age", "bins": [40]}
    lax["subject"]["label"] = "y"
    again = {each.column for each in run(lax, few).audits[0].undeclared}
    assert again == {"Ethnic_Group"}


class Model:
    """Says yes to every second income."""

    classes_ = (0, 1)

    def __init__(self, *features: str) -> None:
        self.feature_names_in_ = list(features)

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        return (frame["income"].fillna(0) % 2).astype(int).to_numpy()


def with_model(policy):
    changed = copy.deepcopy(policy)
    del changed["subject"]["predictions"]
    return changed


def test_a_column_that_the_model_is_given_is_marked_and_its_gaps_are_counted(run, lax, few) -> None:
    few["income"], few["zip"] = range(len(few)), "x"
    few.loc[:9, "income"] = None
    record = run(with_model(lax), few, model=Model("income", "zip"))
    audit = record.audits[0]
    assert [(each.column, each.feature) for each in audit.undeclared] == [("zip", True)]
    assert audit.missing.columns == {"income": 10}
    assert (audit.missing.rows, audit.missing.features) == (200, 2)


def test_without_a_model_nothing_is_said_of_features(run, lax, few) -> None:
    assert run(lax, few).audits[0].missing is None


# -- days


@pytest.mark.parametrize(
    "days",
    [
        ["2026-01-31", "2025-12-01"],
        ["2026-01-31T23:59:59", "2025-12-01 08:00"],
        [date(2026, 1, 31), date(2025, 12, 1)],
        [datetime(2026, 1, 31, 9, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)],
        pd.to_datetime(["2026-01-31", "2025-12-01"]),
    ],
    ids=["texts", "times", "dates", "datetimes", "pandas"],
)
def test_the_first_and_the_last_day_are_found(run, lax, few, days) -> None:
    few["day"] = pd.Series(list(days) * 100)
    lax["subject"]["date"] = "day"
    found = run(lax, few).audits[0].subject.data.period
    assert (found.first, found.last, found.missing, found.unread) == (
        "2025-12-01",
        "2026-01-31",
        0,
        0,
    )


def test_days_are_found_batch_by_batch_in_every_format(lax, few, tmp_path) -> None:
    few["day"] = [f"2026-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(len(few))]
    big = pd.concat([few] * 340, ignore_index=True)  # more than one batch
    big.to_csv(tmp_path / "rows.csv", index=False)
    big.assign(day=pd.to_datetime(big["day"])).to_parquet(tmp_path / "rows.parquet")
    lax["subject"]["date"] = "day"
    found = [
        pytest_aipm.audit(lax, data=name, root=tmp_path).audits[0].subject.data.period
        for name in ("rows.csv", "rows.parquet")
    ]
    assert found[0] == found[1]
    assert (found[0].first, found[0].last) == (min(big["day"]), max(big["day"]))


def test_what_is_no_date_is_counted_and_never_guessed(run, lax, few) -> None:
    few["day"] = ["03/04/2026", "2026-02-30", None, "2026-02-01"] * 50
    lax["subject"]["date"] = "day"
    found = run(lax, few).audits[0].subject.data.period
    assert (found.first, found.last) == ("2026-02-01", "2026-02-01")
    assert (found.missing, found.unread) == (50, 100)


@pytest.mark.parametrize("value", [20260131, 3.5, True, "soon", [2026]])
def test_a_column_without_dates_has_no_period(run, lax, few, value) -> None:
    few["day"] = pd.Series([value] * len(few), dtype=object)
    lax["subject"]["date"] = "day"
    found = run(lax, few).audits[0].subject.data.period
    assert (found.first, found.last, found.unread) == (None, None, len(few))


def test_a_policy_without_a_date_says_nothing_of_days(run, lax, few) -> None:
    record = run(lax, few)
    assert record.audits[0].subject.data.period is None
    assert '"period"' not in record.to_json()


@pytest.mark.parametrize("role", ["label", "id", "date"])
def test_a_column_that_is_named_and_not_there_is_an_error_at_its_line(few, tmp_path, role) -> None:
    few.to_csv(tmp_path / "rows.csv", index=False)
    label = "" if role == "label" else "  label: y\n"
    (tmp_path / "p.aipm.yaml").write_text(
        "aipm: 1\nname: credit\ncontext: {purpose: a, owner: b}\nsubject:\n  task: binary\n"
        f"  predictions: pred\n  data: rows.csv\n  {role}: dya\n{label}  positive: 1\n"
        "  protected: {sex: sex}\nchecks:\n"  # this check reads none of the three
        "  - {check: fairness.demographic_parity_difference, limit: {max: 0.1}}\n"
    )
    (found,) = pytest_aipm.audit("p.aipm.yaml", root=tmp_path).findings
    assert found.verdict == Verdict.ERROR
    assert found.reason.startswith("p.aipm.yaml:8")
    assert "there is no column 'dya'" in found.reason
