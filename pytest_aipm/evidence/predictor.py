"""One model's predictions on the evaluation rows, from a model or from columns, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.decide import best_share, favorable_mask, numeric
from pytest_aipm.evidence.once import once
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["Predictor", "refuse_missing"]


class Predictor:
    """Predictions and decisions, batch by batch.

    Parameters
    ----------
    subject : Subject
        Task, classes and decision rule.
    data : DataSource
        All rows; batches carry global row numbers as their index.
    model : Model or None
        Called once on all rows; None reads the columns instead.
    features : sequence of str
        Columns the model is given.
    predictions, scores : str or None
        Columns that hold predicted classes and scores.
    run_dir : Path or None
        Folder in which the processes of a run share a model's predictions.
    name : str
        File stem in `run_dir`.
    """

    def __init__(
        self,
        subject: Subject,
        data: DataSource,
        *,
        model: Model | None,
        features: Sequence[str],
        predictions: str | None,
        scores: str | None,
        run_dir: Path | None,
        name: str,
    ) -> None:
        self.subject = subject
        self.data = data
        self.model = model
        self.features = list(features)
        self.predictions = predictions
        self.scores = scores
        self._run_dir = run_dir
        self._name = name

    @property
    def columns(self) -> list[str]:
        """Columns that `prediction` reads from a batch."""
        if self.model is not None:
            return []
        return [column for column in (self.predictions, self.scores) if column is not None]

    def prediction(self, batch: pd.DataFrame) -> Prediction:
        """Return scores and predicted classes of a batch; predicted values for regression."""
        if self.model is not None:
            stored, rows = self._stored, batch.index.to_numpy()
            scores = None if stored.scores is None else stored.scores[rows]
            labels = None if stored.labels is None else stored.labels[rows]
            return Prediction(scores, labels)
        score = None if self.scores is None else numeric(batch[self.scores], "scores", self.scores)
        if self.predictions is None:
            return Prediction(score, None)
        if self.subject.task == "regression":
            return Prediction(numeric(batch[self.predictions], "predictions", self.predictions), None)
        refuse_missing(batch[self.predictions], "predictions", self.predictions)
        return Prediction(score, batch[self.predictions].to_numpy())

    def favorable(self, batch: pd.DataFrame, prediction: Prediction) -> np.ndarray:
        """Return where the decision on a batch is favorable, shape (n,)."""
        if self._best is not None:
            chosen: np.ndarray = self._best[batch.index.to_numpy()]
            return chosen
        return favorable_mask(self.subject, prediction)

    def decide(self, frame: pd.DataFrame) -> np.ndarray:
        """Return where the model decides favorably on rows that need not be in the data.

        With ``top_k`` a row is in when its score reaches the cut of the evaluation rows.
        """
        assert self.model is not None  # noqa: S101 - checked by the plan
        prediction = self.model.predict(frame[self.features])
        decision = self.subject.decision
        if self._best is None or decision is None or prediction.scores is None:
            return favorable_mask(self.subject, prediction)
        scores = self._stored.scores
        assert scores is not None  # noqa: S101 - the cut was found in them
        if decision.favorable_when == "above":
            above: np.ndarray = prediction.scores >= scores[self._best].min()
            return above
        below: np.ndarray = prediction.scores <= scores[self._best].max()
        return below

    @cached_property
    def _stored(self) -> Prediction:
        arrays = once(self._run_dir, self._name, self._predict)
        return Prediction(arrays.get("scores"), arrays.get("labels"))

    def _predict(self) -> dict[str, np.ndarray]:
        assert self.model is not None  # noqa: S101
        scores: list[np.ndarray] = []
        labels: list[np.ndarray] = []
        for batch in self.data.batches(self.features):
            prediction = self.model.predict(batch[self.features])
            if prediction.scores is not None:
                scores.append(prediction.scores)
            if prediction.labels is not None:
                labels.append(_plain(prediction.labels))
        arrays = {"scores": scores, "labels": labels}
        return {name: np.concatenate(parts) for name, parts in arrays.items() if parts}

    @cached_property
    def _best(self) -> np.ndarray | None:
        """Which rows ``top_k`` chooses, shape (rows,); None for every other rule."""
        decision = self.subject.decision
        if decision is None or decision.top_k is None:
            return None
        if self.model is not None:
            scores = self._stored.scores
        elif self.scores is not None:
            parts = self.data.batches([self.scores])
            scores = np.concatenate(
                [numeric(batch[self.scores], "scores", self.scores) for batch in parts]
            )
        else:
            scores = None
        if scores is None:
            raise DataError(
                Problem(
                    "`decision: {top_k: ...}` needs scores, but there are only predicted classes",
                    "name a `scores:` column or a model with predict_proba",
                    path=self.subject.path,
                )
            )
        return best_share(scores, decision.top_k, highest=decision.favorable_when == "above")


def refuse_missing(column: pd.Series, what: str, name: str) -> None:  # type: ignore[type-arg]
    """Raise DataError when a column has missing values, saying how many and where."""
    missing = column.isna().to_numpy()
    if missing.any():
        row = int(column.index[int(np.flatnonzero(missing)[0])]) + 1
        raise DataError(
            Problem(
                f"{what} column {name!r} has {int(missing.sum())} missing value(s), the first in "
                f"data row {row}",
                "a row without it cannot be judged: fill it or leave such rows out of the data",
            )
        )


def _plain(labels: np.ndarray) -> np.ndarray:
    """Return labels as an array that can be stored without objects."""
    labels = np.asarray(labels)
    return labels.astype(str) if labels.dtype == object else labels
