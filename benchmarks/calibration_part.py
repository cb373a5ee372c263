"""Measure some rows of docs/calibration.md anew, and say on the page which ones.

The cells, their random numbers and their bounds are those of `calibration.py`: rows come out as
they would in a whole run of the same code.

    python benchmarks/calibration_part.py difference "proof of a difference" fair power \
        --page docs/calibration.md --jobs 2 --keep cells.json
"""

from __future__ import annotations

import argparse
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from calibration import (
    BASES,
    FAMILIES,
    SIZES,
    Cell,
    Kept,
    _fair_line,
    _power_line,
    _proof_share,
    worst_of,
)
from harness import SHAPES, bound, percent, versions

RUNS = 4_000
FALSE_FAILS, PROOF = "## False fails", "## False passes"
KINDS = {f"proof of a {kind}": kind for kind in ("difference", "ratio")}
NAMES = [*(family.name for family in FAMILIES), *KINDS, "fair", "power"]
NOTE = "Measured anew: "

Rows = dict[tuple[str, str], list[str]]


def false_fails(name: str, pool: Kept) -> tuple[Rows, int, int]:
    """Return the rows of a family, how many cells it has, and how many lie beyond their bound."""
    place = [family.name for family in FAMILIES].index(name)
    again = FAMILIES[place].again
    rows, beyond = {}, 0
    for shape in SHAPES:
        line = [name, shape]
        for base in BASES:
            cells: list[Cell] = [(place, shape, size, base, (150, again)) for size in SIZES]
            found = dict(zip(SIZES, pool.map(worst_of, cells), strict=True))
            most = bound(again, len(FAMILIES) * len(SHAPES) * len(BASES) * len(SIZES))
            beyond += sum(each[1] > most for each in found.values())
            size = max(found, key=lambda each: found[each][0])
            line.append(f"{percent(found[size][0])} at {size:,}")
        rows[name, shape] = line
    return rows, len(SHAPES) * len(BASES) * len(SIZES), beyond


def proofs(kind: str, pool: Kept) -> tuple[Rows, int, int]:
    """Return the same of false passes."""
    rows, beyond = {}, 0
    most = bound(RUNS, 2 * len(SHAPES) * len(SIZES) * len(BASES))
    for shape in SHAPES:
        line = [kind, shape]
        for base in BASES:
            tasks = [(kind, shape, size, base, (250, RUNS)) for size in SIZES]
            shares = pool.map(_proof_share, tasks)
            beyond += sum(round(share * RUNS) > most for share in shares)
            line.append(percent(max(shares)))
        rows[kind, shape] = line
    return rows, len(SHAPES) * len(BASES) * len(SIZES), beyond


def lines(name: str, pool: Kept) -> Rows:
    """Return the rows of a fair model or of power."""
    work = _fair_line if name == "fair" else _power_line
    tasks = [(shape, size, RUNS) for shape in SHAPES for size in SIZES]
    return {(line[0], line[1]): line for line in pool.map(work, tasks)}


def replaced(page: str, heading: str, rows: Rows) -> str:
    """Return the page with rows of the table under a heading replaced.

    Raises
    ------
    ValueError
        When the page lacks one of them.
    """
    start = page.index(heading)
    end = page.find("\n#", start + 1)
    section = page[start:end]
    for labels, row in rows.items():
        old = re.compile(
            rf"^\| {re.escape(labels[0])} \| {re.escape(labels[1])} \|.*$", re.MULTILINE
        )
        section, times = old.subn(f"| {' | '.join(row)} |", section)
        if times != 1:
            raise ValueError(f"'{heading}' has no row {labels}")
    return page[:start] + section + page[end:]


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--page", type=Path, default=Path("docs/calibration.md"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    page = asked.page.read_text(encoding="utf-8")
    said = []
    with ProcessPoolExecutor(asked.jobs) as workers:
        pool = Kept(workers, asked.keep)
        for name in asked.names:
            if name in ("fair", "power"):
                heading = "## A perfectly fair" if name == "fair" else "## Power"
                page = replaced(page, heading, lines(name, pool))
                said.append("a perfectly fair model" if name == "fair" else "power")
                continue
            proof = name in KINDS
            rows, cells, beyond = proofs(KINDS[name], pool) if proof else false_fails(name, pool)
            page = replaced(page, PROOF if proof else FALSE_FAILS, rows)
            what = f"false passes of a {KINDS[name]}" if proof else f"false fails of '{name}'"
            said.append(f"{what} ({beyond} of {cells} cells beyond their bound)")
    note = (
        f"{NOTE}{'; '.join(said)}, with {versions('pytest-aipm', 'numpy', 'scipy')}. All other "
        "rows are those of the last whole run."
    )
    head, first, rest = page.split("\n\n", 2)
    if rest.startswith(NOTE):
        rest = rest.split("\n\n", 1)[1]
    asked.page.write_text(f"{head}\n\n{first}\n\n{note}\n\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    main()
