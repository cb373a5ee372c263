"""``aipm validate``: how a policy is read, and every fault that can be known before a run."""

from __future__ import annotations

import json

import pytest
from cli_project import GAP, GREEN, RED

READING = (
    "class 1 = y is what is predicted; the favorable decision is 1, taken when column 'pred' says 1"
)
WAIVER = """\
waivers:
  - id: W-1
    check: {check}
    reason: the new form is on its way
    owner: risk@example.org
    ticket: T-1
    created: 2020-01-01
    expires: {expires}
"""


def test_a_good_policy_is_read_aloud(aipm, project):
    project.policy("good", RED, f"{{check: {GAP}, id: off, by: sex, enabled: false}}")
    said = aipm("validate")
    assert said.out.splitlines() == [
        "policies/good.aipm.yaml: good",
        f"  {READING}",
        "  2 checks, 4 nodes planned, 1 check disabled",
        "  data: data.csv, 400 rows, 5 columns",
        "baseline: none (aipm-baseline.json)",
        "valid: 1 policy, 4 nodes",
    ]
    assert (said.code, said.err) == (0, "")


def test_unknown_columns_are_found_early_each_at_its_line(aipm, project):
    columns = {"label": "z", "protected": "{sex: gender, region: region, team: {column: tean}}"}
    project.policy("bad", RED, subject=columns)
    said = aipm("validate")
    assert said.code == 1
    lines = said.err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "policies/bad.aipm.yaml:10:10",
        "policies/bad.aipm.yaml:11:20",
        "policies/bad.aipm.yaml:11:59",
    ]
    assert "there is no column 'z' in data.csv" in lines[0]
    assert "did you mean 'team'?" in lines[2]
    assert "valid" not in said.out


def test_columns_that_a_check_searches_are_looked_for_at_its_line(aipm, project):
    search = "check: fairness.worst_slice, limit: {max: 0.1}"
    project.policy(
        "search",
        f"{{{search}, columns: [sex, pred], id: good}}",
        f"{{{search}, columns: [sex, tean]}}",
    )
    said = aipm("validate")
    assert said.code == 1
    (line,) = said.err.splitlines()
    assert line.startswith("policies/search.aipm.yaml:14: ")
    assert "there is no column 'tean' in data.csv" in line


def test_weights_and_people_are_read_aloud_and_their_columns_looked_for(aipm, project):
    subject = {"weights": "{column: wt, kind: frequency}", "cluster": "persn"}
    project.policy("bad", GREEN, subject=subject)
    said = aipm("validate")
    assert "policies/bad.aipm.yaml:12:21: there is no column 'wt' in data.csv" in said.err
    assert "policies/bad.aipm.yaml:13:12: there is no column 'persn' in data.csv" in said.err
    assert "column 'wt' holds frequencies: a row counts as that many rows" in said.out
    assert "rows with the same 'persn' are of one person" in said.out


def test_without_data_nothing_is_opened(aipm, project):
    project.policy("far", GREEN, data="not/there.csv")
    assert aipm("validate").code == 1
    said = aipm("validate", "--no-data")
    assert said.code == 0
    assert said.out.endswith("valid: 1 policy, 1 node; the data were not opened\n")


def test_faults_of_policies_are_told_together_and_end_with_4(aipm, project):
    project.policy("one", "{check: fairness.demographic_parity_diference, limit: {max: 0.1}}")
    project.policy("two", GREEN, subject={"lable": "y"})
    said = aipm("validate")
    assert said.code == 4
    assert "policies/one.aipm.yaml:13:13: unknown check" in said.err
    assert "policies/two.aipm.yaml:12:3: unknown key 'lable'" in said.err
    assert said.err.count("\n") == 2


def test_what_stands_beside_the_policies_is_told_together(aipm, project):
    project.policy("good", f"{{check: {GAP}, id: gap, by: sex, regression: {{max_change: 0.1}}}}")
    project.file(
        "policies/waivers.yaml", WAIVER.format(check="good::gap::sox", expires="2020-02-01")
    )
    project.file("aipm.lock", "{")
    project.policy("data", GREEN, subject={"label": "z"})
    said = aipm("validate")
    assert said.code == 4  # a fault of the data beside them does not make it less
    first, second, third, fourth = said.err.splitlines()
    assert first.startswith("policies/waivers.yaml:3:12: policies/good.aipm.yaml has no finding")
    assert second.startswith("policies/good.aipm.yaml:13: check 'gap' declares `regression`")
    assert third.startswith("aipm.lock:1:2: is not JSON")
    assert "there is no column 'z'" in fourth


def test_a_gate_without_a_baseline_is_called_by_its_name(aipm, project):
    project.policy("good", f"{{check: {GAP}, id: gap, by: sex, gate: no-worse}}")
    assert "check 'gap' declares `gate: no-worse`, but" in aipm("validate").err


def test_waivers_are_listed_with_their_end(aipm, project):
    project.policy("good", RED)
    project.file(
        "policies/waivers.yaml", WAIVER.format(check="good::gap::sex", expires="2020-02-01")
    )
    said = aipm("validate")
    assert "waivers: policies/waivers.yaml: W-1 EXPIRED on 2020-02-01\n" in said.out
    assert said.code == 0


def test_the_baseline_is_named_with_who_approved_it(aipm, project, green):
    project.policy("green", GREEN)
    project.policy("other", GREEN)
    project.report(green)
    aipm("approve", "aipm-report", "--by", "the owner", "--reason", "first release")
    said = aipm("validate")
    assert "green: approved by the owner, " in said.out
    assert "other: nothing approved yet" in said.out


def test_named_policies_alone_are_looked_at(aipm, project):
    project.policy("good", GREEN)
    bad = project.policy("bad", GREEN, subject={"lable": "y"})
    assert aipm("validate", "policies/good.aipm.yaml").code == 0
    assert aipm("validate", bad).code == 4
    said = aipm("validate", "policies/none.aipm.yaml")
    assert (said.code, said.err) == (
        4,
        "policies/none.aipm.yaml: there is no such policy; check the path\n",
    )


def test_the_root_is_where_paths_start(aipm, project, monkeypatch):
    project.policy("good", GREEN)
    (project.path / "elsewhere").mkdir()
    monkeypatch.chdir(project.path / "elsewhere")
    assert aipm("validate").code == 4
    assert aipm("validate", "--root", "..").code == 0
    assert aipm("validate", "--root", "../none").err.endswith(
        "there is no such folder; check the path\n"
    )


def test_ini_keys_say_where_policies_baseline_and_waivers_are(aipm, project):
    project.policy("good", RED)
    project.file("rules/waivers.yaml", WAIVER.format(check="good::gap::sex", expires="2999-01-01"))
    (project.path / "policies").rename(project.path / "rules" / "of the house")
    project.file(
        "pyproject.toml",
        "[tool.pytest.ini_options]\n"
        "aipm_policies = \"'rules/of the house'\"\n"
        'aipm_waivers = "rules/waivers.yaml"\n'
        'aipm_baseline = "rules/base.json"\n',
    )
    said = aipm("validate")
    assert "rules/of the house/good.aipm.yaml: good" in said.out
    assert "waivers: rules/waivers.yaml: W-1 until 2999-01-01" in said.out
    assert said.err == (
        "rules/base.json: there is no baseline here; correct --aipm-baseline, "
        "or create it with --aipm-update-baseline\n"
    )


def test_a_first_run_may_lack_the_baseline_when_the_project_says_so(aipm, project):
    project.policy("good", f"{{check: {GAP}, id: gap, by: sex, regression: {{max_change: 0.1}}}}")
    assert aipm("validate").code == 4
    project.file("pytest.ini", "[pytest]\naipm_first_baseline = true\n")
    assert aipm("validate").code == 0


def test_a_second_file_is_joined_and_its_faults_are_told(aipm, project):
    project.file("race.csv", "id,race\n1,A\n1,B\n")
    rows = (project.path / "data.csv").read_text().splitlines()
    keyed = [f"{'id' if i == 0 else i},{row}" for i, row in enumerate(rows)]
    project.file("data.csv", "\n".join([*keyed, ""]))
    spec = "{race: {column: race, file: race.csv, key: id}, region: region}"
    project.policy("joined", GREEN, subject={"protected": spec})
    said = aipm("validate")
    assert said.code == 1
    assert said.err.startswith("race.csv: 1 values of 'id' occur more than once")
    project.file("race.csv", "id,race\n1,A\n2,B\n")
    said = aipm("validate")
    assert "  race: race.csv, joined by id\n" in said.out
    assert said.code == 0


MODEL = "{check: explain.protected_flip, id: flip, by: sex, limit: {max: 0.01}}"


class _Loud:
    def __reduce__(self):
        return (pytest.fail, ("a model was opened",))


def test_a_model_is_hashed_and_never_opened(aipm, project):
    import pickle

    (project.path / "model.pkl").write_bytes(pickle.dumps(_Loud()))
    place = project.policy("model", MODEL, subject={"model": "model.pkl"})
    place.write_text(place.read_text().replace("  predictions: pred\n", ""))
    said = aipm("validate")
    assert said.code == 4
    assert "'model.pkl' can run code when it is opened" in said.err
    aipm("trust", "model.pkl")
    said = aipm("validate")
    assert (said.code, said.err) == (0, "")
    assert "  model: model.pkl, not opened\n" in said.out
    assert "aipm.lock: model.pkl\n" in said.out
    (project.path / "model.pkl").write_bytes(b"other")
    said = aipm("validate")
    assert said.code == 1
    assert "but aipm.lock pins" in said.err


def test_a_file_of_data_says_what_it_is_a_model_of(aipm, project):
    project.file("trees.txt", "tree\nversion=v4\n")
    place = project.policy("model", MODEL, subject={"model": "trees.txt"})
    place.write_text(place.read_text().replace("  predictions: pred\n", ""))
    said = aipm("validate")
    assert (said.code, said.err) == (0, "")
    assert "  model: trees.txt (LightGBM), not opened\n" in said.out
    project.file("trees.txt", "no tree")
    said = aipm("validate")
    assert said.code == 1
    assert ": 'trees.txt' holds no model of LightGBM: damaged, cut short or" in said.err


def test_a_missing_model_and_another_skops_file_are_faults_of_the_model(aipm, project):
    place = project.policy("model", MODEL, subject={"model": "{path: modle.skops}"})
    place.write_text(place.read_text().replace("  predictions: pred\n", ""))
    project.file("model.skops", "bytes")
    said = aipm("validate")
    assert said.code == 1
    assert said.err == (
        "policies/model.aipm.yaml:11:10: there is no file 'modle.skops'; "
        "did you mean 'model.skops'?\n"
    )
    text = place.read_text().replace(
        "{path: modle.skops}", f"{{path: model.skops, sha256: {'ab' * 32}}}"
    )
    place.write_text(text)
    assert "pinned is abababababab" in aipm("validate").err


def test_declared_features_must_be_in_data_and_training_rows(aipm, project):
    project.file("train.csv", "y,region\n1,N\n0,S\n")
    place = project.policy(
        "model",
        "{check: privacy.train_test_overlap, id: overlap}",
        subject={"features": "[region, team, size]", "train": "train.csv"},
    )
    said = aipm("validate", place)
    assert said.code == 1
    assert [line.partition("; ")[0].partition(": ")[2] for line in said.err.splitlines()] == [
        "there is no column 'size' in data.csv",
        "there is no column 'team' in train.csv",
        "there is no column 'size' in train.csv",
    ]


def test_a_base_it_stands_on_and_what_it_loosens_are_named(aipm, project):
    base = project.file("policies/base.aipm.yaml", f"aipm: 1\nchecks:\n  - {GREEN}\n")
    override = "override: {reason: few rows, owner: owner@example.org}"
    place = project.policy("child", f"{{id: gap, limit: {{max: 0.5}}, {override}}}")
    place.write_text(f"extends: [{base.name}]\n{place.read_text()}")
    said = aipm("validate")
    assert "  extends policies/base.aipm.yaml\n" in said.out
    assert "other than its base: gap: " in said.out
    assert "(few rows; owner@example.org)" in said.out
    assert said.code == 0


def test_as_many_nodes_are_planned_as_a_run_finds(aipm, project, red):
    project.policy("red", RED)
    assert f"valid: 1 policy, {len(red.findings)} nodes" in aipm("validate").out


def test_json_lines_of_a_damaged_file_are_one_line(aipm, project):
    project.file("data.jsonl", json.dumps({"y": 1}) + "\n{\n")
    project.policy("bad", GREEN, data="data.jsonl")
    said = aipm("validate")
    assert said.code == 1
    assert said.err.startswith("data.jsonl")
