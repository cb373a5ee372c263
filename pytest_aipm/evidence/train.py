"""Training rows beside evaluation rows: which are shared, and how well the model fits each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, ModelError, Problem
from pytest_aipm.evidence.decide import matches, numeric
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.losses import LOSSES
from pytest_aipm.evidence.predictor import refuse_missing
from pytest_aipm.evidence.sample import hash_rows, sample_rows
from pytest_aipm.sources.data import DataSource

__all__ = ["Fit", "Overlap", "fit_of", "overlap_of"]

MAX_ROWS = 100_000
"""Rows of either side that are predicted again; the AUC's error is then under 0.002."""


@dataclass(frozen=True)
class Overlap:
    """Evaluation rows whose features occur in the training rows.

    Attributes
    ----------
    rows, shared, conflicting : int
        Evaluation rows; those that are also training rows; of these, those that occur there only
        with another label.
    columns : tuple of str
        The columns compared.
    """

    rows: int
    shared: int
    conflicting: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """Losses of the model on rows it was trained on and on rows it was not.

    Attributes
    ----------
    members, others : float arrays of shape (m,) and (k,)
        One loss a row; small means the model fits it well.
    loss : str
        What the loss is.
    dropped : int
        Evaluation rows left out because they are training rows.
    """

    members: np.ndarray
    others: np.ndarray
    loss: str
    dropped: int


def _train(evidence: Evidence) -> DataSource:
    if evidence.train is None:
        raise DataError(
            Problem(
                "this check needs the training rows",
                "add `train: PATH` to the subject",
                path=evidence.subject.path,
            )
        )
    return evidence.train


def _shared_columns(evidence: Evidence, train: DataSource) -> list[str]:
    columns = [name for name in evidence.feature_columns() if name in evidence.data.columns]
    missing = [name for name in columns if name not in train.columns]
    if missing:
        raise DataError(
            Problem(
                f"training rows lack the feature column {missing[0]!r}",
                "give both files the same feature columns",
                path=train.ref,
            )
        )
    if not columns:
        raise DataError(
            Problem(
                "there are no feature columns to compare with the training rows",
                "name them under `features:`",
                path=evidence.subject.path,
            )
        )
    return columns


def overlap_of(evidence: Evidence) -> Overlap:
    """Count evaluation rows that are also training rows, by the hash of their features."""
    train = _train(evidence)
    columns = _shared_columns(evidence, train)
    label = evidence.subject.label
    labelled = label is not None and label in train.columns and label in evidence.data.columns
    keyed = [*columns, label] if labelled and label is not None else columns
    known, exact = _hashes(train, columns, keyed)
    rows = shared = conflicting = 0
    for batch in evidence.data.batches(list(dict.fromkeys(keyed))):
        rows += len(batch)
        inside = np.isin(hash_rows(batch, columns), known)
        shared += int(inside.sum())
        if labelled:
            same = np.isin(hash_rows(batch, keyed), exact)
            conflicting += int((inside & ~same).sum())
    return Overlap(rows, shared, conflicting, tuple(columns))


def _hashes(
    source: DataSource, columns: list[str], keyed: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct hashes of a source's rows, without and with the label."""
    bare: list[np.ndarray] = []
    full: list[np.ndarray] = []
    for batch in source.batches(list(dict.fromkeys(keyed))):
        bare.append(np.unique(hash_rows(batch, columns)))
        full.append(np.unique(hash_rows(batch, keyed)))
    if not bare:
        empty = np.empty(0, dtype=np.uint64)
        return empty, empty
    return np.unique(np.concatenate(bare)), np.unique(np.concatenate(full))


def fit_of(evidence: Evidence) -> Fit:
    """Return the model's losses on training rows and on evaluation rows it never saw.

    Evaluation rows that are also training rows are left out first: they would hide what the
    others show.
    """
    train = _train(evidence)
    columns = _shared_columns(evidence, train)
    known, _ = _hashes(train, columns, columns)
    members, loss = _losses(evidence, train, None)
    others, _ = _losses(evidence, evidence.data, known)
    kept = ~np.isnan(others)
    return Fit(members, others[kept], loss, int(np.count_nonzero(~kept)))


def _losses(
    evidence: Evidence, source: DataSource, known: np.ndarray | None
) -> tuple[np.ndarray, str]:
    """Return one loss for each sampled row of a source; NaN for rows in `known`."""
    subject, model = evidence.subject, evidence.model
    label = subject.label
    if model is None or label is None:
        raise ModelError(
            Problem(
                "membership inference needs a model that can be called and the label",
                "name a model and a label; a predictions file is not enough",
                path=subject.path,
            )
        )
    if label not in source.columns:
        raise DataError(
            Problem(f"there is no label column {label!r}", "add it", path=source.ref)
        )
    features = evidence.feature_columns()
    frame = sample_rows(
        source.batches(list(dict.fromkeys([*features, label]))), MAX_ROWS, evidence.seed
    )
    if frame.empty:
        raise DataError(Problem("there are no rows", path=source.ref))
    prediction = model.predict(frame[features])
    if subject.task == "regression":
        truth = numeric(frame[label], "label", label)
        values = prediction.scores if prediction.scores is not None else prediction.labels
        losses = LOSSES["absolute_error"](truth, np.asarray(values, dtype=float))
        name = "absolute error"
    else:
        losses, name = _class_losses(frame[label], prediction.scores, prediction.labels, evidence)
    if known is not None:
        seen = np.isin(hash_rows(frame, _shared_columns(evidence, source)), known)
        losses = np.where(seen, np.nan, losses)
    return losses, name


def _class_losses(
    column: pd.Series,  # type: ignore[type-arg]
    scores: np.ndarray | None,
    labels: np.ndarray | None,
    evidence: Evidence,
) -> tuple[np.ndarray, str]:
    refuse_missing(column, "label", str(column.name))
    truth = matches(column, evidence.subject.positive).astype(float)
    if scores is not None and float(scores.min()) >= 0 and float(scores.max()) <= 1:
        return LOSSES["log_loss"](truth, scores), "log loss"
    if labels is None:
        assert scores is not None  # noqa: S101 - a prediction has one of the two
        return np.where(truth > 0, -scores, scores), "margin"
    wrong = matches(labels, evidence.subject.positive).astype(float) != truth
    return wrong.astype(float), "error (0 or 1: the model gives no scores)"
