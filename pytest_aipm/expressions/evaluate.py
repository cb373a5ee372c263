"""Trees on whole columns: vector operations, three-valued logic, no Python of the author's."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pytest_aipm.expressions.place import ExpressionError, fault
from pytest_aipm.expressions.tree import (
    Chain,
    Compared,
    Literal,
    Logic,
    Member,
    Missing,
    Name,
    Node,
    Prefixed,
)
from pytest_aipm.expressions.values import Values, values_of

__all__ = ["Evaluation"]

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPUTE: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class Evaluation:
    """One expression on one set of columns.

    Attributes
    ----------
    undefined : bool array or None
        Rows in which something was divided by zero, or grew too large for a number.
    """

    def __init__(self, text: str, columns: Mapping[str, Any]) -> None:
        self.text = text
        self.columns = columns
        self.undefined: np.ndarray | None = None
        self._seen: dict[str, Values] = {}

    def value(self, node: Node) -> Values:
        """Return what a tree gives.

        Raises
        ------
        ExpressionError
            When kinds do not fit together.
        """
        of_kind: Callable[[Any], Values] = getattr(self, f"_{type(node).__name__.lower()}")
        return of_kind(node)

    def _literal(self, node: Literal) -> Values:
        return values_of(node.value)

    def _name(self, node: Name) -> Values:
        if node.name not in self._seen:
            self._seen[node.name] = values_of(self.columns[node.name])
        return self._seen[node.name]

    def _prefixed(self, node: Prefixed) -> Values:
        if node.sign == "not":
            return _not(self._truth_of(node.inner))
        inner = self._number_of(node.inner, "-", node.at)
        return Values("number", -inner.data.astype(float), inner.known, "numbers")

    def _missing(self, node: Missing) -> Values:
        known = self.value(node.inner).known
        return _truth(known if node.negated else ~known, np.ones_like(known))

    def _chain(self, node: Chain) -> Values:
        found = self._number_of(node.first, node.rest[0][0], node.first.at)
        for sign, at, operand in node.rest:
            other = self._number_of(operand, sign, at)
            # whole numbers would wrap around without a word
            left, right = found.data.astype(float), other.data.astype(float)
            with np.errstate(all="ignore"):
                result = np.asarray(_COMPUTE[sign](left, right))
            known = found.known & other.known
            odd = known & ~np.isfinite(result) & np.isfinite(left) & np.isfinite(right)
            if odd.any():
                self.undefined = odd if self.undefined is None else self.undefined | odd
            known = known & ~odd & ~np.isnan(result)
            found = Values("number", result, known, "numbers")
        return found

    def _compared(self, node: Compared) -> Values:
        left, place, answer = self.value(node.first), node.first, None
        for sign, at, operand in node.rest:
            right = self.value(operand)
            self._refuse_pair(sign, at, (place, left), (operand, right))
            known = left.known & right.known
            result = np.zeros(known.shape, dtype=bool)
            if left.kind != "nothing" and right.kind != "nothing":
                a, b = np.broadcast_arrays(left.data, right.data)
                result[known] = np.asarray(_COMPARE[sign](a[known], b[known]), dtype=bool)
            one = _truth(result, known)
            answer = one if answer is None else _both(answer, one)
            left, place = right, operand
        assert answer is not None  # noqa: S101 - a comparison has two sides
        return answer

    def _logic(self, node: Logic) -> Values:
        answer = self._truth_of(node.parts[0])
        for part in node.parts[1:]:
            other = self._truth_of(part)
            if node.word == "and":
                answer = _both(answer, other)
            else:
                answer = _not(_both(_not(answer), _not(other)))
        return answer

    def _member(self, node: Member) -> Values:
        inner = self.value(node.inner)
        options = [each.value for each in node.options]
        first = values_of(options[0])
        self._refuse_pair("in", node.at, (node.inner, inner), (node.options[0], first))
        result = np.zeros(inner.known.shape, dtype=bool)
        if inner.kind != "nothing":
            for option in options:
                result[inner.known] |= np.asarray(inner.data[inner.known] == option, dtype=bool)
        return _truth(~result if node.negated else result, inner.known)

    def _truth_of(self, node: Node) -> Values:
        found = self.value(node)
        if found.kind not in ("truth", "nothing"):
            fix = "compare it with something"
            if found.kind == "number":
                fix = f"write `{self._said(node)} == 1`, or compare it with another number"
            raise self._fault(node.at, f"{self._named(node, found)}, not true or false", fix)
        return _truth(found.data.astype(bool), found.known)

    def _number_of(self, node: Node, sign: str, at: int) -> Values:
        found = self.value(node)
        if found.kind not in ("number", "nothing"):
            what = f"`{sign}` takes numbers, but {self._named(node, found)}"
            raise self._fault(at, what, "name a column of numbers")
        return found

    def _refuse_pair(
        self, sign: str, at: int, left: tuple[Node, Values], right: tuple[Node, Values]
    ) -> None:
        """Refuse to compare what is of two kinds, or of none that the language knows."""
        for node, found in (left, right):
            if found.kind == "other":
                what = f"{self._named(node, found)}, which cannot be compared"
                raise self._fault(node.at, what, "make it a column of numbers or of text")
        kinds = {left[1].kind, right[1].kind} - {"nothing"}
        if len(kinds) > 1:
            said = " and ".join(self._named(node, found) for node, found in (left, right))
            what = f"`{sign}` compares two of a kind, but {said}"
            raise self._fault(at, what, _mend(kinds))
        if kinds == {"truth"} and sign not in ("==", "!=", "in"):
            what = f"`{sign}` does not compare true and false"
            raise self._fault(at, what, "write `==`, `not`, `and` or `or`")

    def _named(self, node: Node, found: Values) -> str:
        """Return "`region` holds text"; values themselves are nobody's business here."""
        if isinstance(node, Literal):
            what = {"number": "a number", "text": "a text", "truth": "a truth value"}
            return f"`{self._said(node)}` is {what[found.kind]}"
        return f"`{self._said(node)}` holds {found.about}"

    def _said(self, node: Node) -> str:
        if isinstance(node, Name):
            return node.name if len(node.name) <= 40 else node.name[:39] + "…"
        if isinstance(node, Literal):
            shown = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
            return shown if len(shown) <= 40 else shown[:39] + "…"
        return self.text[node.at : node.at + 20].strip() + "…"

    def _fault(self, at: int, what: str, fix: str) -> ExpressionError:
        return fault(self.text, at, what, fix)


def _truth(data: np.ndarray, known: np.ndarray) -> Values:
    return Values("truth", data & known, known, "truth values")


def _not(answer: Values) -> Values:
    return _truth(~answer.data, answer.known)


def _both(one: Values, other: Values) -> Values:
    """Return Kleene's and: one that is known to be false decides."""
    no = (one.known & ~one.data) | (other.known & ~other.data)
    known = (one.known & other.known) | no
    return _truth(one.data & other.data, known)


def _mend(kinds: set[Any]) -> str:
    if kinds == {"number", "text"}:
        return "put text in quotes and numbers without, or make the column one of numbers"
    if kinds == {"number", "truth"}:
        return "compare true and false with `true` or `false`, numbers with numbers"
    return "compare like with like"
