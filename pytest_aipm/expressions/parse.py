"""From words to a tree, by recursive descent with a bound on nesting."""

from __future__ import annotations

from collections.abc import Callable

from pytest_aipm.expressions.place import ExpressionError, fault
from pytest_aipm.expressions.tokens import Token, tokens
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

__all__ = ["tree_of"]

DEEPEST = 40
"""How deep parentheses and signs may be nested."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_PRECEDENCE = (("+", "-"), ("*", "/"))


def tree_of(text: str) -> Node:
    """Return the tree of an expression.

    Raises
    ------
    ExpressionError
        At the first word that does not fit.
    """
    parser = _Parser(text)
    tree = parser.either()
    parser.finish()
    return tree


class _Parser:
    """Reads the words of one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = tokens(text)
        self.next = 0
        self.depth = 0

    @property
    def word(self) -> Token:
        return self.words[self.next]

    def finish(self) -> None:
        """Refuse what is left over."""
        word = self.word
        if word.kind == "end":
            return
        if word.written in (")", "]"):
            raise self._fault(word, f"`{word.written}` closes nothing", "remove it")
        if word.written == ",":
            fix = "write 1000 for a thousand, and lists only after `in`"
            raise self._fault(word, "a comma does not belong here", fix)
        fix = "join conditions by `and` or `or`, and put names with blanks in backticks"
        raise self._fault(word, f"{_quoted(word)} follows where a sign is expected", fix)

    def either(self) -> Node:
        """Read ``a or b or c``."""
        return self._logic("or", self._both)

    def _both(self) -> Node:
        return self._logic("and", self._negation)

    def _logic(self, joined_by: str, part: Callable[[], Node]) -> Node:
        at = self.word.at
        parts = [part()]
        while self._take(joined_by):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Logic(at, joined_by, tuple(parts))

    def _negation(self) -> Node:
        at = self.word.at
        if not self._take("not"):
            return self._comparison()
        with self._deeper(at):
            return Prefixed(at, "not", self._negation())

    def _comparison(self) -> Node:
        at = self.word.at
        first = self._chain(0)
        rest = []
        while self.word.written in COMPARISONS and self.word.kind == "sign":
            sign = self._advance()
            rest.append((sign.written, sign.at, self._chain(0)))
        if rest:
            if self.word.written in ("in", "is") and self.word.kind == "keyword":
                what = f"`{self.word.written}` follows a comparison"
                raise self._fault(self.word, what, "use parentheses")
            return Compared(at, first, tuple(rest))
        return self._asked(first)

    def _asked(self, inner: Node) -> Node:
        """Read what may follow a value: ``in [...]``, ``is missing`` and their opposites."""
        word = self.word
        if self._take("is"):
            negated = self._take("not")
            if not self._take("missing"):
                fix = "write `is missing` or `is not missing`; compare values with `==`"
                raise self._fault(self.word, "`is` asks only whether a value is missing", fix)
            return self._alone(Missing(word.at, inner, negated))
        negated = word.kind == "keyword" and word.written == "not"
        if negated:
            self._advance()
            if self.word.written != "in":
                raise self._fault(word, "`not` stands between two values", "write `not in [...]`")
        if self._take("in"):
            return self._alone(Member(word.at, inner, self._options(), negated))
        return inner

    def _alone(self, node: Node) -> Node:
        word = self.word
        if word.kind in ("sign", "keyword") and word.written in (*COMPARISONS, "in", "is"):
            raise self._fault(word, f"`{word.written}` follows a condition", "use parentheses")
        return node

    def _options(self) -> tuple[Literal, ...]:
        start = self.word
        closing = {"[": "]", "(": ")"}.get(start.written)
        if closing is None or start.kind != "sign":
            fix = "write the values in brackets: `in ['a', 'b']`"
            raise self._fault(start, "`in` asks for a list of values", fix)
        self._advance()
        found: list[Literal] = []
        while not self._take(closing):
            if found and not self._take(","):
                fix = f"put commas between values and `{closing}` behind the last"
                raise self._fault(self.word, "the list does not go on like this", fix)
            if found and self._take(closing):
                break
            found.append(self._option())
        if not found:
            raise self._fault(start, "the list is empty", "name at least one value")
        kinds = {_kind(each) for each in found}
        if len(kinds) > 1:
            raise self._fault(start, f"the list mixes {' and '.join(sorted(kinds))}", "use one")
        return tuple(found)

    def _option(self) -> Literal:
        word = self.word
        negative = self._take("-")
        value = self._literal()
        if value is None or (negative and _kind(value) != "numbers"):
            fix = "list numbers, texts in quotes, true or false"
            raise self._fault(word, f"{_quoted(word)} is no plain value", fix)
        if negative:
            assert not isinstance(value.value, str)  # noqa: S101
            return Literal(word.at, -value.value)
        return value

    def _literal(self) -> Literal | None:
        word = self.word
        if word.kind in ("number", "text"):
            return Literal(word.at, self._advance().value)
        if word.kind == "keyword" and word.written in ("true", "false"):
            return Literal(word.at, self._advance().written == "true")
        return None

    def _chain(self, level: int) -> Node:
        """Read sums (level 0) of products (level 1) of values."""
        if level == len(_PRECEDENCE):
            return self._signed()
        at = self.word.at
        first = self._chain(level + 1)
        rest = []
        while self.word.kind == "sign" and self.word.written in _PRECEDENCE[level]:
            sign = self._advance()
            rest.append((sign.written, sign.at, self._chain(level + 1)))
        return Chain(at, first, tuple(rest)) if rest else first

    def _signed(self) -> Node:
        at = self.word.at
        if not self._take("-"):
            return self._value()
        with self._deeper(at):
            return Prefixed(at, "-", self._signed())

    def _value(self) -> Node:
        word = self.word
        literal = self._literal()
        if literal is not None:
            return literal
        if word.kind == "name":
            self._advance()
            if self.word.written == "(" and self.word.kind == "sign":
                fix = "compute such a column beforehand"
                raise self._fault(word, f"there are no functions, so no {_quoted(word)}", fix)
            return Name(word.at, str(word.value))
        if self._take("("):
            with self._deeper(word.at):
                inner = self.either()
            if not self._take(")"):
                raise self._fault(word, "this parenthesis is never closed", "add `)`")
            return inner
        raise self._no_value(word)

    def _no_value(self, word: Token) -> ExpressionError:
        if word.kind == "end":
            return self._fault(word, "it ends where a value is expected", "complete it")
        fix = "write a name, a number, a text in quotes, true or false"
        if word.written == "missing":
            fix = "write `x is missing`"
        return self._fault(word, f"{_quoted(word)} stands where a value is expected", fix)

    def _advance(self) -> Token:
        word = self.word
        self.next += 1
        return word

    def _take(self, written: str) -> bool:
        """Go past a sign or keyword, if it comes next."""
        here = self.word
        taken = here.kind in ("sign", "keyword") and here.written == written
        self.next += taken
        return taken

    def _fault(self, word: Token, what: str, fix: str) -> ExpressionError:
        return fault(self.text, word.at, what, fix)

    def _deeper(self, at: int) -> _Nesting:
        return _Nesting(self, at)


class _Nesting:
    """One level further in, for as long as it is open."""

    def __init__(self, parser: _Parser, at: int) -> None:
        self.parser, self.at = parser, at

    def __enter__(self) -> None:
        self.parser.depth += 1
        if self.parser.depth > DEEPEST:
            what = f"more than {DEEPEST} levels of nesting"
            raise fault(self.parser.text, self.at, what, "write it flatter")

    def __exit__(self, *_: object) -> None:
        self.parser.depth -= 1


def _kind(literal: Literal) -> str:
    if isinstance(literal.value, bool):
        return "truth values"
    return "texts" if isinstance(literal.value, str) else "numbers"


def _quoted(word: Token) -> str:
    shown = word.written if len(word.written) <= 30 else word.written[:29] + "…"
    return "the end" if word.kind == "end" else f"`{shown}`"
