"""The clause table: what a rule asks, which check answers, and whose number decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_aipm.records import Audit, ClauseInfo, PackInfo
from pytest_aipm.report.finding_view import FindingView
from pytest_aipm.report.words import day, plural

__all__ = ["ClauseRow", "clause_rows", "pack_facts"]

BASIS = {"text": "the text", "convention": "convention", None: "the policy"}
MOST = 400
"""Characters of a text that a cell of the table holds."""


@dataclass(frozen=True)
class ClauseRow:
    """One check and the clauses it answers to.

    Attributes
    ----------
    clauses : str
    asks : str
        In the policy's words, else the check's own question.
    check_id : str
    findings : tuple of FindingView
        Worst first, one for each scope; empty where the check did not run.
    basis : str
        Where the number of the limit comes from; empty where there is no limit.
    """

    clauses: str
    asks: str
    check_id: str
    findings: tuple[FindingView, ...]
    basis: str


def clause_rows(audit: Audit, findings: Sequence[FindingView]) -> list[ClauseRow]:
    """Return a row for each check that answers to a clause, in the policy's order."""
    return [_row(each, findings) for each in audit.clauses]


def _row(clause: ClauseInfo, findings: Sequence[FindingView]) -> ClauseRow:
    found = tuple(view for view in findings if view.finding.check_id == clause.check_id)
    question = next((view.finding.docs.question for view in found if view.finding.docs), "")
    limited = any(view.finding.limit is not None for view in found)
    return ClauseRow(
        clauses=_short("; ".join(clause.clauses)),
        asks=_short(clause.asks or question),
        check_id=clause.check_id,
        findings=found,
        basis=BASIS[clause.basis] if limited else "",
    )


def pack_facts(audit: Audit) -> list[tuple[str, str]]:
    """Return each pack the policy stands on: its name, and what there is to know of it."""
    return [(f"{pack.name} {pack.version}", _short(_facts(pack))) for pack in audit.packs]


def _facts(pack: PackInfo) -> str:
    return "; ".join(_said(pack)) + "."


def _said(pack: PackInfo) -> Iterator[str]:
    yield pack.title
    where = "" if pack.jurisdiction == "any" else pack.jurisdiction
    yield from filter(None, (pack.citation, pack.authority, where))
    yield pack.status + (f" since {day(pack.effective)}" if pack.effective else "")
    if pack.superseded_by:
        yield f"superseded by {pack.superseded_by}"
    yield f"compared with its sources on {day(pack.as_of)}"
    if pack.max_audit_age is not None:
        yield f"asks for an audit not older than {plural(pack.max_audit_age, 'day')}"


def _short(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST].rstrip()}…"
