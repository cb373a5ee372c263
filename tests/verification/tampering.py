"""One field of a record changed at random: a number, a text, a list, a key."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Tampered", "places", "tampered"]

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Tampered:
    """A record with one field changed, and where that is."""

    content: dict[str, Any]
    path: Path
    how: str

    @property
    def field(self) -> str:
        """The place without numbers: ``audits.findings.groups.numerator``."""
        return ".".join(part for part in self.path if isinstance(part, str))


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield every place of a value, containers too."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, key))


def tampered(content: dict[str, Any], spots: list[Path], rng: random.Random) -> Tampered:
    """Return a copy with one field changed, so that it says something else."""
    while True:
        path = rng.choice(spots)
        whole = copy.deepcopy(content)
        above: Any = whole
        for key in path[:-1]:
            above = above[key]
        how = _change(above, path[-1], rng)
        if how and whole != content:
            return Tampered(whole, path, how)


def _change(above: Any, key: str | int, rng: random.Random) -> str:  # noqa: PLR0911
    value = above[key]
    if isinstance(above, dict) and rng.random() < 0.05:
        del above[key]
        return "key removed"
    if isinstance(value, bool):
        above[key] = not value
        return "turned"
    if isinstance(value, int):
        above[key] = value + rng.choice([-7, -1, 1, 2, 40])
        return "number"
    if isinstance(value, float):
        above[key] = rng.choice([value * 0.9, value + 0.01, -value, round(value, 2), None])
        return "number"
    if isinstance(value, str):
        above[key] = rng.choice([value[:-1], f"{value}x", value.swapcase(), "pass", ""])
        return "text"
    if value is None:
        above[key] = rng.choice([0, 0.5, "x", []])
        return "filled"
    if isinstance(value, list) and value:
        return _list(value, rng)
    return ""


def _list(value: list[Any], rng: random.Random) -> str:
    at = rng.randrange(len(value))
    kind = rng.choice(["removed", "doubled", "swapped"])
    if kind == "removed":
        del value[at]
    elif kind == "doubled":
        value.insert(at, value[at])
    else:
        other = rng.randrange(len(value))
        value[at], value[other] = value[other], value[at]
    return f"item {kind}"
