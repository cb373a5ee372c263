"""Measure how fast audits are, and write the page: ``python -m benchmarks``.

Results are kept section by section, so that a run that broke goes on with ``--continue``, and that
``--only`` measures a part anew. Takes about half an hour on two cores, most of it other libraries.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.speed.box import ROOT, Box, cache_folder, machine
from benchmarks.speed.page import SECTIONS, page, section
from benchmarks.speed.spent import DiedError
from benchmarks.speed.words import Target

PAGE = ROOT / "docs" / "benchmarks.md"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    parser.add_argument(
        "--continue", dest="going", action="store_true", help="measure what a broken run left out"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to try whether it works; printed alone"
    )
    parser.add_argument(
        "--show", action="store_true", help="write the page from what was measured before"
    )
    parser.add_argument("--page", type=Path, help="file to write (default docs/benchmarks.md)")
    parser.add_argument(
        "--cache",
        type=Path,
        default=cache_folder(),
        help="results and other libraries' environments",
    )
    return parser.parse_args()


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"sections": {}, "left": []}
    return found


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def measure(asked: argparse.Namespace, names: list[str], kept: Path) -> dict[str, Any]:
    """Measure sections; write each down before the next begins.

    Parameters
    ----------
    asked : Namespace
        The options.
    names : list of str
        Sections.
    kept : Path
        File of results.

    Returns
    -------
    dict
        All results there are, of this run and of earlier ones.
    """
    results = _read(kept)
    results["left"] = [*names, *(each for each in results["left"] if each not in names)]
    for place, name in enumerate(names, 1):
        _write(kept, json.dumps(results, indent=1))
        with tempfile.TemporaryDirectory(prefix="aipm-benchmarks-") as folder:
            box = Box(asked.cache, Path(folder), quick=asked.quick)
            box.say(f"{name}, {place} of {len(names)}")
            started = time.monotonic()
            found = section(name).measure(box)
        results["sections"][name] = {
            "found": found,
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "seconds": time.monotonic() - started,
            "command": f"python -m benchmarks --only {name}" + " --quick" * asked.quick,
            "machine": machine(),
        }
        results["left"].remove(name)
        _write(kept, json.dumps(results, indent=1))
        for each in section(name).targets(found):
            box.say(f"  {each.work}: {each.measured} (must reach {each.target}): {_said(each)}")
    return results


def _said(target: Target) -> str:
    return {True: "holds", False: "does not hold", None: "not measured"}[target.holds]


def main() -> None:
    """Measure, and write the page."""
    asked = _options()
    asked.cache.mkdir(parents=True, exist_ok=True)
    kept = asked.cache / ("quick.json" if asked.quick else "results.json")
    names = _read(kept)["left"] if asked.going else asked.only or list(SECTIONS)
    try:
        results = measure(asked, [] if asked.show else names, kept)
    except DiedError as fault:
        sys.exit(f"benchmarks: {fault}; `python -m benchmarks --continue` goes on from here")
    text = page(results["sections"])
    if asked.quick and asked.page is None:
        print(text)
    else:
        _write(asked.page or PAGE, text)


if __name__ == "__main__":
    main()
