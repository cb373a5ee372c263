"""Rules over numbers with ends: true or false only where they are, whatever lies between."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aipm.expressions import parse
from pytest_aipm.expressions.spans import Span, between, conditions

RULES = (
    "a <= 1",
    "a + b * c > 2",
    "a / b < c or not c == 0",
    "a - a >= b and (b != c or a < 0)",
    "-a * (b - c) / 2 <= a + 1 < 3 * c",
    "a in [1, 2, 3] or b not in [0, 1]",
    "not (a < b and b < c)",
    "a is not missing and b <= 2",
    "true and a > b",
)

numbers = st.integers(-4, 4).map(float)


@st.composite
def spans(draw) -> Span:
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return Span(value, low, high)


@settings(max_examples=120, deadline=None)
@given(
    text=st.sampled_from(RULES),
    ends=st.tuples(spans(), spans(), spans()),
    draws=st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=5, max_size=20),
)
def test_a_sure_answer_is_that_of_every_point_between_the_ends(text, ends, draws) -> None:
    rule, values = parse(text), dict(zip("abc", ends, strict=True))
    sure = between(rule, values)
    corners = [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 1.0)]
    for draw in [*draws, *corners]:
        point = {
            name: one.lower + share * (one.upper - one.lower)
            for (name, one), share in zip(values.items(), draw, strict=True)
        }
        answer = rule.evaluate(point).item()
        assert sure is None or answer is None or answer == sure


@settings(max_examples=200, deadline=None)
@given(text=st.sampled_from(RULES), point=st.tuples(numbers, numbers, numbers))
def test_exact_numbers_give_what_the_language_gives(text, point) -> None:
    rule = parse(text)
    values = {name: Span(x, x, x) for name, x in zip("abc", point, strict=True)}
    sure = between(rule, values)
    exact = rule.evaluate(dict(zip("abc", point, strict=True))).item()
    assert sure == exact or (sure is None and "/" in text)


UNKNOWN = Span.unknown()


@pytest.mark.parametrize(
    ("text", "a", "b", "answer"),
    [
        ("a >= 0.8 and b <= 50", Span(0.9, 0.85, 0.95), Span(30, 20, 40), True),
        ("a >= 0.8 and b <= 50", Span(0.9, 0.75, 0.95), Span(30, 20, 40), None),
        ("a >= 0.8 and b <= 50", Span(0.9, 0.75, 0.95), Span(60, 55, 70), False),
        ("a >= 0.8 and b <= 50", UNKNOWN, Span(60, 55, 70), False),
        ("a >= 0.8 or b <= 50", UNKNOWN, Span(40, 30, 45), True),
        ("a >= 0.8 and b <= 50", UNKNOWN, Span(40, 30, 45), None),
        ("a * b > 0", UNKNOWN, Span(40, 30, 45), None),
        ("b / a > 0", Span(0.0, -1, 1), Span(40, 30, 45), None),
        ("a is missing", UNKNOWN, UNKNOWN, True),
        ("a < b", Span(1, 1, 1), Span(1, 1, 1), False),
        ("a == b", Span(1, 1, 1), Span(1, 1, 1), True),
    ],
)
def test_three_valued_answers(text: str, a: Span, b: Span, answer: bool | None) -> None:
    assert between(parse(text), {"a": a, "b": b}) is answer


def test_each_condition_is_told_with_the_not_before_it() -> None:
    rule = parse("a >= 0.80 and not (`selection-rate` > 0.5 or a + 1 < 2 * `selection-rate`)")
    values = {"a": Span(0.9, 0.7, 0.95), "selection-rate": Span(0.4, 0.3, 0.45)}
    found = conditions(rule, values)
    assert [each.text for each in found] == [
        "a >= 0.8",
        "not (`selection-rate` > 0.5)",
        "not ((a + 1) < (2 * `selection-rate`))",
    ]
    assert [each.at_value for each in found] == [True, True, True]
    assert [each.surely for each in found] == [None, True, True]


@pytest.mark.parametrize(
    "text", ["a in [1, 2]", "a not in [1]", "a is missing", "a > -1", "0 < a <= 5", "true or a > 1"]
)
def test_a_condition_as_it_is_told_reads_as_the_same_rule(text: str) -> None:
    values = {"a": Span(1.0, 0.5, 1.5)}
    for each in conditions(parse(text), values):
        names = {name: values[name] for name in parse(each.text).names}
        assert between(parse(each.text), names) is each.surely


def test_names_without_end_are_shortened() -> None:
    name = "x" * 10_000
    rule = parse(f"`{name[:1900]}` > 1")
    (found,) = conditions(rule, {name[:1900]: Span(2, 2, 2)})
    assert len(found.text) < 80
    assert found.surely is True


def test_rounding_never_closes_an_interval() -> None:
    # in floats 0.1 + 0.7 is the number below 0.8: ends move outward, so it stays open
    assert math.nextafter(0.8, 0) == 0.1 + 0.7
    values = {"a": Span(0.1, 0.05, 0.1), "b": Span(0.7, 0.7, 0.7)}
    assert between(parse("a + b < 0.8"), values) is None
