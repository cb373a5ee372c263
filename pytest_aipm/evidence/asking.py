"""The pass that asks a model and counts at once: a batch is counted with what was said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pytest_aipm.errors import MeasurementError
from pytest_aipm.evidence.rowpass import RowPass
from pytest_aipm.evidence.tally import Tally
from pytest_aipm.evidence.wishes import Wish
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Prediction

__all__ = ["Asked", "asking_of"]


@dataclass(frozen=True, eq=False)
class Asked:
    """What a model said of some rows, and what was counted of them.

    Attributes
    ----------
    said : tuple of Prediction
        A part for each batch.
    missing : int array of shape (p,)
        How many values each feature lacks.
    tally : Tally or None
        None where the rows cannot be counted, which is said by the pass that only counts.
    """

    said: tuple[Prediction, ...]
    missing: np.ndarray
    tally: Tally | None

    def merge(self, other: Asked) -> Asked:
        """Return that of the rows of both."""
        counted = None
        if self.tally is not None and other.tally is not None:
            counted = self.tally.merge(other.tally)
        return Asked(self.said + other.said, self.missing + other.missing, counted)


def asking_of(source: DataSource, rows: RowPass) -> Wish[Asked]:
    """Return the wish to ask the model of a pass about all rows, and to count them."""
    features = rows.predictor.features
    columns = tuple(dict.fromkeys([*features, *rows.columns()]))
    return Wish(
        ("asked",),
        source,
        columns,
        _Asking(rows),
        Asked((), np.zeros(len(features), dtype=np.int64), Tally()),
        numbered=True,
        coded=rows.coded_columns() - set(features),
        size=rows.predictor.asked_at_once,
    )


@dataclass(frozen=True, eq=False)
class _Asking:
    """Asks about one batch, and counts it."""

    rows: RowPass

    def __call__(self, batch: pd.DataFrame) -> Asked:
        predictor = self.rows.predictor
        missing = batch[predictor.features].isna().to_numpy().sum(axis=0)
        said, counted = predictor.ask(batch), None
        try:
            counted = replace(self.rows, predictor=predictor.having(said)).partial(batch)
        except MeasurementError:
            counted = None
        return Asked((said,), missing, counted)
