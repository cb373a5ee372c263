"""Workflows, action and the examples of docs/ci.md: their syntax, and what a linter finds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from composite import ACTION, ROOT
from ruamel.yaml import YAML

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
EXAMPLES = [block for block in BLOCKS if "\njobs:\n" in block]
AZURE = [block for block in BLOCKS if "\npool:\n" in block]
GITLAB = [block for block in BLOCKS if block not in (*EXAMPLES, *AZURE)]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TRAP = """\
name: trap
on: pull_request_target
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.pull_request.title }}
      - uses: somebody/something@main
"""


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


ACTION_YML = load((ACTION / "action.yml").read_text(encoding="utf-8"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """This repository's `.github` with the examples among its workflows."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    for number, block in enumerate(EXAMPLES):
        (tmp_path / f".github/workflows/example-{number}.yml").write_text(block, encoding="utf-8")
    return tmp_path


def linted(repository: Path) -> tuple[list[str], list[str]]:
    """Return what zizmor complains about at medium and above, and which files it read."""
    done = subprocess.run(
        [
            Path(sysconfig.get_path("scripts")) / "zizmor",
            "--offline",
            "--no-progress",
            "--strict-collection",
            "--color=never",
            "--min-severity=medium",
            "--format=json",
            f"--config={repository / '.github' / 'zizmor.yml'}",
            repository / ".github",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 13, 14), done.stderr
    found = [f"{one['ident']}: {one['desc']}" for one in json.loads(done.stdout)]
    return found, re.findall(r"completed \S*?([\w.-]+\.yml)", done.stderr)


def test_the_linter_finds_nothing_at_medium_or_above(repository: Path) -> None:
    found, read = linted(repository)
    assert found == []
    assert len(EXAMPLES) == 4
    assert sorted(read) == sorted(
        ["action.yml", "ci.yml", *(f"example-{number}.yml" for number in range(4))]
    )


def test_the_linter_can_find_something(repository: Path) -> None:
    (repository / ".github/workflows/trap.yml").write_text(TRAP)
    found = {line.partition(":")[0] for line in linted(repository)[0]}
    assert {"template-injection", "unpinned-uses", "dangerous-triggers"} <= found


@pytest.mark.parametrize(
    ("schema", "texts", "slip"),
    [
        (
            "github-workflows",
            [*(p.read_text(encoding="utf-8") for p in WORKFLOWS), *EXAMPLES],
            ("runs-on:", "runs_on:"),
        ),
        (
            "github-actions",
            [(ACTION / "action.yml").read_text(encoding="utf-8")],
            ("using: composite", "using: nothing"),
        ),
        ("gitlab-ci", GITLAB, ("when: always", "when: sometimes")),
        ("azure-pipelines", AZURE, ("- script: pytest", "- scrpt: pytest")),
    ],
    ids=["workflows", "action", "gitlab", "azure"],
)
def test_syntax_is_that_of_the_published_schema(
    schema: str, texts: list[str], slip: tuple[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("check_jsonschema", reason="the extra `test` has it from Python 3.12 on")
    assert texts
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yml").write_text(text, encoding="utf-8")
    (tmp_path / "wrong.yml").write_text(texts[-1].replace(*slip), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", f"--builtin-schema=vendor.{schema}"]
    command.append("--regex-variant=python")  # the schema of Azure has patterns of no other kind
    files = sorted(tmp_path.glob("*.yml"))
    done = subprocess.run(
        [*command, "--output-format=json", *files], capture_output=True, text=True, check=False
    )
    said = json.loads(done.stdout)
    assert not said.get("parse_errors")
    faulty = {Path(error["filename"]).name for error in said["errors"]}
    assert faulty == {"wrong.yml"}, done.stdout


def test_no_expression_reaches_a_shell() -> None:
    for step in ACTION_YML["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert ("run" in step) != ("uses" in step)


def test_every_input_and_output_is_described_as_it_is() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| *(?:`([^`]*)`)? *\|.*\|$", PAGE, flags=re.MULTILINE))
    for name, one in ACTION_YML["inputs"].items():
        assert one["description"]
        assert rows[name] == one["default"], name
    for name, one in ACTION_YML["outputs"].items():
        assert one["description"]
        assert f"| `{name}` |" in PAGE


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("text", [p.read_text(encoding="utf-8") for p in WORKFLOWS] + EXAMPLES)
def test_the_action_is_given_inputs_that_it_has(text: str) -> None:
    given = [step for step in steps(load(text)) if step.get("uses") == "./.github/actions/audit"]
    for step in given:
        assert set(step["with"]) <= set(ACTION_YML["inputs"])
        assert all(isinstance(value, str) for value in step["with"].values()), "true is no text"


def test_examples_ask_for_the_rights_that_their_inputs_need() -> None:
    needs = {
        "comment": {"pull-requests"},
        "sarif": {"security-events"},
        "attest": {"id-token", "attestations"},
        "release": {"contents"},
    }
    asked = 0
    for text in EXAMPLES:
        for job in load(text)["jobs"].values():
            rights = {k for k, v in job.get("permissions", {}).items() if v == "write"}
            inputs = {name for step in job["steps"] for name in step.get("with", {})} & set(needs)
            assert rights == set().union(*(needs[name] for name in inputs))
            asked += len(inputs)
    assert asked == 4


def test_one_version_of_each_action_is_used() -> None:
    texts = [p.read_text(encoding="utf-8") for p in (*WORKFLOWS, ACTION / "action.yml")]
    used = {each for text in [*texts, *EXAMPLES] for each in re.findall(r"uses: (\S+@\S+)", text)}
    assert len(used) == len({each.partition("@")[0] for each in used}), used


@pytest.mark.parametrize("script", sorted(ACTION.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_strict_and_can_be_parsed(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    if script.name != "lib.sh":  # sourced by the others
        assert text.startswith("#!/usr/bin/env bash\n")
        assert "\nset -euo pipefail\n" in text
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
