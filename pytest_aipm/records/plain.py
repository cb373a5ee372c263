"""What every part of a record is made of: frozen models, plain numbers, the same bytes again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

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
    "canonical_json",
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


_HALF = re.compile("[\ud800-\udfff]")


def canonical_json(value: Mapping[str, Any] | list[Any], indent: int | None = None) -> str:
    """Return JSON with sorted keys and no NaN: the same value, the same bytes.

    Half a character, as the name of a file can bring one along, is written out by its number: no
    file could hold it.
    """
    separators = (",", ": ") if indent is not None else (",", ":")
    text = json.dumps(
        value,
        sort_keys=True,
        indent=indent,
        separators=separators,
        ensure_ascii=False,
        allow_nan=False,
    )
    return _HALF.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text)
