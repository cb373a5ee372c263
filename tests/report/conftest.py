"""Records to report on, made by hand, and a Chromium to look at the reports with."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import report_samples
from audited_samples import audited_record
from chart_samples import charts_record
from looking import missing_browser

from pytest_aipm.records import Record
from pytest_aipm.report import write_reports

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def rich() -> Record:
    """Two policies with every verdict, hostile names, small cells, waivers and baselines."""
    return report_samples.rich_record()


@pytest.fixture(scope="session")
def lending() -> Record:
    """One policy that fails."""
    return report_samples.record_of(report_samples.lending())


@pytest.fixture(scope="session")
def passing() -> Record:
    """One policy that passes."""
    return report_samples.passing_record()


@pytest.fixture(scope="session")
def unproven() -> Record:
    """One policy with an open question."""
    return report_samples.unproven_record()


@pytest.fixture(scope="session")
def audited() -> Record:
    """Explanations, privacy, several classes and a ranking, as audits made them."""
    return audited_record()


@pytest.fixture(scope="session")
def audited_folder(audited: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of that record."""
    folder = tmp_path_factory.mktemp("audited")
    write_reports(audited, folder)
    return folder


@pytest.fixture(scope="session")
def many() -> Callable[[int], Record]:
    """A record with as many findings as asked for."""
    return report_samples.many_findings


@pytest.fixture(scope="session")
def folder(
    rich: Record,
    lending: Record,
    many: Callable[[int], Record],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a folder of reports: rich, lending, charts (every kind of series) and many (200)."""
    root = tmp_path_factory.mktemp("pages")
    records = {"rich": rich, "lending": lending, "charts": charts_record(), "many": many(200)}
    for name, record in records.items():
        write_reports(record, root / name)
    return root


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests that look."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        missing_browser("no Chromium is installed (`apt-get install chromium`)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing_browser("playwright is not installed (`pip install -e '.[test]'`)")
    with sync_playwright() as engine:
        opened = engine.chromium.launch(executable_path=chromium, args=ARGUMENTS, timeout=120_000)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any, folder: Path) -> Iterator[Any]:
    """Return a function that opens a page of the folder."""
    contexts = []

    def go(name: str = "rich", *, width: int = 1280, anchor: str = "", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto((folder / name / "index.html").as_uri() + anchor)
        return page

    yield go
    for context in contexts:
        context.close()
