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
from pytest_aipm.sources.model import Prediction

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
            right = _of_file(evidence, incident, incident.rows)
            met = _Met(len(right), int(right.sum()))
        else:
            met = _happened(evidence, incident)
    except MeasurementError as error:
        told = [_placed(each, incident) for each in error.problems]
        raise type(error)(told) from None
    if not met.rows:
        what, fix = "no row meets its condition any more", "mend the condition, or keep its rows"
        raise DataError(_placed(Problem(what, f"{fix} in a file: `rows: PATH`"), incident))
    fixed = met.right / met.rows >= incident.share - 1e-12
    return Rerun(incident, fixed, met.rows, met.right, unknown=met.unknown)


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


@dataclass(frozen=True)
class _Met:
    """Rows that an incident happened to, those that fare as they must, and what nobody can tell."""

    rows: int = 0
    right: int = 0
    unknown: int = 0
    ids: frozenset[str] = frozenset()
    scored: bool = True

    def merge(self, other: _Met) -> _Met:
        """Return those of both."""
        return _Met(
            self.rows + other.rows,
            self.right + other.right,
            self.unknown + other.unknown,
            self.ids | other.ids,
            self.scored and other.scored,
        )


def _happened(evidence: Evidence, incident: Incident) -> _Met:
    """Return how the evaluation rows fare that it happened to, wherever they are."""
    subject, data = evidence.subject, evidence.data
    names: list[str] = []
    wanted: frozenset[str] = frozenset()
    if incident.when is not None:
        incident.when.require(data.columns)
        names = list(incident.when.names)
    else:
        if subject.id is None:
            what = "ids are looked for in a column of ids, and the subject names none"
            raise DataError(Problem(what, "add `id: COLUMN` to the subject"))
        data.require([subject.id], subject.where("id"))
        names = [subject.id]
        wanted = frozenset(spelled(pd.Series(incident.ids, dtype=object)))
    one = _One(incident, subject.id, wanted)
    try:
        if incident.decision is not None:
            _require_decisions(evidence)
            met = evidence.over_decided(names, one.decided, _Met())
        else:
            met = evidence.over_said(names, one.scored, _Met())
    except ExpressionError as error:  # the fault of the condition, not of the rows
        raise ExpressionError([Problem(each.what, each.fix) for each in error.problems]) from None
    if not met.scored:
        _within(None, incident)
    gone = len(wanted - met.ids)
    if gone:
        what = f"{gone:,} of its {len(wanted):,} rows are gone from the evaluation rows"
        fix = "keep them there, or in a file of their own: `rows: PATH`"
        raise DataError(Problem(what, fix))
    return met


@dataclass(frozen=True)
class _One:
    """Looks at one batch."""

    incident: Incident
    id: str | None
    wanted: frozenset[str]

    def decided(self, batch: pd.DataFrame, favorable: np.ndarray) -> _Met:
        right = favorable if self.incident.decision == "favorable" else ~favorable
        return self._met(batch, right)

    def scored(self, batch: pd.DataFrame, prediction: Prediction) -> _Met:
        if prediction.scores is None:
            return _Met(scored=False)
        return self._met(batch, _within(prediction.scores, self.incident))

    def _met(self, batch: pd.DataFrame, right: np.ndarray) -> _Met:
        when = self.incident.when
        if when is None:
            held = spelled(batch[self.id])
            chosen = np.isin(held, list(self.wanted))
            found = frozenset(held[chosen].tolist())
            return _Met(int(chosen.sum()), int(right[chosen].sum()), 0, found)
        answer = when.evaluate({name: batch[name] for name in when.names})
        if answer.kind not in ("truth", "nothing"):
            raise ExpressionError(when.fault("gives no true or false"))
        chosen = np.broadcast_to(answer.truth(otherwise=False), (len(batch),))
        unknown = int((~np.broadcast_to(answer.known, (len(batch),))).sum())
        return _Met(int(chosen.sum()), int(right[chosen].sum()), unknown)


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
