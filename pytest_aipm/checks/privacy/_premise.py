"""What attacks on memory stand on: rows that nobody can tell apart without the model."""

from __future__ import annotations

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.attack import BLIND
from pytest_aipm.evidence.train import Fit
from pytest_aipm.stats.attacks import MOST
from pytest_aipm.stats.estimate import Estimate
from pytest_aipm.stats.exposure import Exposure, Undecided
from pytest_aipm.stats.parts import AucPart

__all__ = ["left_out", "premise", "value_range"]


def value_range(params: CheckParams) -> tuple[float, float]:
    """Return the lowest and the highest value of the limit's unit."""
    return (0.0, 1.0) if params.unit == "auc" else (0.0, MOST)


def premise(
    found: Exposure,
    blind: AucPart | None,
    confidence: float,
    scale: tuple[float, float],
    *,
    who: str = "training",
) -> tuple[Estimate, str]:
    """Return what can be judged, and why nothing can where the rows are told apart anyway.

    Parameters
    ----------
    found : Exposure
    blind : AucPart or None
        How well the two sides are told apart without the model; None where nobody knows.
    confidence : float
    scale : tuple of float
        Lowest and highest value there can be.
    who : str
        Whose rows are compared with the evaluation rows.
    """
    if blind is None or blind.bound(1 - confidence)[0] <= BLIND:
        return found, ""
    said = (
        f"; but {who} and evaluation rows are told apart without the model (AUC "
        f"{number(blind.value)}), so this says nothing of its memory: compare with evaluation rows "
        "drawn at random from the same source"
    )
    return Undecided.of(found, *scale), said


def left_out(fit: Fit) -> tuple[str, ...]:
    """Return which rows were left out before anything was compared."""
    said: tuple[str, ...] = ()
    if fit.dropped:
        said = (f"{fit.dropped:,} evaluation rows that are also training rows were left out first",)
    if sum(fit.crowd):
        crowd = (
            f"so were {fit.crowd[0]:,} training rows and {fit.crowd[1]:,} more evaluation rows "
            "that another row equals: the columns are coarse, and only rows that stand alone "
            "can be compared"
        )
        said = (*said, crowd)
    return said
