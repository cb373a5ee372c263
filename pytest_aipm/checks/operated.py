"""What the checks on times share: how calls are made, what is said of them, what they rest on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from pytest_aipm.checks.base import CheckParams, Measurement
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.hardware import in_words
from pytest_aipm.evidence.timed import Timed, timed
from pytest_aipm.records import BY_UNIT, Formula, Series
from pytest_aipm.stats.serial import hangs

__all__ = [
    "TimedParams",
    "by_unit",
    "calls_of",
    "rows_a_call",
    "seconds",
    "time_notes",
    "too_few",
]


class TimedParams(CheckParams):
    """How the model is called."""

    rows: int = Field(default=1, ge=1, le=100_000)
    """Rows of one call."""
    calls: int = Field(default=500, ge=1, le=1_000_000)
    """Calls that are timed."""
    warm_up: int = Field(default=20, ge=0, le=10_000)
    """Calls before those, which do not count."""
    threads: int | None = Field(default=None, ge=1)
    """Threads that numerical libraries may use; default as many as they take."""
    budget_s: float = Field(default=30.0, gt=0)
    """Seconds after which no further call is made; too few calls by then are inconclusive."""


def calls_of(evidence: Evidence, params: TimedParams) -> Timed:
    """Return the timed calls that a check asks for."""
    return timed(
        evidence,
        rows=params.rows,
        calls=params.calls,
        warm_up=params.warm_up,
        threads=params.threads,
        budget_s=params.budget_s,
    )


def too_few(
    found: Timed, params: TimedParams, least: int, what: str, formula: Formula
) -> Measurement | None:
    """Return that so few calls cannot tell; None where they are enough.

    Parameters
    ----------
    found : Timed
    params : TimedParams
    least : int
        Calls that it takes.
    what : str
        What is asked of them.
    formula : Formula
    """
    made = len(found.seconds)
    if made >= least:
        return None
    typical = ""
    if made:
        typical = f", half of which took {seconds(float(np.median(found.seconds)))} or more"
    why = f"`calls: {params.calls}` asks for no more"
    fix = f"ask for {least:,} calls"
    if found.spent:
        why = f"the budget of {number(params.budget_s)} s was spent"
        fix = "raise `budget_s`"
    said = (
        f"{what} takes {least:,} calls at this confidence, and {made:,} were made{typical}: "
        f"{why}; {fix}"
    )
    return Measurement(
        estimate=None,
        formula=formula,
        summary=said,
        n=made * params.rows,
        undecided=said,
        notes=time_notes(found),
        conditions=found.conditions,
    )


def seconds(value: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{number(value * factor)} {unit}"
    raise AssertionError(value)  # pragma: no cover - the last unit takes all


def rows_a_call(rows: int) -> str:
    """Return ``one row`` or ``1,000 rows``."""
    return "one row" if rows == 1 else f"{rows:,} rows"


def time_notes(found: Timed) -> tuple[str, ...]:
    """Return how it was measured, and what may be wrong with it."""
    made = len(found.seconds)
    said = [
        (
            f"{made:,} calls of {rows_a_call(found.rows)} after {found.warm_up:,} to warm up, rows "
            f"drawn by the seed: {found.name}"
        ),
        f"measured on {in_words(found.conditions)}",
    ]
    if found.spent:
        said.append(f"the time budget was spent after {made:,} calls; the others were not made")
    if found.stepped:
        said.append(f"the clock went back in {found.stepped:,} more calls, which do not count")
    if found.blind:
        said.append(f"the clock did not move in {found.blind:,} calls, which count as no time")
    if hangs(found.seconds):
        said.append(
            "calls that follow each other are alike (rank correlation "
            f"{number(found.alike)}): the machine was not evenly busy, so the calls count as fewer"
        )
    return tuple(said)


def by_unit(values: Mapping[str, tuple[float, float, float]], y_label: str) -> Series:
    """Return value and ends in every unit of a check, for readers and for framing.tradeoff.

    Parameters
    ----------
    values : mapping of unit to (value, lower, upper)
    y_label : str
    """
    return Series(
        name=BY_UNIT,
        kind="bars",
        x=tuple(values),
        y=tuple(each[0] for each in values.values()),
        lo=tuple(each[1] for each in values.values()),
        hi=tuple(each[2] for each in values.values()),
        x_label="unit",
        y_label=y_label,
    )
