"""Options, ini keys and the words of the command line: what is refused, and how it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

GAP = "fairness.demographic_parity_difference"


def problems(result: pytest.RunResult) -> list[str]:
    assert "Traceback" not in result.stderr.str()
    return [line for line in result.errlines if line.startswith("ERROR: ")]


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another project, with a configuration of its own that would become pytest's root."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "aipm-report").mkdir()
    (folder / "aipm-report/audit.json").write_text("the other project's record")
    return folder


def test_a_separate_word_outside_the_folder_is_refused_with_the_form_that_works(
    project: Any, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.good()
    (project.path / "pytest.ini").unlink()
    own = project.path / "aipm-report"
    own.mkdir()
    (own / "audit.json").write_text("an earlier run")

    for option in ("--aipm-report", "--aipm-data"):
        word = f"{elsewhere}/pytest.ini" if option == "--aipm-data" else str(elsewhere)
        result = project.here("--aipm-audit", option, word)
        assert result.ret == 4
        (line,) = problems(result)
        assert line.endswith(f"write {option}={word}")
    spread = project.run("--aipm-audit", "-n", "2", "--aipm-report", elsewhere)
    assert spread.ret == 4
    assert len(problems(spread)) == 1
    assert [p.name for p in own.iterdir()] == ["audit.stale.json"]
    assert (elsewhere / "aipm-report/audit.json").exists(), "not this project's to rename"

    monkeypatch.setenv("PYTEST_ADDOPTS", f"--aipm-data {elsewhere}/pytest.ini")
    assert problems(project.here("--aipm-audit"))[0].endswith(
        f"write --aipm-data={elsewhere}/pytest.ini"
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--aipm-report={elsewhere}/out")
    assert project.run("--aipm-audit", "--aipm-policy", "policies").ret == 0
    assert (elsewhere / "out/audit.json").exists()


def test_options_and_keys_of_later_versions_are_unknown_and_not_ignored(project: Any) -> None:
    project.good()
    result = project.run("--aipm-audit", "--aipm-quorum=2")
    assert result.ret == 4
    assert "unrecognized arguments: --aipm-quorum=2" in result.stderr.str()
    project.ini("aipm_quorum = 2")
    result = project.run("--strict-config", "--collect-only")
    assert result.ret == 4
    assert "Unknown config option: aipm_quorum" in result.stderr.str()


def test_an_option_that_would_do_nothing_is_refused(project: Any) -> None:
    project.test()
    result = project.here("--aipm-strict", "--aipm-policy=policies/credit.aipm.yaml")
    assert result.ret == 4
    assert problems(result) == [
        "ERROR: --aipm-policy, --aipm-strict: does nothing without --aipm-audit; add it"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("aipm_audit = perhaps", "aipm_audit"),
        ("aipm_seed = many", "aipm_seed"),
        ("aipm_seed = -1", "0 or more"),
    ],
)
def test_an_ini_value_of_the_wrong_type_is_one_line(project: Any, line: str, said: str) -> None:
    project.good()
    project.ini(line)
    result = project.here("--aipm-audit" if "seed" in line else "--co")
    assert result.ret == 4
    (problem,) = problems(result)
    assert said in problem


def test_ini_twins_name_policies_report_and_waivers_from_the_root_and_options_from_here(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.good(file="gates/good.aipm.yaml")
    (project.path / "gates/w.yaml").write_text("waivers: []\n")
    project.ini(
        "aipm_policies = gates",
        "aipm_report = build/evidence",
        "aipm_waivers = gates/w.yaml",
        "aipm_seed = 7",
    )
    below = project.path / "tests"
    below.mkdir()
    monkeypatch.chdir(below)
    result = project.run("--aipm-audit")
    assert result.ret == 0
    record = project.record("build/evidence")
    assert record["run"]["seed"] == 7
    assert [audit["policy"]["path"] for audit in record["audits"]] == ["gates/good.aipm.yaml"]
    result = project.run("--aipm-audit", "--aipm-report=out", "--aipm-data=../data.csv")
    assert result.ret == 0
    assert result.outlines[-2].endswith("report: out/index.html")
    assert project.record("tests/out")["run"]["command"] == (
        "pytest --aipm-audit --aipm-policy=gates --aipm-data=data.csv --aipm-seed=7"
    )


def test_replacing_the_model_or_data_needs_exactly_one_policy(project: Any) -> None:
    project.good()
    project.good("second")
    result = project.here("--aipm-audit", "--aipm-data=data.csv")
    assert result.ret == 4
    (line,) = problems(result)
    assert "--aipm-policy" in line


def test_blocking_the_plugin_leaves_pytest_as_it_was(project: Any) -> None:
    project.good()
    project.test("test_fixture", "def test_two(aipm): pass\n")
    project.test()
    plain = project.run("-p", "no:aipm", "tests/test_o.py")
    assert plain.parseoutcomes() == {"passed": 1}
    project.ini("aipm_audit = true")
    blocked = project.run("-p", "no:aipm")
    assert blocked.parseoutcomes() == {"passed": 1, "errors": 1, "warnings": 1}
    blocked.stdout.fnmatch_lines(
        ["*fixture 'aipm' not found*", "*Unknown config option: aipm_audit*"]
    )
    assert project.run("-p", "no:aipm", "--strict-config").ret == 4


def test_the_baseline_is_updated_by_a_full_run_in_one_process_and_never_in_ci(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = f"{{check: {GAP}, id: gap, by: region, limit: {{max: 0.10}}, regression: {{%s}}}}"
    project.policy(
        "credit",
        check % "max_change: 0.02",
        f"{{check: {GAP}, id: known, by: sex, limit: {{max: 0.50}}}}",
    )
    baseline = project.path / "aipm-baseline.json"
    assert project.here("--aipm-audit").ret == 4, "a comparison without a baseline"

    spread = project.run("--aipm-audit", "--aipm-update-baseline", "-n", "2")
    assert spread.ret == 4
    assert "needs one process" in problems(spread)[0]
    monkeypatch.setenv("CI", "true")
    in_ci = project.here("--aipm-audit", "--aipm-update-baseline")
    assert in_ci.ret == 4
    assert "aipm approve" in problems(in_ci)[0]
    monkeypatch.delenv("CI")
    part = project.run("--aipm-audit", "--aipm-update-baseline", "-k", "gap")
    assert part.ret == 1
    part.stdout.fnmatch_lines(["--aipm-update-baseline: not written, because the run is partial"])
    assert not baseline.exists()

    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Owner of the Gate")
    project.ini("aipm_allow_ci_update = true")
    full = project.run("--aipm-audit", "--aipm-update-baseline")
    assert full.ret == 0
    full.stdout.fnmatch_lines(["baseline written: aipm-baseline.json"])
    text = baseline.read_text()
    assert "Owner of the Gate" in text
    assert "updated locally" in text
    compared = project.run("--aipm-audit")
    assert compared.ret == 0
    found = {f["check_id"]: f for f in project.record()["audits"][0]["findings"]}
    assert found["gap"]["baseline"]["delta"] == 0
