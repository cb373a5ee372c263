"""Runs the blocks of one page, in order, in one project."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docs_ci as ci
import docs_policies as policies
from docs_pages import Block
from docs_project import AUDIT, Project

from pytest_aipm import plugin
from pytest_aipm.catalog import GROUP as CHECKS
from pytest_aipm.policy.library import GROUP as PACKS

__all__ = ["Runner"]

SUITE = [".venv/bin/pytest", "-q", "-n", "auto"]
SLOW = "aipm selftest "
"""Reads alone and takes half a minute, so its output is kept for the next page."""


class Runner:
    """Knows how a block of each language is tested; a language it does not know is refused."""

    kept: dict[str, str] = {}  # noqa: RUF012 - shared on purpose

    def __init__(self, project: Project) -> None:
        self.project = project
        self.output = ""
        self.ran = {AUDIT, AUDIT.partition(" --junitxml")[0]}
        self.fresh = True
        """Whether nothing has changed the project since its first audit."""
        self.skipped: list[str] = []
        self._by_language: dict[str, Callable[[Block], None]] = {
            "setup": self._setup,
            "sh": self._shell,
            "console": self._console,
            "yaml": self._yaml,
            "python": self._python,
            "text": self._shown,
            "json": self._shown,
            "toml": self._configuration,
            "ini": self._configuration,
            "groovy": self._jenkins,
        }

    def run(self, block: Block) -> None:
        """Test one block.

        Raises
        ------
        AssertionError
            It does not do what the page says, or nobody knows how to test it.
        """
        if "skip" in block.notes:
            self.skipped.append(f"{block.place}: {block.notes['skip']}")
            return
        assert block.language in self._by_language, f"nobody tests blocks of '{block.language}'"
        self._by_language[block.language](block)
        self.fresh = self.fresh and block.language in ("sh", "text")

    def _file(self, block: Block) -> Path | None:
        name = block.notes.get("file")
        return self.project.path / name if name else None

    def _write(self, block: Block) -> bool:
        path = self._file(block)
        if path is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return True

    def _setup(self, block: Block) -> None:
        done = self.project.python(block.text)
        assert done.returncode == 0, done.stdout

    def _python(self, block: Block) -> None:
        if self._write(block):
            compile(block.text, block.place, "exec")
            return
        done = self.project.python(block.text)
        assert done.returncode == int(block.notes.get("exit", 0)), done.stdout
        self.output = done.stdout

    def _shell(self, block: Block) -> None:
        command = _installed(block.text) if "pip install" in block.text else block.text
        wanted = int(block.notes.get("exit", 0))
        if command in self.kept:
            self.output = self.kept[command]
            return
        if not command.strip():
            return
        if command.removeprefix(".venv/bin/").strip() in self.ran and self.fresh:
            self.output = self.project.audited
            return
        self.fresh = False
        done = self.project.run(command)
        self.output = done.stdout
        assert done.returncode == wanted, f"exit {done.returncode}, not {wanted}\n{done.stdout}"
        if command.startswith(SLOW) and len(command.splitlines()) == 1:
            self.kept[command] = done.stdout

    def _console(self, block: Block) -> None:
        """Run the lines behind a dollar; the lines below them are output."""
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            while command.endswith("\\"):
                more, _, shown = shown.partition("\n")
                command = f"{command}\n{more.removeprefix('> ')}"
            done = self.project.run(command)
            wanted = int(block.notes.get("exit", 0))
            assert done.returncode == wanted, f"exit {done.returncode}, not {wanted}\n{done.stdout}"
            self.output = done.stdout
            _stands_in(shown, self.output)

    def _shown(self, block: Block) -> None:
        if not self._write(block):
            _stands_in(block.text, self.output)

    def _yaml(self, block: Block) -> None:
        value = policies.parsed(block.text)
        if isinstance(value, dict) and "aipm" in value:
            if "subject" in value:
                policies.whole_policy(block.text, self.project, self._file(block))
            elif "pack" in value:
                policies.pack(block.text, self.project, self._file(block))
            else:
                assert self._write(block), "a base for `extends` needs a name: block: file NAME"
            return
        if isinstance(value, dict) and {"waivers", "sign_offs"} & value.keys():
            policies.listed(block.text, value, self.project)
            return
        kind = ci.ci_kind(value)
        if kind:
            faults = ci.schema_faults(kind, value)
            assert not faults, faults
            ci.run_commands(list(ci.shell_of(value)), block.text, self.project, self.ran)
            return
        if not self._write(block):
            policies.fragment(value, self.project)

    def _jenkins(self, block: Block) -> None:
        commands = ci.jenkins_commands(block.text)
        assert commands
        ci.run_commands(commands, block.text, self.project, self.ran)

    def _configuration(self, block: Block) -> None:
        """Check the names of options and entry points, whose values later blocks use."""
        self._write(block)
        if block.language == "ini":
            ini = configparser.ConfigParser()
            ini.read_string(block.text)
            given: dict[str, Any] = dict(ini["pytest"])
            points: dict[str, Any] = {}
        else:
            whole = tomllib.loads(block.text)
            given = whole.get("tool", {}).get("pytest", {}).get("ini_options", {})
            points = whole.get("project", {}).get("entry-points", {})
        assert given or points, "neither options of pytest nor entry points"
        assert {key for key in given if key.startswith("aipm")} <= _ini_keys()
        assert set(points) <= {CHECKS, PACKS}


def _ini_keys() -> set[str]:
    """Return the keys that the plugin declares."""
    found: set[str] = set()

    class Parser:
        def getgroup(self, *_: str) -> Parser:
            return self

        def addoption(self, *_: str, **__: object) -> None:
            """Options are not asked about."""

        def addini(self, name: str, *_: object, **__: object) -> None:
            found.add(name)

    plugin.pytest_addoption(Parser())
    return found


def _installed(text: str) -> str:
    """Check what commands install; return what is left of them to run.

    The `SUITE` behind an installation is this repository's own suite, which the gate runs.
    """
    left: list[str] = []
    for line in text.splitlines():
        for part in line.split(" && "):
            words = shlex.split(part, comments=True)
            install = ci.INSTALL.match(" ".join(words))
            if install:
                ci.installs(install[1])
            elif words[1:3] != ["-m", "venv"] and words not in ([], SUITE):
                left.append(part)
    return "\n".join(left)


def _stands_in(shown: str, output: str) -> None:
    """Assert that each line shown is a line of the output, in this order; some may be left out."""
    lines = iter([" ".join(line.split()) for line in output.splitlines()])
    for line in shown.splitlines():
        wanted = " ".join(line.split())
        if wanted and wanted != "...":
            assert wanted in lines, f"not in the output, or not there: {wanted}\n\n{output}"
