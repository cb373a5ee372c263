"""Passes over the rows for a pairing file: find the approved rows again, and remember new ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
from pytest_aipm.evidence.subject import Subject

__all__ = ["joined", "remembered"]

Over = Callable[..., Any]


def joined(
    pairing: Pairing, subject: Subject, over: Over, *, run_dir: Path | None, name: str
) -> Joined:
    """Return how the rows and the approved ones fit together, computed once a run.

    Raises
    ------
    DataError
        When an id or a label is missing.
    """

    def compute() -> dict[str, np.ndarray]:
        found = join(pairing.rows, _marked(subject, over, pairing.key), pairing.key)
        told = {"said": np.array(found.said), "complete": np.array(found.complete)}
        return told if found.decisions is None else {**told, "decisions": found.decisions}

    arrays = once(run_dir, name, compute)
    return Joined(arrays.get("decisions"), str(arrays["said"]), bool(arrays["complete"]))


def remembered(subject: Subject, over: Over, over_decided: Over, key: RowKey) -> ApprovedRows:
    """Return what a pairing file keeps of the rows and of the decisions on them.

    Parameters
    ----------
    subject : Subject
    over, over_decided : callable
        Columns, a function of a batch (and of the decisions on it) and an empty result to what a
        pass over the rows adds up to, in their order.
    key : RowKey

    Raises
    ------
    MeasurementError
        When ids do not tell the rows apart, or the rows cannot be decided on.
    """
    rows = _marked(subject, over, key)
    if rows.twice:
        what = f"{rows.twice:,} rows share their id (column {subject.id!r}) with another row"
        fix = "name a column that identifies a row, or remove 'pairing'"
        raise DataError(subject.problem("id", what, fix))
    decided = over_decided([], lambda _, favorable: _Parts((favorable,)), _Parts()).parts
    return ApprovedRows.of(rows, positive_mask(subject, np.concatenate(decided)), key)


@dataclass(frozen=True)
class _Parts:
    """What was found of each batch, in the order of the rows."""

    parts: tuple[Any, ...] = ()

    def merge(self, other: _Parts) -> _Parts:
        """Return that of both."""
        return _Parts(self.parts + other.parts)


def _marked(subject: Subject, over: Over, key: RowKey) -> Marked:
    """Return the marks of all rows of the data, in one pass over the columns that matter."""
    columns = [each.column for each in subject.attributes]
    columns += [name for name in (subject.id, subject.label) if name is not None]

    def partial(batch: pd.DataFrame) -> _Parts:
        return _Parts((mark_rows(subject, batch, key),))

    parts = over(list(dict.fromkeys(columns)), partial, _Parts()).parts
    return Marked(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.marks for part in parts]),
    )
