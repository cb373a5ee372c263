"""An expression that was read, and its answer on columns or single values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_aipm.errors import Problem
from pytest_aipm.expressions.parse import tree_of
from pytest_aipm.expressions.place import ExpressionError, fault
from pytest_aipm.expressions.tree import (
    Chain,
    Compared,
    Logic,
    Member,
    Missing,
    Name,
    Node,
    Prefixed,
)

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Answer", "Expression", "parse"]


@dataclass(frozen=True)
class Answer:
    """What an expression gives: one value for all, shape (), or one a row, shape (n,).

    Attributes
    ----------
    kind : {"truth", "number", "text", "nothing", "other"}
        ``nothing``: all are missing. ``other``: a single column of dates or mixtures.
    data : array
        The values, of no meaning where not `known`.
    known : bool array
        False where the answer is unknown or the value missing.
    undefined : int
        Rows in which something was divided by zero or grew too large for a number.
    """

    kind: str
    data: np.ndarray
    known: np.ndarray
    undefined: int = 0

    @property
    def unknown(self) -> int:
        """Rows without an answer."""
        return int((~self.known).sum())

    def truth(self, *, otherwise: bool) -> np.ndarray:
        """Return true and false a row; what is unknown is decided by `otherwise`."""
        import numpy as np  # noqa: PLC0415 - reading an expression needs no numpy

        found: np.ndarray = np.where(self.known, self.data.astype(bool), otherwise)
        return found

    def numbers(self) -> np.ndarray:
        """Return floats, NaN where a value is missing."""
        import numpy as np  # noqa: PLC0415

        if self.kind == "nothing":
            return np.full(self.known.shape, np.nan)
        found: np.ndarray = np.where(self.known, self.data, np.nan).astype(float)
        return found

    def item(self) -> Any:
        """Return the one value of an answer of shape (); None when it is unknown."""
        return self.data.item() if self.known.item() else None


@dataclass(frozen=True)
class Expression:
    """An expression that was read.

    Attributes
    ----------
    text : str
        As written.
    tree : Node
        See `pytest_aipm.expressions.tree`; each node knows its place in `text`.
    """

    text: str
    tree: Node

    @property
    def names(self) -> tuple[str, ...]:
        """The names it asks for, each once, in the order in which they stand."""
        return tuple(dict.fromkeys(each.name for each in _names(self.tree)))

    @property
    def is_condition(self) -> bool | None:
        """Whether the answer is true or false; None when a lone name decides that."""
        if isinstance(self.tree, Name):
            return None
        if isinstance(self.tree, Compared | Logic | Member | Missing):
            return True
        if isinstance(self.tree, Prefixed):
            return self.tree.sign == "not"
        return False if isinstance(self.tree, Chain) else isinstance(self.tree.value, bool)

    def require(self, known: Iterable[str], *, what: str = "column") -> None:
        """Raise when a name is none of `known`.

        Parameters
        ----------
        known : iterable of str
            The names there are.
        what : str
            What they are, for the errors.

        Raises
        ------
        ExpressionError
            One problem for each unknown name, at its first place.
        """
        there = list(known)
        missing: dict[str, Name] = {}
        for each in _names(self.tree):
            if each.name not in there:
                missing.setdefault(each.name, each)
        errors = [
            fault(self.text, each.at, f"there is no {what} '{_short(name)}'", _near(name, there))
            for name, each in missing.items()
        ]
        if errors:
            first = errors[0]
            raised = ExpressionError([problem for each in errors for problem in each.problems])
            raised.line, raised.column = first.line, first.column
            raise raised

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        """Return what it gives on columns or single values.

        Parameters
        ----------
        values : mapping of name to array of shape (n,), or to scalar
            Arrays, lists and pandas columns alike. None, NaN and NA are missing.

        Raises
        ------
        ExpressionError
            When a name is not there, or kinds do not fit together.
        """
        from pytest_aipm.expressions.evaluate import Evaluation  # noqa: PLC0415 - asks for pandas

        self.require(values)
        run = Evaluation(self.text, values)
        found = run.value(self.tree)
        undefined = 0 if run.undefined is None else int(run.undefined.sum())
        return Answer(found.kind, found.data, found.known, undefined)

    def fault(self, what: str, fix: str = "correct it") -> Problem:
        """Return a problem of the whole expression."""
        return fault(self.text, 0, what, fix).problems[0]


def parse(text: str) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        At most 2,000 characters; the language is told in `pytest_aipm.expressions`.

    Raises
    ------
    ExpressionError
        With `line` and `column` inside the text, what is wrong and how to mend it.
    """
    return Expression(text, tree_of(text))


def _names(tree: Node) -> Iterator[Name]:
    """Yield the names of a tree from left to right."""
    if isinstance(tree, Name):
        yield tree
    elif isinstance(tree, Prefixed | Member | Missing):
        yield from _names(tree.inner)
    elif isinstance(tree, Logic):
        for part in tree.parts:
            yield from _names(part)
    elif isinstance(tree, Chain | Compared):
        yield from _names(tree.first)
        for _, _, operand in tree.rest:
            yield from _names(operand)


def _near(name: str, there: list[str]) -> str:
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.6)
    near = near or [each for each in there if each.lower() == name.lower()]
    if near:
        return f"did you mean '{near[0]}'?"
    shown = ", ".join(map(_short, there[:8])) + (f" and {len(there) - 8} more" * (len(there) > 8))
    return f"known: {shown}" if there else "there are none"


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"
