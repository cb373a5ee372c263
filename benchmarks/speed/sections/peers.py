"""Point estimates of 81 groups beside other libraries, numbers compared."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.speed.box import Box, versions_of
from benchmarks.speed.people import save
from benchmarks.speed.spent import DiedError
from benchmarks.speed.words import Target, bytes_, count, equal, missed, seconds, table, times

TITLE = "Six metrics of 81 groups"

SHIPPED, MENDED = "fairlearn", "fairlearn, `np.stack` replaced"
PEERS = {
    "aequitas": (("aequitas==1.1.0", "pandas==2.3.3"), "aequitas_group"),
    "aif360": (("aif360==0.6.1",), "aif360_groups"),
    "holisticai": (("holisticai==1.0.14",), "holisticai_groups"),
}
FRAMES = "`by_group`, `difference()`, `ratio()` of six `MetricFrame`s"
NOTES = {
    "aequitas": "`Group` and `Bias`, pairs joined beforehand; more columns than these",
    "aif360": "a metric of two groups: each group against the rest, 81 times",
    "holisticai": "nine measures of two groups: each group against the rest, 81 times",
}


def measure(box: Box) -> dict[str, Any]:
    """Return what each costs; that all have the same numbers is asserted."""
    size = 4_000 if box.quick else 100_000
    rows = box.file(f"people-{size}.npz", lambda path: save(path, size))
    ours = box.run("ours_frame", rows=rows, repeat=2 if box.quick else 9)
    numbers = ours.pop("numbers")
    found: dict[str, Any] = {"rows": size, "ours": ours, "peers": {}}
    for name, mended in ((SHIPPED, False), (MENDED, True)):
        repeat = 1 if box.quick else 2
        theirs = box.run("fairlearn_frame", rows=rows, mended=mended, repeat=repeat)
        found["peers"][name] = {
            "point": theirs["point"],
            "peak": theirs["peak"],
            "equal": equal(numbers, theirs["numbers"]),
            "versions": versions_of(sys.executable, "fairlearn", "pandas", "numpy"),
        }
        assert len(theirs["numbers"]) == len(numbers)
    for name in () if box.quick else PEERS:
        try:
            found["peers"][name] = _peer(box, name, rows, numbers)
        except DiedError as fault:
            found["peers"][name] = {"missing": str(fault)}
    return found


def _peer(box: Box, name: str, rows: Any, numbers: dict[str, float]) -> dict[str, Any]:
    requirements, contender = PEERS[name]
    python = box.environment(name, *requirements)
    theirs = box.run(contender, python=python, rows=rows)
    return {
        "point": theirs["point"],
        "peak": theirs["peak"],
        "equal": equal(numbers, theirs["numbers"]),
        "versions": versions_of(python, name, "pandas", "numpy"),
    }


def targets(found: dict[str, Any]) -> list[Target]:
    """Return the first two rows of the table of targets."""
    ours, peers = found["ours"], found["peers"]
    shipped = peers[SHIPPED]["point"]["cpu"]
    mended = peers[MENDED]["point"]["cpu"]
    ratios = shipped / ours["point"]["cpu"], mended / ours["point"]["cpu"]
    whole = ours["audit"]["cpu"]
    return [
        Target(
            "pass and estimates of six attribute sets, 81 groups, 6 metrics, from pandas columns "
            f"of text, {count(found['rows'])} rows, beside fairlearn; {peers[SHIPPED]['equal']} "
            "numbers equal",
            "at least 1,000 x as shipped and 150 x with `np.stack` replaced",
            f"{times(ratios[0])} and {times(ratios[1])}",
            ratios[0] >= 1000 and ratios[1] >= 150,
        ),
        Target(
            "the same with intervals for all, beside fairlearn's point estimates alone",
            "cheaper",
            f"{seconds(whole)} against {seconds(shipped)} as shipped, {seconds(mended)} with "
            "`np.stack` replaced",
            whole < mended,
        ),
    ]


def show(found: dict[str, Any]) -> str:
    """Return the section."""
    ours, base = found["ours"], found["ours"]["point"]["cpu"]
    mine = [
        ("pytest-aipm: pass and estimates", "point", "", "what the others do"),
        (
            "pytest-aipm: with opening the table",
            "both",
            "",
            "a copy of it, and its hash for the record",
        ),
        (
            "pytest-aipm: a whole audit",
            "audit",
            bytes_(ours["peak"]),
            f"{ours['findings']} findings with verdicts, {ours['intervals']:,} intervals",
        ),
    ]
    lines = [
        (name, seconds(ours[key]["cpu"]), times(ours[key]["cpu"] / base), memory, "", note)
        for name, key, memory, note in mine
    ]
    for name, peer in found["peers"].items():
        if "missing" in peer:
            lines.append((name, missed(peer), "", "", "", ""))
            continue
        spent, same = peer["point"]["cpu"], str(peer["equal"] or "other measures")
        by_name, note = peer["versions"], NOTES.get(name, FRAMES)
        said = ", ".join(f"{package} {version}" for package, version in by_name.items())
        shown = seconds(spent), times(spent / base), bytes_(peer["peak"]), same
        lines.append((name, *shown, f"{note} ({said})"))
    return f"""\
{found["rows"]:,} rows in a pandas frame: two, five and eight groups as text and their three
pairs, label and decision. Selection rate, true positive, false positive and false negative rate,
precision and accuracy of each of the 81 groups, and the difference and ratio of each set. Counted
is the work on a frame that is there; imports and a first small round are not. A pass encodes the
text, counts, and computes every number; opening a table copies it and takes a hash of its
content, which the record needs and no other library does, so it has a line of its own.

{table(("who", "CPU", "of the pass", "peak memory", "numbers equal", "what it does"), lines)}

fairlearn hands each column of each group to `np.stack`, which walks over it value by value; with
`np.asarray` in its place the numbers are the same, and the comparison does not rest on that."""
