"""Errors that point into an expression."""

from __future__ import annotations

from pytest_aipm.errors import MeasurementError, Problem

__all__ = ["ExpressionError", "fault"]

SHOWN = 48
"""Characters of an expression that an error repeats."""


class ExpressionError(MeasurementError):
    """An expression cannot be read, or does not fit the values it is asked about.

    Attributes
    ----------
    line, column : int
        One-based place inside the expression.
    """

    line = 1
    column = 1


def fault(text: str, at: int, what: str, fix: str) -> ExpressionError:
    """Return an error at one character of an expression.

    Parameters
    ----------
    text : str
        The expression.
    at : int
        Zero-based offset of the character.
    what, fix : str
        The fault and how to mend it.
    """
    before = text[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    place = f"line {line}, column {column}" if "\n" in text.strip() else f"column {column}"
    error = ExpressionError(Problem(f"{place} of {_shown(text, at)}: {what}", fix))
    error.line, error.column = line, column
    return error


def _shown(text: str, at: int) -> str:
    """Return the expression, or the part of it around the fault."""
    if len(text) <= SHOWN:
        return f'"{text.strip()}"'
    start = max(0, min(at - SHOWN // 2, len(text) - SHOWN))
    end = start + SHOWN
    return f'"{"…" * (start > 0)}{text[start:end].strip()}{"…" * (end < len(text))}"'
