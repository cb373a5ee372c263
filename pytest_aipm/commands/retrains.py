"""Audits of honest refits of one recipe, as ``aipm approve --retrains FOLDER`` takes them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_aipm.baseline import LEAST, Retraining, spreads
from pytest_aipm.commands.changes import audits
from pytest_aipm.commands.folder import read_folder
from pytest_aipm.errors import BaselineError, OptionError, Problem
from pytest_aipm.records import Audit, Record, Verdict

__all__ = ["read_retrains"]

_AGAIN = "audit the refit with the whole policy on the same rows"


def read_retrains(folder: Path, record: Record, *, shown: str) -> dict[str, Retraining]:
    """Read the report folders inside a folder and measure how much they differ.

    Parameters
    ----------
    folder : Path
        Holds one report folder a retrain, and nothing else that counts.
    record : Record
        The run to be approved; the retrains answer the same questions on the same rows.
    shown : str
        The folder as messages print it.

    Returns
    -------
    mapping of finding id to Retraining

    Raises
    ------
    OptionError
        When the folder is none, or a report in it cannot be vouched for.
    BaselineError
        When there are too few, or one is partial, of another policy, of other rows, or a copy.
    """
    if not folder.is_dir():
        raise OptionError(Problem("there is no such folder of retrains", "name one", shown))
    inside = [each for each in sorted(folder.iterdir()) if not each.name.startswith(".")]
    folders = [each for each in inside if each.is_dir()]
    if len(folders) < LEAST:
        what = f"holds {len(folders)} report folders, but a spread needs at least {LEAST} retrains"
        fix = "refit the recipe on fresh training rows or with other seeds, and audit each"
        raise BaselineError(Problem(what, fix, shown))
    read = {
        f"{shown}/{each.name}": read_folder(each, shown=f"{shown}/{each.name}") for each in folders
    }
    for name, one in read.items():
        _whole(one, name)
    found: dict[str, Retraining] = {}
    for policy, approved in audits(record).items():
        same = {name: _same(one, policy, approved, name) for name, one in read.items()}
        _no_copies(same)
        found |= spreads(tuple(same.values()))
    return found


def _whole(record: Record, shown: str) -> None:
    if record.partial:
        what = f"this run is partial: {len(record.missing)} planned checks have no finding"
        raise BaselineError(Problem(what, _AGAIN, shown))
    broken = [each.id for each in record.findings if each.verdict is Verdict.ERROR]
    if broken:
        what = f"this run could not measure {broken[0]}"
        raise BaselineError(Problem(what, "mend the error first", shown))


def _same(record: Record, policy: str, approved: Audit, shown: str) -> Audit:
    """Return the audit of the same policy on the same rows."""
    audit = audits(record).get(policy)
    if audit is None:
        what = f"this run did not audit policy {policy!r}"
        raise BaselineError(Problem(what, _AGAIN, shown))
    ids = ({each.id for each in one.findings} for one in (audit, approved))
    if audit.policy.sha256 != approved.policy.sha256 or next(ids) != next(ids):
        what = f"this run audited policy {policy!r} by another text or with other checks"
        raise BaselineError(Problem(what, _AGAIN, shown))
    if _rows(audit) != _rows(approved):
        what = f"this run of policy {policy!r} saw other rows than the one to be approved"
        fix = "a difference of rows is no difference of retrains: use the same evaluation data"
        raise BaselineError(Problem(what, fix, shown))
    return audit


def _rows(audit: Audit) -> tuple[object, ...]:
    """Return how many rows there were, and in which groups.

    Not the hash of the data: it differs where predictions are columns of the same file.
    """
    rows = None if audit.subject is None else audit.subject.data.rows
    return rows, audit.groups


def _no_copies(same: Mapping[str, Audit]) -> None:
    """Refuse two audits of one model: they differ in nothing and would narrow the spread."""
    for (one, first), (other, second) in itertools.combinations(same.items(), 2):
        if _model(first) == _model(second) and _values(first) == _values(second):
            what = f"audits the same model as {one}"
            raise BaselineError(Problem(what, "a copy is no retrain: refit it", other))


def _model(audit: Audit) -> str | None:
    """Return the hash of the model, or of the data that hold its predictions."""
    if audit.subject is None:
        return None
    return audit.subject.model.sha256 or audit.subject.data.sha256


def _values(audit: Audit) -> Sequence[object]:
    return [(each.id, each.value, each.groups) for each in audit.findings]
