"""Which of two classes is predicted, and which decision is good for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from pytest_aipm.starting.shown import short
from pytest_aipm.starting.table import Table
from pytest_aipm.starting.words import BENEFIT, GOOD, HARM, PAIRS, has, plain

__all__ = ["Reading", "read_classes", "score_auc"]


@dataclass(frozen=True)
class Reading:
    """One of two classes, why, and whether a person must look at it."""

    value: Any
    why: str
    doubt: bool


def read_classes(
    classes: Sequence[Any], name: str, *, table: Table, label: str | None, scores: str | None
) -> tuple[Reading, Reading]:
    """Return the positive and the favorable class of two.

    Parameters
    ----------
    classes : sequence of two values
    name : str
        Of the column that holds them: names of events say for whom they are good.
    table : Table
    label, scores : str or None
        Where both are there, the scores themselves say which class they predict.
    """
    positive = _by_words(classes)
    if label is not None and scores is not None:
        positive = _by_scores(positive, table, label, scores)
    return positive, _favorable(positive, classes, name)


def _by_words(classes: Sequence[Any]) -> Reading:
    seen = {plain(value): value for value in classes}
    for yes, no in PAIRS:
        if set(seen) == {yes, no}:
            why = f"of {short(seen[yes])} and {short(seen[no])} it is the one that happens"
            return Reading(seen[yes], why, doubt=False)
    for (one, value), (other, rest) in permutations(seen.items()):
        negated = other in {f"non{one}", f"un{one}", f"in{one}", f"dis{one}"}
        if negated or other.replace("-", " ").split()[:1] in (["not"], ["non"], ["no"]):
            return Reading(value, f"'{short(rest)}' is the other one", doubt=False)
        if one.startswith(">") and other.startswith("<"):
            return Reading(value, "it is the larger one", doubt=False)
    for value in classes:
        if has(str(value), HARM) or plain(value) in GOOD:
            return Reading(value, "it is an event", doubt=True)
    why = "it is the second in order, which scikit-learn predicts; nothing in the names says it"
    last = max(classes, key=lambda value: (isinstance(value, str), value))
    return Reading(last, why, doubt=True)


def score_auc(table: Table, label: str, scores: str, positive: Any) -> float:
    """Return the area under the curve of a column for one class; NaN where it is undefined."""
    truth = table[label].values
    known = truth.notna() & table[scores].values.notna()
    score = table[scores].values[known].to_numpy(dtype=np.float64)
    yes = (truth[known].map(plain) == plain(positive)).to_numpy(dtype=bool)
    ones, zeros = int(yes.sum()), int((~yes).sum())
    if not ones or not zeros:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[yes].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _by_scores(guess: Reading, table: Table, label: str, scores: str) -> Reading:
    """Look whether the scores are higher where the class happened."""
    auc = score_auc(table, label, scores, guess.value)
    if not np.isfinite(auc):
        return guess
    if auc >= 0.5:
        why = f"'{short(scores)}' is higher where '{short(label)}' is {short(guess.value)} "
        return Reading(guess.value, f"{why}(AUC {auc:.2f})", auc < 0.55)
    other = next(value for value in table[label].classes if value != guess.value)
    why = (
        f"'{short(scores)}' is higher where '{short(label)}' is {short(other)} (AUC {1 - auc:.2f})"
    )
    return Reading(other, why, doubt=True)


def _favorable(positive: Reading, classes: Sequence[Any], name: str) -> Reading:
    other = next(value for value in classes if value != positive.value)
    for value in classes:
        if plain(value) in GOOD:
            return Reading(value, f"'{short(value)}' is good for a person", doubt=True)
    for value, rest in ((positive.value, other), (other, positive.value)):
        if has(str(value), HARM):
            return Reading(rest, f"'{short(value)}' is bad for a person", doubt=True)
    if word := has(name, HARM):
        why = f"'{word}' in the name '{short(name)}' is bad for the person it happens to"
        return Reading(other, why, doubt=True)
    if word := has(name, BENEFIT):
        why = f"'{word}' in the name '{short(name)}' is good for the person it happens to"
        return Reading(positive.value, why, doubt=True)
    why = "nothing in the names says which class is good for a person; this is a guess"
    return Reading(positive.value, why, doubt=True)
