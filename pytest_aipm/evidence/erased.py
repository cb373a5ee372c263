"""Rows that must be gone: whether they are in the training rows, in the model, or in its memory."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.attack import Signals, signals_on
from pytest_aipm.evidence.difficulty import encoded, told_apart
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import among, hash_rows
from pytest_aipm.evidence.stored import CROWD, stored_in
from pytest_aipm.evidence.train import coarse, fit_against, training_rows
from pytest_aipm.sources.data import DataSource, DataSpec, open_data
from pytest_aipm.stats.parts import AucPart

__all__ = ["Erased", "erased_ids", "erased_rows"]


_WHOLE = re.compile(r"0*(\d+?)(?:\.0*)?")
DIGITS = 6
"""Significant digits of fractions by which an erased row is known again."""


@dataclass(frozen=True)
class Erased:
    """What is left of rows that must be gone.

    Attributes
    ----------
    rows : int
        How many must be gone.
    trained : int
        Of them, those found among the training rows.
    by : str
        How they were looked for there.
    stored : int
        Those found inside the model.
    unread : str
        What of the model was not looked at.
    signals : Signals or None
        Scores of the attacks on them against rows that were never seen; None without their columns.
    blind : AucPart or None
        How well they are told from evaluation rows without the model.
    """

    rows: int
    trained: int
    by: str
    stored: int = 0
    unread: str = ""
    signals: Signals | None = field(default=None, repr=False)
    blind: AucPart | None = None


def erased_ids(evidence: Evidence, ids: tuple[str | int, ...]) -> Erased:
    """Look for ids among the training rows.

    Raises
    ------
    DataError
        Without training rows, or without a column of ids.
    """
    wanted = {_plain(each) for each in ids}
    return Erased(len(wanted), _with_ids(evidence, wanted), "id")


def erased_rows(evidence: Evidence, path: str, seconds: float) -> Erased:
    """Look for the rows of a file among the training rows, in the model, and in its memory.

    Raises
    ------
    DataError, ModelError
        When the file cannot be read, or holds neither ids nor the model's columns.
    """
    source = open_data(DataSpec(path=path), root=evidence.root)
    subject, train = evidence.subject, training_rows(evidence)
    features = evidence.feature_columns()
    whole = bool(features) and all(name in source.columns for name in features)
    by_id = subject.id is not None and {subject.id} <= set(source.columns) & set(train.columns)
    if not whole and not by_id:
        lacking = next((name for name in features if name not in source.columns), "")
        what = f"holds neither ids nor all of the model's columns ({lacking[:60]!r} is missing)"
        raise DataError(
            Problem(
                f"the file of erased rows {what}",
                "give it the columns of the training rows, or an `id` that the subject names",
                path=source.ref,
            )
        )
    trained, how = 0, ""
    if by_id and subject.id is not None:
        values = source.frame([subject.id])[subject.id]
        trained, how = _with_ids(evidence, {_plain(each) for each in values.dropna()}), "id"
    if whole and not trained:  # whoever was given another id is still there
        trained = _alike(evidence, source, features)
        how = "id or equal columns" if by_id else "equal columns"
    if not whole:
        return Erased(source.rows, trained, how)
    rows = source.frame(features)
    stored = None
    if evidence.model is not None:
        stored = stored_in(evidence.model.fitted, rows, seconds=seconds)
    signals = blind = None
    if subject.label is not None and subject.label in source.columns:
        fit = fit_against(evidence, source, trained=train)
        if len(fit.members) and len(fit.others):
            signals = signals_on(fit, evidence.seed)
            found = told_apart(*encoded(fit.member_rows, fit.other_rows), evidence.seed)
            blind = None if found is None else AucPart.from_scores(*found)
    return Erased(
        rows=source.rows,
        trained=trained,
        by=how,
        stored=0 if stored is None else int(stored.found.sum()),
        unread=""
        if stored is None or stored.whole
        else stored.stopped or "not all of the model could be read",
        signals=signals,
        blind=blind,
    )


def _with_ids(evidence: Evidence, wanted: set[str]) -> int:
    """Return how many of the ids occur among the training rows."""
    train, subject = training_rows(evidence), evidence.subject
    if subject.id is None:
        raise DataError(
            subject.problem(
                "id",
                "erased ids are looked for in a column of ids, and the subject names none",
                "add `id: COLUMN` to the subject",
            )
        )
    train.require([subject.id], subject.where("id"))
    column = subject.id

    def partial(batch: pd.DataFrame) -> _Ids:
        held = {_plain(each) for each in batch[column].dropna().unique()}
        return _Ids(frozenset(wanted & held))

    return len(evidence.over(train, [column], partial, _Ids()).found)


@dataclass(frozen=True)
class _Ids:
    """Those of some ids that occur."""

    found: frozenset[str] = frozenset()

    def merge(self, other: _Ids) -> _Ids:
        """Return those of both."""
        return _Ids(self.found | other.found)


@dataclass(frozen=True, eq=False)
class _Times:
    """How often each of some rows occurs."""

    counts: np.ndarray

    def merge(self, other: _Times) -> _Times:
        """Return that of both."""
        return _Times(self.counts + other.counts)


def _plain(value: object) -> str:
    """Return an id as it may be written anywhere: 7.0, " 7" and "007" read 7."""
    text = str(value).strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _alike(evidence: Evidence, source: DataSource, columns: list[str]) -> int:
    """Return how many rows occur among the training rows, of those that few of them equal."""
    train = training_rows(evidence)
    rows = coarse(pd.concat(list(source.batches(columns))), columns, DIGITS)
    own = hash_rows(rows, columns)
    wanted = np.unique(own)

    def partial(batch: pd.DataFrame) -> _Times:
        hashes = hash_rows(coarse(batch, columns, DIGITS), columns)
        there = hashes[among(hashes, wanted)]
        return _Times(np.bincount(np.searchsorted(wanted, there), minlength=len(wanted)))

    empty = _Times(np.zeros(len(wanted), dtype=np.int64))
    times = evidence.over(train, columns, partial, empty).counts
    return int(among(own, wanted[(times > 0) & (times < CROWD)]).sum())
