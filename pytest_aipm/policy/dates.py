"""Dates as people write them in policies: YYYY-MM-DD, and no other form."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator

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


DateText = Annotated[Text, AfterValidator(_date)]
DayOrYear = Annotated[Text, AfterValidator(_day_or_year)]
"""Of rules whose day nobody looked up, the year."""
