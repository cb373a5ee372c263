"""Reading `manifest.json`, which says of each file of a report what its bytes hash to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["is_entry", "json_object"]


def is_entry(name: object, value: object) -> bool:
    """Return whether a file of this folder, and no other, is given a hash."""
    return isinstance(name, str) and Path(name).name == name and isinstance(value, str)


def json_object(raw: bytes) -> dict[str, Any]:
    """Return a JSON object, empty when it is none: whoever reads on says what is wrong."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
