"""Whether a value that was written and the same value made anew are one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pytest_aipm.checks.words import number

__all__ = ["Difference", "different"]

RELATIVE, ABSOLUTE = 1e-7, 1e-9
"""Another build of scipy or of the processor's arithmetic moves ends by less; people's counts and
rates move by more."""


@dataclass(frozen=True)
class Difference:
    """Where two values part, and what each says there."""

    at: str
    written: str
    again: str


def different(written: Any, again: Any, at: str = "") -> Difference | None:
    """Return the first place where two plain values differ, None when they are alike.

    Numbers that are not finite are written as null; numbers are alike when 1 part in 10,000,000
    apart.
    """
    one, other = _plain(written), _plain(again)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            found = different(one.get(key), other.get(key), f"{at}.{key}")
            if found is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return Difference(at, f"{len(one)} entries", f"{len(other)}")
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            found = different(mine, theirs, f"{at}[{place}]")
            if found is not None:
                return found
        return None
    return None if _same(one, other) else Difference(at, _shown(one), _shown(other))


def _same(one: Any, other: Any) -> bool:
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)
    )
    if numbers:
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(one) is type(other) and bool(one == other)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return value


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"
