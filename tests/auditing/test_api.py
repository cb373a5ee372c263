"""`pytest_aipm.audit`: the whole engine without pytest."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import pytest_aipm
from pytest_aipm.records import Record, RunVerdict, Verdict


def only(record):
    (finding,) = record.findings
    return finding


def test_a_fair_model_passes_and_a_biased_one_fails(run, policy, fair, biased):
    assert run(policy, fair).verdict == RunVerdict.PASS
    record = run(policy, biased)
    assert record.verdict == RunVerdict.FAIL
    finding = only(record)
    assert finding.value == pytest.approx(0.16)
    assert finding.id == "credit::gap::sex"
    assert "25 of 100 for f, 41 of 100 for m" in finding.reason
    assert [group.numerator for group in finding.groups] == [2500, 4100]


def test_a_record_goes_to_a_frame_to_a_folder_and_back(run, policy, biased, tmp_path):
    record = run(policy, biased)
    assert record.to_frame().loc[0, "verdict"] == "fail"
    record.write(tmp_path / "out")
    stored = (tmp_path / "out" / "audit.json").read_text(encoding="utf-8")
    assert Record.from_json(stored) == record
    assert stored.lstrip("{\n ").startswith('"_notice"')
    assert (tmp_path / "out" / "index.html").exists()


def test_raise_if_failed_names_group_value_interval_and_limit(run, policy, fair, biased):
    run(policy, fair).raise_if_failed()
    with pytest.raises(pytest_aipm.CheckViolation, match=r"0\.160 \(interval .* limit ≤ 0\.10"):
        run(policy, biased).raise_if_failed()


def test_nothing_the_user_owns_is_changed(run, policy, biased):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = (random.getstate(), np.random.get_state()[1].tolist(), biased.copy())  # noqa: NPY002
    run(policy, biased)
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert biased.equals(before[2])


def test_the_same_seed_gives_the_same_record(run, policy, fair, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    policy["checks"].append(
        {"check": "performance.metric", "id": "f1", "metric": "f1", "limit": {"min": 0.1}}
    )
    assert run(policy, fair).to_json() == run(policy, fair).to_json()
    assert run(policy, fair).digest != run(policy, fair, seed=3).digest


def test_a_column_that_is_missing_is_an_error_in_one_line_and_no_pass(run, policy, fair):
    policy["subject"]["predictions"] = "predd"
    record = run(policy, fair)
    finding = only(record)
    assert (record.verdict, finding.verdict) == (RunVerdict.FAIL, Verdict.ERROR)
    assert "predd" in finding.reason
    assert "did you mean 'pred'" in finding.reason
    assert "\n" not in finding.reason


def test_a_check_that_breaks_is_an_error_not_a_pass(run, policy, fair, monkeypatch):
    from pytest_aipm.checks.fairness import demographic_parity_difference

    def broken(*_):
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(demographic_parity_difference, "check", broken)
    finding = only(run(policy, fair))
    assert finding.verdict == Verdict.ERROR
    assert "ZeroDivisionError: boom" in finding.reason


def test_a_disabled_check_is_shown_and_proves_nothing(run, policy, fair):
    policy["checks"].append({**policy["checks"][0], "id": "off", "enabled": False})
    record = run(policy, fair)
    assert [finding.verdict for finding in record.findings] == [Verdict.PASS, Verdict.NOT_JUDGED]
    assert record.findings[1].because == "disabled"


def test_a_model_and_a_frame_from_memory(run, policy, fair):
    class Model:
        classes_ = np.array([0, 1])

        def predict(self, frame):
            return (frame["score"] > 0.5).to_numpy().astype(int)

        def predict_proba(self, frame):
            score = frame["score"].to_numpy()
            return np.column_stack([1 - score, score])

    del policy["subject"]["predictions"]
    policy["subject"]["features"] = ["score"]
    policy["subject"]["decision"] = {"threshold": 0.5}
    data = fair.assign(score=fair.pred * 0.8 + 0.1)
    record = run(policy, data, model=Model())
    assert record.verdict == RunVerdict.PASS
    assert record.audits[0].subject.model.kind
    assert record.audits[0].subject.decision == "favorable when score >= 0.5"


def test_what_was_audited_is_in_the_record(run, policy, fair):
    audit = run(policy, fair).audits[0]
    assert audit.subject.data.rows == 20_000
    assert audit.subject.data.sha256
    assert {group.group["sex"]: group.n for group in audit.groups} == {"f": 10_000, "m": 10_000}
    assert "fairness.equalized_odds_difference" in {each.check for each in audit.not_tested}


def test_a_policy_that_is_wrong_is_refused_before_anything_runs(run, policy, fair):
    policy["checks"][0]["limitt"] = {"max": 1}
    with pytest.raises(pytest_aipm.UsageFault, match="did you mean 'limit'"):
        run(policy, fair)


def test_less_evidence_never_turns_red_into_green(run, policy, biased):
    for seed in range(5):
        few = biased.sample(frac=0.2, random_state=seed)
        assert run(policy, few).verdict != RunVerdict.PASS


def test_a_digest_confirms_no_guess_at_a_withheld_count(run, policy, rows, tmp_path, monkeypatch):
    """The published digest is of a record with a salt, which follows from nothing published."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")  # a second run is of the same second
    data = rows({"f": (4000, 10_000), "m": (4100, 10_000), "x": (2, 3)})
    record = run(policy, data)
    salt = record.audits[0].subject.data.salt
    assert len(salt) == 64
    assert salt != record.audits[0].subject.data.sha256
    assert run(policy, data).digest == record.digest
    assert run(policy, data.iloc[::-1]).audits[0].subject.data.salt != salt
    data.to_csv(tmp_path / "data.csv", index=False)
    of_file = run(policy, "data.csv")
    assert of_file.audits[0].subject.data.salt not in (salt, None)
    for one in (record, of_file):
        one.write(tmp_path / "out")
        salt = one.audits[0].subject.data.salt
        for path in (tmp_path / "out").iterdir():
            assert (salt in path.read_text(encoding="utf-8")) is (path.name == "audit.json")
        published = pytest_aipm.report.publishable(one)
        assert salt not in published.to_json()


@pytest.mark.parametrize("given", ["policies/credit.aipm.yaml", "here/policies/credit.aipm.yaml"])
def test_a_relative_root_finds_the_policy_and_what_it_names(
    given, policy, fair, tmp_path, monkeypatch
):
    """A policy may be named as seen from `root`, or from the current folder."""
    (tmp_path / "here" / "policies").mkdir(parents=True)
    fair.to_csv(tmp_path / "here" / "rows.csv", index=False)
    policy["subject"]["data"] = "rows.csv"
    (tmp_path / "here" / "policies" / "credit.aipm.yaml").write_text(json.dumps(policy))
    monkeypatch.chdir(tmp_path)
    record = pytest_aipm.audit(given, root="here")
    assert record.verdict == RunVerdict.PASS
    assert record.audits[0].policy.path == "policies/credit.aipm.yaml"
    with pytest.raises(pytest_aipm.UsageFault, match=r"^gone\.aipm\.yaml: there is no such policy"):
        pytest_aipm.audit("gone.aipm.yaml", root="here")
