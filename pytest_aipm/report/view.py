"""What the page's templates are given: strings and charts, nothing left to decide."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from markupsafe import Markup

from pytest_aipm.records import (
    Audit,
    AuditGroup,
    Docs,
    Finding,
    GroupValue,
    Record,
    RunInfo,
    RunVerdict,
)
from pytest_aipm.records import Series as RecordSeries
from pytest_aipm.report.charts import Row, spark
from pytest_aipm.report.figure import Figure, figures_of, sorted_groups
from pytest_aipm.report.prose import Block, prose
from pytest_aipm.report.ranking import ranked, worst
from pytest_aipm.report.sentences import (
    LEGAL,
    because,
    change,
    effect,
    headline,
    missing_sentence,
    settle,
    tally,
)
from pytest_aipm.report.suppression import WITHHELD
from pytest_aipm.report.words import (
    DASH,
    MARKS,
    RUN_WORDS,
    TIMES,
    VERDICT_WORDS,
    Figures,
    count,
    day,
    figures,
    group_name,
    limit_text,
    listed,
    percent,
    plural,
    scope_name,
)

__all__ = ["AuditView", "FindingView", "GroupTable", "Page", "page_of"]

MOST_GROUPS = 200
"""Rows of a group table; `audit.json` holds them all."""
MOST_POINTS = 60
MOST_LINES = 14

_FREQUENCY = re.compile(r" of 10[0,]")
Fact = tuple[str, str, str]
"""Name, value, and a second line in small letters."""


def _href(anchor: str) -> str:
    return "#" + quote(anchor, safe=":.-_~!$&'()*+,;=@/?")


def _short(sha256: str | None) -> str:
    return f"sha256 {sha256[:12]}" if sha256 else ""


@dataclass(frozen=True)
class FindingView:
    """One finding, ready to print. `first` is whether its check is explained here."""

    finding: Finding
    audit: Audit
    first: bool
    open: bool

    @cached_property
    def shown(self) -> Figures:
        """How its numbers are printed."""
        return figures(self.finding)

    @property
    def href(self) -> str:
        """Link to the block."""
        return _href(self.finding.id)

    @property
    def verdict(self) -> str:
        """Verdict as a CSS class."""
        return self.finding.verdict.value

    @property
    def mark(self) -> str:
        """Shape of the verdict."""
        return MARKS[self.finding.verdict]

    @property
    def word(self) -> str:
        """Verdict in words."""
        return VERDICT_WORDS[self.finding.verdict]

    @property
    def scope(self) -> str:
        """What it is split by."""
        return scope_name(self.finding.scope)

    @property
    def title(self) -> str:
        """What the check measures, in a line."""
        docs = self.finding.docs
        return docs.title.rstrip(".") if docs and docs.title else self.finding.check

    @property
    def question(self) -> str:
        """The check's question in words."""
        docs = self.finding.docs
        return docs.question.strip() if docs and docs.question.strip() else f"{self.title}?"

    def _absent(self, *, judged: bool) -> str:
        cells = [g for g in self.finding.groups if g.note.startswith(WITHHELD)]
        return "withheld" if any(g.judged or not judged for g in cells) or self._few else DASH

    @property
    def _few(self) -> bool:
        return any("withheld" in note for note in self.finding.notes)

    @property
    def value(self) -> str:
        """The value, or why there is none."""
        if self.finding.value is None:
            return self._absent(judged=False)
        return self.shown(self.finding.value)

    @property
    def interval(self) -> str:
        """The interval, or why there is none."""
        text = self.shown.interval(self.finding.interval)
        return self._absent(judged=True) if text == DASH and self._few else text

    @property
    def limit(self) -> str:
        """The limit with its sign."""
        return limit_text(self.finding.limit)

    @property
    def delta(self) -> str:
        """The change since what it is compared with."""
        old = self.finding.baseline
        return DASH if old is None else self.shown(old.delta, signed=True)

    @property
    def moved(self) -> str:
        """The verdict on the change: worse, better, same, not shown."""
        old = self.finding.baseline
        if old is None:
            return ""
        return "not shown" if old.verdict == "inconclusive" else old.verdict

    @property
    def spark(self) -> Markup:
        """The value against its limit, small."""
        low, high = self.finding.interval or (None, None)
        row = Row("", self.finding.value, low, high, shape=self.finding.verdict)
        return Markup(spark(row, self.finding.limit))  # noqa: S704 - numbers only

    @property
    def figures(self) -> list[Figure]:
        """The charts."""
        return list(figures_of(self.finding))

    @property
    def in_people(self) -> str:
        """The finding in natural frequencies, where it has them."""
        text = effect(self.finding)
        return text if _FREQUENCY.search(text) and not _FREQUENCY.search(self.answer) else ""

    @property
    def answer(self) -> str:
        """The answer in a sentence."""
        return self.finding.reason

    @property
    def because(self) -> str:
        """Why it is no plain pass."""
        return because(self.finding)

    @property
    def after(self) -> str:
        """What else is to be said: the change, and what would settle it."""
        return " ".join(text for text in (change(self.finding), settle(self.finding)) if text)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Everything that was computed, by name."""
        return list(_facts(self.finding, self.shown, self.value, self.interval))

    @property
    def rows(self) -> list[GroupValue]:
        """Its groups, lowest rate first."""
        return sorted_groups(self.finding)[:MOST_GROUPS]

    @property
    def more_rows(self) -> int:
        """How many groups the table leaves out."""
        return max(len(self.finding.groups) - MOST_GROUPS, 0)

    def name(self, group: GroupValue) -> str:
        """Return the name of a group."""
        return group_name(group.group)

    def rate(self, group: GroupValue) -> str:
        """Return a group's rate, or why there is none."""
        if group.value is None:
            return "withheld" if group.note.startswith(WITHHELD) else "none"
        return self.shown(group.value)

    def of(self, group: GroupValue) -> str:
        """Return ``187 of 398``, exact counts, when the rate has them."""
        if group.numerator is None or group.denominator is None:
            return "withheld" if group.note.startswith(WITHHELD) else DASH
        return f"{count(group.numerator)} of {count(group.denominator)}"

    def bounds(self, group: GroupValue) -> str:
        """Return a group's interval."""
        return self.shown.interval(group.interval)

    @property
    def noted(self) -> bool:
        """Whether any group has a note."""
        return any(g.note or not g.judged for g in self.finding.groups)

    @property
    def counted(self) -> bool:
        """Whether any group has exact counts."""
        return any(g.numerator is not None for g in self.finding.groups)

    @property
    def tables(self) -> list[RecordSeries]:
        """The series whose points are printed as a table."""
        return [s for s in self.finding.series if 0 < len(s.x) <= MOST_POINTS]

    def point(self, value: float | str | None) -> str:
        """Return a point of a series as text."""
        if value is None:
            return DASH
        return value if isinstance(value, str) else f"{value:,.6g}"

    @property
    def lines(self) -> list[tuple[int, str]]:
        """The policy's lines that asked for this."""
        return _policy_lines(self.audit.policy.text, self.finding.policy_line)

    @property
    def rerun(self) -> str:
        """The command that runs just this."""
        node = self.finding.nodeid
        plain = not set(node) & set('"$`\\!')
        return (
            f'pytest --aipm-audit "{node}"' if plain else f"pytest --aipm-audit {shlex.quote(node)}"
        )

    @property
    def misleads(self) -> list[Block]:
        """When the check misleads, where this is the first finding of its check."""
        docs = self.finding.docs
        return prose(docs.misleads) if self.first and docs is not None else []


def _facts(
    finding: Finding, shown: Figures, value: str, interval: str
) -> Iterable[tuple[str, str]]:
    yield "Value", f"{value} {shown.unit}".strip()
    if finding.interval is not None and finding.confidence is not None:
        yield f"Interval, each end a {percent(finding.confidence)} bound", interval
    elif interval != DASH:
        yield "Interval", interval
    if finding.limit is not None:
        yield "Limit", limit_text(finding.limit)
    if finding.warn is not None:
        yield "Warns at", limit_text(finding.warn)
    yield (
        "Decided by",
        {"interval": "the interval", "point": "the value alone"}.get(
            finding.decide_on, "proof: only an interval inside the limit passes"
        ),
    )
    if finding.because is not None:
        yield "Because", because(finding)
    if finding.severity == "advice":
        yield "Severity", "advice"
    yield "Rows", count(finding.n)
    if finding.formula is not None:
        formula = finding.formula
        if formula.numerator or formula.denominator:
            yield "Formula", f"{formula.numerator} / {formula.denominator}".strip(" /")
        for name, text in (
            ("Positive", formula.positive),
            ("Population", formula.population),
            ("Compared with", formula.reference),
        ):
            if text:
                yield name, text
    yield from _change_facts(finding, shown)
    if finding.detectable is not None and finding.detectable.gap is not None:
        group = f" ({finding.detectable.group})" if finding.detectable.group else ""
        yield "Smallest gap caught at 80 % power", f"{shown(finding.detectable.gap)}{group}"
    if finding.rows_needed is not None:
        yield "Rows that would settle it", count(finding.rows_needed.total)
    if finding.method:
        yield "Method", finding.method
    if finding.clauses:
        yield "Clauses", ", ".join(finding.clauses)


def _change_facts(finding: Finding, shown: Figures) -> Iterable[tuple[str, str]]:
    old = finding.baseline
    if old is None:
        return
    yield f"Value of the {old.against}", shown(old.value)
    ends = shown.interval(old.interval)
    between = f" ({ends})" if ends != DASH else ""
    pairing = "same rows" if old.paired else "two samples"
    yield "Change", f"{shown(old.delta, signed=True)}{between}, {old.verdict}, {pairing}"
    if old.limit is not None:
        yield "Change allowed", shown(old.limit)
    if old.group:
        yield "Group that changed", old.group
    if old.note:
        yield "Note on the change", old.note


def _policy_lines(text: str, line: int | None) -> list[tuple[int, str]]:
    """Return the item of the policy that starts at `line`, with its line numbers."""
    lines = text.splitlines()
    if line is None or not 0 < line <= len(lines):
        return []
    start = lines[line - 1]
    depth = len(start) - len(start.lstrip())
    kept = [(line, start)]
    for number, text_line in enumerate(lines[line : line + MOST_LINES - 1], start=line + 1):
        indent = len(text_line) - len(text_line.lstrip())
        if not text_line.strip() or indent <= depth:
            break
        kept.append((number, text_line))
    return [(number, text_line[depth:]) for number, text_line in kept]


@dataclass(frozen=True)
class GroupTable:
    """The groups of one set of attributes, with their share of all rows."""

    name: str
    rows: tuple[tuple[str, int, str, str, str], ...]
    """Name, people, share of rows, positives, note."""
    positives: bool
    more: int = 0


def _group_tables(audit: Audit) -> list[GroupTable]:
    tables: dict[tuple[str, ...], list[AuditGroup]] = {}
    for group in audit.groups:
        tables.setdefault(tuple(group.group), []).append(group)
    made = []
    for attributes, groups in tables.items():
        total = sum(group.n for group in groups) or 1
        rows = []
        for group in groups[:MOST_GROUPS]:
            small = group.n < audit.policy.min_cell
            note = f"fewer than {audit.policy.min_cell} people" if small else ""
            positives = "withheld" if group.positives is None else count(group.positives)
            name = group_name(group.group)
            rows.append((name, group.n, percent(group.n / total), positives, note))
        known = any(group.positives is not None for group in groups)
        more = max(len(groups) - MOST_GROUPS, 0)
        made.append(GroupTable(TIMES.join(attributes) or "all rows", tuple(rows), known, more))
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
        return "" if first is None else " ".join(filter(None, (effect(first), change(first))))

    def anchor(self, name: str) -> str:
        """Return the id of one of its sections."""
        return f"{self.prefix}{name}"

    def href(self, name: str) -> str:
        """Return the link to one of its sections."""
        return _href(self.anchor(name))

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
        trusted = f"trusted by {subject.model.trusted_by}" if subject.model.trusted_by else ""
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
    versions = ", ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))
    commit = f"commit {run.commit[:12]}, " if run.commit else ""
    return "Run", f"{commit}seed {run.seed}", versions


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
    def partial(self) -> str:
        """What a partial run lacks."""
        return missing_sentence(self.record)

    @property
    def title(self) -> str:
        """The document's title: the verdict first."""
        partial = "PARTIAL · " if self.record.partial else ""
        return f"{self.word} · {self.name} · {partial}{self.headline}"

    @property
    def as_of(self) -> str:
        """When the run was made."""
        return (
            day(self.record.run.started, clock=True) if self.record.run.started else "not recorded"
        )

    @property
    def valid_until(self) -> str:
        """The day the first applied waiver runs out, and which it is."""
        waivers = (w for audit in self.record.audits for w in audit.waivers)
        applied = [waiver for waiver in waivers if waiver.state == "applied"]
        if not applied:
            return "until something changes: no waiver is applied"
        first = min(applied, key=lambda waiver: waiver.expires)
        return f"until {day(first.expires)}, when waiver {first.id} runs out"

    @property
    def legal(self) -> str:
        """What this is and is not."""
        return LEGAL

    def docs(self, text: str) -> list[Block]:
        """Return a check's words as paragraphs and lists."""
        return prose(text)

    def glossary_href(self, check: str) -> str:
        """Return the link to a check's words."""
        return _href(f"about-{check}")


def page_of(record: Record) -> Page:
    """Return the page of a record that is already publishable."""
    first = worst(record.findings)
    explained: set[str] = set()
    audits = []
    many = len(record.audits) > 1
    for audit in record.audits:
        views = []
        for finding in ranked(audit.findings):
            new = finding.check not in explained and finding.docs is not None
            explained.add(finding.check)
            views.append(FindingView(finding, audit, first=new, open=finding is first))
        prefix = f"{audit.policy.name}." if many else ""
        audits.append(AuditView(audit, tuple(views), prefix, record.run))
    return Page(record, tuple(audits), tuple(_glossary(record.findings)))


def _glossary(findings: Sequence[Finding]) -> Iterable[tuple[str, str, Docs]]:
    seen: dict[str, Docs] = {}
    for finding in findings:
        if finding.docs is not None:
            seen.setdefault(finding.check, finding.docs)
    for check in sorted(seen):
        yield check, f"about-{check}", seen[check]
