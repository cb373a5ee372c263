"""Incidents re-run: whether the rows of a past failure fare as they must on the model of today."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, MeasurementError, ModelError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.spelling import spelled
from pytest_aipm.evidence.stated import Incident
from pytest_aipm.expressions import ExpressionError
from pytest_aipm.records import Verdict
from pytest_aipm.sources.data import DataSpec, open_data

__all__ = ["Rerun", "rerun"]


@dataclass(frozen=True)
class Rerun:
    """What became of one incident.

    Attributes
    ----------
    incident : Incident
    fixed : bool
    rows, right : int
        Rows it was re-run on, and those that fare as they must; 0 where a check was asked.
    said : str
        What the check said, where one was asked.
    unknown : int
        Evaluation rows of which the condition cannot tell.
    """

    incident: Incident
    fixed: bool
    rows: int = 0
    right: int = 0
    said: str = ""
    unknown: int = 0


def rerun(evidence: Evidence, incident: Incident) -> Rerun:
    """Re-run an incident on the audited model.

    Raises
    ------
    DataError, ModelError
        At the incident's line: its rows are gone, or cannot be decided or scored.
    """
    try:
        if incident.check is not None:
            return _of_check(evidence, incident, incident.check)
        if incident.rows is not None:
            right, unknown = _of_file(evidence, incident, incident.rows), 0
        else:
            chosen, unknown = _chosen(evidence, incident)
            right = _fare(evidence, incident)[chosen]
    except MeasurementError as error:
        told = [_placed(each, incident) for each in error.problems]
        raise type(error)(told) from None
    if not len(right):
        what, fix = "no row meets its condition any more", "mend the condition, or keep its rows"
        raise DataError(_placed(Problem(what, f"{fix} in a file: `rows: PATH`"), incident))
    share = float(np.mean(right))
    fixed = share >= incident.share - 1e-12
    return Rerun(incident, fixed, len(right), int(right.sum()), unknown=unknown)


def _placed(problem: Problem, incident: Incident) -> Problem:
    """Return a problem that names the incident, and its line."""
    where = f"{problem.path}: " if problem.path and problem.path != incident.path else ""
    what = f"incident {incident.id}: {where}{problem.what}"
    return Problem(what, problem.fix, incident.path, incident.line)


def _of_check(evidence: Evidence, incident: Incident, check: str) -> Rerun:
    """Ask another check of the policy; what it cannot tell is not shown to be mended."""
    found = evidence.stated.findings(check)
    not_so = [each for each in found if each.verdict is not Verdict.PASS]
    said = ", ".join(
        f"{check} {'by ' + ' and '.join(each.scope) if each.scope else 'overall'} is "
        f"{each.verdict.value.replace('_', ' ')}"
        for each in not_so[:3]
    )
    return Rerun(incident, not not_so, said=said)


def _chosen(evidence: Evidence, incident: Incident) -> tuple[np.ndarray, int]:
    """Return which evaluation rows it happened to, and of how many nobody can tell."""
    data = evidence.data
    if incident.when is None:
        return _with_ids(evidence, incident), 0
    incident.when.require(data.columns)
    masks, unknown = [], 0
    for batch in data.batches(list(incident.when.names)):
        columns = {name: batch[name] for name in incident.when.names}
        answer = incident.when.evaluate(columns)
        if answer.kind not in ("truth", "nothing"):
            raise ExpressionError(incident.when.fault("gives no true or false"))
        truth = np.broadcast_to(answer.truth(otherwise=False), (len(batch),))
        unknown += int((~np.broadcast_to(answer.known, (len(batch),))).sum())
        masks.append(truth)
    return np.concatenate(masks), unknown


def _with_ids(evidence: Evidence, incident: Incident) -> np.ndarray:
    subject = evidence.subject
    if subject.id is None:
        what = "ids are looked for in a column of ids, and the subject names none"
        raise DataError(Problem(what, "add `id: COLUMN` to the subject"))
    evidence.data.require([subject.id], subject.where("id"))
    column = pd.concat([batch[subject.id] for batch in evidence.data.batches([subject.id])])
    held, wanted = spelled(column), set(spelled(pd.Series(incident.ids, dtype=object)))
    gone = len(wanted - set(held))
    if gone:
        what = f"{gone:,} of its {len(wanted):,} rows are gone from the evaluation rows"
        fix = "keep them there, or in a file of their own: `rows: PATH`"
        raise DataError(Problem(what, fix))
    return np.isin(held, list(wanted))


def _fare(evidence: Evidence, incident: Incident) -> np.ndarray:
    """Return which of all evaluation rows fare as the incident wants it."""
    if incident.decision is not None:
        _require_decisions(evidence)
        favorable = _all_decisions(evidence)
        return favorable if incident.decision == "favorable" else ~favorable
    return _within(evidence.said().scores, incident)


def _all_decisions(evidence: Evidence) -> np.ndarray:
    def decided() -> np.ndarray:
        return np.concatenate([favorable for _, favorable in evidence.decided([])])

    return evidence.once(("decisions of all rows",), decided)


def _of_file(evidence: Evidence, incident: Incident, path: str) -> np.ndarray:
    """Return which rows of a file fare as they must."""
    if evidence.model is None:
        what = "rows of a file need a model that can be asked, and there are columns alone"
        raise ModelError(Problem(what, "name a `model`, or choose evaluation rows by `ids`"))
    if not (evidence.root / path).exists():
        what = f"its rows are gone: there is no file {path[:200]!r}"
        raise DataError(Problem(what, "restore it from version control"))
    source = open_data(DataSpec(path=path), root=evidence.root)
    features = evidence.feature_columns()
    source.require(features)
    frame = source.frame(features)
    if incident.decision is None:
        return _within(evidence.asked(frame).scores, incident)
    _require_decisions(evidence)
    favorable = evidence.decide(frame)
    return favorable if incident.decision == "favorable" else ~favorable


def _within(scores: np.ndarray | None, incident: Incident) -> np.ndarray:
    if scores is None:
        what = "a score is expected, and there are predicted classes alone"
        raise DataError(Problem(what, "expect a `decision`, or name `scores:`"))
    low = -np.inf if incident.lowest is None else incident.lowest
    high = np.inf if incident.highest is None else incident.highest
    return np.asarray((scores >= low) & (scores <= high))


def _require_decisions(evidence: Evidence) -> None:
    if not evidence.subject.has_decisions:
        what = "a decision is expected, and this subject takes none"
        raise DataError(Problem(what, "expect a `score`, or declare how a score decides"))
