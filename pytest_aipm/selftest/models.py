"""Models with a planted fault: all of the user's own model but some of its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.decide import favorable_mask, matches
from pytest_aipm.evidence.sample import generator, hash_rows, row_keys
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.selftest.world import Base
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["Group", "Harmed", "by_heart", "lean", "lower_is_worse", "members"]

Group = tuple[tuple[str, str], ...]
"""A group by its attributes and their levels; all rows when empty."""

Change = Callable[[pd.DataFrame, Prediction], Prediction]


class Harmed(Model):
    """A model whose answers are changed on their way out.

    Parameters
    ----------
    model : Model
        Stays as it is.
    change : callable
        Rows and what the model says of them to what is said instead; changes neither in place.
    """

    def __init__(self, model: Model, change: Change) -> None:
        vars(self).update(vars(model))  # its name, features, classes: all but its answers
        self._own, self._change = model, change

    def predict(self, frame: pd.DataFrame, *, labels: bool = True) -> Prediction:
        """Ask the model, and change what it says."""
        return self._change(frame, self._own.predict(frame, labels=labels))


def members(subject: Subject, group: Group, frame: pd.DataFrame) -> np.ndarray:
    """Return which rows belong to a group, shape (n,); an empty group is all rows."""
    inside = np.ones(len(frame), dtype=bool)
    for name, level in group:
        attribute = subject.attribute(name)
        codes, names = attribute.encode(frame[attribute.column])
        inside &= np.array([each == level for each in names])[codes]
    return inside


def lower_is_worse(subject: Subject) -> bool:
    """Return whether low scores are bad for a person; of plain numbers nobody can say: True."""
    if subject.decision is not None:
        return subject.decision.favorable_when == "above"
    return subject.task != "binary" or subject.favors_positive


def lean(base: Base, group: Group, share: float, seed: int) -> Change:
    """Return a change that scores each member of a group like someone who stands lower.

    A score becomes that of the row which stands `share` of all rows further to the bad end, so
    that it stays a score of the model's own scale. Where the model gives classes alone, that share
    of the members is refused.

    Parameters
    ----------
    base : Base
        With predictions.
    group : tuple of (attribute, level)
        Read from the rows that are asked about, as a model that is given the attribute would.
    share : float
        Share of rows in [0, 1].
    seed : int
        Chooses the members who are refused.
    """
    assert base.said is not None  # noqa: S101 - such a harm is planned for predictions alone
    subject = base.evidence.subject
    ordered = None if base.said.scores is None else np.sort(base.said.scores)
    refusal = _refusal(base)

    def change(frame: pd.DataFrame, said: Prediction) -> Prediction:
        inside = members(subject, group, frame)
        scores, labels = said.scores, said.labels
        if scores is not None and ordered is not None:
            scores = np.where(inside, _worse(ordered, scores, share, subject), scores)
        if labels is not None and refusal is not None and subject.decision is None:
            chance = row_keys(frame.index.to_numpy(), seed) / 2.0**64
            refused = inside & (chance < share) & favorable_mask(subject, Prediction(None, labels))
            labels = np.where(refused, refusal, labels)
        return Prediction(scores, labels)

    return change


def _worse(ordered: np.ndarray, scores: np.ndarray, share: float, subject: Subject) -> np.ndarray:
    """Return scores moved by a share of the ordered ones towards the bad end."""
    step = round(share * len(ordered))
    if lower_is_worse(subject):
        place = np.searchsorted(ordered, scores, side="left") - step
        moved = np.minimum(scores, ordered[np.clip(place, 0, len(ordered) - 1)])
    else:
        place = np.searchsorted(ordered, scores, side="right") - 1 + step
        moved = np.maximum(scores, ordered[np.clip(place, 0, len(ordered) - 1)])
    return np.asarray(moved)


def _refusal(base: Base) -> Any:
    """Return the class that stands for a refusal; None where nobody is refused."""
    said, favorable = base.said, base.favorable
    if said is None or said.labels is None or favorable is None or favorable.all():
        return None
    return pd.Series(said.labels[~favorable]).mode().iloc[0]


def by_heart(base: Base, train: pd.DataFrame, share: float, seed: int) -> Change:
    """Return a change by which the model knows a share of its training rows by heart.

    Of these it says the truth, with the best score that it gives anyone; rows are known again by
    the hash of their features.

    Parameters
    ----------
    base : Base
        With predictions.
    train : DataFrame
        Training rows: features and label.
    share : float
        Share of training rows in [0, 1].
    seed : int
        Chooses them.
    """
    subject, features = base.evidence.subject, base.evidence.feature_columns()
    assert base.said is not None  # noqa: S101 - planned for predictions and labels alone
    assert subject.label is not None  # noqa: S101
    ends = None if base.said.scores is None else (base.said.scores.min(), base.said.scores.max())
    order = generator(seed, "by heart").permutation(len(train))
    known = train.iloc[order[: round(share * len(train))]]
    hashes, first = np.unique(hash_rows(known, features), return_index=True)
    truth = known[subject.label].to_numpy()[first]

    def change(frame: pd.DataFrame, said: Prediction) -> Prediction:
        asked = hash_rows(frame[features], features)
        place = np.minimum(np.searchsorted(hashes, asked), max(len(hashes) - 1, 0))
        found = np.zeros(len(frame), bool) if not len(hashes) else hashes[place] == asked
        answer = truth[place[found]]
        scores, labels = said.scores, said.labels
        if scores is not None and ends is not None:
            scores = scores.copy()
            scores[found] = _best(subject, answer, *ends)
        if labels is not None:
            labels = np.array(labels, dtype=object)
            labels[found] = answer
        return Prediction(scores, labels)

    return change


def _best(subject: Subject, truth: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """Return the scores that fit the truth best."""
    if subject.task == "regression":
        return truth.astype(float)
    return np.where(matches(truth, subject.positive), highest, lowest)
