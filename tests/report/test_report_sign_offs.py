"""Sign-offs on the page and in the summary: escaped, shortened, and whole where one looks."""

from __future__ import annotations

import re

import pytest

from pytest_aipm.records import Record, SignOff
from pytest_aipm.report import index_html, summary_md

HOSTILE = '<img src=x onerror="alert(1)">\u202egpj.exe | `@all` \x1b[31m'


def signed(record: Record, *, own: bool = True, **texts: str) -> Record:
    plain = {"who": "risk@example.org", "role": "model risk", "date": "2026-11-25", **texts}
    digest = record.evidence if own else "0" * 64
    return record.signed_off((SignOff(digest=digest, **plain),))


@pytest.fixture
def made(lending: Record) -> Record:
    return lending.with_digest()


def test_hostile_words_are_escaped_in_both_views(made: Record) -> None:
    record = signed(made, who=HOSTILE, role=HOSTILE, comment=HOSTILE)
    page, summary = index_html(record), summary_md(record)
    for text in (page, summary):
        assert "<img" not in text
        assert "\u202e" not in text
        assert "\x1b" not in text
    line = next(each for each in summary.splitlines() if each.startswith("Signed off by"))
    assert "\\|" in line
    assert "@all" not in line


def test_ten_thousand_characters_are_cut_and_stay_within_reach(made: Record) -> None:
    record = signed(made, who="w" * 10_000, comment="c" * 10_000)
    page, summary = index_html(record), summary_md(record)
    header = re.search("<p class=when>.*?</header>", page, re.DOTALL)
    assert header is not None
    assert len(header[0]) < 400
    assert page.count("w" * 10_000) == 1
    assert page.count("c" * 10_000) == 1
    assert page.count("<details><summary>") >= 2
    assert "w" * 100 not in summary


def test_nothing_at_all_is_no_section(made: Record) -> None:
    assert "id=signed-off" not in index_html(made)
    assert "· not signed off</header>" in index_html(made)


def test_a_sign_off_of_another_record_is_told_apart(made: Record) -> None:
    record = signed(made, own=False)
    assert "not signed off: 1 sign-off is for another record" in index_html(record)
    assert "<td>another: 000000000000" in index_html(record)
    assert "Not signed off: 1 sign-off is for another record." in summary_md(record)


def test_the_newest_of_several_is_named_first(made: Record) -> None:
    older = signed(made, date="2026-01-01", who="first@example.org").sign_offs
    newer = signed(made, date="2026-11-25", who="second@example.org").sign_offs
    page = index_html(made.signed_off((*older, *newer)))
    assert (
        "signed off by second@example.org (model risk) on 25 Nov 2026 and 1 more</header>" in page
    )
    assert page.index(">second@example.org<td>") < page.index(">first@example.org<td>")


def test_the_same_record_gives_the_same_bytes_with_its_sign_offs(made: Record) -> None:
    record = signed(made, comment="fine")
    again = Record.from_json(record.to_json())
    assert index_html(again) == index_html(record)
    assert summary_md(again) == summary_md(record)
