"""A run of pytest under packs: found by the ini key, named in the record, warned of when stale."""

from __future__ import annotations

PACK = """\
aipm: 1
pack:
  {title: House, version: "1", status: repealed, citation: House rule 7, as_of: 2026-01-31}
checks:
  - check: fairness.demographic_parity_difference
    id: gap
    by: region
    limit: {max: 0.10}
    clause: House rule 7
  - {check: explain.protected_flip, id: flip, by: sex, limit: {max: 0.01}, if_possible: true}
"""


def extending(project):
    (project.path / "rules").mkdir()
    (project.path / "rules/house.aipm.yaml").write_text(PACK)
    place = project.policy("good", "{id: gap}")
    place.write_text(place.read_text().replace("aipm: 1", "aipm: 1\nextends: pack:house"))


def test_the_run_warns_and_the_record_and_the_page_carry_the_pack(project):
    extending(project)
    project.ini("aipm_packs = rules")
    result = project.run("--aipm-audit")
    assert result.ret == 0
    assert "pack house: House rule 7 is repealed" in result.stdout.str()
    (audit,) = project.record()["audits"]
    assert [(p["name"], p["stale"]) for p in audit["packs"]] == [("house", True)]
    over = "pack house: House rule 7 is repealed: no run under it is more than UNPROVEN"
    assert audit["warnings"][0] == over
    assert audit["verdict"] == "unproven"  # every check that ran passes
    assert [clause["check_id"] for clause in audit["clauses"]] == ["gap"]
    assert project.verdicts() == {
        "good::gap::region": "pass",
        "good::flip::sex": "not_judged",
    }
    (flip,) = (f for f in audit["findings"] if f["check_id"] == "flip")
    assert (flip["because"], flip["reason"]) == (
        "not_applicable",
        "'explain.protected_flip' needs a model it can call",
    )
    page = (project.path / "aipm-report/index.html").read_text()
    assert "Rules and clauses" in page
    assert "pack house: House rule 7 is repealed" in page
    assert (
        "pack house: House rule 7 is repealed"
        in (project.path / "aipm-report/summary.md").read_text()
    )


def test_without_the_key_the_pack_is_unknown(project):
    extending(project)
    result = project.here("--aipm-audit")
    assert result.ret == 4
    said = result.stderr.str()
    assert "policies/good.aipm.yaml:2:10: there is no pack 'house'; known: four-fifths" in said


def test_a_folder_that_is_not_there_ends_with_one_line(project):
    project.good()
    project.ini("aipm_packs = rulez")
    result = project.here("--aipm-audit")
    assert result.ret == 4
    assert "aipm_packs: there is no folder 'rulez'; correct it, or remove" in result.stderr.str()


def test_the_fixture_finds_the_projects_packs(project):
    extending(project)
    project.ini("aipm_packs = rules")
    project.test(
        text="def test_it(aipm):\n"
        "    record = aipm.audit('policies/good.aipm.yaml')\n"
        "    assert record.audits[0].packs[0].name == 'house'\n"
    )
    project.run("tests").assert_outcomes(passed=1)


def test_a_check_that_no_longer_applies_weakens_the_gate(project):
    extending(project)
    project.ini("aipm_packs = rules")
    (project.path / "model.py").write_text(
        "import numpy as np\n"
        "class Model:\n"
        "    classes_ = np.array([0, 1])\n"
        "    feature_names_in_ = np.array(['sex'], dtype=object)\n"
        "    def predict(self, frame):\n"
        "        return np.ones(len(frame), dtype=int)\n"
        "def made():\n"
        "    return Model()\n"
    )
    policy = project.path / "policies/good.aipm.yaml"
    told = policy.read_text()
    policy.write_text(told.replace("predictions: pred", "model: {factory: 'model:made'}"))
    assert project.run("--aipm-audit", "--aipm-update-baseline").ret == 0
    assert project.verdicts()["good::flip::sex"] == "pass"
    policy.write_text(told)
    project.run("--aipm-audit")
    (audit,) = project.record()["audits"]
    assert (
        "good::flip::sex: left out, because 'explain.protected_flip' needs a model it can call"
        in audit["baseline"]["weakened"]
    )
