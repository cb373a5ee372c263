"""Waivers mark a failing finding; they never remove it and never cover what was not measured."""

from __future__ import annotations

import pytest

from pytest_aipm.errors import WaiverError
from pytest_aipm.records import RunVerdict, Verdict
from pytest_aipm.report.html import index_html
from pytest_aipm.report.markdown import summary_md
from pytest_aipm.report.terminal import terminal_lines

WAIVER = """\
waivers:
  - id: W-1
    check: credit::gap::sex
    reason: new data arrives in January
    owner: risk@example.org
    ticket: RISK-1
    created: {created}
    expires: {expires}
    {extra}
"""


@pytest.fixture
def waive(tmp_path, monkeypatch):
    """Write the waivers file; the clock stands at 2026-09-21 UTC."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")

    def write(expires="2026-12-31", extra="", created="2026-01-01"):
        folder = tmp_path / "policies"
        folder.mkdir(exist_ok=True)
        text = WAIVER.format(expires=expires, extra=extra, created=created)
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
    ("created", "verdict"), [("2026-09-21", Verdict.WAIVED), ("2026-09-22", Verdict.FAIL)]
)
def test_a_waiver_does_not_hold_before_its_first_day(run, policy, biased, waive, created, verdict):
    waive(created=created)
    record = run(policy, biased)
    assert only(record).verdict == verdict
    if verdict == Verdict.FAIL:
        assert only(record).reason.endswith("(waiver W-1 holds from 2026-09-22)")
        assert record.audits[0].waivers[0].state == "unused"


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
    second = WAIVER.format(created="2026-01-01", expires="2026-12-31", extra="").replace(
        "W-1", "W-2"
    )
    second = second.replace("2026-01-01", "2026-07-01").removeprefix("waivers:\n")
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n" + second, encoding="utf-8")
    record = run(policy, biased)
    assert only(record).verdict == Verdict.WAIVED
    assert [(each.id, each.state) for each in record.audits[0].waivers] == [
        ("W-1", "expired"),
        ("W-2", "applied"),
    ]


def test_before_a_renewal_begins_the_older_waiver_is_the_one_in_force(
    run, policy, biased, waive, tmp_path
):
    waive(expires="2026-10-31", extra="floor: {max: 0.12}")
    path = tmp_path / "policies" / "waivers.yaml"
    second = WAIVER.format(created="2026-01-01", expires="2027-03-31", extra="").replace(
        "W-1", "W-2"
    )
    second = second.replace("2026-01-01", "2026-11-01").removeprefix("waivers:\n")
    path.write_text(path.read_text(encoding="utf-8").rstrip() + "\n" + second, encoding="utf-8")
    record = run(policy, biased)
    assert only(record).verdict == Verdict.FAIL
    assert [(each.id, each.state, each.note) for each in record.audits[0].waivers] == [
        ("W-1", "exceeded", "beyond the floor of waiver W-1"),
        ("W-2", "unused", "holds from 2026-11-01"),
    ]


# -- what the last fourteen days say -----------------------------------------------------------


def views(record):
    """The terminal, the first screen of the page, and the summary."""
    page = index_html(record)
    return (
        "\n".join(terminal_lines(record)),
        page[: page.index("<table class=list>")],
        summary_md(record),
    )


@pytest.mark.parametrize(
    ("expires", "note"),
    [
        ("2026-10-06", ""),  # fifteen days after the day of the run
        ("2026-10-05", "ends in 14 days (2026-10-05)"),
        ("2026-09-22", "ends tomorrow (2026-09-22)"),
        ("2026-09-21", "ends today (2026-09-21)"),
    ],
)
def test_a_waiver_that_ends_soon_is_announced_everywhere(run, policy, biased, waive, expires, note):
    waive(expires=expires)
    record = run(policy, biased)
    (waiver,) = record.audits[0].waivers
    assert (waiver.state, waiver.note) == ("applied", note)
    assert record.verdict == RunVerdict.PASS
    for text in views(record):
        assert ("aiver W-1 ends" in text) == bool(note)
        assert note in text


def test_an_expired_waiver_is_told_on_the_first_screen_too(run, policy, biased, waive):
    waive(expires="2026-09-20")
    terminal, page, summary = views(run(policy, biased))
    assert "!  waiver W-1 expired: waiver W-1 expired on 2026-09-20" in terminal
    assert "1 waiver expired: W-1" in page
    assert "1 waiver expired: W-1" in summary


def test_waivers_of_an_earlier_model_are_counted_where_everyone_looks(
    run, policy, biased, waive, tmp_path
):
    policy["checks"].append({**policy["checks"][0], "id": "again"})
    waive(extra=f"model_sha256: {'a' * 64}")
    path = tmp_path / "policies" / "waivers.yaml"
    text = path.read_text(encoding="utf-8")
    second = text.removeprefix("waivers:\n").replace("W-1", "W-2").replace("::gap::", "::again::")
    path.write_text(text + second, encoding="utf-8")
    record = run(policy, biased)
    assert [each.verdict for each in record.findings] == [Verdict.FAIL] * 2
    assert all("given for another model" in each.reason for each in record.findings)
    for text in views(record):
        assert "2 waivers voided by the new model: W-1 and W-2" in text


def test_a_waiver_of_another_policy_is_ignored_and_one_of_an_unknown_check_refused(
    run, policy, biased, waive, tmp_path
):
    waive()
    path = tmp_path / "policies" / "waivers.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("credit::", "other::"), encoding="utf-8")
    record = run(policy, biased)
    assert only(record).verdict == Verdict.FAIL
    assert record.audits[0].waivers == ()
    path.write_text(text.replace("::gap::", "::gpa::"), encoding="utf-8")
    with pytest.raises(WaiverError, match="no finding 'credit::gpa::sex'; did you mean 'credit::g"):
        run(policy, biased)


def test_a_waiver_covers_what_is_forced_to_fail_undecided_but_nothing_that_passes_by_itself(
    run, policy, rows, waive
):
    waive()
    few = rows({"f": (15, 50), "m": (20, 50)})
    record = run(policy, few)
    assert (only(record).verdict, only(record).waiver.state) == (Verdict.INCONCLUSIVE, "not_needed")
    policy["checks"][0]["on_inconclusive"] = "fail"
    record = run(policy, few)
    assert (only(record).verdict, only(record).waiver.state) == (Verdict.WAIVED, "applied")
