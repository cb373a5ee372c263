"""Whether whole numbers leave a secret more than one value.

Linear algebra (`elimination`) says which sums follow from others. People are whole and not fewer
than none, which says more: if two groups of one person each sum to two, both are one. So for each
secret another record is looked for that prints the same and holds another number: its twin.

Source: Cox (1980), JASA 75, 377-385; the audit of protection by integer programming is that of
Fischetti and Salazar (2001), Management Science 47, 1008-1027.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Generic, TypeVar

from pytest_aipm.report.elimination import Row

__all__ = ["Known", "pinned"]

SLACK = 1e-6
"""Below one person, above the rounding of rates."""
SECONDS = 5.0
"""Longest search for one twin; what is not found by then counts as pinned."""
OUT_OF_TIME = 1
"""What `scipy.optimize.milp` says then."""


@dataclass(frozen=True)
class Known:
    """A sum of unknowns and the ends it lies between; equal ends say it exactly."""

    row: Mapping[Hashable, float]
    low: float
    high: float


Name = TypeVar("Name", bound=Hashable)


def pinned(
    known: Iterable[Known], secrets: Mapping[Name, Row], *, doubt: bool = True
) -> set[Name] | None:
    """Return the secrets that what is known leaves a single value.

    Parameters
    ----------
    known : iterable of Known
        What is published or follows from sizes. Unknowns are whole numbers, 0 or more.
    secrets : mapping of name to row
        Sums of unknowns.
    doubt : bool
        Whether a secret counts as pinned when the search for its twin took too long.

    Returns
    -------
    set or None
        Names of secrets; None when no numbers at all are as what is known says, as in a record
        whose findings did not count the same rows.
    """
    if not secrets:
        return set()
    search = _Search([each for each in known if each.row], secrets)
    # a few solutions show most secrets two values at once; only what is left is asked alone
    for signs in ((1,), (-1,), (1, -1), (-1, 1)):
        search.ask(zip(cycle(signs), search.single()))
        if not any(search.seen.values()):
            return search.left(doubt=doubt) if search.late else None
    for name in search.single():
        search.ask([(1, name)])
        search.ask([(-1, name)] if name in search.single() else [])
    return search.left(doubt=doubt)


class _Search(Generic[Name]):
    """Solves in whole numbers, and keeps which values each secret was seen with."""

    def __init__(self, known: Sequence[Known], secrets: Mapping[Name, Row]) -> None:
        from scipy.optimize import LinearConstraint  # noqa: PLC0415 - only where people are few
        from scipy.sparse import csr_matrix  # noqa: PLC0415

        self.secrets = secrets
        self.seen: dict[Name, set[int]] = {name: set() for name in secrets}
        self.late = False
        """Whether a search ended by the clock: what it did not find may be there all the same."""
        rows = [each.row for each in known] + list(secrets.values())
        self.places = {k: i for i, k in enumerate(dict.fromkeys(k for row in rows for k in row))}
        entries = [(x, i, self.places[k]) for i, e in enumerate(known) for k, x in e.row.items()]
        numbers, at, columns = zip(*entries, strict=True)
        # a matrix, not an array: its indices are of 32 bits, as milp of scipy 1.13 wants them
        self.constraint = LinearConstraint(
            csr_matrix((numbers, (at, columns)), shape=(len(known), len(self.places))),
            [each.low - SLACK for each in known],
            [each.high + SLACK for each in known],
        )

    def single(self) -> list[Name]:
        """Return the secrets that were not yet seen with two values."""
        return [name for name, values in self.seen.items() if len(values) < 2]

    def left(self, *, doubt: bool) -> set[Name]:
        """Return the secrets that have one value, or none that is sure where there is no doubt."""
        return set(self.single()) if doubt or not self.late else set()

    def ask(self, aims: Iterable[tuple[int, Name]]) -> None:
        """Find the numbers that make a sum of secrets least, and note what each secret is then."""
        from scipy.optimize import Bounds, milp  # noqa: PLC0415

        cost = [0.0] * len(self.places)
        for sign, name in aims:
            for key, factor in self.secrets[name].items():
                cost[self.places[key]] += sign * factor
        if not any(cost):
            return
        found = milp(
            cost,
            constraints=self.constraint,
            integrality=[1] * len(cost),
            bounds=Bounds(0, math.inf),
            options={"time_limit": SECONDS},
        )
        self.late |= found.status == OUT_OF_TIME
        if found.x is not None:
            for name, row in self.secrets.items():
                number = sum(factor * found.x[self.places[key]] for key, factor in row.items())
                self.seen[name].add(round(number))
