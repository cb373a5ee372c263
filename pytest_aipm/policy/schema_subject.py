"""The part of the schema that speaks of the subject, with its short forms."""

from __future__ import annotations

from pytest_aipm.policy.draft7 import Schema, closed, draft7, nullable, without_null
from pytest_aipm.policy.grammar import SubjectSpec
from pytest_aipm.policy.ids import IS_ID, OVERALL
from pytest_aipm.policy.shorthand import COLUMNS, LISTED, LISTED_OF_ATTRIBUTES, WRAPPED

__all__ = ["subject_keys"]


def subject_keys() -> Schema:
    """Return the subject with its short forms."""
    whole = without_null(draft7(SubjectSpec))
    keys = whole["properties"]
    model = keys["model"]["properties"]
    model |= {name: keys[name] for name in COLUMNS}
    for key, names in LISTED.items():
        for name in names:
            keys[key]["properties"][name] = _or_one(keys[key]["properties"][name])
    keys["features"] = _or_one(keys["features"])
    attribute = keys["protected"]["additionalProperties"]
    attribute["properties"].pop("line")
    for name in LISTED_OF_ATTRIBUTES:
        attribute["properties"][name] = _or_one(attribute["properties"][name])
    keys["protected"] |= {
        "additionalProperties": _or_text(attribute, "column"),
        "propertyNames": {**IS_ID, "not": {"const": OVERALL}},
    }
    for key, inner in WRAPPED.items():
        keys[key] = _or_text(keys[key], inner)
    return closed({name: nullable(each) for name, each in keys.items()})


def _or_text(schema: Schema, inner: str) -> Schema:
    """Return a mapping, or the text that stands for its key `inner`."""
    said = {"description": schema["description"]}
    rest = {key: value for key, value in schema.items() if key != "description"}
    text = {key: value for key, value in rest["properties"][inner].items() if key != "description"}
    return {**said, "anyOf": [text, rest]}


def _or_one(schema: Schema) -> Schema:
    """Return a list, or its only item."""
    said = {"description": schema["description"]}
    rest = {key: value for key, value in schema.items() if key != "description"}
    return {**said, "anyOf": [rest, rest["items"]]}
