"""``aipm validate --resolved``: every value with its origin, and the origins are true."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aipm.catalog import Catalog
from pytest_aipm.commands.resolved import aligned, flow, resolved
from pytest_aipm.policy import policy_from
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.text import composer
from pytest_aipm.policy.tree import Faults
from pytest_aipm.policy.values import Values, plain_scalar

sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))

from check_cases import case_files

BASE = """\
aipm: 1
context:
  law: four fifths
defaults:
  confidence: 0.9
  max_unknown: 0.1
publish:
  min_cell: 7
checks:
  - id: gap
    check: fairness.demographic_parity_difference
    by: region
    limit:
      min: -0.5
      max: 0.2
    unknown: group
    asks: the base asks
"""
POLICY = """\
aipm: 1
name: whole
extends: base.aipm.yaml
context:
  purpose: Show where values come from
  owner: owner@example.org
subject:
  task: binary
  predictions: pred
  data: data.csv
  label: y
  favorable: 1
  id: number
  protected:
    sex: sex
    region:
      column: region
      reference: N
checks:
  - id: gap
    warn:
      max: 0.15
    severity: advice
    override:
      reason: a pilot
      owner: cro@example.org
  - check: performance.metric
    metric: accuracy
    limit:
      min: 0.1
    regression:
      max_change: 0.3
    min_group_size: 3
  - check: fairness.worst_slice
    columns: [sex, region]
    max_depth: 2
    limit:
      max: 0.9
"""
OTHER = {
    "name": "another",
    "law": "another law",
    "purpose": "Another purpose",
    "owner": "else@example.org",
    "predictions": "team",
    "data": "other.csv",
    "label": "team",
    "favorable": "0",
    "id": "again",
    "column": "team",
    "reference": "S",
    "min_cell": "9",
    "by": "sex",
    "min": "-0.4",
    "max": "0.19",
    "unknown": "fail",
    "asks": "another question",
    "confidence": "0.99",
    "max_unknown": "0.02",
    "severity": "error",
    "metric": "f1",
    "max_change": "0.01",
    "min_group_size": "2",
    "columns": "[team]",
    "max_depth": "1",
    "extends": "[base.aipm.yaml]",
    "task": "binary # as before",
    "path": "other.csv",
}
"""What to write instead; the text of a key is what changes, or its form alone."""


@pytest.fixture
def whole(project):
    project.file("policies/base.aipm.yaml", BASE)
    project.file("policies/whole.aipm.yaml", POLICY)
    project.file("pytest.ini", "[pytest]\naipm_first_baseline = true\n")
    return project.path


def documents(text: str) -> list[Any]:
    return [
        Values("", Faults()).tree(node).plain()
        for node in map(composer().compose, text.split("---\n")[1:])
    ]


def keyed(text: str) -> dict[tuple[str, ...], tuple[str, str]]:
    """Return (value, origin) of each line by the keys above it."""
    above: list[tuple[int, str]] = []
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"( *)(- )?([\w-]+): ?(.*?)(?:  +# (.*))?", line)
        if match is None:
            continue
        space, item, key, value, origin = match.groups()
        depth = len(space) + len(item or "")
        above = [each for each in above if each[0] < depth - len(item or "")]
        if item:
            above.append((depth - 1, value))
        path = (*(name for _, name in above), key)
        found[path] = (value, origin or "")
        if not value:
            above.append((depth, key))
    return found


@pytest.mark.usefixtures("whole")
def test_every_value_has_its_origin(aipm):
    said = aipm("validate", "--no-data", "--resolved", "policies/whole.aipm.yaml")
    assert (said.code, said.err) == (0, "")
    lines = keyed(said.out)
    told = {path[-2:]: value for path, value in lines.items()}
    own, base = "policies/whole.aipm.yaml", "policies/base.aipm.yaml"
    assert told["context", "law"] == ("four fifths", f"{base}:3")
    assert told["subject", "task"] == ("binary", f"{own}:8")
    assert told["data", "path"] == ("data.csv", f"{own}:10")
    assert told["subject", "positive"] == ("1", "default: as 'favorable'")
    assert told["sex", "column"] == ("sex", f"{own}:15")
    assert told["publish", "min_cell"] == ("7", f"{base}:8")
    gap = {path[-1]: value for path, value in lines.items() if "gap" in path}
    assert gap["check"] == ("fairness.demographic_parity_difference", f"{base}:11")
    assert gap["by"] == ("[region]", f"{base}:12")
    assert gap["reference"] == ('"N"', f"{own}:18")
    assert gap["confidence"] == ("0.9", f"{base}:5 (defaults)")
    assert gap["severity"] == ("advice", f"{own}:23")
    assert gap["on_inconclusive"] == ("warn", "default")
    assert gap["asks"] == ("the base asks", f"{base}:17")
    assert gap["what"] == ("severity from error to advice", "")
    assert gap["reason"] == ("a pilot", "")
    assert told["performance.metric", "id"] == ("performance.metric", "default: the check's name")
    assert told["performance.metric", "decide_on"] == (
        "point",
        "default of performance without groups",
    )
    assert told["fairness.worst_slice", "rate"] == ("accuracy", "default of the check")
    assert told["run", "baseline"] == ("aipm-baseline.json", "default")
    assert told["run", "policies"] == ("[policies/whole.aipm.yaml]", "command line")
    assert said.out.rstrip().endswith("# valid: 1 policy, 3 nodes; the data were not opened")


def test_changing_the_line_that_is_named_changes_the_value(aipm, whole):
    words = ("validate", "--no-data", "--resolved", "policies/whole.aipm.yaml")
    before = keyed(aipm(*words).out)
    tried = 0
    for path, (value, origin) in before.items():
        match = re.match(r"(policies/\S+):(\d+)", origin)
        if match is None or path[-1] in ("aipm", "check"):
            continue
        file, number = whole / match[1], int(match[2]) - 1
        lines = file.read_text().splitlines(keepends=True)
        key = path[-1]
        if path[-2:] == ("sex", "column"):
            key = "sex"  # the short form
        if path[-2:] == ("data", "path"):
            key = "data"
        written = re.fullmatch(r"( *(?:- )?)([\w-]+): (.*)\n", lines[number])
        assert written is not None, (path, origin)
        assert written[2] == key, (path, origin)
        other = {**OTHER, "sex": "team"}[key]
        if path[-2:] in {("limit", "min"), ("limit", "max")} and "performance.metric" in path:
            other = "0.05"
        changed = [*lines]
        changed[number] = f"{written[1]}{key}: {other}\n"
        file.write_text("".join(changed))
        after = keyed(aipm(*words).out)
        file.write_text("".join(lines))
        now = after.get(path) or after.get(tuple("again" if x == "gap" else x for x in path))
        if key == "extends":
            assert now == ("[base.aipm.yaml]", origin)
        elif key != "task" and path[-1] != "id":
            assert now is not None, path
            assert now[0] not in (value, ""), (path, origin)
            assert now[1] == origin
        tried += 1
    assert tried > 28


@pytest.mark.usefixtures("whole")
def test_it_parses_again_and_says_what_the_policy_says(aipm):
    said = aipm("validate", "--no-data", "--resolved", "policies/whole.aipm.yaml")
    policy, run = documents(said.out)
    assert policy["subject"]["protected"] == {
        "sex": {"column": "sex"},
        "region": {"column": "region", "reference": "N"},
    }
    gap, metric, found = policy["checks"]
    assert gap["limit"] == {"min": -0.5, "max": 0.2}
    assert gap["warn"] == {"max": 0.15}
    assert gap["other_than_its_base"] == [
        {"what": "severity from error to advice", "reason": "a pilot", "owner": "cro@example.org"}
    ]
    assert (metric["regression"], metric["min_group_size"]) == ({"max_change": 0.3}, 3)
    assert (found["columns"], found["max_depth"]) == (["sex", "region"], 2)
    assert run["run"]["report"] == "aipm-report"


def test_every_policy_of_the_check_cases_is_shown_as_it_is_held_to(tmp_path):
    catalog = Catalog()
    for file in case_files().values():
        for case in file.cases:
            given = {"data": None, "model": None} if case.model else {"data": None}
            given |= {"train": None} if case.train else {}
            written = case.policy()
            policy = policy_from(written, path="p", root=tmp_path, catalog=catalog, given=given)
            text = "\n".join(aligned(list(resolved(policy, catalog))))
            (shown,) = documents(f"---\n{text}")
            check, spec = shown["checks"][-1], policy.checks[-1]
            ends = {key.partition("_")[0]: value for key, value in check.get("limit", {}).items()}
            limit = spec.limit.model_dump(exclude_none=True) if spec.limit else {}
            assert ends == limit
            assert (check["confidence"], check["enabled"]) == (spec.confidence, spec.enabled)
            for key in ("metric", "columns"):
                assert _within(case.asked.get(key), check.get(key))


def _within(written, shown):
    """Return whether everything that is written is shown, beside what it stands for."""
    if isinstance(written, dict):
        return all(_within(value, shown[key]) for key, value in written.items())
    return written is None or shown == written


def test_the_origins_of_a_pack_are_its_lines(aipm, project):
    policy = project.policy("packed", "{id: selection-ratio, warn: {min: 0.95}}")
    policy.write_text(policy.read_text().replace("name:", "extends: pack:release-gate\nname:"))
    said = aipm("validate", "--no-data", "--resolved")
    assert said.code == 0, said.err
    path = Library().path("release-gate")
    assert path is not None
    lines = path.read_text(encoding="utf-8").splitlines()
    origins = re.findall(r"([\w.-]+): (\S+) +# pack:release-gate:(\d+)$", said.out, re.MULTILINE)
    assert len(origins) > 20
    for key, value, number in origins:
        written = lines[int(number) - 1]
        assert f"{key}:" in written
        number_in = re.search(rf"{key}: ([-0-9.]+)", written)
        if number_in:
            assert float(number_in[1]) == float(value)
    assert re.search(r"min: 0\.95 +# policies/packed\.aipm\.yaml:14$", said.out, re.MULTILINE)
    assert re.search(
        r"enabled: false +# if_possible: 'explain.protected_flip' needs a model it can call$",
        said.out,
        re.MULTILINE,
    )


def test_several_policies_are_several_documents_each_with_its_file(aipm, project):
    gap = "{check: fairness.demographic_parity_difference, by: sex, limit: {max: 0.5}}"
    for name in ("one", "two"):
        project.policy(name, gap)
    project.file("pytest.ini", "[pytest]\naipm_report = out\naipm_exports = sarif\n")
    said = aipm("validate", "--resolved")
    one, two, run = documents(said.out)
    assert (one["name"], two["name"]) == ("one", "two")
    assert "# policies/one.aipm.yaml" in said.out.splitlines()
    assert (run["run"]["report"], run["run"]["exports"]) == ("out", ["sarif"])
    assert re.search(r"report: out +# pytest.ini: aipm_report$", said.out, re.MULTILINE)


def test_what_is_wrong_is_said_as_without(aipm, project):
    project.policy("bad", "{check: fairness.demographic_parity_difference, limt: {max: 0.5}}")
    plain, asked = aipm("validate"), aipm("validate", "--resolved")
    assert (asked.code, asked.err, asked.out) == (4, plain.err, "")
    project.policy("bad", "{check: fairness.demographic_parity_difference, limit: {max: 0.5}}")
    (project.path / "data.csv").unlink()
    plain, asked = aipm("validate"), aipm("validate", "--resolved")
    assert (asked.code, asked.err) == (1, plain.err)
    assert "# valid" not in asked.out


def test_hostile_and_long_words_stay_on_their_line(aipm, project):
    policy = project.policy("odd", "{check: fairness.demographic_parity_difference}")
    words = '"a\\u202eb <b>\\n# no comment: {x}\\u0007 \\"quoted\\" ' + "y" * 10_000 + '"'
    text = policy.read_text().replace("Show what the command does", words)
    policy.write_text(text.replace("max: 0.1", "max: 0.1"), encoding="utf-8")
    said = aipm("validate", "--no-data", "--resolved")
    assert said.code == 0, said.err
    assert max(map(len, said.out.splitlines())) < 200
    policy_again, _ = documents(said.out)
    assert policy_again["context"]["purpose"].startswith(
        'a\u202eb <b> # no comment: {x}\a "quoted"'
    )
    assert policy_again["context"]["purpose"].endswith("…")
    assert "\u202e" not in said.out


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=("Cs",))),
        st.sampled_from(
            ["no", "NULL", "~", "1e3", "0x1F", "a: b", "a #b", "- x", "2026-01-31", ""]
        ),
    )
)
def test_a_scalar_is_read_again_as_what_it_is(value):
    for around in ("key: {}", "[{}]", "{{key: [{}]}}"):
        text = around.format(plain_scalar(value))
        read = Values("", Faults()).tree(composer().compose(text)).plain()
        inner = read if isinstance(read, list) else read["key"]
        inner = inner[0] if isinstance(inner, list) else inner
        assert inner == value
        assert type(inner) is type(value)


def test_long_lists_show_their_first_items():
    shown = flow([f"column_{i}" for i in range(500)])
    assert len(shown) < 90
    assert shown.startswith("[column_0, column_1, ")
    assert shown.endswith('more"]')
