"""``aipm render``: the report is a function of the record alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_aipm.report import FILES
from pytest_aipm.report.files import FILES as WRITTEN


def _bytes(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_report_is_rebuilt_byte_for_byte(aipm, project, red):
    folder = project.report(red)
    before = _bytes(folder)
    for name in WRITTEN[1:]:
        (folder / name).unlink()
    said = aipm("render", "aipm-report/audit.json")
    assert (said.code, said.err) == (0, "")
    assert said.out == f"aipm-report/audit.json: {', '.join(FILES)}\n"
    assert _bytes(folder) == before


def test_it_goes_to_another_folder_when_asked(aipm, project, red):
    folder = project.report(red)
    assert aipm("render", "aipm-report", "--to", "out/here").code == 0
    assert _bytes(project.path / "out/here") == _bytes(folder)


def test_rendering_needs_no_statistics_and_no_data(project, red):
    project.report(red)
    code = (
        "import sys; from pytest_aipm.cli import main; code = main(['render', 'aipm-report']);"
        "print(code, [m for m in ('numpy', 'pandas', 'scipy', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_record_of_another_name_is_not_rendered_over_another_report(aipm, project, red, green):
    folder = project.report(green)
    before = _bytes(folder)
    (folder / "release.json").write_text(red.to_json())
    said = aipm("render", "aipm-report/release.json")
    assert said.code == 4
    assert "say where the report goes: --to=DIR" in said.err
    (folder / "release.json").unlink()
    assert _bytes(folder) == before


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no audit.json of this version (Invalid JSON"),
        ("{", "is no audit.json of this version (Invalid JSON"),
        ("[]", "is no audit.json of this version"),
        ("{}", "is no audit.json of this version (verdict: Field required)"),
        ('{"schema": "aipm-audit/2"}', "its schema 'aipm-audit/2' is not 'aipm-audit/1'"),
        ("[" * 100_000, "is no audit.json of this version"),
        ("\x00\xff", "is no audit.json of this version"),
    ],
)
def test_what_is_no_record_is_one_line(aipm, project, text, what):
    (project.path / "audit.json").write_text(text, encoding="latin-1")
    said = aipm("render", "audit.json")
    assert said.code == 4
    assert said.err.startswith(f"audit.json: {what}")
    assert said.err.count("\n") == 1
    assert not (project.path / "index.html").exists()


def test_a_record_that_was_changed_is_not_made_to_look_official(aipm, project, red):
    folder = project.report(red)
    content = json.loads((folder / "audit.json").read_text())
    content["verdict"] = "pass"
    (folder / "audit.json").write_text(json.dumps(content))
    said = aipm("render", "aipm-report")
    assert said.code == 4
    assert "was changed after it was written" in said.err


def test_a_missing_record_is_said(aipm, project):
    (project.path / "empty").mkdir()
    assert aipm("render", "empty").err == "empty: there is no such file; check the path\n"
    assert aipm("render", "none.json", "--to", "x").code == 4
