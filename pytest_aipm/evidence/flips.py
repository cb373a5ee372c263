"""What the model decides when only a protected attribute is replaced."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.sample import sample_rows
from pytest_aipm.evidence.subject import UNKNOWN, Attribute

__all__ = ["Flips", "flip", "missing_inputs"]

MAX_COMBINATIONS = 50
"""More values than this to try on every row are no protected attribute."""


@dataclass(frozen=True)
class Flips:
    """Decisions that change, in all and by the group the person is in.

    Attributes
    ----------
    n, flipped : int
        Rows tried, and rows whose decision changes at least once.
    levels : int
        Values (or combinations of values) that occur.
    unknown : int
        Rows whose own value is missing; they are tried too.
    groups : tuple of dict
        The groups people are in.
    by_group, sizes : int arrays of shape (K,)
        Changed decisions and rows of each group.
    """

    n: int
    flipped: int
    levels: int
    unknown: int
    groups: tuple[dict[str, str], ...]
    by_group: np.ndarray
    sizes: np.ndarray


def missing_inputs(evidence: Evidence, by: tuple[str, ...]) -> list[str]:
    """Return the attributes of a scope whose column the model is not given."""
    features = set(evidence.feature_columns())
    return [name for name in by if evidence.subject.attribute(name).column not in features]


def flip(
    evidence: Evidence,
    by: tuple[str, ...],
    *,
    rows: int,
    linked: Mapping[str, Mapping[str, str]],
) -> Flips:
    """Replace the attributes of a scope by every other value and count changed decisions.

    Parameters
    ----------
    evidence : Evidence
        With a model.
    by : tuple of str
        Attributes replaced together.
    rows : int
        Most rows to try, chosen by the seed.
    linked : mapping of column to {old value: new value}
        Columns that change along.

    Raises
    ------
    CheckError
        When a linked column is no feature or there are too many values to try.
    """
    features = evidence.feature_columns()
    for column in linked:
        if column not in features:
            raise CheckError(
                Problem(
                    f"linked column {column!r} is not an input of the model",
                    "name feature columns under `linked:`",
                )
            )
    attributes = [evidence.subject.attribute(name) for name in by]
    frame = sample_rows(evidence.data.batches(features), rows, evidence.seed)
    own, values = zip(*(_levels(each, frame) for each in attributes), strict=True)
    combinations = list(itertools.product(*(list(each) for each in values)))
    if len(combinations) > MAX_COMBINATIONS:
        raise CheckError(
            Problem(
                f"{' and '.join(by)} has {len(combinations)} values to try on every row; at most "
                f"{MAX_COMBINATIONS} are tried",
                "declare `bins:` or name one attribute",
            )
        )
    decided = evidence.decide(frame)
    flipped = np.zeros(len(frame), dtype=bool)
    for names in combinations:
        changed = frame.copy()
        for attribute, known, name in zip(attributes, values, names, strict=True):
            changed[attribute.column] = _filled(frame[attribute.column], known[name])
        others = _differs(own, names)
        for column, mapping in linked.items():
            swapped = frame[column].map(lambda value, m=mapping: m.get(str(value), value))
            changed[column] = swapped.astype(frame[column].dtype)
        flipped |= others & (evidence.decide(changed) != decided)
    return _count(by, own, flipped, len(combinations))


def _levels(attribute: Attribute, frame: pd.DataFrame) -> tuple[np.ndarray, dict[str, object]]:
    """Return each row's group and a raw value that stands for every group."""
    column = frame[attribute.column]
    codes, names = attribute.encode(column)
    own = np.array([UNKNOWN if name is None else name for name in names], dtype=object)[codes]
    stand: dict[str, object] = {}
    for name in dict.fromkeys(own.tolist()):
        if name == UNKNOWN:
            continue
        members = column[own == name]
        stand[name] = float(members.median()) if attribute.bins else members.iloc[0]
    return own, stand


def _filled(column: pd.Series, value: object) -> pd.Series:  # type: ignore[type-arg]
    """Return a column that holds one value everywhere, with its type kept where it fits."""
    filled = pd.Series([value] * len(column), index=column.index)
    if isinstance(value, float) and pd.api.types.is_integer_dtype(column):
        return filled.round().astype(column.dtype)
    return filled.astype(column.dtype)


def _differs(own: tuple[np.ndarray, ...], names: tuple[str, ...]) -> np.ndarray:
    """Return the rows to which these values are new."""
    same = np.ones(len(own[0]), dtype=bool)
    for groups, name in zip(own, names, strict=True):
        same &= groups == name
    return ~same


def _count(
    by: tuple[str, ...], own: tuple[np.ndarray, ...], flipped: np.ndarray, levels: int
) -> Flips:
    keys = list(zip(*(each.tolist() for each in own), strict=True))
    known = sorted({key for key in keys if UNKNOWN not in key})
    number = {key: i for i, key in enumerate(known)}
    index = np.array([number.get(key, -1) for key in keys])
    inside = index >= 0
    return Flips(
        n=len(flipped),
        flipped=int(flipped.sum()),
        levels=levels,
        unknown=int((~inside).sum()),
        groups=tuple(dict(zip(by, key, strict=True)) for key in known),
        by_group=np.bincount(index[inside & flipped], minlength=len(known)),
        sizes=np.bincount(index[inside], minlength=len(known)),
    )
