"""The page in a real Chromium: on a phone, on paper, behind a strict policy, without scripts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"
OPEN_ALL = "document.querySelectorAll('details').forEach(block => block.open = true)"
DEEP = "credit-approval::roc-auc::overall"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, with a content policy where one is set."""

    policy = ""

    def end_headers(self) -> None:
        if self.policy:
            self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Strict(Quiet):
    policy = JENKINS


@pytest.fixture(params=[Quiet, Strict])
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    handler = partial(request.param, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["rich", "charts", "many"])
def test_nothing_is_wider_than_the_window(visit: Any, name: str, width: int) -> None:
    page = visit(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["rich", "charts"])
def test_every_text_of_a_chart_lies_inside_it(visit: Any, name: str, width: int) -> None:
    page = visit(name, width=width)
    page.evaluate(OPEN_ALL)
    count, outside = page.evaluate(
        """() => {
            const outside = [], texts = document.querySelectorAll('svg text');
            for (const text of texts) {
                const t = text.getBoundingClientRect();
                const c = text.closest('svg.c').getBoundingClientRect();
                if (t.left < c.left - 1 || t.right > c.right + 1 || t.top < c.top - 1
                    || t.bottom > c.bottom + 1)
                    outside.push(text.textContent);
            }
            return [texts.length, outside];
        }"""
    )
    assert count > 90
    assert outside == []


@pytest.mark.parametrize("width", [390, 1280])
def test_names_and_numbers_of_a_chart_do_not_touch(visit: Any, width: int) -> None:
    page = visit(width=width)
    page.evaluate(OPEN_ALL)
    touching = page.evaluate(
        """() => [...document.querySelectorAll('.forest > svg, .bars > svg')]
            .filter(row => row.querySelectorAll(':scope > text').length === 2)
            .filter(row => {
                const [name, right] = [...row.querySelectorAll(':scope > text')]
                    .map(text => text.getBoundingClientRect());
                return !row.matches('.t') && name.right > right.left;
            }).map(row => row.textContent)"""
    )
    assert touching == []


def test_the_page_loads_itself_and_its_stylesheet_and_nothing_else(
    browser: Any, server: str
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server}/rich/index.html", wait_until="networkidle")
    page.close()
    outside = [url for url in asked if not url.startswith((server, "data:"))]
    assert outside == []
    loaded = {url.rpartition("/")[2] for url in asked if url.startswith(server)}
    assert loaded == {"index.html", "audit.css"}


def test_the_page_is_complete_and_styled_without_scripts(browser: Any, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server}/lending/index.html")
    text = page.locator("main").inner_text()
    assert "2 of 12 checks fail" in text
    assert "Statistical evidence, not a legal opinion." in page.locator("footer").inner_text()
    assert page.locator("table.list tbody tr").count() == 12
    assert page.locator("svg.c").count() > 20
    word = page.locator(".verdict .word")
    assert word.evaluate("node => getComputedStyle(node).color") == "rgb(255, 255, 255)"
    context.close()


def test_a_deep_link_opens_its_block(visit: Any) -> None:
    page = visit("lending", anchor=f"#{DEEP}")
    block = page.locator(f'details:has([id="{DEEP}"])')
    assert block.get_attribute("open") is not None
    assert page.locator(f'[id="{DEEP}"]').bounding_box()["y"] < 900
    closed = page.locator(".evidence > details:not([open])").count()
    assert closed == 10  # all but this one and the one to read first


def test_a_link_of_the_table_opens_its_block(visit: Any) -> None:
    page = visit("lending", java_script_enabled=False)
    page.locator(f'table.list a[href="#{DEEP}"]').click()
    assert page.locator(f'[id="{DEEP}"]').is_visible()


def test_the_first_screen_holds_verdict_identity_and_the_checks_that_matter(visit: Any) -> None:
    page = visit("lending")
    for selector in (".verdict", ".facts", ".weak", "table.list thead"):
        box = page.locator(selector).first.bounding_box()
        assert box["y"] + box["height"] <= 900
    rows = [row.bounding_box() for row in page.locator("table.list tbody tr").all()]
    assert sum(box["y"] + box["height"] <= 900 for box in rows) >= 8


def test_the_filter_works_without_scripts(visit: Any) -> None:
    page = visit("lending", java_script_enabled=False)
    rows = page.locator("table.list tbody tr")
    shown = {}
    for name in ("Failing", "Undecided", "Passing", "Not judged", "All"):
        page.get_by_role("radio", name=name).check()
        shown[name] = sum(row.is_visible() for row in rows.all())
    assert shown == {"Failing": 3, "Undecided": 4, "Passing": 4, "Not judged": 1, "All": 12}


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_clicked_is_large_enough(visit: Any, width: int) -> None:
    page = visit("lending", width=width)
    small = page.evaluate(
        """() => [...document.querySelectorAll('summary, label')]
            .filter(node => node.getClientRects().length)
            .filter(node => node.getBoundingClientRect().height < 24)
            .map(node => node.textContent)"""
    )
    assert small == []


def test_on_paper_every_block_is_open_and_the_page_light(visit: Any) -> None:
    page = visit("lending", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    heights = page.evaluate(
        """() => [...document.querySelectorAll('.evidence > details > .in')]
            .map(block => block.getBoundingClientRect().height)"""
    )
    assert len(heights) == 12
    assert min(heights) > 40
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_where_they_stand(visit: Any, scheme: str) -> None:
    page = visit("rich", color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    poor = page.evaluate(
        """() => {
            const parse = c => { const m = c.match(/[\\d.]+/g).map(Number);
                return m.length < 4 ? [...m, 1] : m; };
            const lum = c => c.slice(0, 3).map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const ground = node => { for (; node; node = node.parentElement) {
                const c = parse(getComputedStyle(node).backgroundColor);
                if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const poor = []; let node;
            while ((node = walker.nextNode())) {
                const parent = node.parentElement;
                if (!node.textContent.trim() || parent.closest('svg')) continue;
                const [a, b] = [lum(parse(getComputedStyle(parent).color)), lum(ground(parent))];
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < 4.5) poor.push(node.textContent.trim() + ' ' + ratio.toFixed(2));
            }
            return poor;
        }"""
    )
    assert poor == []


def test_forced_colours_keep_the_marks(visit: Any) -> None:
    page = visit("lending", forced_colors="active")
    page.evaluate(OPEN_ALL)
    fills = page.evaluate(
        """() => [...document.querySelectorAll('.forest circle')]
            .map(mark => getComputedStyle(mark).fill)"""
    )
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert fills
    assert ground not in fills


@pytest.mark.parametrize("name", ["rich", "many"])
def test_on_a_phone_checks_and_waivers_need_no_scrolling_sideways(visit: Any, name: str) -> None:
    page = visit(name, width=390)
    found = page.evaluate(
        """() => [...document.querySelectorAll('.scroll:has(.list), .scroll[aria-label*=waivers]')]
            .map(region => [region.scrollWidth, region.clientWidth])"""
    )
    assert found
    assert all(inner <= outer for inner, outer in found)
    row = page.locator("table.list tbody tr").first
    for cell in row.locator("th, td").all():
        if cell.is_visible():
            box = cell.bounding_box()
            assert 0 <= box["x"] <= box["x"] + box["width"] <= 390


def test_on_a_phone_the_filter_hides_cards_too(visit: Any) -> None:
    page = visit("lending", width=390, java_script_enabled=False)
    page.get_by_role("radio", name="Failing").check()
    assert sum(row.is_visible() for row in page.locator("table.list tbody tr").all()) == 3


def test_forced_colours_draw_lines_and_bars_in_the_colour_of_text(visit: Any) -> None:
    page = visit("charts", forced_colors="active")
    page.evaluate(OPEN_ALL)
    ink = page.evaluate("getComputedStyle(document.body).color")
    strokes = page.evaluate(
        "[...document.querySelectorAll('.l, path.n')].map(line => getComputedStyle(line).stroke)"
    )
    fills = page.evaluate(
        "[...document.querySelectorAll('.fall svg rect')].map(r => getComputedStyle(r).fill)"
    )
    assert len(strokes) > 15
    assert len(fills) == 6
    assert {ink} == set(strokes) | set(fills)
