"""Changes of an area under the curve, or of a mean loss, between two models on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from pytest_aipm.stats.estimate import Array
from pytest_aipm.stats.means import SMALL
from pytest_aipm.stats.multiplicity import sidak
from pytest_aipm.stats.paired import Change
from pytest_aipm.stats.score import quantile

__all__ = ["AucChange", "ChangePart", "auc_change", "most_harmful"]


class ChangePart(Protocol):
    """One group's change: new minus old, with one-sided bounds."""

    @property
    def value(self) -> float:
        """The change; nan when undefined."""

    @property
    def proves(self) -> bool:
        """Whether its bounds may prove that it got worse."""

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return the lower and the upper bound, each one-sided at `alpha`."""


@dataclass(frozen=True)
class AucChange:
    """The change of an area under the curve on the same rows.

    Attributes
    ----------
    value : float
        New area minus old area; nan when a class is missing.
    variance : float
        Of the change, DeLong's.
    smaller : int
        Rows of the smaller class.
    """

    value: float
    variance: float
    smaller: int

    @property
    def proves(self) -> bool:
        """Whether each class has at least 30 rows."""
        return self.smaller >= SMALL

    def bound(self, alpha: float) -> tuple[float, float]:
        """Return normal bounds; what half a row more could change is never left out."""
        if not math.isfinite(self.value):
            return -1.0, 1.0
        half = quantile(alpha) * math.sqrt(self.variance + 0.25 / self.smaller**2)
        return max(self.value - half, -1.0), min(self.value + half, 1.0)


def auc_change(new: ArrayLike, old: ArrayLike, positive: ArrayLike) -> AucChange:
    """Return the change of the area under the ROC curve from one model's scores to another's.

    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837: the two areas are means of
    placements of the same rows, so the variance of their difference is that of the differences of
    placements. O(n log n) by ranks (Sun and Xu 2014).

    Parameters
    ----------
    new, old : array_like of float, shape (n,)
        Scores of the same rows.
    positive : array_like of bool, shape (n,)

    Returns
    -------
    AucChange
    """
    positive = np.asarray(positive, dtype=bool)
    m, k = int(positive.sum()), int((~positive).sum())
    if min(m, k) == 0:
        return AucChange(math.nan, math.nan, 0)
    (above_new, below_new), (above_old, below_old) = (
        _placements(np.asarray(scores, dtype=float), positive) for scores in (new, old)
    )
    above, below = above_new - above_old, below_new - below_old
    variance = sum(float(each.var(ddof=1)) / each.size for each in (above, below) if each.size > 1)
    return AucChange(float(above.mean()), variance, min(m, k))


def _placements(scores: Array, positive: np.ndarray) -> tuple[Array, Array]:
    """Return the share of negatives below each positive, and of positives above each negative."""
    ranks = rankdata(scores)
    m, k = int(positive.sum()), int((~positive).sum())
    above = (ranks[positive] - rankdata(scores[positive])) / k
    below = 1 - (ranks[~positive] - rankdata(scores[~positive])) / m
    return above, below


def most_harmful(
    parts: Sequence[ChangePart], *, harm: Literal["lower", "higher"], confidence: float = 0.95
) -> Change:
    """Return the most harmful change of a group's number on the same rows.

    Parameters
    ----------
    parts : sequence of ChangePart
        One change a group; undefined ones are left out.
    harm : {"lower", "higher"}
        Whether a lower or a higher number is worse.
    confidence : float
        Of each end: Šidák over the groups that can prove for the lower one, none for the upper.

    Returns
    -------
    Change
        Positive is worse, as in `group_changes`. nan without a group.
    """
    sign = -1.0 if harm == "lower" else 1.0
    known = [(i, part) for i, part in enumerate(parts) if math.isfinite(part.value)]
    if not known:
        return Change(math.nan, -math.inf, math.inf, ())
    alpha = 1 - confidence
    proving = [part for _, part in known if part.proves]
    level = sidak(alpha, len(proving))
    lower = max((_harmful(part.bound(level), sign)[0] for part in proving), default=-math.inf)
    upper = max(_harmful(part.bound(alpha), sign)[1] for _, part in known)
    worst, part = max(known, key=lambda each: sign * each[1].value)
    delta = sign * part.value
    return Change(delta, min(lower, delta), max(upper, delta), (worst,))


def _harmful(bounds: tuple[float, float], sign: float) -> tuple[float, float]:
    low, high = sorted(sign * bound for bound in bounds)
    return low, high
