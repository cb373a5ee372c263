"""What 1,000 predictions cost, at the prices that the policy declares.

## Question
Is it cheap enough to run?

## How it is measured
`prices` says what is paid: `per_hour` for the machine, `per_call` for each call of a service, or
both, and for the training of the model once, `training`. Calls of `rows` rows are timed as in
operations.latency; the value is the hourly price times the mean hours of 1,000 predictions,
divided by `busy`, the share of the paid time in which the machine answers, plus the price of the
calls that 1,000 predictions take, plus the price of training divided by the predictions it is to
serve, `predictions`. The interval is that of the mean time (Hall's transformation of Student's t);
a price by call alone has none. A change is compared with the approved baseline on like hardware
only.

## When it misleads
- It holds what is declared: storage, people, and the making of features cost, too.
- A machine that waits for calls is paid all the same: set `busy` to what is really used.
- The time is that of the machine the audit runs on, the price that of the one it will run on.

## What to do
Answer more rows a call, use a smaller model, or a cheaper machine; then look at what a wrong
answer costs before a slower, better model is given up.

## If left out
Each answer could cost more than it brings in.

## Sources
- The prices are the policy's own; there is no convention of what a prediction may cost.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pytest_aipm.checks.base import Measurement, Needs
from pytest_aipm.checks.operated import TimedParams, calls_of, rows_a_call, time_notes, too_few
from pytest_aipm.checks.words import number
from pytest_aipm.evidence.evidence import Evidence
from pytest_aipm.records import Formula
from pytest_aipm.stats.means import SMALL, MeanPart
from pytest_aipm.stats.single import census, from_part

NEEDS = Needs(model=True)
KIND = "sample"
SCOPES = "overall"
UNITS = ("",)
WEIGHTED = True
RANGE = (0.0, float("inf"))
DECIDE_ON = "point"
TASKS = ("binary", "multiclass", "regression", "ranking")

THOUSAND, HOUR = 1000, 3600
EXAMPLE = "`prices: {per_hour: 0.40, currency: EUR}`"


class Prices(BaseModel):
    """What is paid, in one currency."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    currency: str = Field(min_length=1, max_length=12)
    """Such as EUR."""
    per_hour: float | None = Field(default=None, ge=0)
    """Of the machine that the model runs on."""
    per_call: float | None = Field(default=None, ge=0)
    """Of each call, where a service is paid by call."""
    training: float | None = Field(default=None, ge=0)
    """Of training the model once."""
    predictions: int | None = Field(default=None, ge=1)
    """Predictions that one training is to serve; needed with `training`."""

    @field_validator("currency")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or not value.strip():
            raise ValueError("is no name of a currency; write EUR, say")
        return value.strip()

    @model_validator(mode="after")
    def _some(self) -> Prices:
        if self.per_hour is None and self.per_call is None:
            raise ValueError(f"names no price; give `per_hour` or `per_call`: {EXAMPLE}")
        if (self.training is None) != (self.predictions is None):
            there = "training" if self.predictions is None else "predictions"
            raise ValueError(
                f"has `{there}` alone; `training` and `predictions`, which it is to serve, go "
                "together"
            )
        return self


class Params(TimedParams):
    """What is paid, and how the model is called."""

    prices: Prices
    """What is paid: `{per_hour: 0.40, currency: EUR}`."""
    busy: float = Field(default=1.0, gt=0, le=1)
    """Share of the paid hours in which the machine answers."""


def check(evidence: Evidence, params: Params) -> Measurement:
    """Measure it; see the module's docstring."""
    prices = params.prices
    fixed = _of_calls(params) + _of_training(prices)
    formula = Formula(
        id=f"cost_{prices.currency}_{params.rows}",
        numerator=f"{prices.currency} for 1,000 predictions",
        population=_basis(params),
    )
    if prices.per_hour is None:
        return Measurement(
            estimate=census(fixed, THOUSAND),
            formula=formula,
            summary=_summary(fixed, params),
            n=THOUSAND,
            part_names=("all rows",),
            notes=(_shares(params, 0.0), "no time was measured: only calls have a price"),
        )
    found = calls_of(evidence, params)
    few = too_few(found, params, SMALL, "a mean time", formula)
    if few is not None:
        return few
    hours = found.seconds * THOUSAND / params.rows / HOUR / params.busy
    part = MeanPart.from_series(prices.per_hour * hours + fixed, limits=(fixed, float("inf")))
    return Measurement(
        estimate=from_part(part, params.confidence),
        formula=formula,
        summary=_summary(part.value, params),
        n=len(found.seconds) * params.rows,
        part_names=("all rows",),
        notes=(_shares(params, part.value - fixed), *time_notes(found)),
        conditions=found.conditions,
    )


def _of_calls(params: Params) -> float:
    """Return what the calls of 1,000 predictions cost."""
    return (params.prices.per_call or 0.0) * THOUSAND / params.rows


def _of_training(prices: Prices) -> float:
    """Return what 1,000 predictions bear of the training."""
    if prices.training is None or prices.predictions is None:
        return 0.0
    return prices.training * THOUSAND / prices.predictions


def _basis(params: Params) -> str:
    prices, said = params.prices, []
    if prices.per_hour is not None:
        said.append(f"{prices.per_hour:g} {prices.currency} an hour, busy {params.busy:g} of it")
    if prices.per_call is not None:
        said.append(f"{prices.per_call:g} {prices.currency} a call of {rows_a_call(params.rows)}")
    if prices.training is not None:
        said.append(
            f"{prices.training:g} {prices.currency} of training for {prices.predictions:,} "
            "predictions"
        )
    return "; ".join(said)


def _summary(value: float, params: Params) -> str:
    return f"1,000 predictions cost {number(value)} {params.prices.currency} ({_basis(params)})"


def _shares(params: Params, time: float) -> str:
    prices = params.prices
    said = [
        f"{name} {number(value)}"
        for name, value, paid in (
            ("machine", time, prices.per_hour),
            ("calls", _of_calls(params), prices.per_call),
            ("training", _of_training(prices), prices.training),
        )
        if paid is not None
    ]
    return f"of 1,000 predictions, in {prices.currency}: {', '.join(said)}"
