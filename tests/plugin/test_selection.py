"""Which policies and which tests a command line runs. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Listed = Callable[[pytest.RunResult], list[str]]

GOOD = ["policies/good.aipm.yaml::gap::region", "policies/good.aipm.yaml::wide::region"]
TESTS = ["tests/test_o.py::test_one"]


def test_collect_only_loads_no_model_and_no_data_and_writes_nothing(
    project: Any, listed: Listed
) -> None:
    place = project.good(data="absent.csv")
    place.write_text(place.read_text().replace("predictions: pred", "model: {factory: 'no:such'}"))
    result = project.run("--aipm-audit", "--collect-only", "-q")
    assert result.ret == 0
    assert listed(result) == GOOD
    assert project.here("--aipm-audit", "--setup-plan").ret == 0
    assert not project.written()


def test_the_option_runs_the_policies_alone_or_beside_the_paths_given(
    project: Any, listed: Listed
) -> None:
    project.good()
    project.test()
    project.ini("testpaths = tests")
    assert listed(project.look()) == TESTS
    assert listed(project.look("--aipm-audit")) == GOOD
    for paths in (["tests"], ["tests/test_o.py"], ["tests/test_o.py::test_one"], ["."]):
        found = listed(project.look("--aipm-audit", *paths))
        assert sorted(found) == sorted(TESTS + GOOD), paths


def test_the_ini_key_adds_the_policies_to_a_bare_run_and_to_folders_but_not_to_named_tests(
    project: Any, listed: Listed
) -> None:
    project.good()
    project.test()
    project.ini("testpaths = tests", "aipm_audit = true")
    assert sorted(listed(project.look())) == sorted(TESTS + GOOD)
    assert sorted(listed(project.look("tests"))) == sorted(TESTS + GOOD)
    for named in ("tests/test_o.py", "tests/test_o.py::test_one"):
        result = project.run(named)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["aipm: no policy ran, because this run names test files *"])
        assert result.parseoutcomes() == {"passed": 1}
    off = project.look("-o", "aipm_audit=false", "--aipm-audit")
    assert listed(off) == TESTS
    off.stdout.fnmatch_lines(["aipm: no policy ran: switched off by -o aipm_audit=false"])


@pytest.mark.parametrize("folder", ["policies", ".aipm", "build/deep"])
@pytest.mark.parametrize("paths", [[], ["."], ["policies"], ["tests", "policies"]])
def test_no_test_and_no_policy_is_lost_however_arguments_and_folders_overlap(
    project: Any, listed: Listed, folder: str, paths: list[str]
) -> None:
    # pytest 8.4 lost the ordinary tests of a folder when a file in it was named beside it, and
    # a policy in a folder that pytest passes over was never found when "." covered it.
    project.good(file=f"{folder}/good.aipm.yaml")
    project.test("test_o")
    project.test("test_p")
    (project.path / "policies").mkdir(exist_ok=True)
    for place in ("policies/test_q.py", f"{folder}/test_r.py", "test_s.py"):
        (project.path / place).write_text("def test_one(): pass\n")
    project.ini("aipm_audit = true", f"aipm_policies = {folder}")
    usual = listed(project.look("-o", "aipm_audit=false", *paths))
    found = listed(project.look(*paths))
    policies = [line for line in found if ".aipm.yaml" in line]
    assert sorted(line for line in found if line not in policies) == sorted(usual)
    assert policies == [line.replace("policies", folder) for line in GOOD]


def test_ignore_still_leaves_a_policy_out(project: Any, listed: Listed) -> None:
    project.good()
    project.good("second")
    found = listed(project.look("--aipm-audit", ".", "--ignore=policies/second.aipm.yaml"))
    assert found == GOOD


def test_nodes_are_selected_by_id_prefix_keyword_and_marker(project: Any, listed: Listed) -> None:
    project.mixed()
    project.good()
    policy = "policies/mixed.aipm.yaml"
    for args, expected in (
        ([f"{policy}::gap::sex"], [f"{policy}::gap::sex"]),
        ([f"{policy}::gap"], [f"{policy}::gap::{scope}" for scope in ("sex", "region", "team")]),
        (["-k", "known or near"], [f"{policy}::known::sex", f"{policy}::near::sex"]),
        (["-k", "mixed and team"], [f"{policy}::gap::team"]),
        (["-m", "aipm_privacy"], []),
        ([f"--deselect={policy}", "-m", "aipm and aipm_fairness"], GOOD),
    ):
        assert listed(project.look("--aipm-audit", "--strict-markers", *args)) == expected, args


def test_a_policy_of_another_folder_is_not_silently_left_out(project: Any) -> None:
    project.good()
    project.good("other", file="elsewhere/other.aipm.yaml")
    result = project.look("--aipm-audit", "elsewhere/other.aipm.yaml")
    assert result.ret == 4
    assert "--aipm-policy=" in result.stderr.str()


def test_a_policy_outside_the_root_has_an_id_and_can_be_selected(
    project: Any, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = project.good()
    inner = project.path / "inner"
    inner.mkdir()
    (inner / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(inner)
    ids = [f"../{line}" for line in GOOD]
    audit = ("--aipm-audit", f"--aipm-policy={outside}")
    assert listed(project.look(*audit)) == ids
    assert listed(project.look(*audit, f"--deselect={ids[0]}")) == ids[1:]


def test_a_base_file_among_the_policies_is_not_collected_and_cannot_be_named(
    project: Any, listed: Listed
) -> None:
    project.good()
    base = project.path / "policies/base.aipm.yaml"
    base.write_text("aipm: 1\nname: base\ndefaults: {confidence: 0.95}\n")
    assert listed(project.look("--aipm-audit", ".")) == GOOD
    named = project.look("--aipm-audit", "--aipm-policy=policies/base.aipm.yaml")
    assert named.ret == 4
    assert "base.aipm.yaml" in named.stderr.str()


def test_two_policies_with_one_name_are_refused(project: Any) -> None:
    project.good()
    project.good(file="policies/copy.aipm.yaml")
    result = project.look("--aipm-audit")
    assert result.ret == 4
    assert "'good'" in result.stderr.str()


def test_last_failed_runs_just_the_node_that_failed(project: Any) -> None:
    project.mixed()
    project.run("--aipm-audit")
    again = project.run("--aipm-audit", "--lf", "-v")
    assert again.ret == 1
    ran = [line.split()[0] for line in again.outlines if "FAILED " in line and "%" in line]
    assert ran == ["policies/mixed.aipm.yaml::gap::sex"]
    assert project.record()["partial"]
