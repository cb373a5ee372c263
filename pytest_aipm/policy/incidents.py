"""Incidents: what went wrong once, and what must hold so that it stays mended.

::

    incidents:
      - id: INC-7
        date: 2026-03-04
        title: Pensioners with a high income were refused
        what: Release 2.1 took a missing employer for unemployment
        when: age >= 65 and income > 20000     # or `ids: [...]`, or `rows: incidents/inc-7.csv`
        expect: {decision: favorable, share: 0.95}
        owner: lending@example.org
        ticket: RISK-31
      - id: INC-8
        date: 2026-05-19
        title: Women were refused more often
        what: A threshold was moved for one branch
        expect: {check: selection-rate, verdict: pass}
        owner: lending@example.org
        ticket: RISK-40

``when`` is a condition over the columns of the evaluation rows (`pytest_aipm.expressions`), ``ids``
names some of them by the subject's id, ``rows`` a file of rows with the model's columns. Each of
them must be decided as ``expect`` says, or ``share`` of them; a ``score`` lies between its ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pytest_aipm.clock import today
from pytest_aipm.errors import PolicyError
from pytest_aipm.evidence.stated import Incident
from pytest_aipm.expressions import Expression, ExpressionError, parse
from pytest_aipm.policy.dates import DateText
from pytest_aipm.policy.grammar import EntryId, Grammar, LocalPath, Text
from pytest_aipm.policy.model import Policy
from pytest_aipm.policy.text import read_source
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.words import closed, did_you_mean, entries_of, no_nulls, shape

__all__ = ["CHECK", "IncidentEntry", "incidents_of", "load_incidents"]

CHECK = "governance.incidents"
_SOURCES = ("when", "ids", "rows")


class ScoreSpan(Grammar):
    """Between which numbers a score must lie."""

    min: float | None = None
    """The lowest score that is right."""
    max: float | None = None
    """The highest score that is right."""


class Expected(Grammar):
    """What must hold now: of the rows, or of another check."""

    decision: Literal["favorable", "unfavorable"] | None = None
    """How each of the rows must be decided."""
    score: ScoreSpan | None = None
    """Between which numbers the score of each of the rows must lie."""
    share: float | None = Field(default=None, gt=0, le=1)
    """The share of the rows for which that must hold; all of them without it."""
    check: Text | None = None
    """In place of rows: the id of a check of the policy."""
    verdict: Literal["pass"] | None = None
    """What every finding of that check must be."""


class IncidentEntry(Grammar):
    """One past failure, and what must hold so that it stays mended."""

    id: EntryId
    """A name of its own."""
    date: DateText
    """The day on which it was noticed."""
    title: Text
    """What happened, in a few words."""
    what: Text
    """What went wrong, and why."""
    when: Text | None = None
    """A condition that the rows it happened to meet."""
    ids: Annotated[tuple[str | int, ...], Field(min_length=1)] | None = None
    """Ids of the evaluation rows it happened to."""
    rows: LocalPath | None = None
    """A file of the rows it happened to."""
    expect: Expected
    """What must hold now."""
    owner: Text
    """Who answers for it."""
    ticket: Text
    """Where the work on it is tracked."""
    policy: Text | None = None
    """The only policy that re-runs it, where several read this file."""


def incidents_of(policy: Policy, *, root: Path) -> dict[str, tuple[Incident, ...]]:
    """Return the incidents that the enabled checks of a policy re-run, by the file they name.

    Raises
    ------
    PolicyError
        With every problem of the files.
    """
    files = {
        getattr(params, "file", "")
        for check in policy.checks
        if check.check == CHECK and check.enabled
        for params in check.params.values()
    }
    ids = [check.id for check in policy.checks if check.check != CHECK]
    return {
        file: load_incidents(root / file, policy.name, ids, root=root) for file in sorted(files)
    }


def load_incidents(
    path: Path, policy: str, checks: Iterable[str], *, root: Path
) -> tuple[Incident, ...]:
    """Read a file of incidents.

    Parameters
    ----------
    path : Path
    policy : str
        Incidents of another policy are left out.
    checks : iterable of str
        Ids of the policy's checks that an incident may name.
    root : Path
        Folder that paths in messages are relative to.

    Returns
    -------
    tuple of Incident
        In the file's order.

    Raises
    ------
    PolicyError
        With every problem, once the text parses.
    """
    faults = Faults()
    source = read_source(path, root=root, faults=faults, error=PolicyError)
    entries = entries_of(
        source.tree,
        "incidents",
        faults,
        where="the incidents file",
        what="an incident",
        start="- id: ",
    )
    found: list[Incident] = []
    known, lines = tuple(checks), dict[str, int | None]()
    for entry in entries:
        read = _incident(entry, policy, known, faults)
        if read is None:
            continue
        if read.id in lines:
            first = f", first in line {lines[read.id]}" if lines[read.id] else ""
            what = f"two incidents have the id '{read.id}'{first}"
            faults.add(entry.place_of("id"), what, "give each its own")
        lines.setdefault(read.id, entry.place.line)
        found.append(read)
    faults.raise_as(PolicyError)
    return tuple(each for each in found if each.policy in (None, policy))


def _incident(tree: Map, policy: str, checks: tuple[str, ...], faults: Faults) -> Incident | None:
    before = len(faults.problems)
    no_nulls(tree, faults)
    entry = shape(IncidentEntry, closed(tree, IncidentEntry, faults, where="an incident"), faults)
    if entry is None:
        return None
    if dt.date.fromisoformat(entry.date) > today():
        what = f"'date' {entry.date} is after today"
        faults.add(tree.place_of("date"), what, "an incident has happened; correct it")
    own = entry.policy in (None, policy)
    _one_expectation(entry, tree, checks if own else None, faults)
    when = _condition(entry.when, tree, faults)
    if len(faults.problems) > before:
        return None
    span = entry.expect.score or ScoreSpan()
    return Incident(
        id=entry.id,
        date=entry.date,
        title=entry.title,
        what=entry.what,
        owner=entry.owner,
        ticket=entry.ticket,
        when=when,
        ids=entry.ids or (),
        rows=entry.rows,
        decision=entry.expect.decision,
        lowest=span.min,
        highest=span.max,
        share=entry.expect.share or 1.0,
        check=entry.expect.check,
        policy=entry.policy,
        path=tree.place.path,
        line=tree.place.line,
    )


def _one_expectation(
    entry: IncidentEntry, tree: Map, checks: tuple[str, ...] | None, faults: Faults
) -> None:
    """Note an incident that names no rows or two kinds of them, or expects nothing or too much."""
    expect, place = entry.expect, tree.key_place("expect")
    named = [key for key in _SOURCES if getattr(entry, key) is not None]
    asked = [key for key in ("decision", "score", "check") if getattr(expect, key) is not None]
    if len(asked) != 1:
        what = "'expect' names none of 'decision', 'score' and 'check'"
        if asked:
            what = f"'expect' names {' and '.join(map(repr, asked))}"
        faults.add(place, what, "say one thing that must hold")
        return
    inner = tree.submap("expect")
    if expect.check is None:
        if expect.verdict is not None:
            fix = "add `check: ID`, or remove it"
            faults.add(inner.key_place("verdict"), "'verdict' is one of a check", fix)
        if len(named) != 1:
            what = f"{' and '.join(map(repr, named))} both name rows"
            what = what if named else "it names no rows: neither 'when' nor 'ids' nor 'rows'"
            faults.add(tree.place, what, "keep one of them" if named else "add one of them")
        _span(entry, tree, faults)
        return
    if named:
        what = f"'{named[0]}' names rows, and 'expect' a check"
        faults.add(tree.key_place(named[0]), what, "keep one of them")
    if expect.share is not None:
        faults.add(inner.key_place("share"), "'share' is one of rows, not of a check", "remove it")
    if checks is not None and expect.check not in checks:
        what = f"the incident names the check '{expect.check}', which is not in this policy"
        faults.add(inner.place_of("check"), what, did_you_mean(expect.check, checks))


def _span(entry: IncidentEntry, tree: Map, faults: Faults) -> None:
    score, place = entry.expect.score, tree.submap("expect").key_place("score")
    if score is None:
        return
    if score.min is None and score.max is None:
        faults.add(place, "'score' has neither 'min' nor 'max'", "add one")
    elif score.min is not None and score.max is not None and score.min > score.max:
        faults.add(place, f"'min' {score.min:g} is above 'max' {score.max:g}", "swap them")


def _condition(text: str | None, tree: Map, faults: Faults) -> Expression | None:
    if text is None:
        return None
    written = tree.get("when")
    place = tree.key_place("when") if written is None else written.place
    try:
        found = parse(text)
    except ExpressionError as error:
        for each in error.problems:
            faults.add(place, f"'when': {each.what}", each.fix)
        return None
    if found.is_condition is False:
        fix = "write a comparison: `age >= 65`"
        faults.add(place, "'when' gives a number or a text, not true or false", fix)
        return None
    return found
