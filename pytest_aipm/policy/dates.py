"""Dates as people write them in policies: YYYY-MM-DD, and no other form."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from pytest_aipm.policy.grammar import Text

__all__ = ["DateText", "DayOrYear"]

_YEAR = re.compile(r"[12][0-9]{3}")


def _date(value: str) -> str:
    problem = ValueError(f"'{value[:40]}' is no date; write YYYY-MM-DD")
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        raise problem from None
    if day.isoformat() != value:  # ISO 8601 also knows week dates and 20261102
        raise problem
    return value


def _day_or_year(value: str) -> str:
    return value if _YEAR.fullmatch(value) else _date(value)


_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"

DateText = Annotated[
    Text,
    AfterValidator(_date),
    WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{_DAY}$"}),
]
DayOrYear = Annotated[
    Text,
    AfterValidator(_day_or_year),
    WithJsonSchema({"type": "string", "pattern": f"^({_YEAR.pattern}|{_DAY})$"}),
]
"""Of rules whose day nobody looked up, the year."""
