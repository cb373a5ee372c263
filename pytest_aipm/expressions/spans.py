"""A rule over numbers that are only known to lie between two ends.

Interval arithmetic with Kleene's logic on top: an answer is true or false only where it is so
whatever the numbers are, as long as each lies between its ends (Moore, Interval Analysis, 1966). A
name that stands twice counts as two numbers, so an answer may stay open that need not, and is never
given that must not be.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_aipm.expressions.expression import Expression
from pytest_aipm.expressions.tokens import KEYWORDS
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

__all__ = ["Condition", "Span", "between", "conditions"]


@dataclass(frozen=True)
class Span:
    """A number, and between which ends it is known to lie.

    ``value`` is NaN where it is not known; its ends are infinite then.
    """

    value: float
    lower: float
    upper: float

    @classmethod
    def unknown(cls) -> Span:
        """Return a number of which nothing is known."""
        return cls(math.nan, -math.inf, math.inf)

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.lower == self.upper


@dataclass(frozen=True)
class Condition:
    """One comparison of a rule, and what became of it.

    Attributes
    ----------
    text : str
        As it would be written.
    at_value : bool or None
        By the values; None where one is missing.
    surely : bool or None
        By the ends; None where they do not tell.
    """

    text: str
    at_value: bool | None
    surely: bool | None


def between(rule: Expression, values: Mapping[str, Span]) -> bool | None:
    """Return whether a rule holds whatever its numbers are between their ends.

    Parameters
    ----------
    rule : Expression
        A condition over numbers; `Expression.evaluate` refuses what is none.
    values : mapping of name to Span

    Returns
    -------
    bool or None
        None where the ends do not tell.
    """
    return _truth(rule.tree, values)


def conditions(rule: Expression, values: Mapping[str, Span]) -> tuple[Condition, ...]:
    """Return each comparison of a rule with its answer, from left to right."""
    points = {name: None if math.isnan(each.value) else each.value for name, each in values.items()}
    return tuple(
        Condition(
            _said(leaf), Expression(rule.text, leaf).evaluate(points).item(), _truth(leaf, values)
        )
        for leaf in _leaves(rule.tree)
    )


def _leaves(node: Node, *, negated: bool = False) -> Iterator[Node]:
    """Yield the comparisons of a rule; one under ``not`` is yielded with it."""
    if isinstance(node, Logic):
        for part in node.parts:
            yield from _leaves(part, negated=negated)
    elif isinstance(node, Prefixed) and node.sign == "not":
        yield from _leaves(node.inner, negated=not negated)
    else:
        yield Prefixed(node.at, "not", node) if negated else node


def _truth(node: Node, values: Mapping[str, Span]) -> bool | None:
    if isinstance(node, Logic):
        answers = [_truth(part, values) for part in node.parts]
        return _all(answers) if node.word == "and" else _not(_all([_not(each) for each in answers]))
    if isinstance(node, Prefixed):
        return _not(_truth(node.inner, values))
    if isinstance(node, Compared):
        spans = [_span(each, values) for each in (node.first, *(three[2] for three in node.rest))]
        signs = [sign for sign, _, _ in node.rest]
        return _all([_compared(sign, *spans[i : i + 2]) for i, sign in enumerate(signs)])
    if isinstance(node, Member):
        found = _among(_span(node.inner, values), node)
        return _not(found) if node.negated else found
    if isinstance(node, Missing):
        return math.isnan(_span(node.inner, values).value) != node.negated
    return bool(node.value) if isinstance(node, Literal) else None


def _span(node: Node, values: Mapping[str, Span]) -> Span:
    if isinstance(node, Literal):
        number = float(node.value)
        return Span(number, number, number)
    if isinstance(node, Name):
        return values[node.name]
    if isinstance(node, Prefixed):
        inner = _span(node.inner, values)
        return Span(-inner.value, -inner.upper, -inner.lower)
    assert isinstance(node, Chain)  # noqa: S101 - what else gives a number
    found = _span(node.first, values)
    for sign, _, operand in node.rest:
        found = _computed(sign, found, _span(operand, values))
    return found


def _computed(sign: str, one: Span, other: Span) -> Span:
    if math.isnan(one.value + other.value):
        return Span.unknown()
    if sign == "-":
        other, sign = Span(-other.value, -other.upper, -other.lower), "+"
    if sign == "+":
        ends = (one.lower + other.lower, one.upper + other.upper)
        value = one.value + other.value
    else:
        if sign == "/" and other.lower <= 0 <= other.upper:
            value = math.nan if other.value == 0 else one.value / other.value
            return Span(value, -math.inf, math.inf)
        turn = _times if sign == "*" else operator.truediv
        corners = [turn(a, b) for a in (one.lower, one.upper) for b in (other.lower, other.upper)]
        ends, value = (min(corners), max(corners)), turn(one.value, other.value)
    if not math.isfinite(value) or any(map(math.isnan, ends)):
        return Span.unknown()
    # rounding must not make an interval narrower than what it stands for
    exact = one.exact and other.exact
    low, high = ends
    return Span(value, *(ends if exact else (_down(low), _up(high))))


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _down(value: float) -> float:
    return math.nextafter(value, -math.inf)


def _up(value: float) -> float:
    return math.nextafter(value, math.inf)


def _compared(sign: str, left: Span, right: Span) -> bool | None:
    if sign in (">", ">="):
        return _compared("<" if sign == ">" else "<=", right, left)
    if sign == "!=":
        return _not(_compared("==", left, right))
    if sign == "==":
        if left.exact and right.exact:
            return left.lower == right.lower
        return False if left.upper < right.lower or right.upper < left.lower else None
    if sign == "<":
        return True if left.upper < right.lower else False if left.lower >= right.upper else None
    return True if left.upper <= right.lower else False if left.lower > right.upper else None


def _among(inner: Span, node: Member) -> bool | None:
    options = [float(each.value) for each in node.options]
    equal = [_compared("==", inner, Span(each, each, each)) for each in options]
    return _not(_all([_not(each) for each in equal]))


def _all(answers: list[bool | None]) -> bool | None:
    if any(each is False for each in answers):
        return False
    return None if any(each is None for each in answers) else True


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _said(node: Node) -> str:  # noqa: PLR0911 - one a kind of node
    """Return a tree as it would be written, without what was in parentheses for show."""
    if isinstance(node, Literal):
        shown = str(node.value).lower() if isinstance(node.value, bool) else f"{node.value!r}"
        return shown if len(shown) <= 40 else shown[:39] + "…"
    if isinstance(node, Name):
        plain = node.name.replace(".", "_").replace("_", "a").isidentifier()
        kept = plain and node.name not in KEYWORDS and len(node.name) <= 60
        shown = node.name if len(node.name) <= 60 else node.name[:59] + "…"
        return shown if kept else f"`{shown}`"
    if isinstance(node, Prefixed):
        return f"{'not ' if node.sign == 'not' else '-'}{_inner(node.inner)}"
    if isinstance(node, Member):
        options = ", ".join(map(_said, node.options))
        return f"{_inner(node.inner)} {'not in' if node.negated else 'in'} [{options}]"
    if isinstance(node, Missing):
        return f"{_inner(node.inner)} is {'not missing' if node.negated else 'missing'}"
    if isinstance(node, Logic):
        return f" {node.word} ".join(map(_inner, node.parts))
    rest = " ".join(f"{sign} {_inner(operand)}" for sign, _, operand in node.rest)
    return f"{_inner(node.first)} {rest}"


def _inner(node: Node) -> str:
    written = _said(node)
    return f"({written})" if isinstance(node, Chain | Compared | Logic) else written
