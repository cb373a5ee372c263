"""Which packs a policy stands on, and which clauses its checks answer to."""

from __future__ import annotations

from typing import ClassVar, Literal

from pytest_aipm.records.plain import Sparse

__all__ = ["ClauseInfo", "PackInfo"]


class PackInfo(Sparse):
    """A pack as it stood in this run; texts that its head does not give are empty."""

    SPARSE: ClassVar[frozenset[str]] = frozenset({"max_audit_age"})

    name: str
    version: str
    title: str
    status: str
    jurisdiction: str = ""
    authority: str = ""
    citation: str = ""
    effective: str = ""
    superseded_by: str = ""
    as_of: str
    review_after: str = ""
    valid_until: str = ""
    max_audit_age: int | None = None
    """Days after which the rule asks for a new audit."""
    notes: tuple[str, ...] = ()
    stale: bool = False
    """Whether the rule is not in force, or the pack was due for review, when the run was made."""
    ended: bool = False
    """Whether the rule was repealed, superseded or over: a run that asks for it proves nothing."""
    sha256: str


class ClauseInfo(Sparse):
    """What a check answers to."""

    SPARSE: ClassVar[frozenset[str]] = frozenset({"basis"})

    check_id: str
    clauses: tuple[str, ...]
    asks: str = ""
    basis: Literal["text", "convention"] | None = None
    """Where the number of the limit comes from; None where it is the policy's own."""
