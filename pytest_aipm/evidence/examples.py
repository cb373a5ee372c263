"""Single rows that count against a finding, as far as the policy lets them be shown.

Only what was changed in a row is told, and what that did: never the rest of it, nor whose it is.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.subject import group_name
from pytest_aipm.records import Change, Example

__all__ = ["change", "first", "turned"]

LONGEST = 60
"""Letters of a value or a name; a text that a person wrote is not told whole."""


def change(column: str, before: Any, after: Any) -> Change:
    """Return a value that was replaced, as a reader writes it."""
    return Change(column=_plain(column), before=_plain(before), after=_plain(after))


def turned(evidence: Evidence, before: bool, after: bool) -> str:
    """Return in words what a change does to a decision."""
    one = evidence.subject.names["favorable"] if evidence.subject.task == "multiclass" else ""
    words = (f"not {one}", one) if one else ("adverse", "favorable")
    if before == after:
        return f"the decision stays {words[int(after)]}"
    return f"the decision turns from {words[int(before)]} to {words[int(after)]}"


def first(found: Iterable[Example], most: int) -> tuple[Example, ...]:
    """Return the first few that differ: two rows that were changed alike tell no more than one."""
    kept: dict[Example, None] = {}
    for each in found:
        if len(kept) == most:
            break
        kept[each] = None
    return tuple(kept)


def _plain(value: Any) -> str:
    if pd.isna(value) is True:
        return "(missing)"
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        return f"{float(value):.9g}"
    text = group_name(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
