"""``aipm packs`` and what validate, the run and the API say about packs."""

from __future__ import annotations

import pytest

import pytest_aipm

HOUSE = """\
aipm: 1
pack:
  title: House rules
  version: "2.1"
  status: in force
  citation: House rule 7
  as_of: 2026-01-31
  notes: ["Ask the committee."]
checks:
  - check: fairness.demographic_parity_difference
    id: gap
    by: region
    limit: {max: 0.15}
    clause: [House rule 7.1, House rule 7.2]
    asks: No region is left behind
    basis: text
"""
GAP = "{id: gap}"
GAP_CHECK = "fairness.demographic_parity_difference"
LATER = "1795000000"  # 2026-11-18
HOSTILE = "<b>\x1b[31m\u202ex" + "y" * 10_000


@pytest.fixture(autouse=True)
def spring(project, monkeypatch):  # noqa: ARG001 - the project's own fixture unsets it
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1775000000")  # 2026-03-31


def with_house(project, text=HOUSE):
    project.file("rules/house.aipm.yaml", text)
    project.file("pytest.ini", "[pytest]\naipm_packs = rules\n")


def extending(project, name="pack:house"):
    path = project.policy("good", GAP)
    path.write_text(path.read_text().replace("aipm: 1", f"aipm: 1\nextends: {name}"))
    return path


def test_the_list_names_version_status_date_and_title(aipm):
    said = aipm("packs")
    assert (said.code, said.err) == (0, "")
    first, *rows = said.out.splitlines()
    assert first.split() == ["Name", "Version", "Status", "As", "of", "Title"]
    assert [row.split()[0] for row in rows[:3]] == ["four-fifths", "nyc-ll144", "release-gate"]
    assert "1.0      in force  2026-11-23  Automated employment decision tools" in rows[1]
    assert "A review aid, not legal advice." in said.out


def test_a_pack_is_shown_with_its_text_and_its_clauses(aipm, project):
    with_house(project)
    said = aipm("packs", "show", "house")
    assert (said.code, said.err) == (0, "")
    for line in (
        "house 2.1: House rules",
        "  status:        in force",
        "  review after:  2026-07-30",
        "  from:          aipm_packs",
        "  - Ask the committee.",
        "    limit: {max: 0.15}",  # of the text itself
        "  House rule 7.1, House rule 7.2",
        "    No region is left behind",
        f"    gap: {GAP_CHECK}, limit {{max: 0.15}}, a number from the text",
    ):
        assert line in said.out.splitlines()


@pytest.mark.parametrize(
    "name", ["four-fifths", "nyc-ll144", "release-gate", "release-gate-ranking"]
)
def test_every_built_in_pack_can_be_shown(aipm, name):
    said = aipm("packs", "show", name)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0].startswith(f"{name} 1.0: ")
    assert "not legal advice" in said.out.splitlines()[-1]


def test_another_root_may_stand_before_or_behind(aipm, project, monkeypatch):
    with_house(project)
    (project.path / "elsewhere").mkdir()
    monkeypatch.chdir(project.path / "elsewhere")
    before = aipm("packs", "--root", "..", "show", "house")
    behind = aipm("packs", "show", "house", "--root=..")
    assert before.code == behind.code == 0
    assert before.out == behind.out
    assert aipm("packs", "show", "house").code == 4


def test_a_misspelt_name_is_answered_with_the_one_meant(aipm):
    said = aipm("packs", "show", "nyc-ll14")
    assert (said.code, said.out) == (4, "")
    assert said.err == "there is no pack 'nyc-ll14'; did you mean 'nyc-ll144'?\n"


def test_a_file_that_is_no_pack_is_said_and_the_others_are_listed(aipm, project):
    with_house(project, "aipm: 1\nchecks: []\n")
    said = aipm("packs")
    assert said.code == 4
    assert "four-fifths" in said.out
    assert said.err.startswith("pack:house: no pack: it says nothing of itself under 'pack'")


def test_what_is_wrong_inside_a_pack_is_said_with_its_line(aipm, project):
    with_house(project, HOUSE.replace("by: region", "bye: region"))
    said = aipm("packs", "show", "house")
    assert said.code == 4
    assert said.err.startswith("pack:house:12:5: unknown key 'bye' in the check")


def test_a_folder_that_is_not_there_is_said(aipm, project):
    project.file("pytest.ini", "[pytest]\naipm_packs = rulez\n")
    for words in (["packs"], ["validate"]):
        said = aipm(*words)
        assert (said.code, said.err.splitlines()[0]) == (
            4,
            "aipm_packs: there is no folder 'rulez'; correct it, or remove the key",
        )


def test_validate_names_the_packs_and_warns_of_a_stale_one(aipm, project, monkeypatch):
    with_house(project)
    extending(project)
    said = aipm("validate")
    assert said.code == 0
    assert "  pack house 2.1: House rules (in force, as of 2026-01-31)" in said.out.splitlines()
    assert "warning" not in said.out
    monkeypatch.setenv("SOURCE_DATE_EPOCH", LATER)
    said = aipm("validate")
    assert said.code == 0
    assert "  warning: pack house: last compared with its sources on 2026-01-31" in said.out


@pytest.mark.parametrize(
    ("status", "what"),
    [
        ("repealed", "House rule 7 is repealed"),
        ("{status}\n  superseded_by: House rule 8", "House rule 7 is superseded by House rule 8"),
        ("pending\n  effective: 2027-01-01", "House rule 7 is not in force yet"),
    ],
)
def test_validate_warns_of_a_rule_that_is_not_in_force(aipm, project, status, what):
    text = status.format(status="superseded")
    with_house(project, HOUSE.replace("status: in force", f"status: {text}"))
    extending(project)
    assert f"  warning: pack house: {what}" in aipm("validate").out
    assert f"warning: pack house: {what}" in aipm("packs").out


def test_validate_says_which_checks_do_not_apply(aipm, project):
    path = project.policy("good", "{id: odds, enabled: true}")
    path.write_text(path.read_text().replace("aipm: 1", "aipm: 1\nextends: pack:release-gate"))
    said = aipm("validate")
    assert said.code == 0
    assert "4 checks not applicable" in said.out
    assert "  not applicable: flip: 'explain.protected_flip' needs a model it can call" in said.out


def test_a_pack_that_does_not_fit_is_one_line(aipm, project):
    extending(project, "pack:nyc-ll144")
    said = aipm("validate")
    assert said.code == 4
    assert "policies/good.aipm.yaml:2:10: pack:nyc-ll144 does not fit this policy: " in said.err


def test_the_record_carries_the_packs_and_their_clauses(project, monkeypatch):
    with_house(project)
    path = extending(project)
    record = pytest_aipm.audit(path, root=project.path, packs="rules")
    (audit,) = record.audits
    (pack,) = audit.packs
    assert (pack.name, pack.version, pack.status, pack.citation, pack.as_of, pack.stale) == (
        "house",
        "2.1",
        "in force",
        "House rule 7",
        "2026-01-31",
        False,
    )
    assert len(pack.sha256) == 64
    assert audit.policy.extends == ("pack:house",)
    assert audit.warnings == ()
    (clause,) = audit.clauses
    assert (clause.check_id, clause.basis, clause.asks) == (
        "gap",
        "text",
        "No region is left behind",
    )
    assert record.findings[0].clauses == ("House rule 7.1", "House rule 7.2")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", LATER)
    later = pytest_aipm.audit(path, root=project.path, packs="rules").audits[0]
    assert later.packs[0].stale
    assert later.warnings[0].startswith("pack house: last compared with its sources")


def test_a_hostile_head_harms_no_terminal_and_no_page(aipm, project):
    title = '"' + HOSTILE.replace("\x1b", "\\e") + '"'  # YAML's own word for an escape
    with_house(
        project,
        HOUSE.replace("House rules", title).replace("No region is left behind", title),
    )
    path = extending(project)
    said = aipm("packs", "show", "house")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
    record = pytest_aipm.audit(path, root=project.path, packs="rules")
    record.write(project.path / "report")
    page = (project.path / "report/index.html").read_text(encoding="utf-8")
    shown = page[page.index("Rules and clauses") : page.index("Evidence</h")]
    assert "&lt;b&gt;" in shown
    assert len(shown) < 3_000
    for text in ("<b>\x1b", "\x1b", "\u202e"):
        assert text not in shown
