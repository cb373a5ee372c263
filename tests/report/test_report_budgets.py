"""What the page may cost and must keep: bytes, accessibility, paper, hostile names, any host."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chart_samples import NAMES, charts_record
from looking import missing_browser
from test_report_browser import JENKINS, OPEN_ALL

from pytest_aipm.records import Limit, Record
from pytest_aipm.report.html import index_html, stylesheet
from pytest_aipm.report.releases import Release, releases

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CHART = re.compile('<svg class="c [a-z ]+" role=img')


def test_twenty_findings_take_a_hundred_kilobytes_and_two_hundred_a_megabyte(
    many: Callable[[int], Record],
) -> None:
    few, lots = index_html(many(20)), index_html(many(200))
    assert len(CHART.findall(lots)) >= 250
    assert len(few.encode()) <= 100_000
    assert len(lots.encode()) <= 1_000_000


def test_a_second_run_gives_the_same_bytes(rich: Record) -> None:
    again = Record.model_validate_json(rich.to_json())
    assert index_html(rich) == index_html(again)
    charts = charts_record()
    assert index_html(charts) == index_html(Record.model_validate_json(charts.to_json()))


def test_no_attribute_of_a_chart_is_a_style_a_script_or_an_address() -> None:
    page = index_html(charts_record())
    assert not re.search(
        r"\sstyle=|\son\w+=|<script|javascript:|https?://", page.partition("<body")[2]
    )
    assert "@import" not in stylesheet()
    assert "url(" not in stylesheet()


def test_where_ci_runs_a_missing_browser_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium, but CI is set"):
        missing_browser("no Chromium")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        missing_browser("no Chromium")


def violations(page: Any) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA, each with the element."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response
    assert found["testEngine"]["version"] >= "4.1"
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"][:5]
    ]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("rich", 390, "light"),
        ("rich", 390, "dark"),
        ("rich", 1280, "light"),
        ("rich", 1280, "dark"),
        ("charts", 390, "light"),
        ("charts", 1280, "dark"),
    ],
)
def test_axe_finds_nothing_with_every_block_open(
    visit: Any, name: str, width: int, scheme: str
) -> None:
    page = visit(name, width=width, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    assert violations(page) == []


@pytest.mark.browser
def test_axe_finds_nothing_on_a_page_of_two_hundred_findings(visit: Any) -> None:
    page = visit("many", width=390, color_scheme="dark")
    assert violations(page) == []


@pytest.mark.browser
def test_two_hundred_findings_ask_the_network_for_nothing(browser: Any, folder: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "many" / "index.html").as_uri(), wait_until="networkidle")
    page.close()
    names = {url.rpartition("/")[2] for url in asked if not url.startswith("data:")}
    assert names == {"index.html", "audit.css"}
    assert all(url.startswith(("file:", "data:")) for url in asked)


@pytest.mark.browser
def test_any_host_and_no_scripts_show_the_same_text(browser: Any, folder: Path) -> None:
    def seen(*, strict: bool, scripts: bool) -> str:
        context = browser.new_context(java_script_enabled=scripts)
        page = context.new_page()
        if strict:
            body = (folder / "rich" / "index.html").read_bytes()
            css = (folder / "rich" / "audit.css").read_bytes()

            def answer(route: Any) -> None:
                styled = route.request.url.endswith(".css")
                kind = "text/css" if styled else "text/html; charset=utf-8"
                route.fulfill(
                    body=css if styled else body,
                    headers={"Content-Type": kind, "Content-Security-Policy": JENKINS},
                )

            page.route("**/*", answer)
            page.goto("http://report.invalid/index.html")
        else:
            page.goto((folder / "rich" / "index.html").as_uri())
        text: str = page.locator("body").inner_text()
        context.close()
        return text

    expected = seen(strict=False, scripts=True)
    assert len(expected) > 5_000
    assert seen(strict=False, scripts=False) == expected
    assert seen(strict=True, scripts=False) == expected


@pytest.mark.browser
def test_on_paper_no_page_is_near_empty_and_nothing_is_cut(visit: Any) -> None:
    from pypdf import PdfReader

    page = visit("rich")
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    pages = PdfReader(io.BytesIO(printed)).pages
    assert 4 <= len(pages) <= 25
    wide, high = (float(x) for x in pages[0].mediabox[2:])
    for number, one in enumerate(pages, 1):
        places: list[tuple[float, float]] = []

        def note(text: str, cm: Any, tm: Any, *_: Any, to: list[Any] = places) -> None:
            if text.strip():
                to.append(
                    (cm[0] * tm[4] + cm[2] * tm[5] + cm[4], cm[1] * tm[4] + cm[3] * tm[5] + cm[5])
                )

        one.extract_text(visitor_text=note)
        words = [(x, y) for x, y in places if y > 0.05 * high]  # above the page number
        assert words, f"page {number} is empty"
        assert all(0 <= x <= wide for x, _ in words), f"page {number} is cut"
        filled = (max(y for _, y in words) - min(y for _, y in words)) / high
        assert filled > 0.35 or number == len(pages), f"page {number} is near empty: {filled:.2f}"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["rich", "charts"])
def test_paper_of_a4_is_wide_enough_for_everything(visit: Any, name: str) -> None:
    page = visit(name, width=695)  # A4 less the margins of @page
    page.emulate_media(media="print")
    beyond = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(node => !node.closest('svg svg, .sr, .skip') && node.getClientRects().length)
            .map(node => [Math.round(node.getBoundingClientRect().right), node.tagName,
                node.textContent.slice(0, 60)])
            .filter(([right]) => right > 696)"""
    )
    assert beyond == []


@pytest.mark.browser
def test_hostile_names_are_harmless_and_legible(visit: Any) -> None:
    page = visit("charts", width=390)
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.scripts.length") == 0
    shown = page.evaluate("document.body.innerText")
    for name in NAMES:
        assert name[:20] in shown
    assert "<script>" in page.evaluate("document.querySelector('svg.bars').textContent")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_releases_stand_beside_each_other_inside_their_pictures(
    browser: Any, tmp_path: Path, width: int
) -> None:
    def show(value: float | None) -> str:
        return "" if value is None else f"{value:,.2f}"

    points = [Release(f"2.{i}.0", 0.8 - i / 99, 0.7, 0.9, "pass") for i in range(15)]
    long = [Release(name, 1e6 + i, None, 2e6, "fail") for i, name in enumerate(NAMES)]
    drawn = [
        releases(points, Limit(min=0.8), show, title="rate", desc="falls"),
        releases(long, Limit(min=1e5, max=3e6), show, title="count", desc="rises"),
        releases([], None, show, title="none", desc="nothing"),
    ]
    figures = "".join(f"<figure>{svg}<figcaption>c</figcaption></figure>" for svg in drawn)
    file = tmp_path / "releases.html"
    file.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{stylesheet()}</style><main><h1>h</h1><div class=multiples>{figures}</div></main>",
        encoding="utf-8",
    )
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(file.as_uri())
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg text')].filter(text => {
            const t = text.getBoundingClientRect();
            const c = text.closest('svg.c').getBoundingClientRect();
            return t.left < c.left - 1 || t.right > c.right + 1 || t.top < c.top - 1
                || t.bottom > c.bottom + 1;
        }).map(text => text.textContent)"""
    )
    assert outside == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    context.close()
