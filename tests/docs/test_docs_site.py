"""The site is built without a warning, and its generated pages say what the code says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urldefrag

import docs_policies as policies
import pytest
from docs_pages import ROOT, blocks_of

import pytest_aipm
from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import CheckParams
from pytest_aipm.cli import _parser
from pytest_aipm.commands.params import params_of
from pytest_aipm.demo import diabetes, lending
from pytest_aipm.records import Because

CHECKS = Catalog().names()
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
INCIDENT = """\
incidents:
  - id: INC-1
    date: 2026-03-04
    title: Debtors with a high income were refused
    what: Debt was read in cents
    when: income > 60000 and debt < 5000
    expect: {decision: favorable, share: 0.5}
    owner: lending-ml@example.org
    ticket: RISK-1
"""
"""What the file holds that `governance.incidents` reads."""
NEW = "# Unnamed\n\nSee [verdicts](verdicts.md#the-interval) and `fairness.score_gap`.\n"


def build(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "-q", tree / "docs", tree / "site"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what the site is made of, with one page more, built."""
    tree = tmp_path_factory.mktemp("site")
    made = shutil.ignore_patterns("checks", "reference", "project", "__pycache__")
    shutil.copytree(ROOT / "docs", tree / "docs", ignore=made)
    shutil.copytree(ROOT / "policies", tree / "policies")
    for name in OUTSIDE:
        shutil.copy(ROOT / name, tree)
    (tree / "docs" / "new-page.md").write_text(NEW)
    built = build(tree)
    assert built.returncode == 0, built.stdout + built.stderr
    assert not built.stderr.strip()
    return tree


@pytest.fixture(scope="module")
def site(tree: Path) -> Path:
    return tree / "site"


def html(site: Path, page: str) -> str:
    return (site / f"{page}.html").read_text(encoding="utf-8")


def words(page: str) -> str:
    """Return what a reader sees, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())


def test_each_check_has_a_page_with_all_that_it_says_and_takes(site: Path) -> None:
    for name in CHECKS:
        text = words(html(site, f"checks/{name}"))
        docs, module = Catalog().docs(name), Catalog().load(name)
        said = [docs.title, docs.question, docs.how, docs.misleads, docs.todo, docs.sources]
        for part in (*said, Catalog().left_out(name)):
            first = re.sub(r"[`*]|^- ", "", re.split(r"\n(?:- |\n)", part)[0])
            assert " ".join(first.split()) in " ".join(re.sub(r"[`*]", "", text).split()), name
        assert f"{module.KIND}: " in text
        for param in params_of(module.Params, without=CheckParams):
            assert f"{param.name} {param.kind}" in text, (name, param.name)
        family = name.partition(".")[0]
        assert f'href="{name}.html"' in html(site, f"checks/{family}")
        assert f'href="{family}.html"' in html(site, "checks/index")


@pytest.mark.parametrize("name", CHECKS)
def test_the_example_of_a_check_is_a_policy_that_can_be_measured(
    tree: Path, tmp_path: Path, name: str
) -> None:
    page = (tree / "docs" / "checks" / f"{name}.md").read_text(encoding="utf-8")
    (text,) = [one.text for one in blocks_of(page, name) if one.language == "yaml"]
    value = policies.parsed(text)
    assert value["checks"][-1]["check"] == name
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/incidents.yaml").write_text(INCIDENT)
    demo = lending if value["subject"]["task"] == "binary" else diabetes
    rows, seen = demo.evaluation().head(2_000), demo.training().head(2_000)
    record = pytest_aipm.audit(
        value, data=rows, train=seen if "train" in value["subject"] else None, root=tmp_path
    )
    assert record.findings
    if getattr(Catalog().load(name), "DEEP", False):  # refits cost too much here
        assert all("runs under --aipm-deep" in one.reason for one in record.findings)
        return
    wrong = {Because.ERROR, Because.NOT_APPLICABLE, Because.DISABLED}
    assert not [one.reason for one in record.findings if one.because in wrong]


def test_the_command_line_page_names_every_command_and_option(site: Path) -> None:
    text = words(html(site, "reference/command-line"))
    commands = next(one for one in _parser()._actions if one.dest == "command")
    for name, parser in commands.choices.items():
        assert f"aipm {name}" in text
        for option in parser._option_string_actions:
            assert option in {"-h", "--help"} or option in text, option
    source = (ROOT / "pytest_aipm" / "plugin.py").read_text(encoding="utf-8")
    declared = re.findall(r'"(--aipm-[\w-]+|aipm_[a-z_]+)[":]', source)
    assert len(declared) > 25
    for name in declared:
        assert name in text, name


def test_the_python_page_has_every_public_name(site: Path) -> None:
    page = html(site, "reference/python")
    for name in pytest_aipm.__all__:
        if name != "__version__":
            assert f'id="pytest_aipm.{name}"' in page, name
    assert 'id="pytest_aipm.fixture.Aipm.check"' in page


def test_a_new_page_takes_part_without_being_named(site: Path) -> None:
    assert 'href="new-page.html"' in html(site, "index"), "in the table of contents"
    page = html(site, "new-page")
    assert 'href="verdicts.html#the-interval"' in page
    assert 'href="checks/fairness.score_gap.html"' in page, "names of checks are links"


def test_every_link_inside_the_site_leads_somewhere(site: Path) -> None:
    pages = [one for one in sorted(site.rglob("*.html")) if "_static" not in one.parts]
    assert len(pages) > len(CHECKS) + 20
    ids = {one: set(re.findall(r'\sid="([^"]+)"', one.read_text("utf-8"))) for one in pages}
    for page in pages:
        for link in re.findall(r'<a [^>]*href="([^"]+)"', page.read_text("utf-8")):
            target, fragment = urldefrag(unescape(link))
            if "://" in target or target.startswith("mailto:"):
                continue
            place = (page.parent / unquote(target)).resolve() if target else page
            assert place.is_file(), f"{page.name}: {link}"
            if fragment and place in ids:
                assert unquote(fragment) in ids[place], f"{page.name}: {link}"


def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loads = re.findall(r'(?:src|srcset)="([^"]+)"|<link [^>]*href="([^"]+)"', text)
        assert not [one for pair in loads for one in pair if "//" in one], page.name


def test_a_broken_link_fails_the_build(tree: Path) -> None:
    page = tree / "docs" / "new-page.md"
    page.write_text("# New\n\n[nowhere](no-such-page.md) and [no part](verdicts.md#no-such-part)\n")
    built = build(tree)  # what did not change is not read again
    page.write_text(NEW)
    assert built.returncode != 0
    assert "no-such-page" in built.stderr
    assert "no-such-part" in built.stderr
