"""Classes of a binary task: the two values of labels and predictions, and what the policy says."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError
from pytest_aipm.evidence.subject import Subject, group_name

__all__ = ["distinct", "listed", "refuse_one_class", "refuse_strangers"]

MOST = 12
"""Distinct values remembered of a batch, for an error text."""

Classes = AbstractSet[Any]


def distinct(column: pd.Series[Any]) -> frozenset[Any]:
    """Return the values of a column; a few of them when there are many."""
    return frozenset(column.unique()[:MOST].tolist())


def refuse_strangers(subject: Subject, labels: Classes, classes: Classes) -> None:
    """Refuse values that the policy's positive and favorable do not fit.

    Parameters
    ----------
    subject : Subject
    labels, classes : set
        Values of the label, and of predictions that decide; empty where there are none.

    Raises
    ------
    DataError
        For more than two values, for labels and predictions that are written differently, and for
        a positive or favorable class that never occurs.
    """
    for values, what in ((labels, "label"), (classes, "prediction")):
        if len(values) > 2:
            raise _fault(
                subject,
                "label" if what == "label" else "predictions",
                f"the {what} has {len(values)} or more values ({listed(values)}); a binary task "
                "has two",
                "merge classes in the data, or name another column",
            )
    seen = labels | classes
    if len(seen) > 2:
        raise _fault(
            subject,
            "predictions",
            f"label ({listed(labels)}) and predictions ({listed(classes)}) are written differently",
            "write the same two classes in both",
        )
    wanted = {"positive": subject.positive, "favorable": subject.favorable}
    absent = [key for key, value in wanted.items() if value not in seen]
    one_of_two = len(seen) == 1 and len(absent) == 1
    if seen and absent and not one_of_two:
        key = absent[0]
        raise _fault(
            subject,
            key,
            f"`{key}: {listed({wanted[key]})}` never occurs in the data (values: {listed(seen)})",
            _hint(key, wanted[key], seen),
        )


def refuse_one_class(subject: Subject, labels: Classes, n: int) -> None:
    """Raise DataError when the label holds one class only."""
    if len(labels) == 1:
        raise _fault(
            subject,
            "label",
            f"label {subject.label!r} holds one class only ({listed(labels)}) in {n:,} rows; "
            "error rates and AUC need both",
            "use evaluation rows with both outcomes",
        )


def _fault(subject: Subject, key: str, what: str, fix: str) -> DataError:
    return DataError(subject.problem(key, what, fix))


def _hint(key: str, wanted: object, seen: Classes) -> str:
    for value in sorted(seen, key=str):
        if str(value).strip().lower() == str(wanted).strip().lower():
            return f"write `{key}: {listed({value})}`"
    if len(seen) == 1:  # the one value may well be the other class: naming it would turn the audit
        return "all rows are alike: look at the model first, then at how the data write the class"
    return "name one of the values"


def listed(values: Classes) -> str:
    """Return up to six values as a reader can copy them into a policy."""
    shown = sorted((_quoted(value) for value in values), key=str)[:6]
    more = f" and {len(values) - 6} more" if len(values) > 6 else ""
    return ", ".join(shown) + more


def _quoted(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return f'"{value}"' if isinstance(value, str) else group_name(value)
