"""The command itself: what it knows, what it refuses, how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import pytest_aipm
from pytest_aipm.errors import DataError, PolicyError, Problem

HEAVY = (
    "numpy", "pandas", "scipy", "sklearn", "fairlearn", "shap", "jinja2", "pydantic", "ruamel",
    "pyarrow", "pytest",
)  # fmt: skip


def _python(*words, **kwargs):
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=120, **kwargs
    )


def test_version_names_the_package_and_its_version(aipm):
    said = aipm("--version")
    assert (said.code, said.out) == (0, f"pytest-aipm {pytest_aipm.__version__}\n")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_no_heavy_library(option):
    code = (
        f"import sys; from pytest_aipm.cli import main; code = main([{option!r}]);"
        f"print(code, [each for each in {HEAVY} if each in sys.modules], file=sys.stderr)"
    )
    assert _python("-c", code).stderr == "0 []\n"


def test_the_package_is_a_command_too():
    done = _python("-m", "pytest_aipm", "--version")
    assert done.stdout == f"pytest-aipm {pytest_aipm.__version__}\n"


def test_help_lists_the_commands_of_this_version_and_no_others(aipm, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    said = aipm("--help")
    assert said.code == 0
    listed = re.findall(r"^    (\S+)", said.out, flags=re.MULTILINE)
    assert listed == [
        "init",
        "demo",
        "validate",
        "trust",
        "selftest",
        "packs",
        "explain",
        "new-check",
        "schema",
        "approve",
        "diff",
        "render",
        "verify",
        "sign",
        "sign-off",
    ]


def test_output_is_plain_text(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    for words in (["--help"], ["explain"], ["init"]):
        done = _python("-m", "pytest_aipm", *words)
        assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["install", "valid"])
def test_other_commands_are_unknown(aipm, command):
    said = aipm(command)
    assert said.code == 4
    assert f"invalid choice: '{command}'" in said.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["validate", "--nodata"],
        ["approve", "folder"],
        ["approve", "folder", "--by", "me", "--reas", "abbreviated"],
        ["diff", "one"],
        ["explain", "one", "two"],
    ],
)
def test_wrong_usage_is_exit_4_with_the_usage_line(aipm, words):
    said = aipm(*words)
    assert said.code == 4
    assert said.err.startswith("usage: aipm")
    assert said.out == ""


def test_interrupting_is_exit_130_without_a_traceback(aipm, monkeypatch):
    from pytest_aipm.commands import validate

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(validate, "validate", stop)
    said = aipm("validate")
    assert (said.code, said.err) == (130, "interrupted\n")


@pytest.mark.parametrize(("error", "code"), [(PolicyError, 4), (DataError, 1)])
def test_errors_are_their_own_lines_and_nothing_else(aipm, monkeypatch, error, code):
    from pytest_aipm.commands import validate

    def fail(*_, **__):
        raise error([Problem("one", "mend it", "a.yaml", 3, 7), Problem("two")])

    monkeypatch.setattr(validate, "validate", fail)
    said = aipm("validate")
    assert (said.code, said.err) == (code, "a.yaml:3:7: one; mend it\ntwo\n")


def test_a_file_that_cannot_be_written_is_one_line(aipm, project, green):
    project.report(green)
    project.file("taken", "")
    said = aipm("render", "aipm-report", "--to", "taken")
    assert said.code == 4
    assert said.err.count("\n") == 1
    assert "taken" in said.err


def test_a_reader_that_leaves_early_ends_the_command_quietly():
    reader, writer = os.pipe()
    os.close(reader)  # before there is anything to read
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest_aipm", "explain"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            timeout=120,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_terminal_without_unicode_gets_question_marks_instead_of_a_traceback():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code = "from pytest_aipm.commands.say import say; say('gap \\u2265 0.1')"
    done = _python("-c", code, env=environment)
    assert done.stdout == "gap ? 0.1\n"


def test_control_characters_of_data_reach_no_terminal(capsys):
    from pytest_aipm.commands.say import complain, say

    say("group \x1b[31mred\x1b[0m\u202eevil")
    complain("column '\x1b]0;title\x07'")
    told = capsys.readouterr()
    assert told.out == "group [31mred[0mevil\n"
    assert told.err == "column ']0;title'\n"
