"""Terminal and Markdown: the verdict last or first, and nothing from data that steers a reader."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from report_samples import ARABIC, LONG, SCRIPT, diabetes, finding, lending, record_of, waiver

from pytest_aipm.records import GroupValue, Loosening, Record, Verdict
from pytest_aipm.report import summary_md, terminal_lines
from pytest_aipm.report.page import page_of
from pytest_aipm.report.plain import columns_of
from pytest_aipm.report.words import TIMES
from pytest_aipm.violation import CheckViolation

ANSI = re.compile(r"\x1b\[[\d;]*m")


def test_the_last_lines_count_and_conclude(lending: Record) -> None:
    lines = terminal_lines(lending, width=100, report_path="aipm-report/index.html")
    assert lines[-2] == (
        "12 checks: 4 pass, 2 fail, 1 error, 2 inconclusive, 1 warn, 1 waived, 1 not judged"
    )
    assert lines[-1] == "FAIL · report: aipm-report/index.html"


def test_unproven_is_yellow_and_never_green(unproven: Record) -> None:
    lines = terminal_lines(unproven, width=100, color=True)
    assert lines[-1] == "\x1b[1;33mUNPROVEN\x1b[0m"
    heading = lines[0]
    assert "\x1b[1;33mUNPROVEN" in heading
    assert "32m" not in heading + lines[-1]


def test_a_pass_is_green(passing: Record) -> None:
    assert terminal_lines(passing, color=True)[-1] == "\x1b[1;32mPASS\x1b[0m"


def test_colours_change_no_letter(rich: Record) -> None:
    plain = terminal_lines(rich, width=90)
    coloured = terminal_lines(rich, width=90, color=True)
    assert [ANSI.sub("", line) for line in coloured] == plain


def test_the_table_is_worst_first_and_tells_why(lending: Record) -> None:
    lines = terminal_lines(lending, width=110)
    letters = [line[0] for line in lines[1:] if re.match(r"[FEiwx.s]  ", line)]
    assert "".join(letters) == "FFEiiwx....s"
    assert lines[1] == "F  selection-rate  sex-x-race  0.66 [0.60, 0.73]        >= 0.80  limit"
    assert lines[2].startswith("   - selection rate 47 of 100 for female · Black, 71 of 100")
    assert lines[2].endswith(
        "Worse than the approved baseline (0.75 then, change \N{MINUS SIGN}0.09)."
    )


def test_only_what_needs_explaining_is_explained(lending: Record) -> None:
    lines = terminal_lines(lending, width=110)
    explained = sum(
        f.verdict.value not in {"pass", "not_judged", "waived"} for f in lending.findings
    )
    assert sum(line.startswith("   - ") for line in lines) == explained
    assert "2 of 3" not in "\n".join(lines)
    assert any("about 9,410 rows" in line.lower() for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_rows_fit_the_terminal(rich: Record, width: int) -> None:
    for line in terminal_lines(rich, width=width):
        if re.match(r"[FEiwx.s]  ", line):
            assert columns_of(line) <= width


def test_a_long_id_loses_its_middle_and_the_reason_stays() -> None:
    one = next(f for f in lending().findings if f.verdict is Verdict.FAIL)
    long = one.model_copy(update={"check_id": "share-of-people-who-are-refused-wrongly-in-2026"})
    record = record_of(lending().model_copy(update={"findings": (long,)}))
    row = terminal_lines(record, width=80)[1]
    assert len(row) <= 80
    assert row.startswith("F  share-of-people-")
    assert "…ly-in-2026  sex-x-race  0.66 [0.60, 0.73]  >= 0.80  limit" in row
    narrow = terminal_lines(record, width=64)[1]
    assert narrow.endswith("limit")
    assert all(each in terminal_lines(record, width=200)[1] for each in ("limit", "sex-x-race"))


def test_names_from_data_cannot_steer_the_terminal_or_a_build_log() -> None:
    name = "a\x1b[2J\n::error::x\u202e"
    one = finding("x.y", name, (name,), "fail", reason=f"{name}: 0.2\n::set-output::")
    lines = terminal_lines(record_of(lending().model_copy(update={"findings": (one,)})))
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.lstrip().startswith("::") for line in lines)


def test_a_partial_run_and_its_warnings_are_told() -> None:
    audit = lending().model_copy(update={"warnings": ("scikit-learn differs",)})
    record = record_of(audit, partial=True, missing=("a::b::c",))
    lines = terminal_lines(record, report_path="r/index.html")
    assert lines[-1] == "FAIL · PARTIAL · report: r/index.html"
    assert lines[-2].startswith("PARTIAL: 1 planned check did not run.")
    assert "!  scikit-learn differs" in lines
    assert "!  waiver W-2026-01 expired: expired 22 days before this run" in lines
    assert "!  weaker than the baseline: rows: 5,000 then, 3,757 now" in lines


def test_a_run_without_checks_says_so() -> None:
    empty = record_of(lending().model_copy(update={"findings": ()}))
    assert terminal_lines(empty)[-2] == "0 checks: nothing measured"


def test_the_summary_has_verdict_sentence_table_and_waivers(lending: Record) -> None:
    text = summary_md(lending)
    assert text.startswith("## FAIL · model audit\n")
    assert "2 of 12 checks fail" in text
    scope = f"by sex{TIMES}race"
    assert f"Worst: selection-rate {scope}: Selection rate {scope}: 47 of 100" in text
    assert f"| ■ Fail | selection-rate by sex{TIMES}race | 0.66 | 0.60 to 0.73 | ≥ 0.80 |" in text
    assert "| W-2026-03 | credit-approval::selection-rate::sex | applied |" in text
    assert "Statistical evidence, not a legal opinion." in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    bare = [re.sub(r"\\\|", "", line) for line in rows]
    assert {line.count("|") for line in bare} == {7}


def test_several_policies_have_a_table_each(rich: Record) -> None:
    text = summary_md(rich)
    assert text.count("| Verdict |") == 2
    assert "### diabetes-progression: UNPROVEN" in text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        (SCRIPT, "&lt;script&gt;"),
        ("a|b", r"a\|b"),
        ("@someone", "@\u200bsomeone"),
        ("fixes #12", "fixes #\u200b12"),
        ("https://example.org", "https://\u200bexample.org"),
        ("www.example.org", "www\u200b.example.org"),
        ("[click](x)", r"\[click\](x)"),
        ("`code`", r"\`code\`"),
        ("*bold* _it_", r"\*bold\* \_it\_"),
        ("a & b", "a &amp; b"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("=====", r"\====="),
        ("1. item", r"1\. item"),
        ("2) item", r"2\) item"),
        (ARABIC, ARABIC),
    ],
)
def test_text_from_data_adds_no_markup_and_calls_nobody(hostile: str, harmless: str) -> None:
    one = finding("x.y", hostile, (), "pass")
    audit = diabetes().model_copy(update={"findings": (one,), "context": {"owner": hostile}})
    text = summary_md(record_of(audit))
    assert harmless in text
    if hostile != harmless:
        assert f" {hostile} " not in text


def test_long_cells_are_cut() -> None:
    one = finding("x.y", LONG * 3, (), "pass")
    text = summary_md(record_of(diabetes().model_copy(update={"findings": (one,)})))
    assert max(map(len, text.splitlines())) < 600


def test_loosened_rules_are_told() -> None:
    audit = lending()
    loosened = Loosening(check_id="odds", what="by: race dropped", reason="small", owner="me")
    policy = audit.policy.model_copy(update={"loosened": (loosened,)})
    text = summary_md(record_of(audit.model_copy(update={"policy": policy})))
    assert "- odds: by: race dropped (small; me)" in text


def test_the_summary_stays_below_200_kilobytes(many: Callable[[int], Record]) -> None:
    text = summary_md(many(6000))
    assert len(text.encode()) <= 200_000
    assert re.search(r"Left out here for room, and shown in index.html: [\d,]+ checks\.", text)
    assert text.rstrip().endswith("`.")


def test_waivers_without_effect_are_told() -> None:
    states = ("unused", "not_needed", "voided", "exceeded")
    waivers = tuple(waiver(id=state, state=state, note=state) for state in states)
    audit = lending().model_copy(update={"waivers": waivers})
    text = "\n".join(terminal_lines(record_of(audit)))
    assert "waiver not_needed not needed: not_needed" in text
    assert "1 waiver voided by the new model: voided" in text
    assert Verdict.WAIVED in {one.verdict for one in audit.findings}


def test_the_summary_says_as_of_when_and_until_when_it_holds(lending: Record) -> None:
    page = page_of(lending)
    when = f"As of {page.as_of}, valid {page.valid_until}."
    assert "until 31 Dec 2026, when waiver" in when
    assert when in summary_md(lending).splitlines()


def test_a_failing_test_prints_some_of_very_many_groups_and_counts_the_others() -> None:
    groups = tuple(
        GroupValue(group={"zip": f"z{i:04}"}, n=10 + i, value=i / 2000) for i in range(1000)
    )
    gap = finding(
        "fairness.demographic_parity_difference", "gap", ("zip",), "fail", value=999 / 2000,
        groups=groups,
    )  # fmt: skip
    lines = str(CheckViolation(gap)).splitlines()
    assert [sum("z0000" in line for line in lines), sum("z0999" in line for line in lines)] == [
        1,
        1,
    ]
    assert sum(" z0" in line for line in lines) == 60
    assert "  940 more groups are in the report" in lines
