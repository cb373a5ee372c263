"""The confusion-matrix rates, defined once as numerator over denominator.

A table has shape (K, 2, 2): group, label (negative, positive), decision (other, positive). Error
rates speak of the positive class, the selection rate of the favorable decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pytest_aipm.evidence.subject import Subject

__all__ = ["RATES", "Rate"]

Pick = Callable[[np.ndarray, bool], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Rate:
    """One rate.

    Attributes
    ----------
    id, name : str
        Identifier and the field's name.
    numerator, denominator : str
        What is counted, in words; ``{positive}`` and ``{favorable}`` are filled in.
    pick : callable
        (table, favors_positive) to numerator and denominator counts of shape (K,).
    better : {"high", "low", ""}
        Which end is good for the model's users; empty where neither is.
    needs_label : bool
        Whether the label is part of the definition.
    fixed_denominator : bool
        Whether the denominator does not depend on the decision, so that two models can be paired.
    """

    id: str
    name: str
    numerator: str
    denominator: str
    pick: Pick
    better: str = ""
    needs_label: bool = True
    fixed_denominator: bool = True

    def counts(self, table: np.ndarray, subject: Subject) -> tuple[np.ndarray, np.ndarray]:
        """Return numerator and denominator of each group from a table (K, labels, 2, ...)."""
        flat = table.sum(axis=tuple(range(3, table.ndim))) if table.ndim > 3 else table
        return self.pick(flat, subject.favors_positive)

    def cells(
        self, shape: tuple[int, ...], subject: Subject, *, champion: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which cells of a table of `shape` (labels, 2, champions) are counted.

        Returns
        -------
        denominator, numerator : bool arrays of `shape`
            Of the audited model's rate, or of the champion's.
        """
        labels, decisions, champions = shape
        decided = champions if champion else decisions
        single = np.eye(labels * decided, dtype=np.int64).reshape(-1, labels, decided)
        hit, inside = (
            np.expand_dims(each.reshape(labels, decided) > 0, 1 if champion else 2)
            for each in self.counts(single, subject)
        )
        return np.broadcast_to(inside, shape), np.broadcast_to(hit, shape)

    def words(self, subject: Subject) -> tuple[str, str]:
        """Return numerator and denominator with the policy's own class names."""
        return self.numerator.format(**subject.names), self.denominator.format(**subject.names)


def _selected(table: np.ndarray, favors_positive: bool) -> tuple[np.ndarray, np.ndarray]:
    return table[:, :, int(favors_positive)].sum(axis=1), table.sum(axis=(1, 2))


def _cell(label: int, decision: int) -> Pick:
    def pick(table: np.ndarray, favors_positive: bool) -> tuple[np.ndarray, np.ndarray]:
        del favors_positive
        return table[:, label, decision], table[:, label, :].sum(axis=1)

    return pick


def _precision(table: np.ndarray, favors_positive: bool) -> tuple[np.ndarray, np.ndarray]:
    del favors_positive
    return table[:, 1, 1], table[:, :, 1].sum(axis=1)


def _accuracy(table: np.ndarray, favors_positive: bool) -> tuple[np.ndarray, np.ndarray]:
    del favors_positive
    return table[:, 0, 0] + table[:, 1, 1], table.sum(axis=(1, 2))


RATES: dict[str, Rate] = {
    rate.id: rate
    for rate in (
        Rate(
            "selection_rate",
            "selection rate",
            "rows decided {favorable} (favorable)",
            "all rows",
            _selected,
            needs_label=False,
        ),
        Rate(
            "true_positive_rate",
            "true positive rate",
            "rows with label {positive} decided {positive}",
            "rows with label {positive}",
            _cell(1, 1),
            better="high",
        ),
        Rate(
            "false_positive_rate",
            "false positive rate",
            "rows without label {positive} decided {positive}",
            "rows without label {positive}",
            _cell(0, 1),
            better="low",
        ),
        Rate(
            "true_negative_rate",
            "true negative rate",
            "rows without label {positive} not decided {positive}",
            "rows without label {positive}",
            _cell(0, 0),
            better="high",
        ),
        Rate(
            "false_negative_rate",
            "false negative rate",
            "rows with label {positive} not decided {positive}",
            "rows with label {positive}",
            _cell(1, 0),
            better="low",
        ),
        Rate(
            "precision",
            "precision",
            "rows decided {positive} with label {positive}",
            "rows decided {positive}",
            _precision,
            better="high",
            fixed_denominator=False,
        ),
        Rate(
            "accuracy",
            "accuracy",
            "rows decided as labelled",
            "all rows",
            _accuracy,
            better="high",
        ),
        Rate(
            "top_k_accuracy",
            "top-k accuracy",
            "rows whose label is among the classes with the highest scores",
            "all rows",
            _accuracy,
            better="high",
        ),
    )
}
