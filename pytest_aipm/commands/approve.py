"""``aipm approve``: make a reviewed run the baseline, without running it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_aipm.baseline import Retraining, read_baseline, write_baseline
from pytest_aipm.clock import today
from pytest_aipm.commands.folder import read_folder
from pytest_aipm.commands.paths import here, relative
from pytest_aipm.commands.project import baseline_of, root_of
from pytest_aipm.commands.retrains import read_retrains
from pytest_aipm.commands.reviewed import refuse_unfit
from pytest_aipm.commands.say import say
from pytest_aipm.errors import BaselineError, OptionError, Problem
from pytest_aipm.records import NO_WORSE, Audit

__all__ = ["approve"]

NOT_PAIRED = (
    "pairing file not written: a report holds no rows. Later runs are compared as two samples "
    "until `pytest --aipm-audit --aipm-update-baseline` approves a run with its rows"
)


def approve(
    folder: str,
    *,
    by: str,
    reason: str,
    baseline: str | None = None,
    red_is_accepted: bool = False,
    retrains: str | None = None,
    root: str | None = None,
) -> int:
    """Write the baseline from a report folder, in one step.

    Parameters
    ----------
    folder : str
        Report folder of a reviewed run; every file must be as the run wrote it.
    by, reason : str
        Who approves, and why.
    baseline : str, optional
        Default the ini key ``aipm_baseline``, else ``aipm-baseline.json`` under `root`.
    red_is_accepted : bool
        Whether a run that failed may become the baseline.
    retrains : str, optional
        Folder of report folders, one for each honest refit of the same recipe on the same rows:
        how much they differ is what ``gate: no-worse`` allows.
    root : str, optional
        Default the current folder.

    Raises
    ------
    OptionError
        When `by` or `reason` says nothing, or the folder cannot be vouched for.
    BaselineError
        When the run is partial, failed, or could not measure something, or the retrains say
        nothing about it.
    """
    for option, text in (("--by", by), ("--reason", reason)):
        if not text.strip():
            raise OptionError(Problem(f"{option} is empty", "an approval has a name and a reason"))
    target = baseline_of(root_of(root), baseline)
    record = read_folder(here(folder), shown=folder.rstrip("/"))
    refuse_unfit(
        record,
        folder,
        error=BaselineError,
        whole="approve a run of the whole policy, without a selection",
        judged="approve a run with checks",
        red_is_accepted=red_is_accepted,
    )
    measured = None
    if retrains is not None:
        measured = read_retrains(here(retrains), record, shown=retrains.rstrip("/"))
    shown = relative(target, Path.cwd())
    approver, why, when = _line(by), _line(reason), today().isoformat()
    write_baseline(record, target, by=approver, reason=why, when=when, retraining=measured)
    say(f"{shown}: approved by {approver}, {when}: {why}")
    for audit in record.audits:
        say(f"  {_approved(audit)}")
        if audit.pairing is not None:
            say(f"  {NOT_PAIRED}")
        for line in _retrained(audit, target, measured):
            say(f"  {line}")
    commit = f", commit {record.run.commit}" if record.run.commit else ""
    say(f"  run of {record.run.started}{commit}, digest {record.digest}")
    say(f"Commit {shown}: later runs are compared with it.")
    return 0


def _approved(audit: Audit) -> str:
    said = f"{audit.policy.name}: {audit.verdict.value.upper()}, {len(audit.findings)} findings"
    if audit.subject is None:
        return said
    model, data = audit.subject.model, audit.subject.data
    rows = f", {data.rows:,} rows" if data.rows is not None else ""
    return (
        f"{said}; model {model.ref}{_hash(model.sha256)}; data {data.ref}{_hash(data.sha256)}{rows}"
    )


def _retrained(
    audit: Audit, target: Path, measured: Mapping[str, Retraining] | None
) -> Iterator[str]:
    """Yield what ``gate: no-worse`` allows from now on, and what kept an earlier tolerance."""
    asked = [each for each in audit.findings if each.asked is not None and each.asked.no_worse]
    approved = read_baseline(target, shown=str(target)).policy(audit.policy.name)
    for finding in audit.findings if measured is not None else asked:
        known = None if approved is None else approved.retraining(finding.id)
        if known is None:
            why = "some retrain has no value" if measured is not None else "no retrains"
            yield f"{finding.id}: no spread ({why}); gate: no-worse allows {NO_WORSE:g}"
        elif measured is None or finding.id not in measured:
            yield f"{finding.id}: spread {known.spread:g} of {known.n} earlier retrains kept"
        else:
            yield f"{finding.id}: spread {known.spread:g} of {known.n} retrains"


def _hash(sha256: str | None) -> str:
    return f" {sha256[:12]}" if sha256 else ""


def _line(text: str) -> str:
    return " ".join(text.split())
