"""CI files of the documentation: held to the published schema, their own commands run."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from docs_pages import ROOT
from docs_project import Project
from jsonschema.validators import validator_for
from packaging.requirements import Requirement

__all__ = ["ci_kind", "installs", "jenkins_commands", "run_commands", "schema_faults", "shell_of"]

EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
)
INSTALL = re.compile(r"(?:\S*/)?(?:python3? -m )?(?:\S*/)?pip install (.*)")
OWN = re.compile(r"(?:\S*/)?(?:pytest|aipm)\b")
SCHEMAS = {"github": "github-workflows", "gitlab": "gitlab-ci", "azure": "azure-pipelines"}


def ci_kind(value: Any) -> str:
    """Return which server a file is for, or an empty text."""
    if isinstance(value, list):
        return "github" if value and all({"run", "uses"} & set(one) for one in value) else ""
    if "jobs" in value and "on" in value:
        return "github"
    if {"pool", "trigger", "pr"} & set(value) and "steps" in value:
        return "azure"
    if "steps" in value:
        return "github"
    jobs = [one for one in value.values() if isinstance(one, dict)]
    return "gitlab" if any("script" in one for one in jobs) else ""


def schema_faults(kind: str, value: Any) -> list[str]:
    """Return what a published schema says against a file; parts of a workflow are completed.

    Nothing where the schemas are not installed: the extra `test` has them from Python 3.12 on.
    """
    if find_spec("check_jsonschema") is None:
        return []
    if kind == "github" and isinstance(value, list):
        value = {"steps": value}
    if kind == "github" and "jobs" not in value:
        job = {"runs-on": "ubuntu-latest", **value}
        value = {"on": "push", "jobs": {"part": job}}
    return [error.message[:200] for error in _validator(SCHEMAS[kind]).iter_errors(value)]


@cache
def _validator(name: str) -> Any:
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return validator_for(schema)(schema)


def shell_of(value: Any) -> Iterator[str]:
    """Return the shell commands of a CI file, wherever they stand."""
    if isinstance(value, list):
        for one in value:
            yield from shell_of(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in ("run", "script", "bash", "before_script"):
                yield from [one] if isinstance(one, str) else one
            else:
                yield from shell_of(one)


def jenkins_commands(text: str) -> list[str]:
    """Return the shell commands of a Jenkinsfile whose brackets are in balance."""
    bare = re.sub(r"'''.*?'''|'[^']*'|\"[^\"]*\"|//[^\n]*", "", text, flags=re.DOTALL)
    open_: list[str] = []
    for mark in re.findall(r"[(){}\[\]]", bare):
        if mark in "({[":
            open_.append({"(": ")", "{": "}", "[": "]"}[mark])
        else:
            assert open_, f"a {mark} too many"
            assert open_.pop() == mark, f"a {mark} closes something else"
    assert not open_, f"{len(open_)} brackets are left open"
    assert re.match(r"\s*pipeline \{", text)
    return [a or b for a, b in re.findall(r"\bsh '''(.*?)'''|\bsh '([^'\n]*)'", text, re.DOTALL)]


def run_commands(commands: list[str], named: str, project: Project, known: set[str]) -> None:
    """Run those commands that are this project's own, once each; check what the others install.

    Files of the report that the CI file names, in `named`, must be there afterwards.
    """
    ran = False
    for command in commands:
        syntax = project.run(f"bash -n <<'END_OF_BLOCK'\n{command}\nEND_OF_BLOCK")
        assert syntax.returncode == 0, syntax.stdout
        for line in map(str.strip, command.splitlines()):
            install = INSTALL.match(line)
            if install:
                installs(install[1])
            elif OWN.match(line):
                ran = True
                bare = line.partition("#")[0].strip()
                if bare not in known:  # a run of each is enough
                    done = project.run(bare)
                    assert done.returncode == 0, done.stdout
                    known.add(bare)
    if ran:
        for name in set(re.findall(r"aipm-report/[\w.-]+|\bjunit\.xml", named)):
            assert (project.path / name).exists(), f"{name} is named and was not written"


def installs(arguments: str) -> None:
    """Check that what is installed exists: extras of this project, and no option but known ones."""
    words = [word.strip("'\"") for word in arguments.split()]
    while words:
        word = words.pop(0)
        if word in ("-r", "-e"):
            words.pop(0)
        elif not word.startswith(("-", ".", "path/", "git+")):
            wanted = Requirement(word)
            assert wanted.name != "pytest-aipm" or wanted.extras <= EXTRAS, word
