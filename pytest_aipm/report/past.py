"""Earlier releases as they may be published: the line of a run, and what a page draws of others.

A record withholds its small cells by itself. Two records over nearly the same people can give
away what neither does alone: the same model on three more rows is a rate of three people. So a
number of an earlier run goes where this run withholds its own, and where both tell different
things of the same people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_aipm.records import (
    Audit,
    Finding,
    HistoryLine,
    PastAudit,
    PastFinding,
    Record,
    Release,
)
from pytest_aipm.report.plain import clip, plain_line
from pytest_aipm.report.words import WITHHELD

__all__ = ["history_line", "published_releases"]

WIDEST_LABEL = 60


def history_line(
    published: Record, *, label: str, earlier: Sequence[HistoryLine] = ()
) -> HistoryLine | None:
    """Return what the history file holds of a run; None when no policy file was audited.

    Parameters
    ----------
    published : Record
        A record from which small cells are withheld already, by `publishable`.
    label : str
        What people call the run: a tag, else a commit or a date.
    earlier : sequence of HistoryLine
        The lines before it. A number that differs from theirs, of the same people, is left out.
    """
    run = published.run
    small = {audit.policy.name: audit.policy.min_cell for audit in published.audits}
    audits = [_past(a) for a in published.audits if "::" not in a.policy.path]
    if not audits:
        return None
    for line in earlier:
        then = {audit.name: audit for audit in line.policies}
        audits = [
            _apart(audit, then[audit.name])
            if audit.name in then
            and _same_people(audit, run.commit, then[audit.name], line.commit, small[audit.name])
            else audit
            for audit in audits
        ]
    return HistoryLine(
        digest=published.digest,
        started=run.started,
        commit=run.commit,
        label=clip(plain_line(label), WIDEST_LABEL),
        version=run.versions.get("pytest-aipm", ""),
        policies=tuple(audits),
    )


def published_releases(audit: Audit, commit: str | None) -> tuple[Release, ...]:
    """Return the releases of an audit whose own findings are already as they are published."""
    if not audit.releases:
        return ()
    now, small = _past(audit), audit.policy.min_cell
    gone = {finding.id: _gone(finding) for finding in audit.findings}
    releases = []
    for release in audit.releases:
        then = release.audit
        if _same_people(then, release.commit, now, commit, small):
            then = _apart(then, now)
        findings = [_without(past, *gone.get(past.id, (False, False))) for past in then.findings]
        then = then.model_copy(update={"findings": tuple(findings)})
        releases.append(release.model_copy(update={"audit": then}))
    return tuple(releases)


def _past(audit: Audit) -> PastAudit:
    subject = audit.subject
    return PastAudit(
        name=audit.policy.name,
        policy=audit.policy.sha256,
        verdict=audit.verdict,
        ref="" if subject is None else subject.model.ref,
        model=None if subject is None else subject.model.sha256,
        data=None if subject is None else subject.data.sha256,
        rows=None if subject is None else subject.data.rows,
        decision="" if subject is None else subject.decision,
        findings=tuple(map(_finding, audit.findings)),
    )


def _finding(finding: Finding) -> PastFinding:
    return PastFinding(
        id=finding.id,
        verdict=finding.verdict,
        value=finding.value,
        interval=finding.interval,
        limit=finding.limit,
        unit=finding.unit,
    )


def _gone(finding: Finding) -> tuple[bool, bool]:
    """Return whether value and interval are withheld."""
    if not any(note.startswith(WITHHELD) for note in finding.notes):
        return False, False
    return finding.value is None, finding.interval is None


def _same_people(
    one: PastAudit, commit: str | None, other: PastAudit, then: str | None, min_cell: int
) -> bool:
    """Return whether both are one model and rule on the same rows, or all but a few of them.

    A model without a hash is made by the project's code: its commit tells which one it is.
    """
    models = [a.model or (a.ref, made) for a, made in ((one, commit), (other, then))]
    if models[0] != models[1] or one.decision != other.decision:
        return False
    if one.data is not None and one.data == other.data:
        return True
    return None not in (one.rows, other.rows) and 0 < abs(one.rows - other.rows) < min_cell  # type: ignore[operator]


def _apart(audit: PastAudit, other: PastAudit) -> PastAudit:
    """Return an audit without the numbers that differ from the other's."""
    told = {finding.id: finding for finding in other.findings}
    return audit.model_copy(update={"findings": tuple(_unequal(audit.findings, told))})


def _unequal(
    findings: Iterable[PastFinding], told: dict[str, PastFinding]
) -> Iterable[PastFinding]:
    for one in findings:
        other = told.get(one.id)
        if other is None:
            yield one
            continue
        value = None not in (one.value, other.value) and one.value != other.value
        ends = None not in (one.interval, other.interval) and one.interval != other.interval
        yield _without(one, value, ends)


def _without(finding: PastFinding, value: bool, interval: bool) -> PastFinding:
    if value:
        return finding.model_copy(update={"value": None, "interval": None})
    return finding.model_copy(update={"interval": None}) if interval else finding
