"""Waivers mark a failing finding; they never remove it and never cover what was not measured."""

from __future__ import annotations

import pytest

from pytest_aipm.records import RunVerdict, Verdict

WAIVER = """\
waivers:
  - id: W-1
    check: credit::gap::sex
    reason: new data arrives in January
    owner: risk@example.org
    ticket: RISK-1
    created: 2026-01-01
    expires: {expires}
    {extra}
"""


@pytest.fixture
def waive(tmp_path, monkeypatch):
    """Write the waivers file; the clock stands at 2026-09-21 UTC."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")

    def write(expires="2026-12-31", extra=""):
        folder = tmp_path / "policies"
        folder.mkdir(exist_ok=True)
        text = WAIVER.format(expires=expires, extra=extra)
        (folder / "waivers.yaml").write_text(text, encoding="utf-8")

    return write


def only(record):
    (finding,) = record.findings
    return finding


def test_a_waived_failure_is_marked_and_the_build_stays_green(run, policy, biased, waive):
    waive()
    record = run(policy, biased)
    finding = only(record)
    assert (finding.verdict, finding.failing) == (Verdict.WAIVED, False)
    assert finding.waiver.owner == "risk@example.org"
    assert finding.value == pytest.approx(0.16)
    assert record.verdict == RunVerdict.PASS
    assert record.audits[0].waivers[0].state == "applied"


@pytest.mark.parametrize(
    ("expires", "verdict"), [("2026-09-21", Verdict.WAIVED), ("2026-09-20", Verdict.FAIL)]
)
def test_the_last_day_counts_and_the_next_does_not(run, policy, biased, waive, expires, verdict):
    waive(expires=expires)
    finding = only(run(policy, biased))
    assert finding.verdict == verdict
    if verdict == Verdict.FAIL:
        assert "waiver W-1 expired on 2026-09-20" in finding.reason


@pytest.mark.parametrize(
    ("extra", "verdict", "state"),
    [
        ("floor: {max: 0.20}", Verdict.WAIVED, "applied"),
        ("floor: {max: 0.12}", Verdict.FAIL, "exceeded"),
        (f"model_sha256: {'a' * 64}", Verdict.FAIL, "voided"),
    ],
)
def test_a_waiver_covers_no_more_than_it_says(run, policy, biased, waive, extra, verdict, state):
    waive(extra=extra)
    finding = only(run(policy, biased))
    assert (finding.verdict, finding.waiver.state) == (verdict, state)


def test_a_waiver_that_is_no_longer_needed_says_so(run, policy, fair, waive):
    waive()
    finding = only(run(policy, fair))
    assert (finding.verdict, finding.waiver.state) == (Verdict.PASS, "not_needed")


def test_a_crash_is_never_waived(run, policy, biased, waive):
    waive()
    policy["subject"]["predictions"] = "nothing"
    record = run(policy, biased)
    assert only(record).verdict == Verdict.ERROR
    assert record.verdict == RunVerdict.FAIL


def test_a_renewed_waiver_takes_the_place_of_the_expired_one(run, policy, biased, waive, tmp_path):
    waive(expires="2026-06-30")
    path = tmp_path / "policies" / "waivers.yaml"
    second = WAIVER.format(expires="2026-12-31", extra="").replace("W-1", "W-2")
    second = second.replace("2026-01-01", "2026-07-01").removeprefix("waivers:\n")
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n" + second, encoding="utf-8")
    record = run(policy, biased)
    assert only(record).verdict == Verdict.WAIVED
    assert [(each.id, each.state) for each in record.audits[0].waivers] == [
        ("W-1", "expired"),
        ("W-2", "applied"),
    ]
