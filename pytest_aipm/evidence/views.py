"""What a row of a multiclass task is asked beside "of which class": one answer a row.

Each view turns label, predicted class and scores into what rows of two classes have: a label, a
decision, a score. So the counts, intervals, weights and clusters of two classes serve them as well.

==================  ===============================================================================
view                what a row then says
==================  ===============================================================================
``right``           decided: the predicted class is the label
``top_K``           decided: the label is among the K classes with the highest scores
``true_class``      score: the probability of the label's class; the label is 1
``brier``           score: squared distance of the probabilities from the label (Brier 1950)
==================  ===============================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.classes import listed
from pytest_aipm.sources.model import Prediction

__all__ = ["View", "loss_of", "seen"]

View = str

_SUM = 1e-3
"""Probabilities of a row may be off 1 by rounding."""

Seen = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


def loss_of(view: View) -> frozenset[str]:
    """Return the row loss whose mean a view is made for; nothing where it is a share of rows."""
    return {"true_class": frozenset({"log_loss"}), "brier": frozenset({"score"})}.get(
        view, frozenset()
    )


def seen(view: View, label: pd.Series[Any], prediction: Prediction, classes: Sequence[Any]) -> Seen:
    """Return label (all 1), decision and score of each row of a batch, as a view has them.

    Raises
    ------
    DataError
        When the view needs scores of each class, or probabilities, that are not there.
    """
    ones = np.ones(len(label), dtype=np.int64)
    if view == "right":
        assert prediction.labels is not None  # noqa: S101 - checked by the plan
        return ones, _equal(label, prediction.labels), None
    scores = prediction.by_class
    if scores is None:
        raise DataError(
            Problem(
                "there are no scores of each class, only predicted classes",
                "name `scores: {CLASS: COLUMN, ...}`, or a model with predict_proba",
            )
        )
    place = _places(label, classes)
    if view.startswith("top_"):
        return ones, _among(scores, place, int(view.removeprefix("top_"))), None
    _refuse_others(scores)
    of_label = scores[np.arange(len(scores)), place]
    if view == "true_class":
        return ones, None, of_label
    return ones, None, (scores**2).sum(axis=1) - of_label**2 + (1 - of_label) ** 2


def _equal(label: pd.Series[Any], predicted: np.ndarray) -> np.ndarray:
    codes, _ = pd.factorize(pd.Series([*label.tolist(), *predicted.tolist()], dtype=object))
    return np.asarray(codes[: len(label)] == codes[len(label) :])


def _places(label: pd.Series[Any], classes: Sequence[Any]) -> np.ndarray:
    """Return the column of each label's own class."""
    known = {value: i for i, value in enumerate(classes)}
    codes, found = pd.factorize(label)
    absent = {value for value in found.tolist() if value not in known}
    if absent:
        raise DataError(
            Problem(
                f"label {listed(absent)} has no scores (classes with scores: "
                f"{listed(set(classes))})",
                "give a score for each class that occurs, or name a metric of decisions",
            )
        )
    return np.array([known[value] for value in found.tolist()], dtype=np.int64)[codes]


def _among(scores: np.ndarray, place: np.ndarray, k: int) -> np.ndarray:
    """Return where the label's score is among the k highest of its row.

    Of classes that share a score the earlier one counts as higher only where that is against the
    model: a row of equal scores is no hit unless all classes are among the k.
    """
    own = scores[np.arange(len(scores)), place][:, None]
    return np.asarray((scores >= own).sum(axis=1) <= k)


def _refuse_others(scores: np.ndarray) -> None:
    wrong = (scores < 0).any() or (scores > 1).any()
    off = np.abs(scores.sum(axis=1) - 1) > _SUM
    if wrong or off.any():
        how = (
            "scores lie outside [0, 1]"
            if wrong
            else f"scores of a row add up to {float(scores.sum(axis=1)[off][0]):.4g}, not 1"
        )
        raise DataError(
            Problem(f"{how}, so they are no probabilities", "judge decisions, or the ranking")
        )
