"""Exact linear algebra over sparse rows: whether a number follows from other numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

__all__ = ["Row", "given_away"]

Row = dict[Hashable, int]
"""Coefficients by unknown."""

Tag = TypeVar("Tag", bound=Hashable)

PRIME = (1 << 61) - 1
"""Arithmetic is done modulo a prime: exact, without fractions that grow. Coefficients here are
-1, 0 and 1; that a minor of such a matrix is a multiple of this prime by chance does not happen
in tables of this size."""


def given_away(
    structure: Iterable[Row], known: Iterable[tuple[Tag, Row]], targets: Mapping[Tag, Row]
) -> list[set[Tag]]:
    """Return, for each target that follows from what is known, the known rows of one proof.

    Parameters
    ----------
    structure : iterable of Row
        Left sides of equations that hold anyway.
    known : iterable of (tag, Row)
        Left sides of equations whose right sides are published.
    targets : mapping of tag to Row
        What must not follow.

    Returns
    -------
    list of set
        The tags of the rows used, one set a target that follows. A target that follows from the
        structure alone has the empty set.
    """
    basis: dict[Hashable, tuple[Row, dict[Tag, int]]] = {}
    for row in structure:
        _extend(basis, dict(row), {})
    for tag, row in known:
        _extend(basis, dict(row), {tag: 1})
    proofs = []
    for row in targets.values():
        rest, used = _reduce(basis, dict(row), {})
        if not rest:
            proofs.append(set(used))
    return proofs


def _extend(
    basis: dict[Hashable, tuple[Row, dict[Tag, int]]], row: Row, used: dict[Tag, int]
) -> None:
    row, used = _reduce(basis, row, used)
    if row:
        pivot = next(iter(row))
        inverse = pow(row[pivot], -1, PRIME)
        basis[pivot] = (
            {key: value * inverse % PRIME for key, value in row.items()},
            {tag: value * inverse % PRIME for tag, value in used.items()},
        )


def _reduce(
    basis: dict[Hashable, tuple[Row, dict[Tag, int]]], row: Row, used: dict[Tag, int]
) -> tuple[Row, dict[Tag, int]]:
    """Subtract basis rows until no pivot of the basis is left in `row`."""
    pending = [key for key in row if key in basis]
    while pending:
        pivot = pending.pop()
        factor = row.get(pivot, 0)
        if not factor:
            continue
        base, base_used = basis[pivot]
        for key, value in base.items():
            left = (row.get(key, 0) - factor * value) % PRIME
            if left:
                if key not in row and key in basis:
                    pending.append(key)
                row[key] = left
            else:
                row.pop(key, None)
        for tag, value in base_used.items():
            left = (used.get(tag, 0) - factor * value) % PRIME
            if left:
                used[tag] = left
            else:
                used.pop(tag, None)
    return row, used
