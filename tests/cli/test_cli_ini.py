"""The ini keys that commands heed, read as pytest reads them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_aipm.commands.ini import read_ini
from pytest_aipm.errors import OptionError

PYPROJECT = "[tool.pytest.ini_options]\naipm_baseline = 'from-pyproject'\n"


def test_no_file_says_nothing(tmp_path):
    ini = read_ini(tmp_path)
    assert (ini.text("aipm_baseline"), ini.words("aipm_policies")) == ("", [])
    assert ini.flag("aipm_first_baseline") is False


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\naipm_baseline = here\n"),
        ("pytest.ini", "\ufeff[pytest]\naipm_baseline = here\n"),
        (".pytest.ini", "[pytest]\naipm_baseline: here\n"),
        ("pytest.toml", "[pytest]\naipm_baseline = 'here'\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\naipm_baseline = 'here'\n"),
        ("pyproject.toml", "[tool.pytest]\naipm_baseline = 'here'\n"),
        ("tox.ini", "[tox]\n[pytest]\naipm_baseline = here\n"),
        ("setup.cfg", "[metadata]\n[tool:pytest]\naipm_baseline = here\n"),
    ],
)
def test_each_file_that_pytest_documents_is_read(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_ini(tmp_path).text("aipm_baseline") == "here"


def test_an_empty_pytest_ini_wins_as_it_does_for_pytest(tmp_path):
    (tmp_path / "pytest.ini").write_text("")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    assert read_ini(tmp_path).text("aipm_baseline") == ""


@pytest.mark.parametrize("name", ["tox.ini", "setup.cfg"])
def test_files_without_a_section_for_pytest_are_passed_over(tmp_path, name):
    (tmp_path / name).write_text("[other]\nkey = %(no interpolation)s\n")
    assert read_ini(tmp_path).text("aipm_baseline") == ""
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    assert read_ini(tmp_path).text("aipm_baseline") == ""


def test_a_pyproject_without_pytest_leaves_the_word_to_the_next_file(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (tmp_path / "tox.ini").write_text("[pytest]\naipm_baseline = here\n")
    assert read_ini(tmp_path).text("aipm_baseline") == "here"


def test_lists_are_words_of_a_shell_or_of_toml(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naipm_policies = one 'two words'\n  three\n")
    assert read_ini(tmp_path).words("aipm_policies") == ["one", "two words", "three"]
    (tmp_path / "pytest.toml").write_text("[pytest]\naipm_policies = ['one', 'two words']\n")
    assert read_ini(tmp_path).words("aipm_policies") == ["one", "two words"]


@pytest.mark.parametrize(("text", "on"), [("true", True), ("1", True), ("no", False), ("", False)])
def test_switches_are_read_as_pytest_reads_them(tmp_path, text, on):
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naipm_first_baseline = {text}\n")
    assert read_ini(tmp_path).flag("aipm_first_baseline") is on
    (tmp_path / "pytest.toml").write_text(f"[pytest]\naipm_first_baseline = {str(on).lower()}\n")
    assert read_ini(tmp_path).flag("aipm_first_baseline") is on


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", b"[tool"),
        ("pytest.ini", b"no section\n"),
        ("pytest.ini", b"[pytest]\nx = \xff\n"),
        ("pytest.toml", b"[pytest]\naipm_baseline = 1\n"),
        ("pytest.toml", b"[pytest]\naipm_baseline = ['a']\n"),
        ("pytest.ini", b"[pytest]\naipm_policies = 'open\n"),
        ("pytest.toml", b"[pytest]\naipm_policies = 1\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_with_its_name(tmp_path, name, text):
    (tmp_path / name).write_bytes(text)
    with pytest.raises(OptionError) as caught:  # noqa: PT012 - the file or the key is at fault
        ini = read_ini(tmp_path)
        ini.text("aipm_baseline")
        ini.words("aipm_policies")
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)


def test_pytest_itself_reads_the_same(tmp_path):
    """One file of each kind, asked of pytest in a process of its own."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        "aipm_baseline = 'base of mine.json'\n"
        "aipm_policies = 'one \"two words\"'\n"
        "aipm_first_baseline = 'true'\n"
    )
    code = (
        "import pytest\n"
        "class Ask:\n"
        "    def pytest_configure(self, config):\n"
        "        keys = ('aipm_baseline', 'aipm_policies', 'aipm_first_baseline')\n"
        "        print('ASKED', [config.getini(key) for key in keys])\n"
        "pytest.main(['-q', '--collect-only'], plugins=[Ask()])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ASKED"))
    ini = read_ini(tmp_path)
    found = [
        ini.text("aipm_baseline"), ini.words("aipm_policies"), ini.flag("aipm_first_baseline"),
    ]  # fmt: skip
    assert line == f"ASKED {found}"
