"""The page: what must be reached and whether it is, the machine, then section by section."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from benchmarks.speed.words import bytes_, table

__all__ = ["SECTIONS", "page", "section"]

SECTIONS = (
    "peers",
    "intervals",
    "auc",
    "parquet",
    "rows",
    "model",
    "checks",
    "groups",
    "start",
    "spark",
)
"""In the order of the page."""

HOLDS = {True: "yes", False: "**no**", None: "not measured"}

HEAD = """\
# Benchmarks

How fast audits are, beside others who do the same work and beside the least that any program
could spend on it. `python -m benchmarks`, from the root of the project, measures all of it and
writes this page; `--only SECTION` measures a part anew. Each contender is a process of its own,
each table one run on one machine. Most figures are seconds of CPU time, of all threads, since
other programs that run beside do not change them much; a ratio tells more than either of its
sides.
"""


def section(name: str) -> Any:
    """Return the module of a section."""
    return import_module(f"benchmarks.speed.sections.{name}")


def page(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page.

    Parameters
    ----------
    sections : mapping of name to result
        ``found``, ``date``, ``command`` and ``machine`` of each section that was measured.
    """
    rows, parts = [], []
    for name in SECTIONS:
        module, result = section(name), sections.get(name)
        parts.append(f"## {module.TITLE}\n")
        if result is None:
            parts.append("Not measured yet.\n")
            continue
        rows += [
            (each.work, each.target, each.measured, HOLDS[each.holds])
            for each in module.targets(result["found"])
        ]
        parts.append(_wrapped(module.show(result["found"])) + "\n")
        parts.append(
            f"Measured on {result['date']} in {result['seconds']:.0f} s, `{result['command']}`.\n"
        )
    summary = table(("work", "must reach", "measured", "holds"), rows)
    return "\n".join(
        [HEAD, "## What must be reached\n", summary + "\n", _machine(sections), *parts]
    )


def _machine(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the machines and versions; one, unless parts were measured elsewhere or later."""
    lines = {}
    for name, result in sections.items():
        one = result["machine"]
        memory = "" if one["memory"] is None else f", {bytes_(one['memory'])} of memory"
        versions = ", ".join(f"{key} {value}" for key, value in one["versions"].items())
        where = f"{one['cores']} cores ({one['cpu']}){memory}, {one['system']}"
        said = f"{where}; Python {one['python']}, {versions}."
        lines.setdefault(said, []).append(name)
    if len(lines) == 1:
        (said,) = lines
        return _wrapped(f"Machine: {said}") + "\n"
    return "\n".join(
        _wrapped(f"Machine of {', '.join(names)}: {said}\n") for said, names in lines.items()
    )


def _wrapped(text: str) -> str:
    """Return paragraphs in lines of a hundred letters, tables as they are."""
    parts = text.split("\n\n")
    return "\n\n".join(
        part
        if part.startswith("|")
        else textwrap.fill(
            " ".join(part.split()), 100, break_on_hyphens=False, break_long_words=False
        )
        for part in parts
    )
