"""What the policy and the files around it say: evidence that no row and no model holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.expressions import Expression
from pytest_aipm.records import Approval, Claim, Finding, SignOff, WaiverInfo

__all__ = ["Incident", "Stated"]


def _nothing(check_id: str) -> tuple[Finding, ...]:
    what = f"there is no check {check_id!r} to ask"
    raise CheckError(Problem(what, "ask this in a policy that has both checks"))


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What went wrong once: to which rows, and how they must fare now.

    Attributes
    ----------
    id, date, title, what, owner, ticket : str
    when, ids, rows : Expression or None, tuple, str or None
        One of them names the rows: by a condition, by ids, or in a file of their own.
    decision : {"favorable", "unfavorable"} or None
    lowest, highest : float or None
        Between which the score must lie.
    share : float
        Of the rows, for which that must hold.
    check : str or None
        In place of rows: a check of the policy that must pass.
    policy : str or None
        The only policy it is of.
    path, line : str, int or None
        Where it is written.
    """

    id: str
    date: str
    title: str
    what: str
    owner: str
    ticket: str
    when: Expression | None = None
    ids: tuple[str | int, ...] = ()
    rows: str | None = None
    decision: str | None = None
    lowest: float | None = None
    highest: float | None = None
    share: float = 1.0
    check: str | None = None
    policy: str | None = None
    path: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What is stated, and what the other checks of the policy found.

    Attributes
    ----------
    policy, path : str
        Name of the policy, and its file.
    context : mapping
        As the policy writes it: purpose, owner, and what else it tells.
    checks : tuple of str
        Ids of all checks of the policy, in its order.
    waivers : tuple of WaiverInfo
        Those for this policy, as they stand before anything is measured.
    sign_offs : tuple of SignOff
        All of the sign-offs file.
    approved : Approval or None
        Who approved the baseline, when and why.
    incidents : mapping of str to tuple of Incident
        By the file that a check names.
    min_cell : int
        Counts of fewer people are not published.
    rows : int
        Most rows of a finding that may be shown, as values changed in them.
    findings : callable
        ``findings(check_id)`` returns what another check of the policy found, one a scope; it is
        measured for that where it was not measured yet. Raises CheckError for an id that is not
        there, and for checks that ask for each other in a circle.
    claims : callable
        ``claims()`` returns what became of each promise of the context.
    """

    policy: str = ""
    path: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    waivers: tuple[WaiverInfo, ...] = ()
    sign_offs: tuple[SignOff, ...] = ()
    approved: Approval | None = None
    incidents: Mapping[str, tuple[Incident, ...]] = field(default_factory=dict)
    min_cell: int = 5
    rows: int = 0
    findings: Callable[[str], tuple[Finding, ...]] = _nothing
    claims: Callable[[], tuple[Claim, ...]] = tuple
