"""What the templates are given for one finding: strings and charts, nothing left to decide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from markupsafe import Markup

from pytest_aipm.records import (
    Audit,
    Finding,
    Formula,
    GroupValue,
)
from pytest_aipm.report.answer import SPELLED_OUT, Answer, stopped
from pytest_aipm.report.charts import Row, spark
from pytest_aipm.report.figure import MOST_GROUPS, Figure, figures_of, sorted_groups
from pytest_aipm.report.points import PointTable, point_tables
from pytest_aipm.report.prose import Block, prose
from pytest_aipm.report.ratios import impact_ratios, name_of
from pytest_aipm.report.words import (
    DASH,
    VERDICT_WORDS,
    WITHHELD,
    Figures,
    count,
    limit_text,
    listed,
    percent,
)

__all__ = ["FindingView", "anchor_of", "href_to"]

MOST_LINES = 14
_FREQUENCY = re.compile(r" of 10[0,]")


def anchor_of(check: str) -> str:
    """Return the id of the place where a page explains a check."""
    return f"about-{check}"


def href_to(anchor: str) -> str:
    """Return the link to an id of this page."""
    return "#" + quote(anchor, safe=":.-_~!$&'()*+,;=@/?")


@dataclass(frozen=True)
class FindingView:
    """One finding, ready to print.

    `first` is whether its check is explained here, else `explained_at` links to where it is.
    `known` are facts that stand there.
    `asked_at` links to the block that shows the policy's lines, when another one does.
    `confidence` is that of every interval of the audit, where all have the same.
    """

    finding: Finding
    audit: Audit
    first: bool
    open: bool
    explained_at: str
    known: tuple[tuple[str, str], ...]
    asked_at: str
    confidence: float | None = None

    @cached_property
    def answer(self) -> Answer:
        """The finding as it reads."""
        return Answer(self.finding)

    @property
    def shown(self) -> Figures:
        """How its numbers are printed."""
        return self.answer.shown

    @property
    def href(self) -> str:
        """Link to the block."""
        return href_to(self.finding.id)

    @property
    def verdict(self) -> str:
        """Verdict as a CSS class."""
        return self.finding.verdict.value

    @property
    def word(self) -> str:
        """Verdict in words."""
        return VERDICT_WORDS[self.finding.verdict]

    @property
    def named(self) -> str:
        """Check and scope, as a heading names them."""
        return f"{self.finding.check_id} {self.answer.where}"

    @property
    def title(self) -> str:
        """What the check measures, in a line."""
        docs = self.finding.docs
        return docs.title.rstrip(".") if docs and docs.title else self.finding.check

    @property
    def titled(self) -> bool:
        """Whether the table of checks says what it measures: no row above has said it."""
        return self.first or self.finding.docs is None

    @property
    def question(self) -> str:
        """The check's question in words, where this is the first finding of its check."""
        docs = self.finding.docs
        return docs.question.strip() if self.first and docs else ""

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
        """The verdict on the change: worse, better, same, same value, not shown."""
        old = self.finding.baseline
        if old is None:
            return ""
        if old.verdict == "inconclusive":
            return "same value" if old.delta == 0 else "not shown"
        return old.verdict

    @property
    def told(self) -> str:
        """The verdict on the change, where the change does not say it itself."""
        return "" if self.moved == "same value" else self.moved

    @property
    def spark(self) -> Markup:
        """The value against its limit, small."""
        low, high = self.finding.interval or (None, None)
        row = Row("", self.finding.value, low, high, shape=self.finding.verdict)
        return Markup(spark(row, self.finding.limit))  # noqa: S704 - numbers only

    @property
    def figures(self) -> list[Figure]:
        """The charts."""
        return list(figures_of(self.answer, self.groups))

    @property
    def in_people(self) -> str:
        """The finding in natural frequencies, where it has them and its reason has not."""
        text, reason = self.answer.effect, self.finding.reason
        return text if _FREQUENCY.search(text) and not _FREQUENCY.search(reason) else ""

    @property
    def reason(self) -> str:
        """The answer in a sentence."""
        return stopped(self.finding.reason)

    @property
    def after(self) -> str:
        """What else is to be said: the change, and what would settle it."""
        return self.answer.untold

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Everything that was computed, by name."""
        return [fact for fact in self._facts if fact not in self.known]

    @property
    def explained(self) -> tuple[tuple[str, str], ...]:
        """What of it later findings of the check need not say again: how it is computed."""
        names = ("Formula", "Method", self.answer.quantity)
        return tuple(fact for fact in self._facts if fact[0] in names)

    @cached_property
    def _facts(self) -> list[tuple[str, str]]:
        return list(_facts(self.answer, self.audit, self.confidence))

    @cached_property
    def groups(self) -> list[GroupValue]:
        """Its groups, lowest rate first."""
        return sorted_groups(self.answer)

    @cached_property
    def ratios(self) -> dict[str, float]:
        """Each group's rate over the comparator's, for checks of a ratio."""
        return impact_ratios(self.finding)

    @property
    def more_rows(self) -> int:
        """How many groups the table leaves out."""
        return len(self.groups) - len(self._tabled)

    @cached_property
    def _tabled(self) -> list[GroupValue]:
        """The lowest rates, and those that make the value."""
        rest = (group for group in self.groups[MOST_GROUPS:] if self.answer.decides(group))
        return [*self.groups[:MOST_GROUPS], *rest]

    @property
    def rows(self) -> Iterator[tuple[str, str, Markup, str]]:
        """The rows of its table: name, rate, cells of numbers, note."""
        for group in self._tabled:
            note = (group.note or ("" if group.judged else "not judged")) if self.noted else ""
            cells = "".join(f"<td>{cell}" for cell in self._cells(group))
            # numbers and words of ours: nothing to escape
            yield self.answer.name(group), group.part.replace("_", " "), Markup(cells), note  # noqa: S704

    def _cells(self, group: GroupValue) -> Iterator[str]:
        if self.people:
            yield count(group.n)
        if self.counted:
            yield self.of(group)
        yield self.rate(group)
        yield self.shown.interval(group.interval)
        if self.ratios:
            found = self.ratios.get(name_of(group))
            yield DASH if found is None else f"{found:.2f}"

    def rate(self, group: GroupValue) -> str:
        """Return a group's rate, or why there is none."""
        if group.value is None:
            return "withheld" if group.note.startswith(WITHHELD) else "none"
        return self.shown(group.value)

    def of(self, group: GroupValue) -> str:
        """Return ``187 of 398``, exact counts, when the rate has them."""
        events, rows = group.counts
        if events is None or rows is None:
            return "withheld" if group.note.startswith(WITHHELD) else DASH
        return f"{count(events)} of {count(rows)}"

    @cached_property
    def noted(self) -> bool:
        """Whether any group has a note."""
        return any(g.note or not g.judged for g in self.finding.groups)

    @cached_property
    def counted(self) -> bool:
        """Whether any group has exact counts."""
        return any(g.numerator is not None for g in self.finding.groups)

    @cached_property
    def people(self) -> bool:
        """Whether groups have people beyond those the rate is out of."""
        return not self.counted or any(g.counts[1] != g.n for g in self.finding.groups)

    @cached_property
    def repeated(self) -> bool:
        """Whether people have several rows, so that n counts rows."""
        return any(g.people is not None for g in self.finding.groups)

    @property
    def tables(self) -> list[PointTable]:
        """The series whose points are printed."""
        return list(point_tables(self.finding.series))

    @cached_property
    def lines(self) -> str:
        """The policy's lines that asked for this."""
        return _policy_lines(self.audit.policy.text, self.finding.policy_line)

    @property
    def links(self) -> list[tuple[str, str]]:
        """Where the check, its formula and the policy's line are explained: link and words."""
        line = f"line {self.finding.policy_line} of the policy" if self.lines else ""
        line = line if self.asked_at else ""
        if self.first:
            about = href_to(anchor_of(self.finding.check))
            made = [(about, "About this check")] if self.finding.docs else []
            return [*made, (self.asked_at, line)] if line else made
        here = line if self.asked_at == self.explained_at else ""
        same = {name for name, _ in {*self.known}.intersection(self._facts)}
        words = (*(n.lower() for n in ("Formula", "Method") if n in same), here, "when it misleads")
        made = [(self.explained_at, f"Question, {listed(filter(None, words))}")]
        return [*made, (self.asked_at, line)] if line and not here else made

    @property
    def node(self) -> str:
        """Its node id below the file, which `AuditView.rerun` has."""
        return self.finding.nodeid.partition("::")[2]

    @property
    def misleads(self) -> list[Block]:
        """When the check misleads, where this is the first finding of its check."""
        docs = self.finding.docs
        return prose(docs.misleads) if self.first and docs is not None else []


def _facts(answer: Answer, audit: Audit, confidence: float | None) -> Iterator[tuple[str, str]]:
    """Yield what else was computed, by name; empty facts are left out.

    Value, interval and limit stand in the block's head and in the table of all checks; what holds
    for every check of the audit stands beside that table and in the section on method.
    """
    finding, shown = answer.finding, answer.shown
    formula = finding.formula or Formula(id="")
    decided = _DECIDED[finding.decide_on]
    if finding.confidence is not None and answer.interval not in (DASH, WITHHELD):
        decided += f", {percent(finding.confidence)} bounds"
    if finding.decide_on == "interval" and finding.confidence in (None, confidence):
        decided = ""
    subject = audit.subject
    every = subject is not None and finding.n == subject.data.rows
    positive = subject is not None and formula.positive == subject.positive
    caught = ""
    if finding.detectable is not None and finding.detectable.gap is not None:
        group = f" ({finding.detectable.group})" if finding.detectable.group else ""
        beyond = " beyond the limit" if finding.detectable.beyond else ""
        caught = f"{shown(finding.detectable.gap)}{beyond}{group}"
    needed = finding.rows_needed.total if finding.rows_needed is not None else None
    facts = (
        ("Warns at", limit_text(finding.warn)),
        ("Decided by", decided),
        ("Because", _BECAUSE.get(answer.because, answer.because)),
        ("Severity", finding.severity if finding.severity == "advice" else ""),
        ("Unit", shown.unit),
        (answer.quantity, SPELLED_OUT.get(answer.quantity, "")),
        ("Formula", f"{formula.numerator} / {formula.denominator}".strip(" /")),
        ("Positive", "" if positive else formula.positive),
        ("Rows", "" if every else _rows(finding.n, formula.population)),
        ("Compared with", "" if formula.reference == "all pairs" else formula.reference),
        ("Change", _change(finding, shown)),
        ("Caught in 8 of 10 samples", caught),
        ("Rows that would settle it", count(needed)),
        ("Method", finding.method),
        ("Clauses", ", ".join(finding.clauses)),
    )
    return ((name, text) for name, text in facts if text not in ("", DASH))


_BECAUSE = {"limit": "", "error": "", "regression": "the change, not the level"}
"""What the answer's sentence says already is not said again."""


def _rows(n: int, population: str) -> str:
    if population.startswith(f"{count(n)} "):
        return population.replace(" rows with a known group; ", ", ")
    return f"{count(n)} ({population})" if population else count(n)


_DECIDED = {
    "interval": "the interval",
    "point": "the value alone",
    "proof": "proof: only an interval inside the limit passes",
}


def _change(finding: Finding, shown: Figures) -> str:
    """Return the change since the baseline with all that was computed about it."""
    old = finding.baseline
    if old is None:
        return ""
    ends = shown.interval(old.interval)
    between = f" ({ends})" if ends != DASH else ""
    group = f" for {old.group}" if old.group else ""
    tolerance = f" ({old.tolerance})" if old.tolerance else ""
    told = "not shown" if old.verdict == "inconclusive" else old.verdict
    said = [
        f"{old.against} {shown(old.value)}",
        f"{shown(old.delta, signed=True)}{between}, {told}{group}",
        f"{shown(old.limit)} is allowed{tolerance}" if old.limit is not None else "",
        "compared on the same rows" if old.paired else "",
        "" if old.note.startswith(("two samples", "the same rows")) else old.note,
    ]
    return "; ".join(filter(None, said))


def _policy_lines(text: str, line: int | None) -> str:
    """Return the item of the policy that starts at `line`, without its indent."""
    lines = text.splitlines()
    if line is None or not 0 < line <= len(lines):
        return ""
    kept = [lines[line - 1]]
    depth = len(kept[0]) - len(kept[0].lstrip())
    for following in lines[line : line + MOST_LINES - 1]:
        indent = len(following) - len(following.lstrip())
        if not following.strip() or indent <= depth:
            break
        kept.append(following)
    return "\n".join(one[depth:] for one in kept)
