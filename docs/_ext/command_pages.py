"""The command line, from the parsers themselves: `aipm`, and the options of pytest."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from pieces import code, table

from pytest_aipm import plugin
from pytest_aipm.cli import _parser

__all__ = ["command_line_page"]


class Options:
    """Stands in for pytest's parser and notes what the plugin declares."""

    def __init__(self) -> None:
        self.options: list[list[str]] = []
        self.keys: list[list[str]] = []

    def getgroup(self, *_names: str) -> Options:
        """Return itself: the plugin has one group."""
        return self

    def addoption(self, name: str, *, help: str, metavar: str = "", **_rest: Any) -> None:  # noqa: A002
        """Note an option."""
        self.options.append([code(f"{name}={metavar}" if metavar else name), help])

    def addini(self, name: str, help: str, type: str, default: Any) -> None:  # noqa: A002
        """Note an ini key."""
        del default  # its words are in the help
        kind = {"args": "words", "bool": "true or false", "int": "number", "string": "text"}[type]
        self.keys.append([code(name), kind, help])


def command_line_page() -> str:
    """Return the page."""
    pytest_ = Options()
    plugin.pytest_addoption(pytest_)  # type: ignore[arg-type]
    head = f"""\
# Command line

This page is written from the parsers, so it names every option there is.

## pytest

An audit is a run of pytest: `pytest --aipm-audit`.

{table(["option", "does"], pytest_.options)}

Write options with `=`: a path behind a space that lies outside the current folder would move
pytest's rootdir, and is refused.

### Keys of the configuration file

In `pytest.ini` below `[pytest]`, or in `pyproject.toml` below `[tool.pytest.ini_options]`:

{table(["key", "type", "does"], pytest_.keys)}

### Markers

{table(["marker", "means"], [line.split(": ", 1) for line in plugin.MARKERS])}

## aipm

`aipm` is also `python -m pytest_aipm`. Exit codes: 0 done; 1 data or model are at fault, a
self-test found a blind check, or a report does not hold; 4 the command, a policy or a file beside
it is at fault; 130 interrupted.
"""
    return "\n\n".join([head.rstrip(), *_commands(_parser(), "###")]) + "\n"


def _commands(parser: argparse.ArgumentParser, mark: str) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from _command(one, mark)


def _command(one: argparse.ArgumentParser, mark: str) -> Iterator[str]:
    yield f"{mark} {one.prog}"
    if one.description:
        yield one.description
    one.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=88)
    usage = one.format_usage().removeprefix("usage: ")
    yield f"```text\n{usage}```"
    rows = [[_names(each), _help(each)] for each in one._actions if _listed(each)]
    if rows:
        yield table(["argument", "meaning"], rows)
    if one.epilog:
        yield f"```text\n{one.epilog}\n```"
    yield from _commands(one, f"{mark}#")


def _listed(action: argparse.Action) -> bool:
    hidden = argparse._HelpAction | argparse._SubParsersAction
    return not isinstance(action, hidden) and action.help != argparse.SUPPRESS


def _names(action: argparse.Action) -> str:
    if not action.option_strings:
        return code(str(action.metavar or "|".join(action.choices or [action.dest])))
    metavar = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(code(f"{name}{metavar}") for name in action.option_strings)


def _help(action: argparse.Action) -> str:
    said = action.help or ""
    if action.option_strings and action.required:
        return f"{said} (required)"
    return said
