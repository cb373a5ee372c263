"""What the templates are given for one policy: who, what, how many, and its findings."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_aipm.records import (
    Audit,
    DataInfo,
    Finding,
    RunInfo,
)
from pytest_aipm.report.answer import Answer, stopped
from pytest_aipm.report.clauses import ClauseRow, clause_rows, pack_facts
from pytest_aipm.report.context_view import (
    Change,
    Family,
    Promise,
    changed,
    changes_line,
    claims_line,
    families,
    promises,
    untested_line,
)
from pytest_aipm.report.finding_view import FindingView, href_to
from pytest_aipm.report.groups_view import GroupTable, gaps, group_tables, label_rate, period
from pytest_aipm.report.ranking import worst
from pytest_aipm.report.sentences import (
    headline,
    tally,
    urgent_waivers,
)
from pytest_aipm.report.words import (
    RUN_WORDS,
    count,
    day,
    listed,
    percent,
    plural,
)

__all__ = ["AuditView", "Fact"]


LONGEST = 90
"""Characters of a name that is read aloud."""
SHORT = 60
"""Characters of the second line of a fact."""


@dataclass(frozen=True)
class Fact:
    """One fact of the first screen: name, value, a second line in small letters, and a link."""

    name: str
    value: str
    small: str = ""
    href: str = ""


NO_BASELINE = "There is no approved baseline, so nothing is known about change; this creates one:"


def _short(sha256: str | None) -> str:
    return f"sha256 {sha256[:8]}" if sha256 else ""


def _found(finding: Finding) -> str:
    answer = Answer(finding)
    return " ".join(filter(None, (answer.plain, answer.change)))


@dataclass(frozen=True)
class AuditView:
    """One policy's part, ready to print."""

    audit: Audit
    findings: tuple[FindingView, ...]
    prefix: str
    run: RunInfo
    partial: bool = False
    seconds: float | None = None

    @property
    def name(self) -> str:
        """Name of the policy."""
        return self.audit.policy.name

    @property
    def label(self) -> str:
        """The name, short enough to be read aloud."""
        return self.name if len(self.name) <= LONGEST else f"{self.name[: LONGEST - 1]}…"

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
    def owner(self) -> str:
        """Who answers for it, in the policy's words."""
        return str(self.audit.context.get("owner") or "").strip()

    @property
    def facts(self) -> list[Fact]:
        """Who, what, against what and how; what changed, what was not asked, what was promised."""
        made = [*_identity(self.audit), _run(self.run, self.seconds)]
        made.append(Fact("Changed", *changes_line(self.audit, self.findings), self.href("changed")))
        if self.has_untested:
            made.append(Fact("Untested", *untested_line(self.audit), self.href("not-tested")))
        if self.audit.claims:
            made.append(Fact("Promises", *claims_line(self.audit.claims), self.href("claims")))
        return made

    @property
    def card(self) -> list[Fact]:
        """The facts that an overview of several policies has room for."""
        wanted = ("Owner", "Changed", "Untested", "Promises")
        return [fact for fact in self.facts if fact.name in wanted]

    @property
    def promises(self) -> list[Promise]:
        """The claims of the context, broken ones first."""
        return promises(self.audit, self.findings)

    @property
    def reading(self) -> str:
        """How positive, favorable and decision were read."""
        return stopped(self.audit.subject.reading) if self.audit.subject else ""

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
    def changed(self) -> list[Change]:
        """What changed since the baseline, the worst first."""
        return changed(self.audit, self.findings)

    @property
    def unchanged(self) -> str:
        """Why nothing, or not all, can be said about change; empty where all is said."""
        if self.audit.baseline is None:
            return "" if "::" in self.audit.policy.path else NO_BASELINE
        whole = self.audit.baseline.changes is not None or not self.partial
        return "" if whole else "The run is partial: which checks are gone is not known."

    @property
    def approve(self) -> str:
        """The command that creates a baseline."""
        run = self.run.command
        whole = run.startswith("pytest ") and not self.partial  # a selection approves nothing
        return f"{run if whole else 'pytest --aipm-audit'} --aipm-update-baseline"

    @property
    def clauses(self) -> list[ClauseRow]:
        """What each rule asks, and what was found."""
        return clause_rows(self.audit, self.findings)

    @property
    def packs(self) -> list[tuple[str, str]]:
        """The packs that the policy stands on."""
        return pack_facts(self.audit)

    @property
    def unmoved(self) -> str:
        """How many findings did not move, and how many were not compared."""
        same = sum(v.moved == "same" for v in self.findings)
        unclear = sum(v.moved in ("not shown", "same value") for v in self.findings)
        without = sum(not v.moved for v in self.findings)
        said = [f"{plural(same, 'check')} no worse"] if same else []
        said += [f"{plural(unclear, 'change')} not shown"] if unclear else []
        said += [f"{plural(without, 'check')} not compared"] if without else []
        return listed(said)

    @property
    def tables(self) -> list[GroupTable]:
        """Its groups."""
        return group_tables(self.audit)

    @property
    def about_rows(self) -> list[str]:
        """Of when the rows are, how many are positive, and what they lack."""
        data = None if self.audit.subject is None else self.audit.subject.data
        when = "" if data is None else period(data)
        said = [f"Rows: {when}.", label_rate(self.audit), *gaps(self.audit)]
        return [each for each in said[not when :] if each]

    @property
    def families(self) -> list[Family]:
        """The checks that are left out."""
        return families(self.audit)

    @property
    def has_untested(self) -> bool:
        """Whether anything is known to be left out."""
        return bool(self.audit.not_tested or self.audit.undeclared)

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
    def rerun(self) -> tuple[str, str]:
        """What stands before and behind a node in the command that runs just this one."""
        run = self.run.command if self.run.command.startswith("pytest ") else "pytest --aipm-audit"
        path = self.audit.policy.path.partition("::")[0]
        quoted = shlex.quote(path)
        if quoted == path:
            return f"{run} {path}::", ""
        mark = "'" if set(path) & set('"$`\\!') else '"'
        inside = path.replace("'", "'\"'\"'") if mark == "'" else path
        return f"{run} {mark}{inside}::", mark

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
    owner = str(audit.context.get("owner") or "").strip()
    yield Fact("Owner", owner or "nobody is named")
    policy = audit.policy
    base = f", on {', '.join(policy.extends)}" if policy.extends else ""
    yield Fact("Policy", policy.path, f"{_short(policy.sha256)}{base}")
    subject = audit.subject
    if subject is not None:
        trusted = f"trusted: {subject.model.trusted_by}" if subject.model.trusted_by else ""
        small = ", ".join(filter(None, (_short(subject.model.sha256), trusted)))
        yield Fact("Model", f"{subject.model.ref} ({subject.model.kind})", small)
        rows = f" ({count(subject.data.rows)} rows)" if subject.data.rows is not None else ""
        yield Fact("Data", f"{subject.data.ref}{rows}", _data(subject.data))
    if audit.baseline is None:
        champion = any(f.baseline and f.baseline.against == "champion" for f in audit.findings)
        small = "compared with the champion model" if champion else "nothing to compare with"
        yield Fact("Baseline", "none", small)
    else:
        approved = audit.baseline.approved
        small = f"by {approved.by}: {approved.reason}"
        if len(small) > SHORT:  # the whole reason stands under "What changed"
            small = f"by {approved.by}"
        yield Fact("Baseline", f"approved {day(approved.when)}", small)


def _data(data: DataInfo) -> str:
    return ", ".join(filter(None, (period(data), _short(data.sha256))))


def _run(run: RunInfo, seconds: float | None) -> Fact:
    own = run.versions.get("pytest-aipm", "")
    commit = f"commit {run.commit[:12]}, " if run.commit else ""
    took = "" if seconds is None else f"took {seconds:,.1f} s"
    small = ", ".join(filter(None, (f"pytest-aipm {own}" if own else "", took)))
    return Fact("Run", f"{commit}seed {run.seed}", small)
