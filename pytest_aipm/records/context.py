"""What surrounds the findings of an audit: promises, change, gaps and the period of the rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_aipm.records.plain import Frozen
from pytest_aipm.records.verdicts import Verdict

__all__ = ["BaselineChanges", "Claim", "Missing", "NotTested", "Period", "Turned", "Undeclared"]


class Claim(Frozen):
    """A promise of the policy's context, and what the checks bound to it say of it.

    ``state`` is the worst that holds: ``broken`` when one of its findings breaks its limit,
    ``unproven`` when one of them cannot tell, ``untested`` when one was not asked, else ``kept``.
    """

    text: str
    checks: tuple[str, ...]
    state: Literal["kept", "broken", "unproven", "untested"]
    reason: str


class Turned(Frozen):
    """A finding and its verdicts, approved and now; a removed one has none now."""

    id: str
    then: Verdict | None = None
    now: Verdict | None = None


class BaselineChanges(Frozen):
    """Which findings stand otherwise than in the approved baseline; each is in one list.

    Attributes
    ----------
    fails : tuple of Turned
        Turn the build red now and did not before.
    fixed : tuple of Turned
        Turned it red, and hold now by the same rules.
    verdicts : tuple of Turned
        Every other change of verdict.
    moved : tuple of Turned
        Of the same verdict, but the value lies outside the approved interval, or one of the two
        has no value.
    added, removed : tuple of Turned
        Only here, and only in the baseline.
    unchanged : int
        How many findings are none of these.
    """

    fails: tuple[Turned, ...] = ()
    fixed: tuple[Turned, ...] = ()
    verdicts: tuple[Turned, ...] = ()
    moved: tuple[Turned, ...] = ()
    added: tuple[Turned, ...] = ()
    removed: tuple[Turned, ...] = ()
    unchanged: int = 0


class NotTested(Frozen):
    """A check of the catalogue that the policy leaves out, and what that leaves open.

    ``sibling`` is a check that the policy does ask for and that compares the same rates in the
    other way: as a difference instead of a ratio.
    """

    check: str
    question: str
    leaves_open: str = ""
    sibling: str = ""


class Undeclared(Frozen):
    """A column whose name looks like a protected attribute that the policy does not declare."""

    column: str
    looks_like: str
    feature: bool = False
    """Whether the model is given it."""


class Missing(Frozen):
    """How many values the features lack: `columns` holds those that lack any."""

    rows: int
    features: int
    columns: dict[str, int] = Field(default_factory=dict)


class Period(Frozen):
    """From which day to which the rows are; None where no day could be read."""

    column: str
    first: str | None = None
    last: str | None = None
    missing: int = 0
    unread: int = 0
    """Values that are no dates as ISO 8601 writes them."""
