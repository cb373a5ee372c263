"""``aipm selftest``: which checks see planted harm, and what is said about those that do not."""

from __future__ import annotations

import json
import re
import sys

import pytest
from cli_project import GAP, GREEN, RED

BLIND = f"{{check: {GAP}, id: wide, by: region, limit: {{max: 0.95}}}}"
HEAD = ["check", "without", "harm", "flip", "proxy", "degrade", "leak", "drop", "thin"]


@pytest.fixture
def project(project):
    """The small project, and its rows ten times."""
    head, *rows = (project.path / "data.csv").read_text().splitlines()
    project.file("many.csv", "\n".join([head, *rows * 10, ""]))
    return project


@pytest.fixture
def seeing(project):
    """A policy whose one check sees harm: 4,000 rows, a gap of 0."""
    return project.policy("seeing", GREEN, data="many.csv")


@pytest.fixture
def half_blind(project):
    """The same, and a check whose limit nothing breaks."""
    return project.policy("half-blind", GREEN, BLIND, data="many.csv")


def table(text):
    """Cells by the check's name."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.split() == HEAD)
    rows = lines[start + 1 : lines.index("", start)]
    return {cells[0]: cells[1:] for cells in (re.split(r"  +", row) for row in rows)}


def section(text, title):
    """Lines below a title."""
    lines = text.splitlines()
    place = lines.index(title)
    return [line.strip() for line in lines[place + 1 : lines.index("", place)]]


def test_a_gate_that_sees_harm_is_exit_0_and_nothing_is_written(aipm, project, seeing):
    before = sorted(project.path.rglob("*"))

    said = aipm("selftest", seeing, "--quick")

    assert (said.code, said.err) == (0, "")
    assert "The one check that can fail the build turns red when harm is planted." in said.out
    verdict, flip, proxy, degrade, leak, *_ = table(said.out)["gap::region"]
    assert (verdict, degrade, leak) == ("pass", "-", "-")
    assert flip == proxy == "10 < 50"
    assert sorted(project.path.rglob("*")) == before


def test_a_limit_that_is_too_wide_is_blind_and_exit_1(aipm, half_blind):
    said = aipm("selftest", half_blind)

    assert (said.code, said.err) == (1, "")
    assert "1 of 2 checks that can fail the build is blind" in said.out
    (line,) = section(said.out, "Blind")
    told = "wide::region: the limit <= 0.95 is too wide: it holds even with "
    assert re.fullmatch(told + r"(flip|proxy) 50 % \([NS]\), at 0\.2\d+", line)
    assert table(said.out)["wide::region"][1] == "never"


def test_too_few_rows_are_blind_with_the_gap_that_they_would_notice(aipm, project):
    """Half of 0.45 taken from 200 of 400 people is a gap of 0.22, and its lower end is 0.14."""
    said = aipm("selftest", project.policy("few", GREEN))

    assert said.code == 1
    (line,) = section(said.out, "Blind")
    told = r"too few rows: with flip 50 % \([NS]\) they still cannot tell"
    found = re.search(told + r" \(they would notice a gap of (0\.\d+)\)", line)
    assert 0.22 < float(found[1]) < 0.30


def test_a_waiver_for_whatever_happens_is_blind(aipm, project, seeing):
    project.file(
        "policies/waivers.yaml",
        "waivers: [{id: W-1, check: 'seeing::gap::region', reason: why, owner: me@example.org, "
        "ticket: '17', created: 2024-01-01, expires: 2999-01-01}]\n",
    )

    said = aipm("selftest", seeing, "--quick")

    assert said.code == 1
    assert section(said.out, "Blind") == ["gap::region: waiver W-1 covers it, whatever the harm"]


def test_what_is_red_without_harm_is_told_apart(aipm, project):
    said = aipm("selftest", project.policy("red", RED), "--quick")

    assert "Red without any harm, and not tested: 1." in said.out
    assert table(said.out)["gap::sex"] == ["fail", *"------"]
    assert section(said.out, "Red without harm, so nothing was planted: the audit says why") == [
        "gap::sex"
    ]


def test_markdown_holds_the_same_table(aipm, half_blind):
    text = aipm("selftest", half_blind, "--quick").out
    shown = aipm("selftest", half_blind, "--quick", "--markdown").out

    for name, cells in table(text).items():
        row = " | ".join([f"`{name}`", *(cell.replace("<", "&lt;") for cell in cells)])
        assert f"| {row} |" in shown
    assert "**Blind**" in shown


def test_the_same_seed_prints_the_same(aipm, seeing):
    one, two = (aipm("selftest", seeing, "--quick", "--curve", "--seed", "3") for _ in range(2))

    assert one == two
    assert "seed 3" in one.out


def test_curves_are_drawn_on_request(aipm, seeing):
    title = "Power: seeds of which the check is red, by strength"

    assert title not in aipm("selftest", seeing, "--quick").out
    told = aipm("selftest", seeing, "--quick", "--seeds", "2").out
    assert "gap::region: flip (N): 0: 0/2, 2: 0/2, 10: 0/2, 50: 2/2" in section(told, title)
    assert "50: 5/5" in aipm("selftest", seeing, "--quick", "--curve").out


@pytest.mark.parametrize("name", ["it.json", "it.md"])
def test_it_is_written_where_a_file_is_named(aipm, project, half_blind, name):
    said = aipm("selftest", half_blind, "--quick", "--out", name)
    text = (project.path / name).read_text(encoding="utf-8")

    assert said.code == 1
    if name.endswith(".md"):
        assert text == aipm("selftest", half_blind, "--quick", "--markdown").out
        return
    told = json.loads(text)
    assert (told["schema"], told["holds"], told["policy"]) == (
        "aipm-selftest/1",
        False,
        "half-blind",
    )
    seen, blind = told["nodes"]
    assert (seen["blind"], blind["blind"]) == (False, True)
    flips = [each for each in seen["trials"] if each["harm"] == "flip"]
    assert {(each["before"], each["red"]) for each in flips} == {(0.1, 0.5)}
    assert {tuple(each["group"].items()) for each in flips} == {
        (("region", "N"),),
        (("region", "S"),),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "it.txt"], "--out=it.txt; name a file in .json or .md\n"),
        (["--out", "no/it.md"], "--out=no/it.md: there is no such folder; make it first\n"),
        (["--seed", "-1"], "--seed=-1; give a whole number, 0 or more\n"),
        (["--seeds", "0"], "--seeds=0; give a whole number, 1 or more\n"),
        (["--seeds", "many"], "--seeds=many; give a whole number, 1 or more\n"),
    ],
)
def test_wrong_options_are_exit_4_before_anything_runs(aipm, seeing, words, said):
    told = aipm("selftest", seeing, *words)

    assert (told.code, told.out, told.err) == (4, "", said)


@pytest.mark.parametrize("check", [GREEN.replace("max", "mx"), GREEN.replace("region", "planet")])
def test_faults_of_a_policy_are_those_of_validate(aipm, project, check):
    path = project.policy("bad", check)
    said, validated = aipm("selftest", path), aipm("validate", path)

    assert (said.code, said.out) == (4, "")
    assert said.err == validated.err != ""


def test_a_policy_that_is_not_there_and_two_at_once_are_exit_4(aipm, project):
    said = aipm("selftest", "policies/none.aipm.yaml")
    assert said.code == 4
    assert "policies/none.aipm.yaml" in said.err

    project.policy("one", GREEN)
    project.policy("two", GREEN)
    said = aipm("selftest", "policies")
    assert (said.code, said.err) == (
        4,
        "policies holds 2 policies; a self-test takes one; name one file\n",
    )


def test_a_model_that_crashes_is_one_line_and_exit_1(aipm, project):
    project.file(
        "crashing.py",
        "def model():\n    return predict\n\n"
        "def predict(frame):\n    raise RuntimeError('no weights')\n",
    )
    path = project.policy("crash", GREEN, subject={"model": "{factory: 'crashing:model'}"})
    path.write_text(path.read_text().replace("  predictions: pred\n", ""))

    said = aipm("selftest", path)
    sys.modules.pop("crashing", None)

    assert (said.code, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "raised RuntimeError: no weights" in said.err


def test_a_check_that_cannot_be_measured_is_exit_1_and_says_why(aipm, project):
    teams = "{sex: sex, region: region, team: {column: team, groups: [X, Y, Z]}}"
    team = GREEN.replace("id: gap, by: region", "id: team, by: team")
    path = project.policy("half", GREEN, team, data="many.csv", subject={"protected": teams})
    said = aipm("selftest", path, "--quick")

    assert said.code == 1
    assert "Not measurable even without harm: 1." in said.out
    (line,) = section(said.out, "Could not be measured without harm")
    assert line.startswith("team::team: policies/half.aipm.yaml:")
    assert "declared group 'Z' of attribute 'team' does not occur" in line


def test_strict_projects_are_tested_as_strict(aipm, project):
    path = project.policy("few", f"{{check: {GAP}, id: gap, by: team, limit: {{max: 0.10}}}}")
    assert table(aipm("selftest", path, "--quick").out)["gap::team"][1] != "-"

    project.file("pytest.ini", "[pytest]\naipm_strict = true\naipm_seed = 3\n")
    assert table(aipm("selftest", path, "--quick").out)["gap::team"] == ["inconclusive", *"------"]


def test_names_from_the_data_cannot_write_on_the_terminal(aipm, project):
    rows = (project.path / "data.csv").read_text().replace(",N,", ",\x1b[2JN`|,")
    project.file("evil.csv", rows)
    path = project.policy("evil", BLIND, data="evil.csv")

    said = aipm("selftest", path, "--quick", "--out", "it.md")
    text = (project.path / "it.md").read_text(encoding="utf-8")

    assert "[2JN`|" in said.out
    assert "\x1b" not in said.out + text
    assert "``wide::region" in text, "a span that a backtick of the data cannot end"


def test_progress_is_shown_on_a_terminal_alone(aipm, seeing, monkeypatch):
    assert aipm("selftest", seeing, "--quick").err == ""

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    shown = aipm("selftest", seeing, "--quick").err
    assert "\r\x1b[Kflip 50 %: N ..." in shown
    assert shown.endswith("\r\x1b[K"), "and is gone at the end"
