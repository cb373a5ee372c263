"""Which policies a run audits: the same in every process, and never one less without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from policy_samples import GOOD

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import OptionError, PolicyError
from pytest_aipm.policy import Policy, is_policy, policy_files, resolve_policies

Write = Callable[..., Path]
Resolve = Callable[..., list[Policy]]

BASE = "aipm: 1\nchecks:\n  - {check: data.fake_count, limit: {max: 0}}\n"


@pytest.fixture
def resolve(tmp_path: Path, catalog: Catalog) -> Resolve:
    def resolver(*paths: str, given: dict[str, str | None] | None = None) -> list[Policy]:
        return resolve_policies([Path(path) for path in paths], tmp_path, catalog, given)

    return resolver


def named(name: str) -> str:
    return GOOD.replace("name: credit", f"name: {name}")


def test_a_folder_means_all_its_policies_in_a_fixed_order(write: Write, resolve: Resolve) -> None:
    for file in ("b", "a", "sub/c", "sub/a"):
        write(named(file.replace("/", "-")), f"policies/{file}.aipm.yaml")
    write("not: a policy", "policies/waivers.yaml")
    write(named("hidden"), "policies/.venv/x.aipm.yaml")
    found = resolve("policies")
    assert [policy.path for policy in found] == [
        "policies/a.aipm.yaml",
        "policies/b.aipm.yaml",
        "policies/sub/a.aipm.yaml",
        "policies/sub/c.aipm.yaml",
    ]
    assert found == resolve("policies")


def test_a_file_named_twice_is_one_policy(write: Write, resolve: Resolve, tmp_path: Path) -> None:
    path = write(GOOD, "policies/a.aipm.yaml")
    assert len(resolve("policies", "policies/a.aipm.yaml", str(path))) == 1
    assert policy_files(tmp_path / "policies") == (path,)


def test_bases_in_a_folder_are_skipped(write: Write, resolve: Resolve) -> None:
    write(BASE, "policies/org-base.aipm.yaml")
    write(GOOD, "policies/credit.aipm.yaml")
    assert [policy.name for policy in resolve("policies")] == ["credit"]


def test_a_base_that_is_named_is_refused(write: Write, resolve: Resolve) -> None:
    write(BASE, "policies/org-base.aipm.yaml")
    with pytest.raises(PolicyError, match=r"org-base\.aipm\.yaml: a base for `extends`"):
        resolve("policies/org-base.aipm.yaml")


def test_a_misspelt_subject_does_not_drop_a_policy_in_silence(
    write: Write, resolve: Resolve
) -> None:
    write(GOOD.replace("subject:", "subjekt:"), "policies/a.aipm.yaml")
    write(named("other"), "policies/b.aipm.yaml")
    with pytest.raises(PolicyError) as caught:
        resolve("policies")
    assert str(caught.value) == (
        "policies/a.aipm.yaml:4:1: unknown key 'subjekt' in a policy; did you mean 'subject'?"
    )


def test_a_base_that_cannot_be_read_is_said_too(write: Write, resolve: Resolve) -> None:
    bomb = "a0: &a0 [x, x, x]\n" + "".join(
        f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 15)
    )
    write(bomb, "policies/base.aipm.yaml")
    write(GOOD, "policies/credit.aipm.yaml")
    with pytest.raises(PolicyError, match="its aliases expand to more than 10,000 values"):
        resolve("policies")


def test_two_policies_with_one_name_are_refused_naming_both(write: Write, resolve: Resolve) -> None:
    write(GOOD, "policies/a.aipm.yaml")
    write(GOOD, "policies/b.aipm.yaml")
    with pytest.raises(PolicyError) as caught:
        resolve("policies")
    assert str(caught.value) == (
        "policies/b.aipm.yaml:2:7: the name 'credit' is taken by policies/a.aipm.yaml; give each "
        "policy its own name"
    )


def test_all_faults_of_all_files_are_said_at_once(write: Write, resolve: Resolve) -> None:
    write(GOOD.replace("label:", "lable:"), "policies/a.aipm.yaml")
    write("aipm: [", "policies/b.aipm.yaml")
    write("", "policies/c.aipm.yaml")
    with pytest.raises(PolicyError) as caught:
        resolve("policies", "nowhere", "policies.txt")
    assert [str(problem).split(":")[0] for problem in caught.value.problems] == [
        "nowhere",
        "policies.txt",
        "policies/a.aipm.yaml",
        "policies/b.aipm.yaml",
        "policies/c.aipm.yaml",
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "policies: no policy in this folder; add a file '*.aipm.yaml'"),
        (
            {"policies/base.aipm.yaml": BASE},
            (
                "policies: no policy in this folder, only 1 base(s) without 'subject'; add a file "
                "'*.aipm.yaml'"
            ),
        ),
    ],
)
def test_an_empty_folder_is_no_silent_pass(
    write: Write, resolve: Resolve, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    (tmp_path / "policies").mkdir()
    for name, text in files.items():
        write(text, name)
    with pytest.raises(PolicyError) as caught:
        resolve("policies")
    assert str(caught.value) == said


def test_another_name_than_a_policys_is_refused(write: Write, resolve: Resolve) -> None:
    write(GOOD, "credit.yaml")
    with pytest.raises(PolicyError, match=r"credit\.yaml: a policy's name ends in '\.aipm\.yaml'"):
        resolve("credit.yaml")


def test_no_paths_are_no_policies(resolve: Resolve) -> None:
    assert resolve() == []


def test_what_is_replaced_needs_exactly_one_policy(write: Write, resolve: Resolve) -> None:
    write(GOOD, "policies/a.aipm.yaml")
    (policy,) = resolve("policies", given={"model": "other.skops"})
    assert policy.subject.model is not None
    write(named("second"), "policies/b.aipm.yaml")
    with pytest.raises(
        OptionError, match=r"exactly one policy, not in policies/a\.aipm\.yaml, pol"
    ):
        resolve("policies", given={"model": "other.skops"})


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (GOOD, True),
        (BASE, False),
        ("{aipm: 1, 'subject': {}}", True),
        ("aipm: 1\n'subject' : {}", True),
        ("aipm: 1\ncontext: {subject: x}\n", False),
        ("aipm: 1\ncontext:\n  subject: x\n", False),
        ("", True),
        ("- a", True),
        ("aipm: [", True),
        (b"\xff", True),
    ],
)
def test_a_base_has_no_subject_and_the_unreadable_counts_as_a_policy(
    write: Write, text: str | bytes, *, policy: bool
) -> None:
    assert is_policy(write(text)) is policy


def test_paths_outside_the_root_are_shown_relative(
    write: Write, catalog: Catalog, tmp_path: Path
) -> None:
    write(GOOD, "policies/credit.aipm.yaml")
    (policy,) = resolve_policies([tmp_path / "policies"], tmp_path / "sub", catalog)
    assert policy.path == "../policies/credit.aipm.yaml"
