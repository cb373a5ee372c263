"""What the report costs: seconds to render it, to open it in Chromium, to export it.

Two hundred findings with groups, charts and words, made by hand as in the tests of the report, so
that only the report is timed. Rendering and exports are CPU seconds, the best of several runs;
opening is the wall time that Chromium itself reports until the page is complete, the median.
The other budgets of the page (bytes, network, accessibility, paper) are tests.

    python benchmarks/report_cost.py [--findings 200] [--repeat 9]
"""

from __future__ import annotations

import argparse
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pytest_aipm.records import Record
from pytest_aipm.report import write_reports
from pytest_aipm.report.html import index_html

SAMPLES = Path(__file__).resolve().parent.parent / "tests" / "report"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

Line = tuple[str, str, str]


def best(work: Callable[[], object], repeat: int) -> float:
    """Return the fewest CPU seconds that `work` took; its first run is not counted."""
    work()
    spent = []
    for _ in range(repeat):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def exports(record: Record, repeat: int) -> float | None:
    """Return the CPU seconds of all exports together; None where there are none."""
    if find_spec("pytest_aipm.report.exports") is None:
        return None
    kinds = import_module("pytest_aipm.report.exports").EXPORTS.values()
    views = [one.view for kind in kinds for one in kind if not one.lacks(record)]

    def work() -> None:
        another = record.model_copy()  # nothing is kept of an earlier repetition
        for view in views:
            view(another)

    return best(work, repeat)


def opened(record: Record, repeat: int) -> tuple[list[float], str] | None:
    """Return the seconds until Chromium has loaded the page, and its version."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or find_spec("playwright") is None:
        return None
    playwright: Any = import_module("playwright.sync_api")
    times = []
    with tempfile.TemporaryDirectory() as folder, playwright.sync_playwright() as engine:
        write_reports(record, Path(folder))
        browser = engine.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for _ in range(repeat + 1):
            page = browser.new_page()
            page.goto((Path(folder) / "index.html").as_uri(), wait_until="load")
            page.wait_for_function(f"{LOADED} > 0")
            times.append(page.evaluate(LOADED) / 1000)
            page.close()
        version = browser.version
        browser.close()
    return times[1:], version


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--findings", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=9)
    asked = parser.parse_args()
    sys.path.insert(0, str(SAMPLES))
    record: Record = import_module("report_samples").many_findings(asked.findings)
    page = index_html(record)
    lines: list[Line] = [("size of the page", f"{len(page.encode()) / 1000:.0f} kB", "1,000 kB")]
    spent = best(lambda: index_html(record.model_copy()), asked.repeat)  # nothing kept
    lines.append(("render", f"{spent:.3f} CPU s", "0.100 s"))
    seen = opened(record, asked.repeat)
    if seen is None:
        lines.append(("open in Chromium", "no Chromium here", "0.500 s"))
    else:
        times, version = seen
        middle = f"{statistics.median(times):.3f} s ({min(times):.3f} to {max(times):.3f})"
        lines.append((f"open in Chromium {version}", middle, "0.500 s"))
    exported = exports(record, asked.repeat)
    said = "no exports here" if exported is None else f"{exported:.3f} CPU s"
    lines.append(("all exports", said, "0.500 s"))
    charts = page.count(" role=img height=") + page.count(" role=img width=")
    print(
        f"Python {platform.python_version()}, jinja2 {metadata.version('jinja2')}, "
        f"{asked.findings:,} findings with {charts:,} charts, {asked.repeat} runs"
    )
    print("\n| part | measured | budget |\n|---|---|---|")
    for name, measured, budget in lines:
        print(f"| {name} | {measured} | {budget} |")


if __name__ == "__main__":
    main()
