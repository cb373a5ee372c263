"""The clause table, the packs behind it, and until when a report holds."""

from __future__ import annotations

from typing import Any

import pytest
from report_samples import HOSTILE, cell, finding, lending, record_of, waiver

from pytest_aipm.records import Audit, ClauseInfo, Finding, Formula, Limit, PackInfo, Record
from pytest_aipm.report import index_html, publishable
from pytest_aipm.report.ratios import impact_ratios
from pytest_aipm.report.validity import valid_until

GAP = ClauseInfo(
    check_id="selection-rate",
    clauses=("29 CFR 1607.4(D)", "House rule 7"),
    asks="Nobody is left behind",
    basis="text",
)
ODDS = ClauseInfo(check_id="odds", clauses=("House rule 8",))


def pack(**more: Any) -> PackInfo:
    plain = {
        "name": "house",
        "version": "2.1",
        "title": "House rules",
        "status": "in force",
        "citation": "House rule 7",
        "authority": "The committee",
        "jurisdiction": "This house",
        "effective": "2024-01-01",
        "as_of": "2026-10-01",
        "sha256": "0" * 64,
    }
    return PackInfo(**(plain | more))


def ruled(*clauses: ClauseInfo, **more: Any) -> Audit:
    """The lending audit with clauses, and without waivers."""
    return lending().model_copy(
        update={"clauses": clauses, "packs": (pack(),), "waivers": (), **more}
    )


def section(record: Record) -> str:
    page = index_html(record)
    assert "Rules and clauses" in page
    return page[page.index("Rules and clauses") : page.index(">Evidence</h")]


def test_each_clause_has_its_question_check_verdicts_and_origin() -> None:
    shown = section(record_of(ruled(GAP, ODDS)))
    row = shown[shown.index("<tr><td>29 CFR 1607.4(D); House rule 7") :]
    row = row[: row.index("<tr>", 1)]
    assert "<td>Nobody is left behind<td>selection-rate<td>" in row
    assert "<b class=v-fail>Fail</b> <a href=#credit-approval::selection-rate::sex-x-race>" in row
    assert row.index("v-fail") < row.index("selection-rate::sex>")
    assert row.rstrip().endswith("<td>the text")


def test_without_words_of_its_own_a_clause_asks_what_the_check_asks() -> None:
    shown = section(record_of(ruled(ODDS)))
    assert "Does the model err more often for one group than for another?" in shown
    assert shown.count("<tr>") == 2
    assert "<td>the policy" in shown  # the number of the limit is the policy's own


def test_a_check_that_did_not_run_says_so() -> None:
    shown = section(record_of(ruled(GAP.model_copy(update={"check_id": "gone"}))))
    assert "<td>gone<td>did not run<td><" in shown


def test_packs_are_listed_with_all_that_is_known_of_them() -> None:
    old = pack(name="old", status="superseded", superseded_by="House rule 9", max_audit_age=365)
    shown = section(record_of(ruled(packs=(pack(), old))))
    assert (
        "<li><b>house 2.1</b> House rules; House rule 7; The committee; This house; in force since "
        "1 Jan 2024; compared with its sources on 1 Oct 2026.<li>"
    ) in shown
    assert "superseded by House rule 9" in shown
    assert "asks for an audit not older than 365 days" in shown


def test_without_clauses_and_packs_the_page_has_no_such_section(lending: Record) -> None:
    assert "Rules and clauses" not in index_html(lending)


@pytest.mark.parametrize("text", [*HOSTILE, "<script>alert(1)</script>", "x" * 10_000, "a\x1b[31m"])
def test_hostile_words_are_escaped_and_cut(text: str) -> None:
    hostile = GAP.model_copy(update={"asks": text, "clauses": (text,)})
    shown = section(record_of(ruled(hostile, packs=(pack(title=text, citation=text),))))
    assert "<script" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(shown) < 6_000


def test_the_published_record_keeps_rules_and_clauses() -> None:
    record = record_of(ruled(GAP, ODDS))
    (audit,) = publishable(record).audits
    assert (audit.clauses, len(audit.packs)) == ((GAP, ODDS), 1)
    again = Record.model_validate_json(record.model_dump_json(by_alias=True))
    assert index_html(again) == index_html(record)


# --- until when ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packs", "waivers", "said"),
    [
        ((), (), "until the model, the data or the policy changes"),
        ((pack(),), (), "until the model, the data or the policy changes"),
        ((pack(valid_until="2026-12-24"),), (), "until 24 Dec 2026, when pack house runs out"),
        (
            (pack(review_after="2027-01-31"),),
            (),
            "until 31 Jan 2027, when pack house is due for review",
        ),
        (
            (pack(review_after="2027-01-31"),),
            (waiver(),),
            "until 31 Dec 2026, when waiver W-2026-03 runs out",
        ),
        (
            (pack(review_after="2026-12-30"), pack(valid_until="2026-12-31", name="b")),
            (waiver(),),
            "until 30 Dec 2026, when pack house is due for review",
        ),
        (
            (pack(max_audit_age=10),),
            (waiver(state="expired", expires="2020-01-01"),),
            "until 3 Dec 2026, when the audit is 10 days old (pack house)",
        ),
        (
            (pack(max_audit_age=10**9),),
            (),
            "until the model, the data or the policy changes",
        ),
    ],
)
def test_the_first_thing_that_runs_out_is_named(
    packs: tuple[PackInfo, ...], waivers: tuple[Any, ...], said: str
) -> None:
    record = record_of(ruled(packs=packs, waivers=waivers))
    run = record.run.model_copy(update={"started": "2026-11-23T10:00:00+00:00"})
    record = record.model_copy(update={"run": run})
    assert valid_until(record) == said
    assert f"valid {said}" in index_html(record)


# --- ratios of groups ---------------------------------------------------------------------------


def rates(reference: str = "all pairs", formula: str = "selection_rate_ratio") -> Finding:
    return finding(
        "fairness.demographic_parity_ratio",
        "ratio",
        ("sex",),
        "pass",
        value=0.8,
        interval=(0.7, 0.9),
        limit=Limit(min=0.6),
        formula=Formula(id=formula, reference=reference),
        groups=(
            cell({"sex": "a"}, 40, 100),
            cell({"sex": "b"}, 50, 100),
            cell({"sex": "few"}, 15, 20, judged=False, note="not compared"),
        ),
    )


def test_every_judged_group_has_its_ratio_to_the_highest() -> None:
    assert impact_ratios(rates()) == {"a": 0.8, "b": 1.0}
    assert impact_ratios(rates(reference="a")) == {"a": 1.0, "b": 1.25}
    assert impact_ratios(rates(formula="selection_rate_difference")) == {}
    assert impact_ratios(rates(reference="the largest group")) == {}


def test_a_withheld_rate_takes_all_ratios_along() -> None:
    whole = rates()
    hidden = whole.groups[1].model_copy(update={"value": None, "note": "withheld: too few"})
    assert impact_ratios(whole.model_copy(update={"groups": (whole.groups[0], hidden)})) == {}


def test_the_table_has_the_column_where_there_are_ratios() -> None:
    page = index_html(record_of(lending().model_copy(update={"findings": (rates(),)})))
    assert "<th>Interval<th>Ratio" in page
    row = page[page.index("<tr><th>few") :]
    assert "<td>\N{EN DASH}<td class=notes>not compared" in row[: row.index("<tr>", 1)]
    other = rates(formula="selection_rate_difference")
    page = index_html(record_of(lending().model_copy(update={"findings": (other,)})))
    assert "<th>Ratio" not in page
