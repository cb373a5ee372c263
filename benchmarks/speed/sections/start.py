"""Start-up: what the plugin adds to plain pytest, and how soon there is a first finding."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from benchmarks.speed.box import Box
from benchmarks.speed.words import Target, seconds, table, times

TITLE = "Start-up"
MORE, MOST = 0.010, 4.0
LIBRARIES = "import pandas, sklearn"


def measure(box: Box) -> dict[str, Any]:
    """Return the seconds of fresh processes, in turns."""
    plain, demo = box.temporary / "plain", box.temporary / "demo"
    plain.mkdir()
    (plain / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    box.python(box.temporary, "-m", "pytest_aipm", "demo", demo)
    turns = (2, 1) if box.quick else (60, 9)
    collect = {
        "with": ("-m", "pytest", "--collect-only", "-q"),
        "without": ("-m", "pytest", "--collect-only", "-q", "-p", "no:aipm"),
    }
    audit = {
        "finding": ("-m", "pytest", "--aipm-audit", "-q", "-p", "benchmarks.speed.first_finding"),
        "libraries": ("-c", LIBRARIES),
        "whole": ("-m", "pytest", "--aipm-audit", "-q"),
    }
    return {
        "collect": _turns(box, plain, collect, turns[0]),
        "first": _turns(box, demo, audit, turns[1]),
    }


def _turns(
    box: Box, folder: Path, commands: dict[str, tuple[str, ...]], turns: int
) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for turn in range(turns + 1):
        order = list(commands.items())
        for name, words in order if turn % 2 else order[::-1]:
            ended = box.python(folder, *words)
            if turn:  # the first round fills caches of files and of compiled modules
                found[name].append({"cpu": ended.cpu, "wall": ended.wall})
        if turn % 10 == 0:
            box.say(f"  start: {', '.join(commands)}: turn {turn} of {turns}")
    return found


def _middle(found: list[dict[str, float]], clock: str) -> float:
    return statistics.median(one[clock] for one in found)


def _more(found: dict[str, list[dict[str, float]]], clock: str) -> float:
    pairs = zip(found["with"], found["without"], strict=True)
    return statistics.median(one[clock] - two[clock] for one, two in pairs)


def targets(found: dict[str, Any]) -> list[Target]:
    """Return two rows of the table."""
    more, wall = (_more(found["collect"], clock) for clock in ("cpu", "wall"))
    first = found["first"]
    ratio = _middle(first["finding"], "cpu") / _middle(first["libraries"], "cpu")
    return [
        Target(
            "`pytest --collect-only` on a project without policies, plugin installed against "
            "`-p no:aipm`",
            "at most 10 ms more",
            f"{1000 * more:.1f} ms (CPU), {1000 * wall:.1f} ms (wall)",
            more <= MORE,
        ),
        Target(
            "first finding of the demo audit, cold",
            "at most 4 x the time of importing pandas and scikit-learn",
            times(ratio),
            ratio <= MOST,
        ),
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    collect, first = found["collect"], found["first"]
    named = [
        ("`pytest --collect-only`, plugin installed", collect["with"]),
        ("`pytest --collect-only -p no:aipm`", collect["without"]),
        (f"`python -c '{LIBRARIES}'`", first["libraries"]),
        ("`pytest --aipm-audit` of the demo, until its first finding", first["finding"]),
        ("`pytest --aipm-audit` of the demo, to its end", first["whole"]),
    ]
    lines = [
        (what, seconds(_middle(one, "cpu")), seconds(_middle(one, "wall"))) for what, one in named
    ]
    return f"""\
Fresh processes in turns, {len(collect["with"])} of each for the collection of one test,
{len(first["finding"])} of each for the demo that `aipm demo` writes. What the plugin adds is the
median of the differences of neighbours. Cold means a new interpreter; files are in the system's
cache, modules are compiled. CPU time of the process and its children; medians.

{table(("process", "CPU", "wall"), lines)}"""
