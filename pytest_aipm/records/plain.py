"""What every part of a record is made of: frozen models, plain numbers, the same bytes again."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import CoreSchema

__all__ = [
    "Count",
    "Frozen",
    "Interval",
    "Number",
    "Sparse",
    "Written",
    "canonical_json",
    "canonical_sha256",
    "nested",
    "whole",
]


def _finite(value: object) -> object:
    """Turn NaN, infinities and numpy scalars into plain JSON numbers or None."""
    if value is None or isinstance(value, bool | str) or type(value) is int:
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


Number = Annotated[float | None, BeforeValidator(_finite)]


Count = Annotated[int | float | None, BeforeValidator(_finite)]


def _pair(value: Sequence[object] | None) -> object:
    return None if value is None else tuple(_finite(end) for end in value)


Interval = Annotated[tuple[float | None, float | None] | None, BeforeValidator(_pair)]


class Frozen(BaseModel):
    """Base of all records: closed, immutable, compared by value."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )


class Sparse(Frozen):
    """A record of which some fields are written only where they say something.

    An audit of single rows of the same weight reads as it did before there were others.
    """

    SPARSE: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _written(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = written(self)
        for name in self.SPARSE:
            value = fields.get(name, "")
            if value is None or (not value and value in ((), [], {})):
                del fields[name]
        return fields

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the fields, not the mapping that they are written through."""
        described: Any = {key: value for key, value in schema.items() if key != "serialization"}
        return handler(described)


class Written:
    """A long part of a value that writes its own JSON, with the bytes that it would have anyhow."""

    @property
    def key(self) -> Hashable:
        """The same for parts that are written alike: their JSON is made once."""
        raise NotImplementedError

    def json(self, pad: str | None) -> str:
        """Return the JSON; `pad` is what its line begins with, None where all is one line."""
        raise NotImplementedError


Canonical = Mapping[str, Any] | list[Any] | Written


def canonical_json(value: Canonical, indent: Literal[1] | None = None) -> str:
    """Return JSON with sorted keys and no NaN: the same value, the same bytes.

    Half a character, as the name of a file can bring one along, is written out by its number: no
    file could hold it.
    """
    return "".join(_pieces(value, indent))


def canonical_sha256(value: Canonical) -> str:
    """Return the hash of a value's canonical JSON."""
    digest = hashlib.sha256()
    for piece in _pieces(value, None):
        digest.update(piece.encode())
    return digest.hexdigest()


def _pieces(value: Canonical, indent: Literal[1] | None) -> Iterator[str]:
    apart: list[Written] = []
    mark = uuid4().hex  # that no text holds, whoever wrote it

    def hold(part: object) -> str:
        if not isinstance(part, Written):
            raise TypeError(f"{type(part).__name__} is no part of a record")
        apart.append(part)
        return mark

    text = json.dumps(
        value,
        sort_keys=True,
        indent=indent,
        separators=(",", ":") if indent is None else (",", ": "),
        ensure_ascii=False,
        allow_nan=False,
        default=hold,
    )
    before, *others = whole(text).split(f'"{mark}"')
    made: dict[Hashable, str] = {}
    for part, after in zip(apart, others, strict=True):
        yield before
        pad = None if indent is None else _pad(before)
        if (part.key, pad) not in made:
            made[part.key, pad] = part.json(pad)
        yield made[part.key, pad]
        before = after
    yield before


def _pad(text: str) -> str:
    line = text.rpartition("\n")[2]
    return line[: len(line) - len(line.lstrip(" "))]


def nested(items: Iterable[str], ends: str, pad: str | None) -> str:
    """Return members of a list or a mapping between its `ends`, on lines deeper than `pad`."""
    if pad is None:
        return f"{ends[0]}{','.join(items)}{ends[1]}"
    lead = f"\n{pad} "
    return f"{ends[0]}{lead}{f',{lead}'.join(items)}\n{pad}{ends[1]}"


_HALF = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """Return text with half a character written out by its number, as `canonical_json` does."""
    return _HALF.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text)
