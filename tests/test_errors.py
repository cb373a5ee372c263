"""Errors are one line a problem: where, what, how to mend."""

from __future__ import annotations

import pickle

import pytest

from pytest_aipm import errors
from pytest_aipm.errors import AipmError, DataError, MeasurementError, Problem, UsageFault


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("it broke"), "it broke"),
        (Problem("it broke", "mend it"), "it broke; mend it"),
        (Problem("it broke", "mend it", "a.yaml"), "a.yaml: it broke; mend it"),
        (Problem("it broke", path="a.yaml", line=3), "a.yaml:3: it broke"),
        (Problem("it broke", path="a.yaml", line=3, column=7), "a.yaml:3:7: it broke"),
        (Problem("it\nbroke\there", line=3), "it broke here"),
    ],
)
def test_a_problem_says_where_what_and_how_on_one_line(problem, line):
    assert str(problem) == line


def test_a_problem_neither_steers_a_terminal_nor_reads_backwards():
    hostile = Problem("no such \x1b[2Jkey\x00", "mend it", "a\u202eb\n::error::\u2066.yaml", 3)
    assert str(hostile) == "ab ::error::.yaml:3: no such [2Jkey; mend it"


def test_an_error_holds_several_problems_and_survives_a_process_border():
    error = DataError([Problem("one", path="a"), Problem("two", path="b")])
    assert str(error) == "a: one\nb: two"
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is DataError
    assert copied.problems == error.problems


def test_every_error_is_in_the_tree_and_either_usage_or_measurement():
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert name in (errors.__doc__ or "") or kind is Problem
        if isinstance(kind, type) and issubclass(kind, AipmError) and kind is not AipmError:
            assert issubclass(kind, (UsageFault, MeasurementError))
