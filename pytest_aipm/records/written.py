"""Groups as JSON: whole columns at once, byte for byte as one record after the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_aipm.records.groups import FIELDS, GroupNames, GroupValue, encoded
from pytest_aipm.records.plain import Written, canonical_json, nested, whole

__all__ = ["WrittenGroups", "WrittenList"]

_Field = tuple[str, list[list[str]]]
"""How a field is written in each group, and the columns of texts that go into it."""


@dataclass(frozen=True)
class WrittenList(Written):
    """Names or sizes of all groups as JSON: findings on one scope have the same ones.

    Attributes
    ----------
    values : tuple of str or float
    number : callable, optional
        What to write of all of them.
    """

    values: tuple[Any, ...]
    number: Callable[[Any], Any] | None = None

    @property
    def key(self) -> Hashable:
        """Lists of the same values are written alike."""
        return self.values, self.number

    def json(self, pad: str | None) -> str:
        """Return a list."""
        told = list(self.values) if self.number is None else self.number(self.values)
        if pad is None or not told:
            return canonical_json(told)
        return nested([whole(encoded(each)) for each in told], "[]", pad)


@dataclass(frozen=True)
class WrittenGroups(Written):
    """The groups of a finding, as they stand in a file.

    Attributes
    ----------
    columns : mapping of field to column
        As `GroupColumns` has them.
    fields : tuple of str
        Which to write.
    number : callable, optional
        What to write of a number.
    """

    columns: Mapping[str, Sequence[Any]]
    fields: tuple[str, ...] = FIELDS
    number: Callable[[Any], Any] | None = None

    @property
    def key(self) -> Hashable:
        """Findings that share their groups are written alike."""
        return id(self.columns), self.fields, self.number

    def json(self, pad: str | None) -> str:
        """Return a list of mappings with sorted keys."""
        if not self.columns["group"]:
            return "[]"
        row, deep = (None, None) if pad is None else (f"{pad} ", f"{pad}  ")
        colon, comma = (":", ",") if pad is None else (": ", f",\n{deep}")
        members, texts, ahead = [], [], ""
        for name in sorted(self.fields):
            key, written, told = f'"{name}"{colon}', *self._field(name, deep)
            if name not in GroupValue.SPARSE:
                members.append(f"{ahead}{key}{written}")
                texts += told
                ahead = ""
            elif written != "null":  # where it says nothing, not even its name is written
                said = map(written.__mod__, zip(*told, strict=True))
                texts.append(["" if each == "null" else f"{key}{each}{comma}" for each in said])
                ahead += "%s"
        rows = map(nested(members, "{}", row).__mod__, zip(*texts, strict=True))
        return nested(rows, "[]", pad)

    def _field(self, name: str, pad: str | None) -> _Field:
        """Return how a field is written; `pad` is what the line of its name begins with."""
        column = self.columns.get(name)
        if column is None or column.count(None) == len(column):
            return encoded(GroupValue.model_fields[name].default), []
        if isinstance(column, GroupNames):
            return "%s", [column.written(pad)]
        if name in ("interval", "counted"):
            return self._pairs(column, pad)
        if name in ("judged", "note", "part"):
            return _words(column)
        return "%s", [self._numbers(column)]

    def _pairs(self, column: Sequence[tuple[Any, Any] | None], pad: str | None) -> _Field:
        known = [each for each in column if each is not None]
        ends = [self._numbers([each[i] for each in known]) for i in range(2)]
        pair = nested(("%s", "%s"), "[]", pad)
        if len(known) == len(column):
            return pair, ends
        pairs = map(pair.__mod__, zip(*ends, strict=True))
        return "%s", [["null" if each is None else next(pairs) for each in column]]

    def _numbers(self, column: Sequence[float | None]) -> list[str]:
        """Return the JSON of numbers. Equal ones are written once: rates of counts repeat."""
        if len({*map(type, column)} - {type(None)}) > 1:
            return self._each(column)  # 1 and 1.0 are equal, and not written alike
        distinct = list(set(column))
        texts = dict(zip(distinct, self._each(distinct), strict=True))
        return [texts[each] if each else self._each([each])[0] for each in column]  # 0 has a sign

    def _each(self, numbers: Sequence[float | None]) -> list[str]:
        told = numbers if self.number is None else [*map(self.number, numbers)]
        return encoded(told)[1:-1].split(", ") if numbers else []


def _words(column: Sequence[str | bool]) -> _Field:
    texts = {each: whole(encoded(each)) for each in set(column)}
    if len(texts) == 1:
        return texts[column[0]].replace("%", "%%"), []
    return "%s", [[texts[each] for each in column]]
