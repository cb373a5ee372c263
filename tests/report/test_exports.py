"""What all exports share: valid, harmless, published, the same again, quick, and chosen by name."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from export_samples import HOSTILE, READERS, audit_named, hostile_record
from google.protobuf.json_format import ParseError
from report_samples import diabetes, lending, record_of
from yaml import YAMLError, safe_load

from pytest_aipm.errors import OptionError
from pytest_aipm.records import Record, RunVerdict
from pytest_aipm.report import FILES, publishable, summary_md
from pytest_aipm.report.exports import EXPORTS, Export, chosen_exports, files_of
from pytest_aipm.report.words import MARKS

ALL = files_of(EXPORTS)
EACH = pytest.mark.parametrize("export", ALL, ids=lambda export: export.file)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""What may neither reach a terminal, nor turn the direction of a line, nor break a file."""


def texts(value: Any) -> list[str]:
    """Return every text of a JSON value, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [t for key, each in value.items() for t in (key, *texts(each))]
    return [t for each in value for t in texts(each)] if isinstance(value, list) else []


def broken(path: str, value: Any) -> Callable[[Any], None]:
    """Return what sets one place of a JSON value; with `...` it is taken away."""
    *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]

    def change(content: Any) -> None:
        for step in way:
            content = content[step]
        if value is ...:
            del content[last]
        else:
            content[last] = value

    return change


METRIC = "components/0/modelCard/quantitativeAnalysis/performanceMetrics/0"
PLACE = "runs/0/results/0/locations/0/physicalLocation"


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("audit.sarif", broken("version", "2.0.0")),
        ("audit.sarif", broken("runs/0/results/0/level", "fatal")),
        ("audit.sarif", broken("runs/0/results/0/message", "plain")),
        ("audit.sarif", broken("runs/0/results/0/unknown", 1)),
        ("audit.sarif", broken(f"{PLACE}/artifactLocation/uri", "a file.yaml")),
        ("audit.sarif", broken(f"{PLACE}/region/startLine", 0)),
        ("audit.sarif", broken("runs/0/results/0/partialFingerprints", ...)),
        ("audit.sarif", broken("runs/0/tool/driver/rules/0/properties/tags", ["x"] * 21)),
        ("test-result.intoto.json", broken("subject", [])),
        ("test-result.intoto.json", broken("subject/0/digest", {})),
        ("test-result.intoto.json", broken("predicate/result", "UNPROVEN")),
        ("test-result.predicate.json", broken("passed", [])),
        ("test-result.predicate.json", broken("failedTests", "one")),
        ("mlbom.cdx.json", broken(f"{METRIC}/value", 0.74)),
        ("mlbom.cdx.json", broken(f"{METRIC}/unit", "%")),
        ("mlbom.cdx.json", broken("serialNumber", "1")),
        ("mlbom.cdx.json", broken("metadata/timestamp", "yesterday")),
        ("gl-code-quality.json", broken("0/severity", "error")),
        ("gl-code-quality.json", broken("0/location/lines", {})),
    ],
)
def test_the_readers_refuse_what_is_wrong(
    rich: Record, file: str, change: Callable[[Any], None]
) -> None:
    (export,) = [export for export in ALL if export.file == file]
    content = json.loads(export.view(rich))
    change(content)
    with pytest.raises((AssertionError, KeyError, ValueError, ParseError)):
        READERS[file](json.dumps(content))


@pytest.mark.parametrize("text", ["no front matter", "---\n- a\n---\n", "---\na: {\n---\n"])
def test_the_reader_of_cards_refuses_what_is_none(text: str) -> None:
    with pytest.raises((AssertionError, TypeError, ValueError, YAMLError)):
        READERS["model-card.md"](text)


def test_every_export_has_a_reader() -> None:
    assert [export.file for export in ALL] == list(READERS)


@EACH
@pytest.mark.parametrize("name", ["rich", "lending", "passing", "unproven"])
def test_an_export_keeps_to_its_schema(
    export: Export, name: str, request: pytest.FixtureRequest
) -> None:
    record = request.getfixturevalue(name)
    assert export.lacks(record) == ""
    READERS[export.file](export.view(record))


@EACH
def test_an_export_of_nothing_keeps_to_its_schema_or_is_not_made(export: Export) -> None:
    bare = lending().model_copy(
        update={"subject": None, "baseline": None, "findings": (), "groups": (), "context": {}}
    )
    for record in (record_of(), record_of(bare), Record(verdict=RunVerdict.UNPROVEN)):
        if not export.lacks(record):
            READERS[export.file](export.view(record))
        else:
            assert export.file.startswith("test-result.")
            assert export.lacks(record) == "no check ran"


@EACH
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_harmless(export: Export, hostile: str) -> None:
    text = export.view(hostile_record(HOSTILE[hostile]))
    text.encode()
    read = READERS[export.file](text)
    if isinstance(read, dict | list):
        seen = [said for said in texts(read) if said != HOSTILE["path"]]
        assert not any(UNSEEN.search(said) for said in seen)
        if export.file != "gl-code-quality.json":  # a path must stay whole to lead anywhere
            longest = max(len(said) for said in seen)
            assert longest <= (30_000 if export.file == "audit.sarif" else 1_000)
    else:
        assert not UNSEEN.search(text)
        assert max(map(len, text.splitlines())) < 3_000


def test_a_chain_of_ten_thousand_characters_keeps_exports_small() -> None:
    record = hostile_record(HOSTILE["ten thousand characters"])
    sizes = {export.file: len(export.view(record)) for export in ALL}
    # a path cannot be cut, and stands at each result
    paths = 10_000 * len(record.findings)
    assert sizes["audit.sarif"] < paths + 60_000
    assert sizes["gl-code-quality.json"] < paths + 40_000
    assert sizes["model-card.md"] < 40_000
    assert sizes["mlbom.cdx.json"] < 60_000
    assert sizes["test-result.intoto.json"] < 20_000


@EACH
def test_small_cells_stay_withheld(export: Export, lending: Record) -> None:
    text = export.view(lending)
    assert text == export.view(publishable(lending))
    assert "2 of 3" not in text
    assert "0.6666" not in text, "the rate of the three people"
    assert "tiny=" not in text
    assert "region=tiny" not in text
    assert "81,234" not in text, "rows needed are derived from the small group"


@EACH
def test_the_same_record_gives_the_same_bytes(export: Export, rich: Record) -> None:
    assert export.view(rich) == export.view(Record.from_json(rich.to_json()))


@EACH
def test_the_verdict_of_an_unproven_run_never_reads_as_a_pass(
    export: Export, unproven: Record
) -> None:
    text = export.view(unproven)
    assert '"PASSED"' not in text
    assert "**PASS" not in text
    if export.file.startswith("test-result"):
        assert '"WARNED"' in text
    elif export.file == "gl-code-quality.json":
        assert "inconclusive" in text
    else:
        assert "UNPROVEN" in text


def test_all_exports_of_200_findings_take_less_than_half_a_second(
    many: Callable[[int], Record],
) -> None:
    record = many(200)
    best = min(_seconds(record) for _ in range(3))
    assert best <= 0.5


def _seconds(record: Record) -> float:
    start = time.process_time()
    for export in ALL:
        export.view(record)
    return time.process_time() - start


# Names


def test_all_are_written_unless_the_project_says_otherwise() -> None:
    assert chosen_exports(None) == chosen_exports(["all"]) == tuple(EXPORTS)
    assert chosen_exports([]) == chosen_exports(["none"]) == chosen_exports("none") == ()
    assert chosen_exports(["mlbom", "sarif", "mlbom"]) == ("sarif", "mlbom")
    assert [export.file for export in files_of(["test-result"])] == [
        "test-result.intoto.json",
        "test-result.predicate.json",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sarrif"], "there is no export 'sarrif'; did you mean 'sarif'?"),
        (["audit.sarif"], "there is no export 'audit.sarif'; did you mean 'sarif'?"),
        (["mlbom.cdx.json"], "there is no export 'mlbom.cdx.json'; did you mean 'mlbom'?"),
        (["sarif,"], "there is no export 'sarif,'; did you mean 'sarif'?"),
        (["junit"], "there is no export 'junit'; known: sarif, test-result, mlbom, "),
        (["sarif", "none"], "'none' stands beside other names; use it alone"),
        (["all", "sarif"], "'all' stands beside other names; use it alone"),
        ([""], "there is no export ''; known: "),
    ],
)
def test_an_unknown_name_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(OptionError) as caught:
        chosen_exports(words, "pytest.ini")
    assert str(caught.value).startswith(f"pytest.ini: aipm_exports: {said}")
    assert "\n" not in str(caught.value)


def test_the_documentation_names_them_all() -> None:
    page = Path(__file__).parents[2].joinpath("docs/exports.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*) \|", page, flags=re.MULTILINE)
    named = {name: re.findall(r"`([^`]+)`", files) for name, files in rows}
    assert named == {name: [x.file for x in files] for name, files in EXPORTS.items()}
    blocks = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        assert isinstance(safe_load(block), dict)
        for path in re.findall(r"aipm-report/(\S+\.\w+)", block):
            assert path in FILES


# The summary has been here longer; it keeps its budget by the same order


def test_a_summary_beyond_its_budget_keeps_the_worst_of_all_policies(
    many: Callable[[int], Record],
) -> None:
    audit = many(4000).audits[0]
    passing = tuple(f for f in audit.findings if f.verdict.value == "pass")
    record = record_of(
        audit.model_copy(update={"findings": passing, "verdict": RunVerdict.PASS}),
        diabetes(),
        audit_named("last", "policies/last.aipm.yaml"),
    )
    text = summary_md(record)
    assert len(text.encode()) <= 200_000
    assert "■ Fail | selection-rate" in text, "of the last policy"
    assert "◆ Inconclusive | score-gap" in text
    left = re.findall(r"Left out here for room, and shown in index.html: ([\d,]+) checks?\.", text)
    shown = sum(line[:2] == "| " and line[2] in MARKS.values() for line in text.splitlines())
    assert shown > 100
    assert sum(int(each.replace(",", "")) for each in left) + shown == len(record.findings)


def test_a_summary_of_endless_waivers_keeps_its_budget() -> None:
    audit = lending()
    record = record_of(audit.model_copy(update={"waivers": audit.waivers * 3000}))
    text = summary_md(record)
    assert len(text.encode()) <= 200_000
    assert "more lines are in index.html." in text
    json.dumps(text)
