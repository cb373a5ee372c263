"""Each row's weight and whose row it is, as the columns of the subject say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.decide import refuse_missing
from pytest_aipm.evidence.sample import hash_rows
from pytest_aipm.evidence.subject import Subject
from pytest_aipm.evidence.tally import Tally
from pytest_aipm.sources.weights import weights_of

__all__ = ["beside", "people", "refuse_inputs", "refuse_nobody", "standing", "weights"]


def beside(subject: Subject) -> list[str]:
    """Return the columns that say for whom a row stands."""
    return [each for each in (subject.weights, subject.cluster) if each is not None]


def standing(
    subject: Subject, frame: pd.DataFrame
) -> tuple[pd.DataFrame, np.ndarray | None, np.ndarray | None]:
    """Return the rows that stand for anybody, their weights, and a hash of whose they are."""
    weight = weights(subject, frame)
    if weight is not None:
        frame, weight = frame[weight > 0], weight[weight > 0]
    return frame, weight, people(subject, frame)


def weights(subject: Subject, batch: pd.DataFrame) -> np.ndarray | None:
    """Return the sampling weights of a batch, shape (n,); None without a column of them.

    Raises
    ------
    DataError
        For texts, and for missing, infinite or negative values.
    """
    if subject.weights is None:
        return None
    return weights_of(batch[subject.weights], whole=False, where=subject.where("weights"))


def people(subject: Subject, batch: pd.DataFrame) -> np.ndarray | None:
    """Return a 64-bit hash of whose row each one is, shape (n,); None without such a column.

    Raises
    ------
    DataError
        When a row does not say.
    """
    if subject.cluster is None:
        return None
    what = "query" if subject.cluster == subject.within else "cluster"
    refuse_missing(batch[subject.cluster], what, subject.cluster)
    return hash_rows(batch, [subject.cluster])


def refuse_nobody(subject: Subject, tally: Tally) -> None:
    """Refuse weights that are all zero, and rows that are all of one person."""
    if subject.weights is not None and tally.n == 0:
        raise _fault(
            subject,
            "weights",
            f"weights column {subject.weights!r} holds zeros only",
            "name the column that says how many people a row stands for",
        )
    if subject.within is not None and tally.people is not None and tally.people.people < 2:
        raise _fault(
            subject,
            "decision",
            f"all {tally.n:,} rows are of one query ({subject.within!r} holds one value), and one "
            "ranking cannot show what chance does",
            "use evaluation rows of many queries",
        )
    if tally.people is not None and tally.people.people < 2:
        raise _fault(
            subject,
            "cluster",
            f"all {tally.n:,} rows are of one person: cluster column {subject.cluster!r} holds one "
            "value",
            "name the column that says whose row it is",
        )


def refuse_inputs(subject: Subject, features: list[str]) -> None:
    """Refuse a column of weights or people that the model is given."""
    for key, column in (("weights", subject.weights), ("cluster", subject.cluster)):
        if column is not None and column in features:
            written = "within" if column == subject.within else key
            raise _fault(
                subject,
                "decision" if written == "within" else key,
                f"the column of `{written}`, {column!r}, is an input of the model, too",
                "if that is meant, name a copy of the column here",
            )


def _fault(subject: Subject, key: str, what: str, fix: str) -> DataError:
    return DataError(subject.problem(key, what, fix))
