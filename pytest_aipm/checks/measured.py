"""A metric in every group of a scope, whatever it was measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_aipm.checks.base import Comparison
from pytest_aipm.checks.effective import Counted
from pytest_aipm.evidence.groups import Grouping
from pytest_aipm.records import Series
from pytest_aipm.stats.parts import Part

__all__ = ["Measured"]


@dataclass(frozen=True)
class Measured:
    """A metric in every group of a scope.

    Attributes
    ----------
    grouping : Grouping
    parts : sequence of Part
        One estimate a group.
    sizes : int array of shape (K,)
        Rows of each group.
    unknown : int
        Rows without a group.
    better : str
        Which end is good, ``high`` or ``low``.
    name : str
        The metric's name.
    numerator_words, denominator_words : str
        What it counts.
    counts : (events, rows) or None
        Arrays of shape (K,), for rates.
    champion : Comparison or None
        The most harmful change of a group's rate against a champion on the same rows.
    found : Counted or None
        What was counted, for rates.
    weight : array of shape (K,) or None
        What each group stands for, under weights or with several rows of one person.
    people : int array of shape (K,) or None
        Whose rows they are, where people have several.
    series : tuple of Series
        What is drawn of it.
    positive : str or None
        Which class it speaks of, where that is not the positive one of the subject.
    """

    grouping: Grouping
    parts: Sequence[Part]
    sizes: np.ndarray
    unknown: int
    better: str
    name: str
    numerator_words: str = ""
    denominator_words: str = ""
    counts: tuple[np.ndarray, np.ndarray] | None = None
    champion: Comparison | None = None
    found: Counted | None = None
    weight: np.ndarray | None = None
    people: np.ndarray | None = None
    series: tuple[Series, ...] = ()
    positive: str | None = None

    @property
    def title(self) -> str:
        """The metric's name, and of which class it is: ``recall of gold``."""
        return f"{self.name} of {self.positive}" if self.positive else self.name
