"""Waivers: who answers for a finding that would fail, why, and until when.

::

    waivers:
      - id: W-12
        check: credit-approval::selection-rate::race
        reason: New data for group C arrives in January
        owner: risk@example.org
        ticket: RISK-481
        created: 2026-11-02
        expires: 2027-01-31
        floor: {min: 0.72}
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

from pytest_aipm.errors import WaiverError
from pytest_aipm.policy.dates import DateText
from pytest_aipm.policy.grammar import EntryId, Grammar, Sha256, Text
from pytest_aipm.policy.ids import IS_FINDING, is_id
from pytest_aipm.policy.limits import limit_of
from pytest_aipm.policy.model import CheckSpec, Policy
from pytest_aipm.policy.text import read_source
from pytest_aipm.policy.tree import Faults, Map
from pytest_aipm.policy.words import closed, did_you_mean, entries_of, no_nulls, shape
from pytest_aipm.records import Limit

__all__ = ["NOTICE_DAYS", "Waiver", "WaiverEntry", "is_active", "load_waivers", "notice"]

NOTICE_DAYS = 14
"""So many days before its end a waiver is announced: time to mend, or to decide again."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One waiver.

    Attributes
    ----------
    id : str
    check : str
        The finding's id, exactly.
    reason, owner, ticket : str
    created, expires : date
        `expires` is the last day on which it holds, in UTC.
    floor : Limit or None
        Waived down to there, not without end.
    model_sha256 : str or None
        The only model it holds for.
    state : {"loaded", "ignored"}
        ``ignored`` when its policy is no part of this run.
    path, line : str, int or None
        Where it is written.
    """

    id: str
    check: str
    reason: str
    owner: str
    ticket: str
    created: dt.date
    expires: dt.date
    floor: Limit | None = None
    model_sha256: str | None = None
    state: Literal["loaded", "ignored"] = "loaded"
    path: str = ""
    line: int | None = None


def is_active(waiver: Waiver, today: dt.date) -> bool:
    """Return whether a waiver holds; its first and last day count. Nothing else decides that."""
    return waiver.created <= today and _days_left(waiver, today) >= 0


def notice(waiver: Waiver, today: dt.date) -> str:
    """Return that a waiver ends within `NOTICE_DAYS` days, in words; else an empty text."""
    left = _days_left(waiver, today)
    if not 0 <= left <= NOTICE_DAYS:
        return ""
    when = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
    return f"ends {when} ({waiver.expires.isoformat()})"


def _days_left(waiver: Waiver, today: dt.date) -> int:
    """Return how many days of it follow this one: 0 on the last, negative afterwards."""
    return (waiver.expires - today).days


def load_waivers(path: Path, policies: Sequence[Policy], *, root: Path) -> tuple[Waiver, ...]:
    """Read a waivers file.

    Parameters
    ----------
    path : Path
    policies : sequence of Policy
        The policies of this run; their findings must exist. Waivers of other policies are kept,
        with state ``ignored``.
    root : Path
        Folder that paths in messages are relative to.

    Returns
    -------
    tuple of Waiver
        In the file's order.

    Raises
    ------
    WaiverError
        With every problem, once the text parses.
    """
    faults = Faults()
    source = read_source(path, root=root, faults=faults, error=WaiverError)
    entries = entries_of(
        source.tree, "waivers", faults, where="the waivers file", what="a waiver", start="- id: "
    )
    known = {policy.name: policy for policy in policies}
    found: list[Waiver] = []
    for entry in entries:
        waiver = _waiver(entry, known, faults)
        if waiver is not None:
            _beside(waiver, entry, found, faults)
            found.append(waiver)
    faults.raise_as(WaiverError)
    return tuple(found)


def _finding(value: str) -> str:
    parts = value.split("::")
    if len(parts) != 3 or not all(map(is_id, parts)):
        hint = "; name one finding a waiver, no globs" if set("*?[") & set(value) else ""
        raise ValueError(
            f"'{value[:80]}' is no finding id{hint or '; write POLICY::CHECK-ID::SCOPE'}"
        )
    return value


class WaiverEntry(Grammar):
    """Who answers for one finding that would fail, why, and until when."""

    id: EntryId
    """A name of its own."""
    check: Annotated[Text, AfterValidator(_finding), WithJsonSchema(IS_FINDING)]
    """The exact id of one finding: ``POLICY::CHECK-ID::SCOPE``; no globs."""
    reason: Text
    """Why the finding may fail for a while."""
    owner: Text
    """Who answers for it."""
    ticket: Text
    """Where the work on it is tracked."""
    created: DateText
    """The first day on which it holds."""
    expires: DateText
    """The last day on which it holds, in UTC."""
    floor: dict[str, float] | None = None
    """Waived down to here, not without end: ``{min: 0.72}`` or ``{max: 0.15}``."""
    model_sha256: Sha256 | None = None
    """The only model it holds for; another one voids it."""


def _waiver(tree: Map, known: Mapping[str, Policy], faults: Faults) -> Waiver | None:
    before = len(faults.problems)
    no_nulls(tree, faults)
    written = closed(tree, WaiverEntry, faults, where="a waiver")
    entry = shape(WaiverEntry, written.without("floor"), faults)
    if entry is None:
        return None
    created, expires = map(dt.date.fromisoformat, (entry.created, entry.expires))
    if expires < created:
        what = f"'expires' {entry.expires} is before 'created' {entry.created}"
        faults.add(tree.place_of("expires"), what, "correct one of them")
    policy = known.get(entry.check.partition("::")[0])
    spec = _spec(policy, entry.check, tree, faults) if policy else None
    floor = _floor(tree, policy, spec, faults)
    if len(faults.problems) > before:
        return None
    return Waiver(
        id=entry.id,
        check=entry.check,
        reason=entry.reason,
        owner=entry.owner,
        ticket=entry.ticket,
        created=created,
        expires=expires,
        floor=floor,
        model_sha256=entry.model_sha256,
        state="loaded" if policy else "ignored",
        path=tree.place.path,
        line=tree.place.line,
    )


def _spec(policy: Policy, finding: str, tree: Map, faults: Faults) -> CheckSpec | None:
    """Return the check a waiver speaks of; note a finding that the policy does not have."""
    findings = {node.finding_id: node for node in policy.nodes()}
    node = findings.get(finding)
    if node is not None:
        return policy.check(node.check_id)
    what = f"{policy.path} has no finding '{finding}'"
    faults.add(tree.place_of("check"), what, did_you_mean(finding, findings))
    return None


def _floor(
    tree: Map, policy: Policy | None, spec: CheckSpec | None, faults: Faults
) -> Limit | None:
    """Return the floor in the check's unit; in any unit for a policy outside this run."""
    written = tree.get("floor")
    if written is None or (policy is not None and spec is None):
        return None
    if policy is None:
        units = sorted({key.partition("_")[2] for key in tree.submap("floor").entries} | {""})
        read = limit_of(written, units, faults, name="floor")
        return read[1] if read else None
    assert spec is not None  # noqa: S101
    read = limit_of(written, tuple({"", spec.unit}), faults, name="floor")
    if read is not None:
        _beyond(read[1], spec, tree, faults)
    return read[1] if read else None


def _beyond(floor: Limit, spec: CheckSpec, tree: Map, faults: Faults) -> None:
    """Note a floor that would waive nothing, or everything: it lies beyond the limit, not all."""
    limit = spec.limit or Limit()
    low, high = spec.value_range
    for end, sign in (("min", -1), ("max", 1)):
        there, bound = getattr(floor, end), getattr(limit, end)
        if there is None:
            continue
        if bound is None:
            what = f"'{spec.id}' has no '{end}' limit that a floor could lie beyond"
            faults.add(tree.key_place("floor"), what, f"remove '{end}' from the floor")
        elif (there - bound) * sign <= 0:
            what = f"the floor {end} {there:g} is not beyond the limit {end} {bound:g}"
            faults.add(tree.place_of("floor"), what, "it would waive nothing: correct it")
        elif not low < there < high:
            what = f"no value is beyond the floor {end} {there:g}: it would waive without end"
            faults.add(tree.place_of("floor"), what, "set it to the worst value you answer for")


def _beside(waiver: Waiver, tree: Map, others: Sequence[Waiver], faults: Faults) -> None:
    """Note a second waiver of the same id, or for the same finding at the same time."""
    for other in others:
        first = f", first in line {other.line}" if other.line else ""
        if other.id == waiver.id:
            what = f"two waivers have the id '{waiver.id}'{first}"
            faults.add(tree.place_of("id"), what, "give each its own")
        elif other.check == waiver.check and (
            other.created <= waiver.expires and waiver.created <= other.expires
        ):
            what = f"'{other.id}' and '{waiver.id}' both waive '{waiver.check}' at one time"
            faults.add(tree.place_of("check"), what, "keep one")
