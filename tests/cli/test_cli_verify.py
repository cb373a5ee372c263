"""``aipm verify``: what still holds of a report folder, and what does not."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

import pytest

import pytest_aipm
from pytest_aipm.records import Record, canonical_json
from pytest_aipm.report import FILES

HELD = "held            "
BROKEN = "does not hold   "
UNTOLD = "cannot be told  "
HASH = re.compile(r"\b[0-9a-f]{12}\b")
"""The beginning of a hash. A record's is another one each second, so it may hold any number."""


@pytest.fixture
def report(project, red):
    """The red report, with the policy and the rows it was made from."""
    project.policy("red", "{check: fairness.demographic_parity_difference, id: gap, "
                          "by: [sex, region, team], limit: {max: 0.10}}")  # fmt: skip
    return project.report(red)


def manifest(folder, **files):
    """Write the manifest anew, as one would who changed a file on purpose."""
    told = json.loads((folder / "manifest.json").read_text())
    for name in told["files"]:
        told["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    told["digest"] = json.loads((folder / "audit.json").read_text())["digest"]
    (folder / "manifest.json").write_text(canonical_json({**told, **files}, indent=1) + "\n")


def changed(folder, **fields):
    """Change a record as one would who computes every hash and every page anew."""
    record = Record.from_json((folder / "audit.json").read_bytes())
    audit = record.audits[0]
    first = audit.findings[0]
    finding = type(first).model_validate({**dict(first), **fields})
    findings = (finding, *audit.findings[1:])
    audits = (audit.model_copy(update={"findings": findings}),)
    record.model_copy(update={"audits": audits}).with_digest().write(folder)
    return finding


def test_a_report_as_it_was_written_holds(aipm, report):
    said = aipm("verify", "aipm-report")
    assert (said.code, said.err) == (0, "")
    assert BROKEN not in said.out
    named = len(json.loads((report / "manifest.json").read_text())["files"])
    first = f"{HELD}manifest: {named} of {named} files are as the run wrote them\n"
    assert said.out.startswith(first)
    assert f"{HELD}policy red: policies/red.aipm.yaml is still the same file" in said.out
    assert f"{HELD}policy red: 3 findings are held to what its text asks" in said.out
    assert f"{HELD}verdicts: 3 of 3 verdicts re-derived from counts" in said.out
    assert f"{HELD}totals: FAIL follows from 3 findings" in said.out
    assert f"{HELD}pages: {named} files are the bytes that the record gives" in said.out
    assert f"{UNTOLD}signature: not signed" in said.out
    assert said.out.endswith("nothing is wrong; 1 cannot be told\n")


def test_machines_read_the_same_as_json(aipm, report):
    told = json.loads(aipm("verify", "aipm-report", "--json").out)
    assert (told["schema"], told["holds"]) == ("aipm-verify/1", True)
    (report / "summary.md").write_text("all is well")
    told = json.loads(aipm("verify", "aipm-report", "--json").out)
    assert told["holds"] is False
    wrong = [each for each in told["checks"] if each["state"] == "does not hold"]
    assert {each["what"] for each in wrong} == {"summary.md"}


@pytest.mark.parametrize("name", FILES)
def test_one_byte_more_is_found_in_any_file(aipm, report, name):
    with (report / name).open("ab") as file:
        file.write(b" ")
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}{name.removesuffix('.json')}" in said.out


@pytest.mark.parametrize("name", [each for each in FILES if each != "manifest.json"])
def test_a_file_that_is_gone_is_missed(aipm, report, name):
    (report / name).unlink()
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}{name}: is missing" in said.out


def test_without_its_manifest_a_folder_does_not_hold(aipm, report):
    (report / "manifest.json").unlink()
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}manifest: there is no manifest.json" in said.out


def test_a_file_that_looks_like_an_export_is_vouched_for_by_nobody(aipm, report):
    (report / "other.sarif").write_text("{}")
    (report / "notes.txt").write_text("mine")
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert f"{UNTOLD}other.sarif: manifest.json does not name it: nobody vouches" in said.out
    assert "notes.txt" not in said.out


def test_a_page_that_the_manifest_no_longer_names_does_not_hold(aipm, report):
    told = json.loads((report / "manifest.json").read_text())
    del told["files"]["index.html"]
    (report / "manifest.json").write_text(canonical_json(told, indent=1) + "\n")
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}index.html: manifest.json does not name it" in said.out


def test_exports_that_could_not_be_made_may_stand_in_the_manifest(aipm, report):
    manifest(report, left_out={"test-result.intoto.json": "the run is partial"})
    (report / "summary.stale.md").write_text("of an earlier run")
    said = aipm("verify", "aipm-report")
    assert (said.code, "stale" in said.out) == (0, False)
    manifest(report, all_is_well=True)
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}manifest: is not of the form aipm-manifest/1" in said.out


def test_a_manifest_that_names_files_elsewhere_is_none(aipm, report):
    manifest(report, files={"audit.json": "0" * 64, "../secret": "0" * 64})
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert "manifest: names what is no file of this folder: '../secret'" in said.out


def test_a_record_whose_digest_was_left_as_it_was_is_found_though_the_manifest_was_made_anew(
    aipm, report
):
    text = (report / "audit.json").read_text()
    told = json.loads(text)
    (report / "audit.json").write_text(text.replace(told["run"]["started"], "2020-01-01T00:00:00Z"))
    manifest(report)
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}digest: the record was changed after it was written" in said.out


def test_a_manifest_of_another_record_is_found(aipm, report):
    manifest(report, digest="0" * 64)
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{BROKEN}digest: manifest.json names another record" in said.out


def test_a_page_of_other_words_is_found_although_its_hash_was_made_anew(aipm, report):
    page = report / "index.html"
    page.write_text(page.read_text().replace("FAIL", "PASS"))
    manifest(report)
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{HELD}manifest: " in said.out
    assert f"{BROKEN}index.html: is not what this record gives when it is written again" in said.out


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"verdict": "pass", "failing": False, "because": None}, "its verdict reads pass, it foll"),
        ({"value": 0.05}, "value reads 0.0500, the counts give 0.30"),
        ({"interval": (0.0, 0.05)}, "interval[0] reads 0, the counts give 0.2"),
        ({"failing": False}, "failing reads false, it follows true"),
        ({"reason": "All is well."}, "its reason is not the sentence that its counts give"),
        ({"severity": "advice"}, "severity reads advice, the text error"),
        ({"decide_on": "proof"}, "decide_on reads proof, the text interval"),
        ({"nodeid": "elsewhere"}, "its node id should read policies/red.aipm.yaml::gap::sex"),
        ({"groups": ()}, "the counts give nothing"),
    ],
)
def test_what_follows_from_counts_and_text_is_found_although_all_was_written_anew(
    aipm, report, fields, told
):
    changed(report, **fields)
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"{HELD}digest" in said.out
    assert told in said.out


def test_a_laxer_limit_is_not_what_the_text_asks(aipm, report):
    record = Record.from_json((report / "audit.json").read_bytes())
    lax = record.audits[0].findings[0].limit.model_copy(update={"max": 0.9})
    changed(report, limit=lax, verdict="pass", failing=False, because=None)
    said = aipm("verify", "aipm-report")
    assert "red::gap::sex: limit.max reads 0.90, the text 0.10" in said.out.replace("0.900", "0.90")
    assert said.code == 1


@pytest.mark.parametrize("min_cell", [0, 10_000])
def test_numbers_are_told_unless_they_are_of_small_cells(aipm, project, min_cell):
    policy = project.policy("small", "{check: fairness.demographic_parity_difference, id: gap, "
                                     "by: sex, limit: {max: 0.1}}")  # fmt: skip
    publish = f"publish: {{min_cell: {min_cell}}}\nchecks:"
    policy.write_text(policy.read_text().replace("checks:", publish))
    record = pytest_aipm.audit("policies/small.aipm.yaml", root=project.path)
    folder = project.report(record)
    small, *_ = changed(folder, value=0.123456).groups
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    line = f"{BROKEN}small::gap::sex: value "
    line += "is not what the counts give" if min_cell else "reads 0.123, the counts give 0.300"
    assert f"{line}\n" in said.out
    rest = HASH.sub("", said.out).replace(line, "")
    for number in ("0.123", "0.30", str(small.numerator)):
        assert number not in rest


def test_another_version_wrote_the_pages_in_words_of_its_own(aipm, report):
    record = Record.from_json((report / "audit.json").read_bytes())
    versions = {**record.run.versions, "pytest-aipm": "9.9"}
    older = record.model_copy(update={"run": record.run.model_copy(update={"versions": versions})})
    older.with_digest().write(report)
    page = report / "index.html"
    page.write_text(page.read_text() + "<!-- as 9.9 has it -->")
    manifest(report)
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert f"{UNTOLD}pages: written by pytest-aipm 9.9, this is " in said.out


@pytest.mark.usefixtures("report")
def test_the_policy_may_have_moved_on_since(aipm, project):
    policy = project.path / "policies/red.aipm.yaml"
    older = project.file("older.aipm.yaml", policy.read_text())
    policy.write_text(policy.read_text() + "# a new line\n")
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert f"{UNTOLD}policy red: policies/red.aipm.yaml was changed since, or the" in said.out
    assert aipm("verify", "aipm-report", f"--policy={older}").code == 0
    said = aipm("verify", "aipm-report", f"--policy={policy}")
    assert said.code == 1
    assert "policy red: red.aipm.yaml is another text than the policy audited" in said.out


def test_under_several_policies_a_file_is_matched_by_its_content(aipm, project, red, green):
    both = red.model_copy(update={"audits": (*red.audits, *green.audits)})
    project.report(both)
    project.file("one.yaml", green.audits[0].policy.text)
    said = aipm("verify", "aipm-report", "--policy=one.yaml")
    assert f"{HELD}policy green: one.yaml is the policy audited" in said.out
    project.file("other.yaml", "aipm: 1\n")
    said = aipm("verify", "aipm-report", "--policy=other.yaml")
    assert f"{BROKEN}policy: other.yaml is none of the policies audited here (red, gre" in said.out


@pytest.mark.usefixtures("report")
def test_the_rows_that_are_served_are_told_from_others(aipm, project):
    said = aipm("verify", "aipm-report", "--data=data.csv")
    assert said.code == 0
    assert f"{HELD}data: data.csv is the data audited by red" in said.out
    (project.path / "data.csv").write_text("y,pred\n1,1\n")
    said = aipm("verify", "aipm-report", "--data=data.csv")
    assert said.code == 1
    assert f"{BROKEN}data: data.csv has sha256 " in said.out


def test_a_folder_of_rows_is_hashed_as_the_run_hashes_it(aipm, project):
    (project.path / "rows").mkdir()
    shutil.copy(project.path / "data.csv", project.path / "rows/part.csv")
    project.policy("parts", "{check: fairness.demographic_parity_difference, id: gap, by: sex, "
                            "limit: {max: 0.5}}", data="rows")  # fmt: skip
    project.report(pytest_aipm.audit("policies/parts.aipm.yaml", root=project.path))
    assert (
        "data: rows is the data audited by parts"
        in aipm("verify", "aipm-report", "--data=rows").out
    )
    (project.path / "rows/more.csv").write_text((project.path / "data.csv").read_text())
    assert aipm("verify", "aipm-report", "--data=rows").code == 1


@pytest.mark.usefixtures("report")
def test_predictions_in_the_data_are_no_model_to_compare_with(aipm):
    said = aipm("verify", "aipm-report", "--model=data.csv")
    assert said.code == 0
    assert f"{UNTOLD}model: the record holds no hash of a model file" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["absent"], "absent: there is no such folder; name the report folder of the run"),
        (["data.csv"], "data.csv: is a file, not a folder; name the report folder of the run"),
        (["policies"], "policies: there is no audit.json in it; name the report folder of the run"),
        (["aipm-report", "--model=absent"], "absent: --model: there is no such file; check the"),
        (["aipm-report", "--policy=absent"], "absent: --policy: there is no such file; check the"),
        (["aipm-report", "--root=absent"], "--root=absent: there is no such folder; check the pa"),
        ([], "the following arguments are required: FOLDER"),
    ],
)
@pytest.mark.usefixtures("report")
def test_what_cannot_be_looked_at_is_a_mistake_in_one_line(aipm, words, told):
    said = aipm("verify", *words)
    assert said.code == 4
    assert told in said.err
    assert said.out == ""


def test_a_stale_report_is_not_looked_at(aipm, report):
    (report / "audit.json").rename(report / "audit.stale.json")
    said = aipm("verify", "aipm-report")
    assert said.code == 4
    assert "the report is stale" in said.err


def test_a_record_of_a_newer_schema_is_said(aipm, report):
    text = (report / "audit.json").read_text().replace("aipm-audit/1", "aipm-audit/2")
    (report / "audit.json").write_text(text)
    assert aipm("verify", "aipm-report").code == 1  # nobody vouches for it
    manifest(report)
    said = aipm("verify", "aipm-report")
    assert said.code == 4
    assert said.err == (
        "aipm-report/audit.json: its schema 'aipm-audit/2' is not 'aipm-audit/1'; "
        "use the version of pytest-aipm that wrote it\n"
    )


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("name", ["audit.json", "manifest.json"])
def test_what_is_no_json_does_not_hold(aipm, report, name, raw):
    (report / name).write_bytes(raw)
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert BROKEN in said.out


def test_the_model_that_is_served_is_told_from_another(aipm, project, report):
    served = project.file("served/credit.skops", "the model")
    other = project.file("other.skops", "another model")
    record = Record.from_json((report / "audit.json").read_bytes())
    audit = record.audits[0]
    digest = hashlib.sha256(served.read_bytes()).hexdigest()
    model = audit.subject.model.model_copy(update={"ref": "credit.skops", "sha256": digest})
    subject = audit.subject.model_copy(update={"model": model})
    audits = (audit.model_copy(update={"subject": subject}),)
    project.report(record.model_copy(update={"audits": audits}))
    said = aipm("verify", "aipm-report", "--model=served/credit.skops")
    assert said.code == 0
    assert f"{HELD}model: served/credit.skops is the model audited by red" in said.out
    said = aipm("verify", "aipm-report", "--model=other.skops")
    assert said.code == 1
    wrong = hashlib.sha256(other.read_bytes()).hexdigest()[:12]
    assert f"other.skops has sha256 {wrong}, red audited {digest[:12]}" in said.out


def test_a_policy_on_top_of_others_is_read_where_they_lie(aipm, project):
    place = project.policy("top", "{check: performance.metric, id: more, metric: accuracy, "
                                  "limit: {min: 0.1}}")  # fmt: skip
    text = place.read_text().replace("name: top", "name: top\nextends: [base.yaml]")
    place.write_text(text)
    base = project.file("policies/base.yaml", "aipm: 1\nchecks:\n  - {check: fairness.demographic_"
                        "parity_difference, id: gap, by: sex, limit: {max: 0.5}}\n")  # fmt: skip
    project.report(pytest_aipm.audit("policies/top.aipm.yaml", root=project.path))
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert f"{HELD}policy top: 2 findings are held to what its text asks" in said.out
    base.write_text(base.read_text().replace("0.5", "0.4"))
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert "limit.max reads 0.500, the text 0.400; a file that it extends may have" in said.out
    (project.path / "elsewhere").mkdir()
    said = aipm("verify", "aipm-report", "--root=elsewhere")
    assert said.code == 0
    assert f"{UNTOLD}policy top: what it asks: it extends files that are not here" in said.out


@pytest.mark.parametrize("written", [("\n", "\r\n"), ("aipm: 1", "\ufeffaipm: 1")])
def test_marks_and_line_ends_of_the_policy_file_are_no_fault(aipm, project, written):
    place = project.policy("green", "{check: fairness.demographic_parity_difference, id: gap, "
                                    "by: region, limit: {max: 0.15}}")  # fmt: skip
    place.write_bytes(place.read_text().replace(*written).encode())
    project.report(pytest_aipm.audit("policies/green.aipm.yaml", root=project.path))
    said = aipm("verify", "aipm-report")
    assert (said.code, BROKEN in said.out) == (0, False)


def test_a_policy_made_in_python_has_no_file_to_compare_with(aipm, project):
    asked = {
        "aipm": 1,
        "name": "made",
        "context": {"purpose": "p", "owner": "o"},
        "subject": {"task": "binary", "predictions": "pred", "label": "y", "positive": 1},
        "checks": [{"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.1}}],
    }
    asked["subject"]["data"] = "data.csv"
    project.report(pytest_aipm.audit(asked, root=project.path))
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert f"{UNTOLD}policy made: made in Python: there is no file to compare with" in said.out
    assert f"{HELD}verdicts: 1 of 1 verdicts re-derived from counts" in said.out
