"""``aipm render``: the report is a function of the record alone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from pytest_aipm.report import FILES, mark_stale
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


def test_a_stale_folder_is_called_stale(aipm, project, red):
    mark_stale(project.report(red))
    for words in (("render", "aipm-report"), ("diff", "aipm-report", "aipm-report")):
        said = aipm(*words)
        assert said.code == 4
        assert said.err.startswith("aipm-report: the report is stale: a later run ended with exit")


def test_rendering_needs_no_statistics_and_no_data(project, red):
    project.report(red)
    code = (
        "import sys; from pytest_aipm.cli import main; code = main(['render', 'aipm-report']);"
        "print(code, [m for m in ('numpy', 'pandas', 'scipy', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
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


def test_the_project_says_which_exports_are_rendered(aipm, project, red):
    folder = project.report(red)
    project.file("pytest.ini", "[pytest]\naipm_exports = sarif\n")
    said = aipm("render", "aipm-report")
    assert said.code == 0
    first, *rest = said.out.splitlines()
    base = "audit.json, index.html, audit.css, summary.md"
    assert first == f"aipm-report: {base}, audit.sarif, manifest.json"
    assert "mlbom.cdx.stale.json: of an earlier run" in rest
    assert (folder / "mlbom.cdx.stale.json").exists()
    assert not (folder / "mlbom.cdx.json").exists()
    project.file("elsewhere/pytest.ini", "[pytest]\naipm_exports = none\n")
    said = aipm("render", "aipm-report", "--to=out", "--root=elsewhere")
    assert said.out == f"out: {base}, manifest.json\n"


def test_an_export_that_there_is_not_is_said_and_nothing_is_written(aipm, project, red):
    project.report(red)
    project.file("pytest.ini", "[pytest]\naipm_exports = sarif model-cart\n")
    for words in (("render", "aipm-report", "--to=out"), ("validate",)):
        said = aipm(*words)
        assert said.code == 4
        assert said.err == (
            "pytest.ini: aipm_exports: there is no export 'model-cart'; "
            "did you mean 'model-card'?\n"
        )
    assert not (project.path / "out").exists()
    said = aipm("render", "aipm-report", "--root=absent")
    assert said.err == "--root=absent: there is no such folder; check the path\n"


def test_what_a_record_cannot_attest_is_said(aipm, project, red):
    part = red.model_copy(update={"partial": True})
    project.report(part)
    said = aipm("render", "aipm-report")
    assert said.code == 0
    why = "not written: the run is partial, and a part attests nothing"
    assert f"test-result.intoto.json: {why}" in said.out
    assert f"test-result.predicate.json: {why}" in said.out


@pytest.mark.parametrize("command", ["render", "diff", "approve"])
def test_a_record_of_a_newer_version_is_said_in_one_line(aipm, project, red, green, command):
    project.report(green, "older")
    folder = project.report(red, "newer")
    text = (folder / "audit.json").read_text().replace("aipm-audit/1", "aipm-audit/2")
    text = text.replace('"audits"', '"rounds"')
    (folder / "audit.json").write_text(text)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["audit.json"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    before = _bytes(folder)
    words = {
        "render": ("newer",),
        "diff": ("older", "newer"),
        "approve": ("newer", "--by=A", "--reason=B"),
    }
    said = aipm(command, *words[command])
    assert said.code == 4
    assert said.err == (
        f"{'newer/audit.json' if command == 'approve' else 'newer'}: its schema 'aipm-audit/2' is "
        "not 'aipm-audit/1'; use the version of pytest-aipm that wrote it\n"
    )
    assert said.out == ""
    assert _bytes(folder) == before
