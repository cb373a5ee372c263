"""What the model decides when only a protected attribute is replaced."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.attribution import Budget
from pytest_aipm.attribution.asking import chunk_rows
from pytest_aipm.errors import CheckError, Problem
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.examples import change, first, turned
from pytest_aipm.evidence.groups import display_order
from pytest_aipm.evidence.subject import UNKNOWN, Attribute, group_name
from pytest_aipm.evidence.weighing import beside, standing
from pytest_aipm.records import Change, Example

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
    rows : int
        Rows there are.
    levels : int
        Values (or combinations of values) that occur.
    unknown : int
        Rows whose own value is missing; they are tried too.
    groups : tuple of dict
        The groups people are in.
    by_group, sizes : int arrays of shape (K,)
        Changed decisions and rows of each group.
    group : int array of shape (n,)
        Number of each row's group, -1 where its own value is missing.
    changed : bool array of shape (n,)
    weight, person : array of shape (n,) or None
        Sampling weights, and a hash of whose row it is.
    examples : tuple of Example
        A few of them, where the policy allows to show rows.
    """

    n: int
    flipped: int
    rows: int
    levels: int
    unknown: int
    groups: tuple[dict[str, str], ...]
    by_group: np.ndarray
    sizes: np.ndarray
    group: np.ndarray
    changed: np.ndarray
    weight: np.ndarray | None = None
    person: np.ndarray | None = None
    examples: tuple[Example, ...] = ()

    @property
    def design(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Weights and people, as counts of rows take them."""
        return self.weight, self.person


@dataclass(frozen=True)
class _Replaceable:
    """An attribute's column: each row's group, and a raw value that stands for every group."""

    column: str
    own: np.ndarray
    values: Mapping[str, object]

    def replace(self, frame: pd.DataFrame, group: str) -> None:
        """Give every row the value of one group, in place."""
        frame[self.column] = _filled(frame[self.column], self.values[group])


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
    budget_s: float | None = None,
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
    budget_s : float or None

    Raises
    ------
    CheckError
        When a linked column is no feature or there are too many values to try.
    BudgetSpent
    """
    features = evidence.feature_columns()
    _require_inputs(linked, features)
    attributes = [evidence.subject.attribute(name) for name in by]
    subject = evidence.subject
    columns = list(dict.fromkeys([*features, *beside(subject)]))
    frame, weight, person = standing(subject, evidence.drawn(evidence.data, columns, rows))
    parts = [_replaceable(evidence, each, frame) for each in attributes]
    combinations = _combinations(by, parts)
    decided, to = _flipped(evidence, frame, parts, combinations, linked, Budget(budget_s))
    flipped = to >= 0
    keys = list(zip(*(part.own.tolist() for part in parts), strict=True))
    known = sorted({key for key in keys if UNKNOWN not in key}, key=display_order(attributes))
    number = {key: i for i, key in enumerate(known)}
    index = np.array([number.get(key, -1) for key in keys])
    inside = index >= 0
    return Flips(
        n=len(frame),
        flipped=int(flipped.sum()),
        rows=evidence.data.rows,
        levels=len(combinations),
        unknown=int((~inside).sum()),
        groups=tuple(dict(zip(by, key, strict=True)) for key in known),
        by_group=np.bincount(index[inside & flipped], minlength=len(known)),
        sizes=np.bincount(index[inside], minlength=len(known)),
        group=index,
        changed=flipped,
        weight=weight,
        person=person,
        examples=first(
            (
                Example(
                    changed=_changed(
                        _replaced(by, parts, row, combinations[to[row]]),
                        frame.iloc[row],
                        linked,
                    ),
                    effect=turned(evidence, bool(decided[row]), not decided[row]),
                )
                for row in np.flatnonzero(flipped).tolist()
            ),
            evidence.stated.rows,
        ),
    )


def _replaced(
    by: tuple[str, ...], parts: list[_Replaceable], row: int, names: tuple[str, ...]
) -> Iterator[tuple[str, str, str]]:
    """Yield attribute, own group and new group of one row."""
    for name, part, new in zip(by, parts, names, strict=True):
        yield name, part.own[row], new


def _changed(
    replaced: Iterable[tuple[str, str, str]],
    row: pd.Series[Any],
    linked: Mapping[str, Mapping[str, str]],
) -> tuple[Change, ...]:
    """Return what was replaced in one row: groups by their names, not a person's own number."""
    told = [change(name, old, new) for name, old, new in replaced if old != new]
    for column, mapping in linked.items():
        old = group_name(row[column])
        if mapping.get(old, old) != old:
            told.append(change(column, old, mapping[old]))
    return tuple(told)


def _require_inputs(linked: Mapping[str, Mapping[str, str]], features: list[str]) -> None:
    absent = [column for column in linked if column not in features]
    if absent:
        raise CheckError(
            Problem(
                f"linked column {absent[0]!r} is not an input of the model",
                "name feature columns under `linked:`",
            )
        )


def _combinations(by: tuple[str, ...], parts: list[_Replaceable]) -> list[tuple[str, ...]]:
    """Return every combination of values to try."""
    combinations = list(itertools.product(*(part.values for part in parts)))
    if len(combinations) > MAX_COMBINATIONS:
        raise CheckError(
            Problem(
                f"{' and '.join(by)} has {len(combinations)} values to try on every row; at most "
                f"{MAX_COMBINATIONS} are tried",
                "declare `bins:` or name one attribute",
            )
        )
    return combinations


def _flipped(
    evidence: Evidence,
    frame: pd.DataFrame,
    parts: list[_Replaceable],
    combinations: list[tuple[str, ...]],
    linked: Mapping[str, Mapping[str, str]],
    budget: Budget,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the decisions, and under which values that are new to a row its own changes first.

    -1 where none does.
    """
    total, each = len(frame) * (1 + len(combinations)), chunk_rows(frame.shape[1])

    def decide(rows: pd.DataFrame, done: int) -> np.ndarray:
        said = []
        for start in range(0, len(rows), each):
            budget.check(done + start, total)
            said.append(evidence.decide(rows[start : start + each]))
        return np.concatenate(said)

    with budget.telling("changed rows given to the model", total):
        budget.part(0, total)
        return _turned(frame, parts, combinations, linked, decide)


def _turned(
    frame: pd.DataFrame,
    parts: list[_Replaceable],
    combinations: list[tuple[str, ...]],
    linked: Mapping[str, Mapping[str, str]],
    decide: Callable[[pd.DataFrame, int], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    decided = decide(frame, 0)
    along = frame.assign(**{name: _swapped(frame[name], linked[name]) for name in linked})
    to = np.full(len(frame), -1)
    for number, names in enumerate(combinations):
        changed = along.copy()
        new = np.zeros(len(frame), dtype=bool)
        for part, name in zip(parts, names, strict=True):
            part.replace(changed, name)
            new |= part.own != name
        done = len(frame) * (1 + number)
        to[(to < 0) & new & (decide(changed, done) != decided)] = number
    return decided, to


def _replaceable(evidence: Evidence, attribute: Attribute, frame: pd.DataFrame) -> _Replaceable:
    column = frame[attribute.column]
    codes, names = attribute.encode(column)
    attribute.refuse_crowd((name for name in names if name), evidence.subject.path)
    own = np.array([UNKNOWN if name is None else name for name in names], dtype=object)[codes]
    values: dict[str, object] = {}
    for code, name in enumerate(names):
        members = column[codes == code]
        if name is not None and len(members):
            values[name] = float(members.median()) if attribute.bins else members.iloc[0]
    return _Replaceable(attribute.column, own, values)


def _filled(column: pd.Series[Any], value: object) -> pd.Series[Any]:
    """Return a column that holds one value everywhere, with its type kept where it fits."""
    filled = pd.Series([value] * len(column), index=column.index)
    if isinstance(value, float) and pd.api.types.is_integer_dtype(column.dtype):
        filled = filled.round()
    return filled.astype(column.dtype)


def _swapped(column: pd.Series[Any], mapping: Mapping[str, str]) -> pd.Series[Any]:
    """Return a column with some values replaced; both are named as policies write them."""
    raw = {group_name(value): value for value in column.dropna().unique()}

    def swap(value: object) -> object:
        new = mapping.get(group_name(value))
        return value if new is None else raw.get(new, new)

    try:
        swapped = column.map(swap).astype(column.dtype)
    except (TypeError, ValueError):
        swapped = column.iloc[:0]
    if int(swapped.isna().sum()) != int(column.isna().sum()) or len(swapped) != len(column):
        raise CheckError(
            Problem(
                f"linked column {column.name!r} cannot hold the values it should change to",
                "name values under `linked:` that occur in the column",
            )
        )
    return swapped
