"""Classes: the values of labels and predictions, and what the policy says of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.errors import DataError, Problem
from pytest_aipm.evidence.subject import Classes as Chosen
from pytest_aipm.evidence.subject import Subject, class_name, group_name

__all__ = [
    "MAX_CLASSES",
    "distinct",
    "in_order",
    "listed",
    "refuse_misfits",
    "refuse_one_class",
    "refuse_strangers",
    "unseen",
]

MOST = 12
"""Distinct values remembered of a batch of two classes, for an error text."""

MAX_CLASSES = 1000
"""More values than this are numbers or identifiers, not classes."""

Classes = AbstractSet[Any]


def distinct(column: pd.Series[Any], most: int = MOST) -> frozenset[Any]:
    """Return the values of a column; a few of them when there are many.

    Raises
    ------
    DataError
        For lists and mappings, which are no classes.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu" and len(column):
        values = column.to_numpy()
        low, high = int(values.min()), int(values.max())
        if high - low < MOST:  # no table of hashes is needed
            return frozenset(each for each in range(low, high + 1) if (values == each).any())
    try:
        return frozenset(column.unique()[:most].tolist())
    except TypeError:
        what = "it holds lists or mappings; one output is audited at a time"
        if column.name is not None:
            what = (
                f"column {column.name!r} holds lists or mappings; one output is audited at a time"
            )
        raise DataError(Problem(what, "name a column with one class a row")) from None


def in_order(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return classes in the order that people expect: numbers by size, else by name."""
    values = list(values)
    try:
        return tuple(sorted(values))
    except TypeError:
        return tuple(sorted(values, key=group_name))


def refuse_misfits(subject: Subject, labels: Classes, classes: Classes) -> None:
    """Refuse labels and predictions that are no classes, or that `favorable` does not fit.

    Parameters
    ----------
    subject : Subject
        Of a multiclass task.
    labels, classes : set
        Values of the label and of predictions; empty where they were not read.

    Raises
    ------
    DataError
        For too many values, for one class written in two ways, for favorable classes of which none
        occurs or one looks like a slip, and when every class is favorable.
    """
    for values, what, key in ((labels, "label", "label"), (classes, "prediction", "predictions")):
        if len(values) > MAX_CLASSES:
            raise _fault(
                subject,
                key,
                f"the {what} has more than {MAX_CLASSES:,} values; those are no classes",
                "write `task: regression` for numbers, or name a column of classes",
            )
    seen = labels | classes
    written: dict[str, Any] = {}
    for value in in_order(seen):
        other = written.setdefault(group_name(value), value)
        if other is not value and other != value:
            raise _fault(
                subject,
                "predictions",
                f"class {group_name(value)} is written in two ways, {_typed(other)} and "
                f"{_typed(value)}",
                "write each class in one way, in labels and predictions alike",
            )
    if labels and classes and not labels & classes:
        raise _fault(
            subject,
            "predictions",
            f"no predicted class ({listed(classes)}) is one of the labels ({listed(labels)})",
            "name the column that holds the same classes",
        )
    if isinstance(subject.favorable, Chosen) and seen:
        _refuse_favorable(subject, seen)


def _refuse_favorable(subject: Subject, seen: Classes) -> None:
    assert isinstance(subject.favorable, Chosen)  # noqa: S101
    wanted = subject.favorable.values
    absent = [value for value in wanted if value not in seen]
    others = {group_name(value): value for value in seen if value not in wanted}
    for value in absent:
        near = difflib.get_close_matches(group_name(value), others, n=1, cutoff=0.8)
        alike = [each for each in others if each.strip().lower() == group_name(value).lower()]
        if near or alike or len(absent) == len(wanted):
            meant = others[(alike or near or [""])[0]] if alike or near else None
            raise _fault(
                subject,
                "favorable",
                f"favorable class {listed({value})} never occurs in the data (classes: "
                f"{listed(seen)})",
                f"did you mean {listed({meant})}?"
                if meant is not None
                else "name classes of these",
            )
    if all(value in wanted for value in seen):
        raise _fault(
            subject,
            "favorable",
            f"every class that occurs ({listed(seen)}) is favorable, so nothing is decided",
            "list only the classes that are good for a person",
        )


def unseen(subject: Subject, labels: Classes, classes: Classes) -> tuple[str, ...]:
    """Return what to say of classes that are named, predicted or labelled, but not all of these."""
    if not labels or not classes:
        return ()
    good = set(subject.favorable.values) if isinstance(subject.favorable, Chosen) else set()
    found = (
        ("favorable class", good - labels - classes, "never {} in these rows"),
        ("predicted class", classes - labels, "never {} as a label"),
    )
    said = []
    for what, values, how in found:
        several = len(values) > 1
        text = how.format("occur" if several else "occurs")
        if values:
            said.append(f"{what}{'es' if several else ''} {listed(values)} {text}")
    if labels - classes:
        be = "are" if len(labels - classes) > 1 else "is"
        said.append(f"label {listed(labels - classes)} {be} never predicted")
    return tuple(said)


def _typed(value: object) -> str:
    kind = "as text" if isinstance(value, str) else "as a number"
    if not isinstance(value, str | int | float | np.number):
        kind = f"as {type(value).__name__}"
    return f"{_quoted(value)} {kind}"


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
                f"the {what} has {len(values)} or more values ({_told(values)}); a binary task "
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
    if subject.positive is None and seen:
        raise _fault(
            subject,
            "label",
            f"nobody says which value of the label counts ({listed(seen)})",
            "add `positive: CLASS` to the subject",
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


def _told(values: Classes) -> str:
    """Return the values, unless there are so many texts that each may be one person's words."""
    free = len(values) >= MOST and any(isinstance(value, str) for value in values)
    return "different texts" if free else listed(values)


def listed(values: Classes) -> str:
    """Return up to six values as a reader can copy them into a policy."""
    shown = sorted((_quoted(value) for value in values), key=str)[:6]
    more = f" and {len(values) - 6} more" if len(values) > 6 else ""
    return ", ".join(shown) + more


def _quoted(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return f'"{class_name(value)}"' if isinstance(value, str) and value else class_name(value)
