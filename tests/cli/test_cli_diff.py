"""``aipm diff``: what changed between two audits, and what only looks like it."""

from __future__ import annotations

import re

import pytest

from pytest_aipm.records import (
    Approval,
    Asked,
    AuditGroup,
    BaselineComparison,
    BaselineRef,
    Because,
    Limit,
    Loosening,
    PairingInfo,
    RunVerdict,
    Verdict,
    WaiverInfo,
)

MOVED = "Same verdict, but moved beyond the old interval"


@pytest.fixture
def compare(aipm, project):
    """Compare two records, and return the lines below each title."""

    def run(old, new, *words):
        project.report(old, "old")
        project.report(new, "new")
        said = aipm("diff", "old", "new", *words)
        assert (said.code, said.err) == (0, "")
        sections, title = {"": []}, ""
        for line in said.out.splitlines():
            if line and not line.startswith(" "):
                title = line
                sections[title] = []
            elif line:
                sections[title].append(line.strip())
        return said.out, {key.partition(" (")[0]: lines for key, lines in sections.items() if lines}

    return run


def _waiver(state):
    return WaiverInfo(
        id="W-1",
        check="red::gap::sex",
        reason="the new form is on its way",
        owner="risk@example.org",
        expires="2099-01-01",
        state=state,
    )


def _baseline(sha256):
    approved = Approval(by="the owner", when="2023-11-14", reason="first")
    return BaselineRef(ref="aipm-baseline.json", sha256=sha256, approved=approved)


def test_the_same_record_twice_differs_in_nothing(compare, red):
    out, sections = compare(red, red)
    assert out.startswith("FAIL\nold old: run of ")
    assert out.endswith("\n\nNothing differs.\n")
    assert sections == {}


def test_a_new_fail_is_named_with_values_limit_and_reason(compare, red, edited):
    before = edited(
        red,
        "sex",
        verdict=Verdict.PASS,
        because=None,
        failing=False,
        value=0.05,
        interval=(0.02, 0.08),
    ).model_copy(update={"verdict": RunVerdict.UNPROVEN})
    out, sections = compare(before, red)
    assert out.startswith("UNPROVEN -> FAIL\n")
    first, reason = sections["New fails"]
    numbers = r"0\.050? \(.* to .*\) -> 0\.30* \(.* to .*\)"
    assert re.fullmatch(rf"red::gap::sex: pass -> fail, {numbers}, limit <= 0\.10", first)
    assert "30 of 100 for F" in reason
    assert MOVED not in sections
    assert "Other verdicts" not in sections
    assert "New fails (1)" in out


def test_fixed_means_that_it_holds_by_the_same_rules(compare, red, edited):
    good = edited(red, "sex", verdict=Verdict.PASS, because=None, failing=False, value=0.05)
    _, sections = compare(red, good)
    assert sections["Fixed"][0].startswith("red::gap::sex: fail -> pass")


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": Verdict.INCONCLUSIVE},
        {"verdict": Verdict.NOT_JUDGED, "because": Because.DISABLED},
        {"verdict": Verdict.WAIVED},
        {"verdict": Verdict.PASS, "limit": Limit(max=0.5)},
        {"verdict": Verdict.WARN, "severity": "advice"},
    ],
)
def test_a_fail_that_is_not_shown_to_hold_now_is_not_fixed(compare, red, edited, change):
    _, sections = compare(red, edited(red, "sex", failing=False, **change))
    assert "Fixed" not in sections
    assert sections["Other verdicts"][0].startswith("red::gap::sex: fail -> ")


def test_a_regression_that_a_new_baseline_swallowed_is_not_fixed(compare, red, edited):
    was = edited(red, "sex", audit={"baseline": _baseline("a" * 64)}, because=Because.REGRESSION)
    now = edited(
        red,
        "sex",
        audit={"baseline": _baseline("b" * 64)},
        verdict=Verdict.PASS,
        because=None,
        failing=False,
    )
    _, sections = compare(was, now)
    assert "Fixed" not in sections
    assert sections["Other verdicts"][0].endswith("decided by other rules than before")


def test_a_value_inside_the_old_interval_has_not_moved(compare, red, edited):
    low, high = red.findings[0].interval
    inside = edited(red, "sex", value=(low + high) / 2)
    outside = edited(red, "sex", value=high + 0.01)
    assert MOVED not in compare(red, inside)[1]
    assert compare(red, outside)[1][MOVED][0].startswith("red::gap::sex")
    gone = edited(red, "sex", value=None, interval=None)
    assert "-> no value" in compare(red, gone)[1][MOVED][0]


def test_added_and_removed_checks_are_listed_and_a_removed_one_weakens(compare, red, green):
    _, sections = compare(red, green)
    assert sections["Checks added"][0].startswith("green::gap::region: pass, ")
    assert len(sections["Checks removed"]) == 3
    assert sections["What weakens the gate"] == ["red: this policy is no longer audited"]
    assert sections["Also different"] == ["green: not audited before"]
    _, sections = compare(green, red)
    assert sections["New fails"][0].startswith("red::gap::sex: fail, ")


def test_one_missing_finding_is_no_longer_checked(compare, red, edited):
    (audit,) = red.audits
    fewer = edited(red, "sex", audit={"findings": audit.findings[1:]})
    _, sections = compare(red, fewer)
    assert sections["Checks removed"][0].startswith("red::gap::sex: fail, ")
    assert "red: no longer checked: red::gap::sex" in sections["What weakens the gate"]


def _sections_of(compare, old, new):
    return compare(old, new)[1].get("What weakens the gate", [])


def test_everything_that_asks_for_less_is_listed(compare, red, edited):
    (audit,) = red.audits
    subject = audit.subject
    fewer = subject.model_copy(update={"data": subject.data.model_copy(update={"rows": 100})})
    other = subject.model_copy(update={"decision": "another column"})
    unknown = (*audit.groups, AuditGroup(group={"sex": "(unknown)"}, n=40))
    loosened = audit.policy.model_copy(
        update={"loosened": (Loosening(check_id="gap", what="wider", reason="r", owner="o"),)}
    )
    groups = tuple(g.model_copy(update={"judged": False}) for g in red.findings[0].groups[:1])
    cases = [
        (edited(red, "sex", limit=Limit(max=0.2)), "red::gap::sex: maximum 0.2 instead of 0.1"),
        (edited(red, "sex", severity="advice"), "red::gap::sex: severity advice instead of error"),
        (edited(red, "-", audit={"subject": fewer}), "red: fewer rows: 100 instead of 400"),
        (edited(red, "-", audit={"subject": other}), "red: another decision rule: another column"),
        (edited(red, "-", audit={"groups": unknown}), "red: more unknown sex: "),
        (
            edited(red, "-", audit={"waivers": (_waiver("applied"),)}),
            "red: waived now: red::gap::sex by W-1 (risk@example.org), 2099-01-01",
        ),
        (edited(red, "-", audit={"policy": loosened}), "red: loosened now: gap: wider"),
        (
            edited(red, "sex", groups=groups),
            "red::gap::sex: groups no longer judged: F",
        ),
        (
            edited(red, "sex", verdict=Verdict.NOT_JUDGED, because=Because.NO_EVIDENCE),
            "red::gap::sex: no longer judged (no evidence)",
        ),
        (
            red.model_copy(update={"partial": True, "missing": ("x",)}),
            "the new run is partial: 1 planned checks have no finding",
        ),
        (
            red.model_copy(update={"run": red.run.model_copy(update={"seed": 7})}),
            "red: another seed: 7 instead of 0",
        ),
    ]
    for new, line in cases:
        assert any(said.startswith(line) for said in _sections_of(compare, red, new)), line
    assert _sections_of(compare, red, red) == []


@pytest.mark.parametrize(
    ("before", "now", "line"),
    [
        ({}, {"expires": "2099-06-30"}, "waived by W-1 until 2099-06-30 instead of 2099-01-01"),
        (
            {"floor": Limit(max=0.4)},
            {"floor": Limit(max=0.5)},
            "floor of waiver W-1 at most 0.50 instead of at most 0.40",
        ),
        (
            {"floor": Limit(min=0.4)},
            {"floor": None},
            "floor of waiver W-1 none instead of at least 0.40",
        ),
        (
            {"model_sha256": "a" * 64},
            {"model_sha256": "b" * 64},
            "waived by W-1 for model bbbbbbbbbbbb instead of aaaaaaaaaaaa",
        ),
        (
            {"model_sha256": "a" * 64},
            {"model_sha256": None},
            "waived by W-1 for any model instead of aaaaaaaaaaaa",
        ),
    ],
    ids=["longer", "a wider floor", "no floor", "another model", "any model"],
)
def test_a_waiver_that_covers_more_is_listed(compare, red, edited, before, now, line):
    one = _waiver("applied").model_copy(update=before)
    old = edited(red, "-", audit={"waivers": (one,)})
    new = edited(red, "-", audit={"waivers": (one.model_copy(update=now),)})
    assert _sections_of(compare, old, new) == [f"red::gap::sex: {line}"]
    # what covers less weakens nothing
    if now.get("model_sha256") != "b" * 64:
        assert _sections_of(compare, new, old) == []


def test_what_compares_less_is_listed(compare, red, edited):
    def with_change(limit):
        compared = BaselineComparison(verdict="same", limit=limit)
        asked = Asked(max_change=limit)
        update = {"baseline": compared, "asked": asked}
        return edited(red, "sex", audit={"baseline": _baseline("a" * 64)}, **update)

    tight = with_change(0.02)
    assert "red::gap::sex: change allowed 0.05 instead of 0.02" in _sections_of(
        compare, tight, with_change(0.05)
    )
    assert "red::gap::sex: change allowed any instead of 0.02" in _sections_of(
        compare, tight, with_change(None)
    )
    assert "red: no longer compared with an approved baseline" in _sections_of(compare, tight, red)


def test_rows_that_are_no_longer_paired_are_listed(compare, red, edited):
    def with_pairing(paired, said):
        return edited(red, "sex", audit={"pairing": PairingInfo(paired=paired, said=said)})

    paired = with_pairing(True, "all 400 approved rows are paired")
    assert "red: no longer compared on the same rows: KEY is not set" in _sections_of(
        compare, paired, with_pairing(False, "KEY is not set")
    )
    assert "red: no longer compared on the same rows" in _sections_of(compare, paired, red)
    assert _sections_of(compare, red, paired) == []


def test_an_undecided_finding_that_no_longer_fails_is_listed(compare, red, edited):
    strict = edited(red, "team", verdict=Verdict.INCONCLUSIVE, failing=True)
    out, sections = compare(strict, red)
    assert "red::gap::team: inconclusive no longer fails" in sections["What weakens the gate"]
    assert "inconclusive (fails the build)" not in out
    _, sections = compare(red, strict)
    assert "inconclusive -> inconclusive (fails the build)" in sections["New fails"][0]


def test_an_old_record_with_errors_and_holes_can_still_be_compared(compare, red, edited):
    broken = edited(
        red, "sex", verdict=Verdict.ERROR, because=Because.ERROR, value=None, interval=None
    ).model_copy(update={"partial": True, "missing": ("x",)})
    out, sections = compare(broken, red)
    assert ", PARTIAL\n" in out
    assert sections["Other verdicts"][0].startswith("red::gap::sex: error -> fail, no value -> 0.3")


def test_policy_model_data_and_versions_that_differ_are_said(compare, red, edited):
    (audit,) = red.audits
    policy = audit.policy.model_copy(update={"sha256": "f" * 64})
    versions = {**red.run.versions, "numpy": "0.0"}
    new = edited(red, "-", audit={"policy": policy})
    new = new.model_copy(update={"run": new.run.model_copy(update={"versions": versions})})
    _, sections = compare(red, new)
    assert sections["Also different"] == [
        f"red: policy {audit.policy.sha256[:12]} -> ffffffffffff",
        f"numpy {red.run.versions['numpy']} -> 0.0",
    ]


def test_numbers_of_few_people_are_withheld(compare, red, edited):
    (audit,) = red.audits
    policy = audit.policy.model_copy(update={"min_cell": 20})  # team Y has 16 rows
    old = edited(red, "-", audit={"policy": policy})
    new = edited(old, "team", value=0.9)
    _, sections = compare(old, new)
    assert MOVED not in sections  # that it moved is a number, too: few are possible
    red_now = edited(new, "team", verdict=Verdict.FAIL, failing=True, because=Because.LIMIT)
    for words in ((), ("--markdown",)):
        out, _ = compare(old, red_now, *words)
        assert "red::gap::team" in out
        assert "withheld" in out
        assert "0.9" not in out.replace("0.95", "")


def test_two_findings_of_one_id_are_not_mixed_up(compare, red, edited):
    first, *_ = red.findings
    twice = (first, first.model_copy(update={"value": 0.05, "interval": (0.0, 0.09)}))
    old = edited(red, "-", audit={"findings": twice})
    moved = (first, twice[1].model_copy(update={"value": 0.2}))
    _, sections = compare(old, edited(red, "-", audit={"findings": moved}))
    (line,) = sections[MOVED]
    assert re.fullmatch(
        r"red::gap::sex: fail, 0\.050? .* -> 0\.20* .*, limit <= 0\.10, worse", line
    )


def test_what_moved_says_whether_for_the_better(compare, red, edited):
    (low, high), limit = red.findings[0].interval, Limit(min=0.1)
    worse = edited(red, "sex", value=high + 0.01)
    assert compare(red, worse)[1][MOVED][0].endswith("limit <= 0.10, worse")
    floor = edited(red, "sex", limit=limit)
    better = edited(floor, "sex", value=high + 0.01)
    assert compare(floor, better)[1][MOVED][0].endswith("limit >= 0.10, better")
    both = edited(red, "sex", limit=Limit(min=0.1, max=0.9))
    assert compare(both, edited(both, "sex", value=low - 0.01))[1][MOVED][0].endswith("0.90")


def test_the_first_lines_say_how_much_differs(compare, red, edited):
    good = edited(red, "sex", verdict=Verdict.PASS, because=None, failing=False, value=0.05)
    assert compare(red, good)[0].splitlines()[3] == "1 fixed, 2 of 3 checks as before"


def test_every_difference_between_waivers_is_listed(compare, red, edited):
    one = _waiver("applied")
    late = one.model_copy(update={"state": "expired", "expires": "2026-01-01"})
    with_one, with_late = (edited(red, "-", audit={"waivers": (w,)}) for w in (one, late))
    whole = "W-1 for red::gap::sex, by risk@example.org, until 2099-01-01, applied: the new form "
    assert compare(red, with_one)[1]["Waivers"] == [f"new: {whole}is on its way"]
    assert compare(with_one, red)[1]["Waivers"] == [f"gone: {whole}is on its way"]
    assert compare(with_one, with_late)[1]["Waivers"] == [
        "W-1 for red::gap::sex: applied -> expired, until 2099-01-01 -> 2026-01-01"
    ]
    assert "Waivers" not in compare(with_one, with_one)[1]


HOSTILE = (
    "@team `x` <b>|",
    "x``",
    "a\n\n# b",
    "\u202eevil\x1b[31m",
    "[l](http://e.org) #1",
    "W" * 9999,
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_from_data_neither_format_nor_mention(aipm, project, red, edited, name):
    (audit,) = red.audits
    named = (*audit.groups, AuditGroup(group={"sex": name}, n=40))
    waived = _waiver("applied").model_copy(update={"owner": name, "reason": name})
    new = edited(red, "sex", reason=name, verdict=Verdict.ERROR, audit={"waivers": (waived,)})
    project.report(edited(red, "sex", failing=False, audit={"groups": named}), "old")
    project.report(new, "new")
    said = aipm("diff", "old", "new", "--markdown").out
    assert said.startswith("## FAIL · two audits compared\n\n- old: old: run of ")
    assert "**What weakens the gate (2)**\n\n" in said
    rows = [line for line in said.splitlines() if line.startswith("| red::")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert all(re.match(r"$|## |- |\*\*[A-Z]|\||[0-9]+ ", line) for line in said.splitlines())
    assert not re.search(r"<|(?<!\\)`|@(?!\u200b)|://(?!\u200b)|#\d|\u202e|\x1b", said)
    assert max(map(len, said.splitlines())) < 4000
    plain = aipm("diff", "old", "new").out
    assert not re.search(r"\u202e|\x1b", plain)


@pytest.mark.parametrize("side", [0, 1])
def test_an_unreadable_side_is_exit_4(aipm, project, red, side):
    project.report(red, "good")
    project.file("bad/audit.json", "{")
    words = ["good", "good"]
    words[side] = "bad"
    said = aipm("diff", *words)
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith("bad: is no audit.json of this version")
