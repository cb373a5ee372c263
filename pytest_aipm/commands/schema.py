"""``aipm schema``: the JSON Schema of what is written."""

from __future__ import annotations

import json

from pytest_aipm.commands.say import say
from pytest_aipm.records import SCHEMA, Record

__all__ = ["schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> int:
    """Print the JSON Schema of ``audit.json``, as this version writes it."""
    described = Record.model_json_schema(by_alias=True, mode="serialization")
    described["properties"]["schema"]["const"] = SCHEMA
    say(json.dumps({"$schema": DIALECT, **described}, indent=1, sort_keys=True))
    return 0
