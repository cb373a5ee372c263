"""Every code block of README and docs/ does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs_blocks import Runner
from docs_pages import PAGES, Block, blocks_of
from docs_project import Project, base_project

SKIPPED = 2
"""Blocks that cannot be tried here, each with its reason on the page: raise this for a reason."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, warm: str) -> Project:
    return base_project(tmp_path_factory.mktemp("docs") / "project", warm)


@pytest.fixture
def runner(base: Project, tmp_path: Path) -> Runner:
    return Runner(base.copy(tmp_path / "project"))


def blocks(page: Path) -> list[Block]:
    return blocks_of(page.read_text(encoding="utf-8"), page.name)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda page: page.name)
def test_the_blocks_of_a_page_do_what_it_says(page: Path, runner: Runner) -> None:
    for block in blocks(page):
        try:
            runner.run(block)
        except Exception as fault:
            raise AssertionError(f"{block.place} ({block.language}): {fault}") from fault


def test_few_blocks_are_not_tried_and_each_says_why() -> None:
    skipped = [one for page in PAGES for one in blocks(page) if "skip" in one.notes]
    listed = [f"{one.place}: {one.notes['skip']}" for one in skipped]
    print(f"{len(skipped)} blocks are not tried", *listed, sep="\n  ")  # noqa: T201 - see `-rA`
    assert len(skipped) <= SKIPPED, listed
    assert all(len(one.notes["skip"].split()) > 3 for one in skipped), "a reason is a sentence"


TRAPS = {
    "a command that fails": "```sh\naipm explain no.such_check\n```",
    "an option that there is not": "```sh\npytest --aipm-audit --aipm-no-such\n```",
    "output that is not shown": "```sh\naipm --version\n```\n```text\npytest-aipm 99\n```",
    "a key of a policy with a slip": "```yaml\nsubject: {protectd: {sex: sex}}\n```",
    "a check that there is not": "```yaml\n- {check: fairness.none, limit: {max: 1}}\n```",
    "YAML that is nothing": "```yaml\nfruit: apple\n```",
    "Python that raises": "```python\nimport pytest_aipm\npytest_aipm.no_such_name\n```",
    "a key of pytest that there is not": "```ini\n[pytest]\naipm_polices = x\n```",
    "an entry point that there is not": '```toml\n[project.entry-points."aipm"]\na = "b"\n```',
    "an extra that there is not": "```sh\npip install 'pytest-aipm[nothing]'\n```",
    "a waiver without a date": "```yaml\nwaivers:\n  - {id: W-1, check: lending::odds::race}\n```",
    "a CI step with a wrong option": "```yaml\n- run: pytest --aipm-audit --aipm-no-such\n```",
    "a CI file that keeps what no run writes": (
        "```yaml\n- run: pytest --aipm-audit\n- run: cat aipm-report/none.json\n```"
    ),
    "a Jenkinsfile with an open bracket": "```groovy\npipeline { sh 'pytest --aipm-audit'\n```",
    "a language that nobody tests": "```fortran\nEND\n```",
}


@pytest.mark.parametrize("page", TRAPS.values(), ids=TRAPS)
def test_a_block_that_does_not_hold_is_found(page: str, base: Project) -> None:
    runner = Runner(base)
    *before, trap = blocks_of(page, "trap.md")
    for block in before:
        runner.run(block)
    with pytest.raises(Exception, match=r".") as fault:
        runner.run(trap)
    assert not isinstance(fault.value, KeyError | TypeError | AttributeError)


def test_a_comment_that_nobody_understands_is_refused() -> None:
    with pytest.raises(ValueError, match=r"trap.md:1: 'block: skipp it'"):
        blocks_of("<!-- block: skipp it -->\n```sh\nfalse\n```", "trap.md")


def test_a_comment_speaks_of_the_block_right_below_it_alone() -> None:
    page = "<!-- block: exit 1 -->\nwords\n\n```sh\nfalse\n```"
    assert [one.notes for one in blocks_of(page, "page.md")] == [{}]
    page = "- item\n\n  <!-- block: exit 1 -->\n  ```sh\n  false\n  ```\n"
    assert [one.notes for one in blocks_of(page, "page.md")] == [{"exit": "1"}]
