"""JSON Schemas of policies, waivers and sign-offs, for editors: made from what the loader reads by.

A schema judges one file as if it stood alone, so it says less than the loader: unknown keys, wrong
types and words that are none of those to choose from. A policy that extends nothing is held to what
it needs; one that extends may leave it to others, and may take a key out again by leaving it empty.
Whatever the loader accepts fits the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import ModuleType

from pytest_aipm.policy.draft7 import (
    DIALECT,
    Schema,
    closed,
    draft7,
    each_text,
    emptied,
    nullable,
    ref,
    without_null,
)
from pytest_aipm.policy.ids import IS_ID
from pytest_aipm.policy.incidents import IncidentEntry
from pytest_aipm.policy.layers import URL
from pytest_aipm.policy.library import Library
from pytest_aipm.policy.outline import PolicyOutline
from pytest_aipm.policy.schema_checks import (
    Described,
    by_keys,
    check_entry,
    check_keys,
    loaded,
    of_a_base,
    override,
    own_keys,
    regression_keys,
    said_of,
    shared_keys,
)
from pytest_aipm.policy.schema_subject import subject_keys
from pytest_aipm.policy.sign_offs import SignOffEntry
from pytest_aipm.policy.waivers import WaiverEntry

__all__ = [
    "FILES",
    "MODELINE",
    "incidents_schema",
    "modeline",
    "policy_schema",
    "schema_text",
    "sign_offs_schema",
    "waivers_schema",
]

FILES = {
    kind: f"aipm-{kind}.schema.json"
    for kind in ("policy", "waivers", "sign-offs", "incidents", "baseline")
}
"""What `aipm schema --write` calls each."""


def modeline(kind: str = "policy", *, folder: str = "") -> str:
    """Return the comment that tells an editor which schema a file has.

    Parameters
    ----------
    kind : {"policy", "waivers", "sign-offs", "incidents", "baseline"}
    folder : str, optional
        Where the schema lies, seen from the file; default beside it.
    """
    return f"# yaml-language-server: $schema={folder.rstrip('/')}/{FILES[kind]}".replace("=/", "=")


MODELINE = modeline()
"""First line of a policy whose schema lies beside it."""


def schema_text(described: Schema) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(described, indent=1) + "\n"


def policy_schema(catalog: Described, packs: Library | None = None) -> Schema:
    """Return the schema of a policy: the grammar, and every check that is installed.

    Parameters
    ----------
    catalog : Catalog
        A check that cannot be imported is left out, as the loader refuses it.
    packs : Library, optional
        The packs that `extends` may name; default what is built in or installed.

    Returns
    -------
    dict
        JSON Schema of draft 7.
    """
    checks = dict(loaded(catalog))
    own = {name: own_keys(module) for name, module in checks.items()}
    outline = draft7(PolicyOutline)
    keys = {name: without_null(each) for name, each in outline["properties"].items()}
    keys["name"] |= IS_ID
    keys["extends"] = each_text(keys["extends"], _base((packs or Library()).names()))
    keys["subject"] |= subject_keys()
    keys["publish"] |= emptied(keys["publish"])
    keys["context"] |= emptied(keys["context"])
    keys["pack"]["allOf"] = [
        {
            "if": {"properties": {"status": {"const": "superseded"}}, "required": ["status"]},
            "then": {"required": ["superseded_by"]},
        }
    ]
    shared = shared_keys()
    keys["defaults"] |= closed(
        {name: ref("key", name) for name in (*shared, "by")} | {"override": override()}
    )
    keys["checks"]["items"] = check_entry(catalog, checks)
    definitions: dict[str, Schema] = {f"key.{name}": each for name, each in shared.items()}
    definitions["key.by"] = nullable(by_keys())
    definitions["key.regression"] = regression_keys()
    definitions["check-of-a-base"] = of_a_base(checks, own)
    for name, module in checks.items():
        said = said_of(catalog.docs(name))
        definitions[f"check.{name}"] = check_keys(name, module, said, own)
    definitions["filled"] = FILLED
    return {
        "$schema": DIALECT,
        "title": "pytest-aipm policy",
        "description": outline["description"],
        **closed(keys),
        "required": ["aipm"],
        "allOf": [
            {"if": {"required": ["pack"]}, "then": {"not": {"required": ["subject"]}}},
            {"if": {"required": ["subject"]}, "then": {"required": ["name"]}},
            {"if": ALONE, "then": _alone(checks)},
        ],
        "definitions": definitions,
    }


def waivers_schema() -> Schema:
    """Return the schema of a file of waivers, of draft 7."""
    entry = without_null(draft7(WaiverEntry))
    entry["properties"]["floor"] |= {
        "minProperties": 1,
        "patternProperties": {"^(min|max)(_.+)?$": {"type": "number"}},
        "additionalProperties": False,
    }
    return _listing("waivers", "Who answers for a finding that would fail, and until when.", entry)


def sign_offs_schema() -> Schema:
    """Return the schema of a file of sign-offs, of draft 7."""
    entry = without_null(draft7(SignOffEntry))
    return _listing("sign_offs", "Who stands for a reviewed run.", entry)


def incidents_schema() -> Schema:
    """Return the schema of a file of incidents, of draft 7."""
    entry = without_null(draft7(IncidentEntry))
    entry["oneOf"] = [
        {"required": ["when"]},
        {"required": ["ids"]},
        {"required": ["rows"]},
        {"properties": {"expect": {"required": ["check"]}}},
    ]
    kinds = ("decision", "score", "check")
    entry["properties"]["expect"]["oneOf"] = [{"required": [kind]} for kind in kinds]
    return _listing("incidents", "What went wrong once, and must stay mended.", entry)


def _listing(key: str, text: str, entry: Schema) -> Schema:
    return {
        "$schema": DIALECT,
        "title": f"pytest-aipm {key.replace('_', '-')}",
        "description": text,
        **closed({key: {"type": "array", "description": text, "items": entry}}),
        "required": [key],
    }


# what stands alone

FILLED: Schema = {
    "not": {"type": "null"},
    "additionalProperties": {"$ref": "#/definitions/filled"},
}
"""No key here or below is empty."""

ALONE: Schema = {
    "required": ["subject"],
    "not": {
        "required": ["extends"],
        "properties": {"extends": {"minItems": 1}},
    },
}
"""A policy that stands on no other file."""


def _alone(checks: dict[str, ModuleType]) -> Schema:
    filled = {"$ref": "#/definitions/filled"}
    asked = [
        {
            "if": {"properties": {"check": {"const": name}}, "required": ["check"]},
            "then": {"required": _required(module)},
        }
        for name, module in checks.items()
        if _required(module)
    ]
    some = {"minProperties": 1}
    entry: Schema = {
        "required": ["check"],
        "properties": {"limit": some, "warn": some, "regression": some},
        "allOf": [filled, *asked],
    }
    told = ("purpose", "owner", "claims")
    return {
        "required": ["context", "checks"],
        "properties": {
            "context": {
                "required": ["purpose", "owner"],
                "properties": dict.fromkeys(told, filled),
            },
            "subject": {"required": ["task"], "allOf": [filled]},
            "defaults": filled,
            "publish": filled,
            "checks": {"minItems": 1, "items": entry},
        },
    }


def _required(module: ModuleType) -> list[str]:
    fields = module.Params.model_fields
    return sorted(info.alias or name for name, info in fields.items() if info.is_required())


def _base(packs: Iterable[str]) -> Schema:
    named = {"enum": [f"pack:{name}" for name in packs]}
    file = {"type": "string", "minLength": 1, "pattern": f"^(?!pack:)(?!{URL.pattern})"}
    return {"anyOf": [named, file]}
