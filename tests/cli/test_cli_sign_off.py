"""``aipm sign-off``: who stands for a reviewed run, kept in the project and shown in the report."""

from __future__ import annotations

import pytest

import pytest_aipm
from pytest_aipm.records import Record, RunVerdict

WORDS = ("--by", "risk@example.org", "--role", "model risk")
FILE = "policies/sign_offs.yaml"


@pytest.fixture
def report(project, monkeypatch):
    """A green run of today's fixed day."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    project.policy("green", "{check: fairness.demographic_parity_difference, id: gap, "
                            "by: region, limit: {max: 0.15}}")  # fmt: skip
    return project.report(run(project))


def run(project, **given):
    return pytest_aipm.audit("policies/green.aipm.yaml", root=project.path, **given)


def held(report):
    return Record.from_json((report / "audit.json").read_bytes())


def test_a_sign_off_is_written_beside_the_policies_and_shown_in_the_report(aipm, project, report):
    before = held(report)
    said = aipm("sign-off", "aipm-report", *WORDS, "--comment", "for the branch: alone")
    assert (said.code, said.err) == (0, "")
    assert (project.path / FILE).read_text() == (
        "# Who stands for which reviewed run; `aipm sign-off` adds to it.\n"
        "sign_offs:\n"
        "  - who: risk@example.org\n"
        "    role: model risk\n"
        "    date: 2026-09-21\n"
        f'    digest: "{before.evidence}"\n'
        '    comment: "for the branch: alone"\n'
    )
    assert f"evidence {before.evidence}" in said.out
    after = held(report)
    assert after.digest == before.digest
    assert [each.who for each in after.sign_offs] == ["risk@example.org"]
    page, summary = ((report / name).read_text() for name in ("index.html", "summary.md"))
    line = "igned off by risk@example.org (model risk) on 21 Sep 2026"
    assert f"· s{line}</header>" in page
    assert "<h2 id=signed-off>Signed off</h2>" in page
    assert "for the branch: alone" in page
    assert f"S{line}." in summary.replace("\u200b", "")
    assert aipm("verify", "aipm-report").code == 0


def test_what_was_signed_off_stays_so_after_the_commit_of_the_sign_off(
    aipm, project, report, monkeypatch
):
    aipm("sign-off", "aipm-report", *WORDS)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    again = run(project)
    first = held(report)
    assert again.digest != first.digest
    assert again.evidence == first.evidence
    assert [each.matches for each in again.sign_offs] == [True]


@pytest.mark.usefixtures("report")
def test_other_rows_make_another_record_and_that_is_said(aipm, project):
    aipm("sign-off", "aipm-report", *WORDS)
    lines = (project.path / "data.csv").read_text().splitlines()
    (project.path / "data.csv").write_text("\n".join(lines[:-4]) + "\n")
    again = run(project)
    assert [each.matches for each in again.sign_offs] == [False]
    folder = project.report(again, "again")
    page = (folder / "index.html").read_text()
    assert "· not signed off: 1 sign-off is for another record</header>" in page
    assert "another: " in page
    assert (
        "Not signed off: 1 sign-off is for another record." in (folder / "summary.md").read_text()
    )


def test_without_a_sign_off_that_is_said(report):
    assert "· not signed off</header>" in (report / "index.html").read_text()
    assert "\nNot signed off.\n" in (report / "summary.md").read_text()
    assert "id=signed-off" not in (report / "index.html").read_text()


def test_the_digest_of_the_whole_record_is_understood_too(project, report):
    digest = held(report).digest
    project.file(FILE, f'sign_offs:\n- {{who: a, role: b, date: 2026-09-21, digest: "{digest}"}}\n')
    assert [each.matches for each in run(project).sign_offs] == [True]


@pytest.mark.parametrize(
    "before",
    [
        "sign_offs: []\n",
        "# ours\nsign_offs: [ ] # none yet\n",
        (
            "sign_offs:\n- who: a@example.org # first\n  role: b\n  date: 2026-01-01\n"
            f'  digest: "{"0" * 64}"\n  # the last word\n'
        ),
        (
            "sign_offs:\n    -   who: a@example.org\n        role: b\n        date: 2026-01-01\n"
            f'        digest: "{"0" * 64}"'
        ),
        (
            "sign_offs:\r\n  - who: a\r\n    role: b\r\n    date: 2026-01-01\r\n"
            f'    digest: "{"0" * 64}"\r\n'
        ),
    ],
)
@pytest.mark.usefixtures("report")
def test_comments_order_and_line_ends_of_the_file_stay(aipm, project, before):
    project.file(FILE, "")
    (project.path / FILE).write_bytes(before.encode())
    said = aipm("sign-off", "aipm-report", *WORDS)
    assert said.code == 0, said.err
    after = (project.path / FILE).read_bytes().decode()
    for line in before.splitlines():
        assert line.replace(" [ ]", "").replace(" []", "").strip() in after
    assert ("\r\n" in after) == ("\r\n" in before)
    assert after.replace("\r\n", "").count("\r") == 0
    assert [each.who for each in run(project).sign_offs][-1] == "risk@example.org"


def test_a_list_in_one_line_is_left_as_it_is(aipm, project, report):
    text = f'sign_offs: [{{who: a, role: b, date: 2026-01-01, digest: "{"0" * 64}"}}]\n'
    place = project.file(FILE, text)
    said = aipm("sign-off", "aipm-report", *WORDS)
    assert said.code == 4
    assert f"{FILE}: it cannot be added to as text; write its list as `sign_offs:`" in said.err
    assert place.read_text() == text
    assert held(report).sign_offs == ()
    assert [each.name for each in place.parent.iterdir() if "tmp" in each.name] == []


@pytest.mark.parametrize(
    "name",
    ["- ", "null", "a: b", "#1", "'x", '"', "\\", "😀 Zoë", "1e5", "<script>", "x" * 10_000, "~"],
)
def test_any_name_survives_the_file(aipm, project, report, name):
    said = aipm("sign-off", "aipm-report", "--by", name, "--role", name, "--comment", name)
    assert said.code == 0, said.err
    (read,) = run(project).sign_offs
    expected = " ".join(name.split())
    assert (read.who, read.role, read.comment) == (expected, expected, expected)
    assert "<script>" not in (report / "index.html").read_text()


@pytest.mark.usefixtures("report")
def test_control_characters_and_directions_do_not_reach_the_file(aipm, project):
    aipm("sign-off", "aipm-report", "--by", "a\x1b[31m\u202eb\nc", "--role", "x")
    (read,) = run(project).sign_offs
    assert read.who == "a[31mb c"


def test_nobody_signs_one_record_off_twice(aipm, project, report):
    aipm("sign-off", "aipm-report", *WORDS)
    text = (project.path / FILE).read_text()
    said = aipm("sign-off", "aipm-report", *WORDS)
    assert said.code == 4
    assert said.err == (
        f"{FILE}: risk@example.org has signed this record off already; nothing is left to do\n"
    )
    assert (project.path / FILE).read_text() == text
    assert aipm("sign-off", "aipm-report", "--by", "cto@example.org", "--role", "owner").code == 0
    assert [each.who for each in held(report).sign_offs] == ["risk@example.org", "cto@example.org"]
    assert "and 1 more</header>" in (report / "index.html").read_text()


def test_a_red_run_needs_a_word(aipm, project, red):
    project.policy("red", "{check: fairness.demographic_parity_difference, id: gap, "
                          "by: [sex, region, team], limit: {max: 0.10}}")  # fmt: skip
    project.report(red)
    said = aipm("sign-off", "aipm-report", *WORDS)
    assert said.code == 4
    assert "the run failed (red::gap::sex); mend it, or say that it is known: --red" in said.err
    assert not (project.path / FILE).exists()
    assert aipm("sign-off", "aipm-report", *WORDS, "--red-is-accepted").code == 0


def test_a_partial_run_is_signed_off_by_nobody(aipm, project, green):
    partial = {"partial": True, "missing": ("a",), "verdict": RunVerdict.UNPROVEN}
    project.report(green.model_copy(update=partial))
    said = aipm("sign-off", "aipm-report", *WORDS, "--red-is-accepted")
    assert said.code == 4
    assert "the run is partial: 1 planned checks have no finding" in said.err


def test_what_does_not_hold_is_signed_off_by_nobody(aipm, project, report):
    record = held(report)
    audits = (record.audits[0].model_copy(update={"verdict": RunVerdict.UNPROVEN}),)
    record.model_copy(update={"audits": audits}).with_digest().write(report)
    said = aipm("sign-off", "aipm-report", *WORDS)
    assert said.code == 4
    assert "it does not hold (totals: green reads UNPROVEN, its findings make PASS)" in said.err
    (report / "summary.md").write_text("all is well")
    assert (
        "is not the file that manifest.json vouches" in aipm("sign-off", "aipm-report", *WORDS).err
    )
    (report / "audit.json").rename(report / "audit.stale.json")
    assert "the report is stale" in aipm("sign-off", "aipm-report", *WORDS).err
    assert not (project.path / FILE).exists()


@pytest.mark.parametrize("words", [("--by", " ", "--role", "x"), ("--by", "x", "--role", "\t")])
@pytest.mark.usefixtures("report")
def test_a_sign_off_has_a_name_and_a_role(aipm, words):
    said = aipm("sign-off", "aipm-report", *words)
    assert said.code == 4
    assert "is empty; a sign-off has a name and a role" in said.err


def test_a_signature_is_of_the_folder_before_it_was_signed_off(aipm, report):
    (report / "manifest.json.sig").write_text("{}")
    said = aipm("sign-off", "aipm-report", *WORDS)
    assert said.code == 0
    assert "aipm-report/manifest.json.sig was of the folder as it was: sign it anew" in said.out


def test_a_sign_off_that_no_file_holds_does_not_hold(aipm, project, report):
    aipm("sign-off", "aipm-report", *WORDS)
    (project.path / FILE).write_text("sign_offs: []\n")
    said = aipm("verify", "aipm-report")
    assert said.code == 1
    assert f"sign-offs: that of risk@example.org is not in {FILE}" in said.out
    record = held(report)
    turned = tuple(each.model_copy(update={"matches": False}) for each in record.sign_offs)
    record.model_copy(update={"sign_offs": turned}).write(report)
    assert "is not marked as what it is" in aipm("verify", "aipm-report").out
    (project.path / FILE).unlink()
    record.write(report)
    said = aipm("verify", "aipm-report")
    assert said.code == 0
    assert f"sign-offs: there is no {FILE} here to compare 1 sign-off with" in said.out


@pytest.mark.usefixtures("report")
def test_the_ini_key_says_where_sign_offs_are_kept(aipm, project):
    project.file("pytest.ini", "[pytest]\naipm_sign_offs = governance/signed.yaml\n")
    assert aipm("sign-off", "aipm-report", *WORDS).code == 0
    assert (project.path / "governance/signed.yaml").exists()
    assert "sign-offs: governance/signed.yaml: 1" in aipm("validate", "--no-data").out
    project.file("governance/signed.yaml", "sign_offs: [{wo: a}]\n")
    said = aipm("validate", "--no-data")
    assert said.code == 4
    assert "governance/signed.yaml:1:14: unknown key 'wo' in a sign-off; did you mean 'who'?" in (
        said.err
    )
