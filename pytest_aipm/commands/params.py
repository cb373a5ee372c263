"""The keys of a pydantic model in words: type, bounds, default, and the text below the field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["Param", "params_of"]

_KINDS = {
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
}
_BOUNDS = {
    "exclusiveMinimum": "above",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}


@dataclass(frozen=True)
class Param:
    """One key that a policy may write."""

    name: str
    kind: str
    default: str
    doc: str = ""
    required: bool = False


def params_of(
    model: type[BaseModel], *, without: type[BaseModel] | None = None
) -> tuple[Param, ...]:
    """Return the keys of a model, in its order.

    Parameters
    ----------
    model : type
    without : type, optional
        A base whose keys are left out.
    """
    schema = model.model_json_schema()
    hidden = without.model_fields.keys() if without else set()
    found = []
    for name, field in model.model_fields.items():
        if name in hidden:
            continue
        key = field.alias or name
        found.append(
            Param(
                name=key,
                kind=_kind(schema["properties"][key], schema.get("$defs", {})),
                default=_default(field, schema["properties"][key]),
                doc=" ".join((field.description or "").split()),
                required=field.is_required(),
            )
        )
    return tuple(found)


def _default(field: FieldInfo, schema: Mapping[str, Any]) -> str:
    if field.is_required():
        return "required"
    value = schema.get("default", field.get_default(call_default_factory=True))
    if value is None:
        return "optional"
    if isinstance(value, str):
        return f"default {value}"
    return (
        f"default {json.dumps(value, default=str)}" if value not in ((), [], {}) else "default none"
    )


def _kind(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """Return a JSON Schema as a person would say it."""
    for each in (schema, *schema.get("allOf", ())):  # pydantic 2.8 wraps a reference in allOf
        if "$ref" in each:
            return _kind(shared.get(each["$ref"].rpartition("/")[2], {}), shared)
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if values:
        return " | ".join(map(str, values))
    if "anyOf" in schema:
        parts = [_kind(each, shared) for each in schema["anyOf"] if each.get("type") != "null"]
        return _bounded(" or ".join(dict.fromkeys(parts)), schema)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), shared)}"
    if schema.get("type") == "object":
        below = schema.get("additionalProperties")
        return f"mapping to {_kind(below, shared)}" if isinstance(below, dict) else "mapping"
    return _bounded(_KINDS.get(str(schema.get("type")), "any value"), schema)


def _bounded(kind: str, schema: Mapping[str, Any]) -> str:
    bounds = [f"{word} {schema[key]:g}" for key, word in _BOUNDS.items() if key in schema]
    return f"{kind} {' and '.join(bounds)}" if bounds else kind
