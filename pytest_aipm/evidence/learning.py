"""The losses of the model's recipe, fitted anew on growing shares of the training rows."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from pytest_aipm.errors import ModelError
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.losses import LOSSES, Array, Loss
from pytest_aipm.evidence.refit import progress, recipe
from pytest_aipm.evidence.sample import generator
from pytest_aipm.evidence.train import fit_of

__all__ = ["SHARES", "Learning", "OutOfTime", "learning_curve"]

SHARES = (8, 4, 2)
"""One over the shares of the training rows that are fitted beside all of them."""
LEAST = 64
"""Training rows below which an eighth of them is no training set."""
MOST_ASKED = 20_000
"""Evaluation rows that a refit is asked about; losses of so many have an error of under 1 %."""


class OutOfTime(Exception):  # noqa: N818 - no error: nothing is known, and that is said
    """The refits would take longer than allowed."""


@dataclass(frozen=True)
class Learning:
    """Losses on evaluation rows that no fit saw.

    Attributes
    ----------
    rows : tuple of int
        Training rows of each point of the curve, rising.
    means : tuple of float
        Mean loss at each.
    half : float array of shape (repeats, m)
        Losses of models from random halves.
    whole : float array of shape (m,)
        Losses of the model from all rows.
    loss : str
    fits : int
    """

    rows: tuple[int, ...]
    means: tuple[float, ...]
    half: Array
    whole: Array
    loss: str
    fits: int


def learning_curve(
    evidence: Evidence, repeats: int, most: int, budget_s: float | None = None
) -> Learning:
    """Fit the model's recipe on random shares of the training rows and on all of them.

    Parameters
    ----------
    evidence : Evidence
    repeats : int
        How often each share is drawn.
    most : int
        Training rows at most.
    budget_s : float, optional
        Seconds that all refits may take; asked for after the first, which is the largest.

    Raises
    ------
    DataError, ModelError
        Without training rows or a model that can be fitted anew, or with too few rows.
    OutOfTime
    """
    fit = fit_of(evidence)
    measure, named = _measure(fit.loss)
    refit = recipe(evidence, measure)
    rng = generator(evidence.seed, "learning curve")
    rows = fit.member_rows.iloc[rng.permutation(len(fit.member_rows))[:most]]
    asked = fit.other_rows.iloc[rng.permutation(len(fit.other_rows))[:MOST_ASKED]]
    if len(rows) < LEAST or len(asked) < 2:
        raise ModelError(
            evidence.subject.problem(
                "train",
                f"a learning curve needs {LEAST} training rows and 2 evaluation rows that are not "
                f"among them; there are {len(rows):,} and {len(asked):,}",
                "give more rows",
            )
        )
    n = len(rows)
    sizes = [n // each for each in SHARES]
    losses = np.empty((len(SHARES), repeats, len(asked)))
    start, total = time.monotonic(), repeats * len(SHARES) + 1
    whole = np.empty(0)
    order = np.arange(n)
    for step in progress(range(total), n):
        if step == 0:
            whole = refit(rows)(asked)
            spent = time.monotonic() - start
            if budget_s is not None and spent * total > budget_s:
                raise OutOfTime
            continue
        repeat, share = divmod(step - 1, len(SHARES))
        if share == 0:
            order = rng.permutation(n)
        losses[share, repeat] = refit(rows.iloc[order[: sizes[share]]])(asked)
    means = (*losses.mean(axis=(1, 2)).tolist(), float(whole.mean()))
    return Learning((*sizes, n), means, losses[-1], whole, named, total)


def _measure(loss: str) -> tuple[Loss, str]:
    """Return a bounded loss that fits of all sizes share, and its name."""
    if loss == "log loss":
        return LOSSES["squared_error"], "squared error of the probability (Brier)"
    if loss == "margin":
        return _wrong_side, "error (0 or 1, by the sign of the margin)"
    return LOSSES["absolute_error"], loss


def _wrong_side(label: Array, score: Array) -> Array:
    return np.asarray((score > 0) != (label > 0), dtype=float)
