"""Names from the data, however wicked: in the terminal, in JUnit, in the summary, on the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from pytest_aipm.records import Verdict

LEAST = "\x1b[31m| [a](http://x) <img src=x onerror=alert(1)>`\n\n# new"
MOST = "<script>alert(1)</script>\u202egnp.exe"
OTHERS = (
    "policies/credit.aipm.yaml::gap::sex",
    "c/d\\..",
    "{{ 7 * 7 }}{% raw %}",
    "%s %n {0}",
    "עברית",
    "👩🏽‍🦱 e\u0301",
    "&amp;<!--",
    "'\"",
    "(empty)",
    "NaN",
    "x" * 300,
)
WICKED = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def rows_of(names: tuple[str, ...]) -> pd.DataFrame:
    """Every name has 200 rows; the first is never selected, the last always."""
    count = len(names)
    frame = pd.DataFrame({"i": range(200 * count)})
    return pd.DataFrame(
        {
            "sex": pd.Series([names[i % count] for i in frame.i], dtype=object),
            "y": frame.i // count % 2,
            "pred": [int(i % count > i // count % (count - 1)) for i in frame.i],
        }
    )


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.tags.update(f"{tag}[{name}]" for name, _ in attrs if name.startswith("on"))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "two workers"])
def test_group_names_are_shown_harmless_everywhere(suite: Any, workers: list[str]) -> None:
    rows_of((LEAST, *OTHERS, MOST)).to_csv(suite.root / "data.csv", index=False)
    suite.checks = [{**suite.checks[0], "limit": {"max": 0.1}}]
    suite.policy()
    pytest_ = suite.run if workers else suite.here
    result = pytest_("--aipm-audit", "--junitxml=junit.xml", "-rA", *workers)
    assert result.ret == 1
    said = suite.said(result)
    assert not WICKED.search(said)
    assert "0 of 100 for [31m| [a](http://x) <img src=x onerror=alert(1)>` # new" in said, (
        "on one line"
    )

    case = ET.parse(suite.root / "junit.xml").getroot().find(".//testcase")
    assert case is not None
    failure = case.find("failure")
    assert failure is not None
    assert not WICKED.search((suite.root / "junit.xml").read_text())
    assert "<script>alert(1)</script>gnp.exe" in failure.attrib["message"]
    (said,) = (p for p in case.iter("property") if p.attrib["name"] == "aipm_says")
    assert said.attrib["value"] == failure.attrib["message"]

    folder = suite.root / "aipm-report"
    page = (folder / "index.html").read_text()
    assert not WICKED.search(page)
    seen = Page(page)
    assert not {tag for tag in seen.tags if tag in {"script", "img"} or "[on" in tag}
    text = " ".join(seen.words)
    assert "<script>alert(1)</script>gnp.exe" in text
    assert "{{ 7 * 7 }}" in text

    summary = (folder / "summary.md").read_text()
    assert not WICKED.search(summary)
    assert "<script" not in summary
    assert "<img" not in summary
    assert "](http" not in summary.replace("\\]", "").replace("\\(", "")
    assert not re.search(r"^# new", summary, flags=re.MULTILINE)
    tables = [line for line in summary.splitlines() if line.startswith("|")]
    assert len({re.sub(r"\\\|", "", line).count("|") for line in tables}) == 1

    (finding,) = suite.record().findings
    assert finding.verdict is Verdict.FAIL
    assert {group.group["sex"] for group in finding.groups} == {LEAST, *OTHERS, MOST}


def test_half_a_character_is_written_out_by_its_number(project: Any) -> None:
    rows = project.rows()
    rows["sex"] = pd.Series(["f\ud800", "m"] * 100, dtype=object)
    record = project.audit(data=rows)
    assert record.verdict == "pass"
    record.write(project.root / "out")
    assert {group.group["sex"] for group in record.findings[0].groups} == {"f\\ud800", "m"}
    assert "f\\\\ud800" in (project.root / "out/audit.json").read_text(encoding="utf-8")


def test_an_error_that_quotes_half_a_character_can_be_written_too(project: Any) -> None:
    def model(_: Any) -> Any:
        raise FileNotFoundError("weights-\udcff.bin\nis gone")

    project.policy(predictions=None, features=["score"])
    record = project.audit(model=model)
    record.write(project.root / "out")
    assert record.verdict == "fail"
    text = (project.root / "out/audit.json").read_text(encoding="utf-8")
    assert "weights-\\\\udcff.bin (rows 1 to 200)" in text
    assert type(record).from_json(text).findings[0].verdict == "error"


def test_names_that_look_alike_are_not_mixed_up(project: Any) -> None:
    names = ("a", "a ", "A", "\u00e9", "e\u0301", "1", "01")
    rows = rows_of(names)
    (gap, _) = project.audit(data=rows).findings
    assert {group.group["sex"]: group.n for group in gap.groups} == dict.fromkeys(names, 200)


def test_numbers_are_one_group_however_they_are_written(project: Any) -> None:
    rows = project.rows()
    rows["sex"] = pd.Series([1, "1", 1.0, "2"] * 50, dtype=object)
    (gap, _) = project.audit(data=rows).findings
    assert {group.group["sex"]: group.n for group in gap.groups} == {"1": 150, "2": 50}


@pytest.mark.parametrize("count", [40, 150])
def test_many_small_groups_take_seconds_not_minutes(project: Any, count: int) -> None:
    names = tuple(f"group {i}" for i in range(count))
    rows = pd.DataFrame(
        {
            "sex": [names[i % count] for i in range(16 * count)],
            "y": [i // 7 % 2 for i in range(16 * count)],
            "pred": [i // 5 % 2 for i in range(16 * count)],
        }
    )
    project.checks = [
        {**project.checks[0], "limit": {"max": 0.2}},
        {"check": "fairness.equalized_odds_difference", "id": "odds", "limit": {"max": 0.2}},
    ]
    project.policy()
    record = project.audit(data=rows)
    record.write(project.root / "out")
    assert record.verdict != "pass"
    assert len(record.findings[0].groups) == count
