"""Passes over the rows for a pairing file: find the approved rows again, and remember new ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.decide import positive_mask
from pytest_aipm.evidence.once import once
from pytest_aipm.evidence.pairing import (
    ApprovedRows,
    Joined,
    Marked,
    Pairing,
    RowKey,
    join,
    mark_rows,
)
from pytest_aipm.evidence.predictor import Predictor
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.sources.data import DataSource

__all__ = ["joined", "remembered"]


def joined(
    pairing: Pairing, subject: Subject, data: DataSource, *, run_dir: Path | None, name: str
) -> Joined:
    """Return how the rows and the approved ones fit together, computed once a run.

    Raises
    ------
    DataError
        When an id or a label is missing.
    """

    def compute() -> dict[str, np.ndarray]:
        found = join(pairing.rows, _marked(subject, data, pairing.key), pairing.key)
        told = {"said": np.array(found.said), "complete": np.array(found.complete)}
        return told if found.decisions is None else {**told, "decisions": found.decisions}

    arrays = once(run_dir, name, compute)
    return Joined(arrays.get("decisions"), str(arrays["said"]), bool(arrays["complete"]))


def remembered(
    subject: Subject, data: DataSource, predictor: Predictor, key: RowKey
) -> ApprovedRows:
    """Return what a pairing file keeps of the rows and of the decisions on them.

    Raises
    ------
    MeasurementError
        When ids do not tell the rows apart, or the rows cannot be decided on.
    """
    rows = _marked(subject, data, key)
    if rows.twice:
        what = f"{rows.twice:,} rows share their id (column {subject.id!r}) with another row"
        fix = "name a column that identifies a row, or remove 'pairing'"
        raise DataError(subject.problem("id", what, fix))
    decided = []
    for batch in data.batches(predictor.columns):
        favorable = predictor.favorable(batch, predictor.prediction(batch))
        decided.append(positive_mask(subject, favorable))
    return ApprovedRows.of(rows, np.concatenate(decided), key)


def _marked(subject: Subject, data: DataSource, key: RowKey) -> Marked:
    """Return the marks of all rows of the data, in one pass over the columns that matter."""
    columns = [each.column for each in subject.attributes]
    columns += [name for name in (subject.id, subject.label) if name is not None]
    parts = [mark_rows(subject, batch, key) for batch in data.batches(list(dict.fromkeys(columns)))]
    return Marked(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.marks for part in parts]),
    )
