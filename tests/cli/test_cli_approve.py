"""``aipm approve``: only what was reviewed becomes the baseline."""

from __future__ import annotations

import json

import pytest

from pytest_aipm.records import Because, PairingInfo, RunVerdict, Verdict

WORDS = ("--by", "the owner", "--reason", "first release")
BASELINE = "aipm-baseline.json"


def _policies(path):
    return json.loads(path.read_text())["policies"]


def test_a_green_report_becomes_the_baseline(aipm, project, green, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    project.report(green)
    said = aipm("approve", "aipm-report/", *WORDS)
    stored = _policies(project.path / BASELINE)["green"]
    assert stored["approved"] == {
        "by": "the owner",
        "reason": "first release",
        "when": "2023-11-14",
        "evidence": green.evidence,
    }
    assert list(stored["findings"]) == ["green::gap::region"]
    assert said.out.startswith(
        "aipm-baseline.json: approved by the owner, 2023-11-14: first release\n"
        "  green: PASS, 1 findings; model pred; data data.csv "
    )
    assert f"digest {green.digest}" in said.out
    assert (said.code, said.err) == (0, "")


def test_an_approval_from_a_folder_says_that_it_has_no_rows_to_pair(aipm, project, green, edited):
    info = PairingInfo(paired=True, said="all 400 approved rows are paired")
    project.report(edited(green, "region", audit={"pairing": info}))
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 0
    assert "  pairing file not written: a report holds no rows. Later runs are " in said.out
    assert _policies(project.path / BASELINE)["green"]["facts"]["pairing"] is None


def test_a_red_report_needs_a_word(aipm, project, red):
    project.report(red)
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert said.err == (
        "aipm-report: the run failed (red::gap::sex); "
        "mend it, or say that it is known: --red-is-accepted\n"
    )
    assert not (project.path / BASELINE).exists()
    assert aipm("approve", "aipm-report", *WORDS, "--red-is-accepted").code == 0
    assert (
        _policies(project.path / BASELINE)["red"]["findings"]["red::gap::sex"]["state"] == "breach"
    )


def test_a_partial_run_is_refused_even_when_red_is_accepted(aipm, project, green):
    partial = green.model_copy(
        update={"partial": True, "missing": ("a", "b"), "verdict": RunVerdict.UNPROVEN}
    )
    project.report(partial)
    said = aipm("approve", "aipm-report", *WORDS, "--red-is-accepted")
    assert said.code == 4
    assert said.err.startswith(
        "aipm-report: the run is partial: 2 planned checks have no finding; "
    )
    assert not (project.path / BASELINE).exists()


def test_a_run_that_could_not_measure_something_is_refused(aipm, project, red, edited):
    broken = edited(red, "sex", verdict=Verdict.ERROR, because=Because.ERROR)
    project.report(broken)
    said = aipm("approve", "aipm-report", *WORDS, "--red-is-accepted")
    assert said.code == 4
    assert "red::gap::sex could not be measured" in said.err


def test_a_run_without_findings_is_refused(aipm, project, green):
    project.report(green.model_copy(update={"audits": (), "verdict": RunVerdict.UNPROVEN}))
    said = aipm("approve", "aipm-report", *WORDS)
    assert (said.code, "the run judged nothing" in said.err) == (4, True)


@pytest.mark.parametrize("name", ["audit.json", "index.html", "summary.md", "audit.css"])
def test_a_file_that_was_changed_after_the_run_is_refused(aipm, project, green, name):
    folder = project.report(green)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert said.err.startswith(
        f"aipm-report/{name}: is not the file that manifest.json vouches for"
    )
    assert not (project.path / BASELINE).exists()


def test_a_record_whose_digest_does_not_fit_is_refused(aipm, project, red):
    forged = red.model_copy(update={"verdict": RunVerdict.PASS})
    forged.write(project.path / "aipm-report")  # the manifest fits, the digest does not
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert "was changed after it was written" in said.err


def test_a_report_may_lack_its_page_but_not_its_manifest(aipm, project, green):
    folder = project.report(green)
    (folder / "index.html").unlink()
    assert aipm("approve", "aipm-report", *WORDS).code == 0
    (folder / "manifest.json").unlink()
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.err == "aipm-report/manifest.json: there is no such file; check the path\n"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"files": {}}',
        '{"files": {"audit.json": 1}}',
        '{"files": {"audit.json": "0", "../other": "0"}}',
    ],
)
def test_a_manifest_that_is_none_is_refused(aipm, project, green, text):
    folder = project.report(green)
    (folder / "manifest.json").write_text(text)
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert "is no manifest that names audit.json" in said.err


def test_a_stale_report_is_refused(aipm, project, green):
    from pytest_aipm.report import mark_stale

    mark_stale(project.report(green))
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert said.err.startswith("aipm-report/audit.stale.json: the report is stale: ")


def test_what_is_no_report_folder_is_refused(aipm, project, green):
    project.report(green)
    (project.path / "empty").mkdir()
    assert "is a file, not a folder" in aipm("approve", "aipm-report/audit.json", *WORDS).err
    assert "there is no such folder" in aipm("approve", "aipm-raport", *WORDS).err
    assert "empty/audit.json: there is no such file" in aipm("approve", "empty", *WORDS).err


@pytest.mark.parametrize(("by", "reason"), [(" ", "why"), ("who", "")])
def test_an_approval_has_a_name_and_a_reason(aipm, project, green, by, reason):
    project.report(green)
    said = aipm("approve", "aipm-report", "--by", by, "--reason", reason)
    assert said.code == 4
    assert "is empty; an approval has a name and a reason" in said.err


def test_a_date_that_is_none_is_one_line(aipm, project, green, monkeypatch):
    project.report(green)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "9" * 30)
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert said.err.startswith("SOURCE_DATE_EPOCH is ")


def test_other_policies_and_first_anchors_stay(aipm, project, red, green, edited):
    project.report(green)
    aipm("approve", "aipm-report", *WORDS)
    project.report(red)
    aipm("approve", "aipm-report", *WORDS, "--red-is-accepted")
    project.report(edited(green, "region", value=0.04))
    assert aipm("approve", "aipm-report", *WORDS).code == 0
    stored = _policies(project.path / BASELINE)
    assert set(stored) == {"green", "red"}
    finding = stored["green"]["findings"]["green::gap::region"]
    assert finding["value"] == 0.04
    assert finding["anchor"]["value"] == green.findings[0].value


def test_a_damaged_baseline_is_not_overwritten(aipm, project, green):
    project.report(green)
    place = project.file(BASELINE, "{")
    said = aipm("approve", "aipm-report", *WORDS)
    assert said.code == 4
    assert "no readable baseline" in said.err
    assert place.read_text() == "{"


def test_the_baseline_is_where_the_option_else_the_ini_key_says(aipm, project, green, monkeypatch):
    project.report(green)
    project.file("pytest.ini", "[pytest]\naipm_baseline = policies/base.json\n")
    assert aipm("approve", "aipm-report", *WORDS).code == 0
    assert (project.path / "policies/base.json").exists()
    assert aipm("approve", "aipm-report", *WORDS, "--baseline", "mine.json").code == 0
    assert (project.path / "mine.json").exists()
    assert not (project.path / BASELINE).exists()
    monkeypatch.chdir(project.path / "policies")
    (project.path / "policies/base.json").unlink()
    assert aipm("approve", "../aipm-report", *WORDS, "--root", "..").out.startswith("base.json: ")
    assert (project.path / "policies/base.json").exists()
