"""The Python reference: public names of `pytest_aipm`, the fixture, and what checks are made of."""

from __future__ import annotations

import inspect
from enum import Enum

from pieces import code, table
from pydantic import BaseModel

import pytest_aipm
from pytest_aipm.checks import base
from pytest_aipm.commands.params import params_of

__all__ = ["python_page"]

FOR_CHECKS = (base.Needs, base.CheckParams, base.Measurement, base.Comparison)


def python_page() -> str:
    """Return the page."""
    public = [getattr(pytest_aipm, name) for name in pytest_aipm.__all__ if name[0] != "_"]
    functions = [one for one in public if inspect.isfunction(one)]
    classes = [one for one in public if inspect.isclass(one)]
    parts = [
        "# Python",
        "`import pytest_aipm` is light; each name is loaded on first use.",
        *(_auto("function", f"pytest_aipm.{one.__name__}") for one in functions),
        "## What comes back, and what is raised",
        *(_class(one, "pytest_aipm") for one in classes),
        "## The fixture `aipm`",
        "A test that names `aipm` among its arguments gets this object.",
        _auto("class", "pytest_aipm.fixture.Aipm", "members"),
        "## For a check of your own",
        "See [writing a check](../writing-a-check.md).",
        *(_class(one, base.__name__) for one in FOR_CHECKS),
    ]
    return "\n\n".join(parts) + "\n"


def _class(one: type, home: str) -> str:
    path = f"{home}.{one.__name__}"
    if issubclass(one, BaseModel):
        methods = ", ".join(
            name for name in vars(one) if name[0] != "_" and callable(getattr(one, name))
        )
        members = (f"members: {methods}",) if methods else ()
        return f"{_auto('class', path, *members, signature='()')}\n\n{_fields(one)}"
    return _auto("class", path, "members", *(["undoc-members"] if issubclass(one, Enum) else []))


def _fields(one: type[BaseModel]) -> str:
    said = {param.name: param.doc for param in params_of(one)}
    kinds = {name: kind for each in reversed(one.__mro__) for name, kind in _kinds(each).items()}
    rows = [
        [code(field.alias or name), code(kinds[name]), said.get(field.alias or name, "")]
        for name, field in one.model_fields.items()
    ]
    return table(["field", "type", "meaning"], rows)


def _kinds(one: type) -> dict[str, str]:
    return {name: str(kind) for name, kind in inspect.get_annotations(one).items()}


def _auto(kind: str, path: str, *options: str, signature: str = "") -> str:
    lines = "".join(f"\n   :{option if ':' in option else f'{option}:'}" for option in options)
    return f"```{{eval-rst}}\n.. auto{kind}:: {path}{signature}{lines}\n```"
