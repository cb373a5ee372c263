"""The page as its templates are given it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_aipm.records import (
    Docs,
    Finding,
    Record,
    RunVerdict,
)
from pytest_aipm.report.audit_view import AuditView
from pytest_aipm.report.finding_view import FindingView, href_to
from pytest_aipm.report.prose import Block, prose
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
    glossary: tuple[tuple[str, str, Docs], ...]
    """Check, anchor, words."""

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
    def cards(self) -> list[AuditView]:
        """Its policies as the overview lists them: first what the first screen must not lack."""
        order = {each.id: place for place, each in enumerate(ranked(self.record.findings))}

        def key(view: AuditView) -> tuple[int, int]:
            first = min((order[each.id] for each in view.audit.findings), default=len(order))
            return _WORST_FIRST.index(view.audit.verdict), first

        return sorted(self.audits, key=key)

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

    def docs(self, text: str) -> list[Block]:
        """Return a check's words as paragraphs and lists."""
        return prose(text)

    def glossary_href(self, check: str) -> str:
        """Return the link to a check's words."""
        return href_to(f"about-{check}")


def page_of(record: Record) -> Page:
    """Return the page of a record that is already publishable."""
    first = worst(record.findings)
    explained: dict[str, str] = {}
    audits = []
    many = len(record.audits) > 1
    for audit in record.audits:
        views, asked = [], dict[int | None, str]()
        levels = {one.confidence for one in audit.findings if one.interval is not None}
        for finding in ranked(audit.findings):
            here = href_to(finding.id)
            at = explained.setdefault(finding.check, here)
            lines = asked.setdefault(finding.policy_line, here)
            view = FindingView(
                finding,
                audit,
                first=at == here,
                open=finding is first,
                explained_at=at,
                asked_at="" if lines == here else lines,
                command=record.run.command,
                confidence=next(iter(levels)) if len(levels) == 1 else None,
            )
            views.append(view)
        prefix = f"{audit.policy.name}." if many else ""
        seconds = None if record.timing is None else record.timing.get("run_s")
        audits.append(AuditView(audit, tuple(views), prefix, record.run, record.partial, seconds))
    return Page(record, tuple(audits), tuple(_glossary(record.findings)))


def _glossary(findings: Sequence[Finding]) -> Iterable[tuple[str, str, Docs]]:
    seen: dict[str, Docs] = {}
    for finding in findings:
        if finding.docs is not None:
            seen.setdefault(finding.check, finding.docs)
    for check in sorted(seen):
        yield check, f"about-{check}", seen[check]
