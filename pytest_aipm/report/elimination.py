"""Exact linear algebra over sparse rows: which numbers may be told without telling others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

__all__ = ["Row", "Secrets"]

Row = Mapping[Hashable, int]
"""Coefficients by unknown."""

PRIME = (1 << 61) - 1
"""Arithmetic is done modulo a prime: exact, without fractions that grow. Coefficients here are
-1, 0 and 1; that a minor of such a matrix is a multiple of this prime by chance does not happen
in tables of this size."""

Entries = dict[Hashable, int]


class Secrets:
    """Sums that must not follow from the sums that are told.

    A secret follows when its row lies in the span of the rows that are known. Known rows are kept
    in echelon form and secrets reduced by them, so that telling one more row costs one reduction.

    Parameters
    ----------
    rows : iterable of Row
        What is known anyway. A secret that follows from these alone cannot be kept and is dropped.
    secrets : iterable of Row
        What must not follow.
    """

    def __init__(self, rows: Iterable[Row], secrets: Iterable[Row]) -> None:
        self._basis: dict[Hashable, Entries] = {}
        self._secrets: list[Entries] = []
        for row in rows:
            self._learn(row)
        reduced = (self._reduce(row) for row in secrets)
        self._secrets = [row for row in reduced if row]

    def tell(self, rows: Iterable[Row]) -> bool:
        """Learn `rows` and return True; learn none of them and return False if a secret followed.

        Parameters
        ----------
        rows : iterable of Row
            Sums that are told together or not at all.
        """
        before, learned = self._secrets, []
        for row in rows:
            pivot = self._learn(row)
            if pivot is None:
                continue
            learned.append(pivot)
            if not all(self._secrets):
                for each in learned:
                    del self._basis[each]
                self._secrets = before
                return False
        return True

    def _learn(self, row: Row) -> Hashable | None:
        """Add a row; return its pivot, or None when it says nothing new."""
        rest = self._reduce(row)
        if not rest:
            return None
        pivot = next(iter(rest))
        inverse = pow(rest[pivot], -1, PRIME)
        rest = {key: value * inverse % PRIME for key, value in rest.items()}
        self._basis[pivot] = rest
        self._secrets = [
            _less(secret, rest, secret[pivot]) if pivot in secret else secret
            for secret in self._secrets
        ]
        return pivot

    def _reduce(self, row: Row) -> Entries:
        """Subtract known rows until no pivot is left."""
        rest: Entries = dict(row)
        pending = [key for key in rest if key in self._basis]
        while pending:
            pivot = pending.pop()
            if pivot in rest:
                base = self._basis[pivot]
                pending += [key for key in base if key not in rest and key in self._basis]
                rest = _less(rest, base, rest[pivot])
        return rest


def _less(row: Entries, other: Entries, factor: int) -> Entries:
    """Return ``row - factor * other``, without zeros."""
    left = dict(row)
    for key, value in other.items():
        entry = (left.get(key, 0) - factor * value) % PRIME
        if entry:
            left[key] = entry
        else:
            left.pop(key, None)
    return left
