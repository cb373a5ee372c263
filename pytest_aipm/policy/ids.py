"""Names in node ids: ``policy::check-id::scope``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["IS_FINDING", "IS_ID", "OVERALL", "finding_id", "is_id", "scope_id"]

OVERALL = "overall"
"""The scope of a check without groups; no attribute may be called so."""

_ID = re.compile(r"[A-Za-z0-9_.-]+")

IS_ID: dict[str, Any] = {"type": "string", "pattern": f"^{_ID.pattern}$"}
"""What editors are told of a name, and of a finding's id."""
IS_FINDING: dict[str, Any] = {
    "type": "string",
    "pattern": f"^{_ID.pattern}::{_ID.pattern}::{_ID.pattern}$",
}


def is_id(text: str) -> bool:
    """Return whether `text` may be a policy's, a check's or an attribute's name."""
    return _ID.fullmatch(text) is not None


def scope_id(scope: Iterable[str]) -> str:
    """Return ``overall``, ``sex`` or ``sex-x-race``."""
    return "-x-".join(scope) or OVERALL


def finding_id(policy: str, check_id: str, scope: Iterable[str]) -> str:
    """Return the id that findings, waivers and the baseline share."""
    return f"{policy}::{check_id}::{scope_id(scope)}"
