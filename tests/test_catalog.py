"""The catalogue lists checks without importing them, and reads their words from the source."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from pytest_aipm.catalog import Catalog
from pytest_aipm.errors import PolicyError

SOURCE = '''\
"""How far apart two groups are.

## Question
Is it fair?

## How it is measured
By counting.
With care.

## When it misleads
Often.

## What to do
Count again.

## Sources
A book.

## Notes
Left out.
"""
import a_library_that_nobody_has
'''


def complete(name: str, doc: str | None = "A title.") -> ModuleType:
    module = ModuleType(name, doc)
    for part in ("NEEDS", "KIND", "SCOPES", "Params", "check"):
        setattr(module, part, object())
    return module


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that registers one check by entry point and dies when imported."""
    package = tmp_path / "others"
    (package / "checks").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "checks/__init__.py").write_text("")
    (package / "checks/gap.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [SimpleNamespace(name="others.gap", value="others.checks.gap")]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    return package


def test_every_module_of_a_family_is_a_check_and_helpers_are_none() -> None:
    names = Catalog().names()
    assert "fairness.demographic_parity_difference" in names
    assert "performance.metric" in names
    assert list(names) == sorted(names)
    assert all(name.count(".") == 1 and "._" not in name for name in names)


def test_listing_checks_imports_no_check_and_no_library() -> None:
    code = (
        "import sys; from pytest_aipm.catalog import Catalog; Catalog().names();"
        "print([m for m in sys.modules if m.startswith('pytest_aipm.checks') or"
        " m in ('numpy', 'pandas', 'pydantic', 'ruamel', 'ruamel.yaml')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_built_in_check_explains_itself() -> None:
    catalog = Catalog()
    for name in catalog.names():
        docs = catalog.docs(name)
        assert all((docs.title, docs.question, docs.how, docs.misleads, docs.todo, docs.sources)), (
            name
        )


def test_every_built_in_check_is_complete() -> None:
    catalog = Catalog()
    for name in catalog.names():
        assert callable(catalog.load(name).check)


@pytest.mark.usefixtures("installed")
def test_an_installed_check_is_documented_without_being_imported() -> None:
    catalog = Catalog()
    assert "others.gap" in catalog.names()
    docs = catalog.docs("others.gap")
    assert (docs.title, docs.question) == ("How far apart two groups are.", "Is it fair?")
    assert (docs.how, docs.misleads) == ("By counting.\nWith care.", "Often.")
    assert (docs.todo, docs.sources) == ("Count again.", "A book.")
    assert "others" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_a_check_that_cannot_be_imported_is_said_in_one_line() -> None:
    with pytest.raises(PolicyError) as caught:
        Catalog().load("others.gap")
    assert str(caught.value) == (
        "the check 'others.gap' cannot be imported: RuntimeError: imported; install what it needs"
    )


def test_a_registered_module_is_used_as_it_is() -> None:
    module = complete("mine")
    catalog = Catalog(extra={"mine.gap": module})
    assert catalog.load("mine.gap") is module
    assert catalog.docs("mine.gap").title == "A title."


def test_an_incomplete_module_is_refused() -> None:
    module = complete("mine")
    del module.Params, module.KIND
    with pytest.raises(PolicyError, match=r"'mine\.gap' has no KIND, Params; complete mine"):
        Catalog(extra={"mine.gap": module}).load("mine.gap")


def test_a_check_without_words_is_refused_once_a_policy_names_it() -> None:
    catalog = Catalog(extra={"mine.gap": complete("mine", None)})
    assert catalog.docs("mine.gap").title == "mine.gap"
    with pytest.raises(PolicyError, match=r"'mine\.gap' has no docstring; complete mine"):
        catalog.load("mine.gap")


@pytest.mark.parametrize("source", [None, "def (", "raise SystemExit", '"""Words."""\x00'])
def test_a_broken_package_breaks_no_audit_that_does_not_use_it(
    installed: Path, source: str | None
) -> None:
    path = installed / "checks/gap.py"
    path.unlink()
    if source is not None:
        path.write_text(source)
    assert Catalog().docs("others.gap").title == "others.gap"


@pytest.mark.parametrize("name", ["gap", "Mine.Gap", "a.b.c", "mine.gap!"])
def test_a_name_is_a_family_and_a_check(name: str) -> None:
    with pytest.raises(PolicyError, match=r"is not called 'family\.name'"):
        Catalog(extra={name: complete("mine")})


def test_nobody_replaces_a_built_in_check() -> None:
    with pytest.raises(PolicyError, match=r"two checks are called 'performance\.metric'"):
        Catalog(extra={"performance.metric": complete("mine")})


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fairness.demografic_parity_ratio", "fairness.demographic_parity_ratio"),
        ("demographic_parity_ratio", "fairness.demographic_parity_ratio"),
        ("privacy.demographic_parity_ratio", "fairness.demographic_parity_ratio"),
        ("performance.metrics", "performance.metric"),
        ("zzz", None),
    ],
)
def test_near_misses_are_guessed(typed: str, meant: str | None) -> None:
    catalog = Catalog()
    assert catalog.suggest(typed) == meant
    with pytest.raises(PolicyError, match=f"unknown check '{typed}'; "):
        catalog.load(typed)


@pytest.mark.parametrize(
    ("name", "task", "decides", "applies"),
    [
        ("fairness.exposure_ratio", "binary", False, False),
        ("fairness.exposure_ratio", "ranking", False, True),
        ("fairness.demographic_parity_ratio", "regression", False, False),
        ("fairness.demographic_parity_ratio", "regression", True, True),
        ("fairness.equalized_odds_ratio", "ranking", True, False),
        ("explain.recourse", "regression", False, False),
    ],
)
def test_what_a_task_can_ask_for_is_known_without_an_import(name, task, decides, applies) -> None:
    assert Catalog().applies(name, task, decides=decides) is applies


def test_the_source_says_of_tasks_what_the_module_says() -> None:
    catalog = Catalog()
    for name in catalog.names():
        tasks = getattr(catalog.load(name), "TASKS", ("binary",))
        for task in ("binary", "multiclass", "regression", "ranking"):
            assert catalog.applies(name, task) is (task in tasks), name
