"""Number of questions that the responsible owner has to answer, and does not.

## Question
Can somebody be reached who answers for this model, and is it said until when that holds?

## How it is measured
`fields` names keys of the policy's `context` that must say something; missing, empty and
placeholder texts count, as in `framing.documented`. Those of `reachable` must hold an address: of
mail, of the web, a phone number, or a channel (`#lending`, `@team`). Those of `dates` must be days
(YYYY-MM-DD) that have not passed, because a review that is overdue is no review. It is a count, so
the number itself decides.

These fields hold somebody to account. Whether a model is needed at all is the question of
`framing.documented`.

## When it misleads
- An address has the form of one; nobody writes to it to see whether somebody is there.
- A day in the far future never passes: `within_days` says how far away it may be.

## What to do
Write the field that is named into the policy's `context`; where a review is overdue, review, then
write the day of the next one.

## If left out
A model could go wrong, and nobody could be found who answers for it.

## Sources
- NIST AI RMF 1.0, GOVERN 2.1 (roles and responsibilities) and GOVERN 1.5 (planned review).
- Regulation (EU) 2024/1689, article 26(2), human oversight by named people.
- The list of fields is a convention.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from pydantic import Field, field_validator

from pytest_aipm.checks.answers import answer_of, few, lack_of, short
from pytest_aipm.checks.base import CheckParams, Measurement, Needs
from pytest_aipm.clock import today
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.single import census

NEEDS = Needs()
KIND = "census"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")
DEFAULT_LIMIT = {"max": 0}
BASIS = "policy choice: each question is answered"

_ADDRESS = re.compile(
    r"[^\s@<>]+@[^\s@<>]+\.[A-Za-z]{2,}|https?://[^\s/]+|(^|\s)[#@][A-Za-z0-9][\w.-]+"
    r"|\+?\d[\d ()/.-]{5,}\d"
)


class Params(CheckParams):
    """Which questions the owner must answer, and in which form."""

    fields: tuple[str, ...] = Field(
        default=("owner", "contact", "purpose", "users", "affected", "data", "review_by"),
        min_length=1,
    )
    """Keys of the context that must say something: who answers for it, where complaints go, what it
    is for, who uses it, who is affected, which data it rests on, and until when it holds."""
    reachable: tuple[str, ...] = ("owner", "contact")
    """Those of `fields` that must hold an address."""
    dates: tuple[str, ...] = ("review_by",)
    """Those of `fields` that must be a day that has not passed."""
    within_days: int | None = Field(default=None, ge=1)
    """How many days away such a day may be; without it, any number."""

    @field_validator("fields")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("names a field twice; name each once")
        return value


def value_range(params: Params) -> tuple[float, float]:
    """Return that at least none and at most all fields can lack an answer."""
    return 0.0, float(len(params.fields))


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    context = evidence.stated.context
    found = {
        name: lack
        for name in params.fields
        if (lack := _lack(name, answer_of(context, name), params))
    }
    asked = len(params.fields)
    said = f"all {asked} questions to the responsible owner are answered"
    if found:
        said = f"{len(found)} of {asked} questions to the responsible owner are open"
        said += f" ({few(list(found))})"
    return Measurement(
        estimate=census(len(found), asked),
        formula=Formula(
            id="context_incomplete",
            numerator="fields of the context without an answer that can be used",
            denominator="",
            population=f"{asked} fields: {few(params.fields, 12)}",
        ),
        summary=said,
        n=asked,
        part_names=("all rows",),
        notes=tuple(f"context.{short(name)} is {lack}" for name, lack in list(found.items())[:50]),
    )


def _lack(name: str, value: Any, params: Params) -> str:
    lack = lack_of(value)
    if not lack and name in params.reachable and not _ADDRESS.search(str(value)[:10_000]):
        return "no address of mail, web, phone or channel"
    if not lack and name in params.dates:
        return _not_ahead(value, params.within_days)
    return lack


def _not_ahead(value: Any, within: int | None) -> str:
    """Return why a value is no day that is still to come."""
    try:
        day = dt.date.fromisoformat(str(value))
    except ValueError:
        day = None
    if day is None or day.isoformat() != str(value):  # 20261102 is ISO 8601, too
        return f"no date ({short(str(value), 40)!r}; write YYYY-MM-DD)"
    left = (day - today()).days
    if left < 0:
        return f"overdue since {-left:,} day{'' if left == -1 else 's'} ({day})"
    if within is not None and left > within:
        return f"{left:,} days away ({day}); at most {within:,} are allowed"
    return ""
