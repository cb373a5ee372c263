"""What the templates are given for one policy: who, what, how many, and its findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_aipm.records import (
    Audit,
    AuditGroup,
    Finding,
    RunInfo,
)
from pytest_aipm.report.answer import Answer
from pytest_aipm.report.clauses import ClauseRow, clause_rows, pack_facts
from pytest_aipm.report.finding_view import MOST_GROUPS, FindingView, href_to
from pytest_aipm.report.ranking import worst
from pytest_aipm.report.sentences import (
    headline,
    tally,
    urgent_waivers,
)
from pytest_aipm.report.words import (
    RUN_WORDS,
    TIMES,
    count,
    day,
    group_name,
    listed,
    percent,
    plural,
)

__all__ = ["AuditView", "GroupTable"]

Fact = tuple[str, str, str]
"""Name, value, and a second line in small letters."""


def _short(sha256: str | None) -> str:
    return f"sha256 {sha256[:12]}" if sha256 else ""


def _found(finding: Finding) -> str:
    answer = Answer(finding)
    return " ".join(filter(None, (answer.plain, answer.change)))


@dataclass(frozen=True)
class GroupTable:
    """The groups of one set of attributes, with their share of all rows."""

    name: str
    rows: tuple[tuple[str, int, str, str, str], ...]
    """Name, people, share of rows, positives, note."""
    positives: bool
    more: int = 0
    repeated: bool = False
    """Whether people have several rows, so that rows are counted."""


def _group_tables(audit: Audit) -> list[GroupTable]:
    orders = {frozenset(finding.scope): finding.scope for finding in audit.findings}
    tables: dict[tuple[str, ...], list[AuditGroup]] = {}
    for group in audit.groups:
        order = orders.get(frozenset(group.group), tuple(sorted(group.group)))
        tables.setdefault(order, []).append(group)
    made = []
    for attributes, groups in tables.items():
        total = sum(group.n for group in groups) or 1
        rows = []
        for group in groups[:MOST_GROUPS]:
            small = min(group.n, group.people or group.n) < audit.policy.min_cell
            note = f"fewer than {audit.policy.min_cell} people" if small else ""
            positives = "withheld" if group.positives is None else count(group.positives)
            name = group_name(group.group, attributes)
            rows.append((name, group.n, percent(group.n / total), positives, note))
        known = any(group.positives is not None for group in groups)
        more = max(len(groups) - MOST_GROUPS, 0)
        repeated = any(group.people is not None for group in groups)
        name = TIMES.join(attributes) or "all rows"
        made.append(GroupTable(name, tuple(rows), known, more, repeated))
    return made


@dataclass(frozen=True)
class AuditView:
    """One policy's part, ready to print."""

    audit: Audit
    findings: tuple[FindingView, ...]
    prefix: str
    run: RunInfo

    @property
    def name(self) -> str:
        """Name of the policy."""
        return self.audit.policy.name

    @property
    def word(self) -> str:
        """Verdict in capitals."""
        return RUN_WORDS[self.audit.verdict]

    @property
    def verdict(self) -> str:
        """Verdict as a CSS class."""
        return self.audit.verdict.value

    @property
    def headline(self) -> str:
        """How many of how many do what."""
        return headline(self.audit.findings, self.audit.verdict)

    @property
    def worst(self) -> FindingView | None:
        """What to read first."""
        first = worst(self.audit.findings)
        return next((view for view in self.findings if view.finding is first), None)

    @property
    def worst_text(self) -> str:
        """The worst finding in plain words, with its change."""
        first = worst(self.audit.findings)
        return "" if first is None else _found(first)

    def anchor(self, name: str) -> str:
        """Return the id of one of its sections."""
        return f"{self.prefix}{name}"

    def href(self, name: str) -> str:
        """Return the link to one of its sections."""
        return href_to(self.anchor(name))

    @property
    def purpose(self) -> str:
        """Why the model exists, in the policy's words."""
        return str(self.audit.context.get("purpose") or "")

    @property
    def facts(self) -> list[Fact]:
        """Who, what, against what and how."""
        return [*_identity(self.audit), _run(self.run)]

    @property
    def reading(self) -> str:
        """How positive, favorable and decision were read."""
        return self.audit.subject.reading if self.audit.subject else ""

    @property
    def weak(self) -> list[tuple[str, str]]:
        """What weakened the gate: what, and who answers for it."""
        weakened = self.audit.baseline.weakened if self.audit.baseline else ()
        said = [(text, "since the approved baseline") for text in weakened]
        for item in self.audit.policy.loosened:
            line = f", line {item.line}" if item.line else ""
            said.append((f"{item.check_id}: {item.what}", f"{item.reason} ({item.owner}{line})"))
        return said

    @property
    def notes(self) -> list[str]:
        """What the first screen must say beside the verdict."""
        return [*self.audit.warnings, *urgent_waivers(self.audit)]

    @property
    def clauses(self) -> list[ClauseRow]:
        """What each rule asks, and what was found."""
        return clause_rows(self.audit, self.findings)

    @property
    def packs(self) -> list[tuple[str, str]]:
        """The packs that the policy stands on."""
        return pack_facts(self.audit)

    @property
    def changed(self) -> list[tuple[str, list[FindingView]]]:
        """Findings that moved since the baseline, by verdict on the change."""
        names = {"worse": "Worse", "better": "Better"}
        groups = []
        for verdict, name in names.items():
            moved = [v for v in self.findings if v.moved == verdict]
            if moved:
                groups.append((name, moved))
        return groups

    @property
    def unmoved(self) -> str:
        """How many findings did not move, and how many were not compared."""
        same = sum(v.moved == "same" for v in self.findings)
        unclear = sum(v.moved == "not shown" for v in self.findings)
        without = sum(not v.moved for v in self.findings)
        said = [f"{plural(same, 'check')} no worse"] if same else []
        said += [f"{plural(unclear, 'change')} not shown"] if unclear else []
        said += [f"{plural(without, 'check')} not compared"] if without else []
        return listed(said)

    @property
    def tables(self) -> list[GroupTable]:
        """Its groups."""
        return _group_tables(self.audit)

    @property
    def versions(self) -> str:
        """Versions of what computed it."""
        return ", ".join(f"{name} {v}" for name, v in sorted(self.run.versions.items()))

    @property
    def confidence(self) -> str:
        """The confidence of every interval, where all have the same."""
        levels = {f.confidence for f in self.audit.findings if f.interval is not None}
        only = levels.pop() if len(levels) == 1 else None
        return "" if only is None else percent(only)

    @property
    def methods(self) -> list[tuple[str, str]]:
        """Each way an interval was made, and by which checks."""
        used: dict[str, list[str]] = {}
        for finding in self.audit.findings:
            if finding.method and finding.check_id not in used.setdefault(finding.method, []):
                used[finding.method].append(finding.check_id)
        return [(method, ", ".join(ids)) for method, ids in used.items()]

    @property
    def false_fails(self) -> str:
        """How many false fails this policy may show, at most, on average."""
        alphas = [
            1 - f.confidence
            for f in self.audit.findings
            if f.kind == "sample" and f.decide_on == "interval" and f.confidence is not None
        ]
        return f"{sum(alphas):.2f}" if alphas else ""

    @property
    def chips(self) -> list[tuple[str, str, int]]:
        """The choices of the filter: class, name, how many."""
        found = tally(self.audit.findings)
        groups = (
            ("all", "All", tuple(found)),
            ("bad", "Failing", ("fail", "error")),
            ("unsure", "Undecided", ("inconclusive", "warn", "waived")),
            ("good", "Passing", ("pass",)),
            ("none", "Not judged", ("not_judged",)),
        )
        made = [(k, name, sum(found.get(v, 0) for v in of)) for k, name, of in groups]  # type: ignore[call-overload]
        return [chip for chip in made if chip[2] or chip[0] == "all"]

    @property
    def many_views(self) -> bool:
        """Whether a filter has anything to choose."""
        return len(self.chips) > 2


def _identity(audit: Audit) -> Iterable[Fact]:
    owner = audit.context.get("owner")
    if owner:
        yield "Owner", str(owner), ""
    policy = audit.policy
    base = f", extends {', '.join(policy.extends)}" if policy.extends else ""
    yield "Policy", policy.path, f"{_short(policy.sha256)}{base}"
    subject = audit.subject
    if subject is not None:
        trusted = f"trusted: {subject.model.trusted_by}" if subject.model.trusted_by else ""
        small = ", ".join(filter(None, (_short(subject.model.sha256), trusted)))
        yield "Model", f"{subject.model.ref} ({subject.model.kind})", small
        rows = f"{count(subject.data.rows)} rows" if subject.data.rows is not None else ""
        yield "Data", subject.data.ref, ", ".join(filter(None, (rows, _short(subject.data.sha256))))
    if audit.baseline is None:
        yield "Baseline", "none", "nothing to compare with"
    else:
        approved = audit.baseline.approved
        small = f"by {approved.by}: {approved.reason}"
        yield "Baseline", f"approved {day(approved.when)}", small


def _run(run: RunInfo) -> Fact:
    own = run.versions.get("pytest-aipm", "")
    commit = f"commit {run.commit[:12]}, " if run.commit else ""
    return "Run", f"{commit}seed {run.seed}", f"pytest-aipm {own}" if own else ""
