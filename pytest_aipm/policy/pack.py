"""What a pack says of itself: whose rule it answers to, since when, and until when to trust it.

A pack is a base for `extends` with a head. Rules change, so a head says when somebody last looked
and when somebody should look again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from pytest_aipm.errors import Problem
from pytest_aipm.policy.dates import DateText, DayOrYear
from pytest_aipm.policy.grammar import Grammar, Text, Texts
from pytest_aipm.policy.library import pack_name
from pytest_aipm.policy.text import Source
from pytest_aipm.policy.tree import Faults, Map, Place
from pytest_aipm.policy.words import closed, kind_of, no_nulls, shape
from pytest_aipm.records import PackInfo

__all__ = ["REVIEW_DAYS", "Pack", "PackHead", "misfits", "pack_head", "pack_of"]

BEST = ": no run under it is more than UNPROVEN"
"""What the end of a rule means for those who still ask for it."""
REVIEW_DAYS = 180
"""So many days after somebody looked, somebody should look again: rules move within half a year."""


class PackHead(Grammar):
    """What stands behind ``pack:``."""

    title: Text
    """What the pack asks for, in one line."""
    version: Text
    """Of the pack, not of the rule; in quotes."""
    status: Literal["in force", "pending", "repealed", "superseded", "guidance"]
    """Of the rule; ``guidance`` is what no law asks for."""
    as_of: DateText
    """When somebody last compared the pack with its sources."""
    jurisdiction: Text | None = None
    """Where the rule holds."""
    authority: Text | None = None
    """Who made the rule, or watches over it."""
    citation: Text | None = None
    """Where the rule is written."""
    effective: DayOrYear | None = None
    """Since when the rule holds, or will hold."""
    superseded_by: Text | None = None
    """What took the rule's place; a superseded rule must say it."""
    review_after: DateText | None = None
    """When somebody should look again; default 180 days after `as_of`."""
    valid_until: DateText | None = None
    """The last day on which the rule holds, where it has one."""
    max_audit_age: int | None = Field(default=None, ge=1)
    """Days after which the rule asks for a new audit."""
    notes: Texts = ()
    """What a reader must know: what changed, what is unverified."""

    @model_validator(mode="after")
    def _successor(self) -> PackHead:
        if self.status == "superseded" and self.superseded_by is None:
            raise ValueError("'superseded_by' is missing in 'pack'; name what superseded the rule")
        return self


@dataclass(frozen=True)
class Pack:
    """A pack among the files that a policy stands on."""

    name: str
    sha256: str
    head: PackHead

    @property
    def review_after(self) -> dt.date:
        """The day after which somebody should look again."""
        if self.head.review_after is not None:
            return dt.date.fromisoformat(self.head.review_after)
        return dt.date.fromisoformat(self.head.as_of) + dt.timedelta(days=REVIEW_DAYS)

    def concerns(self, today: dt.date) -> tuple[str, ...]:
        """Return why the pack may no longer say what its rule says, one sentence each."""
        return tuple(f"pack {self.name}: {said}" for said in self._concerns(today))

    def _concerns(self, today: dt.date) -> Iterator[str]:
        head, of = self.head, self.head.citation or self.head.title
        if head.status == "superseded":
            yield f"{of} is superseded by {head.superseded_by}{BEST}"
        elif head.status == "repealed":
            successor = f"; see {head.superseded_by}" if head.superseded_by else ""
            yield f"{of} is repealed{successor}{BEST}"
        elif head.status == "pending":
            since = f" (effective {head.effective})" if head.effective else ""
            yield f"{of} is not in force yet{since}"
        if self._over(today):
            yield f"{of} held until {head.valid_until} and is no longer in force{BEST}"
        if today > self.review_after:
            yield (
                f"last compared with its sources on {head.as_of}, and due for review since "
                f"{self.review_after.isoformat()}: update it, or see whether the rule still stands"
            )

    def _over(self, today: dt.date) -> bool:
        until = self.head.valid_until
        return until is not None and today > dt.date.fromisoformat(until)

    def ended(self, today: dt.date) -> bool:
        """Return whether its rule was in force once and is no longer: nothing can pass it."""
        return self.head.status in ("repealed", "superseded") or self._over(today)

    def info(self, today: dt.date) -> PackInfo:
        """Return what a record holds of it."""
        head = self.head
        return PackInfo(
            name=self.name,
            version=head.version,
            title=head.title,
            status=head.status,
            jurisdiction=head.jurisdiction or "",
            authority=head.authority or "",
            citation=head.citation or "",
            effective=head.effective or "",
            superseded_by=head.superseded_by or "",
            as_of=head.as_of,
            review_after=self.review_after.isoformat(),
            valid_until=head.valid_until or "",
            max_audit_age=head.max_audit_age,
            notes=head.notes,
            stale=bool(self.concerns(today)),
            ended=self.ended(today),
            sha256=self.sha256,
        )


def pack_head(tree: Map, faults: Faults) -> PackHead | None:
    """Return the head of a file, None where it has none or after noting what is wrong."""
    head = tree.get("pack")
    if head is None:
        return None
    if not isinstance(head, Map):
        what = f"'pack' must be a mapping, not {kind_of(head)}"
        faults.add(tree.key_place("pack"), what, "write `pack: {title, version, status, as_of}`")
        return None
    if "subject" in tree.entries:
        what = "a pack is a base for `extends` and has no 'subject'"
        faults.add(tree.key_place("subject"), what, "remove it, or remove 'pack'")
    no_nulls(head, faults)
    return shape(PackHead, closed(head, PackHead, faults, where="'pack'"), faults)


def pack_of(source: Source) -> Pack | None:
    """Return the pack that a file is, None for other files; its faults are noted elsewhere."""
    head = pack_head(source.tree, Faults())
    if head is None:
        return None
    name = pack_name(source.path)
    return Pack(source.path if name is None else name, source.sha256, head)


def misfits(problems: Sequence[Problem], named: Mapping[str, Place], faults: Faults) -> None:
    """Note what does not fit the subject: for each pack one sentence, where it is named.

    Parameters
    ----------
    problems : sequence of Problem
        Each where the check is written.
    named : mapping of path to Place
        Where the policy names the files that it stands on.
    faults : Faults
    """
    of_packs: dict[str, list[Problem]] = {}
    for problem in problems:
        if pack_name(problem.path) is not None and problem.path in named:
            of_packs.setdefault(problem.path, []).append(problem)
        else:
            place = Place(problem.path, problem.line, problem.column)
            faults.add(place, problem.what, problem.fix)
    for path, found in of_packs.items():
        said = list(dict.fromkeys(each.what for each in found))
        what = f"{path} does not fit this policy: {', and '.join(said)}"
        place = named[path]
        while pack_name(place.path) is not None and place.path in named:
            place = named[place.path]  # a pack that another pack brings along
        faults.add(place, what, found[0].fix)
