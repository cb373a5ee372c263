"""The tree of an expression. Chains of one precedence are one node: only nesting makes depth."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Chain", "Compared", "Literal", "Logic", "Member", "Missing", "Name", "Node", "Prefixed"]


@dataclass(frozen=True)
class Literal:
    """A number, a text or a truth value."""

    at: int
    value: float | int | str | bool


@dataclass(frozen=True)
class Name:
    """A column, or whatever the names stand for."""

    at: int
    name: str


@dataclass(frozen=True)
class Prefixed:
    """``-x`` or ``not x``."""

    at: int
    sign: str
    inner: Node


@dataclass(frozen=True)
class Chain:
    """Sums or products, from left to right: ``a - b + c``."""

    at: int
    first: Node
    rest: tuple[tuple[str, int, Node], ...]
    """Sign, its place, operand."""


@dataclass(frozen=True)
class Compared:
    """``a < b``, or a chain of comparisons ``a < b <= c``."""

    at: int
    first: Node
    rest: tuple[tuple[str, int, Node], ...]


@dataclass(frozen=True)
class Logic:
    """``a and b and c``, or the same with ``or``."""

    at: int
    word: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Member:
    """``x in [...]``; `negated` is ``not in``."""

    at: int
    inner: Node
    options: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True)
class Missing:
    """``x is missing``; `negated` is ``is not missing``."""

    at: int
    inner: Node
    negated: bool


Node = Literal | Name | Prefixed | Chain | Compared | Logic | Member | Missing
