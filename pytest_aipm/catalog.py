"""Finds the checks without importing them: built in, installed, or registered by a hook.

A check's name is ``family.name``: the path of its module below ``pytest_aipm/checks``, or the name
of its entry point in the group ``pytest_aipm.checks``. A module is imported once a policy names it.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pytest_aipm.errors import PolicyError, Problem

if TYPE_CHECKING:
    from pytest_aipm.records import Docs

__all__ = ["GROUP", "Catalog"]

GROUP = "pytest_aipm.checks"

_CHECKS = "pytest_aipm.checks"
_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_BODY = re.compile(rb"^(?=class |def |async def |@)", re.MULTILINE)
_clean = lru_cache(maxsize=512)(inspect.cleandoc)
_LATER = re.compile(rb"^(TASKS|NEEDS)\b", re.MULTILINE)
_TASKS = "('binary',)"
"""What a check that says nothing of tasks applies to."""
_REQUIRED = ("NEEDS", "KIND", "SCOPES", "Params", "check")
_SECTIONS = {
    "Question": "question",
    "How it is measured": "how",
    "When it misleads": "misleads",
    "What to do": "todo",
    "Sources": "sources",
}


class Catalog:
    """The checks that a policy may name.

    Parameters
    ----------
    extra : mapping of str to module, optional
        Checks registered by the hook ``pytest_aipm_register_checks``, by full name.

    Raises
    ------
    PolicyError
        When two checks share a name, or a name is not ``family.name``.
    """

    def __init__(self, extra: Mapping[str, ModuleType] | None = None) -> None:
        self._extra = dict(extra or {})
        self._modules = _built_in()
        for point in importlib.metadata.entry_points(group=GROUP):
            self._add(point.name, point.value)
        for name, module in self._extra.items():
            self._add(name, module.__name__)
        self._names = tuple(sorted(self._modules))
        self._docs: dict[str, Docs] = {}
        self._trees: dict[str, ast.Module | None] = {}

    def _add(self, name: str, module: str) -> None:
        if not _NAME.fullmatch(name):
            what = f"the check '{name}' of {module} is not called 'family.name'"
            raise PolicyError(Problem(what, "rename it, in lower case with one dot"))
        taken = self._modules.setdefault(name, module)
        if taken != module:
            what = f"two checks are called '{name}': {taken} and {module}"
            raise PolicyError(Problem(what, "uninstall or rename one"))

    def names(self) -> tuple[str, ...]:
        """Return the full names of all checks, sorted."""
        return self._names

    def suggest(self, name: str) -> str | None:
        """Return the check that was probably meant, or None."""
        near = difflib.get_close_matches(name, self._names, n=1, cutoff=0.7)
        if near:
            return near[0]
        short = {each.partition(".")[2]: each for each in self._names}
        near = difflib.get_close_matches(name.rpartition(".")[2], short, n=1, cutoff=0.7)
        return short[near[0]] if near else None

    def load(self, name: str) -> ModuleType:
        """Import a check.

        Raises
        ------
        PolicyError
            When there is no such check, its import fails, or it lacks what a check has.
        """
        self._known(name)
        module = self._extra.get(name)
        if module is None:
            try:
                module = importlib.import_module(self._modules[name])
            except Exception as error:
                cause = f"{type(error).__name__}: {error}".splitlines()[0]
                what = f"the check '{name}' cannot be imported: {cause}"
                raise PolicyError(Problem(what, "install what it needs")) from error
        lacking = [part for part in _REQUIRED if not hasattr(module, part)]
        lacking += [] if (module.__doc__ or "").strip() else ["docstring"]
        if lacking:
            what = f"the check '{name}' has no {', '.join(lacking)}"
            raise PolicyError(Problem(what, f"complete {module.__name__}"))
        return module

    def docs(self, name: str) -> Docs:
        """Return a check's own words, from its docstring, without importing it.

        A check whose source cannot be found or parsed has its name as title and says nothing;
        `load` refuses it once a policy names it.

        Raises
        ------
        PolicyError
            When there is no such check.
        """
        self._known(name)
        if name not in self._docs:  # every finding of a check carries them
            self._docs[name] = _parsed(self._text(name))
        return self._docs[name]

    def left_out(self, name: str) -> str:
        """Return what a policy without this check leaves open, in the check's words.

        Empty where its docstring has no section "If left out".

        Raises
        ------
        PolicyError
            When there is no such check.
        """
        self._known(name)
        return _sections(self._text(name)).get("If left out", "").strip()

    def applies(self, name: str, task: str, *, decides: bool = False) -> bool:
        """Return whether a task can ask for a check, without importing it.

        Parameters
        ----------
        name : str
        task : str
        decides : bool
            Whether the task takes decisions: what looks at nothing else then applies to it, too.

        Returns
        -------
        bool
            True where its source does not tell.

        Raises
        ------
        PolicyError
            When there is no such check.
        """
        self._known(name)
        tree = self._tree(name)
        if tree is None:
            return True
        told = _told(tree)
        tasks = told.get("TASKS", _TASKS)
        known = tasks.startswith("(")
        alone = decides and told.get("NEEDS") == "Needs(predictions=True)"
        return not known or alone or repr(task) in tasks

    def _text(self, name: str) -> str:
        # a module that is there need not be read once more
        found = self._extra.get(name) or sys.modules.get(self._modules[name])
        if found is not None:
            return _clean(found.__doc__) if found.__doc__ else name
        tree = self._tree(name)
        return (None if tree is None else ast.get_docstring(tree)) or name

    def _tree(self, name: str) -> ast.Module | None:
        """Return a check's source, parsed once; None where it cannot be found or parsed."""
        if name not in self._trees:
            self._trees[name] = _parsed_source(self._modules[name])
        return self._trees[name]

    def _known(self, name: str) -> None:
        if name not in self._modules:
            near = self.suggest(name)
            fix = f"did you mean '{near}'?" if near else f"known: {', '.join(self._names)}"
            raise PolicyError(Problem(f"unknown check '{name}'", fix))


def _built_in() -> dict[str, str]:
    """Return module paths by name, from the files alone; names with an underscore are helpers."""
    folder = Path(__file__).parent / "checks"
    return {
        f"{path.parent.name}.{path.stem}": f"{_CHECKS}.{path.parent.name}.{path.stem}"
        for path in folder.glob("[!_]*/[!_]*.py")
    }


def _parsed_source(module: str) -> ast.Module | None:
    path = _source(module)
    if path is None:
        return None
    try:
        found = path.stat()
        return _head(path, found.st_mtime_ns, found.st_size)
    except (OSError, SyntaxError, ValueError):
        return None


@lru_cache(maxsize=512)
def _head(path: Path, written: int, size: int) -> ast.Module:
    """Return a module's docstring and constants, parsed: every audit asks this of every check.

    What stands before the first function or class is a quarter of a check, and mostly all that
    matters; the rest is parsed where a constant stands there.
    """
    del written, size  # of the file that was parsed: another one is another entry
    text = path.read_bytes()
    head, rest = (*_BODY.split(text, maxsplit=1), b"")[:2]
    if _LATER.search(rest):
        return ast.parse(text)
    try:
        return ast.parse(head)
    except SyntaxError:  # a docstring in which a line begins like a function
        return ast.parse(text)


@lru_cache(maxsize=512)
def _told(tree: ast.Module) -> dict[str, str]:
    """Return the source of the constants that tell what a check needs; of one tree once."""
    return {
        target.id: ast.unparse(line.value)
        for line in tree.body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name) and target.id in ("NEEDS", "TASKS")
    }


def _source(module: str) -> Path | None:
    """Return a module's file. Its packages are looked up step by step, so that none is run."""
    if module.startswith(f"{_CHECKS}."):
        family, name = module.removeprefix(f"{_CHECKS}.").split(".")
        return Path(__file__).parent / "checks" / family / f"{name}.py"
    search: list[str] | None = None
    spec = None
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        spec = importlib.machinery.PathFinder.find_spec(".".join(parts[:count]), search)
        if spec is None:
            return _source_by_import(module)
        search = list(spec.submodule_search_locations or [])
    return Path(spec.origin) if spec and spec.origin else None


def _source_by_import(module: str) -> Path | None:
    """Return a module's file by whatever finder knows it, such as that of an editable install."""
    try:
        spec = importlib.util.find_spec(module)
    except Exception:  # noqa: BLE001 - this runs the packages around it
        return None
    return Path(spec.origin) if spec and spec.origin else None


@lru_cache(maxsize=512)
def _parsed(text: str) -> Docs:
    from pytest_aipm.records import Docs  # noqa: PLC0415 - listing checks must stay light

    title = text.partition("\n## ")[0].strip().splitlines()[:1]
    found = {"title": "".join(title)}
    for section, body in _sections(text).items():
        if section in _SECTIONS:
            found[_SECTIONS[section]] = body.strip()
    return Docs(**found)


@lru_cache(maxsize=512)
def _sections(text: str) -> dict[str, str]:
    """Return what stands under each heading of a docstring."""
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    parted = (section.partition("\n") for section in sections)
    return {title.strip(): body for title, _, body in parted}
