"""The part of the schema that speaks of checks: each with its own parameters and limits."""

from __future__ import annotations

import copy
import functools
import math
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Protocol

from pydantic.errors import PydanticInvalidForJsonSchema

from pytest_aipm.checks.base import CheckParams
from pytest_aipm.errors import UsageFault
from pytest_aipm.policy.draft7 import (
    Schema,
    closed,
    draft7,
    each_text,
    nullable,
    ref,
    without_null,
)
from pytest_aipm.policy.grammar import INTERNAL, CheckKeys, Regression
from pytest_aipm.policy.ids import IS_ID
from pytest_aipm.policy.limits import ends_of
from pytest_aipm.policy.outline import CheckOutline
from pytest_aipm.policy.rules import Checks
from pytest_aipm.records import Docs

__all__ = [
    "Described",
    "by_keys",
    "check_entry",
    "check_keys",
    "loaded",
    "of_a_base",
    "override",
    "own_keys",
    "regression_keys",
    "said_of",
    "shared_keys",
]

TEXT = {"type": "string", "pattern": r"\S"}


class Described(Checks, Protocol):
    """The catalogue: the checks, and what they say of themselves."""

    def docs(self, name: str) -> Docs:
        """Return a check's own words."""


def loaded(catalog: Checks) -> Iterator[tuple[str, ModuleType]]:
    """Yield every check that can be imported."""
    for name in catalog.names():
        try:
            yield name, catalog.load(name)
        except UsageFault:
            continue


def check_entry(catalog: Described, checks: dict[str, ModuleType]) -> Schema:
    """Return one entry of `checks`: what it may hold depends on its `check`."""
    check, named = (without_null(outline_keys()[name]) for name in ("check", "id"))
    said = [said_of(catalog.docs(name)) for name in checks]
    branches = [
        {
            "if": {"properties": {"check": {"const": name}}, "required": ["check"]},
            "then": ref("check", name),
        }
        for name in checks
    ]
    unnamed = {
        "if": {"not": {"required": ["check"]}},
        "then": {"$ref": "#/definitions/check-of-a-base"},
    }
    return {
        "type": "object",
        "properties": {
            "check": {**check, "enum": list(checks), "enumDescriptions": said},
            "id": {**named, **IS_ID},
        },
        "anyOf": [{"required": ["check"]}, {"required": ["id"]}],
        "allOf": [unnamed, *branches],
    }


def said_of(docs: Docs) -> str:
    """Return what a check measures, and which question that answers."""
    return " ".join(f"{docs.title} {docs.question}".split())


def check_keys(name: str, module: ModuleType, said: str, own: dict[str, Schema]) -> Schema:
    """Return what a check may hold."""
    keys = _frame(_limits(module), grouped=module.SCOPES != "overall")
    found = closed({"check": {"const": name, "description": said}, **own[name], **keys})
    # what a base asked of another check is taken out
    others = {key for each in own.values() for key in each} | {"by"}
    gone = sorted(others - found["properties"].keys())
    if gone:
        found["patternProperties"] = {f"^({'|'.join(map(re.escape, gone))})$": {"type": "null"}}
    return found


def of_a_base(checks: dict[str, ModuleType], own: dict[str, Schema]) -> Schema:
    """Return what an entry may hold that changes a check of a base, whichever that is."""
    listed: dict[str, list[Schema]] = {}
    for keys in own.values():
        for key, schema in keys.items():
            if schema not in listed.setdefault(key, []):
                listed[key].append(schema)
    either = {key: each[0] if len(each) == 1 else {"anyOf": each} for key, each in listed.items()}
    units = {unit for module in checks.values() for unit in getattr(module, "UNITS", ("",))}
    ends = {key: {"type": "number"} for key in sorted(ends_of(sorted(units)))}
    return closed({**dict(sorted(either.items())), **_frame(ends, grouped=True)})


def own_keys(module: ModuleType) -> Schema:
    """Return a check's own parameters."""
    fields = {info.alias or name for name, info in module.Params.model_fields.items()}
    own = fields - CheckParams.model_fields.keys() - CheckKeys.model_fields.keys()
    try:
        keys: dict[str, Any] = draft7(module.Params)["properties"]
    except PydanticInvalidForJsonSchema:  # a type of its own, which JSON cannot say
        keys = {}
    told = {name: without_null(keys.get(name, {})) for name in sorted(own)}
    return {name: nullable(each, below=True) for name, each in told.items()}


def shared_keys() -> dict[str, Schema]:
    """Return the keys that every check takes."""
    keys = draft7(CheckKeys)["properties"]
    found = {name: without_null(each) for name, each in keys.items()}
    found["clause"] = each_text(found.pop("clause") | {"type": None}, TEXT)
    del found["clause"]["type"], found["clause"]["items"]
    return {name: nullable(each) for name, each in found.items()}


def override() -> Schema:
    """Return who answers for asking less, which nobody takes out again."""
    return without_null(outline_keys()["override"])


def by_keys() -> Schema:
    """Return how groups are named."""
    by = without_null(copy.deepcopy(outline_keys()["by"]))
    for each in by["anyOf"]:
        if each["type"] == "array":
            each["minItems"] = 1
            _, several = each["items"]["anyOf"]
            several["minItems"] = 1
    return by


def regression_keys() -> Schema:
    """Return how much worse than the baseline a value may be."""
    found = without_null(draft7(Regression))
    said = outline_keys()["regression"]["description"]
    kept = {name: each for name, each in found["properties"].items() if name not in INTERNAL}
    return nullable(closed(kept) | {"description": said}, below=True)


def _frame(ends: Schema, *, grouped: bool) -> Schema:
    """Return the keys around a check's own."""
    outline = outline_keys()
    limits = {
        key: nullable({**closed(ends), "description": outline[key]["description"]}, below=True)
        for key in ("limit", "warn")
    }
    shared = {name: ref("key", name) for name in CheckKeys.model_fields}
    by = {"by": ref("key", "by")} if grouped else {}
    named = {"id": {**without_null(outline["id"]), **IS_ID}}
    regression = {"regression": ref("key", "regression"), "override": override()}
    return {**named, **by, **limits, **regression, **shared}


def _limits(module: ModuleType) -> Schema:
    """Return the ends of a check's limit; one that no value can break is refused."""
    low, high = getattr(module, "RANGE", (-math.inf, math.inf))
    if hasattr(module, "value_range"):
        low, high = -math.inf, math.inf
    found: Schema = {}
    for key, (end, _) in ends_of(getattr(module, "UNITS", ("",))).items():
        found[key] = {"type": "number"}
        if end == "max" and high < math.inf:
            found[key]["maximum"] = high
        if end == "min" and low > -math.inf:
            found[key]["minimum"] = low
    return found


@functools.cache
def outline_keys() -> Schema:
    """Return the keys that begin a check."""
    keys: Schema = draft7(CheckOutline)["properties"]
    return keys
