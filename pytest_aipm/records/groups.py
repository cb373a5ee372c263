"""The groups of a finding: one by one for who reads them, column by column where they are many.

An intersection of two attributes can have ten thousand groups, and a policy asks a dozen questions
of each. Nearly all of these records are only written down. So a check may hand over columns: what
is written is made of whole columns, and the record of a group when somebody asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any, ClassVar, overload

from pydantic import PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

from pytest_aipm.records.plain import (
    Count,
    Interval,
    Number,
    Sparse,
    nested,
    whole,
)

__all__ = ["GroupColumns", "GroupNames", "GroupValue", "Groups"]


class GroupValue(Sparse):
    """One group's part of a finding.

    ``part`` names the rate where a finding shows several (equalized odds). Counts are exact; under
    weights or with several rows of one person, numerator and denominator are the effective ones
    that verdicts rest on, ``counted`` holds events and rows, and ``people`` whose rows those are.
    The interval holds the one-sided bounds at the finding's confidence.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset({"counted", "people"})

    group: dict[str, str]
    part: str = ""
    n: int
    numerator: Count = None
    denominator: Count = None
    counted: tuple[int, int] | None = None
    people: int | None = None
    value: Number = None
    interval: Interval = None
    judged: bool = True
    note: str = ""

    @property
    def counts(self) -> tuple[float | None, float | None]:
        """Events and rows as they were counted, never effective ones."""
        return (self.numerator, self.denominator) if self.counted is None else self.counted


FIELDS = tuple(GroupValue.model_fields)
_fields_of = attrgetter(*FIELDS)


class GroupNames(tuple[dict[str, str], ...]):  # noqa: SLOT001 - keeps what it has written
    """Which groups there are, by the value of each attribute; findings on one scope share them."""

    def written(self, pad: str | None) -> list[str]:
        """Return the JSON of each, made once for all findings."""
        kept = self._kept
        if pad not in kept:
            kept[pad] = [_mapping(each, pad) for each in self]
        return kept[pad]

    @cached_property
    def _kept(self) -> dict[str | None, list[str]]:
        return {}


class GroupColumns(Sequence[GroupValue]):
    """The groups of one finding, column by column.

    Parameters
    ----------
    group : sequence of dict
    n : sequence of int
    **others
        Columns of the other fields of `GroupValue`, as these hold them: numbers of Python, finite
        or None. A field without a column has its default in every group.
    """

    def __init__(self, *, group: Sequence[dict[str, str]], **others: Sequence[Any]) -> None:
        names = group if isinstance(group, GroupNames) else GroupNames(group)
        self.columns: dict[str, Sequence[Any]] = {"group": names, **others}

    @classmethod
    def of(cls, groups: Sequence[GroupValue]) -> GroupColumns:
        """Return columns of records."""
        if isinstance(groups, GroupColumns):
            return groups
        columns = zip(*map(_fields_of, groups), strict=True) if groups else ((),) * len(FIELDS)
        return cls(**dict(zip(FIELDS, columns, strict=True)))

    @classmethod
    def read(cls, columns: Mapping[str, Sequence[Any]]) -> GroupColumns:
        """Return the groups whose `columns` another process sent as JSON, which knows no tuples."""
        pairs = {
            name: [each and tuple(each) for each in columns[name]]
            for name in ("interval", "counted")
            if name in columns
        }
        return cls(**{**columns, **pairs})

    @cached_property
    def _each(self) -> tuple[GroupValue, ...]:
        blank, rows = GroupValue(group={}, n=0), zip(*self.columns.values(), strict=True)
        return tuple(
            blank.model_copy(update=dict(zip(self.columns, row, strict=True))) for row in rows
        )

    @overload
    def __getitem__(self, place: int) -> GroupValue: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[GroupValue, ...]: ...
    def __getitem__(self, place: int | slice) -> GroupValue | tuple[GroupValue, ...]:
        """Return the record of a group."""
        return self._each[place]

    def __iter__(self) -> Iterator[GroupValue]:
        """Yield the records of the groups, each the same one whenever it is asked for."""
        return iter(self._each)

    def __len__(self) -> int:
        """Return how many groups there are."""
        return len(self.columns["group"])

    def __eq__(self, other: object) -> bool:
        """Return whether the other holds the same records."""
        return isinstance(other, tuple | GroupColumns) and self._each == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the records as a tuple shows them."""
        return repr(self._each)


def _kept(groups: object, validate: ValidatorFunctionWrapHandler) -> object:
    return groups if isinstance(groups, GroupColumns) else tuple(validate(groups))


def _one_by_one(groups: Sequence[GroupValue]) -> tuple[GroupValue, ...]:
    return tuple(groups)


Groups = Annotated[Sequence[GroupValue], WrapValidator(_kept), PlainSerializer(_one_by_one)]
"""What a finding holds: records, or columns of them."""


encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _mapping(group: Mapping[str, str], pad: str | None) -> str:
    if not group:
        return "{}"
    colon = ":" if pad is None else ": "
    texts = (f"{encoded(key)}{colon}{encoded(each)}" for key, each in sorted(group.items()))
    return whole(nested(texts, "{}", pad))
