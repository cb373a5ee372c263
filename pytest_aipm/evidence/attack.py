"""What an attacker has in hand who asks whether a row was trained on, and how far it gets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.difficulty import encoded, residuals, told_apart
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.train import Fit, fit_of
from pytest_aipm.stats.attacks import Area, Attack, Ratio, head, tail
from pytest_aipm.stats.parts import AucPart

__all__ = [
    "BLIND",
    "HEAD",
    "TAIL",
    "Score",
    "Signals",
    "attacks_on",
    "blind_of",
    "fitness",
    "signals_of",
    "signals_on",
]

HEAD = 0.01
"""Share of the others that may be wrongly named: an attack that must not cry wolf."""
TAIL = 0.05
"""Share of the members that lie in the tail in which others are looked for."""
BLIND = 0.55
"""Beyond this area training and evaluation rows are told apart without a model."""
FEWEST = 2
"""Rows of a side from which there is one to choose an operating point by, and one to count."""
FLOOR = 1e-4
"""Probabilities closer to 0 or 1 are taken for this close: a logit of 0 has no end."""


@dataclass(frozen=True, eq=False)
class Score:
    """Numbers of members and others, larger for what looks more like a member."""

    name: str
    members: np.ndarray
    others: np.ndarray


@dataclass(frozen=True, eq=False)
class Signals:
    """Scores of the attacks, and the losses they are made of."""

    fit: Fit
    scores: tuple[Score, ...]


def signals_of(evidence: Evidence) -> Signals:
    """Return the scores of the attacks on the audited model, computed once.

    Raises
    ------
    DataError, ModelError
        Without training rows, label or model, when they do not fit each other, or when every
        evaluation row is also a training row.
    """
    return evidence.once(("membership",), lambda: _signals(evidence))


def _signals(evidence: Evidence) -> Signals:
    fit = fit_of(evidence)
    if not len(fit.others):
        raise DataError(
            evidence.subject.problem(
                "train",
                "every evaluation row is also a training row, so there is nobody whom the model "
                "has not seen to compare with",
                "name evaluation rows that were kept out of training",
            )
        )
    if not len(fit.members):
        raise DataError(
            evidence.subject.problem(
                "train",
                "every training row equals another row, so nobody stands out whom an attacker "
                "could look for",
                "name training rows once each, with columns that tell people apart",
            )
        )
    return signals_on(fit, evidence.seed)


def signals_on(fit: Fit, seed: int) -> Signals:
    """Return the scores of the attacks on losses: the loss, and the loss less the difficulty."""
    scores = [Score(f"the {fit.loss}", -fit.members, -fit.others)]
    floor = _floor(fit)
    numbers = encoded(fit.member_rows, fit.other_rows)
    found = residuals(
        (numbers[0], fitness(fit.members, fit.loss, floor)),
        (numbers[1], fitness(fit.others, fit.loss, floor)),
        seed,
    )
    if found is not None:
        scores.append(Score(f"the {fit.loss} beside that of rows alike", *found))
    return Signals(fit, tuple(scores))


def fitness(losses: np.ndarray, loss: str, floor: float) -> np.ndarray:
    """Return how well rows are fitted, on a scale that a regression can learn.

    The logit of the probability of the true class, the margin, right or wrong, or minus the
    logarithm of an absolute error of at least `floor`.
    """
    if loss == "log loss":
        right = np.clip(np.exp(-losses), FLOOR, 1 - FLOOR)
        return np.asarray(np.log(right / (1 - right)))
    if loss == "absolute error":
        return np.asarray(-np.log(np.maximum(losses, floor)))
    return -losses


def _floor(fit: Fit) -> float:
    middle = float(np.median(fit.others))
    return 1e-3 * middle if middle > 0 else 1e-12


def attacks_on(scores: tuple[Score, ...], unit: str, seed: int) -> list[Attack]:
    """Return the attacks that are judged in a unit of the limit.

    Parameters
    ----------
    scores : tuple of Score
    unit : str
        ``auc``: the area of each score. Else the implied epsilon: of the area, of the head (who is
        fitted best) and of the tail (who is fitted worst) of each score.
    seed : int
    """
    found: list[Attack] = []
    for score in scores:
        part = AucPart.from_scores(score.members, score.others)
        if unit == "auc":
            found.append(Area(part, f"{score.name}, area", "auc"))
            continue
        found.append(Area(part, f"{score.name}, area"))
        m, k = len(score.members), len(score.others)
        if min(m, k) < FEWEST:
            found.append(Ratio(0, m, 0, k, f"{score.name}, best fitted"))
            continue
        rng = generator(seed, "halves", score.name)
        half = [rng.permutation(size) < size // 2 for size in (k, m)]
        sides = score.members, score.others
        found += head(*sides, half[0], share=HEAD, name=f"{score.name}, best fitted")
        found += tail(*sides, half[1], share=TAIL, name=f"{score.name}, worst fitted")
    return found


def blind_of(evidence: Evidence) -> AucPart | None:
    """Return how well training and evaluation rows are told apart without the model.

    None where there are too few rows to learn that from.
    """
    return evidence.once(("exchangeability",), lambda: _blind(evidence))


def _blind(evidence: Evidence) -> AucPart | None:
    fit = signals_of(evidence).fit
    return _told(fit.member_rows, fit.other_rows, evidence.seed)


def _told(members: pd.DataFrame, others: pd.DataFrame, seed: int) -> AucPart | None:
    found = told_apart(*encoded(members, others), seed)
    return None if found is None else AucPart.from_scores(*found)
