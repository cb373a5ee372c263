"""What a model gained when its training rows last doubled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_aipm.stats.effects import EffectPart
from pytest_aipm.stats.estimate import Array

__all__ = ["Gain", "last_doubling"]


@dataclass(frozen=True, kw_only=True)
class Gain(EffectPart):
    """The fall of the mean loss from half of the training rows to all of them."""

    label = "t over repeats and evaluation rows"


def last_doubling(half: Array, whole: Array, kind: Literal["gain", "share"] = "gain") -> Gain:
    """Return how much lower the mean loss is with all training rows than with a random half.

    Repeats are independent draws of a half, evaluation rows are a sample; the variance adds both
    (each measured with some of the other in it, so their sum is not too small), and the degrees of
    freedom are those of Satterthwaite (1946), Biometrics 2:110.

    Parameters
    ----------
    half : array of shape (repeats, m)
        Losses of models from random halves, at least two of them, on the evaluation rows.
    whole : array of shape (m,)
        Losses of the model from all rows.
    kind : {"gain", "share"}
        In units of the loss, or as a share of the loss with half of the rows (delta method).
    """
    repeats, m = half.shape
    start, end = float(half.mean()), float(whole.mean())
    if kind == "share" and start <= 0:
        nan = float("nan")
        return Gain(nan, nan, nan, nan, float(m), 0.0, (-np.inf, 1.0))
    ratio, unit = (end / start, start) if kind == "share" else (1.0, 1.0)
    value = 1 - ratio if kind == "share" else start - end
    moved = (ratio * half - whole) / unit
    parts = (
        float(moved.mean(axis=0).var(ddof=1)) / m,
        float(moved.mean(axis=1).var(ddof=1)) / repeats,
    )
    total = sum(parts)
    shares = parts[0] ** 2 / (m - 1) + parts[1] ** 2 / (repeats - 1)
    freedom = total**2 / shares if shares > 0 else float(m - 1)
    error = float(np.sqrt(total))
    limits = (-np.inf, 1.0) if kind == "share" else (-np.inf, np.inf)
    return Gain(value, value, error, error, float(m), float(freedom), limits)
