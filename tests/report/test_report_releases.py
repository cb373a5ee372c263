"""Earlier releases on the page: drawn, listed, harmless, and within the budget."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from report_samples import HOSTILE, LONG, lending, record_of

from pytest_aipm.auditing.history import History, with_releases
from pytest_aipm.records import HistoryLine, Limit, Record, Verdict
from pytest_aipm.report import history_line, index_html, publishable, terminal_lines
from pytest_aipm.report.release_view import release_names, release_rows


def line(record: Record, number: int, label: str = "", **changes: Any) -> HistoryLine:
    """The line of an earlier release of another model."""
    audits = []
    for audit in record.audits:
        subject = audit.subject
        if subject is not None:
            model = subject.model.model_copy(update={"sha256": f"{number:064}"})
            subject = subject.model_copy(update={"model": model})
        findings = tuple(one.model_copy(update=changes) for one in audit.findings)
        audits.append(audit.model_copy(update={"findings": findings, "subject": subject}))
    started = f"2026-{number % 12 + 1:02}-01T00:00:00+00:00"
    run = record.run.model_copy(update={"commit": f"{number:040}", "started": started})
    old = record.model_copy(update={"audits": tuple(audits), "run": run})
    made = history_line(publishable(old), label=label or f"v1.{number}")
    assert made is not None
    return made


def after(record: Record, *lines: HistoryLine) -> Record:
    return with_releases(record, History(dict(enumerate(lines)))).with_digest()


def section(page: str) -> str:
    found = re.search(r"<section class=releases>.*?</section>", page, re.DOTALL)
    return found[0] if found else ""


def test_each_check_has_a_row_and_a_picture(passing: Record) -> None:
    record = after(passing, line(passing, 1, "v1.0"), line(passing, 2, "v1.1", value=0.5))
    page = index_html(record)
    findings = record.findings
    assert section(page).count("<polyline") >= len(findings)
    assert page.count('class="c releases"') == len(findings)
    for name in ("v1.0", "v1.1", "this run", "1 Feb 2026"):
        assert name in section(page)
    cells = release_rows(record.findings, record.audits[0])[0].cells
    assert len(cells) == 3
    assert "0.5" in cells[1]
    assert index_html(Record.from_json(record.to_json())) == page


def test_a_page_without_history_says_nothing_of_it(passing: Record) -> None:
    assert section(index_html(passing)) == ""
    assert index_html(after(passing)) == index_html(passing.with_digest())


def test_the_last_eleven_and_this_run_are_drawn(passing: Record) -> None:
    record = after(passing, *(line(passing, n) for n in range(1, 16)))
    assert len(record.audits[0].releases) == 12
    names = [name for name, _ in release_names(record.audits[0])]
    assert names == [*(f"v1.{n}" for n in range(5, 16)), "this run"]


def test_releases_of_one_name_are_told_apart(passing: Record) -> None:
    record = after(passing, *(line(passing, n, "night") for n in range(3)), line(passing, 9, " "))
    names = [name for name, _ in release_names(record.audits[0])]
    assert names == ["night", "night (2)", "night (3)", "unnamed", "this run"]


def test_a_check_that_is_new_has_no_row_and_a_gap_is_a_dash(passing: Record) -> None:
    first, *rest = passing.audits[0].findings
    audit = passing.audits[0]
    older = record_of(audit.model_copy(update={"findings": tuple(rest)}))
    oldest = record_of(audit.model_copy(update={"findings": tuple(rest[1:])}))
    record = after(passing, line(oldest, 1), line(older, 2))
    rows = release_rows(record.findings, record.audits[0])
    assert first.id not in [row.finding.id for row in rows]
    assert rows[0].cells[0] == "\N{EN DASH}"


def test_another_limit_and_another_unit_are_said_and_not_drawn_alike(passing: Record) -> None:
    tight = line(passing, 1, limit=Limit(min=0.123))
    ratio = line(passing, 2, unit="points", value=90.0)
    record = after(passing, tight, ratio)
    row = release_rows(record.findings, record.audits[0])[0]
    assert "limit ≥ 0.123" in row.cells[0]
    assert "The limit was another one in some of them." in row.caption
    assert "90" not in re.sub(r"<svg x=.*?</svg>", "", str(row.spark))


def test_what_could_not_be_measured_keeps_its_place(passing: Record) -> None:
    broken = line(passing, 1, verdict=Verdict.ERROR, value=None, interval=None)
    record = after(passing, broken, line(passing, 2))
    row = release_rows(record.findings, record.audits[0])[0]
    assert row.cells[0] == "✕ error"
    assert row.verdicts.startswith("error, pass")
    assert "1 release without a value" in row.caption


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize("label", [*HOSTILE, "x" * 10_000, "a\nb\x00c", '"><img src=x>'])
def test_hostile_names_of_releases_are_harmless(passing: Record, label: str) -> None:
    record = after(passing, line(passing, 1, label))
    raw = record.audits[0].releases[0].model_copy(update={"label": label})  # a line by hand
    audit = record.audits[0].model_copy(update={"releases": (raw,)})
    for one in (record, record.model_copy(update={"audits": (audit,)})):
        page = index_html(one)
        parser = Tags()
        parser.feed(page)
        assert not {"script", "img"} & set(parser.tags)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)
        assert LONG not in section(page)
        assert not any("\x1b" in text for text in terminal_lines(one))


def test_withheld_numbers_are_withheld_in_every_release(rich: Record) -> None:
    """Also where an earlier policy published them: lines by hand, all with a value."""
    record, audits = after(rich, line(rich, 1), line(rich, 2)), []
    for audit in record.audits:
        releases = []
        for release in audit.releases:
            told = [f.model_copy(update={"value": 0.123456}) for f in release.audit.findings]
            past = release.audit.model_copy(update={"findings": tuple(told)})
            releases.append(release.model_copy(update={"audit": past}))
        audits.append(audit.model_copy(update={"releases": tuple(releases)}))
    record = record.model_copy(update={"audits": tuple(audits)})
    shown = publishable(record)
    gone = {f.id for f in shown.findings if any(n.startswith("withheld") for n in f.notes)}
    gone &= {f.id for f in shown.findings if f.value is None}
    assert gone
    for audit in shown.audits:
        for release in audit.releases:
            for past in release.audit.findings:
                assert past.value == (None if past.id in gone else 0.123456)
    assert "withheld" in section(index_html(record))


def test_twelve_releases_keep_the_page_small(many: Callable[[int], Record]) -> None:
    record = many(20)
    plain = len(index_html(record).encode())
    drawn = after(record, *(line(record, n) for n in range(12)))
    assert len(index_html(drawn).encode()) - plain < 70_000
    large = many(200)
    drawn = after(large, *(line(large, n) for n in range(12)))
    assert len(index_html(drawn).encode()) < 1_000_000


@pytest.mark.browser
def test_the_releases_fit_a_phone(browser: Any, tmp_path: Any) -> None:
    whole = record_of(lending())
    record = after(whole, *(line(whole, n, "W" * 60) for n in range(12)))
    place = tmp_path / "index.html"
    place.write_text(index_html(record), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(place.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(b => b.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("section.releases svg").first.bounding_box()["width"] == 120
    page.close()
