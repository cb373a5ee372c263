"""One model's predictions on the evaluation rows, from a model or from columns, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, ModelError, Problem
from pytest_aipm.evidence.decide import (
    best_share,
    drawn_by_lot,
    favorable_mask,
    numeric,
    refuse_missing,
)
from pytest_aipm.evidence.once import once
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.sources.data import DataSource
from pytest_aipm.sources.model import Model, Prediction
from pytest_aipm.sources.weights import weights_of

__all__ = ["Predictor"]


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
        self.warnings: tuple[str, ...] = ()
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
        if self.subject.task == "regression":
            column = self.predictions or self.scores
            assert column is not None  # noqa: S101 - checked by the plan
            return Prediction(numeric(batch[column], "predictions", column), None)
        score = None if self.scores is None else numeric(batch[self.scores], "scores", self.scores)
        if self.predictions is None:
            return Prediction(score, None)
        refuse_missing(batch[self.predictions], "predictions", self.predictions)
        return Prediction(score, batch[self.predictions].to_numpy())

    def everything(self) -> Prediction:
        """Return scores and predicted classes of all rows, in the order of the data."""
        if self.model is not None:
            return self._stored
        parts = [self.prediction(batch) for batch in self.data.batches(self.columns)]
        return Prediction(
            _joined([part.scores for part in parts]), _joined([part.labels for part in parts])
        )

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
        prediction = self.ask(frame)
        decision = self.subject.decision
        if self._best is None or decision is None or prediction.scores is None:
            return favorable_mask(self.subject, prediction)
        scores = self._stored.scores
        assert scores is not None  # noqa: S101 - the cut was found in them
        if decision.favorable_when == "above":
            return np.asarray(prediction.scores >= scores[self._best].min())
        return np.asarray(prediction.scores <= scores[self._best].max())

    def ask(self, frame: pd.DataFrame) -> Prediction:
        """Ask the model; for its classes only where no rule turns scores into decisions."""
        assert self.model is not None  # noqa: S101 - checked by the plan
        return self.model.predict(frame[self.features], labels=self.subject.decision is None)

    @property
    def missing(self) -> dict[str, int]:
        """How many values each feature lacks, counted while the model was asked."""
        return dict(zip(self.features, self._arrays["missing"].tolist(), strict=True))

    @cached_property
    def _arrays(self) -> Mapping[str, np.ndarray]:
        return once(self._run_dir, self._name, self._predict)

    @property
    def _stored(self) -> Prediction:
        return Prediction(self._arrays.get("scores"), self._arrays.get("labels"))

    def _predict(self) -> dict[str, np.ndarray]:
        parts, missing = [], np.zeros(len(self.features), dtype=np.int64)
        for batch in self.data.batches(self.features):
            missing += batch[self.features].isna().to_numpy().sum(axis=0)
            parts.append(self.ask(batch))
        scores = [each.scores for each in parts if each.scores is not None]
        labels = [each.labels for each in parts if each.labels is not None]
        arrays: dict[str, np.ndarray] = {"missing": missing}
        if scores:
            arrays["scores"] = np.concatenate(scores)
        if labels:
            arrays["labels"] = _plain(np.concatenate(labels))
        return arrays

    @cached_property
    def _best(self) -> np.ndarray | None:
        """Which rows ``top_k`` chooses, shape (rows,); None for every other rule."""
        decision = self.subject.decision
        if decision is None or decision.top_k is None:
            return None
        scores = self._all_scores()
        if scores is None:
            raise DataError(
                self.subject.problem(
                    "decision",
                    "`decision: {top_k: ...}` needs scores, but there are only predicted classes",
                    "name a `scores:` column or a model with predict_proba",
                )
            )
        highest = decision.favorable_when == "above"
        weights = self._all_weights()
        best = best_share(scores, decision.top_k, highest=highest, weights=weights)
        tied, drawn = drawn_by_lot(scores, best)
        if tied:
            said = (
                f"`top_k`: {tied:,} rows share the score at the cut; the {drawn:,} of them that "
                "are in were drawn by lot, so counts of groups hang on it"
            )
            self.warnings = (*self.warnings, said)
        return best

    def _all_weights(self) -> np.ndarray | None:
        """Return the sampling weights of all rows, None where there are none."""
        if self.subject.weights is None:
            return None
        columns = [self.subject.weights]
        parts = [weights_of(batch[columns[0]], whole=False) for batch in self.data.batches(columns)]
        return np.concatenate(parts)

    def _all_scores(self) -> np.ndarray | None:
        """Return the scores of all rows: eight bytes a row, which a share of all rows needs."""
        if self.model is not None:
            return self._stored.scores
        if not self.columns:
            return None
        return self.everything().scores


def _joined(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _plain(labels: np.ndarray) -> np.ndarray:
    """Return labels as an array that can be stored without objects, each with its own type.

    Raises
    ------
    ModelError
        When texts and other values are mixed.
    """
    if labels.dtype != object:
        return labels
    kind = pd.api.types.infer_dtype(labels, skipna=False)
    if kind == "string":
        return labels.astype(str)
    if kind in {"integer", "boolean", "floating", "mixed-integer-float"}:
        return np.asarray(labels.tolist())
    raise ModelError(
        Problem(
            f"the model predicts classes of a kind that cannot be compared ({kind})",
            "return all classes as texts, or all as numbers",
        )
    )
