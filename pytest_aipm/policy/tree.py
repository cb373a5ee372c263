"""A policy as a tree of values that know where they were written."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_aipm.errors import AipmError, Problem

__all__ = ["NOWHERE", "Faults", "Map", "Place", "Scalar", "Seq", "Tree", "tree_of"]


@dataclass(frozen=True, order=True)
class Place:
    """A position: file (relative to the root folder), one-based line and column."""

    path: str = ""
    line: int | None = None
    column: int | None = None


NOWHERE = Place()


@dataclass(frozen=True)
class Scalar:
    """Text, a number, true or false, or nothing."""

    value: str | int | float | bool | None
    place: Place = NOWHERE

    def plain(self) -> Any:
        """Return the bare value."""
        return self.value


@dataclass(frozen=True)
class Seq:
    """A list."""

    items: tuple[Tree, ...]
    place: Place = NOWHERE

    def plain(self) -> Any:
        """Return the bare list."""
        return [item.plain() for item in self.items]


@dataclass(frozen=True)
class Map:
    """A mapping; ``keys`` holds the place of each key, ``entries`` the values."""

    entries: Mapping[str, Tree] = field(default_factory=dict)
    keys: Mapping[str, Place] = field(default_factory=dict)
    place: Place = NOWHERE

    def plain(self) -> Any:
        """Return the bare mapping."""
        return {key: value.plain() for key, value in self.entries.items()}

    def get(self, key: str) -> Tree | None:
        """Return the value of `key`, or None."""
        return self.entries.get(key)

    def text(self, key: str) -> str | None:
        """Return the value of `key` when it is text, else None."""
        value = self.entries.get(key)
        return value.value if isinstance(value, Scalar) and isinstance(value.value, str) else None

    def submap(self, key: str) -> Map:
        """Return the mapping at `key`, empty when there is none."""
        value = self.entries.get(key)
        return value if isinstance(value, Map) else Map(place=self.key_place(key))

    def key_place(self, key: str) -> Place:
        """Return where `key` is written, or where this mapping starts."""
        return self.keys.get(key, self.place)

    def place_of(self, *keys: str | int) -> Place:
        """Return where the value at a path is written, or its nearest ancestor."""
        tree: Tree = self
        for key in keys:
            if isinstance(tree, Map) and str(key) in tree.entries:
                tree = tree.entries[str(key)]
            elif isinstance(tree, Seq) and isinstance(key, int) and key < len(tree.items):
                tree = tree.items[key]
            else:
                break
        return tree.place

    def having(self, key: str, value: Tree, place: Place | None = None) -> Map:
        """Return this mapping with `key` set."""
        return replace(
            self,
            entries={**self.entries, key: value},
            keys={**self.keys, key: place or self.keys.get(key, value.place)},
        )

    def without(self, *names: str) -> Map:
        """Return this mapping without some keys."""
        return replace(self, entries={k: v for k, v in self.entries.items() if k not in names})

    def only(self, names: Iterable[str]) -> Map:
        """Return this mapping with these keys alone."""
        kept = set(names)
        return replace(self, entries={k: v for k, v in self.entries.items() if k in kept})

    def over(self, base: Map, *, deep: frozenset[str] = frozenset()) -> Map:
        """Return `base` with this mapping laid over it.

        A key that is empty here is taken out of `base`. Mappings under a key of `deep` are laid
        over each other in turn, everything else is replaced.
        """
        merged = base
        for key, value in self.entries.items():
            below = base.entries.get(key)
            if isinstance(value, Scalar) and value.value is None and below is not None:
                merged = merged.without(key)
            elif key in deep and isinstance(value, Map) and isinstance(below, Map):
                merged = merged.having(key, value.over(below), self.key_place(key))
            else:
                merged = merged.having(key, value, self.key_place(key))
        return replace(merged, place=self.place)


Tree = Scalar | Seq | Map


def tree_of(value: object, path: str = "") -> Tree:
    """Return plain Python values as a tree without lines.

    Raises
    ------
    TypeError
        For a value that no policy can hold.
    """
    place = Place(path)
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"{value} is not a finite number")
    if isinstance(value, str) and not value.isascii() and value != _whole(value):
        raise TypeError(f"{value!r} holds half a character")
    if value is None or type(value) in (bool, int, float, str):
        return Scalar(value, place)  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        entries = {str(key): tree_of(each, path) for key, each in value.items()}
        return Map(entries, dict.fromkeys(entries, place), place)
    if isinstance(value, list | tuple):
        return Seq(tuple(tree_of(each, path) for each in value), place)
    if isinstance(value, os.PathLike):
        return Scalar(os.fspath(value), place)
    if isinstance(value, bool | int | float | str):  # an enumeration, a numpy float
        plain = next(kind for kind in (bool, int, float, str) if isinstance(value, kind))
        return Scalar(plain(value), place)
    if hasattr(value, "tolist"):
        return tree_of(value.tolist(), path)
    raise TypeError(f"{type(value).__name__} is no value of a policy")


def _whole(text: str) -> str:
    """Return the text without halves of characters."""
    return text.encode("utf-8", "ignore").decode()


class Faults:
    """The problems found so far; each is kept once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def __bool__(self) -> bool:
        """Return whether anything is wrong."""
        return bool(self._found)

    def add(self, place: Place, what: str, fix: str = "") -> None:
        """Note one problem."""
        self._found[Problem(what, fix, place.path, place.line, place.column)] = None

    def extend(self, problems: tuple[Problem, ...]) -> None:
        """Note the problems of an error that was caught."""
        self._found.update(dict.fromkeys(problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems: file by file in the order met, then by line and column."""
        files = {path: i for i, path in enumerate(dict.fromkeys(p.path for p in self._found))}
        return tuple(sorted(self._found, key=lambda p: (files[p.path], p.line or 0, p.column or 0)))

    def raise_as(self, error: type[AipmError]) -> None:
        """Raise all problems as one error, if there are any."""
        if self._found:
            raise error(self.problems)
