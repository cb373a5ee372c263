"""How hard a row is to predict, learned from rows the model never saw.

A row that is easy is fitted well whether the model has seen it or not. What gives a member away is
to be fitted better than rows like it are; so a regression of the fit on the row, learned from
evaluation rows alone, is taken off. Each row, member or not, is predicted by one regression that
did not see it, learned from the same number of rows: members and others are then treated alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.util import hash_array
from threadpoolctl import threadpool_limits

from pytest_aipm.evidence.sample import generator

__all__ = ["LEAST", "encoded", "residuals", "told_apart"]

FOLDS = 5
LEAST = 100
"""Evaluation rows from which a regression is learned at all."""
MAX_FIT = 20_000
"""Rows that a regression or a classifier is learned from."""
ITERATIONS = 50
MOST_LEVELS = 200


def encoded(members: pd.DataFrame, others: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return both tables as numbers; a text is the rank of its value, a rare one among the last.

    Values that are as frequent are ranked by their hash: by their place in the table the rows of
    one side would come first, and be told from the others by nothing else.

    Returns
    -------
    two float arrays of shape (rows, columns)
    """
    both = pd.concat([members, others], ignore_index=True)
    columns = [_numbers(both[name]) for name in both.columns]
    values = np.column_stack(columns) if columns else np.empty((len(both), 0))
    return values[: len(members)], values[len(members) :]


def _numbers(column: pd.Series[Any]) -> np.ndarray:
    kind = column.dtype
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        found = column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isinf(found), np.nan, found)
    if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        return np.where(column.isna(), np.nan, column.astype("int64").to_numpy(dtype=float))
    texts = (
        column.astype(object)
        .where(column.notna(), None)
        .map(lambda value: None if value is None else str(value))
    )
    codes, found = pd.factorize(np.asarray(texts, dtype=object))
    counts = np.bincount(codes[codes >= 0], minlength=len(found))
    often = np.lexsort((hash_array(found), -counts))
    rank = np.empty(len(found) + 1)
    rank[often] = np.minimum(np.arange(len(found)), MOST_LEVELS)
    rank[-1] = np.nan
    return np.asarray(rank[codes])


def residuals(
    members: tuple[np.ndarray, np.ndarray], others: tuple[np.ndarray, np.ndarray], seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return how much better each row is fitted than rows like it.

    Parameters
    ----------
    members, others : (values, fit)
        Arrays of shape (rows, columns) and (rows,): the rows as numbers, truth among them, and
        how well the model fits each, larger being better.
    seed : int

    Returns
    -------
    members, others : float arrays of shape (m,) and (k,), or None
        None with too few others to learn from.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - heavy

    if len(others[1]) < LEAST or not others[0].shape[1]:
        return None
    rng = generator(seed, "difficulty")
    fold, member_fold = (rng.integers(FOLDS, size=len(each[1])) for each in (others, members))
    learnt = np.zeros(len(fold), dtype=bool)
    learnt[rng.permutation(len(fold))[:MAX_FIT]] = True
    found = members[1].copy(), others[1].copy()
    with threadpool_limits(limits=1):  # the last bit of a sum must not hang on the machine
        for one in range(FOLDS):
            fit = learnt & (fold != one)
            known = _known(others[0][fit])
            regression = HistGradientBoostingRegressor(
                max_iter=ITERATIONS, early_stopping=False, random_state=0
            ).fit(others[0][fit][:, known], others[1][fit])
            for left, rows, here in ((0, members[0], member_fold), (1, others[0], fold)):
                mine = here == one
                if mine.any():
                    found[left][mine] -= regression.predict(rows[mine][:, known])
    return found


def _known(values: np.ndarray) -> np.ndarray:
    """Return which columns hold a value at all: of others no histogram can be made."""
    return np.asarray(~np.isnan(values).all(axis=0))


def told_apart(
    members: np.ndarray, others: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return how much like a training row each held-out row looks, to one who has no model.

    A classifier learns from one half of both sides, and scores the other half.

    Parameters
    ----------
    members, others : float arrays of shape (rows, columns)

    Returns
    -------
    members, others : float arrays, or None
        Scores of the halves it did not learn from; None with too few rows.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - heavy

    if min(len(members), len(others)) < LEAST or not members.shape[1]:
        return None
    rng = generator(seed, "exchangeability")
    # both sides alike in number: an AUC needs no more, and the classifier no prior
    most = min(len(members), len(others), MAX_FIT // 2)
    sides = [each[rng.permutation(len(each))[:most]] for each in (members, others)]
    half = most // 2
    learnt = np.concatenate([each[:half] for each in sides])
    known = _known(learnt)
    if not known.any():
        return None
    is_member = np.repeat([1, 0], half)
    with threadpool_limits(limits=1):
        classifier = HistGradientBoostingClassifier(
            max_iter=ITERATIONS, early_stopping=False, random_state=0
        ).fit(learnt[:, known], is_member)
        scores = [classifier.predict_proba(each[half:][:, known])[:, 1] for each in sides]
    return scores[0], scores[1]
