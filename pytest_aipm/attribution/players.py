"""Who plays: columns, or groups of columns that enter a coalition together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_aipm.errors import CheckError, Problem

__all__ = ["Players", "players_of"]


@dataclass(frozen=True)
class Players:
    """The players of a game.

    Attributes
    ----------
    names : tuple of str
    columns : tuple of tuple of str
        The columns of each player, in the order of `names`.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.names)

    def holding(self, columns: Sequence[str]) -> list[int]:
        """Return the numbers of the players that hold any of these columns."""
        wanted = set(columns)
        return [i for i, own in enumerate(self.columns) if wanted & set(own)]


def players_of(
    columns: Sequence[str], groups: Mapping[str, Sequence[str]] | None = None
) -> Players:
    """Return one player a column; columns of a group play as one.

    Parameters
    ----------
    columns : sequence of str
        The inputs of the model.
    groups : mapping of name to columns, optional

    Raises
    ------
    CheckError
        When a group is empty, names a column that is no input, or shares one with another.
    """
    groups = groups or {}
    owner: dict[str, str] = {}
    for name, members in groups.items():
        if not members:
            raise _wrong(f"the group {name!r} names no column", "name some or remove it")
        if name in columns and name not in members:
            raise _wrong(f"the group {name!r} is called like a column it lacks", "rename it")
        for column in members:
            if column not in columns:
                near = difflib.get_close_matches(column, [*columns], n=1)
                fix = f"did you mean {near[0]!r}?" if near else "name inputs of the model"
                raise _wrong(f"column {column!r} of {name!r} is not an input of the model", fix)
            if column in owner:
                raise _wrong(f"column {column!r} is in two groups", "leave it in one")
            owner[column] = name
    names = list(dict.fromkeys(owner.get(column, column) for column in columns))
    own = [tuple(c for c in columns if owner.get(c, c) == name) for name in names]
    return Players(tuple(names), tuple(own))


def _wrong(what: str, fix: str) -> CheckError:
    return CheckError(Problem(f"{what} (`players`)", fix))
