"""The page as its templates are given it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_aipm.records import (
    Audit,
    Record,
    RunVerdict,
)
from pytest_aipm.report.audit_view import AuditView
from pytest_aipm.report.finding_view import FindingView, anchor_of, href_to
from pytest_aipm.report.glossary import Entry, glossary_of
from pytest_aipm.report.ranking import ranked, worst
from pytest_aipm.report.sentences import (
    LEGAL,
    headline,
    missing_sentence,
)
from pytest_aipm.report.validity import as_of, valid_until
from pytest_aipm.report.words import (
    RUN_WORDS,
)

__all__ = ["Page", "page_of"]


LONGEST = 120
"""Characters of a name in the title of a window."""

_WORST_FIRST = (RunVerdict.FAIL, RunVerdict.UNPROVEN, RunVerdict.PASS)


@dataclass(frozen=True)
class Page:
    """The whole page."""

    record: Record
    audits: tuple[AuditView, ...]
    glossary: tuple[Entry, ...]

    @property
    def word(self) -> str:
        """Verdict in capitals."""
        return RUN_WORDS[self.record.verdict]

    @property
    def verdict(self) -> str:
        """Verdict as a CSS class."""
        return self.record.verdict.value

    @property
    def mark(self) -> str:
        """Shape of the verdict."""
        return {RunVerdict.FAIL: "■", RunVerdict.UNPROVEN: "◆"}.get(self.record.verdict, "●")

    @property
    def name(self) -> str:
        """What was audited."""
        names = [audit.name for audit in self.audits]
        return names[0] if len(names) == 1 else f"{len(names)} policies"

    @property
    def headline(self) -> str:
        """How many of how many do what, over all policies."""
        if not self.record.findings:
            return "Nothing was measured."
        return headline(self.record.findings, self.record.verdict)

    @property
    def partial(self) -> str:
        """What a partial run lacks."""
        return missing_sentence(self.record)

    @property
    def title(self) -> str:
        """The document's title: the verdict first."""
        partial = "PARTIAL · " if self.record.partial else ""
        name = self.name if len(self.name) <= LONGEST else f"{self.name[: LONGEST - 1]}…"
        return f"{self.word} · {name} · {partial}{self.headline}"

    @property
    def as_of(self) -> str:
        """When the run was made."""
        return as_of(self.record)

    @property
    def valid_until(self) -> str:
        """The first day on which something that the report stands on runs out, and what it is."""
        return valid_until(self.record)

    @property
    def legal(self) -> str:
        """What this is and is not."""
        return LEGAL

    def glossary_href(self, check: str) -> str:
        """Return the link to a check's words."""
        return href_to(anchor_of(check))


def _worst_first(record: Record) -> list[Audit]:
    """Return the policies in the order in which cards and sections show them."""
    order = {each.id: place for place, each in enumerate(ranked(record.findings))}

    def key(audit: Audit) -> tuple[int, int]:
        first = min((order[each.id] for each in audit.findings), default=len(order))
        return _WORST_FIRST.index(audit.verdict), first

    return sorted(record.audits, key=key)


def page_of(record: Record) -> Page:
    """Return the page of a record that is already publishable."""
    first = worst(record.findings)
    explained: dict[str, FindingView] = {}
    audits = []
    many = len(record.audits) > 1
    for audit in _worst_first(record):
        views, asked = [], dict[int | None, str]()
        levels = {one.confidence for one in audit.findings if one.interval is not None}
        for finding in ranked(audit.findings):
            here = href_to(finding.id)
            other = explained.get(finding.check)
            lines = asked.setdefault(finding.policy_line, here)
            view = FindingView(
                finding,
                audit,
                first=other is None,
                open=finding is first,
                explained_at=here if other is None else other.href,
                known=() if other is None else other.explained,
                asked_at="" if lines == here else lines,
                confidence=next(iter(levels)) if len(levels) == 1 else None,
            )
            explained.setdefault(finding.check, view)
            views.append(view)
        prefix = f"{audit.policy.name}." if many else ""
        seconds = None if record.timing is None else record.timing.get("run_s")
        audits.append(AuditView(audit, tuple(views), prefix, record.run, record.partial, seconds))
    tasks = {audit.subject.task for audit in record.audits if audit.subject is not None}
    return Page(record, tuple(audits), tuple(glossary_of(record.findings, tasks)))
