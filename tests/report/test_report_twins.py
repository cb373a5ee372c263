"""An attack on everything that is published: is there another record that publishes the same?

A withheld number cannot be had from the published views if another audit prints the same in all
of them and holds another number: its twin. So for each withheld numerator of a few people a twin is
looked for: a solver proposes rows that keep every printed count, total and bound, the rows are
audited anew, and all that is published of both is compared, file by file and line by line. Nothing
has to be parsed, and no channel can be forgotten: whatever differs is found.

Two things are left to the reader of the twin. Verdicts stay, because a gate that hides them is
none: a twin with another verdict is compared by its numbers. And which other cells are withheld
beside the small ones was chosen with the numbers in hand: both sides are published alike.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

import pytest_aipm
from pytest_aipm.commands.diff import diff
from pytest_aipm.nodes import parcel
from pytest_aipm.records import Finding, Record
from pytest_aipm.report import history_line, terminal_lines
from pytest_aipm.report.atoms import ATOMS, atoms_of
from pytest_aipm.report.publish import _published, publishable
from pytest_aipm.report.suppression import withheld_cells
from pytest_aipm.report.twins import Known, pinned
from pytest_aipm.violation import publish, text

SEXES, RACES = "fm", "abc"
KEYS = [{"sex": s, "race": r} for s, r in product(SEXES, RACES)]
LABELS = {"tp": (1, 1), "fp": (0, 1), "fn": (1, 0), "tn": (0, 0)}
CROSSED = ["sex", "race"]
PARITY = "fairness.demographic_parity_difference"
OPPORTUNITY = "fairness.equal_opportunity_difference"
POLICY: dict[str, Any] = {
    "aipm": 1,
    "name": "credit",
    "context": {"purpose": "a test", "owner": "tests@example.org"},
    "subject": {
        "task": "binary",
        "predictions": "pred",
        "label": "y",
        "positive": 1,
        "favorable": 1,
        "protected": {"sex": "sex", "race": "race"},
    },
    "checks": [
        {"check": PARITY, "id": "sel", "by": [*CROSSED, CROSSED], "limit": {"max": 0.3}},
        {"check": OPPORTUNITY, "id": "opp", "by": ["race"], "limit": {"max": 0.3}},
        {
            "check": "fairness.group_metric",
            "id": "acc",
            "metric": "accuracy",
            "by": [CROSSED],
            "limit": {"max": 0.9},
            "min_group_size": 2,
        },
        {"check": "performance.metric", "metric": "accuracy", "limit": {"min": 0.1}},
    ],
}
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
HASHES = re.compile(rf"{UUID}|(?<=sha256 )[0-9a-f]{{8}}\b|(?<![\d.])\b[0-9a-f]{{12,64}}\b")
"""Digits of a number, which follow a point, are none."""
DECIDED = {"verdict", "because", "reason", "failing"}
TRIES = 4

Counts = np.ndarray
"""Of each elementary count of each cell, in the order of KEYS and ATOMS."""


@pytest.fixture(autouse=True)
def _pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def random_counts(seed: int) -> Counts:
    """Six cells, one or two of them of one to four people."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(15, 60, size=len(KEYS))
    sizes[rng.choice(len(KEYS), size=1 + seed % 2, replace=False)] = 1 + seed % 4
    return np.concatenate([rng.multinomial(n, [0.3, 0.2, 0.2, 0.3]) for n in sizes])


def audited(counts: Counts, root: Path) -> Record:
    rows = [
        (*key.values(), *LABELS[atom])
        for (key, atom), number in zip(product(KEYS, ATOMS), counts, strict=True)
        for _ in range(number)
    ]
    data = pd.DataFrame(rows, columns=["sex", "race", "y", "pred"])
    return pytest_aipm.audit(POLICY, data=data, root=root)


def views(record: Record, shown: Record, folder: Path) -> dict[str, str]:
    """Everything that is published of a record, hashes of the rows left out."""
    shown.with_digest().write(folder)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = {p.name: p.read_text("utf-8") for p in files if p.name != "audit.json"}
    found["terminal"] = "\n".join(terminal_lines(shown, width=300))
    line = history_line(shown, label="v1")
    assert line is not None
    found["history"] = json.dumps(line.model_dump(mode="json"))
    if (folder.parent / "old").is_dir():
        for words in ({}, {"markdown": True}):
            with redirect_stdout(io.StringIO()) as said:
                diff(str(folder.parent / "old"), str(folder), **words)
            found[f"diff {words}"] = said.getvalue().replace(str(folder), "")
    for one in record.findings:
        alone = publish(one, min_cell=5)
        found[f"junit {one.id}"] = json.dumps(parcel(alone)) + text(alone)
    return {name: HASHES.sub("#", content) for name, content in found.items()}


def numbers(shown: Record) -> list[Any]:
    """What a published record prints, but for what was decided and said of it."""
    told = [
        one.model_dump(exclude=DECIDED | {"detectable", "rows_needed"}) for one in shown.findings
    ]
    return [told, shown.audits[0].groups]


def row(group: dict[str, str], atoms: Any) -> np.ndarray:
    return np.array(
        [group.items() <= key.items() and a in atoms for key, a in product(KEYS, ATOMS)]
    )


def secrets(record: Record, shown: Record) -> Iterator[tuple[Finding, np.ndarray]]:
    for full, one in zip(record.findings, shown.findings, strict=True):
        for cell, printed in zip(full.groups, one.groups, strict=True):
            if 0 < min(cell.n, cell.denominator or cell.n) < 5:
                assert (printed.numerator, printed.value, printed.interval) == (None,) * 3
                yield full, row(cell.group, atoms_of(full, cell.part)[0])


def printed_sums(shown: Record) -> np.ndarray:
    rows = [row(key, ATOMS) for key in KEYS] + [row({}, (atom,)) for atom in ATOMS]
    rows += [row(g.group, ("tp", "fn")) for g in shown.audits[0].groups if g.positives is not None]
    for one in shown.findings:
        for cell in one.groups:
            if cell.numerator is not None:
                rows += [row(cell.group, atoms) for atoms in atoms_of(one, cell.part)]
    return np.array(rows, dtype=float)


def proposals(counts: Counts, sums: np.ndarray, secret: np.ndarray) -> Iterator[Counts]:
    """Counts with the same sums and another secret, the nearest first."""
    n, rng = len(counts), np.random.default_rng(0)
    same = np.hstack([sums, np.zeros((len(sums), 2 * n))])
    moved = np.hstack([np.eye(n), -np.eye(n), np.eye(n)])  # counts - up + down = what they were
    aim = np.concatenate([secret, np.zeros(2 * n)]).astype(float)
    for turn in range(TRIES):
        sign, step = (1, -1)[turn % 2], 1 + turn // 4
        found = milp(
            np.concatenate([np.zeros(n), 1 + rng.random(2 * n) * (turn > 1)]),
            constraints=[
                LinearConstraint(same, sums @ counts, sums @ counts),
                LinearConstraint(moved, counts, counts),
                LinearConstraint(sign * aim, sign * (secret @ counts) + step, np.inf),
            ],
            integrality=np.ones(3 * n),
            bounds=Bounds(0, np.inf),
        )
        if found.x is not None:
            yield np.round(found.x[:n]).astype(int)


def twin_of(record: Record, counts: Counts, secret: np.ndarray, folder: Path) -> str:
    """Return what tells a secret's best twin: nothing, its verdicts, or the views that differ."""
    shown, hidden = publishable(record), withheld_cells(record)
    mine, best = views(record, shown, folder / "mine"), "numbers"
    for other in proposals(counts, printed_sums(shown), secret):
        theirs = audited(other, folder)
        alike = _published(theirs, hidden)
        if numbers(alike) != numbers(shown):
            continue
        if [f.verdict for f in theirs.findings] != [f.verdict for f in record.findings]:
            best = "verdicts" if best == "numbers" else best
            continue
        there = views(theirs, alike, folder / "theirs")
        best = ", ".join(name for name in mine if mine[name] != there[name])
        if not best:
            break
    return best


@pytest.mark.parametrize("seed", [0, 2, 27])
def test_each_withheld_number_has_a_twin_that_publishes_the_same(seed: int, tmp_path: Path) -> None:
    counts = random_counts(seed)
    record = audited(counts, tmp_path)
    audited(random_counts(seed + 100), tmp_path).write(tmp_path / "old")
    found = [
        twin_of(record, counts, secret, tmp_path)
        for one, secret in secrets(record, publishable(record))
    ]
    assert "" in found
    assert set(found) <= {"", "verdicts"}


def test_a_number_that_stands_in_one_view_alone_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack can fail: one careless view among all of them has no twin."""
    counts = random_counts(2)
    record = audited(counts, tmp_path)
    one, secret = next(secrets(record, publishable(record)))
    careful = views

    def careless(record: Record, shown: Record, folder: Path) -> dict[str, str]:
        told = [g.numerator for f in record.findings if f.id == one.id for g in f.groups]
        return careful(record, shown, folder) | {"a log": str(told)}

    monkeypatch.setitem(globals(), "views", careless)
    assert twin_of(record, counts, secret, tmp_path) == "a log"


# A search that takes too long


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time of each search be over before it has found anything."""
    monkeypatch.setattr("scipy.optimize.milp", lambda *_, **__: OptimizeResult(x=None, status=1))


SECRETS = {name: {name: 1.0} for name in "ab"}


def people_of_two(total: int) -> list[Known]:
    """Two groups of one person each, and how many of the two it is in all."""
    return [Known({"a": 1, "b": 1}, total, total), *(Known({name: 1}, 0, 1) for name in "ab")]


def test_whole_people_leave_one_answer_several_or_none() -> None:
    assert pinned(people_of_two(2), SECRETS) == {"a", "b"}
    assert pinned(people_of_two(1), SECRETS) == set()
    assert pinned(people_of_two(3), SECRETS) is None


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("total", [1, 2, 3])
def test_what_is_not_found_in_time_is_taken_for_pinned(total: int) -> None:
    assert pinned(people_of_two(total), SECRETS) == {"a", "b"}
    assert pinned(people_of_two(total), SECRETS, doubt=False) == set()


@pytest.mark.parametrize("seed", range(4))
def test_without_time_more_is_withheld_and_never_less(
    tmp_path: Path, seed: int, request: pytest.FixtureRequest
) -> None:
    def withheld() -> set[tuple[int, int]]:
        shown = publishable(audited(random_counts(seed), tmp_path)).findings
        return {
            (i, j)
            for i, one in enumerate(shown)
            for j, cell in enumerate(one.groups)
            if cell.numerator is None
        }

    usual = withheld()
    request.getfixturevalue("late")
    assert usual < withheld()
