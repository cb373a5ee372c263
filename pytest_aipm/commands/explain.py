"""``aipm explain``: a check's own words, its parameters and its limit, in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from types import ModuleType

from pytest_aipm.catalog import Catalog
from pytest_aipm.checks.base import CheckParams
from pytest_aipm.commands.params import Param, params_of
from pytest_aipm.commands.say import say
from pytest_aipm.policy.grammar import CheckKeys
from pytest_aipm.records import Docs

__all__ = ["explain", "list_checks"]

SECTIONS = (
    ("Question", "question"),
    ("How it is measured", "how"),
    ("When it misleads", "misleads"),
    ("What to do", "todo"),
)
SCOPES = {
    "groups": "protected attributes; all that the policy declares when left out",
    "overall": "takes none: it looks at all rows together",
    "either": "protected attributes, as a demand on every group; all rows together when left out",
}
KINDS = {
    "sample": "an estimate from a sample, printed with its interval",
    "census": "a count over the given rows: the count itself decides",
}
WIDTH = 88

FLOORED = (
    "_ratio",
    "_consistency",
    "_fidelity",
    ".recourse",
    "adjusted_disparity",
    "performance.metric",
    "throughput",
)
"""Endings of checks whose small values are the bad ones: a policy gives them a ``min``."""


def list_checks() -> int:
    """Print the title of every check, by family."""
    catalog = Catalog()
    names = catalog.names()
    width = max(map(len, names), default=0)
    for family, members in groupby(names, key=lambda name: name.partition(".")[0]):
        say(family)
        for name in members:
            say(f"  {name:<{width}}  {catalog.docs(name).title}")
        say()
    say(f"{len(names)} checks; `aipm explain CHECK` shows one.")
    return 0


def explain(name: str) -> int:
    """Print everything a policy's author needs to know about a check.

    Raises
    ------
    PolicyError
        When there is no such check; it names the one that was probably meant.
    """
    catalog = Catalog()
    docs, module = catalog.docs(name), catalog.load(name)
    say("\n".join(_page(name, docs, module)))
    return 0


def _page(name: str, docs: Docs, module: ModuleType) -> Iterator[str]:
    own = params_of(module.Params, without=CheckParams)
    yield from (name, docs.title, "")
    for title, field in SECTIONS:
        yield from _section(title, getattr(docs, field))
    yield from _section("In a policy", _example(name, module, own))
    yield from _section("Groups and limit", "\n".join(_gate(module)))
    yield from _section("Parameters", "\n".join(map(_param, own)) or "None of its own.")
    shared = params_of(CheckKeys)
    yield from _section("Every check also takes", "\n".join(map(_param, shared)))
    yield from _section("Sources", docs.sources)


def _section(title: str, text: str) -> Iterator[str]:
    if text:
        yield from (title, textwrap.indent(text, "  "), "")


def _gate(module: ModuleType) -> Iterator[str]:
    yield f"by: {SCOPES.get(module.SCOPES, module.SCOPES)}"
    yield f"kind: {KINDS.get(module.KIND, module.KIND)}"
    yield f"tasks: {', '.join(getattr(module, 'TASKS', ('binary',)))}"
    keys = ", ".join(key for unit in _units(module) for key in _ends(unit))
    default = getattr(module, "DEFAULT_LIMIT", None)
    if default is None:
        yield f"limit: {{{keys}}}; no default: the policy says what is good enough"
        return
    basis = getattr(module, "BASIS", "")
    yield f"limit: {{{keys}}}; default {_flow(default)}" + (f" ({basis})" if basis else "")


def _units(module: ModuleType) -> tuple[str, ...]:
    """Return the units of a check's limit; a check without the constant has its own unit alone."""
    return tuple(getattr(module, "UNITS", ("",)))


def _ends(unit: str) -> tuple[str, str]:
    return (f"min_{unit}", f"max_{unit}") if unit else ("min", "max")


def _flow(limit: dict[str, float]) -> str:
    return "{" + ", ".join(f"{key}: {_number(value)}" for key, value in limit.items()) + "}"


def _number(value: float) -> str:
    text = f"{value:g}"
    return f"{value:.2f}" if "." in text and len(text.partition(".")[2]) < 2 else text


def _param(param: Param) -> str:
    lines = [f"{param.name}: {param.kind}; {param.default}"]
    lines += textwrap.wrap(param.doc, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def _example(name: str, module: ModuleType, own: tuple[Param, ...]) -> str:
    default = getattr(module, "DEFAULT_LIMIT", None)
    end = _ends(_units(module)[0])[0 if name.endswith(FLOORED) else 1]
    limit = _flow(default) if default else f"{{{end}: ...}}"
    keys = [f"check: {name}"]
    keys += [f"{param.name}: ..." for param in own if param.required]
    keys += ["by: ATTRIBUTE"] * (module.SCOPES == "groups")
    return f"- {{{', '.join([*keys, f'limit: {limit}'])}}}"
