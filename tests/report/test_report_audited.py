"""Reports of real audits of every task and family: they read well, validate, and fit a phone."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from audited_samples import PHRASES
from export_samples import READERS
from test_report_browser import OPEN_ALL
from test_report_budgets import violations

from pytest_aipm.records import Record
from pytest_aipm.report import publishable, summary_md
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.exports import EXPORTS, Export, files_of
from pytest_aipm.report.figure import figures_of
from pytest_aipm.report.html import index_html

OUTSIDE = """() => [...document.querySelectorAll('svg text')].filter(text => {
    const t = text.getBoundingClientRect(), c = text.closest('svg.c').getBoundingClientRect();
    return t.left < c.left - 1 || t.right > c.right + 1 || t.top < c.top - 1
        || t.bottom > c.bottom + 1;
}).map(text => text.textContent)"""
CODE = re.compile(r"Infinity|\bnan\b|\bNone\b|<built-in|object at 0x|Verdict\.")
"""What a program says to itself and a report must not."""


def charts(record: Record, check: str) -> list[str]:
    (found,) = [one for one in publishable(record).findings if one.check == check]
    return [str(figure.svg) for figure in figures_of(Answer(found), list(found.groups))]


def test_nothing_failed_to_be_measured(audited: Record) -> None:
    assert {one.verdict.value for one in audited.findings} <= {"pass", "fail", "inconclusive"}
    assert {one.check.partition(".")[0] for one in audited.findings} == {
        "explain",
        "fairness",
        "performance",
        "privacy",
    }


@pytest.mark.parametrize("export", files_of(EXPORTS), ids=lambda export: export.file)
def test_every_export_of_every_family_keeps_to_its_schema(audited: Record, export: Export) -> None:
    assert export.lacks(audited) == ""
    text = export.view(audited)
    READERS[export.file](text)
    assert not CODE.search(text)


def test_the_summary_says_what_fails_in_words(audited: Record) -> None:
    text = summary_md(audited)
    assert not CODE.search(text)
    for name in ("explained", "tiers", "search"):
        assert name in text
    assert "``" not in text
    assert len(text.encode()) < 200_000


def test_the_page_holds_no_words_of_programs(audited: Record) -> None:
    page = index_html(audited)
    assert not CODE.search(unescape(re.sub(r"<[^>]*>|\d+ \d+l[\d -]+", " ", page)))
    # what concerns one task alone is told where that task is audited
    assert "Of a ranking: ndcg" in page
    assert "Of several classes" in page


def test_every_family_gets_the_charts_that_it_asks_for(audited: Record) -> None:
    shares, *_ = [svg for svg in charts(audited, "explain.attribution_share") if "bars" in svg]
    assert shares.count("<line") >= 4  # an interval for each feature that moves the score
    assert any("bars fall" in svg for svg in charts(audited, "explain.gap_decomposition"))
    told = "".join(charts(audited, "explain.reason_codes"))
    assert all(phrase.split()[0] in told for phrase in PHRASES.values())
    assert any("c strip" in svg for svg in charts(audited, "explain.equal_treatment"))
    (roc,) = [s for s in charts(audited, "privacy.membership_inference") if "c curves" in s]
    assert "l dia" in roc
    assert ">0.001<" in roc  # a logarithmic axis
    assert "class=lim" in roc


def test_bars_that_rest_on_the_same_rows_say_it_once(audited: Record) -> None:
    page = index_html(audited)
    assert "Each rests on 150 rows." in page
    assert "0.326 · n 150" not in page


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
)
def test_explanations_and_privacy_are_accessible_and_fit(
    browser: Any, audited_folder: Path, width: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto((audited_folder / "index.html").as_uri())
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OUTSIDE) == []
    assert violations(page) == []
    page.close()
