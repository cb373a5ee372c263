"""Every expression says, row by row, what Python says of the same expression."""

import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.expressions import parse

NUMBERS = ("a", "b")
TEXTS = ("s", "t")
TRUTHS = ("p", "q")

number = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from([0.5, -1.5, 2.25, 1e200]))
text = st.one_of(st.none(), st.sampled_from(["", "x", "y", "it's"]))
truth = st.one_of(st.none(), st.booleans())

U = None  # unknown, or missing


# Each strategy draws (text in the language, function of a row as Python would compute it).
def _numbers():
    leaf = st.one_of(
        st.sampled_from(NUMBERS).map(lambda name: (name, lambda row: row[name])),
        st.integers(0, 4).map(lambda k: (str(k), lambda _: k)),
        st.sampled_from([0.5, 2.25, 1e200]).map(lambda k: (repr(k), lambda _: k)),
    )

    def grown(inner):
        return st.one_of(
            st.tuples(st.sampled_from("+-*/"), inner, inner).map(_arithmetic),
            inner.map(lambda one: (f"-({one[0]})", lambda row: _lift(lambda x: -x, one[1](row)))),
        )

    return st.recursive(leaf, grown, max_leaves=5)


def _arithmetic(drawn):
    sign, (left, of_left), (right, of_right) = drawn

    def of(row):
        def compute(x, y):
            if sign == "/" and y == 0:
                return U
            result = eval(f"x {sign} y", {"x": float(x), "y": float(y)})
            return result if math.isfinite(result) else U

        return _lift(compute, of_left(row), of_right(row))

    return f"({left}) {sign} ({right})", of


def _lift(function, *values):
    return U if any(value is U for value in values) else function(*values)


def _compared(kind):
    sign = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])

    def of(drawn):
        (first, of_first), links = drawn
        words, functions = first, [of_first]
        for each, (word, function) in links:
            words += f" {each} {word}"
            functions.append(function)

        def answer(row):
            values = [function(row) for function in functions]
            found = True
            for (each, _), x, y in zip(links, values, values[1:], strict=False):
                one = _lift(lambda x, y, each=each: eval(f"x {each} y", {"x": x, "y": y}), x, y)
                found = _and(found, one)
            return found

        return words, answer

    return st.tuples(kind, st.lists(st.tuples(sign, kind), min_size=1, max_size=2)).map(of)


def _and(x, y):
    if x is False or y is False:
        return False
    return U if x is U or y is U else True


def _or(x, y):
    if x is True or y is True:
        return True
    return U if x is U or y is U else False


def _quoted(value):
    return "'" + value.replace("'", "''") + "'"


texts = st.one_of(
    st.sampled_from(TEXTS).map(lambda name: (name, lambda row: row[name])),
    st.sampled_from(["x", "it's"]).map(lambda k: (_quoted(k), lambda _: k)),
)
numbers = _numbers().map(lambda one: (f"({one[0]})", one[1]))


def _conditions():
    leaf = st.one_of(
        _compared(numbers),
        _compared(texts),
        st.sampled_from(TRUTHS).map(lambda name: (name, lambda row: row[name])),
        st.booleans().map(lambda k: (str(k).lower(), lambda _: k)),
        numbers.map(lambda one: (f"{one[0]} is missing", lambda row: one[1](row) is U)),
        texts.map(lambda one: (f"{one[0]} is not missing", lambda row: one[1](row) is not U)),
        st.tuples(texts, st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=3)).map(
            lambda d: (
                f"{d[0][0]} in [{', '.join(map(_quoted, d[1]))}]",
                lambda row: _lift(lambda x: x in d[1], d[0][1](row)),
            )
        ),
        st.tuples(numbers, st.lists(st.integers(-2, 2), min_size=1, max_size=3)).map(
            lambda d: (
                f"{d[0][0]} not in ({', '.join(map(str, d[1]))})",
                lambda row: _lift(lambda x: x not in d[1], d[0][1](row)),
            )
        ),
    )

    def grown(inner):
        return st.one_of(
            inner.map(
                lambda one: (f"not ({one[0]})", lambda row: _lift(lambda x: not x, one[1](row)))
            ),
            st.tuples(inner, inner).map(
                lambda two: (
                    f"({two[0][0]}) and ({two[1][0]})",
                    lambda row: _and(two[0][1](row), two[1][1](row)),
                )
            ),
            st.tuples(inner, inner).map(
                lambda two: (
                    f"({two[0][0]}) or ({two[1][0]})",
                    lambda row: _or(two[0][1](row), two[1][1](row)),
                )
            ),
        )

    return st.recursive(leaf, grown, max_leaves=6)


rows = st.lists(
    st.fixed_dictionaries(
        dict.fromkeys(NUMBERS, number) | dict.fromkeys(TEXTS, text) | dict.fromkeys(TRUTHS, truth)
    ),
    min_size=1,
    max_size=6,
)


def frames(drawn):
    """The same rows in the dress in which files bring them."""
    plain = pd.DataFrame(drawn, dtype=object)
    dressed = plain.copy()
    for name in NUMBERS:
        dressed[name] = np.array([np.nan if x is None else x for x in plain[name]], dtype=float)
    for name in TEXTS:
        dressed[name] = plain[name].astype("category")
    for name in TRUTHS:
        dressed[name] = plain[name].astype("boolean")
    return plain, dressed


@settings(max_examples=300, deadline=None)
@given(_conditions(), rows)
def test_conditions_say_what_python_says(condition, drawn):
    words, of = condition
    expected = [of(row) for row in drawn]
    for frame in frames(drawn):
        found = parse(words).evaluate(frame)
        data, known = np.broadcast_arrays(found.data, found.known)
        data, known = (np.broadcast_to(each, len(drawn)) for each in (data, known))
        assert [bool(x) if k else U for x, k in zip(data, known, strict=True)] == expected


@settings(max_examples=200, deadline=None)
@given(_numbers(), rows)
def test_numbers_are_what_python_computes(expression, drawn):
    words, of = expression
    expected = [of(row) for row in drawn]
    for frame in frames(drawn):
        found = np.broadcast_to(parse(words).evaluate(frame).numbers(), len(drawn))
        assert [None if np.isnan(x) else x for x in found] == expected


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["+-*/", "and or", "<= <"]), st.data())
def test_precedence_without_parentheses_is_that_of_python(kind, data):
    signs = kind.split() if " " in kind else list(kind)
    names = TRUTHS if kind == "and or" else NUMBERS
    chain = data.draw(
        st.lists(st.tuples(st.sampled_from(signs), st.sampled_from(names)), max_size=6)
    )
    words = names[0] + "".join(f" {sign} {name}" for sign, name in chain)
    values = {"a": 2.0, "b": 5.0, "p": True, "q": False}
    assert parse(words).evaluate(values).item() == eval(words, {}, values)
