"""``aipm new-check``: a check that works, and the cases that show it, to be made one's own."""

from __future__ import annotations

import difflib
import keyword
import os
import re
from collections.abc import Mapping
from importlib.resources import files
from string import Template

from pytest_aipm.catalog import GROUP, Catalog
from pytest_aipm.commands.paths import root_of
from pytest_aipm.commands.say import say
from pytest_aipm.drafts import drafted
from pytest_aipm.errors import OptionError, Problem

__all__ = ["new_check"]

NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
OWN = "aipm_checks"
"""Where the checks of a project of one's own live."""


def new_check(name: str, *, root: str | None = None) -> int:
    """Write the module of a check and its cases; what is there already is left alone.

    In this repository they go where its checks are. In any other project they become a module of
    its own and a test, and how to register the check is printed.

    Parameters
    ----------
    name : str
        ``family.name``.
    root : str, optional
        Default the current folder.

    Raises
    ------
    OptionError
        When it is no name for a check, it is taken, or a file would be overwritten.
    """
    folder = root_of(root)
    family, short = _checked(name)
    here = (folder / "tests/checks/check_cases.py").is_file()
    parts = _of_this_repository(family, short) if here else _of_a_project(family, short)
    told = {"check": name, "name": short, "module": f"{family}_{short}"}
    packages = [folder / each for each in parts if each.endswith("__init__.py")]
    for each in parts:
        path = folder / each
        if os.path.lexists(path) and path not in packages:
            raise OptionError(Problem("is there already", "move it away, or name another", each))
    for each, text in parts.items():
        path = folder / each
        if path in packages and path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(path) as draft:
            draft.write_text(_filled(text, told), encoding="utf-8")
        say(f"wrote {each}")
    say()
    say(_next_here(name, short) if here else _next(name, family, short))
    return 0


def _checked(name: str) -> tuple[str, str]:
    """Return family and name of a check that does not exist yet."""
    if not NAME.fullmatch(name):
        what = f"'{name[:60]}' is no name for a check"
        meant = _slug(name)
        fix = (
            f"did you mean '{meant}'?" if meant else "write family.name, in lower case with one dot"
        )
        raise OptionError(Problem(what, fix))
    family, _, short = name.partition(".")
    for part in (family, short):
        if keyword.iskeyword(part):
            what = f"'{part}' is a word of Python, so no module can be called so"
            raise OptionError(Problem(what, "choose another"))
    names = Catalog().names()
    if name in names:
        fix = f"`aipm explain {name}` shows it; choose another name"
        raise OptionError(Problem(f"there is a check '{name}' already", fix))
    families = sorted({each.partition(".")[0] for each in names})
    near = difflib.get_close_matches(family, families, n=1, cutoff=0.8)
    if family not in families and near:
        what = f"there is no family '{family}', but one that is called almost so"
        raise OptionError(Problem(what, f"did you mean '{near[0]}.{short}'?"))
    return family, short


def _slug(name: str) -> str:
    """Return the name that was probably meant, or an empty text."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    word = re.sub(r"[\s-]+", "_", spaced).lower()
    return word if NAME.fullmatch(word) else ""


def _of_this_repository(family: str, short: str) -> Mapping[str, str]:
    return {
        f"pytest_aipm/checks/{family}/__init__.py": f'"""Checks of the {family} family."""\n',
        f"pytest_aipm/checks/{family}/{short}.py": _template("check.py.txt"),
        f"tests/checks/{family}.{short}.yaml": _template("cases.yaml.txt"),
    }


def _of_a_project(family: str, short: str) -> Mapping[str, str]:
    module = f"{family}_{short}"
    return {
        f"{OWN}/__init__.py": '"""Checks of our own for pytest-aipm."""\n',
        f"{OWN}/{module}.py": _template("check.py.txt"),
        f"tests/test_{module}.py": _template("test_check.py.txt"),
    }


def _template(name: str) -> str:
    return (files("pytest_aipm.commands") / "templates" / name).read_text(encoding="utf-8")


def _filled(text: str, told: Mapping[str, str]) -> str:
    return Template(text).substitute(told)


_ABOUT = """\
It measures the share of rows that get the favorable decision. Make it measure what you mean, and
say so in its docstring: `aipm explain` and the report print it."""


def _next_here(name: str, short: str) -> str:
    return f"{_ABOUT}\n\n  pytest tests/checks -k {short}\n  aipm explain {name}"


def _next(name: str, family: str, short: str) -> str:
    module = f"{family}_{short}"
    return f"""\
{_ABOUT}

  pytest tests/test_{module}.py

Policies may name it once it is registered. In an installed package, in pyproject.toml:

  [project.entry-points."{GROUP}"]
  "{name}" = "{OWN}.{module}"

Or for runs of pytest alone, in the conftest.py of pytest's rootdir:

  @pytest.hookimpl(optionalhook=True)
  def pytest_aipm_register_checks():
      from {OWN} import {module}
      return {{"{name}": {module}}}"""
