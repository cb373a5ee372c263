"""The Python reference: public names of `pytest_aipm`, the fixture, and what checks are made of."""

from __future__ import annotations

import inspect

import pytest_aipm

__all__ = ["python_page"]

FOR_CHECKS = ("Needs", "CheckParams", "Measurement", "Comparison")


def python_page() -> str:
    """Return the page."""
    names = [name for name in pytest_aipm.__all__ if not name.startswith("_")]
    functions = [name for name in names if inspect.isfunction(getattr(pytest_aipm, name))]
    classes = [name for name in names if name not in functions]
    parts = [
        "# Python",
        "`import pytest_aipm` is light; each name is loaded on first use.",
        *(_auto("function", f"pytest_aipm.{name}") for name in functions),
        "## What comes back, and what is raised",
        *(_class(f"pytest_aipm.{name}") for name in classes),
        "## The fixture `aipm`",
        "A test that names `aipm` among its arguments gets this object.",
        _auto("class", "pytest_aipm.fixture.Aipm", "members"),
        "## For a check of your own",
        "See [writing a check](../writing-a-check.md).",
        *(_auto("class", f"pytest_aipm.checks.base.{name}", "members") for name in FOR_CHECKS),
    ]
    return "\n\n".join(parts) + "\n"


def _class(path: str) -> str:
    return _auto("class", path, "members")


def _auto(kind: str, path: str, *options: str) -> str:
    lines = "".join(f"\n   :{option}:" for option in options)
    return f"```{{eval-rst}}\n.. auto{kind}:: {path}{lines}\n```"
