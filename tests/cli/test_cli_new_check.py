"""``aipm new-check``: what it writes works and means something, and nothing is overwritten."""

from __future__ import annotations

import ast
import importlib.util
from types import ModuleType

import pandas as pd
import pytest

import pytest_aipm

NAME = "performance.approval_rate"
MODULE = "aipm_checks/performance_approval_rate.py"
TEST = "tests/test_performance_approval_rate.py"


def module_of(path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def finding_of(module: ModuleType, root, favorable: int, rows: int = 1000):
    policy = {
        "aipm": 1,
        "name": "case",
        "context": {"purpose": "Try it", "owner": "tests@example.org"},
        "subject": {"task": "binary", "predictions": "said", "positive": 1},
        "checks": [{"check": NAME, "limit": {"max": 0.6}, "decide_on": "interval"}],
    }
    data = pd.DataFrame({"said": [int(row < favorable) for row in range(rows)]})
    record = pytest_aipm.audit(policy, root=root, data=data, extra_checks={NAME: module})
    return record.findings[0]


def test_a_project_gets_a_module_a_test_and_how_to_register_it(aipm, project):
    said = aipm("new-check", NAME)
    assert (said.code, said.err) == (0, "")
    assert [line for line in said.out.splitlines() if line.startswith("wrote")] == [
        "wrote aipm_checks/__init__.py",
        f"wrote {MODULE}",
        f"wrote {TEST}",
    ]
    assert '[project.entry-points."pytest_aipm.checks"]' in said.out
    assert f'"{NAME}" = "aipm_checks.performance_approval_rate"' in said.out
    tree = ast.parse((project.path / TEST).read_text())
    assert "test_approval_rate" in {getattr(node, "name", "") for node in tree.body}


@pytest.mark.parametrize(
    ("favorable", "rows", "verdict"),
    [(500, 1000, "pass"), (700, 1000, "fail"), (12, 20, "inconclusive")],
)
def test_the_check_that_is_written_measures(aipm, project, favorable, rows, verdict):
    aipm("new-check", NAME)
    finding = finding_of(module_of(project.path / MODULE), project.path, favorable, rows)
    assert (finding.value, finding.verdict) == (favorable / rows, verdict)
    assert finding.formula.id == "approval_rate"
    lower, upper = finding.interval
    assert lower < finding.value < upper


def test_a_second_check_leaves_the_package_as_it_is(aipm, project):
    project.file("aipm_checks/__init__.py", "OURS = 1\n")
    assert aipm("new-check", NAME).code == 0
    said = aipm("new-check", "oversight.appeals")
    assert said.code == 0
    assert "__init__" not in said.out
    assert (project.path / "aipm_checks/__init__.py").read_text() == "OURS = 1\n"
    assert (project.path / "aipm_checks/oversight_appeals.py").is_file()
    text = (project.path / "aipm_checks/oversight_appeals.py").read_text()
    assert 'Formula(id="appeals"' in text


@pytest.mark.parametrize("there", [MODULE, TEST])
def test_what_is_there_is_left_alone_and_nothing_else_is_written(aipm, project, there):
    project.file(there, "ours\n")
    said = aipm("new-check", NAME)
    assert (said.code, said.out) == (4, "")
    assert said.err == f"{there}: is there already; move it away, or name another\n"
    assert (project.path / there).read_text() == "ours\n"
    other = {MODULE: TEST, TEST: MODULE}[there]
    assert not (project.path / other).exists()


def test_a_link_that_leads_nowhere_is_left_alone(aipm, project):
    (project.path / "aipm_checks").mkdir()
    (project.path / MODULE).symlink_to("nowhere.py")
    assert aipm("new-check", NAME).code == 4
    assert not (project.path / "aipm_checks/nowhere.py").exists()


def test_in_this_repository_the_cases_are_data(aipm, project):
    project.file("tests/checks/check_cases.py", "")
    said = aipm("new-check", "oversight.appeals")
    assert [line for line in said.out.splitlines() if line.startswith("wrote")] == [
        "wrote pytest_aipm/checks/oversight/__init__.py",
        "wrote pytest_aipm/checks/oversight/appeals.py",
        "wrote tests/checks/oversight.appeals.yaml",
    ]
    assert "pytest tests/checks -k appeals" in said.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "Performance.ApprovalRate",
            (
                "'Performance.ApprovalRate' is no name for a check; "
                "did you mean 'performance.approval_rate'?"
            ),
        ),
        ("a-b.c d", "'a-b.c d' is no name for a check; did you mean 'a_b.c_d'?"),
        (
            "approval_rate",
            "'approval_rate' is no name for a check; write family.name, in lower case with one dot",
        ),
        ("a.b.c", "'a.b.c' is no name for a check; write family.name, in lower case with one dot"),
        (
            "../x.y",
            "'../x.y' is no name for a check; write family.name, in lower case with one dot",
        ),
        ("", "'' is no name for a check; write family.name, in lower case with one dot"),
        ("own.class", "'class' is a word of Python, so no module can be called so; choose another"),
        (
            "fairness.score_gap",
            (
                "there is a check 'fairness.score_gap' already; `aipm explain fairness.score_gap` "
                "shows it; choose another name"
            ),
        ),
        (
            "fairnes.appeals",
            (
                "there is no family 'fairnes', but one that is called almost so; "
                "did you mean 'fairness.appeals'?"
            ),
        ),
    ],
)
def test_a_name_that_cannot_be_is_one_line(aipm, project, name, said):
    done = aipm("new-check", name)
    assert (done.code, done.out, done.err) == (4, "", f"{said}\n")
    assert sorted(path.name for path in project.path.iterdir()) == ["data.csv"]
