"""Time that the model takes to answer, below which all but a few calls stay.

## Question
Does whoever waits for the answer wait too long?

## How it is measured
The model's own method is called on rows of the evaluation data, drawn by the seed, `rows` at a
time, and each call is timed. The value is a percentile in milliseconds: the time that 50, 95 or 99
of 100 calls do not exceed, as the limit names it: `max_p95_ms: 50`. Its ends are two of the
measured times (order statistics), which assumes no shape of their distribution. Calls before
those, `warm_up`, do not count. The garbage collector runs as it does in a service. The value alone
decides unless `decide_on` says otherwise. A change is compared with the approved baseline on like
hardware only.

## When it misleads
- It is the time of the model alone: neither network, nor queues, nor the making of features.
- It is the time on this machine, with this load, now. Where calls that follow each other are alike,
  as on a busy machine, they count as fewer and the interval is wider; of other days it knows
  nothing.
- One call at a time: a service that answers many at once is slower for each.

## What to do
Look at p50 first: where it is high, the model is too large or the frame is costly to read, and a
smaller model or another format helps. Where only p99 is high, look for garbage collection, threads
that wait for each other, and rows that take another path.

## If left out
A model that is right could be too slow for anybody to wait for.

## Sources
- Thompson, "On confidence ranges for the median and other expectation distributions", 1936.
- Dean, Barroso, "The tail at scale", Communications of the ACM 2013: why percentiles, not means.
"""

from __future__ import annotations

import numpy as np

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.operated import (
    TimedParams,
    by_unit,
    calls_of,
    rows_a_call,
    time_notes,
    too_few,
)
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.evidence.timed import Timed
from pytest_aipm.records import Formula, Series
from pytest_aipm.stats.quantiles import least_size, quantile_of

NEEDS = Needs(model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("p95_ms", "p50_ms", "p99_ms")
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")

SHARES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}
MILLI = 1e3
STEPS = 24


class Params(TimedParams):
    """How the model is called."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    unit = params.unit or UNITS[0]
    share, name = SHARES[unit], unit.partition("_")[0]
    found = calls_of(evidence, params)
    times, made = found.seconds * MILLI, len(found.seconds)
    formula = Formula(
        id=f"latency_{unit}_{params.rows}",
        numerator=f"milliseconds that {round(100 * share)} of 100 calls do not exceed",
        population=f"{made:,} calls of {rows_a_call(params.rows)}",
    )
    least = least_size(share, params.confidence)
    few = too_few(found, params, least, name, formula)
    if few is not None:
        return few
    all_of = {
        each: quantile_of(times, p, params.confidence, in_order=True) for each, p in SHARES.items()
    }
    mine = all_of[unit]
    others = ", ".join(
        f"{each.partition('_')[0]} {number(all_of[each].value)} ms"
        for each in SHARES
        if each != unit
    )
    return Measurement(
        estimate=mine,
        formula=formula,
        summary=(
            f"{round(100 * share)} of 100 calls of {rows_a_call(params.rows)} take at most "
            f"{number(mine.value)} ms ({others})"
        ),
        n=made * params.rows,
        part_names=("all rows",),
        series=(
            by_unit(
                {each: (q.value, q.lower, q.upper) for each, q in all_of.items()}, "milliseconds"
            ),
            *_curve(found, mine.value),
        ),
        notes=time_notes(found),
        conditions=found.conditions,
    )


def _curve(found: Timed, mark: float) -> tuple[Series, ...]:
    """Return what share of the calls is answered within which time."""
    ordered = np.sort(found.seconds) * MILLI
    ends = np.unique(np.linspace(0, len(ordered), STEPS + 1)[1:].astype(int))
    if ordered[0] <= 0:
        return ()  # a logarithm has no place for it
    return (
        Series(
            name="answered within",
            kind="curve",
            x=tuple(ordered[ends - 1].tolist()),
            y=tuple((ends / len(ordered)).tolist()),
            x_label="milliseconds (log)",
            y_label="share of calls",
            counts=tuple(np.diff(ends, prepend=0).tolist()),
            mark=mark,
        ),
    )
