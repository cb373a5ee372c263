"""From a pydantic model to a JSON Schema of draft 7, which is what editors of YAML read.

pydantic writes a later draft. References are written out here, because draft 7 ignores what stands
beside one; a model that holds itself is open where it starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

__all__ = [
    "DIALECT",
    "Schema",
    "closed",
    "draft7",
    "each_text",
    "emptied",
    "nullable",
    "ref",
    "without_null",
]

DIALECT = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, Any]

_ONE = ("items", "additionalProperties", "not", "if", "then", "else", "propertyNames", "contains")
_LISTS = {"anyOf": "anyOf", "allOf": "allOf", "oneOf": "oneOf", "prefixItems": "items"}
_MAPS = ("properties", "patternProperties")
_DROPPED = ("$defs", "title")  # pydantic's titles repeat the keys


def draft7(model: type[BaseModel]) -> Schema:
    """Return what a model accepts, as one schema without references.

    Parameters
    ----------
    model : type
        Descriptions are the texts below its fields.

    Returns
    -------
    dict
        Of draft 7, without ``$schema``.
    """
    whole = model.model_json_schema()
    return _written(whole, whole.get("$defs", {}), ())


def _written(node: Any, shared: Mapping[str, Any], above: tuple[str, ...]) -> Schema:
    """Return a schema with its references written out; one that is no mapping is true or false."""
    if not isinstance(node, dict):
        return node  # type: ignore[no-any-return]
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        inner = {} if name in above else _written(shared[name], shared, (*above, name))
        return {**inner, **_written(beside, shared, above)}
    found: Schema = {}
    for key, value in node.items():
        if key in _LISTS:
            found[_LISTS[key]] = [_written(each, shared, above) for each in value]
        elif key in _MAPS:
            found[key] = {name: _written(each, shared, above) for name, each in value.items()}
        elif key == "description":
            found[key] = " ".join(str(value).split()).replace("``", "`")
        elif key not in _DROPPED:
            found[key] = _written(value, shared, above) if key in _ONE else value
    if len(found.get("allOf", ())) == 1:  # pydantic 2.8 wraps a reference
        (inner,) = found.pop("allOf")
        found = {**inner, **found}
    return found


def without_null(schema: Schema) -> Schema:
    """Return what is left of a schema, at its keys and below, where no key may be empty."""
    found = dict(schema)
    kept = [each for each in found.get("anyOf", ()) if each != {"type": "null"}]
    if len(kept) == 1:
        del found["anyOf"]
        found = {**kept[0], **found}
    elif kept:
        found["anyOf"] = kept
    if not isinstance(found.get("default", 0), bool | int | float | str):
        del found["default"]
    if "properties" in found:
        found["properties"] = {k: without_null(each) for k, each in found["properties"].items()}
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = without_null(found["additionalProperties"])
    return found


def nullable(schema: Schema, *, below: bool = False) -> Schema:
    """Return a schema that an empty key fits, too: under `extends` it takes a key out again.

    Parameters
    ----------
    schema : dict
    below : bool
        Whether the keys of a mapping may be empty as well.
    """
    found = _hollow(schema) if below else dict(schema)
    if "anyOf" in found:
        found["anyOf"] = [*found["anyOf"], {"type": "null"}]
    elif "const" in found or "enum" in found:
        one = found.pop("const", None)  # some versions of pydantic write both
        found["enum"] = [*(found.get("enum") or [one]), None]
        found.pop("type", None)
    elif isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def _hollow(schema: Schema) -> Schema:
    """Return a schema whose mappings may hold empty keys."""
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {name: nullable(each) for name, each in found["properties"].items()}
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = nullable(found["additionalProperties"])
    if "anyOf" in found:
        found["anyOf"] = [_hollow(each) for each in found["anyOf"]]
    return found


def closed(properties: Schema) -> Schema:
    """Return a mapping that has these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def ref(kind: str, name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/definitions/{kind}.{name}"}


def each_text(schema: Schema, text: Schema) -> Schema:
    """Return "a text or a list of them" with another text."""
    kept = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**kept, "anyOf": [text, {"type": "array", "items": text}]}


def emptied(schema: Schema) -> Schema:
    """Return the keys of a mapping, each of which may be empty."""
    keys = schema["properties"].items()
    return {"properties": {name: nullable(each) for name, each in keys}}
