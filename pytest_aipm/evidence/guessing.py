"""Guesses of a sensitive column by whoever may ask the model and knows all the other columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.decide import matches
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import sample_rows
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.train import MARGINS, TRUTH, Fit, of_true_class
from pytest_aipm.sources.model import Model, Prediction

__all__ = ["MAX_LEVELS", "MAX_ROWS", "Guesses", "guesses_of"]

MAX_LEVELS = 20
MAX_ROWS = 10_000
"""Rows of either side that are guessed."""
SURE = 0.99
"""How far a guess trusts a predicted class that comes without a score."""
FLOOR = 1e-9


@dataclass(frozen=True)
class Guesses:
    """How often the guess of a value is right.

    Attributes
    ----------
    members, others : (right, rows)
        Of training rows, and of rows the model never saw.
    levels : int
        Values there are to choose from.
    unknown : (members, others)
        Rows left out because they have no value that a guess could be compared with.
    """

    members: tuple[int, int]
    others: tuple[int, int]
    levels: int
    unknown: tuple[int, int] = (0, 0)


def guesses_of(evidence: Evidence, fit: Fit, column: str) -> Guesses | str:
    """Guess a column of training rows and of others, as the model lets an attacker.

    Every value is put in for the row's own, and the model is asked how likely the row's true label
    then is; the guess is the value with the largest product of that and of its share among the
    others (the truth of a row is known to the attacker, the sensitive value is not).

    Returns
    -------
    Guesses or str
        Why there is nothing to guess, where one side has no value or both have the same one alone.

    Raises
    ------
    DataError
        When it has more than `MAX_LEVELS` values.
    """
    model = evidence.model
    assert model is not None  # noqa: S101 - there would be no losses
    sides = [
        sample_rows([rows], MAX_ROWS, evidence.seed) for rows in (fit.member_rows, fit.other_rows)
    ]
    known = [side[side[column].notna()] for side in sides]
    values = pd.concat([side[column] for side in known]).unique()
    if len(values) > MAX_LEVELS:
        raise DataError(
            evidence.subject.problem(
                "features",
                f"the sensitive column {column[:60]!r} has {len(values):,} values; more than "
                f"{MAX_LEVELS} are not guessed one by one",
                "name a column with few values, such as one of bands",
            )
        )
    for side, who in zip(known, ("training", "evaluation"), strict=True):
        if not len(side):
            return f"no {who} row has a value of {column[:60]}, so there is nothing to guess"
    if len(values) < 2:
        return f"{column[:60]} has one value only, so there is nothing to guess"
    share = np.array([matches(known[1][column], value).mean() for value in values])
    spread = _spread(evidence.subject, fit)
    right = [_right(evidence.subject, model, side, column, values, share, spread) for side in known]
    lacking = [len(side) - len(had) for side, had in zip(sides, known, strict=True)]
    return Guesses(right[0], right[1], len(values), (lacking[0], lacking[1]))


def _spread(subject: Subject, fit: Fit) -> float:
    """Return the mean square error of a regression on rows that it never saw."""
    return float(np.square(fit.others).mean()) or 1.0 if subject.task == "regression" else 1.0


def _right(
    subject: Subject,
    model: Model,
    rows: pd.DataFrame,
    column: str,
    values: Any,
    share: np.ndarray,
    spread: float,
) -> tuple[int, int]:
    truth = rows[TRUTH].to_numpy()
    given = rows.drop(columns=TRUTH)
    chances = []
    for value, often in zip(values, share, strict=True):
        changed = given.copy()
        changed[column] = pd.Series([value] * len(given), index=given.index).astype(
            given[column].dtype
        )
        likely = _likely(subject, model, changed, truth, spread)
        chances.append(likely + np.log(max(float(often), FLOOR)))
    guess = np.argmax(chances, axis=0)
    own = np.select([matches(rows[column], value) for value in values], range(len(values)), -1)
    return int((guess == own).sum()), len(rows)


def _likely(
    subject: Subject, model: Model, rows: pd.DataFrame, truth: np.ndarray, spread: float
) -> np.ndarray:
    """Return the logarithm of how likely the true label is."""
    said = model.predict(rows, labels=False)
    if subject.task == "regression":
        assert said.scores is not None  # noqa: S101 - a regression always has values
        return np.asarray(-np.square(said.scores - truth) / (2 * spread))
    if subject.task == "multiclass":
        return _of_several(model, said, truth)
    if said.scores is None:
        assert said.labels is not None  # noqa: S101 - a prediction has one of the two
        right = matches(said.labels, subject.positive) == (truth > 0)
        return np.where(right, float(np.log(SURE)), float(np.log(1 - SURE)))
    score = said.scores
    if model.score_kind != "probability":
        score = 1 / (1 + np.exp(-np.clip(score, -500, 500)))
    right = np.where(truth > 0, score, 1 - score)
    return np.asarray(np.log(np.clip(right, FLOOR, 1)))


def _of_several(model: Model, said: Prediction, truth: np.ndarray) -> np.ndarray:
    """Return the logarithm of how likely the true one of several classes is."""
    if said.by_class is not None and model.score_kind in MARGINS:
        said = replace(said, by_class=softmax(said.by_class, axis=1))
    own, scored = of_true_class(said, truth, model.classes, None)
    if not scored:
        return np.where(own > 0, float(np.log(SURE)), float(np.log(1 - SURE)))
    return np.asarray(np.log(np.clip(own, FLOOR, 1)))
