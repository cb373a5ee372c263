"""Runs a composite action as GitHub does: its steps in order, its `run:` lines with bash.

Knows what this repository's action uses of the language: ``${{ }}`` in `if`, `env`, `with`,
`working-directory` and outputs; files for outputs and summaries; ``success()`` where no status
function is named. Steps with `uses:` are written down instead of run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from warm_python import asking

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "audit"
TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\|\||&&|==|!=|[()]|[A-Za-z_][\w.-]*)")
PYTHON = {"||": " or ", "&&": " and "}

PROGRAM = f"""#!/bin/sh
case "$*" in
  *-m\\ pytest\\ *) exec {{warm}} "$@" ;;
  *) exec '{sys.executable}' "$@" ;;
esac
"""
GH = f"""#!{sys.executable}
# Stands for GitHub's command: writes down how it was called, answers from comments.json.
import json, os, re, shutil, subprocess, sys
from pathlib import Path
home = Path(os.environ["FAKE_GH"])
said = sys.argv[1:]
files = {{word.partition("=@")[2] for word in said if "=@" in word}}
files |= {{word for word in said if Path(word).is_file()}}
call = {{
    "argv": said,
    "token": os.environ.get("GH_TOKEN", ""),
    "files": {{Path(f).name if "=@" not in f else f: Path(f).read_bytes().hex() for f in files}},
}}
with (home / "calls.jsonl").open("a") as file:
    file.write(json.dumps(call) + "\\n")
if (home / "fails").exists():
    sys.exit("HTTP 403: Resource not accessible by integration")
if "--jq" in said:
    answer, filter = (home / "comments.json").read_text(), said[said.index("--jq") + 1]
    if shutil.which("jq"):
        sys.exit(subprocess.run(["jq", "-r", filter], input=answer, text=True).returncode)
    login, mark = re.findall('"(.*?)"', filter)
    for one in json.loads(answer):
        if one["user"]["login"] == login and one["body"].startswith(mark):
            print(one["id"])
"""


@dataclass
class Ran:
    """What happened: outputs of the action, each step's log, and what other actions were given."""

    failed: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""
    ended: dict[str, int] = field(default_factory=dict)
    gh: list[dict[str, Any]] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "".join(self.logs.values())


class Composite:
    """One machine on which the action can run, with a fake `gh` and a `python` of this process.

    Parameters
    ----------
    home : Path
        An empty folder.
    workspace : Path
        The checkout.
    warm : str
        Address of the Python that runs pytest.
    """

    def __init__(self, home: Path, workspace: Path, warm: str) -> None:
        self.action = YAML(typ="safe").load((ACTION / "action.yml").read_text(encoding="utf-8"))
        self.home, self.workspace = home, workspace
        self.temp = home / "runner temp"
        self.bin = home / "bin"
        for folder in (self.temp, self.bin):
            folder.mkdir()
        self.program("gh", GH)
        self.program("python", PROGRAM.format(warm=shlex.join(asking(warm, "python"))))
        self.comments: list[dict[str, Any]] = []
        self.github = {
            "token": "t0ken",
            "event.repository.private": "true",
            "event.pull_request.number": "7",
        }
        self.env = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("GITHUB_", "PYTEST", "PIP_")) and key != "SOURCE_DATE_EPOCH"
        } | {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "FAKE_GH": str(home),
            "PIP_NO_INDEX": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PYTEST_ADDOPTS": "-p no:hypothesispytest -p no:cacheprovider",
            "CI": "true",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_REPOSITORY": "octo/loans",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        }

    def program(self, name: str, text: str) -> None:
        """Put a program on the path."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, **given: str) -> Ran:
        """Run all steps; names of inputs are written with underscores."""
        chosen = {name.replace("_", "-"): value for name, value in given.items()}
        assert set(chosen) <= set(self.action["inputs"])
        inputs = {name: str(one["default"]) for name, one in self.action["inputs"].items()} | chosen
        (self.home / "comments.json").write_text(json.dumps(self.comments))
        calls = self.home / "calls.jsonl"
        calls.unlink(missing_ok=True)
        context = {f"inputs.{name}": value for name, value in inputs.items()}
        context |= {f"github.{name}": value for name, value in self.github.items()}
        ran = Ran()
        for step in self.action["runs"]["steps"]:
            if wanted(step.get("if", "success()"), context, failed=ran.failed):
                self._step(step, context, ran)
        ran.outputs = {
            name: str(filled(one["value"], context)) for name, one in self.action["outputs"].items()
        }
        if calls.exists():
            ran.gh = [json.loads(line) for line in calls.read_text().splitlines()]
        return ran

    def _step(self, step: Mapping[str, Any], context: dict[str, str], ran: Ran) -> None:
        name = step["name"]
        if "uses" in step:
            ran.used[step["uses"].partition("@")[0]] = {
                key: filled(str(value), context) for key, value in step["with"].items()
            }
            return
        assert step["shell"] == "bash"
        files = {key: self.home / key.lower() for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        script = self.home / "step.sh"
        script.write_text(step["run"])
        place = self.workspace / filled(step.get("working-directory", "."), context)
        own = {key: filled(str(value), context) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=place,
            env=self.env | own | {key: str(file) for key, file in files.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        ran.logs[name], ran.ended[name] = done.stdout, done.returncode
        ran.failed |= done.returncode != 0
        ran.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        for key, value in outputs_of(files["GITHUB_OUTPUT"].read_text(encoding="utf-8")).items():
            context[f"steps.{step['id']}.outputs.{key}"] = value


def outputs_of(text: str) -> dict[str, str]:
    """Read a file of outputs: ``name=value``, or several lines between marks."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, mark, end = line.partition("<<")
        if mark and "=" not in name:
            value = []
            while (one := next(lines)) != end:
                value.append(one)
            found[name] = "\n".join(value)
        else:
            name, _, value_ = line.partition("=")
            found[name] = value_
    return found


def filled(text: str, context: Mapping[str, str]) -> str:
    """Return text with its expressions replaced."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(evaluated(found[1], context)), text)


def wanted(condition: str, context: Mapping[str, str], *, failed: bool) -> bool:
    """Return whether a step runs; without a status function, only while none has failed."""
    if not re.search(r"\b(always|success)\(\)", condition):
        condition = f"success() && ({condition})"
    return bool(evaluated(condition, context, failed=failed))


def evaluated(expression: str, context: Mapping[str, str], *, failed: bool = False) -> Any:
    """Return the value of an expression; outputs that nobody wrote are empty, as on GitHub."""
    status = {"always": True, "success": not failed}
    made, at, text = "", 0, expression.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, f"not understood: {text[at:]}"
        token, at = found[1], found.end()
        if token in status:
            made += f"bool({int(status[token])}"
            assert text[at] == "("
            at += 1
        elif token.startswith("'"):
            made += repr(token[1:-1].replace("''", "'"))
        elif token in ("||", "&&", "==", "!=", "(", ")"):
            made += PYTHON.get(token, token)
        else:
            root = token.partition(".")[0]
            assert root in ("inputs", "steps", "github"), token
            assert root != "inputs" or token in context, f"{token} is no input"
            made += repr(context.get(token, ""))
    return eval(made, {"__builtins__": {"bool": bool}})
